//! Random runs over the wire: senders, subscribers of every kind, slow ones,
//! cuts, and idle channels that leave and come back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare::config::Config;
use fanfare::rpc::client::subscribe_response::Frame as Received;
use fanfare::rpc::client::{
    BroadcastRequest, BroadcastSubscription, SubscribeRequest, Subscription, payload::Kind,
};
use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::record::{Frame, History, Sent, Stream, Wish};
use crate::support::{Client, Frames, Node, send, sequence, subscribe_ready, text};

const NAMES: [&str; 3] = ["", "red", "blue"];

/// What all tasks of a run share.
struct Run {
    /// Counts up with everything that happens, so that it tells before from
    /// after.
    clock: AtomicU64,
    /// Members that senders may pose as.
    members: Mutex<Vec<String>>,
    /// The highest number acknowledged, and whether it is final.
    newest: watch::Sender<(u64, bool)>,
}

/// Records a random run.
pub(super) async fn random(seed: u64) -> History {
    let node = Node::start(small()).await;
    let run = Arc::new(Run {
        clock: AtomicU64::new(0),
        members: Mutex::default(),
        newest: watch::Sender::default(),
    });
    let mut streams = JoinSet::new();
    for n in 0..10 {
        let rng = Rng::with_seed(seed ^ (n << 32));
        streams.spawn(subscriber(
            Arc::clone(&run),
            node.narrow_client().await,
            rng,
        ));
    }
    let mut senders = JoinSet::new();
    for n in 100..108 {
        let rng = Rng::with_seed(seed ^ (n << 32));
        senders.spawn(sender(Arc::clone(&run), node.client().await, rng));
    }
    let hub = node.hub.clone();
    let sweeper = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(3)).await;
            hub.sweep_all();
        }
    });
    let sent = senders.join_all().await.concat();
    run.newest.send_modify(|newest| newest.1 = true);
    let streams = streams.join_all().await.into_iter().flatten().collect();
    sweeper.abort();
    History { sent, streams }
}

/// Logs so small and short that slow readers fall behind them, and channels
/// that nobody uses for a moment leave.
fn small() -> Config {
    let mut config = Config::default();
    config.hub.log_events = 40;
    config.hub.log_age = Duration::from_millis(30);
    config.transport.send_buffer = 16 << 10;
    config
}

async fn sender(run: Arc<Run>, mut client: Client, mut rng: Rng) -> Vec<Sent> {
    let mut all = Vec::new();
    for number in 0..100 {
        if rng.u8(..10) == 0 {
            tokio::time::sleep(Duration::from_millis(rng.u64(1..40))).await;
        }
        let members = run.members.lock().unwrap().clone();
        let mut sent = Sent {
            channel: rng.choice(channels()).unwrap_or_default(),
            name: rng.choice(NAMES).unwrap_or_default().to_owned(),
            sender: rng
                .choice(members)
                .filter(|_| rng.bool())
                .unwrap_or_default(),
            text: format!("{number} {}", "x".repeat(rng.usize(..8_000))),
            sequence: 0,
            began: run.clock.fetch_add(1, SeqCst),
            ended: 0,
        };
        sent.sequence = post(&mut client, &sent).await;
        sent.ended = run.clock.fetch_add(1, SeqCst);
        run.newest
            .send_modify(|newest| newest.0 = newest.0.max(sent.sequence));
        all.push(sent);
    }
    all
}

/// Sends, or broadcasts, and returns the number.
async fn post(client: &mut Client, sent: &Sent) -> u64 {
    let mut request = text(&sent.channel, &sent.name, &sent.text);
    request.sender_id.clone_from(&sent.sender);
    if !sent.channel.is_empty() {
        return sequence(&send(client, request).await);
    }
    let broadcast = BroadcastRequest {
        event: request.event,
        payload: request.payload,
        sender_id: request.sender_id,
        ..BroadcastRequest::default()
    };
    let response = client.broadcast(broadcast).await.unwrap().into_inner();
    response.position.unwrap().sequence
}

/// The names that are used, broadcasts among them.
fn channels() -> impl ExactSizeIterator<Item = String> {
    let name = |n| {
        if n == 0 {
            String::new()
        } else {
            format!("c{n}")
        }
    };
    (0..7).map(name)
}

/// Subscribes again and again, until all is sent and received.
async fn subscriber(run: Arc<Run>, mut client: Client, mut rng: Rng) -> Vec<Stream> {
    let mut streams = Vec::new();
    loop {
        let (request, mut stream) = wish(&mut rng);
        let (ready, frames) = subscribe_ready(&mut client, request).await;
        stream.start = ready.position.unwrap().sequence;
        stream.member.clone_from(&ready.member_id);
        run.members.lock().unwrap().push(ready.member_id);
        let cut = rng.usize(1..400);
        let whole = read(&run, &mut stream, frames, cut, &mut rng).await;
        streams.push(stream);
        if whole {
            return streams;
        }
    }
}

/// Reads until `cut` frames have come, or all that was sent: true then.
async fn read(
    run: &Run,
    stream: &mut Stream,
    mut frames: Frames,
    cut: usize,
    rng: &mut Rng,
) -> bool {
    let slow = rng.u8(..3) == 0;
    loop {
        let frame = frames.next().await.unwrap();
        let (frame, passed) = record(frame);
        stream.frames.push(frame);
        let (newest, all_sent) = *run.newest.borrow();
        if all_sent && passed >= newest {
            return true;
        }
        if !all_sent && stream.frames.len() >= cut {
            return false;
        }
        if slow && !all_sent && rng.u8(..10) == 0 {
            tokio::time::sleep(Duration::from_millis(rng.u64(20..120))).await;
        }
    }
}

/// The frame as recorded, and the number that it brings its stream to.
fn record(frame: Received) -> (Frame, u64) {
    match frame {
        Received::Event(event) => {
            let Some(Kind::Text(text)) = event.payload.and_then(|payload| payload.kind) else {
                panic!("not the text that was sent")
            };
            let sent = Sent {
                channel: event.channel,
                name: event.name,
                sender: event.sender_id,
                text,
                sequence: event.sequence,
                began: 0,
                ended: 0,
            };
            (Frame::Event(sent), event.sequence)
        }
        Received::Gap(gap) => {
            let (after, through) = (gap.after, gap.through);
            let channel = gap.channel;
            (
                Frame::Gap {
                    channel,
                    after,
                    through,
                },
                through,
            )
        }
        Received::Heartbeat(heartbeat) => {
            let position = heartbeat.position.unwrap().sequence;
            (Frame::Position(position), position)
        }
        other => panic!("not to be had in a run: {other:?}"),
    }
}

/// A random request, and the record of a stream that made it.
fn wish(rng: &mut Rng) -> (SubscribeRequest, Stream) {
    let mut stream = Stream {
        member: String::new(),
        start: 0,
        channels: HashMap::new(),
        broadcasts: None,
        frames: Vec::new(),
    };
    let mut request = SubscribeRequest {
        heartbeat_interval: Some(prost_types::Duration {
            seconds: 1,
            nanos: 0,
        }),
        ..SubscribeRequest::default()
    };
    for channel in channels().filter(|_| rng.bool()).collect::<Vec<_>>() {
        let names = NAMES.iter().filter(|_| rng.u8(..3) == 0);
        let events: Vec<_> = names.map(ToString::to_string).collect();
        let echo = rng.bool();
        let wish = Wish {
            events: events.clone(),
            echo,
        };
        if channel.is_empty() {
            stream.broadcasts = Some(wish);
            request.broadcasts = Some(BroadcastSubscription {
                events,
                echo,
                disabled: false,
            });
            continue;
        }
        stream.channels.insert(channel.clone(), wish);
        request.subscriptions.push(Subscription {
            channel,
            events,
            echo,
            observe: rng.bool(),
            ..Subscription::default()
        });
    }
    if stream.broadcasts.is_none() {
        request.broadcasts = Some(BroadcastSubscription {
            disabled: true,
            ..BroadcastSubscription::default()
        });
    }
    (request, stream)
}
