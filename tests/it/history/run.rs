//! Random runs over the wire: senders, readers of every kind who are cut off
//! and come back, slow ones, changing profiles, idle channels that leave and
//! come back, and a restart of the node on the way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare::config::Config;
use fanfare::hub::Hub;
use fanfare::rpc::client::{GetMembersRequest, Member};
use fastrand::Rng;
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

use super::choice::channels;
use super::reader;
use super::record::{History, Place};
use super::sender::{self, broadcast};
use crate::client_rule::follower::Connect;
use crate::support::{Client, Node};

const READERS: u64 = 10;
const SENDERS: u64 = 8;

/// What all tasks of a run share.
pub(super) struct Run {
    /// Counts up with everything that happens, so that it tells before from
    /// after.
    pub(super) clock: AtomicU64,
    /// Members that senders may pose as, and change.
    pub(super) members: Mutex<Vec<String>>,
    /// Where the node is.
    address: Mutex<String>,
    /// Events that were acknowledged.
    pub(super) acknowledged: AtomicUsize,
    pub(super) phase: watch::Sender<Phase>,
    /// Readers who are cut off no more.
    pub(super) settled: AtomicUsize,
    /// Passed when the members were listed.
    pub(super) end: Barrier,
}

/// How far a run has come.
#[derive(Clone, Debug, Default)]
pub(super) enum Phase {
    #[default]
    Sending,
    /// All is sent: nobody is cut off any more.
    Settling,
    /// Nobody comes or goes, up to this place.
    Quiet(Place),
}

impl Run {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: AtomicU64::new(0),
            members: Mutex::default(),
            address: Mutex::default(),
            acknowledged: AtomicUsize::new(0),
            phase: watch::Sender::default(),
            settled: AtomicUsize::new(0),
            end: Barrier::new(usize::try_from(READERS).unwrap() + 1),
        })
    }

    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst)
    }

    /// A new connection, which lets little wait for it unread.
    pub(super) fn client(&self) -> Client {
        let address = self.address.lock().unwrap().clone();
        let endpoint = Endpoint::from_shared(address).unwrap();
        let endpoint = endpoint.initial_stream_window_size(16 << 10);
        Client::new(endpoint.connect_lazy())
    }

    /// A new connection every time.
    pub(super) fn connect(self: &Arc<Self>) -> Connect {
        let run = Arc::clone(self);
        Box::new(move || {
            let client = run.client();
            Box::pin(async { Ok(client) })
        })
    }

    async fn start(&self) -> Node {
        let node = Node::start(small()).await;
        self.address.lock().unwrap().clone_from(&node.address);
        node
    }
}

/// Records a random run.
pub(super) async fn random(seed: u64) -> History {
    let run = Run::new();
    let node = run.start().await;
    let sweeping = tokio::spawn(sweep(node.hub.clone()));
    let (mut readers, mut senders) = (JoinSet::new(), JoinSet::new());
    for n in 0..READERS {
        let rng = Rng::with_seed(seed ^ (n << 32));
        readers.spawn(reader::follow(Arc::clone(&run), rng));
    }
    for n in 100..100 + SENDERS {
        let rng = Rng::with_seed(seed ^ (n << 32));
        senders.spawn(sender::send_all(Arc::clone(&run), rng));
    }
    let node = restart(&run, node, &mut Rng::with_seed(seed)).await;
    let mut history = History::default();
    for (sent, tried) in senders.join_all().await {
        history.sent.extend(sent);
        history.tried.extend(tried);
    }
    settle(&run, &node, &mut history).await;
    history.readers = readers.join_all().await.into_iter().flatten().collect();
    sweeping.abort();
    node.stopped().await;
    history
}

/// Logs so small and short that slow readers fall behind them, and channels
/// that nobody uses for a moment leave.
fn small() -> Config {
    let mut config = Config::default();
    config.hub.log_events = 40;
    config.hub.log_age = Duration::from_millis(30);
    config.hub.leave_grace = Duration::from_millis(20);
    config.transport.send_buffer = 16 << 10;
    config
}

async fn sweep(hub: Hub) {
    loop {
        tokio::time::sleep(Duration::from_millis(3)).await;
        hub.sweep_all();
    }
}

/// In half of the runs another life of the node begins on the way.
async fn restart(run: &Run, node: Node, rng: &mut Rng) -> Node {
    if rng.bool() {
        return node;
    }
    let some = rng.usize(200..500);
    crate::support::until("enough is sent", || run.acknowledged.load(SeqCst) >= some).await;
    node.stopped().await;
    let node = run.start().await;
    tokio::spawn(sweep(node.hub.clone()));
    node
}

/// Waits until nobody comes or goes any more, and notes who is where then.
async fn settle(run: &Run, node: &Node, history: &mut History) {
    run.phase.send_replace(Phase::Settling);
    let readers = usize::try_from(READERS).unwrap();
    let settled = || run.settled.load(SeqCst) == readers;
    crate::support::until("all readers are back", settled).await;
    node.until("nobody else is there", |counts| {
        counts.streams == readers && counts.members == readers
    })
    .await;
    let mut client = run.client();
    let end = broadcast(&mut client, "", "", "end", "").await.unwrap();
    for channel in channels().into_iter().filter(|name| !name.is_empty()) {
        let listed = members(&mut client, &channel).await;
        history.listed.insert(channel, listed);
    }
    history.sent.push(super::record::Sent {
        text: "end".into(),
        at: end.clone(),
        began: run.tick(),
        ended: run.tick(),
        ..Default::default()
    });
    run.phase.send_replace(Phase::Quiet(end));
    run.end.wait().await;
}

/// The members of a channel, page by page.
async fn members(client: &mut Client, channel: &str) -> Vec<Member> {
    let mut all = HashMap::new();
    let mut request = GetMembersRequest {
        channel: channel.to_owned(),
        page_size: 3,
        ..GetMembersRequest::default()
    };
    loop {
        let page = client.get_members(request.clone()).await.unwrap();
        let page = page.into_inner();
        let members = page.members.into_iter();
        all.extend(members.map(|member| (member.id.clone(), member)));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all.into_values().collect();
        }
    }
}
