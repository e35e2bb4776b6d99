//! What a log remembers of a frame to choose by, in sixteen bytes.

use std::ops::Range;

use super::super::frames::Frame;
use super::super::stream::select::{Select, Sketch, bit};

/// Where in a frame its name and its sender are. Both are short and stand in
/// the frame's first few hundred bytes, or behind its payload of a few MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels {
    name: Label,
    sender: Label,
}

#[derive(Clone, Copy, Debug)]
struct Label {
    start: u32,
    len: u8,
    /// Which of 64 bits it has in a sketch.
    bit: u8,
}

impl Labels {
    /// Those of `frame`.
    pub(super) fn of(frame: &Frame) -> Self {
        Self {
            name: Label::of(&frame.bytes, &frame.name),
            sender: Label::of(&frame.bytes, &frame.sender),
        }
    }

    /// Whether it names a sender.
    pub(super) fn has_sender(self) -> bool {
        self.sender.len > 0
    }

    /// The sketch of this one frame.
    pub(super) fn sketch(self) -> Sketch {
        Sketch {
            names: 1 << self.name.bit,
            senders: 1 << self.sender.bit,
        }
    }

    /// Whether `select` takes the frame, of which these are the labels. Most
    /// are told apart without a look at its bytes.
    pub(super) fn please<'a>(self, select: &Select<'_>, frame: impl FnOnce() -> &'a [u8]) -> bool {
        select.glance(self.sketch()).unwrap_or_else(|| {
            let frame = frame();
            select.takes(&frame[self.name.range()], &frame[self.sender.range()])
        })
    }
}

impl Label {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "names have at most 128 bytes, frames a few MiB"
    )]
    fn of(frame: &[u8], range: &Range<usize>) -> Self {
        Self {
            start: range.start as u32,
            len: range.len() as u8,
            bit: bit(&frame[range.clone()]).trailing_zeros() as u8,
        }
    }

    fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.len)
    }
}
