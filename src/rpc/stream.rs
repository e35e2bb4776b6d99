//! A subscription as the body of an HTTP response.
//!
//! Frames are passed on as they stand in the log. Beside them the body speaks
//! when nothing else did for a while, and ends with a reason and a status:
//! never with OK.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::codegen::http::HeaderMap;

use super::ending::Ending;
use super::frame;
use super::status::{retry_after, status_after};
use super::wire::subscribe_response::Frame as Kind;
use super::wire::{Closing, ClosingReason};
use crate::hub::{Chunk, End, Subscription};
use crate::model::Error;

/// Bytes that are passed on at a time: an HTTP/2 DATA frame of default size.
const SLICE: usize = 16 << 10;

/// When a stream speaks and ends by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Some frame comes at least this often.
    pub(super) heartbeat: Duration,
    /// The end of the client's patience.
    pub(super) deadline: Option<Instant>,
    /// The end of the node's.
    pub(super) age: Option<Instant>,
}

/// The body of a `Subscribe`.
#[derive(Debug)]
pub(super) struct Stream {
    subscription: Subscription,
    ending: Ending,
    terms: Terms,
    /// Fires at the next of: half a heartbeat, the deadline, the age.
    timer: Pin<Box<Sleep>>,
    tick: Instant,
    /// Whether a frame came since the last tick.
    spoke: bool,
    /// What is left of a large chunk.
    rest: Bytes,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A frame to begin with.
    Ready(Bytes),
    Open,
    /// The last frame is out; the trailers follow.
    Closing(HeaderMap),
    Closed,
}

impl Stream {
    /// A body that begins with the frame `ready`, and notes in `ending` when
    /// it ends by itself.
    pub(super) fn new(
        subscription: Subscription,
        ending: Ending,
        ready: Bytes,
        terms: Terms,
    ) -> Self {
        let tick = Instant::now() + half(terms.heartbeat);
        Self {
            subscription,
            ending,
            timer: Box::pin(sleep_until(terms.next(tick))),
            tick,
            terms,
            spoke: false,
            rest: Bytes::new(),
            state: State::Ready(ready),
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut silent = false;
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.terms.deadline.is_some_and(|deadline| deadline <= now) {
                return Poll::Ready(self.close(&Error::Deadline, ClosingReason::Deadline));
            }
            if self.terms.age.is_some_and(|age| age <= now) {
                return Poll::Ready(self.close(&Error::MaxAge, ClosingReason::MaxAge));
            }
            if self.tick <= now {
                silent |= !self.spoke;
                self.spoke = false;
                self.tick = now + half(self.terms.heartbeat);
            }
            self.timer.as_mut().reset(self.terms.next(self.tick));
        }
        let frames = match self.subscription.poll_chunk(cx) {
            Poll::Ready(Chunk::Frames(frames)) => frames,
            Poll::Ready(Chunk::End(end)) => {
                let (error, reason) = Self::ended(end);
                self.close(&error, reason)
            }
            Poll::Pending if silent => self.subscription.heartbeat(),
            Poll::Pending => return Poll::Pending,
        };
        self.spoke = true;
        self.rest = frames;
        Poll::Ready(self.slice())
    }

    /// The next part of a large chunk: each that is taken is a sign of life of
    /// a slow peer, and h2 sends no more at once anyway.
    fn slice(&mut self) -> Bytes {
        if self.rest.len() > SLICE {
            self.subscription.hand_over();
        }
        self.rest.split_to(self.rest.len().min(SLICE))
    }

    fn ended(end: End) -> (Error, ClosingReason) {
        match end {
            End::Drain => (Error::Draining, ClosingReason::Shutdown),
            End::SlowConsumer => (Error::SlowConsumer, ClosingReason::SlowConsumer),
            End::Replaced => (Error::Replaced, ClosingReason::Replaced),
            End::LimitReached { what, limit } => {
                let reached = Error::LimitReached { what, limit };
                (reached, ClosingReason::LimitReached)
            }
        }
    }

    /// The last frame; the status follows it.
    fn close(&mut self, error: &Error, reason: ClosingReason) -> Bytes {
        self.ending.by_node();
        let delay = retry_after(error);
        let mut trailers = HeaderMap::new();
        // Fails only for a text that is no header value, which a status escapes.
        let added = status_after(error, delay).add_header(&mut trailers);
        debug_assert!(added.is_ok(), "a status is always valid in headers");
        self.state = State::Closing(trailers);
        self.subscription.hand_over();
        let mut last = Vec::new();
        let closing = Closing {
            reason: reason.into(),
            retry_after: delay.and_then(|delay| delay.try_into().ok()),
        };
        frame::put(Kind::Closing(closing), &mut last);
        last.into()
    }
}

impl Terms {
    fn next(&self, tick: Instant) -> Instant {
        let ends = [self.deadline, self.age];
        ends.into_iter().flatten().fold(tick, Instant::min)
    }
}

/// Ticks come twice in an interval, or a little more often, so that streams
/// which began together do not speak together. The longest silence is two.
fn half(interval: Duration) -> Duration {
    interval.mul_f64(0.4 + fastrand::f64() / 10.0)
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match std::mem::replace(&mut self.state, State::Open) {
            State::Ready(ready) => Frame::data(ready),
            State::Open if !self.rest.is_empty() => Frame::data(self.slice()),
            State::Open => Frame::data(std::task::ready!(self.poll_open(cx))),
            State::Closing(trailers) => {
                self.state = State::Closed;
                Frame::trailers(trailers)
            }
            State::Closed => {
                self.state = State::Closed;
                return Poll::Ready(None);
            }
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}
