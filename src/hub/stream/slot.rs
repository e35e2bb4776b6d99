//! A stream's place in one channel, and by what it came there: a name, or one
//! of its patterns, of which the first listed that matches decides.

use super::super::channel::{Channel, Listens, Snapshot, View};
use super::super::interest::Interest;
use super::super::sync::{Arc, Weak};
use super::select::Filter;
use super::subscription::{Place, StreamReader};
use crate::model::{ChannelName, Pattern};

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
    Name,
    /// It listens by the pattern of this rank, and is perhaps one channel too
    /// many.
    Pattern { rank: u64, counted: bool },
    /// As everybody does, for broadcasts.
    Broadcasts,
}

impl Slot {
    /// Where a mark for it goes, in `slot` of its reader.
    pub(super) fn place<'a>(&self, reader: &'a Arc<StreamReader>, slot: u32) -> Place<'a> {
        Place {
            reader,
            slot,
            takes: self.filter.kinds(),
        }
    }

    /// As what its channel counts the stream.
    pub(super) fn listens(&self) -> Listens<'_> {
        Listens {
            filter: &self.filter,
            watches: self.view.watch.is_some(),
        }
    }
}

impl By {
    /// The rank of the text by which the stream came to it.
    pub(super) fn rank(&self) -> u64 {
        match self {
            Self::Pattern { rank, .. } => *rank,
            _ => 0,
        }
    }
}

/// What of a channel is to be told.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) filter: Filter,
    pub(super) presence: bool,
    pub(super) strict: bool,
}

/// A pattern by which a stream listens.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) pattern: Pattern,
    pub(super) filter: Filter,
    pub(super) strict: bool,
}

/// Which pattern of a stream decides for a name.
#[derive(Debug)]
pub(super) struct Ranks(Interest<()>);

impl Ranks {
    /// The rank of the first listed that stands for it. O(segments).
    pub(super) fn decides(&self, name: &ChannelName) -> Option<u64> {
        let matching = self.0.matching(name.as_str()).into_iter();
        matching.map(|(rank, ())| rank as u64).min()
    }
}

impl<'a> FromIterator<(u64, &'a Pattern)> for Ranks {
    fn from_iter<I: IntoIterator<Item = (u64, &'a Pattern)>>(patterns: I) -> Self {
        let mut ranks = Interest::new();
        for (rank, pattern) in patterns {
            // A key of its own for each: no process has more of them.
            ranks.insert(pattern.as_str(), usize::try_from(rank).unwrap_or(0), ());
        }
        Self(ranks)
    }
}
