//! Request ids: what is sent again is not sent twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanfare::rpc::client::{BroadcastRequest, SendRequest};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{node, reason, send, sequence, subscribe, text, to};
use crate::wire_support::node_with;

fn with_id(id: &str, request: SendRequest) -> SendRequest {
    SendRequest {
        request_id: id.into(),
        ..request
    }
}

fn broadcast(id: &str) -> BroadcastRequest {
    BroadcastRequest {
        event: "e".into(),
        request_id: id.into(),
        ..BroadcastRequest::default()
    }
}

fn assert_reused(status: &Status) {
    assert_eq!(status.code(), Code::AlreadyExists, "{status:?}");
    assert_eq!(reason(status), "REQUEST_ID_REUSED");
    let resource = status.get_details_resource_info().expect("ResourceInfo");
    assert_eq!(resource.resource_type, "request_id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_answers_the_first_position_and_is_delivered_once() {
    let node = node().await;
    let mut client = node.client().await;
    let mut frames = subscribe(&mut client, to(["a"])).await;
    let request = with_id("r", text("a", "e", "1"));
    let first = send(&mut client, request.clone()).await;
    assert!(!first.duplicate);
    send(&mut client, text("a", "e", "2")).await;
    for _ in 0..2 {
        let again = send(&mut client, request.clone()).await;
        assert_eq!(again.position, first.position);
        assert!(again.duplicate);
    }
    let other_connection = send(&mut node.client().await, request).await;
    assert_eq!(other_connection.position, first.position);
    send(&mut client, text("a", "e", "3")).await;
    for number in 1..=3 {
        assert_eq!(frames.event().await.sequence, number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_sent_again_is_delivered_once() {
    let node = node().await;
    let mut client = node.client().await;
    let mut frames = subscribe(&mut client, to([])).await;
    let first = client.broadcast(broadcast("r")).await.unwrap().into_inner();
    let again = client.broadcast(broadcast("r")).await.unwrap().into_inner();
    assert_eq!((again.position, again.duplicate), (first.position, true));
    let other = BroadcastRequest {
        event: "other".into(),
        ..broadcast("r")
    };
    assert_reused(&client.broadcast(other).await.unwrap_err());
    client.broadcast(broadcast("")).await.unwrap();
    for number in 1..=2 {
        assert_eq!(frames.event().await.sequence, number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_id_with_other_content_is_refused() {
    let node = node().await;
    let mut client = node.client().await;
    let first = with_id("r", text("a", "e", "1"));
    send(&mut client, first.clone()).await;
    let others = [
        with_id("r", text("a", "other", "1")),
        with_id("r", text("a", "e", "other")),
        SendRequest {
            payload: None,
            ..first.clone()
        },
        SendRequest {
            sender_id: "other".into(),
            ..first.clone()
        },
        SendRequest {
            headers: BTreeMap::from([("other".into(), String::new())]),
            ..first.clone()
        },
        // What leaves one field comes back in the next.
        SendRequest {
            event: "e1".into(),
            ..first.clone()
        },
    ];
    for other in others {
        assert_reused(&client.send(other).await.unwrap_err());
    }
    assert!(send(&mut client, first).await.duplicate);
    assert_eq!(sequence(&send(&mut client, text("a", "e", "")).await), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_is_another_in_another_channel_and_for_a_broadcast() {
    let node = node().await;
    let mut client = node.client().await;
    let mut numbers = Vec::new();
    for channel in ["a", "b", "a.b"] {
        let sent = send(&mut client, with_id("r", text(channel, "e", channel))).await;
        assert!(!sent.duplicate);
        numbers.push(sequence(&sent));
    }
    let sent = client.broadcast(broadcast("r")).await.unwrap().into_inner();
    assert!(!sent.duplicate);
    numbers.push(sent.position.unwrap().sequence);
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_senders_of_one_id_at_once_one_appends() {
    const ROUNDS: u64 = 500;
    const SENDERS: usize = 32;
    let node = node().await;
    let mut frames = subscribe(&mut node.client().await, to(["a"])).await;
    let mut senders = JoinSet::new();
    let start = Arc::new(Barrier::new(SENDERS));
    for _ in 0..SENDERS {
        let (mut client, start) = (node.client().await, Arc::clone(&start));
        senders.spawn(async move {
            let mut answers = Vec::new();
            for round in 1..=ROUNDS {
                start.wait().await;
                let request = with_id(&format!("r-{round}"), text("a", "e", "same"));
                answers.push(send(&mut client, request).await);
            }
            answers
        });
    }
    let answers = senders.join_all().await;
    for (at, round) in (1..=ROUNDS).enumerate() {
        let mut answers = answers.iter().map(|answers| &answers[at]);
        assert!(answers.clone().all(|answer| sequence(answer) == round));
        assert!(answers.any(|answer| !answer.duplicate), "one was first");
        let firsts = answers.filter(|answer| !answer.duplicate).count();
        assert_eq!(firsts, 0, "and only one");
        assert_eq!(frames.event().await.sequence, round, "delivered once");
    }
    send(&mut node.client().await, text("a", "e", "last")).await;
    assert_eq!(frames.event().await.sequence, ROUNDS + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_id_the_same_is_sent_again() {
    let node = node().await;
    let mut client = node.client().await;
    for number in 1..=3 {
        let sent = send(&mut client, text("a", "e", "same")).await;
        assert_eq!((sequence(&sent), sent.duplicate), (number, false));
    }
    assert_eq!(node.hub.counts().requests, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_id_is_forgotten_when_there_are_too_many() {
    let node = node_with(|config| config.hub.request_ids = 2).await;
    let mut client = node.client().await;
    for id in ["1", "2", "3"] {
        assert!(
            !send(&mut client, with_id(id, text("a", "e", "")))
                .await
                .duplicate
        );
    }
    assert_eq!(node.hub.counts().requests, 2);
    for (id, known) in [("2", true), ("3", true), ("1", false)] {
        let sent = send(&mut client, with_id(id, text("a", "e", ""))).await;
        assert_eq!(sent.duplicate, known, "{id}");
    }
}
