//! The node's counter: one number for everything that happens in it.

use super::sync::{AtomicU64, Ordering};

/// Gives every event its number, rising strictly from 1.
///
/// At ten million events a second it stays below 2^53, which a double holds
/// exactly, for 28 years.
#[derive(Debug)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// A counter that has given no number.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Takes the next number.
    pub(crate) fn take(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The newest number taken. Who took it, or a lower one, has marked all
    /// that wait for it before.
    pub(crate) fn newest(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
