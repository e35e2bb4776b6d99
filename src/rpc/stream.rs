//! A subscription as the body of an HTTP response, and a session with it.
//!
//! Frames are passed on as they stand in the log. Beside them the body speaks
//! when nothing else did for a while, and ends with a reason and a status:
//! never with OK, but for a session that has nothing to wait for.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Instant;
use tonic::Status;
use tonic::codegen::http::HeaderMap;

use super::alarm::Alarm;
use super::ending::Ending;
use super::frame;
use super::session::Session;
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

/// The body of a `Subscribe` or of a `Session`.
///
/// In this order, what a delivery looks at is together: of a thousand streams
/// that are woken at once, each cache line is a miss.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Stream {
    /// What is left of a large chunk.
    rest: Bytes,
    state: State,
    /// As long as requests may come.
    session: Option<Box<Session>>,
    /// Whether a frame came since the last tick.
    spoke: bool,
    /// Fires at the next of: half a heartbeat, the deadline, the age.
    timer: Alarm,
    subscription: Subscription,
    tick: Instant,
    terms: Terms,
    ending: Ending,
}

/// What an allocator gives a stream; for a byte more it gives 64.
const _: () = assert!(size_of::<Stream>() <= 448);

#[derive(Debug)]
enum State {
    Open,
    /// The last frame is out; the trailers follow.
    Closing(Box<HeaderMap>),
    Closed,
}

impl Stream {
    /// A body that notes in `ending` when it ends by itself.
    pub(super) fn new(subscription: Subscription, ending: Ending, terms: Terms) -> Self {
        let tick = Instant::now() + half(terms.heartbeat);
        Self {
            subscription,
            session: None,
            ending,
            timer: Alarm::new(terms.next(tick)),
            tick,
            terms,
            spoke: false,
            rest: Bytes::new(),
            state: State::Open,
        }
    }

    /// It begins with this frame.
    pub(super) fn saying(self, frame: Bytes) -> Self {
        Self {
            rest: frame,
            ..self
        }
    }

    /// It answers the requests of `session`.
    pub(super) fn answering(self, session: Session) -> Self {
        let session = Some(Box::new(session));
        Self { session, ..self }
    }

    /// See [`Subscription::hand_over`].
    pub(super) fn hand_over(&self) {
        self.subscription.hand_over();
    }

    /// What comes next, which is nothing once the trailers are due.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut replies = Vec::new();
        if self.answer(cx, &mut replies).is_ready() {
            self.subscription.hand_over();
            return Poll::Ready(replies.into());
        }
        // A reply to a subscribe comes before the events that it brings.
        match self.poll_frames(cx, !replies.is_empty()) {
            Poll::Ready(frames) if replies.is_empty() => Poll::Ready(frames),
            Poll::Ready(frames) => {
                replies.extend_from_slice(&frames);
                Poll::Ready(replies.into())
            }
            Poll::Pending if replies.is_empty() => Poll::Pending,
            Poll::Pending => {
                self.subscription.hand_over();
                Poll::Ready(replies.into())
            }
        }
    }

    /// Answers requests. Ready when that was the end of the stream.
    fn answer(&mut self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<()> {
        let Some(session) = &mut self.session else {
            return Poll::Pending;
        };
        let heartbeat = self.terms.heartbeat;
        let stream = (&mut self.subscription, &mut self.terms);
        let over = session.poll(cx, stream, into);
        if self.terms.heartbeat != heartbeat {
            self.tick = Instant::now() + half(self.terms.heartbeat);
            self.timer.reset(self.terms.next(self.tick));
        }
        let status = match std::task::ready!(over) {
            Err(status) => status,
            // All is said and answered, and nothing can come any more.
            Ok(()) if !self.subscription.is_subscribed() => Status::ok(""),
            Ok(()) => {
                self.session = None;
                return Poll::Pending;
            }
        };
        self.end(&status);
        Poll::Ready(())
    }

    /// What comes of the subscription and of time; `spoke` if something else is
    /// being said already.
    fn poll_frames(&mut self, cx: &mut Context<'_>, spoke: bool) -> Poll<Bytes> {
        self.spoke |= spoke;
        let mut silent = false;
        while self.timer.poll(cx).is_ready() {
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
            self.timer.reset(self.terms.next(self.tick));
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
        Poll::Ready(frames)
    }

    /// The next part of what is to be said: each that is taken is a sign of life
    /// of a slow peer, and h2 sends no more at once anyway.
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
        self.end(&status_after(error, delay));
        self.subscription.hand_over();
        let mut last = Vec::new();
        let closing = Closing {
            reason: reason.into(),
            retry_after: delay.and_then(|delay| delay.try_into().ok()),
        };
        frame::put(Kind::Closing(closing), &mut last);
        last.into()
    }

    /// Ends the stream with what is being said.
    fn end(&mut self, status: &Status) {
        let mut trailers = HeaderMap::new();
        // Fails only for a text that is no header value, which a status escapes.
        let added = status.add_header(&mut trailers);
        debug_assert!(added.is_ok(), "a status is always valid in headers");
        self.state = State::Closing(Box::new(trailers));
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

impl Stream {
    /// What comes next, until the trailers have come.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if self.rest.is_empty()
            && let State::Open = self.state
        {
            self.rest = std::task::ready!(self.poll_open(cx));
        }
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Frame::data(self.slice())));
        }
        Poll::Ready(match std::mem::replace(&mut self.state, State::Closed) {
            State::Closing(trailers) => Some(Frame::trailers(*trailers)),
            State::Open | State::Closed => None,
        })
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll(cx).map(|frame| frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}
