//! Idle channels leave, streams leave nothing behind, and a hub that drains
//! delivers first what it has.

use fanfare::hub::{End, Limits, Subscribe};
use fanfare::model::Error;
use tokio::time::{Duration, advance};

use super::support::{Got, Stream, all, event, hub, join, name, observe, send, subscribe};

#[tokio::test(start_paused = true)]
async fn a_channel_stays_while_its_log_holds_something() {
    let hub = hub(Limits::default());
    send(&hub, "a", "x");
    advance(Duration::from_secs(59)).await;
    hub.sweep_all();
    assert_eq!(hub.counts().channels, 1);
    advance(Duration::from_secs(1)).await;
    hub.sweep_all();
    assert_eq!(hub.counts().channels, 0);
}

#[tokio::test(start_paused = true)]
async fn a_channel_stays_while_it_has_members() {
    let hub = hub(Limits::default());
    let stream = Stream::settled(&hub, [join("a")]);
    advance(Duration::from_secs(3_600)).await;
    hub.sweep_all();
    assert_eq!(hub.counts().channels, 1);
    drop(stream);
    hub.sweep_all();
    assert_eq!(hub.counts().channels, 0);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_kept_tidies_by_itself() {
    let hub = hub(Limits::default());
    let keeper = tokio::spawn(hub.clone().keep());
    for at in 0..200 {
        send(&hub, &at.to_string(), "x");
    }
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(hub.counts().channels, 200);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(hub.counts().channels, 0);
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn a_hub_whose_streams_and_events_are_gone_is_as_new() {
    let hub = hub(Limits::default());
    let new = hub.counts();
    let request = |at: u32| Subscribe {
        broadcasts: Some(all()),
        ..subscribe([
            join("a"),
            observe("b"),
            observe("never"),
            join(&at.to_string()),
        ])
    };
    let mut streams: Vec<_> = (0..50).map(|at| Stream::open(&hub, request(at))).collect();
    for at in 0..500 {
        send(&hub, ["a", "b", "7"][at % 3], "x");
        hub.broadcast(event("", "", "y"), None).unwrap();
        streams[at % 40].next();
    }
    drop(streams);
    let counts = hub.counts();
    assert_eq!(
        (counts.streams, counts.subscriptions, counts.observed),
        (0, 0, 0)
    );
    assert_eq!((counts.pinned_bytes, hub.waiting_places()), (0, 0));
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    assert_eq!(hub.counts(), new);
}

#[test]
fn waiting_lists_do_not_grow_when_streams_come_and_go() {
    let hub = hub(Limits::default());
    let request = || Subscribe {
        broadcasts: Some(all()),
        ..subscribe([join("idle")])
    };
    let mut stay: Vec<_> = (0..10).map(|_| Stream::open(&hub, request())).collect();
    for stream in &mut stay {
        assert_eq!(stream.read(), []);
    }
    for _ in 0..1_000 {
        assert_eq!(Stream::open(&hub, request()).read(), []);
        assert!(hub.waiting_places() <= 2 * 2 * 11);
    }
    send(&hub, "idle", "x");
    hub.broadcast(event("", "", "y"), None).unwrap();
    for stream in &mut stay {
        assert_eq!(stream.read(), [Got::event(1, "x"), Got::event(2, "y")]);
    }
    assert_eq!(hub.waiting_places(), 20);
}

#[test]
fn a_hub_that_drains_refuses_what_comes() {
    let hub = hub(Limits::default());
    hub.drain();
    let sent = hub.send(&name("a"), event("", "", ""), None);
    assert_eq!(sent, Err(Error::Draining));
    let sent = hub.broadcast(event("", "", ""), None);
    assert_eq!(sent, Err(Error::Draining));
    let refused = hub.subscribe(subscribe([join("a")])).map(drop);
    assert_eq!(refused, Err(Error::Draining));
    assert_eq!(hub.counts().channels, 0);
}

#[test]
fn a_hub_that_drains_delivers_what_is_numbered_and_then_ends() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [join("a"), join("b")]);
    let mut bare = Stream::settled(&hub, []);
    let big = "x".repeat(10_000);
    for at in 0..10 {
        send(&hub, ["a", "b"][at % 2], &big);
    }
    hub.drain();
    assert!(stream.wakes() > 0 && bare.wakes() > 0);
    let got = stream.read();
    assert_eq!(got.len(), 11);
    assert_eq!(got[10], Got::End(End::Drain));
    assert_eq!(stream.heartbeat(), 10);
    assert_eq!(stream.next(), [Got::End(End::Drain)], "again and again");
    assert_eq!(bare.read(), [Got::End(End::Drain)]);
}
