//! A random life of a hub, checked afterwards: everything numbered after a
//! stream's start, in what it subscribed to, came in order and once, was
//! skipped by its choice, or is covered by a gap; and each gap is a true one.

use std::collections::BTreeMap;

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
        1 => (1_u64..50).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// What a stream of each place subscribes to.
fn request(place: usize) -> Subscribe {
    let quiet = |join: Join| Join {
        filter: named(&["signal"]),
        ..join
    };
    let (joins, broadcasts) = match place {
        0 => (["a", "b", "c", "d"].map(join).to_vec(), Some(all())),
        1 => (["a", "b", "c"].map(observe).to_vec(), None),
        2 => (
            vec![quiet(join("a")), quiet(observe("b"))],
            Some(named(&["signal"])),
        ),
        _ => (vec![observe("d"), join("c"), observe("a")], Some(all())),
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
            let mut due: Vec<_> = numbers
                .filter(|(_, (at, is_noise))| CHANNELS[*at] == *channel && (*noise || !is_noise))
                .map(|(number, _)| *number)
                .collect();
            let here = |number: &u64| CHANNELS[sent[number].0] == *channel;
            for frame in &self.got {
                match frame {
                    Got::Event { number, .. } if here(number) => {
                        assert_eq!(due.first(), Some(number), "in order, each once");
                        due.remove(0);
                    }
                    Got::Gap {
                        channel: of,
                        after,
                        through,
                    } if of == channel => {
                        let mut lost = sent.range(after + 1..=*through);
                        assert!(lost.any(|(number, _)| here(number)), "a true gap");
                        due.retain(|number| number <= after || number > through);
                    }
                    _ => {}
                }
            }
            assert_eq!(due, [0; 0], "nothing is lost in silence");
        }
    }
}

impl Life {
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
        node_bytes in 20_000_usize..200_000,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let limits = Limits {
            log_events,
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
