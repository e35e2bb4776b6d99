//! The channels of this node: each a bounded log, read through cursors.
//!
//! A [`Hub`] is a handle: clones share one state. Sending never waits; a
//! subscriber that falls behind the log is told how much it missed. Memory is
//! bounded by [`Limits`] and counted in [`Counts`].
//!
//! Knows nothing of gRPC or of other nodes: frames are opaque bytes here, and
//! the few that the hub makes itself are encoded through [`Frames`].

mod sync;

mod sequence;

mod ready;
mod waiting;

mod budget;
mod clock;
mod frames;
mod let_go;
mod limits;
mod log;

mod channel;
mod identity;
mod interest;
mod node;
mod observer;
mod queries;
mod registry;
mod requests;
mod sending;
mod stream;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::{Duration, Instant};

use node::Node;
use waiting::Wakes;

pub use channel::Members;
pub use clock::Clock;
pub use frames::{Change, Frame, Frames, Gap, GapReason};
pub(crate) use let_go::nanos;
pub use limits::{Limits, Rule};
pub use node::Counts;
pub use queries::{About, Channels, History, Range};
pub use sending::{Receipt, Run};
pub use stream::open::Carrier;
pub use stream::request::{Join, Subscribe, Target};
pub use stream::select::Filter;
pub use stream::start::{Located, Start};
pub use stream::subscription::{Chunk, End, Subscription};

use crate::model::{Epoch, Position};

/// Shards of the registry; one is swept at a time.
const SHARDS: usize = 64;

/// All idle channels are found, and all old events let go, within this.
const SWEEP: Duration = Duration::from_secs(1);

/// The channels of this node.
#[derive(Clone, Debug)]
pub struct Hub {
    node: Arc<Node>,
}

impl Hub {
    /// A hub with no channels, at the start of a new epoch.
    pub fn new(limits: Limits, clock: Clock, frames: impl Frames) -> Self {
        Self {
            node: Arc::new(Node::new(limits, clock, frames)),
        }
    }

    /// The life of the node in which its numbers hold.
    pub fn epoch(&self) -> &Epoch {
        &self.node.epoch
    }

    /// The position of an event of this hub.
    pub fn position(&self, sequence: u64) -> Position {
        Position {
            epoch: self.node.epoch.clone(),
            sequence,
        }
    }

    /// The bounds that it was given.
    pub fn limits(&self) -> &Limits {
        &self.node.limits
    }

    /// The clock that it was given.
    pub fn clock(&self) -> Clock {
        self.node.clock
    }

    /// Refuses what comes from now on, and ends every stream once it has what
    /// was numbered before.
    pub fn drain(&self) {
        self.node.draining.store(true, Ordering::Release);
        self.node.streams.drain();
    }

    /// Keeps the hub tidy for as long as it is polled: lets old events go,
    /// idle channels leave, and stalled streams be evicted.
    pub async fn keep(self) {
        let mut ticks = tokio::time::interval(SWEEP / u32::try_from(SHARDS).unwrap_or(u32::MAX));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for shard in (0..SHARDS).cycle() {
            ticks.tick().await;
            self.sweep(shard);
        }
    }

    /// Does what [`Hub::keep`] does, once and at once.
    pub fn sweep_all(&self) {
        (0..SHARDS).for_each(|shard| self.sweep(shard));
    }

    /// What it holds.
    pub fn counts(&self) -> Counts {
        self.node.counts()
    }

    /// Streams that were evicted so far, since their peers took nothing.
    pub fn evicted(&self) -> usize {
        self.node.streams.evicted()
    }

    /// Places of streams that wait at the end of a channel, or for the next
    /// broadcast. O(channels): for tests, and for who looks for a leak.
    pub fn waiting_places(&self) -> usize {
        let node = &self.node;
        let count = Cell::new(node.broadcasts.waiting());
        for shard in 0..SHARDS {
            node.registry.find(shard, |channel| {
                count.set(count.get() + channel.waiting());
                false
            });
        }
        count.get()
    }

    fn sweep(&self, shard: usize) {
        let (node, now) = (&self.node, Instant::now());
        let mut wakes = Wakes::default();
        for name in node
            .registry
            .find(shard, |channel| channel.expire(node, now))
        {
            node.registry
                .remove_if(&name, |channel| channel.close(node, &mut wakes));
        }
        wakes.wake();
        if shard == 0 {
            node.broadcasts.expire(node, now);
            node.requests.expire(now);
            node.identities.expire(node, now);
            node.lists.expire();
            let stalled = node.streams.evict_stalled(node.limits.stall_timeout, now);
            if stalled > 0 {
                tracing::warn!(stalled, "evicted streams whose peers took nothing");
            }
        }
    }
}
