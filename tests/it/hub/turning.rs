//! Streams that join more and leave some while they are open: what no random
//! life can count. The rest of it is in `lives`.

use std::thread;

use fanfare::hub::{Hub, Join, Limits, Subscribe};
use fanfare::model::{Error, Limit, Pattern};
use tokio::time::Duration;

use super::support::{
    Got, Stream, event, hub, join, matching, named, observe, receipt, send, subscribe, watching,
};

fn texts(texts: &[&str]) -> Vec<Pattern> {
    texts
        .iter()
        .map(|text| Pattern::new(text).unwrap())
        .collect()
}

/// A hub of streams that may listen to so many channels.
fn narrow(stream_channels: usize) -> Hub {
    hub(Limits {
        stream_channels,
        ..Limits::default()
    })
}

#[test]
fn a_stream_may_join_and_leave_without_end() {
    let hub = narrow(2);
    let mut stream = Stream::settled(&hub, [join("a")]);
    for round in 0..100 {
        for name in ["b", "p.*"] {
            let more = if name == "b" {
                join(name)
            } else {
                matching(name)
            };
            stream.subscription.join(vec![more]).unwrap();
            if round % 2 == 0 {
                assert_eq!(stream.read(), []);
            }
            if round % 3 == 0 {
                send(&hub, "b", "left");
            }
            stream.subscription.leave(&texts(&[name]));
            let number = send(&hub, "a", "x");
            assert_eq!(stream.read(), [Got::event(number, "x")]);
        }
    }
}

#[test]
fn what_it_had_passed_does_not_come_by_another_text() {
    let hub = hub(Limits::default());
    let picky = Join {
        filter: named(&["wanted"]),
        ..join("a")
    };
    let mut stream = Stream::settled(&hub, [picky, matching("*")]);
    for _ in 0..5 {
        receipt(&hub, "a", event("other", "", "x"));
    }
    assert_eq!(stream.read(), []);
    assert_eq!(stream.heartbeat(), 5);
    stream.subscription.leave(&texts(&["a"]));
    let number = send(&hub, "a", "y");
    assert_eq!(stream.read(), [Got::event(number, "y")]);
}

#[test]
fn a_join_of_too_much_is_refused_and_changes_nothing() {
    let hub = narrow(3);
    let (one, two) = ("b.1", "b.2");
    let others = [one, two].map(|name| Stream::settled(&hub, [join(name)]));
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("c"))]));
    watcher.read();
    let mut stream = Stream::settled(&hub, [join("a")]);
    let before = hub.counts();
    let more = vec![join("c"), matching("b.*")];
    let refused = stream.subscription.join(more);
    let is_limit = matches!(
        refused,
        Err(Error::LimitReached {
            what: Limit::StreamChannels,
            limit: 3
        })
    );
    assert!(is_limit, "{refused:?}");
    let absent = vec![watching(observe("d")), matching("b.*")];
    stream.subscription.join(absent).unwrap_err();
    hub.sweep_all();
    assert_eq!(hub.counts().subscriptions, before.subscriptions);
    assert_eq!(hub.counts().observed, before.observed);
    assert_eq!(receipt(&hub, one, event("", "", "")).recipients, 1);
    assert!(matches!(
        watcher.read()[..],
        [Got::Presence { .. }, Got::Presence { .. }]
    ));
    let number = send(&hub, "a", "x");
    assert_eq!(stream.read(), [Got::event(number, "x")]);
    drop((others, watcher, stream));
    assert_eq!(hub.counts().subscriptions, 0);
}

#[test]
fn where_the_node_is_full_nothing_is_joined_and_nothing_kept() {
    let hub = hub(Limits {
        members: 2,
        ..Limits::default()
    });
    let mut stream = Stream::settled(&hub, [join("a")]);
    for more in [
        vec![join("b"), join("c")],
        vec![observe("b"), join("c")],
        vec![matching("b.*")],
    ] {
        stream.subscription.join(more).unwrap_err();
        assert_eq!(hub.counts().subscriptions, 1);
    }
    // Or the pattern would stand for those that were refused.
    hub.sweep_all();
    for (text, more) in [("b", observe("b")), ("*", matching("*")), ("b", join("b"))] {
        stream.subscription.join(vec![more]).unwrap();
        assert_eq!(hub.counts().subscriptions, 2);
        stream.subscription.leave(&texts(&[text]));
        assert_eq!(hub.counts().subscriptions, 1);
    }
    stream.subscription.join(vec![join("b")]).unwrap();
    let mut empty = Stream::open(&hub, Subscribe::default());
    empty.subscription.join(vec![observe("c")]).unwrap_err();
    stream.subscription.leave(&texts(&["a", "b"]));
    assert_eq!(hub.counts().subscriptions, 0);
    empty.subscription.join(vec![observe("c")]).unwrap();
}

#[test]
fn a_first_subscribe_that_is_refused_may_be_followed_by_another() {
    let hub = narrow(2);
    let others = ["b.1", "b.2", "b.3"].map(|name| Stream::settled(&hub, [join(name)]));
    let before = hub.counts();
    let mut stream = hub.open(None).unwrap();
    let much = subscribe([watching(observe("a")), matching("b.*")]);
    stream.subscribe(much).unwrap_err();
    assert_eq!(hub.counts().subscriptions, before.subscriptions);
    assert_eq!(hub.counts().observed, before.observed);
    stream.subscribe(subscribe([join("b.1")])).unwrap();
    assert_eq!(receipt(&hub, "b.1", event("", "", "")).recipients, 2);
    assert_eq!(receipt(&hub, "b.2", event("", "", "")).recipients, 1);
    drop((others, stream));
    assert_eq!(hub.counts().subscriptions, 0);
}

#[test]
fn what_is_listened_to_by_another_text_is_counted_once_and_by_its_filter() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [matching("p.*")]);
    let recipients = |name: &str| receipt(&hub, "p.1", event(name, "", "")).recipients;
    assert_eq!((recipients("x"), recipients("y")), (1, 1));
    let mut only = join("p.1");
    only.filter = named(&["y"]);
    stream.subscription.join(vec![only]).unwrap();
    assert_eq!((recipients("x"), recipients("y")), (0, 1));
    stream.subscription.leave(&texts(&["p.1"]));
    assert_eq!((recipients("x"), recipients("y")), (1, 1));
    stream.subscription.leave(&texts(&["p.*"]));
    assert_eq!((recipients("x"), recipients("y")), (0, 0));
}

/// What is counted by one text and then listened to by another, in the moment
/// between, is counted once: else the count would go below nothing here.
#[test]
fn texts_may_change_while_their_channels_come_and_go() {
    let hub = hub(Limits {
        log_age: Duration::ZERO,
        ..Limits::default()
    });
    thread::scope(|scope| {
        let changing = scope.spawn(|| change_texts(&hub));
        while !changing.is_finished() {
            send(&hub, "p.1", "x");
            hub.sweep_all();
        }
    });
    hub.sweep_all();
    assert_eq!(hub.counts().subscriptions, 0);
    assert_eq!(receipt(&hub, "p.1", event("", "", "")).recipients, 0);
}

fn change_texts(hub: &Hub) {
    let filtered = |join: Join| Join {
        filter: named(&["y"]),
        ..join
    };
    let mut stream = Stream::open(hub, subscribe([matching(">")]));
    for round in 0..20_000 {
        let (text, more) = match round % 3 {
            0 => ("p.1", filtered(observe("p.1"))),
            1 => ("p.1", watching(observe("p.1"))),
            _ => ("p.*", filtered(matching("p.*"))),
        };
        stream.subscription.join(vec![more]).unwrap();
        if round % 3 == 2 {
            stream.subscription.leave(&texts(&[">"]));
            stream.subscription.join(vec![matching(">")]).unwrap();
        }
        stream.subscription.leave(&texts(&[text]));
        if round % 5 == 0 {
            stream.next();
        }
    }
}
