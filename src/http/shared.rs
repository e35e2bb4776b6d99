//! What many streams say, made once.
//!
//! Frames with a number are the same for all that get them, and most get them
//! at about the same time: the newest of them are kept as they are written.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

/// Frames that are kept.
const FRAMES: usize = 1_024;

/// Bytes of those frames on the wire; written, they are some more.
const BYTES: usize = 4 << 20;

/// The newest of the numbered frames, as they are written.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    frames: HashMap<u64, Arc<OnceLock<Bytes>>>,
    /// Their numbers and sizes, as they came.
    order: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl Shared {
    /// The frame `number`, of `size` bytes on the wire, as `write` writes it,
    /// which it is asked for once while the frame is kept.
    pub(super) fn frame(&self, number: u64, size: usize, write: impl FnOnce() -> Bytes) -> Bytes {
        let place = self.place(number, size);
        place.get_or_init(write).clone()
    }

    /// Where the frame is written, or to be.
    fn place(&self, number: u64, size: usize) -> Arc<OnceLock<Bytes>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.frames.get(&number) {
            return Arc::clone(place);
        }
        let place = Arc::<OnceLock<Bytes>>::default();
        kept.frames.insert(number, Arc::clone(&place));
        kept.order.push_back((number, size));
        kept.bytes += size;
        while kept.order.len() > FRAMES || (kept.bytes > BYTES && kept.order.len() > 1) {
            let Some((oldest, size)) = kept.order.pop_front() else {
                break;
            };
            kept.frames.remove(&oldest);
            kept.bytes -= size;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_written_once_however_many_streams_say_it() {
        let shared = Shared::default();
        let mut written = 0;
        for _ in 0..1_000 {
            for number in 0..10 {
                let text = number.to_string();
                let frame = shared.frame(number, 100, || {
                    written += 1;
                    text.clone().into()
                });
                assert_eq!(frame, text);
            }
        }
        assert_eq!(written, 10);
    }

    #[test]
    fn what_is_kept_has_bounds() {
        for (size, most) in [(1, FRAMES), (BYTES / 4, 4), (2 * BYTES, 1)] {
            let shared = Shared::default();
            for number in 0..10_000 {
                shared.frame(number, size, Bytes::new);
            }
            let kept = shared.0.lock().unwrap();
            assert_eq!((kept.order.len(), kept.frames.len()), (most, most));
            assert_eq!(kept.bytes, most * size);
        }
    }
}
