//! Streams that come back over the wire: positions, tokens, and how the older
//! stream ends.

use std::time::Duration;

use fanfare::config::Config;
use fanfare::rpc::client::subscribe_request::Start;
use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{
    BroadcastSubscription, Closing, ClosingReason, GapReason, OverflowPolicy, Position,
    PresenceKind, Ready, SubscribeRequest, Subscription,
};
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use super::members::total;
use super::proxy::Proxy;
use super::support::{
    Client, Frames, Node, node, reason, send, sequence, subscribe, subscribe_ready, text, to,
};

fn after(ready: &Ready, channels: &[&str]) -> SubscribeRequest {
    SubscribeRequest {
        start: ready.position.clone().map(Start::Resume),
        member_token: ready.member_token.clone(),
        ..to(channels.iter().copied())
    }
}

/// The last frame and the status of a stream that is ended by the node.
async fn closing(frames: &mut Frames) -> (Closing, Status) {
    let (mut before, status) = frames.end().await;
    match before.pop() {
        Some(Frame::Closing(closing)) => (closing, status),
        other => panic!("the last frame is {other:?}"),
    }
}

#[tokio::test]
async fn a_resumed_stream_is_the_same_member_and_misses_nothing() {
    let node = node().await;
    let mut client = node.client().await;
    let (ready, mut frames) = subscribe_ready(&mut client, to(["a", "b"])).await;
    assert!(!ready.recovered, "nothing was asked for");
    send(&mut client, text("a", "e", "1")).await;
    frames.event().await;
    drop(frames);
    let own = fanfare::rpc::client::SendRequest {
        sender_id: ready.member_id.clone(),
        ..text("b", "e", "own")
    };
    send(&mut client, own).await;
    send(&mut client, text("b", "e", "2")).await;
    let (again, mut frames) = subscribe_ready(&mut client, after(&ready, &["a", "b"])).await;
    assert_eq!(again.position, ready.position, "unchanged");
    assert_eq!(again.member_id, ready.member_id);
    assert!(again.recovered);
    let sequences = [frames.event().await.sequence, frames.event().await.sequence];
    assert_eq!(sequences, [1, 3], "one's own is skipped still");
}

#[tokio::test]
async fn the_older_stream_of_a_member_is_replaced() {
    let node = node().await;
    let mut client = node.client().await;
    let (ready, mut older) = subscribe_ready(&mut client, to(["a"])).await;
    let (again, _newer) = subscribe_ready(&mut client, after(&ready, &["a"])).await;
    assert_eq!(again.member_id, ready.member_id);
    let (last, status) = closing(&mut older).await;
    assert_eq!(last.reason(), ClosingReason::Replaced);
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Aborted, "REPLACED")
    );
    assert_eq!(total(&mut client, "a").await, 1);
}

#[tokio::test]
async fn after_a_restart_there_is_a_gap_for_each_and_then_the_new_epoch() {
    let first = node().await;
    let mut client = first.client().await;
    let (old, _frames) = subscribe_ready(&mut client, to(["a"])).await;
    first.stopped().await;
    let node = node().await;
    let mut client = node.client().await;
    send(&mut client, text("a", "e", "kept")).await;
    let request = after(&old, &["a", "p.*"]);
    let (ready, mut frames) = subscribe_ready(&mut client, request).await;
    assert_eq!(ready.position, old.position, "unchanged");
    assert!(!ready.recovered);
    assert_ne!(ready.member_id, old.member_id, "a new member");
    assert_ne!(ready.member_token, old.member_token);
    let epoch = node.hub.epoch().to_string();
    let mut channels = Vec::new();
    while channels.len() < 3 {
        match frames.next().await.unwrap() {
            Frame::Gap(gap) => {
                assert_eq!((gap.after, gap.epoch.as_str()), (0, epoch.as_str()));
                assert_eq!(gap.reason(), GapReason::EpochChanged);
                channels.push(gap.channel);
            }
            other => panic!("{other:?}"),
        }
    }
    channels.sort();
    assert_eq!(channels, ["", "a", "p.*"]);
    let Frame::Heartbeat(heartbeat) = frames.next().await.unwrap() else {
        panic!("the new epoch comes next")
    };
    let position = Position { epoch, sequence: 0 };
    assert_eq!(heartbeat.position, Some(position));
    assert_eq!(frames.event().await.sequence, 1);
}

#[tokio::test]
async fn a_forged_token_of_this_epoch_is_refused_and_others_are_nobodys() {
    let node = node().await;
    let mut client = node.client().await;
    let (ready, _frames) = subscribe_ready(&mut client, to(["a"])).await;
    let (start, code) = ready.member_token.rsplit_once('.').unwrap();
    let flipped = if code.starts_with('A') { "B" } else { "A" };
    let forged = format!("{start}.{flipped}{}", &code[1..]);
    let with = |token: &str| SubscribeRequest {
        member_token: token.to_owned(),
        ..to(["a"])
    };
    let status = client.subscribe(with(&forged)).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "MEMBER_TOKEN_INVALID");
    for other in ["x", "a.b.c", "...", "\u{1f600}"] {
        let (ready_again, _) = subscribe_ready(&mut client, with(other)).await;
        assert_ne!(ready_again.member_id, ready.member_id);
    }
}

#[tokio::test]
async fn since_and_last_begin_before_the_oldest_that_is_replayed() {
    let node = node().await;
    let mut client = node.client().await;
    for number in 1..=4 {
        send(&mut client, text("a", "e", &number.to_string())).await;
    }
    let all = subscribe(
        &mut client,
        SubscribeRequest {
            start: Some(Start::Last(10)),
            ..to(["a"])
        },
    );
    let mut all = all.await;
    let mut times = Vec::new();
    for _ in 0..4 {
        times.push(all.event().await.publish_time.unwrap());
    }
    for start in [Start::Last(2), Start::Since(times[2])] {
        let request = SubscribeRequest {
            start: Some(start),
            ..to(["a"])
        };
        let (ready, mut frames) = subscribe_ready(&mut client, request).await;
        assert!(ready.recovered);
        assert_eq!(ready.position.unwrap().sequence, 2);
        assert_eq!(frames.event().await.sequence, 3);
    }
}

#[tokio::test]
async fn a_member_whose_connection_broke_has_the_grace_and_one_that_cancelled_has_not() {
    let mut config = Config::default();
    config.hub.leave_grace = Duration::from_secs(3_600);
    let node = Node::start(config).await;
    let mut client = node.client().await;
    let watching = SubscribeRequest {
        subscriptions: vec![Subscription {
            channel: "a".into(),
            presence: true,
            observe: true,
            ..Subscription::default()
        }],
        ..SubscribeRequest::default()
    };
    let mut watcher = subscribe(&mut client, watching).await;
    watcher.next().await.unwrap();
    let mut told = async |kind| match watcher.next().await.unwrap() {
        Frame::Presence(presence) => assert_eq!(presence.kind(), kind),
        other => panic!("{other:?}"),
    };
    let cancelled = subscribe(&mut client, to(["a"])).await;
    told(PresenceKind::Joined).await;
    drop(cancelled);
    told(PresenceKind::Left).await;

    let proxy = Proxy::to(&node).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", proxy.address)).unwrap();
    let mut other = Client::new(endpoint.connect().await.unwrap());
    let (ready, frames) = subscribe_ready(&mut other, to(["a"])).await;
    told(PresenceKind::Joined).await;
    proxy.cut();
    node.until("the stream is gone", |counts| counts.streams == 1)
        .await;
    assert_eq!(total(&mut client, "a").await, 1);
    let (again, returned) = subscribe_ready(&mut client, after(&ready, &["a"])).await;
    assert_eq!(again.member_id, ready.member_id);
    drop(returned);
    told(PresenceKind::Left).await;
    drop(frames);
}

#[tokio::test]
async fn who_asked_to_be_ended_when_it_falls_behind_is() {
    let mut config = Config::default();
    config.hub.log_events = 2;
    let node = Node::start(config).await;
    let mut client = node.client().await;
    let mut narrow = node.narrow_client().await;
    let mut request = to(["a"]);
    request.subscriptions[0].overflow = OverflowPolicy::End.into();
    let mut frames = subscribe(&mut narrow, request).await;
    let large = "x".repeat(100_000);
    for _ in 0..20 {
        send(&mut client, text("a", "e", &large)).await;
    }
    let (last, status) = closing(&mut frames).await;
    assert_eq!(last.reason(), ClosingReason::SlowConsumer);
    let expected = (Code::ResourceExhausted, "SLOW_CONSUMER");
    assert_eq!((status.code(), reason(&status).as_str()), expected);
}

#[tokio::test]
async fn a_pattern_that_meets_too_many_channels_is_refused_or_ends_with_a_word() {
    let mut config = Config::default();
    config.hub.stream_channels = 2;
    let node = Node::start(config).await;
    let mut client = node.client().await;
    let mut frames = subscribe(&mut client, to(["p.*"])).await;
    for channel in ["p.1", "p.2", "p.3"] {
        send(&mut client, text(channel, "e", "x")).await;
    }
    let (last, status) = closing(&mut frames).await;
    assert_eq!(last.reason(), ClosingReason::LimitReached);
    let expected = (Code::ResourceExhausted, "LIMIT_REACHED");
    assert_eq!((status.code(), reason(&status).as_str()), expected);
    let status = client.subscribe(to(["p.*"])).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), expected);
}

#[tokio::test]
async fn a_stream_of_patterns_gets_each_event_once() {
    let node = node().await;
    let mut client = node.client().await;
    let quiet = SubscribeRequest {
        broadcasts: Some(BroadcastSubscription {
            disabled: true,
            ..BroadcastSubscription::default()
        }),
        ..to(["a.*", "*.b", "a.b"])
    };
    let mut frames = subscribe(&mut client, quiet).await;
    let mut sent = Vec::new();
    for channel in ["a.b", "x.b", "a.x", "x.x"] {
        sent.push(sequence(&send(&mut client, text(channel, "e", "x")).await));
    }
    for expected in &sent[..3] {
        assert_eq!(frames.event().await.sequence, *expected);
    }
    let last = sequence(&send(&mut client, text("a.b", "e", "end")).await);
    assert_eq!(frames.event().await.sequence, last);
}
