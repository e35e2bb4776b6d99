//! History and the list of channels: pages that go on where they stopped, and
//! leave nothing behind.

use fanfare::hub::{Hub, Limits, Range, Rule, Start, Subscribe};
use fanfare::model::{ChannelName, Pattern};
use tokio::time::{Duration, advance};

use super::support::{Got, Stream, bodies, decode, hub, join, name, send, send_many, subscribe};

const ROOMY: usize = 1 << 30;

fn few(events: usize) -> Limits {
    Limits {
        log_events: events,
        ..Limits::default()
    }
}

/// What is told of one channel, page by page: the numbers, the gaps, and the
/// position of the last page.
fn read(hub: &Hub, mut range: Range, count: usize) -> (Vec<u64>, Vec<(u64, u64)>, u64) {
    let (mut numbers, mut gaps) = (Vec::new(), Vec::new());
    loop {
        let page = hub.history(&name("a"), range, count, ROOMY);
        assert!(page.frames.len() <= count);
        for frame in &page.frames {
            match decode(frame)[..] {
                [Got::Event { number, .. }] => numbers.push(number),
                ref other => panic!("{other:?}"),
            }
        }
        gaps.extend(page.gap);
        match page.next {
            Some(next) => range = next,
            None => return (numbers, gaps, page.position),
        }
    }
}

fn descending(range: Range) -> Range {
    Range {
        descending: true,
        ..range
    }
}

#[test]
fn history_comes_from_either_end_in_pages_of_any_size() {
    let hub = hub(Limits::default());
    for _ in 0..10 {
        send(&hub, "a", "x");
        send(&hub, "other", "y");
    }
    let all: Vec<_> = (0..10).map(|n| 2 * n + 1).collect();
    let range = |after, before| Range {
        after,
        before,
        ..Range::default()
    };
    for count in [1, 3, 10, 100] {
        for (range, expected, position) in [
            (range(None, None), &all[..], 20),
            (range(Some(0), None), &all, 20),
            (range(Some(5), None), &all[3..], 20),
            (range(None, Some(5)), &all[..2], 4),
            (range(Some(3), Some(9)), &all[2..4], 8),
            (range(Some(9), Some(3)), &[], 2),
            (range(Some(20), None), &[], 20),
            (range(None, Some(0)), &[], 0),
        ] {
            let told = read(&hub, range, count);
            assert_eq!(told, (expected.to_vec(), vec![], position), "{range:?}");
            let (mut numbers, gaps, told) = read(&hub, descending(range), count);
            numbers.reverse();
            assert_eq!((numbers, gaps, told), (expected.to_vec(), vec![], position));
        }
    }
}

#[test]
fn a_page_ends_at_its_bytes_with_at_least_one_event() {
    let hub = hub(Limits::default());
    send_many(&hub, "a", 5, &"x".repeat(1_000));
    let page = |bytes| hub.history(&name("a"), Range::default(), 100, bytes);
    assert_eq!(page(2_500).frames.len(), 2);
    assert_eq!(page(1).frames.len(), 1);
    assert!(page(1).next.is_some());
}

#[test]
fn what_is_missing_of_the_range_is_told_once() {
    let hub = hub(few(4));
    send_many(&hub, "a", 10, "x");
    let after = |after| Range {
        after,
        ..Range::default()
    };
    for (range, gaps) in [
        (after(None), vec![]),
        (after(Some(6)), vec![]),
        (after(Some(5)), vec![(5, 6)]),
        (after(Some(0)), vec![(0, 6)]),
    ] {
        for count in [1, 3, 100] {
            assert_eq!(read(&hub, range, count).1, gaps, "{range:?}");
            assert_eq!(read(&hub, descending(range), count).1, gaps);
        }
    }
    let oldest = hub.history(&name("a"), after(None), 1, ROOMY).oldest;
    assert_eq!(oldest, Some(7));
}

#[test]
fn what_is_let_go_between_two_pages_is_a_gap() {
    for (range, first, then) in [
        (Range::default(), vec![1, 2], (2, 3)),
        (descending(Range::default()), vec![4, 3], (0, 2)),
    ] {
        let hub = hub(few(4));
        send_many(&hub, "a", 4, "x");
        let page = hub.history(&name("a"), range, 2, ROOMY);
        assert_eq!((page.frames.len(), page.gap), (2, None));
        send_many(&hub, "a", 3, "x");
        let (numbers, gaps, _) = read(&hub, page.next.unwrap(), 2);
        assert_eq!(gaps, [then], "after {first:?} comes {numbers:?}");
    }
}

#[test]
fn a_stream_from_the_last_pages_position_misses_nothing_and_gets_nothing_twice() {
    for is_descending in [false, true] {
        let hub = hub(Limits::default());
        send_many(&hub, "a", 5, "old");
        let range = Range {
            descending: is_descending,
            ..Range::default()
        };
        let page = hub.history(&name("a"), range, 2, ROOMY);
        send(&hub, "a", "between");
        let (rest, _, position) = read(&hub, page.next.unwrap(), 2);
        send(&hub, "a", "after");
        let request = Subscribe {
            start: Start::After(position),
            ..subscribe([join("a")])
        };
        let live = Stream::open(&hub, request).read();
        let between = if is_descending {
            vec!["between", "after"]
        } else {
            vec!["after"]
        };
        assert_eq!(bodies(&live), between);
        assert_eq!(rest.len(), if is_descending { 3 } else { 4 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_not_there_has_a_position_and_perhaps_a_gap() {
    let hub = hub(Limits::default());
    let after = |after| Range {
        after,
        ..Range::default()
    };
    assert_eq!(read(&hub, after(None), 5), (vec![], vec![], 0));
    send_many(&hub, "b", 2, "x");
    assert_eq!(read(&hub, after(Some(0)), 5), (vec![], vec![], 2));
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    assert_eq!(read(&hub, after(Some(0)), 5), (vec![], vec![(0, 2)], 2));
    assert_eq!(read(&hub, after(Some(2)), 5), (vec![], vec![], 2));
    assert_eq!(hub.counts().channels, 0);
}

/// All names, page by page, and how many pages there were.
fn names(hub: &Hub, pattern: &str, count: usize) -> (Vec<String>, usize) {
    let pattern = Pattern::new(pattern).unwrap();
    let (mut names, mut pages, mut after) = (Vec::new(), 0, None::<ChannelName>);
    loop {
        let page = hub.channels(&pattern, after.as_ref(), count);
        assert!(page.channels.len() <= count);
        names.extend(page.channels.iter().map(|about| about.name.to_string()));
        (after, pages) = (page.next, pages + 1);
        assert!(pages <= 1_000, "it comes to an end");
        if after.is_none() {
            return (names, pages);
        }
    }
}

#[test]
fn channels_are_listed_in_the_byte_order_of_their_names() {
    let hub = hub(Limits::default());
    let mut all = ["b", "a.b", "a", "a-b", "a.b.c", "Z", "ä", "a.c"].map(str::to_owned);
    for channel in &all {
        send(&hub, channel, "x");
    }
    all.sort();
    for count in [1, 3, 8, 100] {
        let (found, pages) = names(&hub, ">", count);
        assert_eq!(found, all);
        assert_eq!(pages, 8_usize.div_ceil(count));
    }
    assert_eq!(names(&hub, "a.*", 100).0, ["a.b", "a.c"]);
    assert_eq!(names(&hub, "a.>", 100).0, ["a.b", "a.b.c", "a.c"]);
    assert_eq!(names(&hub, "*.b", 100).0, ["a.b"]);
    assert_eq!(names(&hub, "a", 100).0, ["a"]);
    assert_eq!(names(&hub, "none", 100).0, [""; 0]);
}

#[test]
fn a_channel_is_listed_with_its_members_and_its_newest_event() {
    let hub = hub(Limits::default());
    let _stream = Stream::open(&hub, subscribe([join("a"), join("b")]));
    let newest = send(&hub, "a", "x");
    let page = hub.channels(&Pattern::new(">").unwrap(), None, 10);
    let about: Vec<_> = page
        .channels
        .iter()
        .map(|a| (a.members, a.newest))
        .collect();
    assert_eq!(about, [(1, newest), (1, 0)]);
}

#[test]
fn a_page_that_finds_nothing_in_a_long_search_is_empty_and_goes_on() {
    let hub = hub(Limits::default());
    for channel in 0..10_000 {
        send(&hub, &format!("{channel:05}.x"), "x");
    }
    send(&hub, "y.last", "x");
    let first = hub.channels(&Pattern::new("*.last").unwrap(), None, 10);
    assert!(first.channels.is_empty() && first.next.is_some());
    assert_eq!(names(&hub, "*.last", 10), (vec!["y.last".to_owned()], 3));
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_that_matches_says_what_a_channel_keeps() {
    let rule = |pattern: &str, log_events, seconds| Rule {
        pattern: Pattern::new(pattern).unwrap(),
        log_events,
        log_bytes: 1 << 20,
        log_age: Duration::from_secs(seconds),
    };
    let hub = hub(Limits {
        rules: vec![rule("a.b", 2, 600), rule("a.>", 3, 5), rule(">", 4, 60)],
        ..few(5)
    });
    let kept = |channel: &str| {
        let page = hub.history(&name(channel), Range::default(), 100, ROOMY);
        page.frames.len()
    };
    for (channel, events) in [("a.b", 2), ("a.c", 3), ("x", 4)] {
        send_many(&hub, channel, 9, "x");
        assert_eq!(kept(channel), events);
    }
    for (seconds, expected) in [(6, [2, 0, 4]), (60, [2, 0, 0]), (600, [0; 3])] {
        advance(Duration::from_secs(seconds)).await;
        hub.sweep_all();
        assert_eq!(["a.b", "a.c", "x"].map(kept), expected, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_channels_sent_to_once_leave_again() {
    let hub = hub(Limits::default());
    let empty = hub.counts();
    for channel in 0..100_000 {
        send(&hub, &channel.to_string(), "x");
    }
    assert_eq!(hub.counts().channels, 100_000);
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    assert_eq!(hub.counts(), empty);
}

#[test]
fn a_million_names_that_are_asked_for_leave_nothing_behind() {
    let hub = hub(Limits::default());
    let empty = hub.counts();
    for n in 0..1_000_000 {
        let text = format!("probe.{n}");
        let name = name(&text);
        assert_eq!(hub.members(&name, None, 10, ROOMY).total, 0);
        let history = hub.history(&name, Range::default(), 10, ROOMY);
        assert_eq!(history.frames.len(), 0);
        let channels = hub.channels(&Pattern::new(&text).unwrap(), None, 10);
        assert!(channels.channels.is_empty() && channels.next.is_none());
    }
    assert_eq!(hub.counts(), empty);
}
