//! What is sent arrives as it was, and what is wrong is told in types.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use fanfare::Client;
use fanfare::client::{
    ChangeKind, Channel, Code, Frame, Message, Payload, Presence, Reason, Update,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{client, event, frame};
use crate::support::{Node, node};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Order {
    id: u64,
    tags: Vec<String>,
    price: f64,
}

#[tokio::test]
async fn a_message_of_every_kind_arrives_as_it_was_sent() {
    let node = node().await;
    let client = client(&node).await;
    let mut stream = client.subscribe().to("c").open().await.unwrap();
    let order = Order {
        id: 1 << 53,
        tags: vec!["é".to_owned(), String::new()],
        price: 0.1,
    };
    let time = prost_types::Timestamp::from(SystemTime::UNIX_EPOCH);
    for message in [
        Message::json("e", &order).unwrap(),
        Message::text("e", "🎺"),
        Message::binary("e", vec![0, 255]),
        Message::any("e", &time),
        Message::empty(""),
    ] {
        client.send("c", message).await.unwrap();
    }
    assert_eq!(
        event(&mut stream).await.unwrap().json::<Order>().unwrap(),
        order
    );
    assert_eq!(event(&mut stream).await.unwrap().text().unwrap(), "🎺");
    let bytes = event(&mut stream).await.unwrap();
    assert_eq!(bytes.binary().unwrap(), &Bytes::from_static(&[0, 255]));
    let any = event(&mut stream).await.unwrap();
    assert_eq!(any.any::<prost_types::Timestamp>().unwrap(), time);
    let empty = event(&mut stream).await.unwrap();
    assert_eq!((empty.payload.as_ref(), empty.name.as_str()), (None, ""));
    let error = empty.json::<Order>().unwrap_err().to_string();
    assert_eq!(error, "the payload is absent, not JSON");
}

#[tokio::test]
async fn what_goes_with_a_message_arrives_too() {
    let node = node().await;
    let client = client(&node).await;
    let mut stream = client.subscribe().to("c").open().await.unwrap();
    let message = Message::text("e", "t")
        .header("a", "1")
        .sender("somebody")
        .request_id("r-1");
    let receipt = client.send("c", message).await.unwrap();
    assert_eq!((receipt.recipients, receipt.duplicate), (1, false));
    let got = event(&mut stream).await.unwrap();
    assert_eq!(got.headers, BTreeMap::from([("a".into(), "1".into())]));
    assert_eq!(
        (got.sender_id.as_str(), got.id.as_str()),
        ("somebody", "r-1")
    );
    assert_eq!(got.sequence, receipt.position.sequence);
    assert!(got.publish_time.is_some());

    let receipt = client.broadcast(Message::text("all", "t")).await.unwrap();
    let got = event(&mut stream).await.unwrap();
    assert!(got.is_broadcast() && !got.id.is_empty());
    assert_eq!(stream.position(), receipt.position);
}

#[tokio::test]
async fn of_a_batch_each_message_has_its_own_result() {
    let node = node().await;
    let client = client(&node).await;
    let batch = [
        ("a", Message::text("e", "1")),
        ("a..b", Message::text("e", "2")),
        ("b", Message::text("e", "3")),
    ];
    let results = client.send_batch(batch).await.unwrap();
    assert_eq!(results.len(), 3);
    assert!(results[0].is_ok() && results[2].is_ok());
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::InvalidChannel));
}

#[tokio::test]
async fn lists_come_whole_over_all_their_pages() {
    let node = node().await;
    let client = client(&node).await;
    for number in 0..2_500 {
        let message = Message::text("e", number.to_string());
        let sent = client.send(format!("many.{number}"), message.clone());
        sent.await.unwrap();
        client.send("log", message).await.unwrap();
    }
    let past = client.history("log").all().await.unwrap();
    let texts: Vec<_> = past.events.iter().map(|e| e.text().unwrap()).collect();
    let sent: Vec<_> = (0..2_500).map(|number| number.to_string()).collect();
    assert_eq!(texts, sent);
    assert_eq!((past.gap, past.position.sequence), (None, 5_000));
    let mut newest = client.history("log").newest_first().page_size(1);
    let newest = newest.next().await.unwrap().unwrap();
    assert_eq!(newest.events[0].text().unwrap(), "2499");

    let channels = client.channels("many.*").all().await.unwrap();
    assert_eq!(channels.len(), 2_500);
    assert!(channels.iter().all(|channel| channel.last_sequence > 0));
}

#[tokio::test]
async fn who_is_there_is_listed_watched_and_changed() {
    let node = node().await;
    let client = client(&node).await;
    let channel = Channel::new("c").observe().presence();
    let mut watcher = client.subscribe().to(channel).open().await.unwrap();
    let Frame::Presence(Presence::Members(list)) = frame(&mut watcher).await.unwrap() else {
        panic!("a list first")
    };
    assert!(list.members.is_empty());

    let member = client.subscribe().to("c").profile(json!({"name": "Ada"}));
    let member = member.unwrap().open().await.unwrap();
    let id = &member.ready().member_id;
    let patch = Update::merge(json!({"status": "away"})).unwrap();
    let token = member.ready().member_token.clone();
    let changed = client.update_member(id, patch.token(token)).await.unwrap();
    let whole = json!({"name": "Ada", "status": "away"});
    assert_eq!(json!(changed.profile), whole);
    let listed = client.members("c").all().await.unwrap();
    assert_eq!((listed.len(), json!(listed[0].profile)), (1, whole));
    assert!(listed[0].join_time.is_some());
    drop(member);

    for kind in [ChangeKind::Joined, ChangeKind::Updated, ChangeKind::Left] {
        let Frame::Presence(Presence::Changed(change)) = frame(&mut watcher).await.unwrap() else {
            panic!("a change")
        };
        assert_eq!((change.kind, &change.member.id), (kind, &listed[0].id));
    }
}

#[tokio::test]
async fn a_refusal_has_its_code_reason_and_field() {
    let node = node().await;
    let client = client(&node).await;
    let error = client.send("a..b", Message::empty("e")).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(error.reason(), Some(Reason::InvalidChannel));
    assert_eq!(error.violations()[0].field, "channel");
    assert!(!error.is_cut() && !error.message().is_empty());

    let error = client.subscribe().to("a").to("b..c").open().await;
    let error = error.unwrap_err();
    assert_eq!(error.violations()[0].field, "subscriptions[1].channel");

    let first = Message::text("e", "one").request_id("r");
    client.send("c", first).await.unwrap();
    let other = Message::text("e", "other").request_id("r");
    let error = client.send("c", other).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::RequestIdReused));

    let update = Update::replace(json!({})).unwrap();
    let error = client.update_member("nobody", update).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::MemberNotFound));
    let error = client.members("*").all().await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::InvalidChannel));
    let error = client.call("No such", Bytes::new()).await.unwrap_err();
    assert_eq!(error.violations()[0].field, "method");
}

#[tokio::test]
async fn numbers_that_would_change_on_the_way_are_not_sent() {
    let large = json!({"orders": [{"id": (1_u64 << 53) + 1}]});
    let error = Message::json("e", &large).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::InvalidPayload));
    assert_eq!(error.violations()[0].field, "payload.json.orders[0].id");
    let error = Update::merge(&large).unwrap_err();
    assert_eq!(error.violations()[0].field, "data.orders[0].id");
    let client = Client::lazy("127.0.0.1:1").unwrap();
    let error = client.subscribe().profile([1]).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::InvalidProfile));
}

#[tokio::test]
async fn a_node_that_is_not_there_is_told_at_once_by_who_connects() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Client::connect(&address).await.unwrap_err();
    assert!(error.is_cut(), "{error}");
    assert_eq!(error.code(), Code::Unavailable);
    let builder = Client::builder(&address).unwrap().without_repeats();
    let client = builder.lazy().unwrap();
    assert!(client.members("c").all().await.unwrap_err().is_cut());
    assert!(
        client
            .subscribe()
            .to("c")
            .open()
            .await
            .unwrap_err()
            .is_cut()
    );
}

#[tokio::test]
async fn a_payload_of_a_later_kind_is_not_empty() {
    let node: Node = node().await;
    let client = client(&node).await;
    client.send("c", Message::empty("e")).await.unwrap();
    let past = client.history("c").all().await.unwrap();
    assert_eq!(past.events[0].payload, None);
    let unknown = fanfare::rpc::client::Payload { kind: None };
    assert_eq!(Payload::from(unknown), Payload::Unknown);
}
