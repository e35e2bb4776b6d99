//! A bounded log of opaque frames: append, read past a number, let go.
//!
//! Frames stand one after the other as they go on the wire, in segments of at
//! most 16 KiB or one larger frame, each its own allocation. The last one, the
//! tail, grows; it is sealed when it is full or when a reader has come to it.
//! A reader is handed slices of segments; nothing is copied for it but what
//! its filter leaves of a segment.
//!
//! Guarantee: holds the newest frames within its bounds, no fewer; knows the
//! number of the newest frame it let go, so that a reader can be told. Tested
//! against a naive list in `log/tests.rs`. Knows neither locks nor channels.

mod back;
mod labels;
mod read;
mod segment;

use std::collections::VecDeque;

use tokio::time::{Duration, Instant};

use super::budget::{Account, Weight, block, block_cost};
use super::frames::Frame;
use super::let_go::LetGo;
use super::stream::select::Sketch;
use super::sync::Arc;
use labels::Labels;
use segment::Segment;

pub(super) use back::Rewind;
pub(super) use read::Near;

/// Bytes of a segment: one HTTP/2 DATA frame of the default size.
pub(super) const SEGMENT: usize = 16 << 10;

/// How much a log keeps, whichever is least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    pub(super) events: usize,
    pub(super) bytes: usize,
    pub(super) age: Duration,
}

/// One channel's log.
#[derive(Debug)]
pub(super) struct Log {
    retention: Retention,
    account: Arc<Account>,
    /// What the account holds of this log.
    weight: Weight,
    events: VecDeque<Entry>,
    /// How many came before those.
    popped: u64,
    /// Those of `events` with a sender.
    senders: usize,
    segments: VecDeque<Segment>,
    blocks: usize,
    tail: Vec<u8>,
    tail_sketch: Sketch,
    /// The offset of the tail's first byte, in all that was ever appended.
    tail_start: u64,
    /// The offset of the first frame kept.
    start: u64,
    let_go: LetGo,
    newest: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    /// The latest time at which it or one kept before it was published: in
    /// order even if the clock was set back.
    published: u64,
    /// The offset past the frame.
    end: u64,
    /// When it is too old; never, if that is no time.
    until: Option<Instant>,
    labels: Labels,
}

impl Log {
    /// What a log costs while it holds nothing, its channel included.
    const FIXED_COST: usize = 512;

    /// An empty log that has already let go all up to `let_go`.
    pub(super) fn new(retention: Retention, let_go: LetGo, account: Arc<Account>) -> Self {
        let mut log = Self {
            retention,
            account,
            weight: Weight::default(),
            events: VecDeque::new(),
            popped: 0,
            senders: 0,
            segments: VecDeque::new(),
            blocks: 0,
            tail: Vec::new(),
            tail_sketch: Sketch::default(),
            tail_start: 0,
            start: 0,
            let_go,
            newest: 0,
        };
        log.settle();
        log
    }

    /// Appends `frame` under `number`, higher than all before, and lets go
    /// what is over the bounds, but never this frame. O(1) amortized. A frame
    /// that begins a segment may be taken, others are copied.
    pub(super) fn append(&mut self, frame: &mut Frame, number: u64, now: Instant) {
        let hole = frame.number_at..frame.number_at + 8;
        frame.bytes[hole].copy_from_slice(&number.to_le_bytes());
        if self.tail.len() + frame.bytes.len() > SEGMENT {
            self.seal();
        }
        let labels = Labels::of(frame);
        let fills = self.fills();
        if self.tail.is_empty() && (!fills || frame.bytes.len() > SEGMENT / 4) {
            self.tail = std::mem::take(&mut frame.bytes);
        } else {
            if fills {
                self.tail.reserve_exact(SEGMENT - self.tail.len());
            }
            self.tail.extend_from_slice(&frame.bytes);
        }
        self.tail_sketch = self.tail_sketch.and(labels.sketch());
        self.senders += usize::from(labels.has_sender());
        self.newest = number;
        let before = self.events.back().map_or(0, |entry| entry.published);
        self.events.push_back(Entry {
            number,
            published: before.max(frame.published),
            end: self.end(),
            until: now.checked_add(self.retention.age),
            labels,
        });
        self.trim(1, now);
        self.settle();
    }

    /// Lets go what is older than the log keeps.
    pub(super) fn expire(&mut self, now: Instant) {
        self.trim(0, now);
        self.settle();
    }

    /// Lets go the oldest segment, the tail if there is no other.
    pub(super) fn let_go_segment(&mut self) {
        let end = self.segments.front().map_or(u64::MAX, Segment::end);
        while self.events.front().is_some_and(|first| first.end <= end) {
            self.pop();
        }
        self.release();
        self.settle();
    }

    /// What is gone.
    pub(super) fn let_go(&self) -> LetGo {
        self.let_go
    }

    /// The number of the frame appended last; 0: there was none.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// The number of the oldest frame kept.
    pub(super) fn first(&self) -> Option<u64> {
        self.events.front().map(|first| first.number)
    }

    /// The number of the oldest frame kept that comes after `number`, `near`
    /// which the reader is.
    pub(super) fn first_after(&self, number: u64, near: Near) -> Option<u64> {
        let first = self.past(number, near);
        self.events.get(first).map(|entry| entry.number)
    }

    fn seal_before(&mut self, index: usize) {
        if self.start_of(index) > self.tail_start {
            self.seal();
            self.settle();
        }
    }

    /// Whether the tail is likely to become a full segment, as the last one did,
    /// and gets its room at once.
    fn fills(&self) -> bool {
        let last = self.segments.back();
        last.is_some_and(|last| last.bytes.len() > SEGMENT / 2)
    }

    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let bytes = block(std::mem::take(&mut self.tail), &self.account);
        let start = self.tail_start;
        self.tail_start += bytes.len() as u64;
        self.blocks += block_cost(bytes.len());
        let sketch = std::mem::take(&mut self.tail_sketch);
        self.segments.push_back(Segment {
            start,
            bytes,
            sketch,
        });
    }

    fn trim(&mut self, keep: usize, now: Instant) {
        while self.events.len() > keep && self.is_over(now) {
            self.pop();
        }
        self.release();
    }

    fn is_over(&self, now: Instant) -> bool {
        let old = |first: &Entry| first.until.is_some_and(|until| until <= now);
        self.events.len() > self.retention.events
            || self.end() - self.start > self.retention.bytes as u64
            || self.events.front().is_some_and(old)
    }

    fn pop(&mut self) {
        if let Some(entry) = self.events.pop_front() {
            self.popped += 1;
            self.start = entry.end;
            self.let_go = self.let_go.and(LetGo {
                number: entry.number,
                published: entry.published,
            });
            self.senders -= usize::from(entry.labels.has_sender());
        }
    }

    /// Frees the segments in which no frame is left; everything, capacity too,
    /// if the log is empty.
    fn release(&mut self) {
        while self
            .segments
            .front()
            .is_some_and(|first| first.end() <= self.start)
        {
            let gone = self.segments.pop_front();
            self.blocks -= gone.map_or(0, |segment| block_cost(segment.bytes.len()));
        }
        if self.events.is_empty() {
            self.tail = Vec::new();
            self.tail_sketch = Sketch::default();
            self.tail_start = self.start;
            self.events = VecDeque::new();
            self.segments = VecDeque::new();
        }
    }

    fn settle(&mut self) {
        let index = self.events.capacity() * size_of::<Entry>();
        let segments = self.segments.capacity() * size_of::<Segment>();
        let weight = Weight {
            blocks: self.blocks,
            other: self.tail.capacity() + index + segments,
            fixed: Self::FIXED_COST,
        };
        self.account.change(self.weight, weight);
        self.weight = weight;
    }

    /// The offset of the frame at `index`; of the end for the one past the last.
    fn start_of(&self, index: usize) -> u64 {
        index
            .checked_sub(1)
            .map_or(self.start, |before| self.events[before].end)
    }

    fn end(&self) -> u64 {
        self.tail_start + self.tail.len() as u64
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.account.change(self.weight, Weight::default());
    }
}

#[cfg(test)]
mod tests;
