//! What was done to a hub and what its clients were told: all that the
//! verifier knows.

use std::collections::{BTreeMap, BTreeSet};

use fanfare::hub::{Change, Filter, Join, Start, Subscribe};

use crate::hub::support::{Got, join, matching, named, observe};

/// The channels of a life; the last one stands for broadcasts.
pub(super) const CHANNELS: [&str; 6] = ["a", "b.x", "b.y", "c.x", "d.e.x", ""];

/// Names and patterns that can be asked for.
pub(super) const TEXTS: [&str; 11] = [
    "a", "b.x", "b.y", "c.x", "d.e.x", ">", "*", "b.*", "*.x", "b.>", "*.*.x",
];

/// One thing that a client subscribes to.
#[expect(
    clippy::struct_excessive_bools,
    reason = "a wish is made of independent choices"
)]
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// A name, a pattern, or nothing at all for broadcasts.
    pub(super) text: &'static str,
    pub(super) observes: bool,
    /// Leaves out the noise.
    pub(super) quiet: bool,
    pub(super) echo: bool,
    pub(super) presence: bool,
    pub(super) strict: bool,
}

impl Entry {
    /// All broadcasts.
    pub(super) fn broadcasts() -> Self {
        Self {
            text: "",
            observes: false,
            quiet: false,
            echo: true,
            presence: false,
            strict: false,
        }
    }

    pub(super) fn is_pattern(&self) -> bool {
        self.text.contains(['*', '>'])
    }

    pub(super) fn is_membership(&self) -> bool {
        !self.observes && !self.is_pattern() && !self.text.is_empty()
    }

    fn matches(&self, name: &str) -> bool {
        let (texts, names): (Vec<_>, Vec<_>) =
            (self.text.split('.').collect(), name.split('.').collect());
        let fits = if self.text.ends_with('>') {
            names.len() >= texts.len()
        } else {
            names.len() == texts.len()
        };
        let mut pairs = texts.iter().zip(&names);
        fits && pairs.all(|(text, name)| ["*", ">", *name].contains(text))
    }

    fn filter(&self) -> Filter {
        let filter = named(if self.quiet { &["signal"] } else { &[] });
        if self.echo {
            filter.with_echo()
        } else {
            filter
        }
    }

    fn join(&self) -> Join {
        let join = match () {
            () if self.is_pattern() => matching(self.text),
            () if self.observes => observe(self.text),
            () => join(self.text),
        };
        Join {
            filter: self.filter(),
            presence: self.presence && !self.is_pattern(),
            strict: self.strict,
            ..join
        }
    }
}

/// What a client asks for, each time that it comes.
#[derive(Clone, Debug)]
pub(super) struct Wish(pub(super) Vec<Entry>);

impl Wish {
    /// The entry that decides on a channel.
    pub(super) fn decides(&self, channel: &str) -> Option<&Entry> {
        let exact = self.0.iter().find(|entry| entry.text == channel);
        exact.or_else(|| {
            let matching = |entry: &&Entry| entry.is_pattern() && entry.matches(channel);
            self.0.iter().filter(|_| !channel.is_empty()).find(matching)
        })
    }

    /// The channels of which it becomes a member.
    pub(super) fn memberships(&self) -> BTreeSet<&'static str> {
        let members = self.0.iter().filter(|entry| entry.is_membership());
        members.map(|entry| entry.text).collect()
    }

    pub(super) fn request(&self) -> Subscribe {
        let broadcasts = self.0.iter().find(|entry| entry.text.is_empty());
        let joins = self.0.iter().filter(|entry| !entry.text.is_empty());
        Subscribe {
            joins: joins.map(Entry::join).collect(),
            broadcasts: broadcasts.map(Entry::filter),
            ..Subscribe::default()
        }
    }
}

/// An event that was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) channel: &'static str,
    pub(super) noise: bool,
    pub(super) sender: String,
    /// In seconds.
    pub(super) published: u64,
}

/// A change among the members, numbered within these if anybody watched.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) channel: &'static str,
    pub(super) id: String,
    pub(super) change: Change,
    pub(super) after: u64,
    pub(super) through: u64,
}

/// All that was done in one life of the node.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    pub(super) sent: BTreeMap<u64, Sent>,
    /// None if it is not known when each one was.
    pub(super) changes: Option<Vec<Changed>>,
}

/// Who is in a channel, and with which profile.
pub(super) type Present = BTreeMap<String, String>;

/// What a stream was told, in its order.
#[derive(Clone, Debug)]
pub(super) enum Note {
    Got(Got),
    /// A gap; and of its channel, or of those that have left, up to where the
    /// node no longer knows whether something was lost, and what it keeps.
    Gap {
        got: Got,
        knows: u64,
        oldest: u64,
    },
    /// It fell behind in a channel that keeps nothing before these.
    Slow(BTreeMap<&'static str, u64>),
    /// Nothing was left to be told when the node's newest number was this.
    Quiet {
        newest: u64,
        members: BTreeMap<&'static str, Present>,
    },
}

/// One stream, from its ready to its cut.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// In which life of the node.
    pub(super) life: usize,
    pub(super) client: usize,
    pub(super) wish: Wish,
    pub(super) member: String,
    pub(super) start: Start,
    /// Of its ready.
    pub(super) position: u64,
    pub(super) recovered: bool,
    /// The node's newest number before it came.
    pub(super) before: u64,
    /// What each channel kept then; none if it is not known.
    pub(super) kept: Option<BTreeMap<&'static str, Vec<u64>>>,
    /// Its member came back on another one.
    pub(super) replaced: bool,
    pub(super) notes: Vec<Note>,
}

impl Told {
    /// Of a stream that nobody judges.
    pub(super) fn probe() -> Self {
        Self {
            life: 0,
            client: 0,
            wish: Wish(Vec::new()),
            member: String::new(),
            start: Start::Live,
            position: 0,
            recovered: false,
            before: 0,
            kept: None,
            replaced: false,
            notes: Vec::new(),
        }
    }
}
