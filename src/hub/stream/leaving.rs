//! A stream that leaves some of what it listens to and stays open.
//!
//! Guarantee: where one of its patterns still stands for a channel that it
//! leaves, or a name comes to stand for one that a pattern brought, the other
//! takes over at the same cursor: nothing is missed between, nothing comes
//! twice.

use std::collections::HashSet;
use std::mem;

use super::super::channel::{Listens, Watch};
use super::super::ready::Mark;
use super::super::sync::Arc;
use super::slot::{By, Listening, Wish};
use super::subscription::Subscription;
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
            self.cursors.opening.unwatch(text.as_str());
        }
        // From here on none of them decides for a channel that comes to be, and
        // those for which one did are in their slots.
        self.take_in(u64::MAX);
        let (names, patterns): (Vec<_>, Vec<_>) = texts.iter().partition(|t| t.name().is_some());
        let mut slots = Vec::new();
        for pattern in patterns {
            if let Some(rank) = self.cursors.slots.unlisten(pattern) {
                self.release(pattern.segments());
                slots.append(&mut self.cursors.slots.matched(rank));
            }
        }
        let mut memberships = HashSet::new();
        for name in names.iter().filter_map(|text| text.name()) {
            let Some(slot) = self.cursors.slots.find(&name) else {
                continue;
            };
            match self.cursors.slots.get(slot).by {
                By::Membership => _ = memberships.insert(name.clone()),
                By::Name => self.release(1),
                By::Pattern { .. } | By::Broadcasts => continue,
            }
            slots.push((name, slot));
        }
        self.leave_slots(slots);
        if let Some(turn) = &self.turn {
            let memberships = memberships.iter().map(ChannelName::as_str);
            turn.leave(&node, &memberships.collect());
        }
    }

    /// Leaves slots, each to the pattern that decides for its channel from now
    /// on, if there is one.
    fn leave_slots(&mut self, slots: Vec<(ChannelName, u32)>) {
        let ranks = self.cursors.slots.ranks();
        let mut removed = HashSet::new();
        for (name, slot) in slots {
            let is_there = self.cursors.slots.get(slot).channel.is_some();
            if let Some(rank) = ranks.decides(&name).filter(|_| is_there) {
                self.leave_to(slot, rank);
            } else {
                self.remove(&name, slot);
                removed.insert(slot);
            }
        }
        // Who is on no list any more is marked, or in line to be read.
        self.take_marks(&removed, u64::MAX);
        self.marked.retain(|mark| !removed.contains(&mark.slot));
        self.cursors.pass_over(&removed);
    }

    fn leave_to(&mut self, slot: u32, rank: u64) {
        let counted = match self.cursors.slots.get(slot).by {
            By::Pattern { counted, .. } => counted,
            _ => self.node.reserve(1).is_ok(),
        };
        let Listening { filter, strict, .. } = self.cursors.slots.pattern(rank);
        let wish = Wish {
            filter: filter.clone(),
            presence: false,
            strict: *strict,
        };
        self.switch(slot, By::Pattern { rank, counted }, wish, u64::MAX);
    }

    fn remove(&mut self, name: &ChannelName, slot: u32) {
        let removed = self.cursors.slots.remove(name, slot);
        let place = removed.place(&self.reader, slot);
        if let Some(channel) = &removed.channel {
            channel.relisten(&self.node, &place, removed.listens(), None);
        }
        if let By::Pattern { counted: true, .. } = removed.by {
            self.node.release(1);
        }
    }

    /// Has the stream come to a slot's channel by another text. It stays where
    /// it is in the channel; what the text before did not take has passed, but
    /// only `upto` a number.
    pub(super) fn switch(&mut self, slot: u32, by: By, wish: Wish, upto: u64) {
        let at = self.cursors.slots.get_mut(slot);
        let place = at.place(&self.reader, slot);
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
        let now = Some(at.listens());
        let passed = channel.and_then(|c| c.relisten(&self.node, &place, before, now));
        if let Some(passed) = passed {
            let passed = at.view.cursor.max(passed.min(upto));
            at.view.cursor = passed;
            self.marked.push(Mark { passed, slot });
        }
    }

    /// Takes the marks that there are, but of slots that were `removed`. Nothing
    /// passes that was numbered after `upto`.
    pub(super) fn take_marks(&mut self, removed: &HashSet<u32>, upto: u64) {
        let mut came = self.reader.take_marks();
        came.retain(|mark| {
            mark.passed = mark.passed.min(upto);
            !removed.contains(&mark.slot)
        });
        self.cursors.pass(&came);
        self.marked.append(&mut came);
    }

    fn release(&mut self, places: usize) {
        self.node.release(places);
        self.reserved -= places;
    }
}
