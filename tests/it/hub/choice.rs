//! Filters, echo and broadcasts: what a stream skips by its own choice.

use fanfare::hub::{Filter, Join, Limits, Subscribe};

use super::support::{
    Got, Stream, all, bodies, event, hub, join, name, named, observe, receipt, send, subscribe,
};

fn filtered(channel: &str, filter: Filter) -> Join {
    Join {
        filter,
        ..join(channel)
    }
}

#[test]
fn a_filter_takes_the_events_of_its_names() {
    let hub = hub(Limits::default());
    let filter = named(&["typing", "message"]);
    let mut stream = Stream::settled(&hub, [filtered("a", filter)]);
    for name in ["message", "other", "", "typing", "typin", "message"] {
        receipt(&hub, "a", event(name, "", name));
    }
    assert_eq!(bodies(&stream.read()), ["message", "typing", "message"]);
}

#[test]
fn what_a_filter_skips_counts_as_passed() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [filtered("a", named(&["wanted"]))]);
    for _ in 0..5_000 {
        receipt(&hub, "a", event("other", "", "x"));
    }
    assert_eq!(stream.read(), []);
    assert_eq!(stream.heartbeat(), 5_000);
    receipt(&hub, "a", event("wanted", "", "x"));
    assert_eq!(stream.read(), [Got::event(5_001, "x")]);
}

#[test]
fn who_takes_other_events_sleeps_on() {
    let hub = hub(Limits::default());
    let mut picky = Stream::settled(&hub, [filtered("a", named(&["wanted", "too"]))]);
    let mut curious = Stream::settled(&hub, [join("a")]);
    for _ in 0..10 {
        receipt(&hub, "a", event("other", "", "x"));
    }
    assert_eq!((picky.wakes(), curious.wakes()), (0, 1));
    receipt(&hub, "a", event("too", "", "y"));
    assert_eq!((picky.wakes(), curious.wakes()), (1, 1));
    assert_eq!(picky.read(), [Got::event(11, "y")]);
    assert_eq!(curious.read().len(), 11);
    receipt(&hub, "a", event("other", "", "x"));
    assert_eq!((picky.wakes(), curious.wakes()), (1, 2));
}

#[test]
fn what_was_for_others_is_no_gap_when_it_is_gone() {
    let hub = hub(Limits {
        log_events: 10,
        ..Limits::default()
    });
    let mut stream = Stream::settled(&hub, [filtered("a", named(&["wanted"]))]);
    for round in 1..=3 {
        for _ in 0..100 {
            receipt(&hub, "a", event("other", "", "x"));
        }
        receipt(&hub, "a", event("wanted", "", "y"));
        assert_eq!(stream.read(), [Got::event(round * 101, "y")]);
    }
}

#[test]
fn what_was_for_others_before_a_mark_is_no_gap_however_late_it_is_read() {
    let hub = hub(Limits {
        log_events: 10,
        ..Limits::default()
    });
    let wanted = ["a", "b"].map(|channel| filtered(channel, named(&["wanted"])));
    let mut stream = Stream::settled(&hub, wanted);
    receipt(&hub, "a", event("wanted", "", "x"));
    for _ in 0..100 {
        receipt(&hub, "b", event("other", "", "x"));
    }
    receipt(&hub, "b", event("wanted", "", "y"));
    let both = [Got::event(1, "x"), Got::event(102, "y")];
    assert_eq!(stream.read(), both);
}

#[test]
fn a_stream_skips_its_own_events_unless_it_echoes() {
    let hub = hub(Limits::default());
    let mut silent = Stream::settled(&hub, [join("a")]);
    let mut echoing = Stream::settled(&hub, [filtered("a", all().with_echo())]);
    for sender in [silent.id(), echoing.id(), String::new()] {
        receipt(&hub, "a", event("", &sender, "x"));
    }
    let number = |got: &Got| match got {
        Got::Event { number, .. } => *number,
        other => panic!("{other:?}"),
    };
    let numbers = |got: Vec<Got>| got.iter().map(number).collect::<Vec<_>>();
    assert_eq!(numbers(silent.read()), [2, 3]);
    assert_eq!(numbers(echoing.read()), [1, 2, 3]);
}

#[test]
fn a_broadcast_comes_to_every_stream_in_its_place() {
    let hub = hub(Limits::default());
    let request = |joins, broadcasts| Subscribe {
        joins,
        broadcasts,
        ..Subscribe::default()
    };
    let mut bare = Stream::open(&hub, request(vec![], Some(all())));
    let mut both = Stream::open(&hub, request(vec![join("a")], Some(all())));
    let mut picky = Stream::open(&hub, request(vec![], Some(named(&["news"]))));
    let mut deaf = Stream::open(&hub, request(vec![join("a")], None));
    let received = hub.broadcast(event("news", "", "1"), None).unwrap();
    assert_eq!((received.sequence, received.recipients), (1, 3));
    send(&hub, "a", "2");
    let received = hub.broadcast(event("other", "", "3"), None).unwrap();
    assert_eq!((received.sequence, received.recipients), (3, 2));
    assert_eq!(bodies(&bare.read()), ["1", "3"]);
    assert_eq!(bodies(&both.read()), ["1", "2", "3"]);
    assert_eq!(bodies(&picky.read()), ["1"]);
    assert_eq!(bodies(&deaf.read()), ["2"]);
}

#[test]
fn recipients_are_the_subscriptions_that_take_the_event() {
    let hub = hub(Limits::default());
    let listens = Join {
        filter: named(&["news", "other"]),
        ..observe("a")
    };
    let joins = [join("a"), filtered("a", named(&["news"])), listens];
    let streams = joins.map(|join| Stream::open(&hub, subscribe([join])));
    let recipients = |name| receipt(&hub, "a", event(name, "", "")).recipients;
    assert_eq!(
        [recipients("news"), recipients("other"), recipients("x")],
        [3, 2, 1]
    );
    drop(streams);
    assert_eq!(recipients("news"), 0);
    assert_eq!(hub.members(&name("a"), None, 10, 1_000).total, 0);
}
