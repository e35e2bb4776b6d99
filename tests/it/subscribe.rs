//! Subscribing, and what a subscriber gets.

use fanfare::rpc::client::{BroadcastRequest, Payload, payload::Kind};

use crate::support::{node, send, sequence, subscribe, subscribe_ready, text, to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_every_member_of_its_channel() {
    let node = node().await;
    let (mut ada, mut bob) = (node.client().await, node.client().await);
    let mut first = subscribe(&mut ada, to(["technology-chat"])).await;
    let mut second = subscribe(&mut bob, to(["technology-chat", "other"])).await;
    let sent = send(&mut ada, text("technology-chat", "chat-message", "hello")).await;
    assert_eq!(sent.recipients, 2);
    for stream in [&mut first, &mut second] {
        let event = stream.event().await;
        assert_eq!(
            (event.channel.as_str(), event.name.as_str()),
            ("technology-chat", "chat-message")
        );
        assert_eq!(
            event.payload,
            Some(Payload {
                kind: Some(Kind::Text("hello".into()))
            })
        );
        assert_eq!(event.sequence, sequence(&sent));
        assert!(event.publish_time.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_reaches_everyone_whatever_its_channels() {
    let node = node().await;
    let mut client = node.client().await;
    let mut nowhere = subscribe(&mut client, to([])).await;
    let mut somewhere = subscribe(&mut client, to(["a"])).await;
    let request = BroadcastRequest {
        event: "notice".into(),
        ..BroadcastRequest::default()
    };
    let sent = client.broadcast(request).await.unwrap().into_inner();
    assert_eq!(sent.recipients, 2);
    for stream in [&mut nowhere, &mut somewhere] {
        let event = stream.event().await;
        assert_eq!(
            (event.channel.as_str(), event.name.as_str()),
            ("", "notice")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ready_tells_a_position_before_all_that_comes() {
    let node = node().await;
    let mut client = node.client().await;
    let before = send(&mut client, text("a", "e", "1")).await;
    let (ready, mut frames) = subscribe_ready(&mut client, to(["a"])).await;
    let position = ready.position.unwrap();
    assert_eq!(position.sequence, sequence(&before));
    assert!(!ready.member_id.is_empty() && !ready.recovered);
    let after = send(&mut client, text("a", "e", "2")).await;
    assert_eq!(after.position.as_ref().unwrap().epoch, position.epoch);
    assert_eq!(frames.event().await.sequence, sequence(&after));
}
