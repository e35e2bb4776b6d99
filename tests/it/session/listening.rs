//! What a session listens to, from its first subscribe on.

use std::time::Duration;

use fanfare::rpc::client::{
    BroadcastRequest, PresenceKind, SubscribeRequest, Subscription, UpdateProfile, reply,
    session_request::Request, session_response::Frame,
};

use super::Session;
use crate::support::{node, send, sequence, text, to};

fn only(channel: &str, event: &str) -> SubscribeRequest {
    let mut request = to([channel]);
    request.subscriptions[0].events = vec![event.to_owned()];
    request
}

fn body(event: &fanfare::rpc::client::Event) -> &str {
    use fanfare::rpc::client::payload::Kind;
    match event
        .payload
        .as_ref()
        .and_then(|payload| payload.kind.as_ref())
    {
        Some(Kind::Text(text)) => text,
        other => panic!("not a text: {other:?}"),
    }
}

#[tokio::test]
async fn a_later_channel_runs_from_its_ready_on() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    let first = session.subscribe(to(["a"])).await;
    for _ in 0..2 {
        send(&mut client, text("b", "e", "before")).await;
    }
    let ready = session.subscribe(to(["b"])).await;
    assert_eq!(ready.member_id, first.member_id);
    assert_eq!(ready.member_token, first.member_token);
    assert!(!ready.recovered);
    let sent = send(&mut client, text("b", "e", "after")).await;
    let from = ready.position.unwrap().sequence;
    assert!(from < sequence(&sent));
    let event = session.event().await;
    assert_eq!((body(&event), event.sequence), ("after", from + 1));
}

#[tokio::test]
async fn what_was_in_line_in_older_channels_still_comes_after_a_later_ready() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    session.subscribe(to(["a"])).await;
    let asked = session.requests.clone().unwrap();
    for at in 0..100 {
        send(&mut client, text("a", "e", &at.to_string())).await;
    }
    let request = Some(Request::Subscribe(to(["b"])));
    let request = fanfare::rpc::client::SessionRequest { id: 2, request };
    asked.send(request).await.unwrap();
    let (mut events, mut is_ready) = (Vec::new(), false);
    while events.len() < 100 || !is_ready {
        match session.next().await.unwrap().unwrap() {
            Frame::Event(event) => events.push(body(&event).to_owned()),
            Frame::Reply(reply) => is_ready |= reply.id == 2,
            Frame::Heartbeat(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let expected: Vec<_> = (0..100).map(|at| at.to_string()).collect();
    assert_eq!(events, expected);
}

#[tokio::test]
async fn what_is_unsubscribed_comes_no_more_and_may_come_again() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    session.subscribe(to(["a", "b", "p.*"])).await;
    session.unsubscribe(&["a", "p.*"]).await;
    for channel in ["a", "p.1"] {
        let sent = send(&mut client, text(channel, "e", "missed")).await;
        assert_eq!(sent.recipients, 0);
    }
    send(&mut client, text("b", "e", "heard")).await;
    assert_eq!(body(&session.event().await), "heard");
    session.subscribe(to(["a", "p.*"])).await;
    send(&mut client, text("a", "e", "again")).await;
    send(&mut client, text("p.1", "e", "again")).await;
    assert_eq!(session.event().await.channel, "a");
    assert_eq!(session.event().await.channel, "p.1");
    node.until(
        "one place in a, one in b, two of the pattern, one of its channel",
        |counts| counts.subscriptions == 5,
    )
    .await;
}

#[tokio::test]
async fn a_pattern_that_still_matches_takes_over_where_the_name_was() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    session.subscribe(to(["p.1"])).await;
    session.subscribe(to(["p.*"])).await;
    let mut expected = Vec::new();
    for round in 0..50 {
        for at in 0..3 {
            let text_of = format!("{round}.{at}");
            send(&mut client, text("p.1", "e", &text_of)).await;
            expected.push(text_of);
        }
        let request = if round % 2 == 0 {
            super::unsubscribe(&["p.1"])
        } else {
            Request::Subscribe(to(["p.1"]))
        };
        session.ask(request).await;
    }
    let (mut events, mut replies) = (Vec::new(), 2);
    while events.len() < expected.len() || replies < session.last {
        match session.next().await.unwrap().unwrap() {
            Frame::Event(event) => events.push(body(&event).to_owned()),
            Frame::Reply(reply) => {
                replies += 1;
                assert_eq!(reply.id, replies);
                assert!(
                    !matches!(reply.result, Some(reply::Result::Error(_))),
                    "{reply:?}"
                );
            }
            Frame::Heartbeat(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(events, expected, "nothing missed, nothing twice");
}

#[tokio::test]
async fn a_name_decides_over_the_patterns_before_it() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    session.subscribe(to(["p.*"])).await;
    send(&mut client, text("p.1", "x", "1")).await;
    assert_eq!(body(&session.event().await), "1");
    session.subscribe(only("p.1", "y")).await;
    assert_eq!(send(&mut client, text("p.1", "x", "2")).await.recipients, 0);
    assert_eq!(send(&mut client, text("p.1", "y", "3")).await.recipients, 1);
    assert_eq!(body(&session.event().await), "3");
    session.unsubscribe(&["p.1"]).await;
    assert_eq!(send(&mut client, text("p.1", "x", "4")).await.recipients, 1);
    assert_eq!(body(&session.event().await), "4");
}

#[tokio::test]
async fn a_member_is_listed_while_it_is_subscribed() {
    let node = node().await;
    let mut client = node.client().await;
    let mut watcher = Session::open(&mut client).await;
    let watch = Subscription {
        channel: "a".into(),
        presence: true,
        observe: true,
        ..Subscription::default()
    };
    let watch = SubscribeRequest {
        subscriptions: vec![watch],
        ..SubscribeRequest::default()
    };
    watcher.subscribe(to([])).await;
    watcher.subscribe(watch).await;
    let Some(Frame::Members(list)) = watcher.next().await.unwrap() else {
        panic!("the list first")
    };
    assert!(list.members.is_empty());
    let mut session = Session::open(&mut client).await;
    let ready = session.subscribe(to([])).await;
    session.subscribe(to(["a"])).await;
    let update = Request::Update(UpdateProfile::default());
    assert!(matches!(
        session.answered(update).await,
        reply::Result::Done(_)
    ));
    session.unsubscribe(&["a"]).await;
    for kind in [PresenceKind::Joined, PresenceKind::Left] {
        let Some(Frame::Presence(change)) = watcher.next().await.unwrap() else {
            panic!("{kind:?}")
        };
        assert_eq!(change.kind(), kind);
        assert_eq!(change.member.unwrap().id, ready.member_id);
    }
    watcher.unsubscribe(&["a"]).await;
    node.until("nobody in a", |counts| counts.subscriptions == 0)
        .await;
}

#[tokio::test]
async fn the_first_subscribe_decides_on_broadcasts_and_heartbeats() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    let request = SubscribeRequest {
        heartbeat_interval: Some(prost_types::Duration {
            seconds: 1,
            nanos: 0,
        }),
        ..to([])
    };
    let ready = session.subscribe(request).await;
    let interval: Duration = ready.heartbeat_interval.unwrap().try_into().unwrap();
    assert_eq!(interval, Duration::from_secs(1));
    // Not at the node's own interval, which is 25 s.
    let soon = tokio::time::timeout(Duration::from_secs(6), session.next()).await;
    assert!(
        matches!(soon, Ok(Ok(Some(Frame::Heartbeat(_))))),
        "{soon:?}"
    );
    client.broadcast(BroadcastRequest::default()).await.unwrap();
    assert_eq!(session.event().await.channel, "");
    let later = session.subscribe(to(["a"])).await;
    assert_eq!(later.heartbeat_interval, ready.heartbeat_interval);
}

#[tokio::test]
async fn after_a_cut_one_first_subscribe_lists_everything() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    let ready = session.subscribe(to(["a"])).await;
    session.subscribe(to(["b"])).await;
    send(&mut client, text("b", "e", "1")).await;
    let position = fanfare::rpc::client::Position {
        sequence: session.event().await.sequence,
        ..ready.position.unwrap()
    };
    drop(session);
    for channel in ["a", "b"] {
        send(&mut client, text(channel, "e", "2")).await;
    }
    let mut session = Session::open(&mut client).await;
    let again = SubscribeRequest {
        start: Some(fanfare::rpc::client::subscribe_request::Start::Resume(
            position,
        )),
        member_token: ready.member_token,
        ..to(["a", "b"])
    };
    let again = session.subscribe(again).await;
    assert_eq!(again.member_id, ready.member_id);
    assert!(again.recovered);
    for channel in ["a", "b"] {
        let event = session.event().await;
        assert_eq!((event.channel.as_str(), body(&event)), (channel, "2"));
    }
}
