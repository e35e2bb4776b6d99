//! A piece of a log that is sealed: frames, one after the other.

use std::ops::Range;

use bytes::Bytes;

use super::super::stream::select::Sketch;

/// A piece of a log that is sealed.
#[derive(Debug)]
pub(super) struct Segment {
    /// The offset of its first byte, in all that was ever appended.
    pub(super) start: u64,
    pub(super) bytes: Bytes,
    /// Of all its frames, those that are gone too.
    pub(super) sketch: Sketch,
}

impl Segment {
    /// The offset past its last byte.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The bytes from offset `from` to offset `to`, both within.
    pub(super) fn slice(&self, from: u64, to: u64) -> Range<usize> {
        index(from - self.start)..index(to - self.start)
    }
}

/// An offset within a segment: it fits, since the segment is in memory.
#[expect(
    clippy::cast_possible_truncation,
    reason = "less than the length of a slice"
)]
fn index(offset: u64) -> usize {
    offset as usize
}
