//! What a stream asks for.

use bytes::Bytes;

use super::select::Filter;
use super::start::Start;
use crate::model::{ChannelName, MemberId, Pattern};

/// What a stream asks to be subscribed to.
#[derive(Debug, Default)]
pub struct Subscribe {
    /// Channels, each once.
    pub joins: Vec<Join>,
    /// Which broadcasts; none at all if absent.
    pub broadcasts: Option<Filter>,
    /// Where it begins.
    pub start: Start,
    /// The profile of the member it becomes: an encoded object. None leaves a
    /// member that comes back the one it had.
    pub profile: Option<Bytes>,
    /// The member that it comes back as; a new one if absent.
    pub member: Option<MemberId>,
}

/// One channel that a stream asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Which channel or channels, and as what.
    pub target: Target,
    /// Which of its events.
    pub filter: Filter,
    /// Tell who is in it, and what changes; not for a pattern.
    pub presence: bool,
    /// End the stream when it falls behind here, rather than tell a gap.
    pub strict: bool,
}

/// A channel or channels, and as what a stream joins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// As a member, who is listed and holds the channel open.
    Member(ChannelName),
    /// Only to listen.
    Observer(ChannelName),
    /// Only to listen, to all that there are and come to be.
    Pattern(Pattern),
}

impl Join {
    /// The places that it takes beside that of a member: those of a pattern
    /// are its segments, for each of which the node keeps something.
    pub(in crate::hub) fn listens(&self) -> usize {
        match &self.target {
            Target::Member(_) => 0,
            Target::Observer(_) => 1,
            Target::Pattern(pattern) => pattern.segments(),
        }
    }

    /// The text by which it asks.
    pub fn text(&self) -> Pattern {
        match &self.target {
            Target::Member(name) | Target::Observer(name) => Pattern::from(name),
            Target::Pattern(pattern) => pattern.clone(),
        }
    }

    /// The channel that it makes the stream a member of.
    pub(in crate::hub) fn membership(&self) -> Option<&ChannelName> {
        match &self.target {
            Target::Member(name) => Some(name),
            Target::Observer(_) | Target::Pattern(_) => None,
        }
    }
}
