//! Patterns: every channel they stand for, from its first event, once.

use fanfare::hub::{End, Join, Limits, Start, Subscribe};
use fanfare::model::{Error, Limit};
use tokio::time::{Duration, advance};

use super::support::{
    Got, Stream, bodies, event, hub, join, matching, named, observe, receipt, send, send_many,
    subscribe,
};

fn wide(channels: usize) -> Limits {
    Limits {
        stream_channels: channels,
        ..Limits::default()
    }
}

#[test]
fn a_channel_that_comes_to_be_is_joined_from_its_first_event() {
    let hub = hub(Limits::default());
    send(&hub, "orders.old", "before");
    let mut stream = Stream::settled(&hub, [matching("orders.*")]);
    let first = receipt(&hub, "orders.new", event("", "", "1"));
    assert_eq!(first.recipients, 1, "counted before it is numbered");
    send(&hub, "orders.old", "2");
    send(&hub, "orders.new.lines", "not this");
    send(&hub, "orders.new", "3");
    assert_eq!(bodies(&stream.read()), ["1", "2", "3"]);
}

#[test]
fn a_channel_that_several_subscriptions_match_comes_once() {
    let hub = hub(Limits::default());
    let filtered = |join: Join, event| Join {
        filter: named(&[event]),
        ..join
    };
    for exact in [join("a.b"), observe("a.b")] {
        let joins = [
            filtered(matching("a.*"), "first"),
            filtered(matching("*.*"), "second"),
            filtered(exact, "exact"),
        ];
        let mut stream = Stream::settled(&hub, joins);
        for event_name in ["first", "second", "exact"] {
            for channel in ["a.b", "a.c", "x.y"] {
                let sent = receipt(&hub, channel, event(event_name, "", event_name));
                assert!(sent.recipients <= 1, "{channel} {event_name}");
            }
        }
        assert_eq!(bodies(&stream.read()), ["first", "second", "exact"]);
        drop(stream);
        assert_eq!(receipt(&hub, "a.b", event("first", "", "")).recipients, 0);
    }
}

#[test]
fn a_pattern_replays_and_counts_as_each_of_its_channels() {
    let hub = hub(Limits::default());
    for body in ["1", "2", "3"] {
        send(&hub, "p.a", body);
        send(&hub, "p.b", body);
    }
    let mut stream = Stream::open(
        &hub,
        Subscribe {
            start: Start::Last(1),
            ..subscribe([matching("p.>")])
        },
    );
    assert_eq!(stream.subscription.position(), 4);
    assert_eq!(bodies(&stream.read()), ["3", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_of_everything_does_not_grow_with_channels_that_come_and_go() {
    let hub = hub(wide(60));
    let mut stream = Stream::settled(&hub, [matching(">")]);
    for round in 0..40 {
        for channel in 0..50 {
            send(&hub, &format!("{round}.{channel}"), "x");
        }
        assert_eq!(stream.read().len(), 50);
        advance(Duration::from_secs(61)).await;
        hub.sweep_all();
        assert_eq!(stream.read(), []);
        assert_eq!(hub.counts().subscriptions, 1, "the pattern's own");
    }
    assert_eq!(hub.counts().channels, 0);
    drop(stream);
    assert_eq!(hub.counts().observed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_left_and_came_back_between_two_polls_is_told() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [matching("a.*")]);
    send_many(&hub, "a.1", 2, "lost");
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    send(&hub, "a.1", "back");
    let got = stream.read();
    assert_eq!(got[0], Got::gap("a.1", 0, 2));
    assert_eq!(got.last(), Some(&Got::event(3, "back")));
    drop(stream);
    assert_eq!(hub.counts().subscriptions, 0);
}

#[test]
fn more_channels_than_a_stream_may_have_are_refused_when_it_begins() {
    let hub = hub(wide(3));
    for channel in ["p.1", "p.2", "p.3"] {
        send(&hub, channel, "x");
    }
    let refused = |joins: Vec<Join>| hub.subscribe(subscribe(joins)).unwrap_err();
    let limit = Error::LimitReached {
        what: Limit::StreamChannels,
        limit: 3,
    };
    assert_eq!(refused(vec![matching("p.*"), join("a")]), limit);
    assert_eq!(refused(["a", "b", "c", "d"].map(join).to_vec()), limit);
    let counts = hub.counts();
    assert_eq!(
        (counts.streams, counts.members, counts.subscriptions),
        (0, 0, 0)
    );
    assert_eq!(counts.observed, 0);
    Stream::settled(&hub, [matching("p.*")]);
}

#[test]
fn a_channel_too_many_that_comes_to_be_ends_the_stream_with_a_word() {
    let hub = hub(wide(3));
    let mut reading = Stream::settled(&hub, [matching("p.*")]);
    let mut idle = Stream::settled(&hub, [matching("p.*")]);
    for channel in ["p.1", "p.2", "p.3"] {
        send(&hub, channel, "x");
        assert_eq!(bodies(&reading.read()), ["x"]);
    }
    let position = reading.subscription.position();
    send(&hub, "p.4", "y");
    send(&hub, "p.1", "after what it is not told");
    for stream in [&mut reading, &mut idle] {
        assert_eq!(
            stream.read(),
            [Got::End(End::LimitReached {
                what: Limit::StreamChannels,
                limit: 3
            })]
        );
    }
    assert_eq!(reading.subscription.position(), position);
    drop((reading, idle));
    assert_eq!(hub.counts().subscriptions, 0);
    assert_eq!(receipt(&hub, "p.4", event("", "", "")).recipients, 0);
}

#[test]
fn a_stream_that_falls_behind_ends_if_it_asked_for_that() {
    let hub = hub(Limits {
        log_events: 4,
        ..Limits::default()
    });
    let strict = |join| Join {
        strict: true,
        ..join
    };
    for target in ["a", "*"] {
        let join = if target == "*" {
            matching("*")
        } else {
            join("a")
        };
        let mut stream = Stream::settled(&hub, [strict(join), observe("b")]);
        send_many(&hub, "b", 6, "x");
        let got = stream.read();
        assert!(
            matches!(got[0], Got::Gap { .. }),
            "the other one is not strict"
        );
        send_many(&hub, "a", 5, "x");
        let before = send(&hub, "b", "behind");
        send_many(&hub, "b", 5, "x");
        let got = stream.read();
        assert_eq!(got.last(), Some(&Got::End(End::SlowConsumer)));
        let told = |got: &Got| matches!(got, Got::Position(told) if *told >= before - 5);
        assert!(
            !got.iter().any(told),
            "no position past what is lost: {got:?}"
        );
        assert!(stream.subscription.position() < before - 5);
        let again = stream.read();
        assert_eq!(again, [Got::End(End::SlowConsumer)], "again and again");
    }
}

#[test]
fn a_start_that_is_too_old_ends_no_strict_stream() {
    let hub = hub(Limits {
        log_events: 4,
        ..Limits::default()
    });
    send_many(&hub, "a", 6, "x");
    let request = Subscribe {
        start: Start::After(1),
        ..subscribe([Join {
            strict: true,
            ..join("a")
        }])
    };
    let got = Stream::open(&hub, request).read();
    assert!(matches!(
        got[0],
        Got::Gap {
            after: 1,
            through: 2,
            ..
        }
    ));
    assert_eq!(got.last(), Some(&Got::event(6, "x")));
}
