//! What comes of a subscription, in words of this library.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use tokio_stream::Stream;

use super::following::Step;
use super::presence::Lists;
use super::{Cut, Error, Event, Following, Gap, Position, Presence};
use crate::rpc::client as proto;
use proto::subscribe_response::Frame as Told;

/// What comes of a subscription.
///
/// Match it in full. A gap says that events are missing which nothing will
/// bring, and only you know what they stood for: so it is a variant beside the
/// events, which the compiler asks you about, and there will be no other that
/// matters as much. That is why the enum may be matched without `_`, and should.
#[derive(Clone, Debug)]
pub enum Frame {
    /// An event of a channel, or a broadcast.
    Event(Event),
    /// Events are missing: load anew what they stood for.
    Gap(Gap),
    /// Who is there, where it was asked for.
    Presence(Presence),
    /// News of the stream itself. Nothing is lost by passing it over.
    Notice(Notice),
}

/// News of a stream itself, which may be passed over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// It has come so far, and is alive.
    Heartbeat(Heartbeat),
    /// The node is about to end it.
    Closing(Closing),
    /// It was cut off, and comes back.
    Cut(Cut),
    /// It has come back.
    Returned(Ready),
}

/// How a stream began.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ready {
    /// The id of the stream's member, for [`Message::sender`](super::Message::sender).
    pub member_id: String,
    /// Proves to be that member. Secret.
    pub member_token: String,
    /// Where the stream begins.
    pub position: Position,
    /// A start was asked for, and no gap comes of it.
    pub recovered: bool,
    /// Some frame comes at least this often.
    pub heartbeat_interval: Duration,
}

/// A sign of life.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Heartbeat {
    /// All up to here was delivered, skipped by choice, or told as a gap.
    pub position: Position,
    /// The node's time.
    pub time: Option<SystemTime>,
}

/// The node is about to end the stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Closing {
    /// Why.
    pub reason: ClosingReason,
    /// When to come back, which the subscription does by itself.
    pub retry_after: Option<Duration>,
}

/// Why a node ends a stream.
pub use crate::rpc::client::ClosingReason;

/// Why there is no next event.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoEvent {
    /// Events are missing. The stream goes on.
    #[error("events of {:?} after {} and up to {} are missing", .0.channel, .0.after, .0.through)]
    Gap(Gap),
    /// The stream is over.
    #[error(transparent)]
    Over(#[from] Error),
}

/// A subscription: a [`Stream`] of [`Frame`]s that goes on after every cut.
///
/// It ends with an error, which is for good: the node refuses what is asked
/// for, or the member came back on another stream. Dropping it ends the stream
/// at the node at once.
#[derive(Debug)]
pub struct Subscription {
    following: Following,
    ready: Ready,
    lists: Lists,
}

impl Subscription {
    /// Waits for the first `ready`.
    pub(super) async fn open(mut following: Following) -> Result<Self, Error> {
        loop {
            let step = poll_fn(|cx| following.poll_step(cx)).await;
            let step = step.ok_or_else(|| Error::over("the subscription"))?;
            if let Step::Frame(Some(Told::Ready(ready)), _) = step? {
                return Ok(Self {
                    following,
                    ready: ready.into(),
                    lists: Lists::default(),
                });
            }
        }
    }

    /// How the stream began, at first or when it came back last.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Everything up to here has come. Use what came first and keep this then:
    /// [`Subscribe::resume`](super::Subscribe::resume) goes on from it.
    pub fn position(&self) -> Position {
        let position = self.following.position();
        position.unwrap_or_else(|| self.ready.position.clone())
    }

    /// The next event, past presence and notices. Giving up the wait loses
    /// nothing.
    ///
    /// ```no_run
    /// use fanfare::client::{NoEvent, Subscription};
    ///
    /// # async fn run(mut orders: Subscription) -> Result<(), fanfare::client::Error> {
    /// loop {
    ///     match orders.next_event().await {
    ///         Ok(event) => println!("{}", event.name),
    ///         Err(NoEvent::Gap(gap)) => println!("load {} anew", gap.channel),
    ///         Err(NoEvent::Over(error)) => return Err(error),
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoEvent::Gap`] if events are missing before the next one; call again to
    /// go on. [`NoEvent::Over`] if the stream is over.
    pub async fn next_event(&mut self) -> Result<Event, NoEvent> {
        loop {
            match poll_fn(|cx| self.poll_frame(cx)).await {
                Some(Ok(Frame::Event(event))) => return Ok(event),
                Some(Ok(Frame::Gap(gap))) => return Err(NoEvent::Gap(gap)),
                Some(Ok(Frame::Presence(_) | Frame::Notice(_))) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(Error::over("the subscription").into()),
            }
        }
    }

    /// Ends the stream at the node, and says where it was.
    pub fn close(self) -> Position {
        self.position()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Error>>> {
        loop {
            let frame = match ready!(self.following.poll_step(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(Step::Cut(cut))) => Some(Frame::Notice(Notice::Cut(cut))),
                Some(Ok(Step::Frame(told, _))) => told.and_then(|told| self.read(told)),
            };
            if let Some(frame) = frame {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }

    /// What a frame says, if it says anything yet.
    fn read(&mut self, told: Told) -> Option<Frame> {
        let Told::Ready(ready) = told else {
            return read(told, &mut self.lists);
        };
        self.lists.clear();
        self.ready = ready.into();
        Some(Frame::Notice(Notice::Returned(self.ready.clone())))
    }
}

/// What a frame says; nothing for a part of a list that is not the last.
pub(super) fn read(told: Told, lists: &mut Lists) -> Option<Frame> {
    Some(match told {
        Told::Event(event) => Frame::Event(event.into()),
        Told::Gap(gap) => Frame::Gap(gap.into()),
        Told::Presence(change) => Frame::Presence(Presence::Changed(change.into())),
        Told::Members(part) => Frame::Presence(Presence::Members(lists.take(part)?)),
        Told::Heartbeat(heartbeat) => Frame::Notice(Notice::Heartbeat(heartbeat.into())),
        Told::Closing(closing) => Frame::Notice(Notice::Closing(closing.into())),
        Told::Ready(ready) => Frame::Notice(Notice::Returned(ready.into())),
    })
}

impl Stream for Subscription {
    type Item = Result<Frame, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_frame(cx)
    }
}

impl From<proto::Ready> for Ready {
    fn from(ready: proto::Ready) -> Self {
        let interval = ready.heartbeat_interval.map(Duration::try_from);
        Self {
            member_id: ready.member_id,
            member_token: ready.member_token,
            position: ready.position.unwrap_or_default().into(),
            recovered: ready.recovered,
            heartbeat_interval: interval.and_then(Result::ok).unwrap_or_default(),
        }
    }
}

impl From<proto::Heartbeat> for Heartbeat {
    fn from(heartbeat: proto::Heartbeat) -> Self {
        Self {
            position: heartbeat.position.unwrap_or_default().into(),
            time: heartbeat.time.and_then(|time| time.try_into().ok()),
        }
    }
}

impl From<proto::Closing> for Closing {
    fn from(closing: proto::Closing) -> Self {
        Self {
            reason: closing.reason(),
            retry_after: closing.retry_after.and_then(|time| time.try_into().ok()),
        }
    }
}
