//! What the threads of a load tell each other: how far each connection is.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use mio::Waker;

/// Where a load is; each phase comes once, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Connections subscribe.
    Opening,
    /// Events flow, and are not measured yet.
    Warmup,
    Measured,
    /// Nothing more is published; what is on its way arrives.
    Draining,
    Over,
}

const PHASES: [Phase; 5] = [
    Phase::Opening,
    Phase::Warmup,
    Phase::Measured,
    Phase::Draining,
    Phase::Over,
];

/// What one subscribing connection has received.
#[derive(Debug)]
struct Lane {
    delivered: AtomicU64,
    /// The number of the first event that it has not all of yet.
    next: AtomicU64,
}

/// The counts of all threads. Each is written by one thread only, and read by
/// the others when they may.
#[derive(Debug)]
pub(super) struct Board {
    phase: AtomicU8,
    ready: AtomicUsize,
    lanes: Box<[Lane]>,
    /// Whether more may be published.
    publishes: AtomicBool,
    published: AtomicU64,
    acknowledged: AtomicU64,
    failure: Mutex<Option<String>>,
    /// Whether the publisher waits for deliveries, and how it is woken.
    waits: AtomicBool,
    publisher: Waker,
}

impl Board {
    /// For as many subscribing connections as there are `lanes`, and a thread
    /// that `publishes` or none.
    pub(super) fn new(lanes: usize, publishes: bool, waker: Waker) -> Self {
        let lane = |_| Lane {
            delivered: AtomicU64::new(0),
            next: AtomicU64::new(0),
        };
        Self {
            phase: AtomicU8::new(0),
            ready: AtomicUsize::new(0),
            lanes: (0..lanes).map(lane).collect(),
            publishes: AtomicBool::new(publishes),
            published: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            failure: Mutex::new(None),
            waits: AtomicBool::new(false),
            publisher: waker,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.wake();
    }

    /// Connections that are ready.
    pub(super) fn ready(&self) -> usize {
        self.ready.load(Ordering::Relaxed)
    }

    pub(super) fn add_ready(&self) {
        self.ready.fetch_add(1, Ordering::Relaxed);
    }

    /// Deliveries on all connections.
    pub(super) fn delivered(&self) -> u64 {
        let lanes = self.lanes.iter();
        lanes
            .map(|lane| lane.delivered.load(Ordering::Relaxed))
            .sum()
    }

    /// Says what a connection has received, and which event it waits for.
    pub(super) fn set_delivered(&self, lane: usize, delivered: u64, next: u64) {
        let lane = &self.lanes[lane];
        lane.delivered.store(delivered, Ordering::Relaxed);
        lane.next.store(next, Ordering::Relaxed);
    }

    /// Events that have been delivered everywhere; none if nobody listens.
    /// O(connections).
    pub(super) fn reached(&self) -> Option<u64> {
        let next = |lane: &Lane| lane.next.load(Ordering::Relaxed);
        self.lanes.iter().map(next).min()
    }

    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    pub(super) fn set_published(&self, events: u64) {
        self.published.store(events, Ordering::Relaxed);
    }

    /// Says that nothing more will be published.
    pub(super) fn finish_publishing(&self) {
        // Whoever reads this reads the number of what was published before.
        self.publishes.store(false, Ordering::Release);
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(super) fn set_acknowledged(&self, events: u64) {
        self.acknowledged.store(events, Ordering::Relaxed);
    }

    /// Whether nothing is on its way any more, or will be. O(connections).
    ///
    /// A thread that was about to publish when the load went on to drain has
    /// still to say so: what has been published until then may grow.
    pub(super) fn is_drained(&self) -> bool {
        let is_final = !self.publishes.load(Ordering::Acquire);
        let published = self.published();
        is_final
            && self.reached().is_none_or(|reached| reached >= published)
            && self.acknowledged() >= published
    }

    /// Says that the load cannot go on; the first reason is kept.
    pub(super) fn fail(&self, reason: String) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(reason);
    }

    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that the publisher waits for deliveries on other threads.
    pub(super) fn publisher_waits(&self) {
        self.waits.store(true, Ordering::SeqCst);
    }

    /// Says that there were deliveries, on another thread than the publisher's.
    pub(super) fn progressed(&self) {
        if self.waits.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        // Who is not woken looks again by itself, a moment later.
        let _ = self.publisher.wake();
    }
}

#[cfg(test)]
mod tests {
    use mio::{Poll, Token};

    use super::*;

    #[test]
    fn a_load_is_not_over_before_its_publisher_says_so() {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let board = Board::new(1, true, waker);
        assert!(!board.is_drained(), "it may be about to publish");
        board.set_published(2);
        board.finish_publishing();
        assert!(!board.is_drained());
        board.set_delivered(0, 2, 2);
        assert!(!board.is_drained(), "not all are acknowledged");
        board.set_acknowledged(2);
        assert!(board.is_drained());
    }
}
