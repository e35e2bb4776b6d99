//! A stream that leaves some of what it listens to and stays open.
//!
//! Guarantee: where one of its patterns still stands for a channel that it
//! leaves, or a name comes to stand for one that a pattern brought, the other
//! takes over at the same cursor: nothing is missed between, nothing comes
//! twice.

use std::collections::HashSet;
use std::mem;

use super::super::channel::{Listens, Watch};
use super::super::node::Node;
use super::super::sync::Arc;
use super::slot::{By, Listening, Ranks, Wish};
use super::slots::Slots;
use super::subscription::{Place, Subscription};
use crate::model::{ChannelName, Pattern};

impl Subscription {
    /// Whether it listens by this text, rather than by another that stands for
    /// the same.
    pub fn listens(&self, text: &Pattern) -> bool {
        let slots = &self.cursors.slots;
        match text.name() {
            Some(name) => slots.is_named(&name),
            None => slots.patterns().any(|(_, known)| known == text),
        }
    }

    /// Names in the filters of all that it listens to. O(channels).
    pub fn filter_names(&self) -> usize {
        self.cursors.slots.filter_names()
    }

    /// Leaves what it listens to by these texts; of others it takes no notice.
    /// O(its channels + those who wait at the end of these).
    pub fn leave(&mut self, texts: &[Pattern]) {
        let node = Arc::clone(&self.node);
        for text in texts {
            node.registry.unwatch(text.as_str(), self.key);
        }
        // From here on none of them decides for a channel that comes to be, and
        // those for which one did are in their slots.
        self.take_in();
        let (names, patterns): (Vec<_>, Vec<_>) = texts.iter().partition(|t| t.name().is_some());
        let mut slots = Vec::new();
        for pattern in patterns {
            if let Some(rank) = self.cursors.slots.unlisten(pattern) {
                self.release(pattern.segments());
                slots.append(&mut self.cursors.slots.matched(rank));
            }
        }
        let ranks = self.cursors.slots.ranks();
        let mut left = HashSet::new();
        for name in names.iter().filter_map(|text| text.name()) {
            let Some(slot) = self.cursors.slots.find(&name) else {
                continue;
            };
            match self.cursors.slots.get(slot).by {
                By::Membership => _ = left.insert(name),
                By::Name(_) => self.release(1),
                By::Pattern { .. } | By::Broadcasts | By::Left => continue,
            }
            slots.push(slot);
        }
        for slot in slots {
            self.leave_slot(slot, &ranks);
        }
        if let Some(turn) = &self.turn {
            turn.leave(&node, &left.iter().map(ChannelName::as_str).collect());
        }
    }

    /// Leaves a slot to the pattern that decides for its channel from now on, if
    /// there is one.
    fn leave_slot(&mut self, slot: u32, ranks: &Ranks) {
        let at = self.cursors.slots.get_mut(slot);
        let name = at.channel.as_ref().and_then(|channel| channel.full_name());
        let Some(rank) = name.and_then(|name| ranks.decides(name)) else {
            let place = Place {
                reader: &self.reader,
                slot,
            };
            return self.cursors.slots.remove(&self.node, &place);
        };
        let counted = match at.by {
            By::Pattern { counted, .. } => counted,
            _ => self.node.reserve(1).is_ok(),
        };
        let Listening { filter, strict, .. } = self.cursors.slots.pattern(rank);
        let wish = Wish {
            filter: filter.clone(),
            presence: false,
            strict: *strict,
        };
        self.switch(slot, By::Pattern { rank, counted }, wish);
    }

    /// Has the stream come to a slot's channel by another text. It stays where
    /// it is in the channel.
    pub(super) fn switch(&mut self, slot: u32, by: By, wish: Wish) {
        let place = Place {
            reader: &self.reader,
            slot,
        };
        let at = self.cursors.slots.get_mut(slot);
        at.by = by;
        let (before, watched) = (mem::replace(&mut at.filter, wish.filter), at.view.watch);
        at.view.watch = wish.presence.then_some(Watch::Behind);
        at.strict = wish.strict;
        at.sending = None;
        let before = Listens {
            filter: &before,
            watches: watched.is_some(),
        };
        let channel = at.channel.as_ref();
        if channel.is_some_and(|c| c.relisten(&self.node, &place, before, Some(at.listens()))) {
            self.marked.push(slot);
        }
    }

    fn release(&mut self, places: usize) {
        self.node.release(places);
        self.reserved -= places;
    }
}

impl Slots {
    /// Removes a slot, now or when it comes up next.
    fn remove(&mut self, node: &Node, place: &Place<'_>) {
        let slot = self.get_mut(place.slot);
        let waited = match &slot.channel {
            Some(channel) => channel.relisten(node, place, slot.listens(), None),
            // It is neither on a list nor marked.
            None => true,
        };
        let (by, channel) = (mem::replace(&mut slot.by, By::Left), slot.channel.take());
        let name = channel.as_ref().and_then(|channel| channel.full_name());
        match (by, name) {
            (By::Name(name), _) => self.unname(&name),
            (By::Pattern { counted, .. }, Some(name)) => {
                node.release(usize::from(counted));
                self.unname(name);
            }
            (_, name) => name.into_iter().for_each(|name| self.unname(name)),
        }
        if waited {
            self.forget(place.slot);
        }
    }
}
