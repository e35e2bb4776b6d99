//! One connection's life: handshake, streams, GOAWAY, last bytes.
//!
//! hyper drives HTTP/2; here are the clock, the executor, and the ends. However
//! a connection ends, its streams' tasks end with it and drop their bodies,
//! and what has been gathered still has [`LINGER`] to reach the peer.
//!
//! Each stream runs as a task of its own, and its request carries a
//! [`TaskHandle`] by which it can be cut off from outside: hyper does not poll
//! a body while a piece of it waits for the peer's window, so it cannot end
//! itself. Beside it is the [`Broken`] of the connection.

use std::convert::Infallible;
use std::error::Error;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::{self, AbortHandle};
use tokio::time::sleep;
use tower_service::Service;

use super::gather::{Writer, gather};
use super::limits::{CONNECTION_WINDOW, Limits, STREAM_WINDOW};
use super::peer::{Broken, Peer};

/// How long a peer may take to send the HTTP/2 preface: hyper pings no peer
/// before it, and waits without limit.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// The same once the connection is to be closed: a round trip or two, so that
/// whoever is just connecting is told, and a probe that says nothing does not
/// hold up a shutdown.
pub(super) const LATE_HANDSHAKE: Duration = Duration::from_secs(1);

/// How long the last bytes of a connection may take: GOAWAY and trailers are
/// among them, at most a gather buffer in all.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Bytes of a request's headers, advertised as `SETTINGS_MAX_HEADER_LIST_SIZE`.
const HEADER_LIST: u32 = 16 << 10;

/// Cuts off the stream whose request carries it, among its extensions:
/// aborting drops the stream's future, the peer sees `RST_STREAM(CANCEL)`, and
/// the connection's other streams live on.
///
/// Empty until the stream's task has been spawned, which is right after the
/// service was called. Who keeps it past the stream's end keeps the memory of
/// its task.
pub type TaskHandle = Arc<OnceLock<AbortHandle>>;

/// Held by everything that belongs to a server; when the last one is dropped,
/// the receiver learns that nothing is left.
pub(super) type Alive = mpsc::Sender<Infallible>;

/// Why a connection ended, if not because both sides were done with it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The peer connected and said nothing, or not enough.
    #[error("no HTTP/2 preface in time")]
    Silent,
    /// It was asked to close and still had streams at the deadline.
    #[error("streams still open at the end of the drain")]
    Undrained,
    /// The socket failed, or the peer took nothing of what was written.
    #[error("write: {0}")]
    Write(#[from] io::Error),
    /// The peer vanished, answered no ping, or broke the protocol.
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// Serves an accepted io until the peer leaves or, after `closing`, until its
/// streams have ended, but no longer than [`Limits::drain_timeout`].
///
/// `closing` sends GOAWAY, during the handshake as well. When this returns
/// the streams' tasks have been told to end; they drop `alive` when they have.
pub(super) async fn serve<Io, S, B>(
    (io, address): (Io, String),
    service: S,
    limits: Limits,
    alive: Alive,
    closing: impl Future<Output = ()>,
) where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    tracing::debug!(peer = address, "connection open");
    let peer = Arc::new(Peer::new(limits.keepalive_timeout));
    let stall = limits.keepalive_interval + limits.keepalive_timeout;
    let (io, writer) = gather(io, limits.gather_buffer, stall, Arc::clone(&peer));
    let streams = Streams::new(alive);
    let service = Announced {
        service: TowerToHyperService::new(service),
        streams: streams.clone(),
        broken: peer.broken(),
    };
    let ended = {
        let http = builder(streams, &limits).serve_connection(TokioIo::new(io), service);
        let mut http = pin!(http);
        let close = http2::Connection::graceful_shutdown;
        let io = (&writer, &*peer);
        let ended = run(http.as_mut(), close, io, limits.drain_timeout, closing).await;
        // Before the streams that are left end with `http`.
        peer.lose();
        ended
    };
    let drained = writer.drain(LINGER).await.map_err(Ended::Write);
    match ended.and(drained) {
        Ok(()) => tracing::debug!(peer = address, "connection closed"),
        Err(reason) => tracing::debug!(peer = address, %reason, "connection cut"),
    }
}

/// hyper's limits on resets stay as they are: 20 before accept, 1024 for
/// errors of the peer's.
fn builder(streams: Streams, limits: &Limits) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.connection_streams)
        .max_send_buf_size(limits.send_buffer)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_LIST)
        .keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout);
    builder
}

/// Drives `http` to its end; `close` is its graceful shutdown.
async fn run<H, Io>(
    mut http: Pin<&mut H>,
    close: impl FnOnce(Pin<&mut H>),
    (writer, peer): (&Writer<Io>, &Peer),
    drain_timeout: Duration,
    closing: impl Future<Output = ()>,
) -> Result<(), Ended>
where
    H: Future<Output = hyper::Result<()>>,
    Io: AsyncWrite + Unpin,
{
    tokio::select! {
        biased;
        ended = drive(http.as_mut(), writer) => return ended,
        () = silence(peer, HANDSHAKE) => return Err(Ended::Silent),
        () = closing => close(http.as_mut()),
    }
    tokio::select! {
        biased;
        ended = drive(http, writer) => ended,
        () = silence(peer, LATE_HANDSHAKE) => Err(Ended::Silent),
        () = sleep(drain_timeout) => Err(Ended::Undrained),
    }
}

/// Polls `http`, and each time writes out what it has written.
async fn drive<H, Io>(mut http: Pin<&mut H>, writer: &Writer<Io>) -> Result<(), Ended>
where
    H: Future<Output = hyper::Result<()>>,
    Io: AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        if let Poll::Ready(ended) = http.as_mut().poll(cx) {
            return Poll::Ready(ended.map_err(Ended::Http));
        }
        match writer.poll_write_out(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(Ended::Write(error))),
            // What woke us, hyper has heard; it waits for more.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Ready after `limit` if the preface has not come by then, else never.
async fn silence(peer: &Peer, limit: Duration) {
    sleep(limit).await;
    if peer.preface_read() {
        pending::<()>().await;
    }
}

/// What the streams of a connection share, and its executor.
#[derive(Clone, Debug)]
struct Streams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The call that has been made and not been executed yet, with the task
    /// that made it: hyper does both in one go, in the connection's task.
    called: Mutex<Option<(Option<task::Id>, TaskHandle)>>,
    _alive: Alive,
}

impl Streams {
    fn new(alive: Alive) -> Self {
        Self(Arc::new(Shared {
            called: Mutex::new(None),
            _alive: alive,
        }))
    }

    /// A handle for the stream that is executed next by this task.
    fn announce(&self) -> TaskHandle {
        let handle = TaskHandle::default();
        *self.called() = Some((task::try_id(), Arc::clone(&handle)));
        handle
    }

    /// The handle of the stream to be executed. None for what a stream's own
    /// task executes, which is the upgrade after a CONNECT.
    fn announced(&self) -> Option<TaskHandle> {
        let here = task::try_id();
        let called = self.called().take_if(|(caller, _)| *caller == here);
        called.map(|(_, handle)| handle)
    }

    fn called(&self) -> MutexGuard<'_, Option<(Option<task::Id>, TaskHandle)>> {
        self.0.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let handle = self.announced();
        let task = tokio::spawn(Stream {
            future,
            _streams: self.clone(),
        });
        if let Some(handle) = handle {
            // Ours is the only copy that is ever set.
            let _ = handle.set(task.abort_handle());
        }
    }
}

pin_project! {
    /// A stream's task. Dropped in the order of the fields.
    struct Stream<F> {
        #[pin]
        future: F,
        _streams: Streams,
    }
}

impl<F: Future> Future for Stream<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

/// The service, with a [`TaskHandle`] and a [`Broken`] put into each request.
struct Announced<S> {
    service: TowerToHyperService<S>,
    streams: Streams,
    broken: Broken,
}

impl<S> hyper::service::Service<Request<Incoming>> for Announced<S>
where
    S: Service<Request<Incoming>> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TowerToHyperServiceFuture<S, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let extensions = request.extensions_mut();
        extensions.insert(self.streams.announce());
        extensions.insert(Arc::clone(&self.broken));
        self.service.call(request)
    }
}

#[cfg(test)]
mod tests;
