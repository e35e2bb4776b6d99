//! Where a stream goes on: in which channel comes the lowest number next.
//!
//! A channel is in line by a mark, until the stream has come to it, or because
//! something was left there. Marks come in order, but where several sent at
//! once or the stream has just joined, and wait as they are; the others are few
//! and in a heap. No slot is in line twice.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::super::ready::{Mark, Marks};

/// What comes next in a slot's channel, no earlier than at this number: an
/// event, or a gap that begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) slot: u32,
}

/// The slots in whose channels something was left.
#[derive(Debug, Default)]
pub(super) struct Line(BinaryHeap<Reverse<Head>>);

/// Puts the marks in order. O(marks) if they are.
pub(super) fn order(marked: &mut Marks) {
    if !marked.is_sorted() {
        marked.sort_unstable();
    }
}

impl Line {
    /// Takes in a slot in which something was left.
    pub(super) fn push(&mut self, head: Head) {
        self.0.push(Reverse(head));
    }

    /// Where to go on, of those in line and those `marked`, which are in order.
    pub(super) fn first(&self, marked: &[Mark]) -> Option<Head> {
        let marked = marked.first().map(|mark| Head {
            number: mark.passed + 1,
            slot: mark.slot,
        });
        let left = self.0.peek().map(|Reverse(head)| *head);
        marked.into_iter().chain(left).min()
    }

    /// Takes out the first; gives its mark if it was marked. O(log slots) if not.
    pub(super) fn take(&mut self, first: Head, marked: &mut &[Mark]) -> Option<Mark> {
        match *marked {
            [mark, more @ ..] if mark.slot == first.slot => {
                *marked = more;
                Some(*mark)
            }
            _ => {
                self.0.pop();
                None
            }
        }
    }

    /// Takes out these slots, which are gone.
    pub(super) fn pass_over(&mut self, slots: &HashSet<u32>) {
        self.0.retain(|Reverse(head)| !slots.contains(&head.slot));
    }

    /// Whether nothing was left anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
