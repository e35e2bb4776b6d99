//! What runs on the hosts of the simulation: the node, readers who keep their
//! position on disk, as it were, and senders.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare::config::Config;
use fanfare::hub::{Clock, Hub};
use fanfare::rpc::client::{GetMembersRequest, SubscribeRequest, subscribe_request::Start};
use fanfare::{rpc, server};
use fastrand::Rng;
use tonic::{Code, Status};

use super::network::{Bound, client, connect};
use crate::client_rule::follower::Follower;
use crate::history::choice::{Choice, NAMES, channels};
use crate::history::record::{History, Place, Reader, Sent};
use crate::support::{sequence, text};

/// What is left of a run when a host has crashed.
pub(super) struct Shared {
    pub(super) config: Config,
    /// Of the life that the node is in.
    pub(super) hub: Mutex<Option<Hub>>,
    pub(super) readers: Vec<Mutex<Kept>>,
    pub(super) history: Mutex<History>,
    clock: std::sync::atomic::AtomicU64,
}

/// What a reader keeps when it crashes.
pub(super) struct Kept {
    request: SubscribeRequest,
    pub(super) reader: Reader,
    /// Frames that it has had.
    pub(super) frames: usize,
    /// Streams that another one of the reader's own ended.
    pub(super) replaced: usize,
}

impl Kept {
    /// What it would come back with.
    pub(super) fn position(&self) -> Option<Place> {
        match &self.request.start {
            Some(Start::Resume(position)) => Some(position.clone().into()),
            _ => None,
        }
    }
}

impl Shared {
    pub(super) fn new(config: Config, readers: usize, rng: &mut Rng) -> Arc<Self> {
        let kept = |_| {
            let choice = Choice::random(rng);
            Mutex::new(Kept {
                request: choice.request(|_| false),
                reader: Reader::new(choice),
                frames: 0,
                replaced: 0,
            })
        };
        Arc::new(Self {
            config,
            hub: Mutex::default(),
            readers: (0..readers).map(kept).collect(),
            history: Mutex::default(),
            clock: 0.into(),
        })
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
    }
}

/// One life of the node.
pub(super) async fn node(shared: Arc<Shared>) -> turmoil::Result {
    let clock = Clock::system();
    let config = shared.config.clone();
    let hub = Hub::new(config.hub.clone(), clock, rpc::Frames { clock });
    *shared.hub.lock().unwrap() = Some(hub.clone());
    let listener = Bound::new().await?;
    server::serve(listener, hub, config.into(), std::future::pending()).await;
    Ok(())
}

/// Follows from where it was when it crashed.
pub(super) async fn reader(shared: Arc<Shared>, index: usize) -> turmoil::Result {
    loop {
        let request = shared.readers[index].lock().unwrap().request.clone();
        let mut follower = Follower::new(connect(), request, Duration::from_millis(50));
        let ended = loop {
            let frame = match follower.next().await {
                Ok(frame) => frame,
                Err(status) => break status,
            };
            let mut kept = shared.readers[index].lock().unwrap();
            kept.reader.hear(frame);
            kept.frames += 1;
            kept.request.clone_from(follower.request());
        };
        // A request of its own that was long on its way came in after a newer
        // one. It alone uses the token, so it may come back.
        assert_eq!(ended.code(), Code::Aborted, "{ended:?}");
        shared.readers[index].lock().unwrap().replaced += 1;
    }
}

/// Sends each event until it is acknowledged.
pub(super) async fn sender(shared: Arc<Shared>, mut rng: Rng, events: u32) -> turmoil::Result {
    let own = rng.u64(..);
    let mut connected = client().await;
    for number in 0..events {
        tokio::time::sleep(Duration::from_millis(rng.u64(..60))).await;
        let mut sent = Sent {
            channel: rng.choice(channels()).unwrap_or_default(),
            name: rng.choice(NAMES).unwrap_or_default().to_owned(),
            sender: pose(&shared, &mut rng),
            text: format!("{own} {number} {}", "x".repeat(rng.usize(..300))),
            began: shared.tick(),
            ..Sent::default()
        };
        loop {
            match post(&connected, &sent, format!("{own}-{number}")).await {
                Ok(at) => {
                    sent.at = at;
                    break;
                }
                Err(status) => {
                    assert_ne!(status.code(), Code::InvalidArgument, "{status:?}");
                    shared.history.lock().unwrap().tried.push(sent.clone());
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    connected = client().await;
                }
            }
        }
        sent.ended = shared.tick();
        shared.history.lock().unwrap().sent.push(sent);
    }
    Ok(())
}

/// Half of the events are of some reader's member.
fn pose(shared: &Shared, rng: &mut Rng) -> String {
    let reader = shared.readers[rng.usize(..shared.readers.len())].lock();
    let reader = reader.unwrap();
    let stream = reader.reader.streams.last().filter(|_| rng.bool());
    stream.map_or_else(String::new, |stream| stream.member.clone())
}

async fn post(
    connected: &Result<crate::support::Client, Status>,
    sent: &Sent,
    request_id: String,
) -> Result<Place, Status> {
    let mut client = connected.clone()?;
    let mut request = text(&sent.channel, &sent.name, &sent.text);
    request.sender_id.clone_from(&sent.sender);
    request.request_id = request_id;
    let posting = async {
        if sent.channel.is_empty() {
            let request = fanfare::rpc::client::BroadcastRequest {
                event: request.event,
                payload: request.payload,
                sender_id: request.sender_id,
                request_id: request.request_id,
                ..Default::default()
            };
            let response = client.broadcast(request).await?.into_inner();
            return Ok(response.position.expect("a position").into());
        }
        let response = client.send(request).await?.into_inner();
        Ok(response.position.expect("a position").into())
    };
    let answer = tokio::time::timeout(Duration::from_secs(2), posting).await;
    answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))
}

/// Notes who is where, and sends the last event.
pub(super) async fn lister(shared: Arc<Shared>) -> turmoil::Result {
    let mut client = client().await?;
    let mut listed = std::collections::HashMap::new();
    for channel in channels().into_iter().filter(|name| !name.is_empty()) {
        let request = GetMembersRequest {
            channel: channel.clone(),
            page_size: 1_000,
            ..GetMembersRequest::default()
        };
        let page = client.get_members(request).await?.into_inner();
        listed.insert(channel, page.members);
    }
    let mut last = Sent {
        channel: "c.1".to_owned(),
        text: "end".to_owned(),
        began: shared.tick(),
        ..Sent::default()
    };
    let response = crate::support::send(&mut client, text("c.1", "", "end")).await;
    assert!(sequence(&response) > 0);
    last.at = response.position.expect("a position").into();
    last.ended = shared.tick();
    let mut history = shared.history.lock().unwrap();
    history.listed = listed;
    history.sent.push(last);
    Ok(())
}
