//! What the node holds, by its own count.

use bytes::{BufMut, Bytes};
use fanfare::config::Config;
use fanfare::rpc::client::subscribe_response::Frame;
use h2::client::{ResponseFuture, SendRequest};
use prost::Message;
use tokio::net::TcpStream;

use crate::support::{Frames, Node, send, subscribe, text, to};

/// Bytes that one stalled stream may pin: what waits in HTTP/2 for the peer's
/// window, the chunk that went over it, and the one that the body handed out.
fn bound(config: &Config) -> usize {
    const CHUNK: usize = (16 << 10) + 512;
    config.transport.send_buffer + 2 * CHUNK
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_stalled_streams_hold_no_more_than_stated_and_then_nothing() {
    const STREAMS: usize = 1_000;
    let mut config = Config::default();
    config.hub.log_bytes = 4 << 20;
    let (log_bytes, each) = (config.hub.log_bytes, bound(&config));
    let node = Node::start(config).await;
    let mut sender = node.client().await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(node.narrow_client().await);
    }
    let event = text("busy", "e", &"x".repeat(8 << 10));
    let mut stalled: Vec<Frames> = Vec::new();
    let mut most = 0;
    for n in 0..STREAMS {
        let mut frames = subscribe(&mut clients[n % 10], to(["busy"])).await;
        for _ in 0..12 {
            send(&mut sender, event.clone()).await;
        }
        for _ in 0..n % 3 {
            frames.event().await;
        }
        stalled.push(frames);
        let counts = node.hub.counts();
        most = most.max(counts.pinned_bytes);
        assert!(
            counts.pinned_bytes <= stalled.len() * each,
            "after {n} streams: {counts:?}"
        );
        assert!(
            counts.log_bytes <= log_bytes + (1 << 20),
            "after {n} streams: {counts:?}"
        );
    }
    assert!(most > STREAMS * (4 << 10), "they do pin something: {most}");
    drop(stalled);
    node.until("streams are gone", |counts| counts.streams == 0)
        .await;
    node.until("nothing is pinned", |counts| counts.pinned_bytes == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_read_nothing_hold_no_more_than_stated_and_then_nothing() {
    const CONNECTIONS: usize = 10;
    const STREAMS: usize = 100;
    let mut config = Config::default();
    config.hub.log_bytes = 4 << 20;
    let each = bound(&config);
    let node = Node::start(config).await;
    let mut sender = node.client().await;
    let event = text("busy", "e", &"x".repeat(8 << 10));
    let mut deaf = Vec::new();
    for n in 1..=CONNECTIONS {
        deaf.push(deaf_connection(&node, STREAMS).await);
        for _ in 0..600 {
            send(&mut sender, event.clone()).await;
        }
        let counts = node.hub.counts();
        assert_eq!(counts.streams, n * STREAMS);
        assert!(
            counts.pinned_bytes <= n * STREAMS * each,
            "after {n} connections: {counts:?}"
        );
    }
    let pinned = node.hub.counts().pinned_bytes;
    assert!(pinned > 0, "they do pin something");
    drop(deaf);
    node.until("streams are gone", |counts| counts.streams == 0)
        .await;
    node.until("nothing is pinned", |counts| counts.pinned_bytes == 0)
        .await;
}

/// A connection whose windows are wide open and whose socket nobody reads
/// once its streams are accepted.
async fn deaf_connection(node: &Node, streams: usize) -> impl Sized {
    let socket = TcpStream::connect(node.address.trim_start_matches("http://"))
        .await
        .unwrap();
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 30);
    let (mut client, mut connection) = builder.handshake::<_, Bytes>(socket).await.unwrap();
    let mut opened = Vec::new();
    for _ in 0..streams {
        opened.push(subscribe_raw(&mut client));
    }
    for (response, _) in &mut opened {
        tokio::select! {
            ended = &mut connection => panic!("the connection ended: {ended:?}"),
            accepted = response => assert_eq!(accepted.unwrap().status(), 200),
        }
    }
    (client, connection, opened)
}

fn subscribe_raw(client: &mut SendRequest<Bytes>) -> (ResponseFuture, h2::SendStream<Bytes>) {
    let request = http::Request::post("http://node/fanfare.v1.RealtimeService/Subscribe")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (response, mut body) = client.send_request(request, false).unwrap();
    let message = to(["busy"]).encode_to_vec();
    let mut framed = vec![0];
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.extend(message);
    body.send_data(framed.into(), true).unwrap();
    (response, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_gets_a_gap_with_the_right_bounds_and_others_miss_nothing() {
    let mut config = Config::default();
    config.hub.log_bytes = 4 << 20;
    let node = Node::start(config).await;
    let (mut slow, mut prompt) = (node.narrow_client().await, node.client().await);
    let mut stalled = subscribe(&mut slow, to(["busy"])).await;
    let mut reading = subscribe(&mut prompt, to(["busy"])).await;
    let mut sender = node.client().await;
    let event = text("busy", "e", &"x".repeat(8 << 10));
    for number in 1..=2_000 {
        send(&mut sender, event.clone()).await;
        assert_eq!(reading.event().await.sequence, number);
    }
    let mut last = 0;
    let gap = loop {
        match stalled.next().await.unwrap() {
            Frame::Event(event) => {
                assert_eq!(event.sequence, last + 1, "no gap without a word");
                last = event.sequence;
            }
            Frame::Gap(gap) => break gap,
            other => panic!("not expected: {other:?}"),
        }
    };
    assert_eq!((gap.channel.as_str(), gap.after), ("busy", last));
    assert!(gap.through > last && gap.through < 2_000, "{gap:?}");
    let Frame::Heartbeat(heartbeat) = stalled.next().await.unwrap() else {
        panic!("a position follows a gap")
    };
    assert_eq!(heartbeat.position.unwrap().sequence, gap.through);
    for number in gap.through + 1..=2_000 {
        assert_eq!(stalled.event().await.sequence, number);
    }
}
