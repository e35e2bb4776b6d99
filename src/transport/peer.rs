//! Whether a connection's peer is still there, as far as one can tell.
//!
//! A stream's body is dropped when its client cancels it, and also when the
//! whole connection is lost. Whoever held the body is told here which it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Tells whether a connection is broken: its peer has closed or reset it, took
/// no more bytes, or answers no ping. Each request carries it, among its
/// extensions, so that it can be asked once the stream has ended.
pub type Broken = Arc<dyn Fn() -> bool + Send + Sync>;

/// Bytes of a peer in one turn, after which its streams have theirs. HTTP/2
/// reads 8 KiB at once, less what it has of a frame: a second time only where
/// the first brought little.
pub(super) const TURN: usize = 4 << 10;

/// What is known of a peer.
#[derive(Debug)]
pub(super) struct Peer {
    lost: AtomicBool,
    hung_up: AtomicBool,
    opened: Instant,
    /// When bytes last came, in milliseconds since `opened`.
    heard: AtomicU64,
    /// Bytes that were heard in this turn.
    said: AtomicUsize,
}

impl Peer {
    /// A peer that was just heard of.
    pub(super) fn new() -> Self {
        Self {
            lost: AtomicBool::new(false),
            hung_up: AtomicBool::new(false),
            opened: Instant::now(),
            heard: AtomicU64::new(0),
            said: AtomicUsize::new(0),
        }
    }

    /// Its turn to be heard begins.
    pub(super) fn begin_turn(&self) {
        self.said.store(0, Ordering::Relaxed);
    }

    /// Whether it has said enough for one turn.
    pub(super) fn had_turn(&self) -> bool {
        self.said.load(Ordering::Relaxed) >= TURN
    }

    /// So many bytes of it were heard in this turn.
    pub(super) fn hear(&self, bytes: usize) {
        self.said.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes came from it, to be heard now or later.
    pub(super) fn lives(&self) {
        self.heard.store(self.age(), Ordering::Relaxed);
    }

    /// How long no bytes have come, to the millisecond.
    pub(super) fn silence(&self) -> Duration {
        let heard = self.heard.load(Ordering::Relaxed);
        Duration::from_millis(self.age().saturating_sub(heard))
    }

    /// Nothing will come from it any more. What it has said before still counts.
    pub(super) fn hang_up(&self) {
        self.hung_up.store(true, Ordering::Release);
    }

    /// Whether nothing will come from it any more.
    pub(super) fn has_hung_up(&self) -> bool {
        self.hung_up.load(Ordering::Acquire)
    }

    /// The connection is of no use to the streams that are left.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// The question as a request carries it.
    pub(super) fn broken(self: &Arc<Self>) -> Broken {
        let peer = Arc::clone(self);
        Arc::new(move || peer.lost.load(Ordering::Acquire))
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
