//! A stream that joins one channel after the other.

use std::collections::BTreeMap;

use super::super::channel::{Channel, Listens, View, Watch};
use super::super::frames::GapReason;
use super::super::log::Near;
use super::super::node::Node;
use super::super::observer::Observer;
use super::super::sync::Arc;
use super::request::{Join, Target};
use super::select::Filter;
use super::slot::{By, Listening, Slot, Wish};
use super::start::{Lost, Start};
use super::subscription::{End, Subscription};
use crate::model::{ChannelName, Error};

/// Names that are looked at in one step of a search for a pattern's channels.
const STEP: usize = 1024;

/// A stream that has not yet joined everything.
pub(super) struct Joining<'a> {
    start: Start,
    /// The counter as it was before anything was joined.
    from: u64,
    /// The lowest place where it begins.
    lowest: u64,
    /// The names that are listened for where there is no channel.
    absent: Vec<ChannelName>,
    /// Of each pattern, by rank, up to where its channels lost something.
    lost: BTreeMap<u64, u64>,
    /// Whether it is to end rather than be told of a loss in one of those.
    strict: bool,
    stream: &'a mut Subscription,
}

impl<'a> Joining<'a> {
    /// A stream that joins from the newest number on, which was `from`.
    pub(super) fn new(stream: &'a mut Subscription, start: Start, from: u64) -> Self {
        Self {
            start,
            from,
            lowest: from,
            absent: Vec::new(),
            lost: BTreeMap::new(),
            strict: false,
            stream,
        }
    }

    /// Takes the broadcasts that `filter` lets through.
    pub(super) fn join_broadcasts(&mut self, filter: Filter) {
        let wish = Wish {
            filter,
            ..Wish::default()
        };
        let broadcasts = Arc::clone(&self.node().broadcasts);
        let broadcasts = self.listened(broadcasts, &wish);
        self.enter(broadcasts, By::Broadcasts, wish);
    }

    /// Joins what is asked for; `members` are the channels of those joins that
    /// make it a member, in order.
    ///
    /// Names come before patterns, so that a channel which comes to be meanwhile
    /// is told by the text that decides.
    pub(super) fn join_all(
        &mut self,
        joins: Vec<Join>,
        members: Vec<Arc<Channel>>,
    ) -> Result<(), Error> {
        let mut members = members.into_iter();
        let mut patterns = Vec::new();
        for join in joins {
            let Join {
                target,
                filter,
                presence,
                strict,
            } = join;
            let wish = Wish {
                filter,
                presence,
                strict,
            };
            match target {
                Target::Member(name) => {
                    self.come_to(name, By::Membership, members.next(), wish);
                }
                Target::Observer(name) => self.observe(name, wish),
                Target::Pattern(pattern) => patterns.push(Listening {
                    pattern,
                    filter: wish.filter,
                    strict,
                }),
            }
        }
        for pattern in patterns {
            self.listen(pattern);
        }
        self.find()
    }

    fn observe(&mut self, name: ChannelName, wish: Wish) {
        self.watch(name.as_str(), 0, &wish.filter, wish.presence);
        let nobody_at = self.node().counter.newest();
        let channel = self.node().registry.get(&name);
        let Wish {
            presence, strict, ..
        } = wish;
        if !self.come_to(name.clone(), By::Name, channel, wish) {
            if presence {
                let opening = &mut self.stream.cursors.opening;
                opening.nobody(name.as_str(), nobody_at);
            }
            self.strict |= strict;
            self.absent.push(name);
        }
    }

    /// Comes to a channel by its name, unless it has left, and tells whether it
    /// did. If it is in it already by a pattern, it goes on where it is.
    fn come_to(
        &mut self,
        name: ChannelName,
        by: By,
        channel: Option<Arc<Channel>>,
        wish: Wish,
    ) -> bool {
        let slots = &self.stream.cursors.slots;
        if let Some(slot) = slots.find(&name) {
            if let By::Pattern { counted: true, .. } = slots.get(slot).by {
                self.node().release(1);
            }
            self.stream.switch(slot, by, wish, self.from);
            return true;
        }
        let channel = channel.and_then(|channel| self.listened(channel, &wish));
        // All who listen to a channel share the text of its name.
        let shared = channel.as_ref().and_then(|channel| channel.full_name());
        let name = shared.cloned().unwrap_or(name);
        let is_there = channel.is_some();
        let slot = self.enter(channel, by, wish);
        self.stream.cursors.slots.name(name, slot);
        is_there
    }

    /// The channel, having counted the stream, unless it has left.
    fn listened(&self, channel: Arc<Channel>, wish: &Wish) -> Option<Arc<Channel>> {
        let as_what = Listens {
            filter: &wish.filter,
            watches: wish.presence,
        };
        channel.listen(self.node(), as_what).then_some(channel)
    }

    fn listen(&mut self, listening: Listening) {
        self.strict |= listening.strict;
        let (pattern, filter) = (listening.pattern.clone(), listening.filter.clone());
        let rank = self.stream.cursors.slots.listen(listening);
        self.lost.insert(rank, 0);
        self.watch(pattern.as_str(), rank, &filter, false);
    }

    /// Enters what it is interested in, for channels that are yet to be made.
    fn watch(&self, text: &str, rank: u64, filter: &Filter, watches: bool) {
        let observer = Observer {
            reader: Arc::clone(&self.stream.reader),
            rank,
            filter: filter.clone(),
            watches,
        };
        let key = self.stream.key;
        self.node().registry.watch(text, key, observer);
    }

    /// Looks for the channels that there are of its patterns, in one walk. One
    /// that comes to be meanwhile is perhaps found here, and certainly told of.
    fn find(&mut self) -> Result<(), Error> {
        let slots = &self.stream.cursors.slots;
        let Some(prefix) = slots.prefix(|rank| self.lost.contains_key(&rank)) else {
            return Ok(());
        };
        let prefix = prefix.to_owned();
        let ranks = slots.ranks();
        let mut after: Option<ChannelName> = None;
        loop {
            let mut found = Vec::new();
            let from = after.as_ref().map(ChannelName::as_str);
            let visit = |name: &ChannelName, channel: &Arc<Channel>| {
                let rank = ranks.decides(name);
                found.extend(rank.map(|rank| (rank, name.clone(), Arc::clone(channel))));
                true
            };
            after = self.node().registry.visit(&prefix, from, STEP, visit);
            for (rank, name, channel) in found {
                self.add_matched(rank, (name, channel))?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn add_matched(&mut self, rank: u64, found: (ChannelName, Arc<Channel>)) -> Result<(), Error> {
        let slots = &self.stream.cursors.slots;
        let node = Arc::clone(self.node());
        let filter = slots.pattern(rank).filter.clone();
        let as_what = Listens {
            filter: &filter,
            watches: false,
        };
        if slots.find(&found.0).is_some() || !found.1.listen(&node, as_what) {
            return Ok(());
        }
        let (place, lost) = self.begin(&found.1, &filter);
        match lost {
            // One gap is told for the whole pattern.
            Some(lost) if self.start == Start::Anew => {
                let through = self.lost.entry(rank).or_default();
                *through = lost.through.max(*through);
            }
            Some(lost) => self.stream.cursors.opening.lost(found.0.as_str(), lost),
            None => {}
        }
        let Subscription {
            cursors, marked, ..
        } = &mut *self.stream;
        let added = cursors.slots.add_matched(&node, rank, found, place, marked);
        added.map_err(|reached| node.error(reached))
    }

    /// Adds a slot for a channel that counts it already.
    fn enter(&mut self, channel: Option<Arc<Channel>>, by: By, wish: Wish) -> u32 {
        let (cursor, watch) = match &channel {
            Some(channel) => {
                let (place, lost) = self.begin(channel, &wish.filter);
                let opening = &mut self.stream.cursors.opening;
                lost.inspect(|lost| opening.lost(channel.name(), *lost));
                (place, Watch::Behind)
            }
            None => (self.from, Watch::At(self.from)),
        };
        let slot = Slot {
            channel,
            view: View {
                cursor,
                near: Near::END,
                watch: wish.presence.then_some(watch),
            },
            filter: wish.filter,
            strict: wish.strict,
            by,
            sending: None,
        };
        let Subscription {
            cursors, marked, ..
        } = &mut *self.stream;
        cursors.slots.add(slot, marked)
    }

    fn begin(&mut self, channel: &Channel, filter: &Filter) -> (u64, Option<Lost>) {
        let own = self.stream.member().as_str();
        let (place, lost) = channel.begin(self.start, self.from, &filter.select(own));
        let begins = lost.map_or(place, |lost| lost.through.saturating_sub(1));
        self.lowest = self.lowest.min(begins);
        (place, lost)
    }

    /// What is gone with channels that have left, is lost where they cannot be
    /// named, and where one is waited for. Gives the number where it begins.
    pub(super) fn finish(mut self) -> u64 {
        let dropped = self.node().registry.dropped();
        if let Some(lost) = self.start.dropped(self.from, dropped) {
            self.lowest = self.lowest.min(lost.through.saturating_sub(1));
            self.tell(lost);
        }
        self.start.position(self.from, self.lowest)
    }

    fn tell(&mut self, lost: Lost) {
        let cursors = &mut self.stream.cursors;
        if self.strict && lost.reason == GapReason::Overflow {
            cursors.fail(End::SlowConsumer);
        }
        for name in &self.absent {
            cursors.opening.lost(name.as_str(), lost);
        }
        for (rank, through) in &self.lost {
            let through = lost.through.max(*through);
            let pattern = cursors.slots.pattern(*rank).pattern.clone();
            let lost = Lost { through, ..lost };
            cursors.opening.lost(pattern.as_str(), lost);
        }
    }

    fn node(&self) -> &Arc<Node> {
        &self.stream.node
    }
}
