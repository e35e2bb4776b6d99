//! Subscribing: every channel asked for is joined so that what is replayed and
//! what comes live meet at a number, with no seam between.
//!
//! The counter is loaded first. Then each channel is joined, and only then is
//! it looked where the stream begins in its log: whatever is numbered after
//! that place is either in the log or let go and told. What the node let go
//! with channels that have left is read after the last one is joined.

use tokio::time::Instant;

use super::super::Hub;
use super::super::identity::Turn;
use super::super::ready::Reader;
use super::super::sync::Arc;
use super::joining::Joining;
use super::request::{Join, Subscribe};
use super::subscription::Subscription;
use crate::model::{Error, Limit};

impl Hub {
    /// Joins every channel asked for, and starts where it is asked to.
    /// O(channels), and for a pattern O(channels with its first segments).
    ///
    /// # Errors
    ///
    /// [`Error::Draining`]; [`Error::LimitReached`] of streams, subscriptions,
    /// channels, or channels of one stream. Nothing is joined then, and a
    /// member that wanted to come back is as it was; only if its patterns stand
    /// for too many channels has its older stream ended.
    pub fn subscribe(&self, request: Subscribe) -> Result<Subscription, Error> {
        let node = &self.node;
        let limit = node.limits.stream_channels;
        if request.joins.len() > limit {
            return Err(Error::LimitReached {
                what: Limit::StreamChannels,
                limit,
            });
        }
        // What else may fail comes before the member takes its turn.
        let reserved = request.joins.iter().map(Join::listens).sum();
        node.reserve(reserved)
            .map_err(|reached| node.error(reached))?;
        let release = |_: &Error| node.release(reserved);
        let reader = Arc::new(Reader::new());
        let opened = node.streams.open(&reader, request.evict, Instant::now());
        let key = opened.inspect_err(release)?;
        let from = node.counter.newest();
        let names: Vec<_> = request.joins.iter().filter_map(Join::membership).collect();
        let id = request.member.unwrap_or_default();
        let (turn, channels) = Turn::begin(self, &id, &reader, request.profile, &names)
            .inspect_err(|_| node.streams.close(key))
            .inspect_err(release)?;
        let node = Arc::clone(node);
        let stream = Subscription::new(node, key, reader, turn, request.broke, reserved);
        let mut joining = Joining::new(stream, request.start, from);
        joining.join_all(request.joins, channels)?;
        if let Some(filter) = request.broadcasts {
            joining.join_broadcasts(filter);
        }
        Ok(joining.finish())
    }
}
