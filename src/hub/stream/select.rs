//! Which events of a channel a subscriber takes.

use super::super::sync::Arc;
use super::super::waiting::{ALL, Kinds};
use crate::model::EventName;

/// What a subscription asked for: events by name, and its own or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// None: all.
    names: Option<Arc<Names>>,
    echo: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Names {
    /// In order, so that a look-up is O(log names).
    sorted: Box<[EventName]>,
    /// The bits of all together.
    bits: u64,
}

/// What names and senders events may have: for each text one of 64 bits, so
/// that what has not its bit is not among them.
///
/// Source: a Bloom filter of one hash, which is Fibonacci's of the last eight
/// bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::hub) struct Sketch {
    pub(in crate::hub) names: u64,
    pub(in crate::hub) senders: u64,
}

impl Sketch {
    /// That of the events of both.
    pub(in crate::hub) fn and(self, other: Self) -> Self {
        Self {
            names: self.names | other.names,
            senders: self.senders | other.senders,
        }
    }
}

/// The bit of a text.
pub(in crate::hub) fn bit(text: &[u8]) -> u64 {
    let last = &text[text.len().saturating_sub(8)..];
    let word = last
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    1 << (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

/// The kinds of events whose names have these bits.
#[expect(clippy::cast_possible_truncation, reason = "both halves are in it")]
pub(in crate::hub) fn kinds(bits: u64) -> Kinds {
    (bits | bits >> 32) as Kinds
}

impl Filter {
    /// Takes the events named in `names`, all if there are none.
    pub fn named(mut names: Vec<EventName>) -> Self {
        names.sort_unstable();
        names.dedup();
        let bits = names.iter().map(|name| bit(name.as_str().as_bytes()));
        let bits = bits.fold(0, |all, one| all | one);
        let some = |names: Vec<_>| {
            let sorted = names.into();
            Arc::new(Names { sorted, bits })
        };
        Self {
            names: (!names.is_empty()).then(|| some(names)),
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
        self.names.as_ref().map_or(&[], |names| &names.sorted)
    }

    /// The kinds of events that are taken, by name: no others are, at least.
    pub(in crate::hub) fn kinds(&self) -> Kinds {
        self.names.as_ref().map_or(ALL, |names| kinds(names.bits))
    }

    /// The choice that this is for the member `own`.
    pub(in crate::hub) fn select<'a>(&'a self, own: &'a str) -> Select<'a> {
        Select {
            names: self.names(),
            bits: self.names.as_ref().map_or(0, |names| names.bits),
            own: (!self.echo).then(|| (own.as_bytes(), bit(own.as_bytes()))),
        }
    }
}

/// A [`Filter`] in the hands of one member.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Select<'a> {
    names: &'a [EventName],
    bits: u64,
    /// The sender to skip, and its bit.
    own: Option<(&'a [u8], u64)>,
}

impl Select<'_> {
    /// Whether it takes every event, of which some have `senders`.
    pub(in crate::hub) fn takes_all(&self, senders: bool) -> bool {
        self.names.is_empty() && !(senders && self.own.is_some())
    }

    /// Whether it takes all events of a `sketch` or none, if that tells.
    pub(in crate::hub) fn glance(&self, sketch: Sketch) -> Option<bool> {
        if !self.names.is_empty() {
            return (sketch.names & self.bits == 0).then_some(false);
        }
        let no_own = self.own.is_none_or(|(_, own)| own & sketch.senders == 0);
        no_own.then_some(true)
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
