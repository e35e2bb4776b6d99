//! Looking back in a log: where a rewind begins, and pages of what is kept.

use bytes::Bytes;

use super::super::stream::select::Select;
use super::Log;
use super::read::{Near, SCAN};

/// A search, step by step, for the place before the newest few frames.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Rewind {
    /// The number after which the frames found so far stand.
    pub(in crate::hub) place: u64,
    /// The number from which on all was looked at.
    from: u64,
    left: usize,
}

impl Rewind {
    /// Looks for the newest `count` frames numbered up to `from`.
    pub(in crate::hub) fn new(from: u64, count: u32) -> Self {
        Self {
            place: from,
            from,
            left: count as usize,
        }
    }

    /// Takes one step, and tells whether there is more to look at.
    pub(in crate::hub) fn step(&mut self, log: &mut Log, select: &Select<'_>) -> bool {
        let end = log.past(self.from, Near::END);
        let takes_all = select.takes_all(log.senders > 0);
        let most = if takes_all { self.left } else { SCAN };
        let start = end.saturating_sub(most);
        log.seal_before(end);
        let taken = |at: &usize| takes_all || log.takes(*at, select);
        for at in (start..end).rev().filter(taken).take(self.left) {
            self.place = log.events[at].number - 1;
            self.left -= 1;
        }
        self.from = log.events.get(start).map_or(0, |entry| entry.number - 1);
        start > 0 && self.left > 0
    }
}

impl Log {
    /// The number of the first frame kept that was published at `time`, in
    /// nanoseconds since 1970, or later. O(log frames).
    ///
    /// Where such a one is gone and the clock was set back after it, it may be
    /// an earlier one: too much rather than too little.
    pub(in crate::hub) fn since(&self, time: u64) -> Option<u64> {
        let first = self.events.partition_point(|entry| entry.published < time);
        self.events.get(first).map(|entry| entry.number)
    }

    /// The frames kept after the number `after` and before the number `before`
    /// with their numbers, from either end: at most `count` and, past the
    /// first, at most `bytes`. And whether there are more. O(frames given).
    pub(in crate::hub) fn page(
        &mut self,
        (after, before): (u64, u64),
        descending: bool,
        count: usize,
        bytes: usize,
    ) -> (Vec<(u64, Bytes)>, bool) {
        let end = self.past(before.saturating_sub(1), Near::END);
        let range = self.past(after, Near::END).min(end)..end;
        self.seal_before(range.end);
        let (total, mut size) = (range.len(), 0);
        let mut page = Vec::new();
        for step in 0..total.min(count) {
            let at = if descending {
                range.end - 1 - step
            } else {
                range.start + step
            };
            let frame = self.frame(at);
            size += frame.len();
            if size > bytes && step > 0 {
                break;
            }
            page.push((self.events[at].number, frame));
        }
        let more = page.len() < total;
        (page, more)
    }

    /// The sealed frame at an index.
    fn frame(&self, at: usize) -> Bytes {
        let from = self.start_of(at);
        let holder = &self.segments[self.segment_at(from)];
        holder.bytes.slice(holder.slice(from, self.events[at].end))
    }
}
