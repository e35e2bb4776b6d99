//! The events of a load: a payload that begins with a record, on one channel
//! after the other.

use super::marker::{Mark, RECORD, Stamp};
use super::plan::Turns;

/// Writes payloads.
#[derive(Clone, Debug)]
pub(super) struct Events {
    mark: Mark,
    turns: Turns,
    filling: Box<[u8]>,
}

impl Events {
    /// Payloads of `payload` bytes, at least a record.
    pub(super) fn new(mark: Mark, turns: Turns, payload: usize) -> Self {
        Self {
            mark,
            turns,
            filling: vec![b'x'; payload.saturating_sub(RECORD)].into(),
        }
    }

    /// Where each goes, and what it is called.
    pub(super) fn turns(&self) -> Turns {
        self.turns
    }

    /// Bytes of a payload.
    pub(super) fn payload(&self) -> usize {
        RECORD + self.filling.len()
    }

    /// Appends the payload of an event.
    pub(super) fn write(&self, stamp: Stamp, out: &mut Vec<u8>) {
        self.mark.write(stamp, out);
        out.extend_from_slice(&self.filling);
    }
}
