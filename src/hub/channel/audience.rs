//! A channel's subscribers: how many there are, and take events of which name.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::super::Node;
use super::super::stream::select::Filter;
use super::super::stream::subscription::{Mail, Place};
use super::super::sync::lock;
use super::super::waiting::Waiting;
use super::watched::Watched;
use super::{Channel, State};

/// As what a channel counts a subscriber.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Listens<'a> {
    /// It takes these events.
    pub(in crate::hub) filter: &'a Filter,
    /// It watches the members too.
    pub(in crate::hub) watches: bool,
}

/// How many would get an event of which name.
#[derive(Debug, Default)]
pub(super) struct Audience {
    all: usize,
    filtered: usize,
    by_name: HashMap<Listed, u32>,
}

/// A name in some subscriber's filter, which all its channels share.
#[derive(Debug)]
struct Listed {
    filter: Filter,
    at: usize,
}

impl Borrow<str> for Listed {
    fn borrow(&self) -> &str {
        self.filter.names()[self.at].as_str()
    }
}

impl Hash for Listed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<str>::borrow(self).hash(state);
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        Borrow::<str>::borrow(self) == Borrow::<str>::borrow(other)
    }
}

impl Eq for Listed {}

impl Channel {
    /// Takes a subscriber in. False if the channel has left the node.
    pub(in crate::hub) fn listen(&self, node: &Node, as_what: Listens<'_>) -> bool {
        let state = &mut *lock(&self.state);
        // Whoever is in a closed one is on no list any more.
        let is_open = state.closed.is_none();
        if is_open {
            state.count_in(node, as_what);
        }
        is_open
    }

    /// Lets out a subscriber that has left the node.
    pub(in crate::hub) fn unlisten(&self, node: &Node, as_what: Listens<'_>) {
        let state = &mut *lock(&self.state);
        if state.closed.is_none() {
            state.count_out(node, as_what);
            if let Some((waiting, attached)) = state.kind(as_what) {
                waiting.forget(attached);
            }
        }
    }

    /// Takes one that stays for something else from now on, or for nothing any
    /// more, and its place off the list. If it was there, tells up to which
    /// number nothing is left for it; if not, it is marked, or in line to be
    /// read. O(places).
    pub(in crate::hub) fn relisten(
        &self,
        node: &Node,
        place: &Place<'_>,
        before: Listens<'_>,
        now: Option<Listens<'_>>,
    ) -> Option<u64> {
        let state = &mut *lock(&self.state);
        if state.closed.is_some() {
            return None;
        }
        let waited = state
            .waiting(before.watches)
            .withdraw(place.reader, place.slot);
        if let Some(now) = now {
            state.count_in(node, now);
        }
        state.count_out(node, before);
        if let Some((waiting, attached)) = state.kind(before) {
            waiting.tidy(attached);
        }
        waited.then(|| state.events.log.newest())
    }
}

impl State {
    fn count_in(&mut self, node: &Node, Listens { filter, watches }: Listens<'_>) {
        self.audience.add(filter);
        if watches {
            let watched = self
                .watched
                .get_or_insert_with(|| Watched::new(node.changes()));
            watched.watchers += 1;
        }
    }

    fn count_out(&mut self, node: &Node, Listens { filter, watches }: Listens<'_>) {
        self.audience.remove(filter);
        if let Some(watched) = &mut self.watched
            && watches
        {
            watched.watchers -= 1;
            if watched.watchers == 0 {
                watched.changes.leave(node);
                self.watched = None;
            }
        }
    }

    /// The list of those who wait, of which those who watch have their own.
    pub(super) fn waiting(&mut self, with_watchers: bool) -> &mut Waiting<Mail> {
        match &mut self.watched {
            Some(watched) if with_watchers => &mut watched.waiting,
            _ => &mut self.waiting,
        }
    }

    /// The list of those who listen like this, and how many they are; none if
    /// it went with the last who was on it.
    fn kind(&mut self, as_what: Listens<'_>) -> Option<(&mut Waiting<Mail>, usize)> {
        match (&mut self.watched, as_what.watches) {
            (Some(watched), true) => Some((&mut watched.waiting, watched.watchers)),
            (None, true) => None,
            (others, false) => {
                let watchers = others.as_ref().map_or(0, |others| others.watchers);
                Some((&mut self.waiting, self.audience.total() - watchers))
            }
        }
    }
}

impl Audience {
    /// Counts one subscriber in.
    pub(super) fn add(&mut self, filter: &Filter) {
        if filter.names().is_empty() {
            self.all += 1;
            return;
        }
        self.filtered += 1;
        for at in 0..filter.names().len() {
            let filter = filter.clone();
            *self.by_name.entry(Listed { filter, at }).or_default() += 1;
        }
    }

    /// Counts one subscriber out.
    pub(super) fn remove(&mut self, filter: &Filter) {
        if filter.names().is_empty() {
            self.all -= 1;
            return;
        }
        self.filtered -= 1;
        for name in filter.names() {
            if let Some(count) = self.by_name.get_mut(name.as_str()) {
                *count -= 1;
                if *count == 0 {
                    self.by_name.remove(name.as_str());
                }
            }
        }
    }

    /// How many there are.
    pub(super) fn total(&self) -> usize {
        self.all + self.filtered
    }

    /// How many take an event of this name.
    pub(super) fn count(&self, name: &[u8]) -> u32 {
        let filtered = if self.filtered == 0 {
            None
        } else {
            std::str::from_utf8(name).ok()
        };
        let filtered = filtered
            .and_then(|name| self.by_name.get(name))
            .copied()
            .unwrap_or(0);
        u32::try_from(self.all)
            .unwrap_or(u32::MAX)
            .saturating_add(filtered)
    }
}
