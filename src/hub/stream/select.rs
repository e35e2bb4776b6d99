//! Which events of a channel a subscriber takes.

use super::super::sync::Arc;
use crate::model::EventName;

/// What a subscription asked for: events by name, and its own or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In order, so that a look-up is O(log names). Empty: all.
    names: Arc<[EventName]>,
    echo: bool,
}

impl Filter {
    /// Takes the events named in `names`, all if there are none.
    pub fn named(mut names: Vec<EventName>) -> Self {
        names.sort_unstable();
        names.dedup();
        Self {
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
            own: (!self.echo).then_some(own.as_bytes()),
        }
    }
}

/// A [`Filter`] in the hands of one member.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Select<'a> {
    names: &'a [EventName],
    /// The sender to skip.
    own: Option<&'a [u8]>,
}

impl Select<'_> {
    /// Whether it takes every event, of which some have `senders`.
    pub(in crate::hub) fn takes_all(&self, senders: bool) -> bool {
        self.names.is_empty() && !(senders && self.own.is_some())
    }

    /// Whether it takes an event of this name and sender.
    pub(in crate::hub) fn takes(&self, name: &[u8], sender: &[u8]) -> bool {
        let named = || {
            self.names
                .binary_search_by(|n| n.as_str().as_bytes().cmp(name))
                .is_ok()
        };
        self.own != Some(sender) && (self.names.is_empty() || named())
    }
}
