//! Connections and requests that break anywhere: nobody else notices.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bystander::Bystander;
use crate::recording::{DATA, GOAWAY, Http2Frame, SETTINGS, frames, hello, recording, say};
use crate::support::{Client, Frames, Node, PATIENCE, node, send, sequence, subscribe, text, to};
use crate::wire_support::{Wire, connect, framed, request, without_panics};

/// A subscriber of `torn` and of a channel in which something goes on.
struct Witness {
    node: Node,
    client: Client,
    frames: Frames,
    sent: Vec<u64>,
}

impl Witness {
    async fn new() -> Self {
        let node = node().await;
        let mut client = node.client().await;
        let frames = subscribe(&mut client, to(["witness", "torn"])).await;
        Self {
            node,
            client,
            frames,
            sent: Vec::new(),
        }
    }

    async fn goes_on(&mut self) {
        let sent = send(&mut self.client, text("witness", "e", "")).await;
        self.sent.push(sequence(&sent));
    }

    /// Checks that all was delivered, whole and in order, and that nothing of
    /// the others is left; returns the numbers of what came in `torn`.
    async fn missed_nothing(mut self) -> Vec<u64> {
        self.goes_on().await;
        let (mut seen, mut torn) = (Vec::new(), Vec::new());
        let mut last = 0;
        while seen.len() < self.sent.len() {
            let event = self.frames.event().await;
            assert!(event.sequence > last, "numbers rise");
            last = event.sequence;
            if event.channel == "witness" {
                seen.push(event.sequence);
            } else {
                torn.push(event.sequence);
            }
        }
        assert_eq!(seen, self.sent);
        let alone = |counts: &fanfare::hub::Counts| {
            (counts.streams, counts.subscriptions, counts.pinned_bytes) == (1, 2, 0)
        };
        self.node.until("the others are gone", alone).await;
        drop((self.client, self.frames));
        self.node
            .until("all are gone", |counts| counts.streams == 0)
            .await;
        let counts = self.node.hub.counts();
        assert_eq!((counts.subscriptions, counts.pinned_bytes), (0, 0));
        self.node.stopped().await;
        torn
    }
}

#[test]
fn the_recording_is_what_a_client_could_have_written() {
    without_panics("recorded", async {
        let witness = Witness::new().await;
        let mut stream = connect(&witness.node).await;
        stream.write_all(&recording()).await.unwrap();
        let mut answer = Vec::new();
        // `ready` and the answer of Send, of which one may be first.
        let answered = |answer: &[u8]| {
            let said = frames(answer);
            let on = |stream| {
                let data = |frame: &Http2Frame| (frame.kind, frame.stream) == (DATA, stream);
                said.iter().any(data)
            };
            on(1) && on(3)
        };
        let read = async {
            while !answered(&answer) {
                assert!(
                    stream.read_buf(&mut answer).await.unwrap() > 0,
                    "not the end"
                );
            }
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap();
        assert_eq!(witness.node.hub.counts().streams, 2);
        drop(stream);
        assert_eq!(witness.missed_nothing().await, [1]);
    });
}

#[test]
fn a_connection_cut_at_any_byte_harms_nobody() {
    without_panics("cut", async {
        let mut witness = Witness::new().await;
        let recording = recording();
        for cut in 0..=recording.len() {
            for way in 0..3 {
                let mut stream = connect(&witness.node).await;
                match way {
                    // The peer closes,
                    0 => stream.write_all(&recording[..cut]).await.unwrap(),
                    // is gone,
                    1 => {
                        stream.write_all(&recording[..cut]).await.unwrap();
                        stream.set_zero_linger().unwrap();
                    }
                    // or only says no more.
                    _ => {
                        say(stream, &recording[..cut]).await;
                        continue;
                    }
                }
                drop(stream);
            }
            witness.goes_on().await;
        }
        // What was whole may have been sent.
        assert!(witness.missed_nothing().await.len() <= 3);
    });
}

/// `bytes` with some changed, cut out, put in, or repeated.
fn damaged(mut bytes: Vec<u8>, random: &mut fastrand::Rng) -> Vec<u8> {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..bytes.len());
        let end = (at + random.usize(1..16)).min(bytes.len());
        match random.u8(..4) {
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(..8),
            2 => drop(bytes.drain(at..end)),
            _ => bytes.extend_from_within(at..end),
        }
    }
    bytes
}

#[test]
fn damaged_and_random_bytes_harm_nobody() {
    without_panics("garbage-bytes", async {
        let mut witness = Witness::new().await;
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..300 {
            let noise: Vec<_> = (0..random.usize(..200)).map(|_| random.u8(..)).collect();
            let bytes = match round % 3 {
                0 => damaged(recording(), &mut random),
                1 => [hello(&[]), noise].concat(),
                _ => noise,
            };
            say(connect(&witness.node).await, &bytes).await;
            witness.goes_on().await;
        }
        witness.missed_nothing().await;
    });
}

#[test]
fn what_is_no_http_is_turned_away() {
    without_panics("no-http", async {
        let witness = Witness::new().await;
        for bytes in [
            &b"hello\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            let mut stream = connect(&witness.node).await;
            stream.write_all(bytes).await.unwrap();
            let mut answer = Vec::new();
            let end = stream.read_to_end(&mut answer);
            // It may also be reset, since not all was read.
            let _ = tokio::time::timeout(PATIENCE, end).await.expect("an end");
            let said = frames(&answer);
            let apart = said
                .iter()
                .all(|frame| matches!(frame.kind, SETTINGS | GOAWAY));
            assert!(apart, "{said:?}");
        }
        witness.missed_nothing().await;
    });
}

#[test]
fn a_request_reset_half_way_does_nothing() {
    without_panics("reset", async {
        let mut bystander = Bystander::of(node().await).await;
        let requests = [
            ("Send", framed(&text("a", "e", "hello"))),
            ("Subscribe", framed(&to(["a", "b"]))),
        ];
        for (method, body) in requests {
            for length in 0..body.len() {
                let (response, mut stream) = bystander.wire.open(request(method)).await.unwrap();
                stream.send_data(body.slice(..length), false).unwrap();
                stream.send_reset(h2::Reason::CANCEL);
                drop(response);
            }
            bystander.is_unharmed().await;
        }
    });
}

#[test]
fn requests_that_never_end_go_with_their_connection() {
    without_panics("endless", async {
        let mut bystander = Bystander::of(node().await).await;
        let wire = Wire::new(&bystander.node).await;
        let body = framed(&to(["a", "b"]));
        let mut halves = Vec::new();
        for length in 0..body.len() {
            let (response, mut stream) = wire.open(request("Subscribe")).await.unwrap();
            stream.send_data(body.slice(..length), false).unwrap();
            halves.push((response, stream));
        }
        bystander.is_unharmed().await;
        wire.cut();
        drop(halves);
        bystander.is_unharmed().await;
        bystander.node.stopped().await;
    });
}
