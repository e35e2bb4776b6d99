//! Streams of a scenario, whatever they are of: frames one at a time.

use fanfare::client::{Following, Raw, Session, SessionFrames};
use fanfare::rpc::client::{SessionRequest, SessionResponse, SubscribeResponse};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use super::Result;
use super::library;
use super::messages::{cancelled, encoded, ended, of_error, of_status, parsed, printed};
use super::stub::{Answer, Stub, timed};

/// An open stream.
pub(crate) enum Stream {
    Subscribe(Opened<SubscribeResponse>),
    Session {
        frames: Opened<SessionResponse>,
        requests: Option<mpsc::Sender<SessionRequest>>,
    },
    /// Of the library, with the frame that it began with.
    Follow(Box<Following>, Option<Answer>),
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

    /// Follows, which begins when something is first asked for.
    pub(crate) async fn follow(mut following: Following) -> Result<Self> {
        let first = next(&mut following).await?;
        Ok(Self::Follow(Box::new(following), Some(first)))
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
        matches!(self, Self::Follow(..) | Self::Asked(..))
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
            Self::Follow(following, first) => match first.take() {
                Some(first) => first,
                None => next(following).await?,
            },
            Self::Asked(_, frames) => match frames.next().await {
                Some(Ok(frame)) => Ok(library::frame(frame)?),
                Some(Err(error)) => Err(of_error(&error)),
                None => Err(ended()),
            },
            Self::Cancelled => Err(cancelled()),
        })
    }
}

/// The next frame, past cuts.
async fn next(following: &mut Following) -> Result<Answer> {
    loop {
        return Ok(match following.next().await {
            Some(Ok(Raw::Frame(frame))) => Ok(encoded("fanfare.v1.SubscribeResponse", &frame)?),
            Some(Ok(Raw::Cut(_))) => continue,
            Some(Err(error)) => Err(of_error(&error)),
            None => Err(ended()),
        });
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
