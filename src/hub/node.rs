//! What the handles of a hub share, and what of it is counted.

use std::time::Duration;

use super::budget::Budget;
use super::channel::Channel;
use super::channel::lists::Lists;
use super::identity::Identities;
use super::let_go::LetGo;
use super::log::{Log, Retention};
use super::observer::Observer;
use super::registry::Registry;
use super::requests::Requests;
use super::sequence::Counter;
use super::stream::open::Streams;
use super::stream::subscription::End;
use super::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Ordering};
use super::{Clock, Frames, Limits, SHARDS};
use crate::model::{ChannelName, Epoch, Error, Limit};

/// Changes that are kept for who watches a channel's members: whoever falls
/// further behind gets a new list of them.
fn changes(age: Duration) -> Retention {
    Retention {
        events: 1024,
        bytes: 256 << 10,
        age,
    }
}

/// There is as much of something as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached(pub(super) Limit);

/// The state of a hub.
pub(super) struct Node {
    pub(super) limits: Limits,
    pub(super) epoch: Epoch,
    pub(super) clock: Clock,
    pub(super) counter: Counter,
    pub(super) registry: Registry<ChannelName, Channel, Observer>,
    pub(super) broadcasts: Arc<Channel>,
    pub(super) streams: Streams,
    pub(super) identities: Identities,
    pub(super) requests: Requests,
    pub(super) lists: Lists,
    pub(super) budget: Budget<Channel>,
    pub(super) frames: Box<dyn Frames>,
    /// Places of all members and of all who listen.
    pub(super) subscribed: AtomicUsize,
    /// Places in the order of joining that were given.
    pub(super) joins: AtomicU64,
    pub(super) draining: AtomicBool,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// A node with no channels, at the start of a new epoch.
    pub(super) fn new(limits: Limits, clock: Clock, frames: impl Frames) -> Self {
        let budget = Budget::new(limits.node_bytes);
        let account = Arc::clone(budget.account());
        let log = Log::new(limits.retention(None), LetGo::default(), account);
        let broadcasts = Channel::new(None, log);
        Self {
            epoch: Epoch::new(),
            clock,
            counter: Counter::new(),
            registry: Registry::new(SHARDS, limits.channels),
            broadcasts: Arc::new(broadcasts),
            streams: Streams::new(limits.streams),
            identities: Identities::default(),
            lists: Lists::new(limits.list_bytes),
            requests: Requests::new(limits.request_ids, limits.request_age),
            budget,
            frames: Box::new(frames),
            subscribed: AtomicUsize::new(0),
            joins: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            limits,
        }
    }

    /// An empty log for a channel that begins where this is gone.
    pub(super) fn log(&self, channel: &ChannelName, let_go: LetGo) -> Log {
        let account = Arc::clone(self.budget.account());
        Log::new(self.limits.retention(Some(channel)), let_go, account)
    }

    /// An empty log for the changes among a channel's members from now on.
    pub(super) fn changes(&self) -> Log {
        let account = Arc::clone(self.budget.account());
        let gone = LetGo {
            number: self.counter.newest(),
            published: 0,
        };
        Log::new(changes(self.limits.log_age), gone, account)
    }

    /// Counts `places` more of members and listeners.
    pub(super) fn reserve(&self, places: usize) -> Result<(), Reached> {
        let limit = self.limits.members;
        let add = |now: usize| now.checked_add(places).filter(|sum| *sum <= limit);
        self.subscribed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .map(drop)
            .map_err(|_| Reached(Limit::Members))
    }

    /// The error of a limit that is reached.
    pub(super) fn error(&self, Reached(what): Reached) -> Error {
        let limit = self.limit(what);
        Error::LimitReached { what, limit }
    }

    /// The end of a stream that meets one.
    pub(super) fn ends(&self, Reached(what): Reached) -> End {
        let limit = self.limit(what);
        End::LimitReached { what, limit }
    }

    fn limit(&self, what: Limit) -> usize {
        match what {
            Limit::Channels => self.limits.channels,
            Limit::Streams => self.limits.streams,
            Limit::StreamChannels => self.limits.stream_channels,
            Limit::Members => self.limits.members,
        }
    }

    /// Counts `places` fewer.
    pub(super) fn release(&self, places: usize) {
        self.subscribed.fetch_sub(places, Ordering::Relaxed);
    }

    /// What it holds. O(1).
    pub(super) fn counts(&self) -> Counts {
        Counts {
            channels: self.registry.len(),
            observed: self.registry.watched(),
            streams: self.streams.len(),
            members: self.identities.len(),
            subscriptions: self.subscribed.load(Ordering::Relaxed),
            waiting: self.broadcasts.waiting(),
            requests: self.requests.len(),
            log_bytes: self.budget.account().logs(),
            pinned_bytes: self.budget.account().pinned(),
        }
    }
}

/// What a hub holds at a moment, by its own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Channels.
    pub channels: usize,
    /// Names and patterns that somebody observes.
    pub observed: usize,
    /// Open streams.
    pub streams: usize,
    /// Members that are connected, or may come back.
    pub members: usize,
    /// Places of members in channels, and of those who only listen.
    pub subscriptions: usize,
    /// Places of streams that wait for the next broadcast.
    pub waiting: usize,
    /// Request ids remembered.
    pub requests: usize,
    /// Bytes that logs hold, fixed costs included.
    pub log_bytes: usize,
    /// Bytes that logs have let go and readers still hold.
    pub pinned_bytes: usize,
}
