//! Where a stream begins: what is replayed, what is told as missing, and that
//! both meet what comes live without a seam.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare::hub::{Filter, Frame, GapReason, Hub, Join, Limits, Located, Start, Subscribe};

use super::support::{
    Got, Stream, all, bodies, event, hub, join, matching, name, named, observe, receipt, send,
    send_many, subscribe,
};

fn from(start: Start, joins: impl IntoIterator<Item = Join>) -> Subscribe {
    Subscribe {
        start,
        ..subscribe(joins)
    }
}

fn few(events: usize) -> Limits {
    Limits {
        log_events: events,
        ..Limits::default()
    }
}

fn expired(channel: &str, after: u64, through: u64) -> Got {
    Got::lost(channel, after, through, GapReason::Expired)
}

fn at(body: &str, seconds: u64) -> Frame {
    Frame {
        published: seconds * 1_000_000_000,
        ..event("", "", body)
    }
}

/// What a stream is told first, whether it recovered, and its first position.
fn begin(hub: &Hub, request: Subscribe) -> (Vec<Got>, bool, u64) {
    let mut stream = Stream::open(hub, request);
    let (position, recovered) = (
        stream.subscription.position(),
        stream.subscription.recovered(),
    );
    (stream.read(), recovered, position)
}

#[test]
fn a_resumed_stream_gets_what_came_after_its_position_in_order() {
    let hub = hub(Limits::default());
    for number in 1..=9 {
        let channel = ["a", "b", "c"][number % 3];
        send(&hub, channel, &number.to_string());
    }
    let request = from(Start::After(4), [join("a"), observe("b")]);
    let mut stream = Stream::open(&hub, request);
    assert_eq!(stream.subscription.position(), 4);
    assert!(stream.subscription.recovered());
    send(&hub, "a", "10");
    assert_eq!(bodies(&stream.read()), ["6", "7", "9", "10"]);
}

#[test]
fn resuming_from_the_newest_position_gives_nothing_and_is_whole() {
    let hub = hub(Limits::default());
    send_many(&hub, "a", 3, "x");
    let whole = begin(&hub, from(Start::After(3), [join("a")]));
    assert_eq!(whole, (vec![], true, 3));
}

#[test]
fn what_was_let_go_before_the_stream_began_is_told_before_anything_else() {
    let hub = hub(few(2));
    send(&hub, "b", "1");
    send_many(&hub, "a", 4, "x");
    send(&hub, "b", "6");
    let request = from(Start::After(0), [join("a"), join("b")]);
    let (got, recovered, position) = begin(&hub, request);
    assert_eq!((recovered, position), (false, 0));
    assert_eq!(got[0], expired("a", 0, 3));
    assert_eq!(got[1], Got::event(1, "1"));
    assert_eq!(
        got[2..],
        [
            Got::Position(3),
            Got::event(4, "x"),
            Got::event(5, "x"),
            Got::event(6, "6")
        ]
    );
}

#[test]
fn a_position_of_another_life_is_one_gap_each_and_then_all_that_is_kept() {
    let hub = hub(few(2));
    send_many(&hub, "a", 3, "x");
    send(&hub, "p.1", "y");
    let request = Subscribe {
        broadcasts: Some(all()),
        ..from(Start::Anew, [join("a"), observe("none"), matching("p.*")])
    };
    let (got, recovered, position) = begin(&hub, request);
    assert_eq!((recovered, position), (false, 0));
    let gap = |channel, through| Got::lost(channel, 0, through, GapReason::EpochChanged);
    let gaps = [gap("a", 1), gap("", 0), gap("none", 0), gap("p.*", 0)];
    assert_eq!(got[..4], gaps);
    assert_eq!(got[4], Got::Position(0), "its first position of this life");
    assert_eq!(
        got[5..],
        [
            Got::Position(1),
            Got::event(2, "x"),
            Got::event(3, "x"),
            Got::event(4, "y")
        ]
    );
}

#[test]
fn the_newest_few_that_pass_the_filter_come_of_each_channel() {
    let hub = hub(Limits::default());
    for number in 1..=3_000 {
        let (event_name, body) = (
            if number % 1_000 == 0 { "rare" } else { "" },
            number.to_string(),
        );
        receipt(&hub, "a", event(event_name, "", &body));
    }
    send_many(&hub, "b", 1, "b");
    let rare = Join {
        filter: named(&["rare"]),
        ..join("a")
    };
    let two = |joins| begin(&hub, from(Start::Last(2), joins));
    let (got, recovered, position) = two(vec![rare, join("b"), join("c")]);
    assert_eq!(bodies(&got), ["2000", "3000", "b"]);
    assert_eq!((recovered, position), (true, 1_999));
    let (got, _, position) = two(vec![join("a")]);
    assert_eq!((bodies(&got), position), (vec!["2999", "3000"], 2_998));
    let (got, recovered, position) = begin(&hub, from(Start::Last(0), [join("a")]));
    assert_eq!((got.len(), recovered, position), (0, true, 3_001));
}

#[test]
fn fewer_than_the_newest_few_are_no_gap() {
    let hub = hub(few(2));
    send_many(&hub, "a", 5, "x");
    let (got, recovered, _) = begin(&hub, from(Start::Last(10), [join("a")]));
    assert_eq!((bodies(&got), recovered), (vec!["x", "x"], true));
}

#[test]
fn ones_own_events_do_not_count_among_the_newest_few() {
    let hub = hub(Limits::default());
    let mine = Stream::open(&hub, subscribe([]));
    send(&hub, "a", "theirs");
    for _ in 0..3 {
        receipt(&hub, "a", event("", &mine.id(), "mine"));
    }
    let request = Subscribe {
        member: Some(mine.subscription.member().clone()),
        ..from(Start::Last(1), [join("a")])
    };
    assert_eq!(bodies(&begin(&hub, request).0), ["theirs"]);
}

#[test]
fn a_rewind_to_a_time_begins_at_the_first_event_published_then() {
    let hub = hub(Limits::default());
    // The clock is set back once.
    for (body, seconds) in [("1", 10), ("2", 20), ("3", 15), ("4", 30)] {
        receipt(&hub, "a", at(body, seconds));
    }
    for (seconds, expected) in [
        (5, &["1", "2", "3", "4"][..]),
        (10, &["1", "2", "3", "4"]),
        (11, &["2", "3", "4"]),
        (20, &["2", "3", "4"]),
        (21, &["4"]),
        (31, &[]),
    ] {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        let (got, recovered, position) = begin(&hub, from(Start::Since(time), [join("a")]));
        assert_eq!(bodies(&got), expected, "{seconds}");
        assert!(recovered);
        assert_eq!(position, 4 - u64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn a_rewind_past_what_is_kept_tells_a_gap_only_if_something_is_gone() {
    let hub = hub(few(2));
    for (body, seconds) in [("1", 10), ("2", 20), ("3", 30), ("4", 40)] {
        receipt(&hub, "a", at(body, seconds));
    }
    let since = |seconds| {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        begin(&hub, from(Start::Since(time), [join("a")]))
    };
    let (got, recovered, _) = since(21);
    assert_eq!((bodies(&got), recovered), (vec!["3", "4"], true));
    let (got, recovered, position) = since(20);
    assert!(!recovered);
    assert_eq!(got[0], expired("a", 0, 2));
    assert!(position < 2, "so that a cut finds the gap again");
    assert_eq!(got.last(), Some(&Got::event(4, "4")));
}

#[tokio::test(start_paused = true)]
async fn what_left_with_its_channel_is_told_where_it_may_be_missed() {
    let hub = hub(Limits::default());
    send_many(&hub, "gone.1", 3, "x");
    tokio::time::advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    assert_eq!(hub.counts().channels, 0);
    let joins = || [observe("gone.1"), matching("gone.*"), join("new")];
    let (got, recovered, _) = begin(&hub, from(Start::After(1), joins()));
    assert!(!recovered);
    assert_eq!(
        got[..3],
        [
            expired("new", 1, 3),
            expired("gone.1", 1, 3),
            expired("gone.*", 1, 3)
        ]
    );
    for whole in [Start::After(3), Start::Live, Start::Last(5)] {
        let (got, recovered, _) = begin(&hub, from(whole, joins()));
        assert_eq!((got, recovered), (vec![], whole != Start::Live));
    }
    let recently = SystemTime::now() - Duration::from_secs(3_600);
    assert!(!begin(&hub, from(Start::Since(recently), joins())).1);
    let later = SystemTime::now() + Duration::from_secs(3_600);
    assert!(begin(&hub, from(Start::Since(later), joins())).1);
}

#[test]
fn broadcasts_are_replayed_like_a_channel() {
    let hub = hub(Limits::default());
    hub.broadcast(event("", "", "1"), None).unwrap();
    send(&hub, "a", "2");
    hub.broadcast(event("", "", "3"), None).unwrap();
    let with = |start| Subscribe {
        broadcasts: Some(Filter::default()),
        ..from(start, [join("a")])
    };
    assert_eq!(
        bodies(&begin(&hub, with(Start::After(0))).0),
        ["1", "2", "3"]
    );
    assert_eq!(bodies(&begin(&hub, with(Start::Last(1))).0), ["2", "3"]);
}

#[test]
fn ten_thousand_gaps_come_in_chunks_before_anything_else() {
    let hub = hub(few(1));
    let names: Vec<_> = (0..10_000)
        .map(|n| format!("{n}.{}", "x".repeat(200)))
        .collect();
    for channel in &names {
        send_many(&hub, channel, 2, "x");
    }
    let request = from(Start::After(0), names.iter().map(|name| join(name)));
    let (got, recovered, _) = begin(&hub, request);
    assert!(!recovered);
    let is_gap = |got: &Got| matches!(got, Got::Gap { .. });
    assert!(got[..10_000].iter().all(is_gap), "the gaps come first");
    let events = got.iter().filter(|got| matches!(got, Got::Event { .. }));
    assert_eq!(events.count(), 10_000);
}

#[test]
fn a_position_is_found_in_this_life_ahead_of_it_or_elsewhere() {
    let hub = hub(Limits::default());
    send(&hub, "a", "x");
    let epoch = hub.epoch().to_string();
    assert_eq!(hub.locate(&epoch, 0), Located::Here(0));
    assert_eq!(hub.locate(&epoch, 1), Located::Here(1));
    assert_eq!(hub.locate(&epoch, 2), Located::Ahead);
    assert_eq!(hub.locate("other", u64::MAX), Located::Elsewhere);
    let _ = name("a");
}
