//! What a stream is told before anything else: what it asked for and cannot
//! get, and of the channels that it watches and that do not exist, that nobody
//! is in them.
//!
//! All of it lies before whatever is still to come, so it need not be merged
//! with that; and after a cut it is found again, since the position stays
//! before it.

use std::collections::VecDeque;
use std::mem;

use super::super::{Gap, Node};
use super::chunk::Chunk;
use super::start::{Lost, Start};

/// What is still to be told: mostly nothing, which is seen at a glance.
#[derive(Debug, Default)]
pub(super) struct Opening {
    rest: Option<Box<Rest>>,
    /// Up to where something is missing.
    through: Option<u64>,
}

#[derive(Debug, Default)]
struct Rest {
    lost: VecDeque<(Box<str>, Lost)>,
    /// After what is lost, which makes older lists void.
    nobody: VecDeque<(Box<str>, u64)>,
    /// The client's position is of another life of the node: after what is
    /// lost, if anything, it is told one of this life.
    is_elsewhere: bool,
}

impl Opening {
    /// Nothing yet, for a stream that begins there.
    pub(super) fn new(start: Start) -> Self {
        let mut opening = Self::default();
        if start == Start::Anew {
            opening.rest().is_elsewhere = true;
        }
        opening
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    /// Notes what is missing in a channel, or in those of a pattern.
    pub(super) fn lost(&mut self, channel: &str, lost: Lost) {
        self.through = self.through.max(Some(lost.through));
        self.rest().lost.push_back((channel.into(), lost));
    }

    /// Notes that nobody was in a channel as of `number`.
    pub(super) fn nobody(&mut self, channel: &str, number: u64) {
        self.rest().nobody.push_back((channel.into(), number));
    }

    /// Tells nothing of who is in a channel that is not watched any more.
    pub(super) fn unwatch(&mut self, channel: &str) {
        if let Some(rest) = &mut self.rest {
            // All may be told by this: who tells next finds that out.
            rest.nobody.retain(|(watched, _)| **watched != *channel);
        }
    }

    /// Whether all is told.
    pub(super) fn is_told(&self) -> bool {
        self.rest.is_none()
    }

    /// Up to where something is missing.
    pub(super) fn through(&self) -> Option<u64> {
        self.through
    }

    /// Whether a position is to be told now; once.
    pub(super) fn takes_position(&mut self) -> bool {
        let empty = self.rest.as_mut().filter(|rest| rest.is_empty());
        let takes = empty.is_some_and(|rest| mem::take(&mut rest.is_elsewhere));
        self.tidy();
        takes
    }

    /// Tells as much as fits.
    pub(super) fn tell(&mut self, node: &Node, chunk: &mut Chunk<'_>) {
        if let Some(rest) = &mut self.rest {
            rest.tell(node, chunk);
            self.tidy();
        }
    }

    fn tidy(&mut self) {
        self.rest
            .take_if(|rest| rest.is_empty() && !rest.is_elsewhere);
    }
}

impl Rest {
    fn tell(&mut self, node: &Node, chunk: &mut Chunk<'_>) {
        while !chunk.is_full()
            && let Some((channel, lost)) = self.lost.pop_front()
        {
            let Lost {
                after,
                through,
                reason,
            } = lost;
            let gap = Gap {
                channel: &channel,
                after,
                through,
                reason,
            };
            node.frames.gap(&gap, &node.epoch, chunk.buffer());
        }
        while !chunk.is_full()
            && let Some((channel, number)) = self.nobody.pop_front()
        {
            let into = chunk.buffer();
            node.frames.members(&channel, &[], number, true, into);
        }
    }

    fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.nobody.is_empty()
    }
}
