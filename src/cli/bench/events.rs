//! The events of a load: a payload that begins with a record, on one channel
//! after the other.

use super::marker::{Mark, RECORD, Stamp};

/// Writes payloads.
#[derive(Clone, Debug)]
pub(super) struct Events {
    mark: Mark,
    channels: u64,
    filling: Box<[u8]>,
}

impl Events {
    /// Payloads of `payload` bytes, at least a record.
    pub(super) fn new(mark: Mark, channels: u64, payload: usize) -> Self {
        Self {
            mark,
            channels,
            filling: vec![b'x'; payload.saturating_sub(RECORD)].into(),
        }
    }

    /// Channels that take turns: event n goes to channel n modulo this.
    pub(super) fn channels(&self) -> u64 {
        self.channels
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
