//! Streams of a scenario, whatever they are of: frames one at a time.

use fanfare::Client;
use fanfare::client::{Error, Frame, Session, SessionFrames, Subscription};
use fanfare::rpc::client::{SessionRequest, SessionResponse, SubscribeResponse};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use super::Result;
use super::library;
use super::messages::{cancelled, ended, of_error, of_status, parsed, printed};
use super::stub::{Answer, Stub, timed};

/// An open stream.
pub(crate) enum Stream {
    Subscribe(Opened<SubscribeResponse>),
    Session {
        frames: Opened<SessionResponse>,
        requests: Option<mpsc::Sender<SessionRequest>>,
    },
    /// Of the library, with what it began with, until that is taken.
    Follow(Box<Subscription>, Option<Value>),
    /// Of the library, which could not begin.
    Failed(Value),
    /// Of the library.
    Asked(Session, Box<SessionFrames>),
    Cancelled,
}

/// A stream whose first word may still be on its way.
pub(crate) enum Opened<T> {
    Opening(JoinHandle<std::result::Result<Response<Streaming<T>>, Status>>),
    Open(Box<Streaming<T>>),
}

impl Stream {
    pub(crate) fn open(mut stub: Stub, step: &Value) -> Result<Self> {
        match step["call"].as_str() {
            Some("Subscribe") => {
                let request = timed(parsed("SubscribeRequest", &step["request"])?, step);
                let opening = tokio::spawn(async move { stub.subscribe(request).await });
                Ok(Self::Subscribe(Opened::Opening(opening)))
            }
            Some("Session") => {
                let (requests, queue) = mpsc::channel(16);
                let request = timed(ReceiverStream::new(queue), step);
                let opening = tokio::spawn(async move { stub.session(request).await });
                Ok(Self::Session {
                    frames: Opened::Opening(opening),
                    requests: Some(requests),
                })
            }
            other => Err(format!("no stream of {other:?} is known")),
        }
    }

    /// Subscribes with the library.
    pub(crate) async fn follow(client: &Client, step: &Value) -> Result<Self> {
        let request = parsed("SubscribeRequest", &step["request"])?;
        let subscribe = library::subscribe(client.subscribe(), request)?;
        Ok(match subscribe.open().await {
            Ok(opened) => {
                let ready = json!({"ready": library::ready(opened.ready())});
                Self::Follow(Box::new(opened), Some(ready))
            }
            Err(error) => Self::Failed(of_error(&error)),
        })
    }

    pub(crate) async fn write(&mut self, step: &Value) -> Result<()> {
        let Self::Session { requests, .. } = self else {
            return Err("it is no session of the stub".to_owned());
        };
        let request = parsed("SessionRequest", &step["request"])?;
        let requests = requests.as_ref().ok_or("its requests have ended")?;
        let sent = requests.send(request).await;
        sent.map_err(|_| "the session is over".to_owned())
    }

    pub(crate) fn finish(&mut self) {
        if let Self::Session { requests, .. } = self {
            *requests = None;
        }
    }

    /// Whether it comes of the library, which may keep some frames to itself.
    pub(crate) fn is_of_library(&self) -> bool {
        matches!(self, Self::Follow(..) | Self::Asked(..) | Self::Failed(_))
    }

    /// The next frame, or the error that ends the stream.
    pub(crate) async fn next(&mut self) -> Result<Answer> {
        Ok(match self {
            Self::Subscribe(opened) => match opened.next().await? {
                Ok(Some(frame)) => Ok(printed("SubscribeResponse", &frame)?),
                Ok(None) => Err(ended()),
                Err(status) => Err(of_status(&status)),
            },
            Self::Session { frames, .. } => match frames.next().await? {
                Ok(Some(frame)) => Ok(printed("SessionResponse", &frame)?),
                Ok(None) => Err(ended()),
                Err(status) => Err(of_status(&status)),
            },
            Self::Follow(opened, first) => match first.take() {
                Some(first) => Ok(first),
                None => next(opened.as_mut()).await?,
            },
            Self::Failed(error) => Err(error.clone()),
            Self::Asked(_, frames) => next(frames.as_mut()).await?,
            Self::Cancelled => Err(cancelled()),
        })
    }
}

/// The next frame of the library, past what is no frame of the wire.
async fn next<S>(frames: &mut S) -> Result<Answer>
where
    S: tokio_stream::Stream<Item = std::result::Result<Frame, Error>> + Unpin,
{
    loop {
        match frames.next().await {
            Some(Ok(frame)) => {
                if let Some(frame) = library::frame(frame)? {
                    return Ok(Ok(frame));
                }
            }
            Some(Err(error)) => return Ok(Err(of_error(&error))),
            None => return Ok(Err(ended())),
        }
    }
}

impl<T> Opened<T> {
    async fn next(&mut self) -> Result<std::result::Result<Option<T>, Status>> {
        if let Self::Opening(opening) = self {
            match opening.await.map_err(|error| error.to_string())? {
                Ok(opened) => *self = Self::Open(Box::new(opened.into_inner())),
                Err(status) => return Ok(Err(status)),
            }
        }
        match self {
            Self::Open(frames) => Ok(frames.message().await),
            Self::Opening(_) => Err("it did not open".to_owned()),
        }
    }
}

impl<T> Drop for Opened<T> {
    fn drop(&mut self) {
        if let Self::Opening(opening) = self {
            opening.abort();
        }
    }
}
