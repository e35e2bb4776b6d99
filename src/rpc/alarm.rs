//! A timer that costs next to nothing to ask before it is due.
//!
//! A stream asks it at every delivery. The runtime's own timers live elsewhere
//! in memory, and with many streams looking at each is a cache miss.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// Wakes at a time that can be moved.
#[derive(Debug)]
pub(super) struct Alarm {
    at: Instant,
    /// Who the timer wakes, once it was asked.
    waker: Option<Waker>,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// An alarm for this time.
    pub(super) fn new(at: Instant) -> Self {
        Self {
            at,
            waker: None,
            sleep: Box::pin(sleep_until(at)),
        }
    }

    /// Moves it.
    pub(super) fn reset(&mut self, at: Instant) {
        self.at = at;
        self.waker = None;
        self.sleep.as_mut().reset(at);
    }

    /// Ready when it is time, and until it is moved.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = self.waker.as_ref();
        if waker.is_some_and(|waker| waker.will_wake(cx.waker())) && Instant::now() < self.at {
            return Poll::Pending;
        }
        self.waker = Some(cx.waker().clone());
        // One that is out of budget would not note the waker.
        Pin::new(&mut unconstrained(self.sleep.as_mut())).poll(cx)
    }
}
