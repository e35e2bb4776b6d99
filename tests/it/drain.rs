//! A node that shuts down: what it says first, and that it is gone in time.

use std::time::Duration;

use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{BroadcastRequest, ClosingReason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::recording::{
    ACK, DATA, END_STREAM, GOAWAY, HEADERS, Http2Frame, PING, call, frames, hello,
};
use crate::support::{Node, PATIENCE, node, reason, send, subscribe, text, to};
use crate::wire_support::{
    Stream, Wire, channel, connect, framed, node_with, request, retry_delay,
};

/// More than a busy machine takes beyond what it promised.
const SLACK: Duration = Duration::from_millis(500);

#[track_caller]
fn assert_draining(status: &Status) {
    let expected = (Code::Unavailable, "DRAINING");
    assert_eq!(
        (status.code(), reason(status).as_str()),
        expected,
        "{status:?}"
    );
    assert!(!retry_delay(status).is_zero());
}

/// The frames of a stream, `closing` apart, checked against its status.
async fn ended(stream: &mut Stream) -> (Vec<Frame>, Duration) {
    let mut frames = Vec::new();
    loop {
        match stream.frame().await {
            Frame::Closing(closing) => {
                let status = stream.status().await;
                assert_draining(&status);
                assert_eq!(closing.reason(), ClosingReason::Shutdown);
                let delay = Duration::try_from(closing.retry_after.unwrap()).unwrap();
                assert_eq!(delay, retry_delay(&status), "one hint, told twice");
                return (frames, delay);
            }
            frame => frames.push(frame),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_gets_what_was_sent_then_the_reason_then_the_status() {
    let mut node = node().await;
    let mut client = node.client().await;
    // So that most of what is sent waits in the log when the node stops.
    let wire = Wire::with_window(&node, 4 << 10).await;
    let mut open = Vec::new();
    for channels in [&["a"][..], &["a", "b"], &[]] {
        let body = framed(&to(channels.iter().copied()));
        let mut stream = wire.subscribe(request("Subscribe"), body).await;
        assert!(matches!(stream.frame().await, Frame::Ready(_)));
        open.push((channels.len(), stream));
    }
    let payload = "x".repeat(1 << 10);
    for _ in 0..300 {
        send(&mut client, text("a", "e", &payload)).await;
    }
    node.stop();
    let mut delays = Vec::new();
    for (channels, mut stream) in open {
        let (frames, delay) = ended(&mut stream).await;
        let events = frames.iter().map(|frame| match frame {
            Frame::Event(event) => event.sequence,
            other => panic!("not an event: {other:?}"),
        });
        let last = if channels == 0 { 0 } else { 300 };
        assert!(events.eq(1..=last), "all that was sent before");
        delays.push(delay);
    }
    delays.dedup();
    assert!(delays.len() > 1, "not all at once: {delays:?}");
    node.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_during_a_drain_is_sent_elsewhere() {
    let node = node().await;
    let mut client = node.client().await;
    let sent = send(&mut client, text("a", "e", "")).await;
    node.hub.drain();
    assert_draining(&client.send(text("a", "e", "")).await.unwrap_err());
    assert_draining(
        &client
            .broadcast(BroadcastRequest::default())
            .await
            .unwrap_err(),
    );
    assert_draining(&client.subscribe(to(["a"])).await.unwrap_err());
    assert_eq!(sent.recipients, 0);
    let counts = node.hub.counts();
    assert_eq!((counts.streams, counts.subscriptions), (0, 0));
}

/// All that the node says, and its pings answered: it waits for that before it
/// says which stream is the last.
async fn until_closed(mut stream: TcpStream) -> Vec<Http2Frame> {
    let (mut said, mut answered) = (Vec::new(), 0);
    while stream.read_buf(&mut said).await.unwrap() > 0 {
        let pings = frames(&said).into_iter().filter(|frame| frame.kind == PING);
        for ping in pings.skip(answered) {
            let pong = Http2Frame { flags: ACK, ..ping };
            stream.write_all(&pong.encode()).await.unwrap();
            answered += 1;
        }
    }
    frames(&said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_told_to_go_away_after_its_streams_have_ended() {
    let mut node = node().await;
    let mut stream = connect(&node).await;
    let subscribing = call(1, "Subscribe", &framed(&to(["a"])));
    stream
        .write_all(&[hello(&[]), subscribing].concat())
        .await
        .unwrap();
    node.until("it is open", |counts| counts.streams == 1).await;
    node.stop();
    let said = tokio::time::timeout(PATIENCE, until_closed(stream)).await;
    let said = said.expect("an end in time");
    let trailers = said.iter().find(|frame| {
        (frame.kind, frame.stream, frame.flags & END_STREAM) == (HEADERS, 1, END_STREAM)
    });
    assert!(trailers.is_some(), "{said:?}");
    assert!(
        said.iter()
            .any(|frame| (frame.kind, frame.stream) == (DATA, 1))
    );
    let away: Vec<_> = said.iter().filter(|frame| frame.kind == GOAWAY).collect();
    assert!(!away.is_empty(), "{said:?}");
    // The last stream's number, then the reason: none.
    assert!(
        away.iter().all(|frame| frame.payload[4..8] == [0; 4]),
        "{away:?}"
    );
    node.stopped().await;
}

/// How long the node takes to be gone.
async fn stopping(node: Node) -> Duration {
    let start = Instant::now();
    node.stopped().await;
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_peers_that_listen_is_gone_at_once() {
    let node = node().await;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut stream = subscribe(&mut node.client().await, to(["a"])).await;
        readers.spawn(async move { stream.end().await.1 });
    }
    let idle = node.client().await;
    let taken = stopping(node).await;
    assert!(taken < Duration::from_secs(1), "{taken:?}");
    for status in readers.join_all().await {
        assert_draining(&status);
    }
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_watches_the_health_does_not_hold_up_a_shutdown() {
    let node = node().await;
    let mut health = HealthClient::new(channel(&node).await);
    let request = HealthCheckRequest::default();
    let mut watch = health.watch(request).await.unwrap().into_inner();
    watch.message().await.unwrap().expect("serving");
    let taken = stopping(node).await;
    assert!(taken < Duration::from_secs(1), "{taken:?}");
}

/// A peer that subscribes to `deaf`, gives all the room there is, and reads
/// nothing.
pub(crate) async fn deaf(node: &Node) -> TcpStream {
    let before = node.hub.counts().streams;
    let mut stream = connect(node).await;
    let most = (1 << 31) - 1;
    let subscribing = call(1, "Subscribe", &framed(&to(["deaf"])));
    // A window update for the connection, which has 65,535 by itself.
    let room: u32 = most - 65_535;
    let update = [&b"\0\0\x04\x08\0\0\0\0\0"[..], &room.to_be_bytes()].concat();
    let hello = hello(&[(4, most)]);
    stream
        .write_all(&[hello, update, subscribing].concat())
        .await
        .unwrap();
    node.until("it is open", |counts| counts.streams > before)
        .await;
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_gone_in_time_whatever_its_peers_do() {
    let node = node_with(|config| {
        config.transport.drain_timeout = Duration::from_secs(1);
    })
    .await;
    let deaf = deaf(&node).await;
    let silent = connect(&node).await;
    let mut half = connect(&node).await;
    half.write_all(&crate::recording::PREFACE[..10])
        .await
        .unwrap();
    let mut client = node.client().await;
    let unread = subscribe(&mut client, to(["deaf"])).await;
    let payload = "x".repeat(512 << 10);
    // More than the sockets between hold.
    for _ in 0..32 {
        send(&mut client, text("deaf", "e", &payload)).await;
    }
    let hub = node.hub.clone();
    let taken = stopping(node).await;
    assert!(taken < Duration::from_secs(2) + SLACK, "{taken:?}");
    let counts = hub.counts();
    assert_eq!((counts.streams, counts.subscriptions), (0, 0));
    drop((deaf, silent, half, unread));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_in_their_handshake_hold_up_a_shutdown_for_a_second_at_most() {
    let node = node().await;
    let silent = connect(&node).await;
    let mut half = connect(&node).await;
    half.write_all(&crate::recording::PREFACE[..10])
        .await
        .unwrap();
    // Both have been accepted, since they came before.
    subscribe(&mut node.client().await, to(["a"])).await;
    let taken = stopping(node).await;
    assert!(taken < Duration::from_secs(1) + SLACK, "{taken:?}");
    drop((silent, half));
}
