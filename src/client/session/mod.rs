//! One stream for everything: requests, their answers, and what comes.
//!
//! A task of its own reads the stream, gives each answer to who asked, and puts
//! the rest into a queue of [`QUEUE`] frames. While that is full it reads
//! nothing, answers neither: that is the back-pressure.
//!
//! A session does not come back by itself. What to do about a request without
//! an answer only its sender knows: all of them fail when the session ends.

mod frames;
mod reading;
mod requests;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::builder::Settings;
use super::call::LARGEST;
use super::lingering::Lingering;
use super::{Channel, Error, Message, Ready, Receipt, Subscribe, Update};
use crate::rpc::client as proto;
use proto::realtime_service_client::RealtimeServiceClient;
use proto::reply::Result as Answer;
use proto::session_request::Request;

pub use frames::SessionFrames;
use reading::Reading;
use requests::{Ask, Requests, Waiting};

/// Frames that may wait to be taken, and requests to be written.
const QUEUE: usize = 16;

/// Asks on a session; a clone asks on the same one.
///
/// Requests may be pipelined: ask for several before awaiting the first. They
/// are applied and answered in the order in which they were first polled.
///
/// ```no_run
/// use fanfare::client::{Client, Frame, Message};
/// use tokio_stream::StreamExt;
///
/// # async fn run(client: Client) -> Result<(), fanfare::client::Error> {
/// let (session, mut frames) = client.session().await?;
/// session.subscribe(client.subscribe().to("chat")).await?;
/// let one = session.send("chat", Message::text("say", "one"));
/// let two = session.send("chat", Message::text("say", "two"));
/// let (one, two) = tokio::try_join!(one, two)?;
/// session.join(["news"]).await?;
/// while let Some(frame) = frames.next().await {
///     match frame? {
///         Frame::Event(event) => println!("{}", event.name),
///         Frame::Gap(gap) => println!("load {} anew", gap.channel),
///         Frame::Presence(_) | Frame::Notice(_) => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// - Read the [`SessionFrames`] while you wait for answers: those come on the
///   same stream, and nothing is read while 16 frames wait to be taken.
/// - To drop the frames ends the session at the node at once. Whoever drops
///   every `Session` ends the requests: a session that never subscribed is over
///   then, and on another the events go on.
/// - It ends at the first cut, and every request without an answer fails. Open
///   another one, subscribe to everything in its first subscribe with
///   [`SessionFrames::position`] and the token of the `ready`, and repeat those
///   requests; a send of which [`Message::request_id`] was set is sent once.
#[derive(Clone, Debug)]
pub struct Session {
    asks: mpsc::Sender<Ask>,
}

/// Connects, and has the stream opened; its errors come on it.
pub(super) async fn open(settings: &Settings) -> Result<(Session, SessionFrames), Error> {
    let channel = settings.stream_endpoint().connect().await?;
    let connection = Lingering::new(&channel);
    let client = RealtimeServiceClient::new(channel).max_decoding_message_size(LARGEST);
    let (asks, asked) = mpsc::channel(QUEUE);
    let (into, frames) = mpsc::channel(QUEUE);
    let waiting = Waiting::default();
    let (dropped, until_dropped) = oneshot::channel();
    let requests = Requests::new(asked, Arc::clone(&waiting), until_dropped);
    let reading = Reading::new(waiting, into).run(client, requests);
    let frames = SessionFrames::new(frames, tokio::spawn(reading), dropped, connection);
    Ok((Session { asks }, frames))
}

impl Session {
    /// Sends to a channel; [`Client::send`](super::Client::send).
    ///
    /// # Errors
    ///
    /// The node refuses it; or the session ended, and it may have been sent.
    pub async fn send(
        &self,
        channel: impl Into<String>,
        message: Message,
    ) -> Result<Receipt, Error> {
        match self
            .ask(Request::Send(message.into_request(channel.into())))
            .await?
        {
            Answer::Send(sent) => Ok(sent.into()),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends to everyone; [`Client::broadcast`](super::Client::broadcast).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn broadcast(&self, message: Message) -> Result<Receipt, Error> {
        match self
            .ask(Request::Broadcast(message.into_broadcast()))
            .await?
        {
            Answer::Broadcast(sent) => Ok(sent.into()),
            other => Err(unexpected(&other)),
        }
    }

    /// Subscribes, for the first time in the session: only then there may be
    /// more in it than channels.
    ///
    /// # Errors
    ///
    /// The node refuses it, or the session ended.
    pub async fn subscribe(&self, subscribe: Subscribe) -> Result<Ready, Error> {
        match self.ask(Request::Subscribe(subscribe.into_proto())).await? {
            Answer::Ready(ready) => Ok(ready.into()),
            other => Err(unexpected(&other)),
        }
    }

    /// Subscribes to more channels. What comes of them is numbered after the
    /// position of this `ready`, which is not to be kept.
    ///
    /// # Errors
    ///
    /// The node refuses it, or the session ended.
    pub async fn join(
        &self,
        channels: impl IntoIterator<Item = impl Into<Channel>>,
    ) -> Result<Ready, Error> {
        let channels = channels.into_iter().map(Into::into);
        let request = proto::SubscribeRequest {
            subscriptions: channels.map(Channel::into_proto).collect(),
            ..proto::SubscribeRequest::default()
        };
        match self.ask(Request::Subscribe(request)).await? {
            Answer::Ready(ready) => Ok(ready.into()),
            other => Err(unexpected(&other)),
        }
    }

    /// Leaves channels and patterns, each as it was subscribed.
    ///
    /// # Errors
    ///
    /// One of them is not subscribed, and none is left; or the session ended.
    pub async fn unsubscribe(
        &self,
        channels: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<(), Error> {
        let channels = channels.into_iter().map(Into::into).collect();
        self.done(Request::Unsubscribe(proto::Unsubscribe { channels }))
            .await
    }

    /// Changes the profile of the session's own member.
    ///
    /// # Errors
    ///
    /// It is refused, nothing is subscribed yet, or the session ended.
    pub async fn update(&self, update: Update) -> Result<(), Error> {
        self.done(Request::Update(proto::UpdateProfile {
            data: Some(update.data),
            merge: update.merge,
        }))
        .await
    }

    async fn done(&self, request: Request) -> Result<(), Error> {
        match self.ask(request).await? {
            Answer::Done(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(&self, request: Request) -> Result<Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let ask = Ask { request, answer };
        let asked = self.asks.send(ask).await;
        asked.map_err(|_| Error::over("the session"))?;
        match answered.await {
            Ok(Ok(Answer::Error(error))) => Err(error.into()),
            Ok(answer) => answer,
            Err(_) => Err(Error::cut("the session was dropped before the answer")),
        }
    }
}

fn unexpected(answer: &Answer) -> Error {
    Error::unreadable(&format!("it answers something else: {answer:?}"))
}
