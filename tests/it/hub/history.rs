//! A random life of a hub, checked afterwards: everything numbered after a
//! stream's start, in what it subscribed to, came in order and once, was
//! skipped by its choice, or is covered by a gap; and each gap is a true one.

use std::collections::{BTreeMap, BTreeSet};

use fanfare::hub::{Filter, Hub, Join, Limits, Subscribe};
use proptest::prelude::*;
use tokio::time::{Duration, advance};

use super::support::{Got, Stream, all, event, hub, join, name, named, observe, subscribe};

const CHANNELS: [&str; 5] = ["a", "b", "c", "d", ""];
const STREAMS: usize = 4;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// To the last channel: a broadcast.
    Send {
        channel: usize,
        noise: bool,
        size: usize,
    },
    /// One chunk, or all there is.
    Poll {
        stream: usize,
    },
    Read {
        stream: usize,
    },
    /// A stream comes anew in the place of another.
    Open {
        stream: usize,
    },
    Sweep,
    Pass {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![4 => 1_usize..50, 1 => 2_000_usize..6_000, 1 => Just(15_000_usize)];
    let send = (0..CHANNELS.len(), any::<bool>(), size);
    prop_oneof![
        20 => send.prop_map(|(channel, noise, size)| Step::Send { channel, noise, size }),
        8 => (0..STREAMS).prop_map(|stream| Step::Poll { stream }),
        2 => (0..STREAMS).prop_map(|stream| Step::Read { stream }),
        1 => (0..STREAMS).prop_map(|stream| Step::Open { stream }),
        2 => Just(Step::Sweep),
        2 => (1_u64..20).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// What a stream of each place subscribes to: only `a` has members, so the
/// others leave and come back.
fn request(place: usize) -> Subscribe {
    let quiet = |join: Join| Join {
        filter: named(&["signal"]),
        ..join
    };
    let (joins, broadcasts) = match place {
        0 => (vec![join("a"), observe("b"), observe("c")], Some(all())),
        1 => (["a", "b", "c", "d"].map(observe).to_vec(), None),
        2 => (
            vec![quiet(join("a")), quiet(observe("b"))],
            Some(named(&["signal"])),
        ),
        _ => (["d", "c", "a"].map(observe).to_vec(), Some(all())),
    };
    Subscribe {
        broadcasts,
        ..subscribe(joins)
    }
}

struct Life {
    hub: Hub,
    streams: Vec<Reading>,
    /// What was sent, by number: to which channel, and whether it is noise.
    sent: BTreeMap<u64, (usize, bool)>,
}

struct Reading {
    stream: Stream,
    start: u64,
    takes: Vec<(&'static str, bool)>,
    got: Vec<Got>,
}

impl Reading {
    fn open(hub: &Hub, place: usize) -> Self {
        let request = request(place);
        let noise = |filter: &Filter| *filter == all();
        let mut takes: Vec<_> = CHANNELS
            .into_iter()
            .filter_map(|channel| {
                let mut joins = request.joins.iter();
                let join = joins.find(|join| join.channel.as_str() == channel)?;
                Some((channel, noise(&join.filter)))
            })
            .collect();
        takes.extend(
            request
                .broadcasts
                .as_ref()
                .map(|filter| ("", noise(filter))),
        );
        let stream = Stream::open(hub, request);
        Self {
            start: stream.subscription.position(),
            stream,
            takes,
            got: Vec::new(),
        }
    }

    /// Checks what it got against what was sent, once it has read all.
    fn check(mut self, sent: &BTreeMap<u64, (usize, bool)>) {
        let rest = self.stream.read();
        self.got.extend(rest);
        let newest = sent.last_key_value().map_or(0, |(number, _)| *number);
        assert_eq!(self.stream.heartbeat(), newest.max(self.start));
        for (channel, noise) in &self.takes {
            let numbers = sent.range(self.start + 1..);
            let here = numbers.filter(|(_, (at, _))| CHANNELS[*at] == *channel);
            let due = here
                .clone()
                .filter(|(_, (_, is_noise))| *noise || !is_noise);
            let numbers = here.map(|(number, _)| *number).collect();
            self.check_channel(channel, &numbers, due.map(|(number, _)| *number).collect());
        }
    }

    /// Checks what it got of a channel with events of these `numbers`, of
    /// which some are `due`.
    fn check_channel(&self, channel: &str, numbers: &BTreeSet<u64>, mut due: BTreeSet<u64>) {
        let mut position = self.start;
        for frame in &self.got {
            match frame {
                Got::Event { number, .. } => {
                    let first = due.first() == Some(number);
                    assert!(first || !numbers.contains(number), "in order, each once");
                    due.remove(number);
                    position = *number;
                }
                Got::Gap {
                    channel: of,
                    after,
                    through,
                } if of == channel => {
                    let lost = numbers.range(after + 1..=*through).next();
                    let lost = lost.expect("a gap is a true one");
                    assert!(position < *lost, "and comes before what follows the loss");
                    due.retain(|number| number <= after || number > through);
                }
                Got::Position(told) => position = *told,
                Got::Gap { .. } | Got::End => {}
            }
            assert!(
                due.first().is_none_or(|due| position < *due),
                "no loss without a word"
            );
        }
        assert!(due.is_empty(), "nothing is lost in silence");
    }
}

impl Life {
    /// Sends to every channel, so that all are there and their lists fresh,
    /// and reads all.
    async fn flush(&mut self) {
        for channel in 0..CHANNELS.len() {
            self.step(Step::Send {
                channel,
                noise: false,
                size: 1,
            })
            .await;
        }
        for stream in 0..STREAMS {
            self.step(Step::Read { stream }).await;
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Send {
                channel,
                noise,
                size,
            } => {
                let title = if noise { "noise" } else { "signal" };
                let frame = event(title, "", &"x".repeat(size));
                let receipt = match CHANNELS[channel] {
                    "" => self.hub.broadcast(frame, None),
                    to => self.hub.send(&name(to), frame, None),
                };
                self.sent
                    .insert(receipt.unwrap().sequence, (channel, noise));
            }
            Step::Poll { stream } => {
                let next = self.streams[stream].stream.next();
                self.streams[stream].got.extend(next);
            }
            Step::Read { stream } => {
                let all = self.streams[stream].stream.read();
                self.streams[stream].got.extend(all);
            }
            Step::Open { stream } => {
                let new = Reading::open(&self.hub, stream);
                std::mem::replace(&mut self.streams[stream], new).check(&self.sent);
            }
            Step::Sweep => self.hub.sweep_all(),
            Step::Pass { seconds } => advance(Duration::from_secs(seconds)).await,
        }
    }
}

async fn live(limits: Limits, steps: Vec<Step>) {
    let hub = hub(limits);
    let new = hub.counts();
    let mut life = Life {
        streams: (0..STREAMS)
            .map(|place| Reading::open(&hub, place))
            .collect(),
        hub,
        sent: BTreeMap::new(),
    };
    for step in steps {
        life.step(step).await;
    }
    life.flush().await;
    let places: usize = life.streams.iter().map(|stream| stream.takes.len()).sum();
    assert_eq!(life.hub.waiting_places(), places, "each waits once");
    for stream in life.streams {
        stream.check(&life.sent);
    }
    assert_eq!(life.hub.waiting_places(), 0);
    advance(Duration::from_secs(61)).await;
    life.hub.sweep_all();
    assert_eq!(life.hub.counts(), new, "nothing stays behind");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_nothing_is_lost_in_silence(
        log_events in 1_usize..30,
        log_age in 1_u64..40,
        node_bytes in 20_000_usize..200_000,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let limits = Limits {
            log_events,
            log_age: Duration::from_secs(log_age),
            node_bytes,
            ..Limits::default()
        };
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(live(limits, steps));
    }
}
