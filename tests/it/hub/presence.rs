//! Presence: a list of the members, then each change, to those who watch.

use bytes::Bytes;
use fanfare::hub::{Change, Hub, Join, Limits, Subscribe};
use tokio::time::{Duration, advance};

use super::support::{Got, Stream, hub, join, observe, send, send_many, subscribe, watching};

pub(super) fn profiled(profile: &str, joins: impl IntoIterator<Item = Join>) -> Subscribe {
    Subscribe {
        profile: Some(Bytes::copy_from_slice(profile.as_bytes())),
        ..subscribe(joins)
    }
}

fn change(number: u64, change: Change, stream: &str, profile: &str) -> Got {
    Got::Presence {
        number,
        change,
        member: ("a".into(), stream.into(), profile.into()),
    }
}

/// The members in the lists of `got`, which holds nothing else.
pub(super) fn listed(got: &[Got]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (at, frame) in got.iter().enumerate() {
        match frame {
            Got::Members { members, last, .. } => {
                assert_eq!(*last, at + 1 == got.len(), "the last one is marked");
                all.extend(members.clone());
            }
            other => panic!("wanted a list, got {other:?}"),
        }
    }
    all
}

pub(super) fn update(hub: &Hub, stream: &Stream, profile: &'static str) {
    let set = |_: &Bytes| Ok(Bytes::from_static(profile.as_bytes()));
    hub.update(stream.subscription.member(), set).unwrap();
}

#[test]
fn a_watcher_gets_the_members_itself_included_and_then_the_changes() {
    let hub = hub(Limits::default());
    let first = Stream::open(&hub, profiled("1", [join("a")]));
    let mut watcher = Stream::open(&hub, profiled("w", [watching(join("a"))]));
    assert_eq!(
        listed(&watcher.read()),
        [(first.id(), "1".into()), (watcher.id(), "w".into())]
    );
    let second = Stream::open(&hub, profiled("2", [join("a")]));
    send(&hub, "a", "hello");
    update(&hub, &second, "new");
    let (first_id, second_id) = (first.id(), second.id());
    drop(first);
    assert_eq!(
        watcher.read(),
        [
            change(1, Change::Joined, &second_id, "2"),
            Got::event(2, "hello"),
            change(3, Change::Updated, &second_id, "new"),
            change(4, Change::Left, &first_id, "1"),
        ]
    );
    assert_eq!(watcher.heartbeat(), 4);
}

#[test]
fn changes_take_numbers_only_while_somebody_watches() {
    let hub = hub(Limits::default());
    let quiet = Stream::open(&hub, subscribe([join("a")]));
    update(&hub, &quiet, "x");
    assert_eq!(send(&hub, "a", "first"), 1);
    let watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    update(&hub, &quiet, "y");
    assert_eq!(send(&hub, "a", "third"), 3);
    drop(watcher);
    update(&hub, &quiet, "z");
    assert_eq!(send(&hub, "a", "fourth"), 4);
}

#[test]
fn the_same_profile_again_is_no_change() {
    let hub = hub(Limits::default());
    let mut watcher = Stream::open(&hub, profiled("same", [watching(join("a"))]));
    assert_eq!(listed(&watcher.read()).len(), 1);
    update(&hub, &watcher, "same");
    assert_eq!(watcher.read(), []);
}

#[test]
fn changes_wake_only_those_who_watch() {
    let hub = hub(Limits::default());
    let plain = Stream::settled(&hub, [join("a")]);
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    watcher.read();
    let (woken, before) = (watcher.wakes(), plain.wakes());
    let _new = Stream::open(&hub, subscribe([join("a")]));
    assert_eq!((plain.wakes(), watcher.wakes()), (before, woken + 1));
    send(&hub, "a", "x");
    assert_eq!(plain.wakes(), before + 1);
}

#[test]
fn a_watcher_of_a_channel_that_is_not_there_learns_that_nobody_is_in_it() {
    let hub = hub(Limits::default());
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    assert_eq!(listed(&watcher.read()), []);
    assert_eq!(hub.counts().channels, 0);
    send(&hub, "b", "raises the number");
    let member = Stream::open(&hub, profiled("m", [join("a")]));
    assert_eq!(
        watcher.read(),
        [change(2, Change::Joined, &member.id(), "m")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_watcher_follows_a_channel_that_leaves_and_comes_back() {
    let hub = hub(Limits::default());
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    watcher.read();
    for _ in 0..3 {
        let member = Stream::open(&hub, profiled("m", [join("a")]));
        let id = member.id();
        drop(member);
        let got = watcher.read();
        let told = |at: usize, change| match &got[at] {
            Got::Presence {
                change: is, member, ..
            } => *is == change && member.1 == id,
            _ => false,
        };
        assert!(told(0, Change::Joined) && told(1, Change::Left), "{got:?}");
        advance(Duration::from_secs(61)).await;
        hub.sweep_all();
        assert_eq!(hub.counts().channels, 0);
        assert_eq!(watcher.read(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_slept_while_its_channel_left_gets_a_new_list() {
    let hub = hub(Limits::default());
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    watcher.read();
    drop(Stream::open(&hub, profiled("gone", [join("a")])));
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    let member = Stream::open(&hub, profiled("m", [join("a")]));
    let got = watcher.read();
    let lists: Vec<_> = got
        .into_iter()
        .filter(|got| matches!(got, Got::Members { .. }))
        .collect();
    assert_eq!(listed(&lists), [(member.id(), "m".into())]);
}

#[test]
fn changes_and_events_of_other_channels_come_in_order() {
    let hub = hub(Limits::default());
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a")), join("b")]));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| {
                (0..5_000).for_each(|_| drop(Stream::open(&hub, subscribe([join("a")]))));
            }),
            scope.spawn(|| send_many(&hub, "b", 10_000, "x")),
        ];
        scope.spawn(|| {
            for thread in threads {
                thread.join().unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        // Each chunk is checked for order as it comes.
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            watcher.next();
        }
    });
    watcher.read();
    assert_eq!(watcher.heartbeat(), 20_000);
}
