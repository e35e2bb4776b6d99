//! A stream whose peer takes nothing is ended from outside, alone.

use std::time::Duration;

use fanfare::rpc::client::subscribe_response::Frame;
use h2::Reason;

use crate::support::{Client, Node, PATIENCE, send, text, to};
use crate::wire_support::{Stream, Wire, framed, node_with, request};

/// More than the window and the send buffer of a stream hold.
const EVENTS: u64 = 300;

/// What a stream may get before it releases what it read.
const WINDOW: u32 = 4 << 10;

async fn node() -> Node {
    node_with(|config| config.hub.stall_timeout = Duration::from_secs(1)).await
}

async fn subscribe(wire: &Wire, channel: &str) -> Stream {
    let request = request("Subscribe");
    let mut stream = wire.subscribe(request, framed(&to([channel]))).await;
    assert!(matches!(stream.frame().await, Frame::Ready(_)));
    stream
}

async fn send_many(client: &mut Client) {
    let payload = "x".repeat(1 << 10);
    for _ in 0..EVENTS {
        send(client, text("a", "e", &payload)).await;
    }
}

async fn gets(stream: &mut Stream, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        match stream.frame().await {
            Frame::Event(event) => assert_eq!(event.sequence, number),
            other => panic!("not an event: {other:?}"),
        }
    }
}

/// Takes what is there without giving anything back, until the stream ends.
async fn left(stream: &mut Stream) -> (usize, h2::Error) {
    let mut bytes = 0;
    let end = async {
        loop {
            match stream.body.data().await.expect("a reset, not an end") {
                Ok(data) => bytes += data.len(),
                Err(error) => return error,
            }
        }
    };
    let error = tokio::time::timeout(PATIENCE, end).await.expect("in time");
    (bytes, error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_stream_is_reset_and_its_siblings_live_on() {
    let node = node().await;
    let mut client = node.client().await;
    let shared = Wire::with_window(&node, WINDOW).await;
    let mut stalled = subscribe(&shared, "a").await;
    let mut sibling = subscribe(&shared, "a").await;
    let mut elsewhere = subscribe(&Wire::new(&node).await, "a").await;
    assert_eq!(node.hub.counts().streams, 3);
    let reading = tokio::spawn(async move {
        gets(&mut sibling, 1..=EVENTS).await;
        gets(&mut elsewhere, 1..=EVENTS).await;
        (sibling, elsewhere)
    });
    send_many(&mut client).await;
    let (mut sibling, mut elsewhere) = reading.await.unwrap();
    let (bytes, error) = left(&mut stalled).await;
    assert!(error.is_reset() && error.is_remote(), "{error:?}");
    assert_eq!(error.reason(), Some(Reason::CANCEL));
    assert!(bytes <= WINDOW as usize, "no more than it gave room for");
    node.until("its member leaves", |counts| {
        (counts.streams, counts.subscriptions, counts.pinned_bytes) == (2, 2, 0)
    })
    .await;
    send(&mut client, text("a", "e", "")).await;
    gets(&mut sibling, EVENTS + 1..=EVENTS + 1).await;
    gets(&mut elsewhere, EVENTS + 1..=EVENTS + 1).await;
    let mut again = subscribe(&shared, "a").await;
    send(&mut client, text("a", "e", "")).await;
    gets(&mut again, EVENTS + 2..=EVENTS + 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_or_has_nothing_to_read_is_not_stalled() {
    let node = node().await;
    let mut client = node.client().await;
    let wire = Wire::with_window(&node, WINDOW).await;
    let idle = subscribe(&wire, "quiet").await;
    let mut slow = subscribe(&wire, "a").await;
    send_many(&mut client).await;
    // Three times the timeout, each time some of what there is.
    for part in 0..10 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let first = part * EVENTS / 10 + 1;
        gets(&mut slow, first..=first + EVENTS / 10 - 1).await;
    }
    assert_eq!(node.hub.counts().streams, 2);
    drop((idle, slow));
    node.until("both leave", |counts| counts.streams == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_reads_no_socket_loses_its_streams_and_then_its_connection() {
    const EVENT: usize = 512 << 10;
    let node = node_with(|config| {
        config.hub.stall_timeout = Duration::from_secs(1);
        config.hub.log_bytes = 4 << 20;
        config.transport.keepalive_interval = Duration::from_secs(2);
        config.transport.keepalive_timeout = Duration::from_secs(2);
    })
    .await;
    let mut client = node.client().await;
    let deaf = crate::drain::deaf(&node).await;
    let payload = "x".repeat(EVENT);
    for _ in 0..64 {
        send(&mut client, text("deaf", "e", &payload)).await;
        let pinned = node.hub.counts().pinned_bytes;
        assert!(pinned < 3 * EVENT, "{pinned} bytes are pinned");
    }
    node.until("its stream is evicted", |counts| {
        (counts.streams, counts.subscriptions) == (0, 0)
    })
    .await;
    node.until("nothing is pinned", |counts| counts.pinned_bytes == 0)
        .await;
    drop(deaf);
}
