//! What is sent is what arrives, to whom it may concern.

use std::collections::BTreeMap;

use fanfare::rpc::client::payload::Kind;
use fanfare::rpc::client::{
    BroadcastRequest, BroadcastSubscription, GetMembersRequest, Payload, SendRequest,
    SubscribeRequest, Subscription,
};
use prost::Message;
use prost_types::Any;
use prost_types::value::Kind as Json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::payloads::{in_lists, json, list, object};
use crate::support::{
    Client, Node, assert_refused, node, send, sequence, subscribe, subscribe_ready, text, to,
};

fn kinds() -> Vec<Option<Kind>> {
    let nested = object(BTreeMap::from([
        ("null".into(), json(Json::NullValue(0))),
        ("number".into(), json(Json::NumberValue(-0.1))),
        ("largest".into(), json(Json::NumberValue(f64::MAX))),
        ("text".into(), json(Json::StringValue("ä\n日本".into()))),
        ("yes".into(), json(Json::BoolValue(true))),
        (
            String::new(),
            list(vec![object(BTreeMap::new()), list(Vec::new())]),
        ),
        ("deep".into(), in_lists(40)),
    ]));
    let any = |type_url: &str, value: &[u8]| {
        Kind::Any(Any {
            type_url: type_url.into(),
            value: value.into(),
        })
    };
    vec![
        Some(Kind::Json(nested)),
        Some(Kind::Json(json(Json::NullValue(0)))),
        Some(Kind::Json(json(Json::BoolValue(false)))),
        Some(Kind::Text("grüße\0\u{10ffff}".into())),
        Some(Kind::Text(String::new())),
        Some(Kind::Binary(vec![0, 0xff, 0xfe, 0x80, 0xc0].into())),
        Some(Kind::Binary(bytes::Bytes::new())),
        Some(any("type.googleapis.com/unheard.Of", b"\xff\x00")),
        Some(any("", b"")),
        None,
    ]
}

fn payload(kind: Option<Kind>) -> Option<Payload> {
    kind.map(|kind| Payload { kind: Some(kind) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_of_every_kind_come_back_equal() {
    let node = node().await;
    let mut client = node.client().await;
    let mut frames = subscribe(&mut client, to(["a"])).await;
    for kind in kinds() {
        let request = SendRequest {
            payload: payload(kind.clone()),
            ..text("a", "e", "")
        };
        send(&mut client, request).await;
        assert_eq!(frames.event().await.payload, payload(kind.clone()));
        let request = BroadcastRequest {
            payload: payload(kind.clone()),
            ..BroadcastRequest::default()
        };
        client.broadcast(request).await.unwrap();
        assert_eq!(frames.event().await.payload, payload(kind));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_without_a_kind_comes_as_none() {
    let node = node().await;
    let mut client = node.client().await;
    let mut frames = subscribe(&mut client, to(["a"])).await;
    let request = SendRequest {
        payload: Some(Payload { kind: None }),
        ..text("a", "e", "")
    };
    send(&mut client, request).await;
    assert_eq!(
        frames
            .event()
            .await
            .payload
            .and_then(|payload| payload.kind),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_sender_headers_and_id_come_back_as_they_were() {
    let node = node().await;
    let mut client = node.client().await;
    let channel = format!("日本.{}", "é".repeat(124));
    assert_eq!(channel.len(), 255);
    let longest = "ä".repeat(64);
    let headers = BTreeMap::from([
        ("trace".to_owned(), "00-ü".to_owned()),
        ("empty".to_owned(), String::new()),
        ("k".repeat(128), "v".repeat(128)),
    ]);
    let mut frames = subscribe(&mut client, to([channel.as_str()])).await;
    for name in ["", longest.as_str(), "*", "a.>"] {
        let request = SendRequest {
            sender_id: longest.clone(),
            request_id: format!("r-{name}").chars().take(60).collect(),
            headers: headers.clone(),
            ..text(&channel, name, "")
        };
        let sent = send(&mut client, request.clone()).await;
        let event = frames.event().await;
        assert_eq!(
            (event.channel, event.name),
            (request.channel, request.event)
        );
        assert_eq!(
            (event.sender_id, event.id),
            (request.sender_id, request.request_id)
        );
        assert_eq!(event.headers, headers);
        assert_eq!(event.sequence, sent.position.unwrap().sequence);
    }
}

/// A request for `channel` with a filter.
fn only(channel: &str, events: &[&str]) -> SubscribeRequest {
    SubscribeRequest {
        subscriptions: vec![Subscription {
            channel: channel.into(),
            events: events.iter().map(|&name| name.to_owned()).collect(),
            ..Subscription::default()
        }],
        ..SubscribeRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_lets_only_the_named_events_through() {
    let node = node().await;
    let mut client = node.client().await;
    let mut named = subscribe(&mut client, only("a", &["yes", "also", "yes"])).await;
    let mut unnamed = subscribe(&mut client, only("a", &[""])).await;
    let mut all = subscribe(&mut client, to(["a"])).await;
    let mut recipients = Vec::new();
    for name in ["no", "yes", "", "yes2", "also", "YES", "", "yes"] {
        recipients.push(send(&mut client, text("a", name, "")).await.recipients);
        assert_eq!(all.event().await.name, name);
    }
    assert_eq!(recipients, [1, 2, 2, 1, 2, 1, 2, 2]);
    for name in ["yes", "also", "yes"] {
        assert_eq!(named.event().await.name, name);
    }
    for sequence in [3, 7] {
        let event = unnamed.event().await;
        assert_eq!((event.name.as_str(), event.sequence), ("", sequence));
    }
}

async fn send_as(client: &mut Client, sender: &str, name: &str) {
    let request = SendRequest {
        sender_id: sender.into(),
        ..text("a", name, "")
    };
    send(client, request).await;
    let request = BroadcastRequest {
        sender_id: sender.into(),
        event: name.into(),
        ..BroadcastRequest::default()
    };
    client.broadcast(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_events_come_only_with_echo() {
    let node = node().await;
    let mut client = node.client().await;
    let (silent, mut without) = subscribe_ready(&mut client, to(["a"])).await;
    let mut request = to(["a"]);
    request.subscriptions[0].echo = true;
    request.broadcasts = Some(BroadcastSubscription {
        echo: true,
        ..BroadcastSubscription::default()
    });
    let (loud, mut with) = subscribe_ready(&mut client, request).await;
    send_as(&mut client, &silent.member_id, "silent").await;
    send_as(&mut client, &loud.member_id, "loud").await;
    send_as(&mut client, "", "nobody").await;
    let got = async |frames: &mut crate::support::Frames, count| {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(frames.event().await.name);
        }
        names
    };
    assert_eq!(
        got(&mut without, 4).await,
        ["loud", "loud", "nobody", "nobody"]
    );
    let everything = ["silent", "silent", "loud", "loud", "nobody", "nobody"];
    assert_eq!(got(&mut with, 6).await, everything);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broadcasts_can_be_filtered_and_turned_off() {
    let node = node().await;
    let mut client = node.client().await;
    let asking = |broadcasts| SubscribeRequest {
        broadcasts: Some(broadcasts),
        ..to(["a"])
    };
    let events = vec!["yes".to_owned()];
    let filtered = BroadcastSubscription {
        events,
        ..BroadcastSubscription::default()
    };
    let disabled = BroadcastSubscription {
        disabled: true,
        ..BroadcastSubscription::default()
    };
    let mut filtered = subscribe(&mut client, asking(filtered)).await;
    let mut disabled = subscribe(&mut client, asking(disabled)).await;
    for (event, recipients) in [("no", 0), ("yes", 1)] {
        let event = event.to_owned();
        let request = BroadcastRequest {
            event,
            ..BroadcastRequest::default()
        };
        let sent = client.broadcast(request).await.unwrap().into_inner();
        assert_eq!(sent.recipients, recipients);
    }
    let last = sequence(&send(&mut client, text("a", "last", "")).await);
    assert_eq!(filtered.event().await.name, "yes");
    assert_eq!(filtered.event().await.sequence, last);
    assert_eq!(disabled.event().await.sequence, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_listens_and_is_no_member() {
    let node = node().await;
    let mut client = node.client().await;
    let mut request = to(["a"]);
    request.subscriptions[0].observe = true;
    let mut frames = subscribe(&mut client, request).await;
    let counts = node.hub.counts();
    assert_eq!(
        (counts.channels, counts.observed, counts.subscriptions),
        (0, 1, 1)
    );
    let sent = send(&mut client, text("a", "e", "")).await;
    assert_eq!(sent.recipients, 1);
    assert_eq!(frames.event().await.sequence, sequence(&sent));
    let request = GetMembersRequest {
        channel: "a".into(),
        ..GetMembersRequest::default()
    };
    let page = client.get_members(request).await.unwrap().into_inner();
    assert_eq!((page.members.len(), page.total_size), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_holds_no_channel_and_hears_it_when_it_is_back() {
    let node = crate::wire_support::node_with(|config| {
        config.hub.log_age = std::time::Duration::from_millis(50);
    })
    .await;
    let mut client = node.client().await;
    let mut request = to(["a"]);
    request.subscriptions[0].observe = true;
    let mut frames = subscribe(&mut client, request).await;
    for _ in 0..2 {
        let sent = send(&mut client, text("a", "e", "")).await;
        assert_eq!(frames.event().await.sequence, sequence(&sent));
        node.until("the channel leaves", |counts| counts.channels == 0)
            .await;
    }
    let member = subscribe(&mut client, to(["a"])).await;
    assert_eq!(node.hub.counts().channels, 1);
    drop((member, frames));
    node.until("all has left", |counts| {
        (counts.channels, counts.observed, counts.streams) == (0, 0, 0)
    })
    .await;
}

/// A payload of exactly `size` bytes as encoded.
fn sized(size: usize) -> Payload {
    let text = "x".repeat(size - 4);
    let payload = Payload {
        kind: Some(Kind::Text(text)),
    };
    assert_eq!(payload.encoded_len(), size);
    payload
}

fn assert_too_large(status: &Status, limit: usize) {
    assert_refused(
        status,
        Code::InvalidArgument,
        "PAYLOAD_TOO_LARGE",
        "payload",
    );
    let (size, limit) = ((limit + 1).to_string(), limit.to_string());
    for part in ["payload", &size, &limit] {
        assert!(status.message().contains(part), "{status:?}");
    }
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        (&info.metadata["size"], &info.metadata["limit"]),
        (&size, &limit)
    );
}

async fn one_byte_more_is_refused(node: &Node, limit: usize) {
    let mut client = node.client().await;
    let mut frames = subscribe(&mut client, to(["a"])).await;
    let sending = |size| SendRequest {
        payload: Some(sized(size)),
        ..text("a", "e", "")
    };
    let broadcasting = |size| BroadcastRequest {
        payload: Some(sized(size)),
        ..BroadcastRequest::default()
    };
    let first = sequence(&send(&mut client, sending(limit)).await);
    assert_eq!(frames.event().await.payload, Some(sized(limit)));
    assert_too_large(&client.send(sending(limit + 1)).await.unwrap_err(), limit);
    let refused = client.broadcast(broadcasting(limit + 1)).await;
    assert_too_large(&refused.unwrap_err(), limit);
    client.broadcast(broadcasting(limit)).await.unwrap();
    let event = frames.event().await;
    assert_eq!(event.payload, Some(sized(limit)));
    assert_eq!(event.sequence, first + 1, "nothing was numbered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mebibyte_passes_and_one_byte_more_is_refused() {
    one_byte_more_is_refused(&node().await, 1 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_of_a_payload_is_the_configured_one() {
    let node = crate::wire_support::node_with(|config| config.rpc.payload_bytes = 20_000).await;
    one_byte_more_is_refused(&node, 20_000).await;
}
