//! Subscribing: every channel asked for is joined so that what is replayed and
//! what comes live meet at a number, with no seam between.
//!
//! The counter is loaded first. Then each channel is joined, and only then is
//! it looked where the stream begins in its log: whatever is numbered after
//! that place is either in the log or let go and told. What the node let go
//! with channels that have left is read after the last one is joined.

use std::collections::HashSet;

use tokio::time::Instant;

use super::super::Hub;
use super::super::identity::Turn;
use super::super::observer::Attached;
use super::super::ready::Reader;
use super::super::sync::Arc;
use super::joining::Joining;
use super::open::Carrier;
use super::opening::Opening;
use super::request::{Join, Subscribe};
use super::start::Start;
use super::subscription::{Letter, Subscription};
use crate::model::{Error, Limit, MemberId};

impl Hub {
    /// Opens a stream that listens to nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::Draining`]; [`Error::LimitReached`] of streams.
    pub fn open(&self, carrier: Option<Arc<dyn Carrier>>) -> Result<Subscription, Error> {
        let node = Arc::clone(&self.node);
        let reader = Arc::new(Reader::new());
        let now = Instant::now();
        let key = node.streams.open(&reader, carrier, now)?;
        Ok(Subscription::new(node, key, reader))
    }

    /// Opens a stream that [subscribes](Subscription::subscribe) at once.
    ///
    /// # Errors
    ///
    /// As those two.
    pub fn subscribe(&self, request: Subscribe) -> Result<Subscription, Error> {
        let mut stream = self.open(None)?;
        stream.subscribe(request)?;
        Ok(stream)
    }
}

impl Subscription {
    /// Makes the stream a member, joins every channel asked for, and starts
    /// where it is asked to; once in its life. O(channels), and for a pattern
    /// O(channels with its first segments).
    ///
    /// # Errors
    ///
    /// [`Error::LimitReached`] of subscriptions, channels, or channels of one
    /// stream. Nothing is joined then, and a member that wanted to come back is
    /// as it was; only if its patterns stand for too many channels has its
    /// older stream ended.
    pub fn subscribe(&mut self, request: Subscribe) -> Result<(), Error> {
        debug_assert!(self.turn.is_none(), "a stream subscribes once");
        self.reserve(&request.joins)?;
        let from = self.node.counter.newest();
        let names: Vec<_> = request.joins.iter().filter_map(Join::membership).collect();
        let returns = request.member.is_some();
        let id = request.member.unwrap_or_else(|| self.member().clone());
        let begun = Turn::begin(&self.hub(), &id, &self.reader, request.profile, &names);
        let (turn, channels) = begun.inspect_err(|_| self.part(Vec::new(), false))?;
        self.cursors.own = id;
        self.cursors.opening = Opening::new(request.start);
        self.turn = Some(turn);
        let mut joining = Joining::new(self, request.start, from);
        if let Err(error) = joining.join_all(request.joins, channels) {
            self.give_up(returns);
            return Err(error);
        }
        if let Some(filter) = request.broadcasts {
            joining.join_broadcasts(filter);
        }
        self.cursors.position = joining.finish();
        let is_whole = self.cursors.opening.through().is_none();
        self.recovered = request.start != Start::Live && is_whole;
        Ok(())
    }

    /// Joins more channels, from the number on that it tells. A pattern stands
    /// back behind the earlier ones, and a name takes a channel over from them
    /// where they are. O(as [`Subscription::subscribe`]).
    ///
    /// # Errors
    ///
    /// [`Error::Replaced`] by a newer stream of its member; else as
    /// [`Subscription::subscribe`]. Nothing is joined then.
    pub fn join(&mut self, joins: Vec<Join>) -> Result<u64, Error> {
        debug_assert!(
            !joins.iter().any(|join| self.listens(&join.text())),
            "each text is listened to once"
        );
        let turn = self.turn.clone().ok_or(Error::Replaced)?;
        self.reserve(&joins)?;
        let from = self.node.counter.newest();
        let names: Vec<_> = joins.iter().filter_map(Join::membership).collect();
        let channels = turn
            .join(&self.hub(), &names)
            .inspect_err(|_| self.unreserve(&joins))?;
        // Where it came to them by a pattern, they are in their slots by now.
        self.take_in(from);
        let texts: Vec<_> = joins.iter().map(Join::text).collect();
        let mut joining = Joining::new(self, Start::Live, from);
        if let Err(error) = joining.join_all(joins, channels) {
            self.leave(&texts);
            return Err(error);
        }
        joining.finish();
        // What came after `from` is for what it listens to now.
        self.take_marks(&HashSet::new(), from);
        Ok(from)
    }

    /// Fits in the channels that it was told of.
    pub(super) fn take_in(&mut self, upto: u64) {
        let attached = self.take_attached();
        // A channel was marked before another takes its place.
        self.take_marks(&HashSet::new(), upto);
        for attached in attached {
            self.cursors.attach(&self.node, attached, &mut self.marked);
        }
    }

    fn take_attached(&self) -> Vec<Attached> {
        let take = |letter: &mut Box<Letter>| std::mem::take(&mut letter.attached);
        self.reader
            .mail(|mail| mail.as_mut().map(take))
            .unwrap_or_default()
    }

    fn reserve(&mut self, joins: &[Join]) -> Result<(), Error> {
        let (node, limit) = (&self.node, self.node.limits.stream_channels);
        if self.cursors.slots.len() + joins.len() > limit {
            return Err(Error::LimitReached {
                what: Limit::StreamChannels,
                limit,
            });
        }
        let places = joins.iter().map(Join::listens).sum();
        node.reserve(places)
            .map_err(|reached| node.error(reached))?;
        self.reserved += places;
        Ok(())
    }

    fn unreserve(&mut self, joins: &[Join]) {
        let places: usize = joins.iter().map(Join::listens).sum();
        self.node.release(places);
        self.reserved -= places;
    }

    /// Is as it was before it subscribed. A member that came back did not want
    /// to leave.
    fn give_up(&mut self, returns: bool) {
        self.cursors.slots.unwatch(&self.node, self.key);
        let attached = self.take_attached();
        self.part(attached, returns);
        self.marked.clear();
        self.cursors.own = MemberId::new();
        self.cursors.opening = Opening::default();
    }

    fn hub(&self) -> Hub {
        Hub {
            node: Arc::clone(&self.node),
        }
    }
}
