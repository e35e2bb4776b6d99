//! Random sessions: clients that pipeline requests of every kind, good and bad,
//! are cut at random, right after a later `ready` too, and come back as one
//! first subscribe that lists everything.
//!
//! Each request is answered once and in order, or was cut off; what was sent
//! is there once, under the number that was told. What came is judged by the
//! rules of `crate::hub::lives`, which know nothing of how a node works.

mod asked;
mod client;
mod frames;
mod heard;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare::config::Config;
use fanfare::hub::Range;
use fanfare::rpc::client::{BroadcastRequest, GetMembersRequest};
use fastrand::Rng;
use tokio::task::JoinSet;

use crate::hub::lives::record::{CHANNELS, Entry, Note, Present, Sent, TEXTS, Told, Truth};
use crate::hub::lives::verify_all;
use crate::support::{Client as Connection, Node, text, until};
use client::Client;

const CLIENTS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_sessions_are_answered_in_order_and_miss_nothing() {
    let runs = std::env::var("SESSIONS").map_or(6, |n| n.parse().unwrap());
    let first = fastrand::u64(..);
    for seed in (0..runs).map(|n| first.wrapping_add(n)) {
        eprintln!("seed {seed}");
        let (truth, told) = run(seed).await;
        verify_all(&[truth], &told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_sessions_have_joins_cuts_and_gaps_to_judge() {
    let (truth, told) = run(1).await;
    let notes = || told.iter().flat_map(|stream| &stream.notes);
    let count = |what: fn(&&Note) -> bool| notes().filter(what).count();
    eprintln!("{} streams, {} events", told.len(), truth.sent.len());
    assert!(told.len() > 50 && truth.sent.len() > 300);
    let turns = count(|note| matches!(note, Note::Turned(_)));
    let gaps = count(|note| matches!(note, Note::Gap { .. }));
    let right_after = |stream: &&Told| matches!(stream.notes.last(), Some(Note::Turned(_)));
    let right_after = told.iter().filter(right_after).count();
    eprintln!("{turns} turns, {gaps} gaps, {right_after} cuts right after a turn");
    assert!(turns > 50 && gaps > 10 && right_after > 10);
}

/// What all clients of a run share.
struct Run {
    node: Node,
    /// Every event that was acknowledged, by its number, and its text.
    sent: Mutex<BTreeMap<u64, (Sent, String)>>,
    /// Every event that came: its number and its text.
    came: Mutex<Vec<(u64, String)>>,
    told: Mutex<Vec<Told>>,
}

impl Run {
    /// The node's newest number.
    fn newest(&self) -> u64 {
        let probe = crate::hub::support::name("nobody.here");
        let page = self.node.hub.history(&probe, Range::default(), 1, 1);
        page.position
    }

    /// Notes what was acknowledged; once for each number.
    fn sent(&self, number: u64, sent: Sent, text: String) {
        let mut all = self.sent.lock().unwrap();
        let before = all.insert(number, (sent, text));
        assert!(before.is_none(), "{number} was given to {before:?} before");
    }
}

async fn run(seed: u64) -> (Truth, Vec<Told>) {
    let run = Arc::new(Run {
        node: Node::start(small()).await,
        sent: Mutex::default(),
        came: Mutex::default(),
        told: Mutex::default(),
    });
    let hub = run.node.hub.clone();
    let sweeping = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(3)).await;
            hub.sweep_all();
        }
    });
    let mut clients = JoinSet::new();
    for index in 0..CLIENTS {
        let rng = Rng::with_seed(seed ^ ((index as u64) << 32));
        clients.spawn(Client::new(Arc::clone(&run), rng).live());
    }
    let clients = clients.join_all().await;
    end(&run, clients).await;
    sweeping.abort();
    check_texts(&run);
    let run = Arc::into_inner(run).expect("all are gone");
    run.node.stopped().await;
    let sent = run.sent.into_inner().unwrap().into_iter();
    let truth = Truth {
        sent: sent.map(|(number, (sent, _))| (number, sent)).collect(),
        changes: None,
    };
    (truth, run.told.into_inner().unwrap())
}

/// All is still: everything must have been told by now, and nothing of it stays
/// when the clients go.
async fn end(run: &Arc<Run>, mut clients: Vec<Client>) {
    let mut lister = run.node.client().await;
    // Whoever comes back after the first one falls behind no more.
    for _ in 0..2 {
        let number = last_word(run, &mut lister).await;
        for client in &mut clients {
            client.read_up_to(number).await;
        }
    }
    let only = |counts: &fanfare::hub::Counts| {
        counts.streams == clients.len() && counts.members == clients.len()
    };
    run.node.until("nobody else is there", only).await;
    let number = last_word(run, &mut lister).await;
    let mut members = BTreeMap::new();
    for channel in CHANNELS.into_iter().filter(|name| !name.is_empty()) {
        let request = GetMembersRequest {
            channel: channel.into(),
            page_size: 1_000,
            ..GetMembersRequest::default()
        };
        let page = lister.get_members(request).await.unwrap().into_inner();
        let present: Present = page.members.into_iter().map(frames::member).collect();
        members.insert(channel, present);
    }
    for client in &mut clients {
        client.read_up_to(number).await;
        client.quiet(Note::Quiet {
            newest: number,
            members: members.clone(),
        });
    }
    clients.into_iter().for_each(Client::bury);
    drop(lister);
    run.node
        .until("nothing of them is left", |counts| {
            (counts.streams, counts.members, counts.subscriptions) == (0, 0, 0)
                && counts.observed == 0
        })
        .await;
    until("nobody waits", || run.node.hub.waiting_places() == 0).await;
}

/// Tells everybody that it is the end, and gives its number.
async fn last_word(run: &Run, client: &mut Connection) -> u64 {
    let request = BroadcastRequest {
        event: "signal".into(),
        payload: text("", "", "end").payload,
        ..BroadcastRequest::default()
    };
    let sent = client.broadcast(request).await.unwrap().into_inner();
    let number = sent.position.expect("a position").sequence;
    let what = Sent {
        channel: "",
        noise: false,
        sender: String::new(),
        published: 0,
    };
    run.sent(number, what, "end".into());
    number
}

/// What came is what was sent.
fn check_texts(run: &Run) {
    let sent = run.sent.lock().unwrap();
    for (number, text) in &*run.came.lock().unwrap() {
        let said = sent.get(number).map(|(_, text)| text);
        assert_eq!(said, Some(text), "of {number}");
    }
}

/// Logs so small and short that slow readers fall behind, and channels that
/// nobody uses for a moment leave.
fn small() -> Config {
    let mut config = Config::default();
    config.hub.log_events = 60;
    config.hub.log_age = Duration::from_millis(50);
    config.hub.leave_grace = Duration::from_millis(20);
    config.transport.send_buffer = 16 << 10;
    config
}

/// Anything that can be asked for but broadcasts.
fn entry(rng: &mut Rng) -> Entry {
    Entry {
        text: rng.choice(TEXTS).unwrap(),
        observes: rng.bool(),
        quiet: rng.u8(..3) == 0,
        echo: rng.bool(),
        presence: rng.bool(),
        strict: rng.u8(..12) == 0,
    }
}
