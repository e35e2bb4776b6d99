//! Who reads slowly, and who reads no more.

use std::time::Duration;

use fanfare::Client;
use fanfare::client::{GapReason, Message, NoEvent};

use super::{client, event, texts};
use crate::support::{Node, node};
use crate::wire_support::node_with;

const EVENTS: u64 = 3_000;

async fn slow_reader(node: &Node) -> Client {
    let builder = Client::builder(&node.address).unwrap();
    builder.window(16 << 10).connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_gets_a_gap_that_accounts_for_all_and_holds_little() {
    let node = node_with(|config| config.hub.log_events = 500).await;
    let reader = slow_reader(&node).await;
    let mut stream = reader.subscribe().to("c").open().await.unwrap();
    let sender = client(&node).await;
    for _ in 0..EVENTS {
        let payload = "x".repeat(1 << 10);
        sender.send("c", Message::text("e", payload)).await.unwrap();
    }
    // It reads only when asked: what came before is what the windows, the
    // node's own and the client's, let wait.
    let (mut next, mut before) = (1, None);
    while next <= EVENTS {
        match event(&mut stream).await {
            Ok(event) => {
                assert_eq!(event.sequence, next);
                next += 1;
            }
            Err(NoEvent::Gap(gap)) => {
                assert_eq!(gap.reason, GapReason::Overflow);
                assert!(gap.after < next && gap.through >= next, "{gap:?}");
                before.get_or_insert(next);
                next = gap.through + 1;
            }
            Err(NoEvent::Over(error)) => panic!("it goes on: {error}"),
        }
    }
    let before = before.expect("a gap");
    assert!(before < 300, "{before} KiB waited unread");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_pauses_holds_up_neither_calls_nor_another_stream() {
    let node = node().await;
    let client = slow_reader(&node).await;
    let paused = client.subscribe().to("c").open().await.unwrap();
    let mut live = client.subscribe().to("c").open().await.unwrap();
    for number in 0..500 {
        let payload = format!("{number} {}", "x".repeat(1 << 10));
        let sent = client.send("c", Message::text("e", &payload)).await;
        assert_eq!(sent.unwrap().recipients, 2);
        assert_eq!(texts(&mut live, 1).await, [payload]);
    }
    drop(paused);
}

#[tokio::test]
async fn a_stream_that_is_dropped_or_closed_leaves_at_once() {
    // Who only broke off would be there for another five minutes.
    let node = node_with(|config| config.hub.leave_grace = Duration::from_secs(300)).await;
    let client = client(&node).await;
    let dropped = client.subscribe().to("c").open().await.unwrap();
    let closed = client.subscribe().to("c").open().await.unwrap();
    node.until("both are there", |counts| counts.members == 2)
        .await;
    drop(dropped);
    node.until("one has left", |counts| counts.streams == 1)
        .await;
    closed.close();
    node.until("both have left", |counts| counts.members == 0)
        .await;
    assert_eq!(client.members("c").all().await.unwrap(), []);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let node = node().await;
    let client = client(&node).await;
    let mut stream = client.subscribe().to("c").open().await.unwrap();
    let mut read = Vec::new();
    for number in 0..50 {
        let text = number.to_string();
        client.send("c", Message::text("e", text)).await.unwrap();
        tokio::select! {
            biased;
            event = stream.next_event() => read.push(event.unwrap().sequence),
            () = tokio::task::yield_now() => {}
        }
    }
    while read.len() < 50 {
        read.push(event(&mut stream).await.unwrap().sequence);
    }
    assert!(read.into_iter().eq(1..=50));
}
