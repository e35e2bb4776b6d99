//! Lists of members: whole, of one moment, within a bound, and anew where
//! changes were missed.

use bytes::Bytes;
use fanfare::hub::{Change, Limits, Start, Subscribe};

use super::presence::{listed, profiled, update};
use super::support::{
    Got, Stream, bodies, hub, join, name, observe, send, send_many, subscribe, watching,
};

const ROOMY: usize = 1 << 30;

#[test]
fn a_large_list_comes_in_frames_that_fit_and_is_encoded_once() {
    let hub = hub(Limits::default());
    let profile = "x".repeat(16 << 10);
    let members: Vec<_> = (0..40)
        .map(|_| Stream::open(&hub, profiled(&profile, [join("a")])))
        .collect();
    let mut watchers: Vec<_> = (0..50)
        .map(|_| Stream::open(&hub, subscribe([watching(observe("a"))])))
        .collect();
    let mut first = Vec::new();
    for watcher in &mut watchers {
        let chunk = watcher.chunk().unwrap();
        assert!(chunk.len() <= 256 << 10, "{}", chunk.len());
        first.push(chunk);
    }
    let same = first[0].as_ptr();
    assert!(first.iter().all(|chunk| chunk.as_ptr() == same), "shared");
    let total = 40 * (16 << 10);
    assert!(
        hub.counts().pinned_bytes < 2 * total,
        "once, not fifty times"
    );
    drop(first);
    for mut watcher in watchers {
        let rest = listed(&watcher.read());
        assert!(rest.len() < 40, "the first frame is out already");
        assert_eq!(rest.last().unwrap().0, members[39].id());
    }
    hub.sweep_all();
    assert_eq!(hub.counts().pinned_bytes, 0);
}

#[test]
fn who_comes_after_a_change_gets_a_list_that_holds_it() {
    let hub = hub(Limits::default());
    let watch = || Stream::open(&hub, subscribe([watching(observe("a"))]));
    let member = Stream::open(&hub, profiled("m", [join("a")]));
    let mut first = watch();
    assert_eq!(listed(&first.read()), [(member.id(), "m".into())]);
    update(&hub, &member, "n");
    assert_eq!(listed(&watch().read()), [(member.id(), "n".into())]);
}

#[test]
fn watchers_who_stall_within_lists_hold_no_more_than_the_bound() {
    let hub = hub(Limits {
        list_bytes: 1 << 20,
        ..Limits::default()
    });
    let profile = "x".repeat(16 << 10);
    let mut stalled = Vec::new();
    for _ in 0..100 {
        let mut stream = Stream::open(&hub, profiled(&profile, [watching(join("a"))]));
        let first = stream.chunk().unwrap();
        assert!(first.len() <= 256 << 10);
        stalled.push(stream);
    }
    let one_list = 100 * (17 << 10);
    assert!(hub.counts().pinned_bytes <= (1 << 20) + one_list);
    let got = stalled[50].read();
    let end = |got: &Got| matches!(got, Got::Members { last: true, .. });
    let begins = got.iter().position(
        |got| matches!(got, Got::Members { members, .. } if members[0].0 == stalled[0].id()),
    );
    let ends = got.iter().position(end).unwrap();
    let whole = listed(&got[begins.unwrap()..=ends]);
    assert_eq!(whole.len(), 100, "it begins with a new one");
}

#[test]
fn a_list_that_is_let_go_of_while_it_is_handed_over_begins_anew() {
    let hub = hub(Limits {
        list_bytes: 1,
        ..Limits::default()
    });
    let profile = "x".repeat(16 << 10);
    let members: Vec<_> = (0..40)
        .map(|_| Stream::open(&hub, profiled(&profile, [join("a")])))
        .collect();
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    assert!(watcher.chunk().unwrap().len() <= 256 << 10);
    // One list is kept, and nothing has changed in the channel.
    let mut other = Stream::open(&hub, profiled("", [watching(join("b"))]));
    assert_eq!(listed(&other.read()).len(), 1);
    assert_eq!(listed(&watcher.read()).len(), members.len());
}

#[test]
fn who_falls_behind_the_changes_gets_one_new_list() {
    let hub = hub(Limits::default());
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    watcher.read();
    let members: Vec<_> = (0..3_000)
        .map(|n| Stream::open(&hub, profiled(&n.to_string(), [join("a")])))
        .collect();
    let got = watcher.read();
    assert_eq!(listed(&got).len(), members.len());
    assert!(hub.counts().log_bytes < 1 << 20, "the changes are bounded");
}

#[test]
fn a_thousand_members_who_join_cost_a_watcher_a_thousand_small_frames() {
    let hub = hub(Limits::default());
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    watcher.read();
    let mut members = Vec::new();
    let mut changes = 0;
    for n in 0..1_000 {
        members.push(Stream::open(&hub, subscribe([join("a")])));
        if n % 7 == 0 {
            let got = watcher.read();
            let is_change = |got: &Got| matches!(got, Got::Presence { .. });
            assert!(got.iter().all(is_change), "no list");
            changes += got.len();
        }
    }
    assert_eq!(changes + watcher.read().len(), 1_000);
}

#[test]
fn a_gap_in_the_events_brings_a_new_list() {
    let hub = hub(Limits {
        log_events: 2,
        ..Limits::default()
    });
    let mut watcher = Stream::open(&hub, profiled("w", [watching(join("a"))]));
    watcher.read();
    send_many(&hub, "a", 5, "x");
    let got = watcher.read();
    assert_eq!(got[0], Got::gap("a", 0, 3));
    let lists = got.iter().filter(|got| matches!(got, Got::Members { .. }));
    assert_eq!(lists.count(), 1, "{got:?}");
    assert_eq!(bodies(&got[got.len() - 2..]), ["x", "x"]);
}

#[test]
fn a_resumed_stream_gets_a_new_list_and_no_changes_of_before() {
    let hub = hub(Limits::default());
    let watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    let member = Stream::open(&hub, profiled("m", [join("a")]));
    send(&hub, "a", "x");
    drop(watcher);
    let request = Subscribe {
        start: Start::After(0),
        ..subscribe([watching(observe("a"))])
    };
    let mut watcher = Stream::open(&hub, request);
    let got = watcher.read();
    assert_eq!(listed(&got[..1]), [(member.id(), "m".into())]);
    assert_eq!(got[1..], [Got::event(2, "x")]);
}

#[test]
fn a_list_and_the_changes_after_it_are_who_is_there() {
    let hub = hub(Limits::default());
    let mut random = fastrand::Rng::with_seed(7);
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    let (mut known, mut streams) = (Vec::new(), Vec::new());
    for step in 0..2_000 {
        match random.usize(..10) {
            0..5 => streams.push(Stream::open(&hub, profiled("p", [join("a")]))),
            5..8 if !streams.is_empty() => {
                streams.swap_remove(random.usize(..streams.len()));
            }
            8 if !streams.is_empty() => {
                let profile = ["q", "r"][random.usize(..2)];
                update(&hub, &streams[random.usize(..streams.len())], profile);
            }
            _ => {}
        }
        if step % 50 == 0 {
            follow(&mut known, &watcher.read());
            let page = hub.members(&name("a"), None, usize::MAX, ROOMY);
            let text = |profile: &Bytes| String::from_utf8(profile.to_vec()).unwrap();
            let members = page.members.iter();
            let mut expected: Vec<_> = members
                .map(|member| (member.id.to_string(), text(&member.profile)))
                .collect();
            expected.sort();
            known.sort();
            assert_eq!(known, expected);
        }
    }
}

/// Applies what a watcher got to what it knew.
fn follow(known: &mut Vec<(String, String)>, got: &[Got]) {
    for frame in got {
        match frame {
            Got::Members { members, .. } => known.clone_from(members),
            Got::Presence { change, member, .. } => {
                known.retain(|(id, _)| *id != member.1);
                if *change != Change::Left {
                    known.push((member.1.clone(), member.2.clone()));
                }
            }
            other => panic!("{other:?}"),
        }
    }
}
