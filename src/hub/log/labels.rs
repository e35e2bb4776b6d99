//! What a log remembers of a frame to choose by, in sixteen bytes.

use std::ops::Range;

use super::super::frames::Frame;

/// Where in a frame its name and its sender are. Both are short and stand in
/// the frame's first few hundred bytes, or behind its payload of a few MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels {
    name: (u32, u8),
    sender: (u32, u8),
}

impl Labels {
    /// Those of `frame`.
    pub(super) fn of(frame: &Frame) -> Self {
        Self {
            name: pack(&frame.name),
            sender: pack(&frame.sender),
        }
    }

    /// Whether it names a sender.
    pub(super) fn has_sender(self) -> bool {
        self.sender.1 > 0
    }

    /// Where the name is.
    pub(super) fn name(self) -> Range<usize> {
        unpack(self.name)
    }

    /// Where the sender is.
    pub(super) fn sender(self) -> Range<usize> {
        unpack(self.sender)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "names have at most 128 bytes, frames a few MiB"
)]
fn pack(range: &Range<usize>) -> (u32, u8) {
    (range.start as u32, range.len() as u8)
}

fn unpack((start, len): (u32, u8)) -> Range<usize> {
    let start = start as usize;
    start..start + usize::from(len)
}
