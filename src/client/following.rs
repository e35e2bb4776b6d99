//! A stream that goes on after every cut, frame by frame as it comes.
//!
//! It reads when it is polled and at no other time, so what waits is bounded by
//! the window of its connection; and a poll that is given up loses nothing.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::Stream;
use tonic::Streaming;

use super::back_off::BackOff;
use super::builder::{Attempts, Settings};
use super::call::stream;
use super::kept::{Kept, OPENING};
use super::lingering::Lingering;
use super::{Error, Position};
use crate::rpc::client as proto;
use proto::subscribe_response::Frame;

/// What is on its way when a poll begins may still come: the connection is read
/// by a task of its own, which may not have run while this one was busy.
const GRACE: Duration = Duration::from_secs(1);

/// The frames of a subscription as they come on the wire, past every cut.
///
/// After an error, which is for good, comes no more.
pub struct Following {
    settings: Arc<Settings>,
    kept: Kept,
    returns: Returns,
    back_off: BackOff,
    state: State,
    /// Of the stream, if there is one.
    connection: Option<Lingering>,
    /// When the state is over, whatever comes of it.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the last poll found nothing.
    is_waiting: bool,
    /// Until when there may be a first `ready`.
    patience: Instant,
}

enum State {
    /// Not begun, or waiting to come back.
    Away,
    Opening(Opening),
    Open(Box<Streaming<Bytes>>),
    Over,
}

type Opening = Pin<Box<dyn Future<Output = Result<Streaming<Bytes>, Error>> + Send>>;

/// What a stream does when it is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returns {
    Always,
    Never,
}

/// What comes of a subscription on the wire.
#[derive(Clone, Debug)]
pub enum Raw {
    /// A `SubscribeResponse`, encoded; also of a kind that this library does
    /// not know.
    Frame(Bytes),
    /// The stream was cut off, and comes back.
    Cut(Cut),
}

/// A stream was cut off. It comes back by itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cut {
    /// Why.
    pub error: Error,
    /// After how long it tries to come back.
    pub wait: Duration,
}

/// As [`Raw`], with the frame read too; none of a kind that is not known.
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved on at once, never kept"
)]
pub(super) enum Step {
    Frame(Option<Frame>, Bytes),
    Cut(Cut),
}

impl Following {
    pub(super) fn new(settings: Arc<Settings>, request: proto::SubscribeRequest) -> Self {
        Self {
            back_off: BackOff::new(settings.waits),
            patience: Instant::now() + settings.timeout,
            kept: Kept::new(request),
            returns: Returns::Always,
            state: State::Away,
            connection: None,
            timer: None,
            is_waiting: false,
            settings,
        }
    }

    /// Ends with the first cut instead of coming back.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.returns = Returns::Never;
        self
    }

    /// Everything up to here has come: from here it would go on. None before
    /// the first `ready`.
    pub fn position(&self) -> Option<Position> {
        self.kept.position().cloned().map(Into::into)
    }

    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Step, Error>>> {
        loop {
            let polled = match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Away => {
                    ready!(self.poll_timer(cx));
                    self.begin();
                    continue;
                }
                State::Opening(opening) => match opening.as_mut().poll(cx) {
                    Poll::Ready(Ok(frames)) => {
                        self.state = State::Open(Box::new(frames));
                        continue;
                    }
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Pending => Poll::Pending,
                },
                State::Open(frames) => match Pin::new(frames).poll_next(cx) {
                    Poll::Ready(Some(Ok(frame))) => Poll::Ready(Ok(frame)),
                    Poll::Ready(Some(Err(status))) => Poll::Ready(Err(status.into())),
                    Poll::Ready(None) => Poll::Ready(Err(Error::cut("the node ended the stream"))),
                    Poll::Pending => Poll::Pending,
                },
            };
            let told = match polled {
                Poll::Ready(told) => told,
                Poll::Pending => Err(ready!(self.poll_silence(cx))),
            };
            self.is_waiting = false;
            return Poll::Ready(Some(
                told.and_then(|frame| self.take(frame))
                    .or_else(|error| self.cut(error)),
            ));
        }
    }

    fn begin(&mut self) {
        let channel = self.settings.stream_endpoint().connect_lazy();
        self.connection = Some(Lingering::new(&channel));
        let request = self.kept.request().encode_to_vec().into();
        self.state = State::Opening(Box::pin(stream(channel, request)));
        let left = self.patience.saturating_duration_since(Instant::now());
        let has_begun = self.kept.position().is_some();
        self.wait_for(if has_begun {
            OPENING
        } else {
            OPENING.min(left)
        });
    }

    fn take(&mut self, bytes: Bytes) -> Result<Step, Error> {
        let frame = proto::SubscribeResponse::decode(bytes.clone());
        let frame = frame.map_err(|error| Error::unreadable(&error))?.frame;
        if let Some(frame) = &frame {
            self.kept.take(frame);
        }
        if matches!(frame, Some(Frame::Ready(_))) {
            self.back_off.reset();
        }
        self.wait_for(self.kept.silence());
        Ok(Step::Frame(frame, bytes))
    }

    /// Comes back later, if that may help.
    fn cut(&mut self, error: Error) -> Result<Step, Error> {
        // With the old stream goes its connection, which may be dead.
        self.state = State::Over;
        self.connection = None;
        let asked = self.kept.asked(error.retry_after());
        let wait = self.back_off.next(asked);
        if error.is_for_good() || !self.may_return(wait) {
            return Err(error);
        }
        self.state = State::Away;
        self.wait_for(wait);
        Ok(Step::Cut(Cut { error, wait }))
    }

    fn may_return(&self, wait: Duration) -> bool {
        let has_begun = self.kept.position().is_some();
        let in_time = self.settings.attempts == Attempts::InTime;
        let left = self.patience.saturating_duration_since(Instant::now());
        let in_time = in_time && wait < left;
        self.returns == Returns::Always && (has_begun || in_time)
    }

    fn wait_for(&mut self, time: Duration) {
        let until = Instant::now().checked_add(time);
        // Some years, where the node said a time without end.
        let until = until.unwrap_or_else(|| Instant::now() + Duration::from_secs(1 << 26));
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(until),
            None => self.timer = Some(Box::pin(sleep_until(until))),
        }
    }

    /// Whether the time of the state is over; it has none at first.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }

    /// Whether nothing came for too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let earliest = Instant::now() + GRACE;
        if let Some(timer) = &mut self.timer
            && !self.is_waiting
            && timer.deadline() < earliest
        {
            timer.as_mut().reset(earliest);
        }
        self.is_waiting = true;
        ready!(self.poll_timer(cx));
        Poll::Ready(match self.state {
            State::Open(_) => {
                let time = self.kept.silence();
                Error::cut(format!("no frame came for {time:?}"))
            }
            _ => Error::cut("no stream came about in time"),
        })
    }
}

impl Stream for Following {
    type Item = Result<Raw, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let step = ready!(self.poll_step(cx));
        Poll::Ready(step.map(|step| {
            step.map(|step| match step {
                Step::Frame(_, bytes) => Raw::Frame(bytes),
                Step::Cut(cut) => Raw::Cut(cut),
            })
        }))
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Following");
        shown.field("position", &self.position());
        shown.finish_non_exhaustive()
    }
}
