//! What one stream listens to: a slot for each channel, however it came to it.

use std::collections::HashMap;

use slab::Slab;

use super::super::channel::{Channel, Snapshot, View, Watch};
use super::super::node::{Node, Reached};
use super::super::observer::Attached;
use super::super::sync::{Arc, Weak};
use super::select::Filter;
use crate::model::{ChannelName, Limit, Pattern};

/// A stream's place in one channel.
#[derive(Debug)]
pub(super) struct Slot {
    /// None while the channel does not exist, which only observers see.
    pub(super) channel: Option<Arc<Channel>>,
    pub(super) view: View,
    pub(super) filter: Filter,
    /// End the stream rather than tell a gap.
    pub(super) strict: bool,
    pub(super) by: By,
    /// The list of members that is being handed over, from this frame on.
    pub(super) sending: Option<(Weak<Snapshot>, usize)>,
}

/// By what a stream came to a channel.
#[derive(Debug)]
pub(super) enum By {
    /// It is a member, which holds the channel open.
    Membership,
    /// It listens by name, and waits for the channel to come back.
    Name(ChannelName),
    /// It listens by a pattern, and is perhaps one channel too many.
    Pattern { counted: bool },
    /// As everybody does, for broadcasts.
    Broadcasts,
}

/// A pattern by which a stream listens.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) pattern: Pattern,
    pub(super) filter: Filter,
    pub(super) strict: bool,
}

/// The slots of one stream.
#[derive(Debug, Default)]
pub(super) struct Slots {
    all: Slab<Slot>,
    /// Empty for a stream that nothing is ever attached to.
    by_name: HashMap<ChannelName, u32>,
    patterns: Vec<Listening>,
}

impl Slots {
    pub(super) fn get(&self, slot: u32) -> &Slot {
        &self.all[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.all[slot as usize]
    }

    /// Takes in a slot, marked to be looked at if it has a channel.
    pub(super) fn add(&mut self, slot: Slot, marked: &mut Vec<u32>) -> u32 {
        let is_there = slot.channel.is_some();
        let key = u32::try_from(self.all.insert(slot)).unwrap_or(u32::MAX);
        if is_there {
            marked.push(key);
        }
        key
    }

    /// Says in which slot a channel is, for when it is met again.
    pub(super) fn name(&mut self, name: ChannelName, slot: u32) {
        self.by_name.insert(name, slot);
    }

    /// Takes in a pattern, and gives its rank.
    pub(super) fn listen(&mut self, listening: Listening) -> u32 {
        self.patterns.push(listening);
        u32::try_from(self.patterns.len()).unwrap_or(u32::MAX)
    }

    /// The pattern of this rank.
    pub(super) fn pattern(&self, rank: u32) -> &Listening {
        &self.patterns[rank as usize - 1]
    }

    /// Whether a channel is in some slot already.
    pub(super) fn has(&self, name: &ChannelName) -> bool {
        self.by_name.contains_key(name)
    }

    /// The patterns, in the order of their ranks.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.iter().map(|listening| &listening.pattern)
    }

    /// Whether the stream is to end rather than to be told of a loss where
    /// there is no channel, or none that can be named.
    pub(super) fn is_strict(&self) -> bool {
        let absent = |slot: &Slot| slot.strict && slot.channel.is_none();
        self.patterns.iter().any(|listening| listening.strict)
            || self.all.iter().any(|(_, slot)| absent(slot))
    }

    /// The names that are listened for where there is no channel.
    pub(super) fn absent(&self) -> impl Iterator<Item = &ChannelName> {
        self.all.iter().filter_map(|(_, slot)| match &slot.by {
            By::Name(name) if slot.channel.is_none() => Some(name),
            _ => None,
        })
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
        rank: u32,
        (name, channel): (ChannelName, Arc<Channel>),
        cursor: u64,
        marked: &mut Vec<u32>,
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
                watch: None,
            },
            filter: filter.clone(),
            strict: *strict,
            by: By::Pattern {
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
        marked: &mut Vec<u32>,
    ) -> Result<(), Reached> {
        let Some(&key) = self.by_name.get(&attached.name) else {
            let Attached {
                name,
                channel,
                from,
                rank,
                ..
            } = attached;
            return self.add_matched(node, rank, (name, channel), from, marked);
        };
        let Slot {
            channel, view, by, ..
        } = self.get_mut(key);
        if matches!(by, By::Membership) || channel.as_ref().is_some_and(|known| known.is_open()) {
            // Found, and told of as well, as perhaps of others before it; or its
            // member has left it for another stream, and this one ends.
            attached.uncount(node);
            return Ok(());
        }
        let from = attached.from;
        if let Some(before) = channel.replace(attached.channel) {
            view.cursor = before.succeed(view.cursor, from);
            view.watch = view.watch.map(|_| Watch::Behind);
        } else {
            view.cursor = view.cursor.max(from);
            if let Some(Watch::At(cursor)) = &mut view.watch {
                *cursor = from.max(*cursor);
            }
            marked.push(key);
        }
        Ok(())
    }

    /// Lets go of a channel that has left the node, and has been read.
    pub(super) fn close(&mut self, node: &Node, slot: u32) {
        let Slot { channel, by, .. } = self.get_mut(slot);
        let channel = channel.take();
        if let By::Pattern { counted } = *by {
            node.release(usize::from(counted));
            self.all.remove(slot as usize);
            let name = channel.as_ref().and_then(|channel| channel.full_name());
            name.map(|name| self.by_name.remove(name));
            if self.all.capacity() > 64 + 4 * self.all.len() {
                self.all.shrink_to_fit();
                self.by_name.shrink_to_fit();
            }
        }
    }

    /// Lets nothing more be attached to `stream`.
    pub(super) fn unwatch(&self, node: &Node, stream: usize) {
        for (_, slot) in &self.all {
            if let By::Name(name) = &slot.by {
                node.registry.unwatch(name.as_str(), stream);
            }
        }
        for Listening { pattern, .. } in &self.patterns {
            node.registry.unwatch(pattern.as_str(), stream);
        }
    }

    /// Leaves every channel, those too that were not fitted in yet.
    pub(super) fn leave(mut self, node: &Node, attached: Vec<Attached>) {
        for attached in attached {
            // What does not fit is let go of with the rest.
            let _ = self.attach(node, attached, &mut Vec::new());
        }
        for (_, slot) in self.all {
            if let By::Pattern { counted: true } = slot.by {
                node.release(1);
            }
            if let Some(channel) = slot.channel {
                channel.unlisten(node, &slot.filter, slot.view.watch.is_some());
            }
        }
    }
}
