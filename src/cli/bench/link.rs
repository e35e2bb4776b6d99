//! What a protocol is to the loop: bytes in, bytes out, and what they counted.

use std::fmt::Debug;

use hdrhistogram::Histogram;

use super::marker::{Mark, Stamp};
use super::order::{Faults, Order};

/// The subscribing side of a connection.
pub(super) trait Listener: Debug + Send {
    /// What to write first.
    fn opening(&mut self) -> Vec<u8>;

    /// Reads `bytes`, counts the events that end in them, and appends to `out`
    /// what the protocol answers.
    ///
    /// # Errors
    ///
    /// The server refused or ended something, in words to show.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>, tally: &mut Tally) -> Result<(), String>;

    /// Whether everything is subscribed.
    fn is_ready(&self) -> bool;
}

/// The publishing side of a connection.
pub(super) trait Publisher: Debug + Send {
    /// What to write first.
    fn opening(&mut self) -> Vec<u8>;

    /// Whether it may publish.
    fn is_ready(&self) -> bool;

    /// Whether it can take another event now.
    fn has_room(&self) -> bool {
        true
    }

    /// Events that may be on their way at a time, at most.
    fn most(&self) -> u64 {
        u64::MAX
    }

    /// Publishes an event; it may reach `out` only with the next flush.
    fn publish(&mut self, stamp: Stamp, out: &mut Vec<u8>);

    /// Ends a batch of events.
    fn flush(&mut self, out: &mut Vec<u8>);

    /// Asks for what has not been acknowledged yet: nothing will follow.
    fn finish(&mut self, _out: &mut Vec<u8>) {}

    /// Reads answers, as a listener does.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String>;

    /// Events that the server says it has.
    fn acknowledged(&self) -> u64;
}

/// What a thread's listeners have received.
#[derive(Debug)]
pub(super) struct Tally {
    mark: Mark,
    pub(super) counts: Counts,
}

/// Counts, and latencies in nanoseconds.
#[derive(Debug)]
pub(super) struct Counts {
    /// When the bytes at hand were read.
    pub(super) now: u64,
    /// Whether latencies are recorded: while it is measured.
    pub(super) is_recording: bool,
    /// Of how many events one has its latency recorded.
    every: u64,
    pub(super) latency: Histogram<u64>,
    pub(super) delivered: u64,
    pub(super) faults: Faults,
}

/// The longest latency told apart, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;

/// Two digits of a latency: it varies by far more from run to run, and a
/// histogram stays small enough for the cache.
const DIGITS: u8 = 2;

impl Tally {
    /// Records the latency of one of `every` events.
    pub(super) fn new(mark: Mark, every: u64) -> Self {
        Self {
            mark,
            counts: Counts {
                now: 0,
                is_recording: false,
                every,
                latency: histogram(),
                delivered: 0,
                faults: Faults::default(),
            },
        }
    }

    /// What to look for, and where to count it.
    pub(super) fn parts(&mut self) -> (&Mark, &mut Counts) {
        (&self.mark, &mut self.counts)
    }
}

/// An empty histogram of latencies.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("bounds in their order")
}

impl Counts {
    /// Counts one delivery.
    pub(super) fn deliver(&mut self, stamp: Stamp, order: &mut Order) {
        self.delivered += 1;
        order.receive(stamp.number, &mut self.faults);
        if self.is_recording && stamp.number.is_multiple_of(self.every) {
            let latency = self.now.saturating_sub(stamp.sent);
            self.latency.saturating_record(latency);
        }
    }
}
