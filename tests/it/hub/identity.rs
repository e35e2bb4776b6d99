//! A member that comes back: the same id, the same places, one stream.

use bytes::Bytes;
use fanfare::hub::{Change, End, Hub, Join, Limits, Start, Subscribe};
use fanfare::model::{Error, Limit, MemberId};
use tokio::time::{Duration, advance};

use super::support::{
    Got, Stream, ending, event, hub, join, matching, name, observe, receipt, subscribe, watching,
};

const GRACE: Duration = Duration::from_secs(10);

fn graceful() -> Hub {
    hub(Limits {
        leave_grace: GRACE,
        ..Limits::default()
    })
}

/// A stream of this member, or a new one.
fn of(member: Option<&Stream>, joins: impl IntoIterator<Item = Join>) -> Subscribe {
    Subscribe {
        member: member.map(|stream| stream.subscription.member().clone()),
        ..subscribe(joins)
    }
}

/// Opens a stream that breaks or is cancelled.
fn ends(hub: &Hub, breaks: bool, request: Subscribe) -> Stream {
    Stream::with(hub, ending(move || breaks), request)
}

fn watcher(hub: &Hub) -> Stream {
    let mut watcher = Stream::open(hub, subscribe([watching(observe("a"))]));
    watcher.read();
    watcher
}

fn changes(watcher: &mut Stream) -> Vec<Change> {
    let change = |got| match got {
        Got::Presence { change, .. } => change,
        other => panic!("{other:?}"),
    };
    watcher.read().into_iter().map(change).collect()
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_back_within_the_grace_never_left() {
    let hub = graceful();
    let mut watcher = watcher(&hub);
    let stream = ends(&hub, true, of(None, [join("a")]));
    assert_eq!(changes(&mut watcher), [Change::Joined]);
    let again = of(Some(&stream), [join("a")]);
    let (id, joined) = (stream.id(), hub.members(&name("a"), None, 1, 1));
    drop(stream);
    advance(GRACE / 2).await;
    hub.sweep_all();
    assert_eq!(hub.members(&name("a"), None, 1, 1), joined);
    let stream = ends(&hub, true, again);
    assert_eq!(stream.id(), id);
    advance(GRACE * 2).await;
    hub.sweep_all();
    assert_eq!(
        hub.members(&name("a"), None, 1, 1),
        joined,
        "the same place"
    );
    assert_eq!(changes(&mut watcher), []);
    drop(stream);
    advance(GRACE).await;
    hub.sweep_all();
    assert_eq!(changes(&mut watcher), [Change::Left]);
    assert_eq!(hub.counts().members, 1, "the watcher");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_stream_or_no_grace_leaves_at_once() {
    for (hub, breaks) in [(graceful(), false), (hub(Limits::default()), true)] {
        let mut watcher = watcher(&hub);
        drop(ends(&hub, breaks, of(None, [join("a")])));
        assert_eq!(changes(&mut watcher), [Change::Joined, Change::Left]);
    }
}

#[test]
fn a_newer_stream_replaces_the_older_one_without_a_change() {
    let hub = hub(Limits::default());
    let mut watcher = watcher(&hub);
    let mut older = Stream::settled(&hub, [join("a"), join("b")]);
    let mut newer = Stream::open(&hub, of(Some(&older), [join("a"), join("c")]));
    assert_eq!(newer.id(), older.id());
    receipt(&hub, "b", event("", "", "is not waited for"));
    assert_eq!(older.read(), [Got::End(End::Replaced)]);
    let there = |channel| hub.members(&name(channel), None, 10, 10).total;
    assert_eq!(["a", "b", "c"].map(there), [1, 0, 1]);
    drop(older);
    assert_eq!(there("a"), 1, "the older stream's end is not the member's");
    receipt(&hub, "a", event("", "", "x"));
    assert_eq!(newer.read().len(), 1);
    let sent = receipt(&hub, "a", event("", "", "y"));
    assert_eq!(sent.recipients, 2, "the newer one and the watcher");
    drop(newer);
    let got = watcher.read();
    let is_change = |got: &&Got| matches!(got, Got::Presence { .. });
    assert_eq!(
        got.iter().filter(is_change).count(),
        2,
        "joined, left: {got:?}"
    );
    assert_eq!(hub.counts().subscriptions, 1);
}

#[test]
fn events_of_before_are_known_as_ones_own() {
    let hub = hub(Limits::default());
    let stream = Stream::settled(&hub, [join("a")]);
    receipt(&hub, "a", event("", &stream.id(), "mine"));
    receipt(&hub, "a", event("", "", "theirs"));
    let again = Subscribe {
        start: Start::After(0),
        ..of(Some(&stream), [join("a")])
    };
    drop(stream);
    let mut stream = Stream::open(&hub, again);
    assert_eq!(stream.read(), [Got::event(2, "theirs")]);
}

#[test]
fn who_comes_back_without_a_profile_keeps_the_one_it_had() {
    let hub = graceful();
    let mut watcher = watcher(&hub);
    let with = |profile: &'static str, stream: Option<&Stream>| Subscribe {
        profile: Some(Bytes::from_static(profile.as_bytes())),
        ..of(stream, [join("a")])
    };
    let stream = ends(&hub, true, with("1", None));
    let (id, plain) = (
        stream.subscription.member().clone(),
        of(Some(&stream), [join("a")]),
    );
    hub.update(&id, |_| Ok(Bytes::from_static(b"2"))).unwrap();
    drop(stream);
    let stream = ends(&hub, true, plain);
    let profile = |hub: &Hub| {
        hub.members(&name("a"), None, 1, 1).members[0]
            .profile
            .clone()
    };
    assert_eq!(&profile(&hub)[..], b"2");
    let _stream = ends(&hub, true, with("3", Some(&stream)));
    assert_eq!(&profile(&hub)[..], b"3");
    let expected = [Change::Joined, Change::Updated, Change::Updated];
    assert_eq!(changes(&mut watcher), expected);
}

#[tokio::test(start_paused = true)]
async fn an_older_stream_that_breaks_late_does_not_undo_the_newer_ones_grace() {
    let hub = graceful();
    let older = ends(&hub, true, of(None, [join("a")]));
    let newer = ends(&hub, true, of(Some(&older), [join("a")]));
    drop(newer);
    drop(older);
    advance(GRACE).await;
    hub.sweep_all();
    assert_eq!(hub.members(&name("a"), None, 10, 10).total, 0);
    let counts = hub.counts();
    assert_eq!((counts.members, counts.subscriptions), (0, 0));
}

#[test]
fn a_member_that_cannot_come_back_for_a_limit_stays_as_it_was() {
    let hub = hub(Limits {
        channels: 2,
        ..Limits::default()
    });
    let mut stream = Stream::settled(&hub, [join("a"), join("b")]);
    let request = of(Some(&stream), [join("c"), join("a")]);
    let before = hub.counts().subscriptions;
    let error = hub.subscribe(request).unwrap_err();
    assert_eq!(hub.counts().subscriptions, before);
    assert!(matches!(
        error,
        Error::LimitReached {
            what: Limit::Channels,
            ..
        }
    ));
    let there = |channel| hub.members(&name(channel), None, 10, 10).total;
    assert_eq!(["a", "b"].map(there), [1, 1]);
    receipt(&hub, "b", event("", "", "x"));
    assert_eq!(stream.read(), [Got::event(1, "x")], "and goes on");
}

#[test]
fn an_update_is_one_step_and_reaches_every_channel() {
    let hub = hub(Limits::default());
    let stream = Stream::open(&hub, subscribe([join("a"), join("b")]));
    let id = stream.subscription.member();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    let grow = |profile: &Bytes| {
                        std::thread::yield_now();
                        Ok([&profile[..], b"x"].concat().into())
                    };
                    hub.update(id, grow).unwrap();
                }
            });
        }
    });
    for channel in ["a", "b"] {
        let page = hub.members(&name(channel), None, 1, 1);
        assert_eq!(page.members[0].profile.len(), 1_000, "none is lost");
    }
}

#[test]
fn an_update_of_nobody_or_one_that_fails_changes_nothing() {
    let hub = hub(Limits::default());
    let nobody = MemberId::of("nobody");
    let same = |profile: &Bytes| Ok(profile.clone());
    let error = hub.update(&nobody, same).unwrap_err();
    assert_eq!(error, Error::MemberNotFound { id: nobody });
    let stream = Stream::open(&hub, subscribe([join("a")]));
    let id = stream.subscription.member().clone();
    let error = hub.update(&id, |_| Err(Error::Overloaded)).unwrap_err();
    assert_eq!(error, Error::Overloaded);
    drop(stream);
    assert!(matches!(
        hub.update(&id, same),
        Err(Error::MemberNotFound { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_back_with_too_wide_a_pattern_has_its_grace() {
    let hub = hub(Limits {
        leave_grace: GRACE,
        stream_channels: 3,
        ..Limits::default()
    });
    let stream = ends(&hub, true, of(None, [join("a")]));
    for channel in ["p.1", "p.2", "p.3"] {
        receipt(&hub, channel, event("", "", "x"));
    }
    let wide = of(Some(&stream), [join("a"), matching("p.*")]);
    let narrow = of(Some(&stream), [join("a")]);
    drop(stream);
    let error = hub.subscribe(wide).unwrap_err();
    assert!(matches!(
        error,
        Error::LimitReached {
            what: Limit::StreamChannels,
            ..
        }
    ));
    let there = || hub.members(&name("a"), None, 10, 10).total;
    assert_eq!(there(), 1);
    let stream = Stream::open(&hub, narrow);
    assert_eq!(there(), 1);
    drop(stream);
    assert_eq!((there(), hub.counts().subscriptions), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_too_wide_subscribe_failed_may_ask_again() {
    let hub = hub(Limits {
        leave_grace: GRACE,
        stream_channels: 2,
        ..Limits::default()
    });
    let stream = ends(&hub, true, of(None, [join("a")]));
    for channel in ["p.1", "p.2"] {
        receipt(&hub, channel, event("", "", "x"));
    }
    let wide = of(Some(&stream), [join("a"), matching("p.*")]);
    let narrow = of(Some(&stream), [join("a")]);
    drop(stream);
    let mut session = hub.open(None).unwrap();
    session.subscribe(wide).unwrap_err();
    session.subscribe(narrow).unwrap();
    assert_eq!(Stream::of(session).read(), [], "it does not replace itself");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_stream_that_sleeps_takes_nothing_from_other_watchers() {
    let hub = hub(Limits::default());
    let older = [watching(join("a.b")), matching("a.>")];
    let older = Stream::open(&hub, of(None, older));
    let _newer = Stream::open(&hub, of(Some(&older), [join("c")]));
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a.b"))]));
    watcher.read();
    let sent = receipt(&hub, "a.b", event("", "", "1"));
    assert_eq!(watcher.read(), [Got::event(sent.sequence, "1")]);
    drop(older);
    let sent = receipt(&hub, "a.b", event("", "", "2"));
    assert_eq!(sent.recipients, 1);
    assert_eq!(watcher.read(), [Got::event(sent.sequence, "2")]);
    let _member = Stream::open(&hub, subscribe([join("a.b")]));
    assert_eq!(changes(&mut watcher), [Change::Joined]);
}
