//! Requests on their way up, and who waits for their answers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;

use crate::client::Error;
use crate::rpc::client as proto;
use proto::reply::Result as Answer;
use proto::session_request::Request;

/// A request, and who wants to know.
pub(super) struct Ask {
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Result<Answer, Error>>,
}

/// Who waits for an answer, in the order of the requests.
pub(super) type Waiting = Arc<Mutex<VecDeque<(u64, oneshot::Sender<Result<Answer, Error>>)>>>;

/// Requests on their way up.
pub(super) struct Requests {
    asked: mpsc::Receiver<Ask>,
    waiting: Waiting,
    last_id: u64,
    /// Ends with the frames: the stream lives as long as one of its sides.
    dropped: oneshot::Receiver<Infallible>,
}

impl Requests {
    pub(super) fn new(
        asked: mpsc::Receiver<Ask>,
        waiting: Waiting,
        dropped: oneshot::Receiver<Infallible>,
    ) -> Self {
        Self {
            asked,
            waiting,
            last_id: 0,
            dropped,
        }
    }
}

impl Stream for Requests {
    type Item = proto::SessionRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if Pin::new(&mut self.dropped).poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let Some(Ask { request, answer }) = ready!(self.asked.poll_recv(cx)) else {
            return Poll::Ready(None);
        };
        self.last_id += 1;
        let id = self.last_id;
        // Before it is written, so before its answer can come.
        lock(&self.waiting).push_back((id, answer));
        Poll::Ready(Some(proto::SessionRequest {
            id,
            request: Some(request),
        }))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
