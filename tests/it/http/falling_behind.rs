//! A reader of events that is slow, or takes nothing.

use std::time::Duration;

use serde_json::json;

use super::client::EventSource;
use crate::support::{Node, send, subscribe, text, to};
use crate::wire_support::node_with;

/// More than the sockets between hold, and than a log here keeps.
const EVENTS: u64 = 200;

async fn node() -> Node {
    node_with(|config| {
        config.hub.stall_timeout = Duration::from_secs(3);
        config.hub.log_bytes = 2 << 20;
        config.rpc.payload_bytes = 256 << 10;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_is_told_and_others_miss_nothing() {
    let node = node().await;
    let mut client = node.client().await;
    let mut slow = EventSource::open(&node, "channel=a", "").await;
    slow.expect("ready").await;
    let mut other = subscribe(&mut node.client().await, to(["a"])).await;
    let payload = "x".repeat(128 << 10);
    for number in 1..=EVENTS {
        send(&mut client, text("a", "e", &payload)).await;
        assert_eq!(other.event().await.sequence, number);
        let pinned = node.hub.counts().pinned_bytes;
        assert!(pinned < 1 << 20, "{pinned} bytes are pinned");
    }
    let (mut next, mut gaps) = (1, 0);
    while next <= EVENTS {
        let said = slow.next().await.expect("the stream goes on");
        match said.event.as_str() {
            "event" => {
                assert_eq!(said.data["sequence"], next.to_string());
                next += 1;
            }
            "gap" => {
                assert_eq!(said.data["reason"], "GAP_REASON_OVERFLOW");
                assert_eq!(said.data["after"], (next - 1).to_string());
                next = said.data["through"]
                    .as_str()
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
                    + 1;
                gaps += 1;
            }
            "heartbeat" => {}
            other => panic!("{other}"),
        }
    }
    assert!(gaps > 0, "it was behind the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_is_let_go() {
    let node = node().await;
    let mut client = node.client().await;
    let mut stalled = EventSource::open(&node, "channel=a", "").await;
    stalled.expect("ready").await;
    let mut other = subscribe(&mut node.client().await, to(["a"])).await;
    let payload = "x".repeat(128 << 10);
    for number in 1..=EVENTS {
        send(&mut client, text("a", "e", &payload)).await;
        assert_eq!(other.event().await.sequence, number);
    }
    node.until("it is evicted", |counts| counts.streams == 1)
        .await;
    node.until("nothing is pinned", |counts| counts.pinned_bytes == 0)
        .await;
    // What was on its way is cut off in the middle.
    while stalled.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_large_event_slowly_is_not_let_go() {
    const EVENTS: usize = 6;
    let node = node_with(|config| config.hub.stall_timeout = Duration::from_secs(1)).await;
    let mut client = node.client().await;
    let mut slow = EventSource::open(&node, "channel=a", "").await;
    slow.expect("ready").await;
    // Each grows sixfold, and takes far longer than a stall may; all of them are
    // more than the sockets hold.
    let payload = "\u{1}".repeat(1 << 20 >> 1);
    for _ in 0..EVENTS {
        send(&mut client, text("a", "e", &payload)).await;
    }
    let mut taken = 0;
    let escaped = 6 * payload.len();
    while taken < EVENTS * escaped {
        tokio::time::sleep(Duration::from_millis(40)).await;
        for _ in 0..4 {
            let chunk = slow.http.chunk().await.expect("the stream goes on");
            taken += chunk.len();
            assert!(chunk.len() <= 16 << 10, "each is a sign of life");
            if taken >= EVENTS * escaped {
                break;
            }
        }
    }
    assert_eq!(node.hub.counts().streams, 1);
    assert_eq!(json!(node.hub.counts().subscriptions), 1);
}
