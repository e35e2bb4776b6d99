//! What can only go wrong between threads, at the moment at which it would.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;

use bytes::Bytes;
use fanfare::hub::{Change, Clock, Frame, Frames, Gap, Hub, Join, Limits, Start, Subscribe};
use fanfare::model::{Epoch, Member, Position};
use tokio::time::Duration;

use super::support::{
    Got, Plain, Stream, event, hub, join, matching, name, named, observe, receipt, send, subscribe,
    watching,
};

/// Frames of which a change among members takes its time: it is encoded under
/// its channel's lock, before it has a number.
struct Slow<F>(F);

impl<F: Fn() + Send + Sync + 'static> Frames for Slow<F> {
    fn gap(&self, gap: &Gap<'_>, epoch: &Epoch, into: &mut Vec<u8>) {
        Plain.gap(gap, epoch, into);
    }

    fn heartbeat(&self, position: &Position, into: &mut Vec<u8>) {
        Plain.heartbeat(position, into);
    }

    fn presence(&self, channel: &str, change: Change, member: &Member) -> Frame {
        (self.0)();
        Plain.presence(channel, change, member)
    }

    fn members(
        &self,
        channel: &str,
        members: &[Member],
        number: u64,
        last: bool,
        into: &mut Vec<u8>,
    ) {
        Plain.members(channel, members, number, last, into);
    }
}

fn slow(meanwhile: impl Fn() + Send + Sync + 'static) -> Hub {
    Hub::new(Limits::default(), Clock::system(), Slow(meanwhile))
}

#[test]
fn a_change_numbered_after_a_round_began_waits_for_lower_numbers() {
    static HUB: OnceLock<Hub> = OnceLock::new();
    static CHANGES: AtomicBool = AtomicBool::new(false);
    let hub = HUB.get_or_init(|| {
        slow(|| {
            CHANGES.store(true, Ordering::Release);
            // By now the watcher has loaded the number, and waits for the lock.
            thread::sleep(Duration::from_millis(50));
            send(HUB.get().unwrap(), "b", "lower");
        })
    });
    let mut watcher = Stream::open(hub, subscribe([watching(observe("a")), join("b")]));
    watcher.read();
    let member = thread::scope(|scope| {
        let comes = scope.spawn(|| Stream::open(hub, subscribe([join("a")])));
        while !CHANGES.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let mut got = watcher.next();
        let member = comes.join().unwrap();
        got.extend(watcher.read());
        let numbers: Vec<_> = got.iter().map(number).collect();
        assert_eq!(numbers, [1, 2], "{got:?}");
        member
    });
    assert_eq!(watcher.heartbeat(), 2);
    drop(member);
}

fn number(got: &Got) -> u64 {
    match got {
        Got::Event { number, .. } | Got::Presence { number, .. } => *number,
        other => panic!("{other:?}"),
    }
}

/// Who is in a channel and how often it changed, by a list and the changes
/// after it.
#[derive(Default)]
struct Known(Option<HashMap<String, usize>>);

impl Known {
    fn follow(&mut self, got: Vec<Got>) {
        for frame in got {
            match (frame, &mut self.0) {
                (Got::Members { members, .. }, known) => {
                    let members = members.into_iter();
                    *known = Some(members.map(|(id, profile)| (id, profile.len())).collect());
                }
                (
                    Got::Presence {
                        number,
                        change,
                        member: (_, id, profile),
                    },
                    Some(known),
                ) => {
                    let (was, is) = match change {
                        Change::Left => (known.remove(&id), None),
                        _ => (known.insert(id, profile.len()), Some(profile.len())),
                    };
                    let expected = match change {
                        Change::Joined => was.is_none(),
                        Change::Left => was.is_some(),
                        Change::Updated => was.map(|was| (was + 1) % LENGTHS) == is,
                    };
                    assert!(expected, "{change:?} from {was:?} to {is:?} at {number}");
                }
                (other, _) => panic!("{other:?}"),
            }
        }
    }
}

const LENGTHS: usize = 8;

#[test]
fn a_list_is_of_one_moment_whoever_comes_goes_and_changes_meanwhile() {
    let hub = &slow(|| match fastrand::u8(..20) {
        0 => thread::sleep(Duration::from_micros(20)),
        1 => thread::yield_now(),
        _ => {}
    });
    let stay = [(); 2].map(|()| Stream::open(hub, subscribe([join("a")])));
    let ids = stay.each_ref().map(|stream| stream.subscription.member());
    let longer = |profile: &Bytes| Ok(vec![b'x'; (profile.len() + 1) % LENGTHS].into());
    let update = |which: usize| drop(hub.update(ids[which], longer));
    let come_and_go = || drop(Stream::open(hub, subscribe([join("a")])));
    let over = &AtomicBool::new(false);
    let watch = || Stream::open(hub, subscribe([watching(observe("a"))]));
    let mut follower = (watch(), Known::default());
    thread::scope(|scope| {
        let changing = [
            scope.spawn(|| (0..20_000).for_each(|_| update(0))),
            scope.spawn(|| (0..20_000).for_each(|_| update(1))),
            scope.spawn(|| (0..2_000).for_each(|_| come_and_go())),
        ];
        let watching = [(); 6].map(|()| {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    let (mut watcher, mut known) = (watch(), Known::default());
                    (0..fastrand::usize(1..6)).for_each(|_| known.follow(watcher.next()));
                }
            })
        });
        let ends = Ends(over);
        while changing.iter().any(|thread| !thread.is_finished()) {
            follower.1.follow(follower.0.next());
        }
        drop(ends);
        for thread in watching {
            thread.join().unwrap();
        }
    });
    follower.1.follow(follower.0.read());
    let there = hub.members(&name("a"), None, usize::MAX, usize::MAX);
    let there = there.members.iter();
    let there = there.map(|m| (m.id.to_string(), m.profile.len())).collect();
    assert_eq!(follower.1.0, Some(there));
}

#[test]
fn what_leaves_with_its_channel_while_a_stream_joins_is_told() {
    let hub = &hub(Limits {
        log_age: Duration::from_micros(200),
        ..Limits::default()
    });
    let over = &AtomicBool::new(false);
    let others: Vec<_> = (0..1_000).map(|n| format!("other.{n}")).collect();
    thread::scope(|scope| {
        let ends = Ends(over);
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                hub.sweep_all();
            }
        });
        for _ in 0..60 {
            let joins = others.iter().map(|other| observe(other));
            let number = send(hub, "a", "x");
            let mut stream = Stream::open(
                hub,
                Subscribe {
                    start: Start::After(number - 1),
                    ..subscribe(joins.chain([observe("a")]))
                },
            );
            let told = |got: &Got| match got {
                Got::Event { number: told, .. } => *told == number,
                Got::Gap {
                    channel, through, ..
                } => channel == "a" && *through >= number,
                _ => false,
            };
            let got = stream.read();
            assert!(got.iter().any(told), "{number} is lost without a word");
        }
        drop(ends);
    });
}

#[test]
fn a_stream_that_leaves_is_counted_out_as_what_it_was_counted() {
    for _ in 0..200 {
        let hub = &hub(Limits::default());
        let names: Vec<_> = (0..50).map(|n| format!("a.{n}")).collect();
        let by_name = names.iter().map(|name| observe(name));
        let by_pattern = Join {
            filter: named(&["x"]),
            ..matching("a.*")
        };
        let stream = Stream::open(hub, subscribe(by_name.chain([by_pattern])));
        let at_once = &Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                at_once.wait();
                drop(stream);
            });
            at_once.wait();
            for name in &names {
                send(hub, name, "");
            }
        });
        for name in &names {
            let sent = receipt(hub, name, event("x", "", ""));
            assert_eq!(sent.recipients, 0, "{name}");
        }
    }
}

#[test]
fn a_channel_that_is_found_and_told_of_after_another_counts_a_stream_once() {
    let hub = &hub(Limits {
        log_age: Duration::ZERO,
        ..Limits::default()
    });
    // More than are looked at in one step of a search, and held by a member.
    let others: Vec<_> = (0..1_100).map(|n| format!("a.{n}")).collect();
    let _member = Stream::open(hub, subscribe(others.iter().map(|name| join(name))));
    for _ in 0..60 {
        let at_once = &Barrier::new(2);
        let mut stream = thread::scope(|scope| {
            scope.spawn(|| {
                at_once.wait();
                for _ in 0..5 {
                    send(hub, "a.z", "");
                    hub.sweep_all();
                }
                send(hub, "a.z", "");
            });
            at_once.wait();
            Stream::open(hub, subscribe([matching("a.*")]))
        });
        stream.read();
        assert_eq!(receipt(hub, "a.z", event("", "", "")).recipients, 1);
        drop(stream);
        assert_eq!(receipt(hub, "a.z", event("", "", "")).recipients, 0);
        hub.sweep_all();
    }
}

/// Lets the sweeper end, even if the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
