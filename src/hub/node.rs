//! What the handles of a hub share, and what of it is counted.

use super::audience::Audience;
use super::budget::Budget;
use super::channel::Channel;
use super::observer::Observer;
use super::registry::Registry;
use super::requests::Requests;
use super::sequence::Counter;
use super::streams::Streams;
use super::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Ordering};
use super::{Clock, Frames, Limits, SHARDS};
use crate::model::{ChannelName, Epoch};

/// The state of a hub.
pub(super) struct Node {
    pub(super) limits: Limits,
    pub(super) epoch: Epoch,
    pub(super) clock: Clock,
    pub(super) counter: Counter,
    pub(super) registry: Registry<ChannelName, Channel, Observer>,
    pub(super) broadcasts: Arc<Channel>,
    pub(super) streams: Streams,
    pub(super) requests: Requests,
    pub(super) budget: Budget<Channel>,
    pub(super) frames: Box<dyn Frames>,
    /// Subscriptions of all streams.
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
        let broadcasts = Channel::new(None, limits.log(0, account), Audience::default());
        Self {
            epoch: Epoch::new(),
            clock,
            counter: Counter::new(),
            registry: Registry::new(SHARDS, limits.channels),
            broadcasts: Arc::new(broadcasts),
            streams: Streams::new(limits.streams),
            requests: Requests::new(limits.request_ids, limits.request_age),
            budget,
            frames: Box::new(frames),
            subscribed: AtomicUsize::new(0),
            joins: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            limits,
        }
    }

    /// What it holds. O(shards).
    pub(super) fn counts(&self) -> Counts {
        Counts {
            channels: self.registry.len(),
            observed: self.registry.watched(),
            streams: self.streams.len(),
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
    /// Names that somebody observes.
    pub observed: usize,
    /// Open streams.
    pub streams: usize,
    /// Their subscriptions.
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
