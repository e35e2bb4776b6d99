//! What comes on a session besides answers.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::Stream;

use crate::client::kept::Kept;
use crate::client::lingering::Lingering;
use crate::client::presence::Lists;
use crate::client::subscription::read;
use crate::client::{Error, Frame, Position};
use crate::rpc::client as proto;
use proto::subscribe_response::Frame as Told;

/// What comes on a session besides answers: a [`Stream`] of [`Frame`]s, which
/// ends with an error, or without one where all was asked and nothing subscribed.
pub struct SessionFrames {
    frames: mpsc::Receiver<Result<Told, Error>>,
    reading: JoinHandle<()>,
    /// Tells the requests to end by being dropped.
    _dropped: oneshot::Sender<Infallible>,
    _connection: Lingering,
    kept: Kept,
    lists: Lists,
}

impl SessionFrames {
    pub(super) fn new(
        frames: mpsc::Receiver<Result<Told, Error>>,
        reading: JoinHandle<()>,
        dropped: oneshot::Sender<Infallible>,
        connection: Lingering,
    ) -> Self {
        Self {
            frames,
            reading,
            _dropped: dropped,
            _connection: connection,
            kept: Kept::new(proto::SubscribeRequest::default()),
            lists: Lists::default(),
        }
    }

    /// Everything up to here has come, since the first subscribe.
    pub fn position(&self) -> Option<Position> {
        self.kept.position().cloned().map(Into::into)
    }
}

impl Stream for SessionFrames {
    type Item = Result<Frame, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let told = match ready!(this.frames.poll_recv(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(told)) => told,
            };
            this.kept.take(&told);
            if matches!(told, Told::Ready(_)) {
                continue;
            }
            if let Some(frame) = read(told, &mut this.lists) {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }
}

impl Drop for SessionFrames {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl fmt::Debug for SessionFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SessionFrames");
        shown.field("position", &self.position());
        shown.finish_non_exhaustive()
    }
}
