//! Lists of members as they were encoded last, within a bound.
//!
//! Only here is a list held; whoever is handed it, or may give it to others,
//! knows it as long as it is there. So however many watchers stall in the
//! middle of lists of different moments, they hold no more than this: the
//! oldest lists go, and whoever was being handed one begins with a new one.

use std::collections::VecDeque;

use super::super::sync::{Arc, Mutex, lock};
use super::Snapshot;

/// The lists of a node.
#[derive(Debug)]
pub(in crate::hub) struct Lists {
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lists: VecDeque<Arc<Snapshot>>,
    bytes: usize,
}

impl Lists {
    /// No lists, and at most `limit` bytes of them later, or one larger one.
    pub(in crate::hub) fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Mutex::default(),
        }
    }

    /// Holds a new list, and lets go of the oldest ones over the bound.
    pub(in crate::hub) fn keep(&self, list: &Arc<Snapshot>) {
        let kept = &mut *lock(&self.kept);
        kept.bytes += list.bytes();
        kept.lists.push_back(Arc::clone(list));
        while kept.bytes > self.limit && kept.lists.len() > 1 {
            let oldest = kept.lists.pop_front();
            kept.bytes -= oldest.map_or(0, |oldest| oldest.bytes());
        }
    }

    /// Lets go of the lists that nobody knows any more. O(lists).
    pub(in crate::hub) fn expire(&self) {
        let kept = &mut *lock(&self.kept);
        kept.lists.retain(|list| Arc::weak_count(list) > 0);
        kept.lists.shrink_to_fit();
        kept.bytes = kept.lists.iter().map(|list| list.bytes()).sum();
    }
}
