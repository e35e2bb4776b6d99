//! What was done to a hub and what its clients were told: all that the
//! verifier knows.

use std::collections::{BTreeMap, BTreeSet};

use fanfare::hub::{Change, Filter, Join, Start, Subscribe};
use fanfare::model::Pattern;

use crate::hub::support::{Got, join, matching, named, observe};

/// The channels of a life; the last one stands for broadcasts.
pub(crate) const CHANNELS: [&str; 6] = ["a", "b.x", "b.y", "c.x", "d.e.x", ""];

/// Names and patterns that can be asked for.
pub(crate) const TEXTS: [&str; 11] = [
    "a", "b.x", "b.y", "c.x", "d.e.x", ">", "*", "b.*", "*.x", "b.>", "*.*.x",
];

/// One thing that a client subscribes to.
#[expect(
    clippy::struct_excessive_bools,
    reason = "a wish is made of independent choices"
)]
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// A name, a pattern, or nothing at all for broadcasts.
    pub(crate) text: &'static str,
    pub(crate) observes: bool,
    /// Leaves out the noise.
    pub(crate) quiet: bool,
    pub(crate) echo: bool,
    pub(crate) presence: bool,
    pub(crate) strict: bool,
}

impl Entry {
    /// All broadcasts.
    pub(crate) fn broadcasts() -> Self {
        Self {
            text: "",
            observes: false,
            quiet: false,
            echo: true,
            presence: false,
            strict: false,
        }
    }

    pub(crate) fn is_pattern(&self) -> bool {
        self.text.contains(['*', '>'])
    }

    pub(crate) fn is_membership(&self) -> bool {
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

    /// Whether the member `own` gets an event by it.
    pub(crate) fn takes(&self, sent: &Sent, own: &str) -> bool {
        !(self.quiet && sent.noise) && (self.echo || sent.sender != own)
    }

    /// The text by which it is left.
    pub(crate) fn pattern(&self) -> Pattern {
        Pattern::new(self.text).unwrap()
    }

    pub(crate) fn join(&self) -> Join {
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

/// What a client listens to, and asks for when it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish(pub(crate) Vec<Entry>);

impl Wish {
    /// The entry that decides on a channel.
    pub(crate) fn decides(&self, channel: &str) -> Option<&Entry> {
        let exact = self.0.iter().find(|entry| entry.text == channel);
        exact.or_else(|| {
            let matching = |entry: &&Entry| entry.is_pattern() && entry.matches(channel);
            self.0.iter().filter(|_| !channel.is_empty()).find(matching)
        })
    }

    /// The channels of which it becomes a member.
    pub(crate) fn memberships(&self) -> BTreeSet<&'static str> {
        let members = self.0.iter().filter(|entry| entry.is_membership());
        members.map(|entry| entry.text).collect()
    }

    /// The channels whose members it watches.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &'static str> {
        let watched = self.0.iter().filter(|entry| entry.presence);
        let watched = watched.filter(|entry| !entry.is_pattern() && !entry.text.is_empty());
        watched.map(|entry| entry.text)
    }

    /// Of these entries those whose text is new, once each.
    pub(crate) fn fresh(&self, entries: &[Entry]) -> Self {
        let mut fresh: Vec<Entry> = Vec::new();
        for entry in entries {
            let known = self.0.iter().chain(&fresh).any(|e| e.text == entry.text);
            fresh.extend((!known).then(|| entry.clone()));
        }
        Self(fresh)
    }

    /// What it would leave by these numbers: never broadcasts.
    pub(crate) fn picked(&self, picks: &[usize]) -> Self {
        let texts = self.0.iter().filter(|entry| !entry.text.is_empty());
        let picked = texts.enumerate().filter(|(at, _)| picks.contains(at));
        Self(picked.map(|(_, entry)| entry.clone()).collect())
    }

    /// It with more, which come last.
    pub(crate) fn with(&self, more: &Self) -> Self {
        Self(self.0.iter().chain(&more.0).cloned().collect())
    }

    /// It without these texts.
    pub(crate) fn without(&self, left: &Self) -> Self {
        let stays = |entry: &&Entry| left.0.iter().all(|left| left.text != entry.text);
        Self(self.0.iter().filter(stays).cloned().collect())
    }

    /// Whether an event of this name would count it among the recipients.
    pub(crate) fn counts(&self, channel: &str, noise: bool) -> bool {
        let entry = self.decides(channel);
        entry.is_some_and(|entry| !(entry.quiet && noise))
    }

    pub(crate) fn request(&self) -> Subscribe {
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
pub(crate) struct Sent {
    pub(crate) channel: &'static str,
    pub(crate) noise: bool,
    pub(crate) sender: String,
    /// In seconds.
    pub(crate) published: u64,
}

/// A change among the members, numbered within these if anybody watched.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    pub(crate) channel: &'static str,
    pub(crate) id: String,
    pub(crate) change: Change,
    pub(crate) after: u64,
    pub(crate) through: u64,
}

/// All that was done in one life of the node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) sent: BTreeMap<u64, Sent>,
    /// None if it is not known when each one was.
    pub(crate) changes: Option<Vec<Changed>>,
}

/// Who is in a channel, and with which profile.
pub(crate) type Present = BTreeMap<String, String>;

/// A stream came to listen to something else.
#[derive(Clone, Debug)]
pub(crate) struct Turned {
    /// All that it listens to from now on.
    pub(crate) wish: Wish,
    /// What is new is due from this number on.
    pub(crate) from: u64,
    /// The newest number when that was answered: up to it, what stays may be
    /// told by the old choice or by the new one, and what was left may come.
    pub(crate) through: u64,
}

/// What a stream was told, in its order.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    Got(Got),
    /// It joined or left something.
    Turned(Turned),
    /// A gap; and of its channel, or of those that have left, up to where the
    /// node no longer knows whether something was lost, and what it keeps.
    Gap {
        got: Got,
        knows: u64,
        oldest: u64,
    },
    /// It fell behind in a channel that keeps nothing before these; none where
    /// nobody can tell.
    Slow(Option<BTreeMap<&'static str, u64>>),
    /// Nothing was left to be told when the node's newest number was this.
    Quiet {
        newest: u64,
        members: BTreeMap<&'static str, Present>,
    },
}

/// One stream, from its ready to its cut.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// In which life of the node.
    pub(crate) life: usize,
    pub(crate) client: usize,
    /// What it listens to at first.
    pub(crate) wish: Wish,
    pub(crate) member: String,
    pub(crate) start: Start,
    /// Of its ready.
    pub(crate) position: u64,
    pub(crate) recovered: bool,
    /// The node's newest number before it came.
    pub(crate) before: u64,
    /// What each channel kept then; none if it is not known.
    pub(crate) kept: Option<BTreeMap<&'static str, Vec<u64>>>,
    /// Its member came back on another one.
    pub(crate) replaced: bool,
    pub(crate) notes: Vec<Note>,
}

impl Told {
    /// Of a stream that nobody judges.
    pub(crate) fn probe() -> Self {
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
