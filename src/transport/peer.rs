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

/// Bytes of the HTTP/2 client preface, RFC 9113 section 3.4.
pub(super) const PREFACE: usize = 24;

/// What is known of a peer.
#[derive(Debug)]
pub(super) struct Peer {
    lost: AtomicBool,
    opened: Instant,
    /// When bytes last came, in milliseconds since `opened`.
    heard: AtomicU64,
    patience: Duration,
    preface_left: AtomicUsize,
}

impl Peer {
    /// A peer that was just heard of, and whose pings are waited for no longer
    /// than `keepalive_timeout`.
    ///
    /// When that has passed, HTTP/2 ends the streams first and the connection
    /// after them, so a stream's end can be seen before [`lose`](Self::lose).
    /// Then the peer has been silent for about that timeout; a cancelled stream
    /// ends right after the bytes that cancel it. Half of it tells the two
    /// apart, whatever the scheduling.
    pub(super) fn new(keepalive_timeout: Duration) -> Self {
        Self {
            lost: AtomicBool::new(false),
            opened: Instant::now(),
            heard: AtomicU64::new(0),
            patience: keepalive_timeout / 2,
            preface_left: AtomicUsize::new(PREFACE),
        }
    }

    /// So many bytes came from it. Called by one task only.
    pub(super) fn hear(&self, bytes: usize) {
        self.heard.store(self.age(), Ordering::Relaxed);
        let left = self.preface_left.load(Ordering::Relaxed);
        let left = left.saturating_sub(bytes);
        self.preface_left.store(left, Ordering::Relaxed);
    }

    /// Whether it has sent as many bytes as the preface has; hyper has then
    /// finished the handshake, or failed.
    pub(super) fn preface_read(&self) -> bool {
        self.preface_left.load(Ordering::Relaxed) == 0
    }

    /// Nothing will come from it any more, or go to it.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// See [`Broken`].
    pub(super) fn is_lost(&self) -> bool {
        let silence = self
            .age()
            .saturating_sub(self.heard.load(Ordering::Relaxed));
        self.lost.load(Ordering::Acquire) || Duration::from_millis(silence) >= self.patience
    }

    /// The question as a request carries it.
    pub(super) fn broken(self: &Arc<Self>) -> Broken {
        let peer = Arc::clone(self);
        Arc::new(move || peer.is_lost())
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
