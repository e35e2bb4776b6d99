//! Members: listed in the order in which they joined, a page at a time.

use bytes::Bytes;
use fanfare::hub::{Hub, Limits, Subscribe};
use fanfare::model::{Error, Limit};

use super::support::{Stream, all, hub, join, name, observe, send, subscribe};

const ROOMY: usize = 1 << 20;

fn profiled(profile: &str) -> Subscribe {
    Subscribe {
        profile: Some(Bytes::copy_from_slice(profile.as_bytes())),
        ..subscribe([join("a")])
    }
}

/// The ids on all pages of `count`, and how many pages there were.
fn pages(hub: &Hub, count: usize, bytes: usize) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = hub.members(&name("a"), after, count, bytes);
        assert!(page.members.len() <= count);
        ids.extend(page.members.iter().map(|member| member.id.to_string()));
        (after, pages) = (page.next, pages + 1);
        if after.is_none() {
            return (ids, pages);
        }
    }
}

#[test]
fn the_first_member_of_the_node_is_listed() {
    let hub = hub(Limits::default());
    let stream = Stream::open(&hub, profiled("{}"));
    let page = hub.members(&name("a"), None, 10, ROOMY);
    assert_eq!((page.total, page.next), (1, None));
    assert_eq!(page.members[0].id.to_string(), stream.id());
    assert_eq!(&page.members[0].profile[..], b"{}");
}

#[test]
fn members_come_in_the_order_in_which_they_joined() {
    let hub = hub(Limits::default());
    let streams: Vec<_> = (0..25).map(|_| Stream::open(&hub, profiled(""))).collect();
    let ids: Vec<_> = streams.iter().map(Stream::id).collect();
    for (count, expected) in [(1, 25), (10, 3), (25, 1), (26, 1), (5, 5)] {
        assert_eq!(pages(&hub, count, ROOMY), (ids.clone(), expected));
    }
}

#[test]
fn a_page_goes_on_where_it_stopped_when_members_leave_and_come() {
    let hub = hub(Limits::default());
    let mut streams: Vec<_> = (0..6).map(|_| Stream::open(&hub, profiled(""))).collect();
    let ids: Vec<_> = streams.iter().map(Stream::id).collect();
    let first = hub.members(&name("a"), None, 3, ROOMY);
    // The last of the page, one before it, and the first of the next.
    streams.drain(1..4);
    let new = Stream::open(&hub, profiled(""));
    let second = hub.members(&name("a"), first.next, 3, ROOMY);
    let rest: Vec<_> = second.members.iter().map(|m| m.id.to_string()).collect();
    assert_eq!(rest, [ids[4].clone(), ids[5].clone(), new.id()]);
    assert_eq!((second.next, second.total), (None, 4));
}

#[test]
fn a_page_ends_at_its_bytes_with_at_least_one_member() {
    let hub = hub(Limits::default());
    let profile = "x".repeat(1_000);
    let _streams: Vec<_> = (0..10)
        .map(|_| Stream::open(&hub, profiled(&profile)))
        .collect();
    assert_eq!(pages(&hub, 100, 3_500).1, 4, "three a page");
    assert_eq!(pages(&hub, 100, 1).1, 10, "one a page");
}

#[test]
fn a_member_leaves_with_its_stream() {
    let hub = hub(Limits::default());
    let stream = Stream::open(&hub, subscribe([join("a"), join("b"), observe("c")]));
    assert_eq!(hub.members(&name("b"), None, 10, ROOMY).total, 1);
    assert_eq!(hub.members(&name("c"), None, 10, ROOMY).total, 0);
    drop(stream);
    for channel in ["a", "b"] {
        assert_eq!(hub.members(&name(channel), None, 10, ROOMY).total, 0);
    }
}

#[test]
fn reading_and_probing_make_nothing() {
    let hub = hub(Limits::default());
    let before = hub.counts();
    for at in 0..1_000 {
        let page = hub.members(&name(&at.to_string()), None, 10, ROOMY);
        assert_eq!((page.total, page.next), (0, None));
    }
    assert_eq!(hub.counts(), before);
}

/// What is left once the channels that a refused stream made have gone.
fn is_as_before(hub: &Hub, stream: Stream) {
    drop(stream);
    hub.sweep_all();
    let empty = super::support::hub(Limits::default()).counts();
    assert_eq!((hub.counts(), hub.waiting_places()), (empty, 0));
}

fn refused(hub: &Hub, request: Subscribe) -> Error {
    hub.subscribe(request).map(drop).unwrap_err()
}

#[test]
fn a_stream_over_the_limit_of_streams_is_refused_and_leaves_nothing() {
    let hub = hub(Limits {
        streams: 1,
        ..Limits::default()
    });
    let stream = Stream::settled(&hub, [join("a")]);
    let full = Error::LimitReached {
        what: Limit::Streams,
        limit: 1,
    };
    assert_eq!(refused(&hub, subscribe([join("b")])), full);
    assert_eq!(hub.counts().channels, 1);
    is_as_before(&hub, stream);
    Stream::settled(&hub, [join("b")]);
}

#[test]
fn subscriptions_over_the_limit_are_refused_and_leave_nothing() {
    let hub = hub(Limits {
        members: 4,
        ..Limits::default()
    });
    let stream = Stream::settled(&hub, [join("a"), observe("b")]);
    let full = Error::LimitReached {
        what: Limit::Members,
        limit: 4,
    };
    let joins = ["a", "b", "c"].map(join);
    assert_eq!(refused(&hub, subscribe(joins)), full);
    assert_eq!(hub.counts().subscriptions, 2);
    assert_eq!(hub.members(&name("a"), None, 10, ROOMY).total, 1);
    Stream::settled(&hub, ["a", "b"].map(join));
    is_as_before(&hub, stream);
}

#[test]
fn channels_over_the_limit_are_refused_and_nothing_is_joined() {
    let hub = hub(Limits {
        channels: 2,
        ..Limits::default()
    });
    let stream = Stream::settled(&hub, [join("a")]);
    let full = Error::LimitReached {
        what: Limit::Channels,
        limit: 2,
    };
    let request = Subscribe {
        broadcasts: Some(all()),
        ..subscribe([join("a"), observe("o"), join("b"), join("c")])
    };
    assert_eq!(refused(&hub, request), full);
    let sent = hub.send(&name("c"), super::support::event("", "", ""), None);
    assert_eq!(sent.unwrap_err(), full);
    let counts = hub.counts();
    assert_eq!((counts.streams, counts.observed), (1, 0));
    assert_eq!(hub.members(&name("a"), None, 10, ROOMY).total, 1);
    hub.sweep_all();
    assert_eq!(send(&hub, "c", "there is room again"), 1);
    let hub = super::support::hub(Limits {
        channels: 2,
        ..Limits::default()
    });
    drop(stream);
    is_as_before(&hub, Stream::settled(&hub, [join("a")]));
}
