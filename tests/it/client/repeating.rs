//! Calls are repeated while that may help, and a repeat sends nothing twice.

use std::time::Duration;

use fanfare::Client;
use fanfare::client::{Code, Message};
use tokio::time::timeout;

use super::{client, texts};
use crate::proxy::Proxy;
use crate::support::{PATIENCE, node};

#[tokio::test]
async fn a_send_whose_answer_was_lost_is_repeated_and_arrives_once() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let sender = Client::connect(&proxy.address).await.unwrap();
    sender.send("c", Message::text("e", "0")).await.unwrap();
    let direct = client(&node).await;
    let mut stream = direct.subscribe().to("c").open().await.unwrap();

    proxy.freeze();
    let sending = tokio::spawn(async move { sender.send("c", Message::text("e", "1")).await });
    // The node has it, and the answer is on its way.
    assert_eq!(texts(&mut stream, 1).await, ["1"]);
    proxy.cut();
    let receipt = timeout(PATIENCE, sending).await.unwrap().unwrap().unwrap();
    assert!(receipt.duplicate, "the repeat had the same id");
    assert_eq!(receipt.position, stream.position());
    direct.send("c", Message::text("e", "2")).await.unwrap();
    assert_eq!(texts(&mut stream, 1).await, ["2"], "nothing came twice");
}

#[tokio::test]
async fn what_a_node_was_asked_before_it_was_there_is_done_when_it_is() {
    let proxy = Proxy::to_nowhere().await;
    let client = Client::builder(&proxy.address).unwrap().timeout(PATIENCE);
    let waits = Duration::from_millis(1);
    let client = client.back_off(waits, 10 * waits).lazy().unwrap();
    let asking = tokio::spawn(async move {
        let stream = client.subscribe().to("c").open().await;
        let sent = client.send("c", Message::text("e", "1")).await;
        (stream, sent, client.members("c").all().await)
    });
    proxy.accepted(3).await;
    let node = node().await;
    proxy.lead_to(&node);
    let (stream, sent, members) = timeout(PATIENCE, asking).await.unwrap().unwrap();
    assert_eq!(sent.unwrap().recipients, 1);
    assert_eq!(members.unwrap().len(), 1);
    assert_eq!(texts(&mut stream.unwrap(), 1).await, ["1"]);
}

#[tokio::test]
async fn a_call_ends_with_its_deadline_and_says_why() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let client = Client::builder(&proxy.address).unwrap();
    let client = client.timeout(Duration::from_millis(200));
    let client = client.connect().await.unwrap();
    proxy.accepted(1).await;
    proxy.freeze();
    let error = client.send("c", Message::empty("e")).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(error.is_cut(), "it may have been done");
    assert!(error.message().contains("200ms"), "{error}");
}

#[tokio::test]
async fn what_is_refused_is_not_repeated() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let client = Client::builder(&proxy.address).unwrap();
    let client = client.timeout(Duration::MAX).lazy().unwrap();
    let refused = timeout(PATIENCE, client.send("a..b", Message::empty("e")));
    let error = refused.await.expect("at once").unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let refused = timeout(PATIENCE, client.subscribe().to("a..b").open());
    let error = refused.await.expect("at once").unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn who_wants_no_repeats_gets_the_first_error() {
    let proxy = Proxy::to_nowhere().await;
    let builder = Client::builder(&proxy.address).unwrap().timeout(PATIENCE);
    let client = builder.without_repeats().lazy().unwrap();
    let error = client.send("c", Message::empty("e")).await.unwrap_err();
    assert!(error.is_cut(), "{error}");
    assert_eq!(proxy.connections(), 1);
    let error = client.subscribe().to("c").open().await.unwrap_err();
    assert!(error.is_cut(), "{error}");
    assert_eq!(proxy.connections(), 2);
}
