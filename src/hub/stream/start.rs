//! Where in the life of the node a stream begins, and what is gone by then.

use std::time::SystemTime;

use super::super::GapReason;
use super::super::let_go::{LetGo, nanos};
use super::super::log::Log;

/// What a stream asks to be given of what was before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Nothing: what comes from now on.
    #[default]
    Live,
    /// All that is kept after this number, which the node has reached.
    After(u64),
    /// All that is kept, after a life of the node of which nothing is.
    Anew,
    /// From the first event kept that was published then or later.
    Since(SystemTime),
    /// In each channel, the newest so many kept that pass its filter.
    Last(u32),
}

/// What a position is to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located {
    /// A place in its life.
    Here(u64),
    /// In its life, but further than it has come.
    Ahead,
    /// In another life, of this node or of another one.
    Elsewhere,
}

/// What a stream asked for and cannot get: nothing numbered up to `through`
/// will come, and what is missing was numbered after `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) struct Lost {
    pub(in crate::hub) after: u64,
    pub(in crate::hub) through: u64,
    pub(in crate::hub) reason: GapReason,
}

impl Start {
    /// The number after which a stream that joined at `from` gets what a log
    /// keeps; where `Last` begins is to be looked for.
    pub(in crate::hub) fn place(self, from: u64, log: &Log) -> u64 {
        match self {
            Self::Live | Self::Last(_) => from,
            Self::After(number) => number,
            Self::Anew => 0,
            Self::Since(time) => log
                .since(nanos(time))
                .map_or(from, |first| from.min(first - 1)),
        }
    }

    /// What a log that has let this go cannot give any more of what is asked
    /// for. What comes after the stream began, its reader will come upon.
    pub(in crate::hub) fn lost(self, let_go: LetGo) -> Option<Lost> {
        let through = let_go.number;
        let (after, is_lost) = match self {
            Self::Live | Self::Last(_) => return None,
            Self::After(number) => (number, through > number),
            Self::Anew => (0, true),
            Self::Since(time) => (0, through > 0 && let_go.published >= nanos(time)),
        };
        let reason = match self {
            Self::Anew => GapReason::EpochChanged,
            _ => GapReason::Expired,
        };
        is_lost.then_some(Lost {
            after,
            through,
            reason,
        })
    }

    /// What is missing where this is gone with channels that have left, which
    /// no reader will come upon; all of it if the stream began at `from`.
    pub(in crate::hub) fn dropped(self, from: u64, let_go: LetGo) -> Option<Lost> {
        let since = Lost {
            after: from,
            through: let_go.number,
            reason: GapReason::Overflow,
        };
        self.lost(let_go)
            .or_else(|| (let_go.number > from).then_some(since))
    }

    /// The position of a stream that joined at `from`, of whose places the
    /// `lowest` is the one from which it would get the same again.
    pub(in crate::hub) fn position(self, from: u64, lowest: u64) -> u64 {
        match self {
            Self::Live => from,
            Self::After(number) => number,
            Self::Anew => 0,
            Self::Since(_) | Self::Last(_) => lowest,
        }
    }
}
