//! What one stream listens to: a slot for each channel, however it came to it.

use slab::Slab;

use super::super::channel::{Channel, View, Watch};
use super::super::log::Near;
use super::super::node::{Node, Reached};
use super::super::observer::Attached;
use super::super::ready::{Mark, Marks};
use super::super::sync::Arc;
use super::named::Named;
use super::patterns::Patterns;
use super::slot::{By, Listening, Ranks, Slot};
use crate::model::{ChannelName, Limit, Pattern};

/// The slots of one stream, with what a delivery looks at first.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Slots {
    all: Slab<Slot>,
    by_name: Named,
    patterns: Patterns,
}

impl Slots {
    pub(super) fn get(&self, slot: u32) -> &Slot {
        &self.all[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.all[slot as usize]
    }

    /// Takes in a slot, marked to be read if it has a channel.
    pub(super) fn add(&mut self, slot: Slot, marked: &mut Marks) -> u32 {
        let is_there = slot.channel.is_some();
        let passed = slot.view.cursor;
        if self.all.is_empty() {
            // Most streams have one channel, and broadcasts.
            self.all.reserve_exact(2);
        }
        let key = u32::try_from(self.all.insert(slot)).unwrap_or(u32::MAX);
        if is_there {
            marked.push(Mark { passed, slot: key });
        }
        key
    }

    /// Says in which slot a channel is, for when it is met again.
    pub(super) fn name(&mut self, name: ChannelName, slot: u32) {
        self.by_name.insert(name, slot);
    }

    /// How many channels and patterns there are.
    pub(super) fn len(&self) -> usize {
        self.by_name.len() + self.patterns.len()
    }

    /// Takes in a pattern, and gives its rank.
    pub(super) fn listen(&mut self, listening: Listening) -> u64 {
        self.patterns.add(listening)
    }

    /// Lets go of a pattern, of which this was the rank; its channels stay.
    pub(super) fn unlisten(&mut self, pattern: &Pattern) -> Option<u64> {
        self.patterns.remove(pattern)
    }

    /// The pattern of this rank.
    pub(super) fn pattern(&self, rank: u64) -> &Listening {
        self.patterns.get(rank).expect("a stream listens by it")
    }

    /// The slot that a channel is in, if it is in one.
    pub(super) fn find(&self, name: &ChannelName) -> Option<u32> {
        self.by_name.get(name)
    }

    /// Whether it came to this channel by its name.
    pub(super) fn is_named(&self, name: &ChannelName) -> bool {
        let by = self.find(name).map(|slot| &self.get(slot).by);
        matches!(by, Some(By::Membership | By::Name))
    }

    /// Names in the filters of all texts. O(slots).
    pub(super) fn filter_names(&self) -> usize {
        let slots = self.all.iter().map(|(_, slot)| slot);
        let named = slots.filter(|slot| slot.by.rank() == 0);
        let named = named.map(|slot| slot.filter.names().len());
        let patterns = self.patterns.iter();
        let patterns = patterns.map(|(_, listening)| listening.filter.names().len());
        named.chain(patterns).sum()
    }

    /// Takes out the slot that the channel of this name is in.
    pub(super) fn remove(&mut self, name: &ChannelName, slot: u32) -> Slot {
        self.by_name.remove(name);
        self.all.remove(slot as usize)
    }

    /// The channels to which it came by the pattern of this rank.
    pub(super) fn matched(&self, rank: u64) -> Vec<(ChannelName, u32)> {
        let by_it = |slot: u32| match self.get(slot).by {
            By::Pattern { rank: by, .. } => by == rank,
            _ => false,
        };
        let matched = self.by_name.iter().filter(|(_, slot)| by_it(*slot));
        matched.map(|(name, slot)| (name.clone(), slot)).collect()
    }

    /// The patterns with their ranks, in that order.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (u64, &Pattern)> {
        let patterns = self.patterns.iter();
        patterns.map(|(rank, listening)| (rank, &listening.pattern))
    }

    /// What the names of all channels begin with for which patterns of these
    /// `ranks` stand, if there are any.
    pub(super) fn prefix(&self, ranks: impl Fn(u64) -> bool) -> Option<&str> {
        let patterns = self.patterns().filter(|(rank, _)| ranks(*rank));
        patterns.map(|(_, pattern)| pattern.prefix()).reduce(common)
    }

    /// Which of the patterns stands for which name.
    pub(super) fn ranks(&self) -> Ranks {
        self.patterns().collect()
    }

    /// Takes in a channel that a pattern stands for, which counts it already.
    ///
    /// # Errors
    ///
    /// [`Reached`] if there are as many as a stream may have, or the node; it is
    /// taken in even so, to be let go of with the others.
    pub(super) fn add_matched(
        &mut self,
        node: &Node,
        rank: u64,
        (name, channel): (ChannelName, Arc<Channel>),
        cursor: u64,
        marked: &mut Marks,
    ) -> Result<(), Reached> {
        let reserved = if self.by_name.len() < node.limits.stream_channels {
            node.reserve(1)
        } else {
            Err(Reached(Limit::StreamChannels))
        };
        let Listening { filter, strict, .. } = self.pattern(rank);
        let slot = Slot {
            view: View {
                cursor,
                near: Near::END,
                watch: None,
            },
            filter: filter.clone(),
            strict: *strict,
            by: By::Pattern {
                rank,
                counted: reserved.is_ok(),
            },
            sending: None,
            channel: Some(channel),
        };
        let key = self.add(slot, marked);
        self.name(name, key);
        reserved
    }

    /// Fits a channel in that came to be after the number `from`.
    ///
    /// Nothing can have been missed while there was none. If the slot has not
    /// yet read what an earlier one of the name let go at its end, its cursor
    /// stays, and the new channel, which begins past that, tells the gap.
    ///
    /// A slot without a channel is neither on a list nor marked, so it is
    /// marked here; one whose channel has closed is marked already.
    ///
    /// # Errors
    ///
    /// As [`Slots::add_matched`].
    pub(super) fn attach(
        &mut self,
        node: &Node,
        attached: Attached,
        marked: &mut Marks,
    ) -> Result<(), Reached> {
        let Some(key) = self.by_name.get(&attached.name) else {
            let Attached {
                name,
                channel,
                from,
                rank,
                ..
            } = attached;
            return self.add_matched(node, rank, (name, channel), from, marked);
        };
        let slot = self.get_mut(key);
        let Slot {
            channel, view, by, ..
        } = slot;
        if matches!(by, By::Membership) || channel.as_ref().is_some_and(|known| known.is_open()) {
            // Found, and told of as well, as perhaps of others before it; or its
            // member has left it for another stream, and this one ends.
            attached.uncount(node);
            return Ok(());
        }
        let from = attached.from;
        if let Some(before) = channel.replace(Arc::clone(&attached.channel)) {
            view.cursor = before.succeed(view.cursor, from);
            view.watch = view.watch.map(|_| Watch::Behind);
        } else {
            view.cursor = view.cursor.max(from);
            if let Some(Watch::At(cursor)) = &mut view.watch {
                *cursor = from.max(*cursor);
            }
            marked.push(Mark {
                passed: view.cursor,
                slot: key,
            });
        }
        if slot.by.rank() != attached.rank {
            // By now the stream has come to the name by another text.
            attached.channel.listen(node, slot.listens());
            attached.uncount(node);
        }
        Ok(())
    }

    /// Lets go of a channel that has left the node, and has been read.
    pub(super) fn close(&mut self, node: &Node, slot: u32) {
        let Slot { channel, by, .. } = self.get_mut(slot);
        let channel = channel.take();
        if let By::Pattern { counted, .. } = *by {
            node.release(usize::from(counted));
            self.all.remove(slot as usize);
            if let Some(name) = channel.as_ref().and_then(|it| it.full_name()) {
                self.by_name.remove(name);
            }
            if self.all.capacity() > 64 + 4 * self.all.len() {
                self.all.shrink_to_fit();
                self.by_name.shrink();
            }
        }
    }

    /// Lets nothing more be attached to `stream`.
    pub(super) fn unwatch(&self, node: &Node, stream: usize) {
        for (name, slot) in self.by_name.iter() {
            if let By::Name = self.get(slot).by {
                node.registry.unwatch(name.as_str(), stream);
            }
        }
        for (_, pattern) in self.patterns() {
            node.registry.unwatch(pattern.as_str(), stream);
        }
    }

    /// Leaves every channel, those too that were not fitted in yet.
    pub(super) fn leave(mut self, node: &Node, attached: Vec<Attached>) {
        for attached in attached {
            // What does not fit is let go of with the rest.
            let _ = self.attach(node, attached, &mut Marks::new());
        }
        for (_, slot) in self.all {
            if let By::Pattern { counted: true, .. } = slot.by {
                node.release(1);
            }
            if let Some(channel) = &slot.channel {
                channel.unlisten(node, slot.listens());
            }
        }
    }
}

/// What both begin with.
fn common<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    &a[..same.map(|(c, _)| c.len_utf8()).sum()]
}
