//! Lives on real threads: senders, clients that come, read and are cut, and a
//! sweeper that lets channels leave, all at once; verified like the others,
//! but for what only an order of steps could tell.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use fanfare::hub::{End, Hub, Limits, Range, Start, Subscribe};
use fanfare::model::MemberId;
use fastrand::Rng;
use tokio::time::Duration;

use super::client::{Client, Stream};
use super::record::{CHANNELS, Entry, Note, Present, Sent, TEXTS, Told, Truth, Turned, Wish};
use crate::hub::support::{Got, ending, event, hub, name};

const SENDS: usize = 400;
const SENDERS: usize = 2;
const COMES: usize = 25;

struct Life {
    hub: Hub,
    sent: Mutex<BTreeMap<u64, Sent>>,
    told: Mutex<Vec<Told>>,
    over: AtomicBool,
    members: Mutex<Vec<String>>,
}

/// Lives it, and gives what there is to verify.
pub(super) fn live(seed: u64, limits: Limits, wishes: Vec<Wish>) -> (Vec<Truth>, Vec<Told>) {
    let life = Life {
        hub: hub(limits),
        sent: Mutex::default(),
        told: Mutex::default(),
        over: AtomicBool::new(false),
        members: Mutex::default(),
    };
    let streams = thread::scope(|scope| {
        let life = &life;
        let senders: Vec<_> = (0..SENDERS as u64)
            .map(|sender| scope.spawn(move || life.send(&mut Rng::with_seed(seed + sender))))
            .collect();
        scope.spawn(|| {
            while !life.over.load(Ordering::Relaxed) {
                life.hub.sweep_all();
                thread::yield_now();
            }
        });
        let clients: Vec<_> = wishes
            .into_iter()
            .zip(seed + 10..)
            .map(|(wish, seed)| scope.spawn(move || life.client(wish, &mut Rng::with_seed(seed))))
            .collect();
        let sent: Vec<_> = senders
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        let streams: Vec<_> = clients
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        life.over.store(true, Ordering::Relaxed);
        sent.into_iter().for_each(Result::unwrap);
        streams.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    });
    life.end(streams)
}

impl Life {
    fn newest(&self) -> u64 {
        let probe = name("nobody.here");
        self.hub.history(&probe, Range::default(), 1, 1).position
    }

    fn send(&self, rng: &mut Rng) {
        for _ in 0..SENDS {
            let channel = CHANNELS[rng.usize(..CHANNELS.len())];
            let members = self.members.lock().unwrap().clone();
            let sender = rng.choice(&members).filter(|_| rng.bool());
            let sender = sender.cloned().unwrap_or_default();
            let noise = rng.bool();
            let title = if noise { "noise" } else { "signal" };
            let frame = event(title, &sender, &"x".repeat(rng.usize(1..400)));
            let receipt = match channel {
                "" => self.hub.broadcast(frame, None),
                channel => self.hub.send(&name(channel), frame, None),
            };
            let sent = Sent {
                channel,
                noise,
                sender,
                published: 0,
            };
            let number = receipt.unwrap().sequence;
            assert!(self.sent.lock().unwrap().insert(number, sent).is_none());
            if rng.u8(..4) == 0 {
                thread::sleep(Duration::from_micros(rng.u64(..200)));
            }
        }
    }

    fn client(&self, wish: Wish, rng: &mut Rng) -> Stream {
        let mut client = Client::new(wish);
        let mut stream = self.come(&mut client, Start::Live, None, rng);
        for _ in 0..COMES {
            for _ in 0..rng.usize(..60) {
                Self::read(&mut client, &mut stream, rng.usize(..20));
                match rng.u8(..12) {
                    0 => self.join(&mut client, &mut stream, rng),
                    1 => self.leave(&mut client, &mut stream, rng),
                    _ => {}
                }
            }
            if rng.bool() {
                let new = Bytes::from("p".repeat(rng.usize(..40)));
                let _ = self.hub.update(stream.subscription.member(), |_| Ok(new));
            }
            let start = match rng.u8(..8) {
                0 => Start::Live,
                1 => Start::Anew,
                _ => client.resume(0),
            };
            let member = client.known(0).filter(|_| rng.bool());
            if member.is_some() && rng.u8(..3) == 0 {
                let new = self.come(&mut client, start, member, rng);
                stream.told.replaced = true;
                self.bury(std::mem::replace(&mut stream, new));
            } else {
                self.bury(stream);
                stream = self.come(&mut client, start, member, rng);
            }
        }
        stream
    }

    fn come(
        &self,
        client: &mut Client,
        start: Start,
        member: Option<MemberId>,
        rng: &mut Rng,
    ) -> Stream {
        let before = self.newest();
        let broke = rng.bool();
        let profile = rng.bool().then(|| "p".repeat(rng.usize(..40)));
        let request = Subscribe {
            start,
            member,
            profile: profile.map(Bytes::from),
            ..client.wish.request()
        };
        let mut subscription = self.hub.open(Some(ending(move || broke))).unwrap();
        subscription.subscribe(request).unwrap();
        let told = Told {
            wish: client.wish.clone(),
            member: subscription.member().to_string(),
            start,
            position: subscription.position(),
            recovered: subscription.recovered(),
            before,
            ..Told::probe()
        };
        client.ready(&told);
        self.members.lock().unwrap().push(told.member.clone());
        Stream::new(subscription, told, 0)
    }

    fn join(&self, client: &mut Client, stream: &mut Stream, rng: &mut Rng) {
        let entries: Vec<_> = (0..rng.usize(1..4)).map(|_| entry(rng)).collect();
        let fresh = client.wish.fresh(&entries);
        let joins = fresh.0.iter().map(Entry::join).collect();
        let from = stream.subscription.join(joins).unwrap();
        client.wish = client.wish.with(&fresh);
        self.turned(client, stream, from);
    }

    fn leave(&self, client: &mut Client, stream: &mut Stream, rng: &mut Rng) {
        let left = client.wish.picked(&[rng.usize(..6), rng.usize(..6)]);
        let from = self.newest();
        let texts: Vec<_> = left.0.iter().map(Entry::pattern).collect();
        stream.subscription.leave(&texts);
        client.wish = client.wish.without(&left);
        self.turned(client, stream, from);
    }

    fn turned(&self, client: &Client, stream: &mut Stream, from: u64) {
        let (wish, through) = (client.wish.clone(), self.newest());
        stream.turned(Turned {
            wish,
            from,
            through,
        });
    }

    /// Takes some frames, or waits.
    fn read(client: &mut Client, stream: &mut Stream, frames: usize) {
        if stream.coming.is_empty() {
            fetch(stream);
        }
        for _ in 0..frames {
            stream.take(Some(client));
        }
        if stream.coming.is_empty() {
            thread::yield_now();
        }
    }

    fn bury(&self, stream: Stream) {
        let Stream {
            subscription, told, ..
        } = stream;
        drop(subscription);
        self.told.lock().unwrap().push(told);
    }

    /// All is still: now everything must be told.
    fn end(self, mut streams: Vec<Stream>) -> (Vec<Truth>, Vec<Told>) {
        thread::sleep(self.hub.limits().leave_grace);
        self.hub.sweep_all();
        let channels = CHANNELS.into_iter().filter(|channel| !channel.is_empty());
        let quiet = Note::Quiet {
            newest: self.newest(),
            members: channels.map(|name| (name, self.present(name))).collect(),
        };
        for stream in &mut streams {
            while fetch(stream) {}
            while stream.take(None) {}
            let quiet = stream.end.is_none().then(|| quiet.clone());
            stream.told.notes.extend(quiet);
        }
        for stream in streams {
            self.bury(stream);
        }
        let truth = Truth {
            sent: self.sent.into_inner().unwrap(),
            changes: None,
        };
        thread::sleep(self.hub.limits().log_age.max(self.hub.limits().leave_grace));
        self.hub.sweep_all();
        self.hub.sweep_all();
        let (counts, new) = (self.hub.counts(), hub(self.hub.limits().clone()).counts());
        assert_eq!(counts, new, "nothing stays behind");
        assert_eq!(self.hub.waiting_places(), 0);
        (vec![truth], self.told.into_inner().unwrap())
    }

    fn present(&self, channel: &str) -> Present {
        super::run::present(&self.hub, channel)
    }
}

/// Anything that can be asked for but broadcasts.
fn entry(rng: &mut Rng) -> Entry {
    Entry {
        text: rng.choice(TEXTS).unwrap(),
        observes: rng.bool(),
        quiet: rng.u8(..3) == 0,
        echo: rng.bool(),
        presence: rng.bool(),
        strict: rng.u8(..10) == 0,
    }
}

/// Has the next chunk come; false if there is none.
fn fetch(stream: &mut Stream) -> bool {
    let got = stream.poll();
    let more = !got.is_empty();
    stream.coming.extend(got.into_iter().map(note));
    more
}

/// What the node knew by then, nobody can tell.
fn note(got: Got) -> Note {
    match got {
        Got::Gap { .. } => Note::Gap {
            got,
            knows: u64::MAX,
            oldest: u64::MAX,
        },
        Got::End(End::SlowConsumer) => Note::Slow(None),
        got => Note::Got(got),
    }
}

/// Bounds with which everything is soon gone.
pub(super) fn limits(rng: &mut Rng) -> Limits {
    Limits {
        log_events: rng.usize(1..60),
        log_age: Duration::from_micros(rng.u64(50..5_000)),
        leave_grace: Duration::from_micros(rng.u64(..3) * 300),
        ..Limits::default()
    }
}
