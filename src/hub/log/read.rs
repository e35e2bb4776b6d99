//! Reading a log: from a number on, whole segments where it can.

use std::collections::VecDeque;
use std::ops::Range;

use super::super::budget::{block, block_cost};
use super::super::stream::chunk::Chunk;
use super::super::stream::select::{Select, Sketch};
use super::segment::Segment;
use super::{Log, SEGMENT};

/// Frames that one read goes past when it must choose among them, so that a
/// filter which keeps little does not hold the channel's lock for long. Those of
/// segments that are skipped whole count too.
pub(super) const SCAN: usize = 1024;

/// About where in a log a reader is: how many frames ever came before.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Near(pub(super) u64);

impl Near {
    /// At its end, as most are.
    pub(in crate::hub) const END: Self = Self(u64::MAX);
}

impl Log {
    /// Puts frames after the number `after` and up to `upto`, of those that
    /// `select` takes, into `chunk`, and returns the number up to which all was
    /// put there or skipped. That is less than `upto` if the chunk has no room
    /// for the next frame, or at some point of a long search. The reader is
    /// `near` there then.
    ///
    /// O(log frames from where it is near) and O(1) a segment that is handed
    /// over or skipped whole. Frames of others that are chosen among, and small
    /// pieces behind others, are looked at and copied.
    pub(in crate::hub) fn read(
        &mut self,
        after: u64,
        upto: u64,
        near: &mut Near,
        select: &Select<'_>,
        chunk: &mut Chunk<'_>,
    ) -> u64 {
        let mut next = self.past(after, *near);
        let until = self.past(upto, self.near(next));
        if next >= until {
            return upto.max(after);
        }
        let stop = if select.takes_all(self.senders > 0) {
            until
        } else {
            until.min(next + SCAN)
        };
        self.seal_before(stop);
        while next < stop {
            let (end, all) = self.stretch(next..stop, select);
            next = match all {
                Some(true) => self.put(next..end, chunk),
                Some(false) => end,
                None => self.choose(next..end, select, chunk),
            };
            if next < end {
                break;
            }
        }
        *near = self.near(next);
        match next {
            _ if next >= until => upto.max(after),
            0 => after,
            _ => self.events[next - 1].number.max(after),
        }
    }

    /// The first frames of `range` that `select` takes all or none of, or that
    /// it must choose among: up to where, and which. O(segments).
    fn stretch(&self, range: Range<usize>, select: &Select<'_>) -> (usize, Option<bool>) {
        if select.takes_all(self.senders > 0) {
            return (range.end, Some(true));
        }
        let first = self.segment_at(self.start_of(range.start));
        let all = select.glance(self.segments[first].sketch);
        let until = self.start_of(range.end);
        let alike = self
            .segments
            .range(first..)
            .take_while(|segment| segment.start < until && select.glance(segment.sketch) == all);
        let end = alike.last().map_or(until, Segment::end);
        (self.end_of(end, range), all)
    }

    /// As [`Log::put`], of those frames in `range` that `select` takes.
    fn choose(&mut self, range: Range<usize>, select: &Select<'_>, chunk: &mut Chunk<'_>) -> usize {
        let Range {
            start: mut next,
            end,
        } = range;
        while let Some(start) = (next..end).find(|at| self.takes(*at, select)) {
            let mut others = (start + 1..end).filter(|at| !self.takes(*at, select));
            let past = others.next().unwrap_or(end);
            next = self.put(start..past, chunk);
            if next < past {
                return next;
            }
        }
        end
    }

    /// The index past the last frame in `range` that ends up to `offset`.
    fn end_of(&self, offset: u64, range: Range<usize>) -> usize {
        if self.start_of(range.end) <= offset {
            return range.end;
        }
        partition(&self.events, range.start, |entry| entry.end <= offset)
    }

    /// Whether `select` takes the sealed frame at an index.
    pub(super) fn takes(&self, at: usize, select: &Select<'_>) -> bool {
        let entry = &self.events[at];
        entry.labels.please(select, || {
            let from = self.start_of(at);
            let holder = &self.segments[self.segment_at(from)];
            &holder.bytes[holder.slice(from, entry.end)]
        })
    }

    /// Puts the frames of `run` into `chunk` as far as it has room, and returns
    /// the index of the first that it did not.
    fn put(&mut self, run: Range<usize>, chunk: &mut Chunk<'_>) -> usize {
        let mut next = run.start;
        while next < run.end {
            let from = self.start_of(next);
            let segment = self.segment_at(from);
            let room = if chunk.is_empty() {
                let (start, until) = (self.segments[segment].start, self.start_of(run.end));
                // Who has read most of a segment does not copy it for others.
                if from - start <= until - from {
                    self.merge(segment, until);
                }
                u64::MAX
            } else {
                from + chunk.room() as u64
            };
            let holder = &self.segments[segment];
            let end = self.end_of(holder.end().min(room), next..run.end);
            if end <= next {
                chunk.close();
                return next;
            }
            let slice = holder.slice(from, self.start_of(end));
            if !chunk.is_empty() || slice.len() < holder.bytes.len() / 4 {
                // Copied anyway, or not worth to keep a whole segment for.
                chunk.buffer().extend_from_slice(&holder.bytes[slice]);
            } else {
                chunk.put(holder.bytes.slice(slice));
            }
            next = end;
        }
        next
    }

    /// Makes one segment of `segment` and the small ones behind it that start
    /// before `until`, so that whoever comes later finds them together.
    fn merge(&mut self, segment: usize, until: u64) {
        let mut size = self.segments[segment].bytes.len();
        let more = self.segments.range(segment + 1..).take_while(|next| {
            size += next.bytes.len();
            next.start < until && size <= SEGMENT
        });
        let end = segment + 1 + more.count();
        if end == segment + 1 {
            return;
        }
        let mut bytes = Vec::with_capacity(SEGMENT);
        let start = self.segments[segment].start;
        let mut sketch = Sketch::default();
        for small in self.segments.drain(segment..end) {
            self.blocks -= block_cost(small.bytes.len());
            bytes.extend_from_slice(&small.bytes);
            sketch = sketch.and(small.sketch);
        }
        self.blocks += block_cost(bytes.len());
        let bytes = block(bytes, &self.account);
        let merged = Segment {
            start,
            bytes,
            sketch,
        };
        self.segments.insert(segment, merged);
        self.settle();
    }

    /// The index of the first frame after `number`.
    pub(super) fn past(&self, number: u64, Near(near): Near) -> usize {
        if number >= self.newest {
            return self.events.len();
        }
        let near = usize::try_from(near.saturating_sub(self.popped));
        partition(&self.events, near.unwrap_or(usize::MAX), |entry| {
            entry.number <= number
        })
    }

    fn near(&self, index: usize) -> Near {
        Near(self.popped + index as u64)
    }

    /// The index of the sealed segment that holds the byte at `offset`.
    pub(super) fn segment_at(&self, offset: u64) -> usize {
        partition(&self.segments, usize::MAX, |segment| {
            segment.end() <= offset
        })
    }
}

/// As `partition_point`, in O(log distance) from `near`.
fn partition<T>(items: &VecDeque<T>, near: usize, is_before: impl Fn(&T) -> bool) -> usize {
    let (mut low, mut high) = (0, items.len());
    let near = near.min(high);
    let mut step = 1;
    if near < high && is_before(&items[near]) {
        low = near + 1;
        while let Some(item) = items.get(near + step) {
            if !is_before(item) {
                high = near + step;
                break;
            }
            low = near + step + 1;
            step *= 2;
        }
    } else {
        high = near;
        while let Some(at) = near.checked_sub(step) {
            if is_before(&items[at]) {
                low = at + 1;
                break;
            }
            high = at;
            step *= 2;
        }
    }
    while low < high {
        let middle = low.midpoint(high);
        if is_before(&items[middle]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
