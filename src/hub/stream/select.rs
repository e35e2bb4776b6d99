//! Which events of a channel a subscriber takes.

use super::super::sync::Arc;
use crate::model::EventName;

/// What a subscription asked for: events by name, and its own or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In order, so that a look-up is O(log names). Empty: all.
    names: Arc<[EventName]>,
    /// The sketches of all names together.
    sketch: u64,
    echo: bool,
}

/// One of 64 bits for a text: texts whose sketches differ are different. Source: a Bloom filter
/// of one hash, which is Fibonacci's of the last eight bytes.
pub(in crate::hub) fn sketch(text: &[u8]) -> u64 {
    let last = &text[text.len().saturating_sub(8)..];
    let word = last
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    1 << (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

impl Filter {
    /// Takes the events named in `names`, all if there are none.
    pub fn named(mut names: Vec<EventName>) -> Self {
        names.sort_unstable();
        names.dedup();
        let sketches = names.iter().map(|name| sketch(name.as_str().as_bytes()));
        Self {
            sketch: sketches.fold(0, |all, one| all | one),
            names: names.into(),
            echo: false,
        }
    }

    /// Takes also events that the subscriber sent itself.
    #[must_use]
    pub fn with_echo(self) -> Self {
        Self { echo: true, ..self }
    }

    /// The names that are taken; empty: all.
    pub(in crate::hub) fn names(&self) -> &[EventName] {
        &self.names
    }

    /// The choice that this is for the member `own`.
    pub(in crate::hub) fn select<'a>(&'a self, own: &'a str) -> Select<'a> {
        Select {
            names: &self.names,
            sketch: self.sketch,
            own: (!self.echo).then(|| (own.as_bytes(), sketch(own.as_bytes()))),
        }
    }
}

/// A [`Filter`] in the hands of one member.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Select<'a> {
    names: &'a [EventName],
    sketch: u64,
    /// The sender to skip.
    own: Option<(&'a [u8], u64)>,
}

impl Select<'_> {
    /// Whether it takes every event, of which some have `senders`.
    pub(in crate::hub) fn takes_all(&self, senders: bool) -> bool {
        self.names.is_empty() && !(senders && self.own.is_some())
    }

    /// The same of one whose name and sender have these sketches, if they tell.
    pub(in crate::hub) fn glance(&self, name: u64, sender: u64) -> Option<bool> {
        if !self.names.is_empty() {
            return (name & self.sketch == 0).then_some(false);
        }
        let is_other = self.own.is_none_or(|(_, own)| own != sender);
        is_other.then_some(true)
    }

    /// Whether it takes an event of this name and sender.
    pub(in crate::hub) fn takes(&self, name: &[u8], sender: &[u8]) -> bool {
        let named = || {
            self.names
                .binary_search_by(|n| n.as_str().as_bytes().cmp(name))
                .is_ok()
        };
        let is_own = self.own.is_some_and(|(own, _)| own == sender);
        !is_own && (self.names.is_empty() || named())
    }
}
