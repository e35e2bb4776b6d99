//! No silent loss: where the log has moved past a cursor, a gap says so.

use fanfare::hub::Limits;
use tokio::time::{Duration, advance};

use super::support::{Got, Stream, hub, join, send, send_many};

fn short_log() -> Limits {
    Limits {
        log_events: 5,
        ..Limits::default()
    }
}

#[test]
fn a_reader_behind_the_log_is_told_exactly_what_it_missed() {
    let hub = hub(short_log());
    let mut stream = Stream::settled(&hub, [join("a")]);
    send(&hub, "a", "read");
    assert_eq!(stream.read(), [Got::event(1, "read")]);
    send_many(&hub, "a", 12, "x");
    let mut told = vec![Got::gap("a", 1, 8), Got::Position(8)];
    told.extend((9..=13).map(|number| Got::event(number, "x")));
    assert_eq!(stream.read(), told);
    send(&hub, "a", "y");
    assert_eq!(stream.read(), [Got::event(14, "y")], "and then no more");
}

#[test]
fn a_gap_comes_before_anything_numbered_after_the_loss() {
    let hub = hub(short_log());
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    send(&hub, "b", "y");
    send_many(&hub, "a", 12, "x");
    send_many(&hub, "b", 11, "y");
    let mut told = vec![Got::gap("b", 0, 19), Got::gap("a", 1, 8)];
    told.extend((9..=13).map(|number| Got::event(number, "x")));
    told.push(Got::Position(19));
    told.extend((20..=24).map(|number| Got::event(number, "y")));
    assert_eq!(stream.read(), told);
}

#[test]
fn a_gap_begins_where_nothing_had_been_lost_yet() {
    let hub = hub(short_log());
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    send_many(&hub, "a", 12, "x");
    send_many(&hub, "b", 12, "y");
    let mut told = vec![Got::gap("a", 0, 7), Got::Position(7)];
    told.extend((8..=12).map(|number| Got::event(number, "x")));
    told.extend([Got::gap("b", 12, 19), Got::Position(19)]);
    told.extend((20..=24).map(|number| Got::event(number, "y")));
    assert_eq!(stream.read(), told);
}

#[test]
fn after_a_run_of_gaps_one_position_is_told() {
    let hub = hub(short_log());
    let mut stream = Stream::settled(&hub, ["a", "b", "c"].map(join));
    for _ in 0..8 {
        for channel in ["a", "b", "c"] {
            send(&hub, channel, "x");
        }
    }
    let mut told = vec![
        Got::gap("a", 0, 7),
        Got::gap("b", 1, 8),
        Got::gap("c", 2, 9),
        Got::Position(9),
    ];
    told.extend((10..=24).map(|number| Got::event(number, "x")));
    assert_eq!(stream.read(), told);
}

#[test]
fn others_miss_nothing_when_one_falls_behind() {
    let hub = hub(short_log());
    let mut prompt = Stream::settled(&hub, ["a", "b"].map(join));
    let mut late = Stream::settled(&hub, ["a", "b"].map(join));
    for number in 1..=40 {
        let channel = if number % 3 == 0 { "b" } else { "a" };
        assert_eq!(send(&hub, channel, "x"), number);
        assert_eq!(prompt.read(), [Got::event(number, "x")]);
    }
    let told = late.next();
    assert_eq!(told[..2], [Got::gap("a", 0, 32), Got::gap("b", 2, 24)]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_with_nothing_behind_it_is_told_with_the_position() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [join("a")]);
    send_many(&hub, "a", 3, "x");
    send(&hub, "elsewhere", "x");
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    let told = [Got::gap("a", 0, 3), Got::Position(4)];
    assert_eq!(stream.read(), told);
    assert_eq!(stream.read(), []);
}

#[test]
fn a_reader_that_waits_at_the_end_has_no_gap_whatever_goes() {
    let hub = hub(Limits {
        log_events: 1,
        ..Limits::default()
    });
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    for number in 1..=20 {
        send(&hub, "a", "x");
        assert_eq!(stream.read(), [Got::event(number, "x")]);
    }
}

#[test]
fn an_event_taken_while_it_stood_in_line_becomes_a_gap() {
    let hub = hub(short_log());
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    send(&hub, "a", &"x".repeat(5_000));
    send(&hub, "b", "waits its turn");
    assert_eq!(stream.next().len(), 1, "the first chunk is a's alone");
    send_many(&hub, "b", 6, "x");
    let mut told = vec![Got::gap("b", 1, 3), Got::Position(3)];
    told.extend((4..=8).map(|number| Got::event(number, "x")));
    assert_eq!(stream.read(), told);
}

#[test]
fn the_nodes_budget_takes_the_oldest_events_of_other_channels() {
    let hub = hub(Limits {
        node_bytes: 400_000,
        ..Limits::default()
    });
    let mut stream = Stream::settled(&hub, ["old", "young"].map(join));
    let body = "x".repeat(10_000);
    send_many(&hub, "old", 20, &body);
    send_many(&hub, "young", 30, &body);
    assert!(hub.counts().log_bytes <= 400_000);
    let got = stream.read();
    let Got::Gap {
        channel,
        after: 0,
        through,
        ..
    } = &got[0]
    else {
        panic!("{:?}", got[0]);
    };
    assert_eq!(channel, "old");
    assert!(
        (12..20).contains(through),
        "no more than need be: {through}"
    );
    let kept = u64::try_from(got.len()).unwrap() - 2;
    assert_eq!(kept, 50 - through, "all else is there");
}
