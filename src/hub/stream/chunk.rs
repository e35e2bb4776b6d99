//! What a stream is handed at a time: frames, one after the other.
//!
//! A slice of a log's segment is passed on as it is; small pieces are gathered
//! up to 16 KiB, since each chunk costs a write, and clients on h2 0.4.16 to
//! 0.4.18 end a connection on some hundred unread DATA frames under 256 bytes.

use bytes::Bytes;

use super::super::budget::{Account, block};
use super::super::log::SEGMENT;
use super::super::sync::Arc;

/// A slice this long is worth a chunk of its own rather than a copy.
const ENOUGH: usize = 4 << 10;

/// Room for a frame of the hub's own: a gap or a heartbeat.
const OWN_FRAME: usize = 512;

/// Frames for one stream, being put together.
#[derive(Debug)]
pub(in crate::hub) struct Chunk<'a> {
    account: &'a Arc<Account>,
    pieces: Pieces,
    is_closed: bool,
}

#[derive(Debug)]
enum Pieces {
    None,
    Slice(Bytes),
    Copies(Vec<u8>),
}

impl<'a> Chunk<'a> {
    /// A chunk with nothing in it; its bytes count in `account`.
    pub(in crate::hub) fn new(account: &'a Arc<Account>) -> Self {
        Self {
            account,
            pieces: Pieces::None,
            is_closed: false,
        }
    }

    /// Whether there is nothing in it.
    pub(in crate::hub) fn is_empty(&self) -> bool {
        matches!(self.pieces, Pieces::None)
    }

    /// Bytes that may be added. A frame larger than a segment may be put into
    /// an empty chunk all the same.
    pub(in crate::hub) fn room(&self) -> usize {
        match &self.pieces {
            Pieces::None => SEGMENT,
            Pieces::Slice(slice) if slice.len() >= ENOUGH => 0,
            Pieces::Slice(slice) => SEGMENT - slice.len(),
            Pieces::Copies(copies) => SEGMENT.saturating_sub(copies.len()),
        }
    }

    /// Whether it should be handed over before anything is added.
    pub(in crate::hub) fn is_full(&self) -> bool {
        self.is_closed || self.room() < OWN_FRAME
    }

    /// Says that what comes next does not fit: nothing may be put before it.
    pub(in crate::hub) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Adds `slice`: as it is if it is the first piece, else by copying.
    pub(in crate::hub) fn put(&mut self, slice: Bytes) {
        if self.is_empty() {
            self.pieces = Pieces::Slice(slice);
        } else {
            self.buffer().extend_from_slice(&slice);
        }
    }

    /// The bytes so far, to write more behind them.
    pub(in crate::hub) fn buffer(&mut self) -> &mut Vec<u8> {
        if let Pieces::Slice(slice) = &self.pieces {
            let mut copies = Vec::with_capacity(ENOUGH.max(2 * slice.len()));
            copies.extend_from_slice(slice);
            self.pieces = Pieces::Copies(copies);
        } else if self.is_empty() {
            self.pieces = Pieces::Copies(Vec::new());
        }
        match &mut self.pieces {
            Pieces::Copies(copies) => copies,
            Pieces::None | Pieces::Slice(_) => unreachable!("made copies of them above"),
        }
    }

    /// What was put in, if anything was.
    pub(in crate::hub) fn finish(self) -> Option<Bytes> {
        match self.pieces {
            Pieces::None => None,
            Pieces::Slice(slice) => Some(slice),
            Pieces::Copies(copies) => Some(block(copies, self.account)),
        }
    }
}
