//! The client rule of `docs/protocol.md` misses nothing and gets nothing
//! twice: one number is enough for a thousand channels and ten patterns,
//! wherever the stream is cut.

pub(crate) mod follower;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare::config::Config;
use fanfare::rpc::client::{
    BroadcastRequest, Event, SubscribeRequest, payload::Kind, subscribe_response::Frame,
};
use fastrand::Rng;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{Client, Node, PATIENCE, send, sequence, text, to};
use follower::{Connect, Follower};

const CHANNELS: usize = 1_000;
const CUTS: usize = 1_000;

/// The first one stands for the exact channels as well.
const PATTERNS: [&str; 10] = [
    "room.*",
    "area.*.news",
    "deep.>",
    "a.*",
    "b.*",
    "c.*",
    "d.>",
    "e.>",
    "f.*.*",
    "*.g",
];

/// Events that are on their way at a time.
const AHEAD: usize = 200;

/// An event: its number, its channel and what it says.
type Told = (u64, String, String);

/// What the publishers and the reader share.
struct Run {
    sent: Mutex<Vec<Told>>,
    /// A permit for each event that may be sent.
    room: Semaphore,
    done: AtomicBool,
    /// The reader's id, for events that it is not to get.
    member: Mutex<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_channels_and_ten_patterns_survive_a_thousand_cuts() {
    let mut config = Config::default();
    config.hub.log_age = Duration::from_secs(600);
    let node = Node::start(config).await;
    let run = Arc::new(Run {
        sent: Mutex::default(),
        room: Semaphore::new(AHEAD),
        done: AtomicBool::new(false),
        member: Mutex::default(),
    });
    let mut reader = Reader::new(Arc::clone(&run), &node);
    reader.read().await;
    let mut publishers = JoinSet::new();
    for _ in 0..4 {
        publishers.spawn(publish(Arc::clone(&run), node.client().await));
    }
    reader.read_through_cuts().await;
    run.done.store(true, SeqCst);
    run.room.add_permits(AHEAD);
    publishers.join_all().await;
    let last = broadcast(&mut node.client().await, "end").await;
    reader.read_to(last).await;
    let sent = std::mem::take(&mut *run.sent.lock().unwrap());
    reader.check(sent);
    node.stopped().await;
}

/// Sends as long as the reader keeps up, until it has had its cuts.
async fn publish(run: Arc<Run>, mut client: Client) {
    let mut rng = Rng::new();
    for number in 0.. {
        run.room.acquire().await.unwrap().forget();
        if run.done.load(SeqCst) {
            return;
        }
        let said = format!("{number} {}", "x".repeat(rng.usize(..200)));
        let channel = channel(&mut rng);
        let sequence = if channel.is_empty() {
            broadcast(&mut client, &said).await
        } else {
            let mut request = text(&channel, "e", &said);
            if rng.u8(..10) == 0 {
                send_as_reader(&run, &mut client, request.clone()).await;
            }
            "somebody else".clone_into(&mut request.sender_id);
            sequence(&send(&mut client, request).await)
        };
        let mut sent = run.sent.lock().unwrap();
        sent.push((sequence, channel, said));
    }
}

/// Sends what the reader skips, since it is the sender.
async fn send_as_reader(
    run: &Run,
    client: &mut Client,
    mut request: fanfare::rpc::client::SendRequest,
) {
    request.sender_id.clone_from(&run.member.lock().unwrap());
    if !request.sender_id.is_empty() {
        send(client, request).await;
    }
}

/// One of the exact channels, or one that only a pattern stands for, which is
/// often new; or broadcasts.
fn channel(rng: &mut Rng) -> String {
    let n = rng.usize(..200);
    match rng.u8(..20) {
        0 => String::new(),
        1 => format!("room.new-{n}"),
        2 => format!("area.{n}.news"),
        3 => format!("deep.{n}.er"),
        4 => format!("a.{n}"),
        5 => format!("f.{n}.{n}"),
        6 => format!("{n}.g"),
        _ => format!("room.{}", rng.usize(..CHANNELS)),
    }
}

async fn broadcast(client: &mut Client, said: &str) -> u64 {
    let request = BroadcastRequest {
        payload: text("", "", said).payload,
        ..BroadcastRequest::default()
    };
    let response = client.broadcast(request).await.unwrap().into_inner();
    response.position.unwrap().sequence
}

/// The one whose stream is cut.
struct Reader {
    run: Arc<Run>,
    follower: Follower,
    rng: Rng,
    got: Vec<Told>,
    /// Streams that it has begun.
    streams: usize,
}

impl Reader {
    fn new(run: Arc<Run>, node: &Node) -> Self {
        Self {
            run,
            follower: Follower::new(connect(node), request(), Duration::from_millis(2)),
            rng: Rng::new(),
            got: Vec::new(),
            streams: 0,
        }
    }

    async fn read_through_cuts(&mut self) {
        // Those whose cut the node has not noticed are replaced.
        let mut left = Vec::new();
        for _ in 0..CUTS {
            let frames = [1, 1, 2, 3, self.rng.usize(1..60)];
            for _ in 0..self.rng.choice(frames).expect("some") {
                self.read().await;
            }
            let cut = self.follower.cut();
            left.push(cut.filter(|_| self.rng.u8(..4) == 0));
            left.drain(..left.len().saturating_sub(8));
        }
    }

    async fn read_to(&mut self, last: u64) {
        while self
            .got
            .last()
            .is_none_or(|(sequence, ..)| *sequence < last)
        {
            self.read().await;
        }
        self.got.pop();
    }

    async fn read(&mut self) {
        let next = tokio::time::timeout(PATIENCE, self.follower.next());
        match next.await.expect("a frame in time").unwrap() {
            Frame::Event(event) => {
                self.got.push(told(event));
                self.run.room.add_permits(1);
            }
            Frame::Ready(ready) => {
                assert_eq!(ready.recovered, self.streams > 0);
                let mut member = self.run.member.lock().unwrap();
                assert!(self.streams == 0 || *member == ready.member_id);
                *member = ready.member_id;
                self.streams += 1;
            }
            Frame::Heartbeat(_) => {}
            other => panic!("nothing is lost here, and nobody watched: {other:?}"),
        }
    }

    /// All that was sent came, each once and in order.
    fn check(self, mut sent: Vec<Told>) {
        assert!(self.streams > CUTS, "{} streams", self.streams);
        sent.sort_unstable();
        let differ = sent.iter().zip(&self.got).find(|(sent, got)| sent != got);
        assert_eq!(differ, None, "sent and got, where they differ first");
        assert_eq!(sent.len(), self.got.len());
    }
}

fn told(event: Event) -> Told {
    match event.payload.and_then(|payload| payload.kind) {
        Some(Kind::Text(said)) => (event.sequence, event.channel, said),
        other => panic!("not what was sent: {other:?}"),
    }
}

fn request() -> SubscribeRequest {
    let rooms: Vec<_> = (0..CHANNELS).map(|n| format!("room.{n}")).collect();
    to(PATTERNS.into_iter().chain(rooms.iter().map(String::as_str)))
}

/// Comes back on the connection that there is, or on a new one.
fn connect(node: &Node) -> Connect {
    let endpoint = tonic::transport::Endpoint::from_shared(node.address.clone()).unwrap();
    let mut channel = endpoint.connect_lazy();
    Box::new(move || {
        if fastrand::bool() {
            channel = endpoint.connect_lazy();
        }
        let client = Client::new(channel.clone());
        Box::pin(async { Ok(client) })
    })
}
