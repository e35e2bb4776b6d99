//! A stream that joins one channel after the other.

use super::super::channel::{Channel, View, Watch};
use super::super::frames::GapReason;
use super::super::interest::Interest;
use super::super::node::Node;
use super::super::observer::Observer;
use super::super::sync::Arc;
use super::opening::Opening;
use super::request::{Join, Target};
use super::select::Filter;
use super::slots::{By, Listening, Slot};
use super::start::{Lost, Start};
use super::subscription::{End, Subscription};
use crate::model::{ChannelName, Error, Pattern};

/// Names that are looked at in one step of a search for a pattern's channels.
const STEP: usize = 1024;

/// How a channel is to be told.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    presence: bool,
    strict: bool,
}

/// A stream that has not yet joined everything.
pub(super) struct Joining {
    start: Start,
    /// The counter as it was before anything was joined.
    from: u64,
    /// The lowest place where it begins.
    lowest: u64,
    opening: Opening,
    /// Of each pattern, up to where its channels lost something.
    lost: Vec<u64>,
    stream: Subscription,
}

impl Joining {
    /// A stream that has joined nothing, and begins so, where the newest number
    /// was `from`.
    pub(super) fn new(stream: Subscription, start: Start, from: u64) -> Self {
        Self {
            start,
            from,
            lowest: from,
            opening: Opening::new(start),
            lost: Vec::new(),
            stream,
        }
    }

    /// Takes the broadcasts that `filter` lets through.
    pub(super) fn join_broadcasts(&mut self, filter: Filter) {
        let wish = Wish::default();
        let broadcasts = Some(Arc::clone(&self.node().broadcasts));
        let broadcasts = self.listened(broadcasts, &filter, wish);
        self.enter(broadcasts, By::Broadcasts, filter, wish);
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
        let is_member = |join: &Join| matches!(join.target, Target::Member(_));
        let meets_others = !joins.iter().all(is_member);
        let mut members = members.into_iter();
        let mut patterns = Vec::new();
        for join in joins {
            let Join {
                target,
                filter,
                presence,
                strict,
            } = join;
            let wish = Wish { presence, strict };
            match target {
                Target::Member(name) => {
                    let channel = members.next();
                    let channel = self.listened(channel, &filter, wish);
                    let slot = self.enter(channel, By::Membership, filter, wish);
                    if meets_others {
                        self.stream.cursors.slots.name(name, slot);
                    }
                }
                Target::Observer(name) => self.observe(name, filter, wish),
                Target::Pattern(pattern) => patterns.push(Listening {
                    pattern,
                    filter,
                    strict,
                }),
            }
        }
        for pattern in patterns {
            self.listen(pattern);
        }
        // Its member has the grace: it did not want to leave.
        let found = self.find();
        found.inspect_err(|_| self.stream.broke = Some(Arc::new(|| true)))
    }

    fn observe(&mut self, name: ChannelName, filter: Filter, wish: Wish) {
        self.watch(name.as_str(), 0, &filter, wish.presence);
        let nobody_at = self.node().counter.newest();
        let channel = self.node().registry.get(&name);
        let channel = self.listened(channel, &filter, wish);
        if channel.is_none() && wish.presence {
            self.opening.nobody(name.as_str(), nobody_at);
        }
        let slot = self.enter(channel, By::Name(name.clone()), filter, wish);
        self.stream.cursors.slots.name(name, slot);
    }

    /// The channel, having counted the stream, unless it has left.
    fn listened(
        &self,
        channel: Option<Arc<Channel>>,
        filter: &Filter,
        wish: Wish,
    ) -> Option<Arc<Channel>> {
        channel.filter(|channel| channel.listen(self.node(), filter, wish.presence))
    }

    fn listen(&mut self, listening: Listening) {
        self.lost.push(0);
        let (pattern, filter) = (listening.pattern.clone(), listening.filter.clone());
        let rank = self.stream.cursors.slots.listen(listening);
        self.watch(pattern.as_str(), rank, &filter, false);
    }

    /// Enters what it is interested in, for channels that are yet to be made.
    fn watch(&self, text: &str, rank: u32, filter: &Filter, watches: bool) {
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
        let Some(prefix) = slots.patterns().map(Pattern::prefix).reduce(common) else {
            return Ok(());
        };
        let prefix = prefix.to_owned();
        let mut ranks = Interest::new();
        for (rank, pattern) in (1..).zip(slots.patterns()) {
            ranks.insert(pattern.as_str(), rank, ());
        }
        let decides = |name: &ChannelName| {
            let matching = ranks.matching(name.as_str());
            matching.into_iter().map(|(rank, ())| rank).min()
        };
        let mut after: Option<ChannelName> = None;
        loop {
            let mut found = Vec::new();
            let from = after.as_ref().map(ChannelName::as_str);
            let visit = |name: &ChannelName, channel: &Arc<Channel>| {
                let rank = decides(name);
                found.extend(rank.map(|rank| (rank, name.clone(), Arc::clone(channel))));
                true
            };
            after = self.node().registry.visit(&prefix, from, STEP, visit);
            for (rank, name, channel) in found {
                self.add_matched(u32::try_from(rank).unwrap_or(u32::MAX), (name, channel))?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn add_matched(&mut self, rank: u32, found: (ChannelName, Arc<Channel>)) -> Result<(), Error> {
        let slots = &self.stream.cursors.slots;
        let node = Arc::clone(self.node());
        let filter = slots.pattern(rank).filter.clone();
        if slots.has(&found.0) || !found.1.listen(&node, &filter, false) {
            return Ok(());
        }
        let (place, lost) = self.begin(&found.1, &filter);
        match lost {
            // One gap is told for the whole pattern.
            Some(lost) if self.start == Start::Anew => {
                let through = &mut self.lost[rank as usize - 1];
                *through = lost.through.max(*through);
            }
            Some(lost) => self.opening.lost(found.0.as_str(), lost),
            None => {}
        }
        let Subscription {
            cursors, marked, ..
        } = &mut self.stream;
        let added = cursors.slots.add_matched(&node, rank, found, place, marked);
        added.map_err(|reached| node.error(reached))
    }

    /// Adds a slot for a channel that counts it already.
    fn enter(&mut self, channel: Option<Arc<Channel>>, by: By, filter: Filter, wish: Wish) -> u32 {
        let begun = channel
            .as_ref()
            .map(|channel| (self.begin(channel, &filter), channel));
        let (cursor, watch) = match begun {
            Some(((place, lost), channel)) => {
                if let Some(lost) = lost {
                    self.opening.lost(channel.name(), lost);
                }
                (place, Watch::Behind)
            }
            None => (self.from, Watch::At(self.from)),
        };
        let slot = Slot {
            channel,
            view: View {
                cursor,
                watch: wish.presence.then_some(watch),
            },
            filter,
            strict: wish.strict,
            by,
            sending: None,
        };
        let Subscription {
            cursors, marked, ..
        } = &mut self.stream;
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
    /// named, and where one is waited for.
    pub(super) fn finish(mut self) -> Subscription {
        let dropped = self.node().registry.dropped();
        if let Some(lost) = self.start.dropped(self.from, dropped) {
            self.lowest = self.lowest.min(lost.through.saturating_sub(1));
            let slots = &self.stream.cursors.slots;
            if lost.reason == GapReason::Overflow && slots.is_strict() {
                self.stream.cursors.fail(End::SlowConsumer);
            }
            let slots = &self.stream.cursors.slots;
            for name in slots.absent() {
                self.opening.lost(name.as_str(), lost);
            }
            for (pattern, through) in slots.patterns().zip(&self.lost) {
                let through = lost.through.max(*through);
                self.opening
                    .lost(pattern.as_str(), Lost { through, ..lost });
            }
        }
        let is_whole = self.opening.through().is_none();
        self.stream.recovered = self.start != Start::Live && is_whole;
        let position = self.start.position(self.from, self.lowest);
        self.stream.cursors.begin(self.opening, position);
        self.stream
    }

    fn node(&self) -> &Arc<Node> {
        &self.stream.node
    }
}

/// What both begin with.
fn common<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    &a[..same.map(|(c, _)| c.len_utf8()).sum()]
}
