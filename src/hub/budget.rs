//! Bytes held by the whole node, and who lets go first.
//!
//! Counts what the logs hold, and what readers still pin of what a log has
//! let go, by allocation. When the logs hold more than they may, the oldest
//! segments of the node go, whoever's they are.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

/// The node's bytes, as they are counted.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Allocations of frames that are alive, wherever they are.
    blocks: AtomicUsize,
    /// Those of them that a log holds.
    logged: AtomicUsize,
    /// What logs hold besides: tails and indexes.
    other: AtomicUsize,
    /// What logs cost while they hold nothing.
    fixed: AtomicUsize,
}

impl Account {
    /// Bytes that the logs hold, fixed costs included.
    pub(super) fn logs(&self) -> usize {
        self.events() + self.fixed.load(Ordering::Relaxed)
    }

    /// Those of them that go when events are let go.
    fn events(&self) -> usize {
        self.logged.load(Ordering::Relaxed) + self.other.load(Ordering::Relaxed)
    }

    /// Bytes that no log holds, and some reader still does.
    pub(super) fn pinned(&self) -> usize {
        let blocks = self.blocks.load(Ordering::Relaxed);
        blocks.saturating_sub(self.logged.load(Ordering::Relaxed))
    }

    /// Moves the account of one log from what it `was` to what it `is`.
    pub(super) fn change(&self, was: Weight, is: Weight) {
        shift(&self.logged, was.blocks, is.blocks);
        shift(&self.other, was.other, is.other);
        shift(&self.fixed, was.fixed, is.fixed);
    }
}

fn shift(count: &AtomicUsize, was: usize, is: usize) {
    // Wrapping, since the two may come in either direction.
    if was != is {
        count.fetch_add(is.wrapping_sub(was), Ordering::Relaxed);
    }
}

/// What one log weighs, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Its sealed segments.
    pub(super) blocks: usize,
    /// Its tail and its index.
    pub(super) other: usize,
    /// What it costs while it holds nothing.
    pub(super) fixed: usize,
}

/// An allocation that is counted until the last reader lets go of it.
struct Block {
    bytes: Vec<u8>,
    account: Arc<Account>,
}

/// What an allocation costs beside its bytes: the block, the handle to it, its
/// place in a log, and the allocator's own.
const BLOCK_COST: usize = 192;

/// Bytes that a block of `capacity` counts.
pub(super) fn block_cost(capacity: usize) -> usize {
    capacity + BLOCK_COST
}

/// Makes counted bytes of `bytes`, without copying; excess room is given back.
pub(super) fn block(mut bytes: Vec<u8>, account: &Arc<Account>) -> Bytes {
    bytes.shrink_to_fit();
    account
        .blocks
        .fetch_add(block_cost(bytes.capacity()), Ordering::Relaxed);
    Bytes::from_owner(Block {
        bytes,
        account: Arc::clone(account),
    })
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let cost = block_cost(self.bytes.capacity());
        self.account.blocks.fetch_sub(cost, Ordering::Relaxed);
    }
}

/// Who holds the oldest segments of the node.
///
/// One entry for each holder `H` with a log that is not empty, under a number
/// that is at most the first in it: the log may have moved on since.
#[derive(Debug)]
pub(super) struct Budget<H> {
    account: Arc<Account>,
    limit: usize,
    oldest: Mutex<BTreeMap<u64, Arc<H>>>,
}

impl<H> Budget<H> {
    /// A budget of `limit` bytes for all logs together.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            account: Arc::default(),
            limit,
            oldest: Mutex::default(),
        }
    }

    /// The account that logs and blocks write to.
    pub(super) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Takes in a holder whose log now begins with `number`.
    pub(super) fn enter(&self, number: u64, holder: Arc<H>) {
        lock(&self.oldest).insert(number, holder);
    }

    /// Takes out a holder whose log is empty, entered under `number`.
    pub(super) fn leave(&self, number: u64) {
        lock(&self.oldest).remove(&number);
    }

    /// While the logs hold too much, asks the holder of the oldest segment to
    /// let it go. O(log channels) a segment.
    ///
    /// `spared` has just appended and is bounded by its own limits. `let_go`
    /// lets the oldest segment go if the log still begins with the number
    /// given, and enters the holder again unless its log is empty or has
    /// entered anew. It takes the holder's lock, so none may be held here.
    pub(super) fn relieve(&self, spared: &Arc<H>, let_go: impl Fn(&Arc<H>, u64)) {
        while self.account.events() > self.limit {
            let Some((number, holder)) = self.take_oldest(spared) else {
                return;
            };
            let_go(&holder, number);
        }
    }

    fn take_oldest(&self, spared: &Arc<H>) -> Option<(u64, Arc<H>)> {
        let mut oldest = lock(&self.oldest);
        let number = oldest
            .iter()
            .find(|(_, holder)| !Arc::ptr_eq(holder, spared))
            .map(|(n, _)| *n)?;
        oldest.remove_entry(&number)
    }
}
