//! A connection of HTTP/1.1: one request after the other, by hyper.
//!
//! What holds for HTTP/2 holds here, as far as there is such a thing: headers
//! and buffers are bounded, a connection that asks nothing ends, and so does
//! one whose peer takes nothing. A stream that is cut off ends its connection.
//! At a shutdown the answer under way says `connection: close`, and may end.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::coop::unconstrained;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use super::answer::call;
use super::connection::{Ended, LINGER, Lost};
use super::gather::{Writer, gather};
use super::hearing::Hearing;
use super::incoming::Incoming;
use super::limits::{HEADER_LIST, Limits};
use super::peer::{Broken, Peer};
use super::streams::Cut;

/// Headers of a request.
const HEADERS: usize = 100;

/// Serves `io` until the peer leaves, asks nothing for so long that one of
/// HTTP/2 would be taken for vanished, or, after `closing`, until what it asked
/// is answered, but no longer than [`Limits::drain_timeout`].
pub(super) async fn serve<Io, S, B>(
    (early, io): (Bytes, Io),
    service: S,
    limits: &Limits,
    closing: impl Future<Output = ()>,
) -> Result<(), Ended>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Display,
{
    let peer = Arc::new(Peer::new());
    let calls = Calls::of(&peer);
    let (io, writer) = gather(Hearing::new((early, io), &peer), limits, &peer);
    let begun = &calls;
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answering = call(service.clone(), begun.begin(request));
        async { Ok::<_, Infallible>(answering.await.map(Outgoing)) }
    });
    let mut http = builder(limits).serve_connection(TokioIo::new(io), answer);
    // Before the answer that is left ends with `http`, even by a panic.
    let lost = Lost(&peer);
    let ended = {
        let mut closing = pin!(unconstrained(closing));
        let mut cut = pin!(unconstrained(calls.is_cut()));
        let ended = tokio::select! {
            biased;
            ended = drive(&mut http, &writer, &peer) => Some(ended),
            () = &mut cut => Some(Err(Ended::Cut)),
            () = &mut closing => None,
        };
        if let Some(ended) = ended {
            ended
        } else {
            Pin::new(&mut http).graceful_shutdown();
            tokio::select! {
                biased;
                ended = drive(&mut http, &writer, &peer) => ended,
                () = &mut cut => Err(Ended::Cut),
                () = unconstrained(sleep(limits.drain_timeout)) => Err(Ended::Undrained),
            }
        }
    };
    drop(lost);
    let mut io = http.into_parts().io.into_inner();
    if let Err(Ended::Cut) = ended {
        return ended;
    }
    let drained = writer.drain(LINGER).await.map_err(Ended::Io);
    if calls.unread.load(Ordering::Relaxed) {
        hear_out(&mut io, &peer, LINGER).await;
    }
    ended.and(drained)
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.keepalive_interval + limits.keepalive_timeout)
        .max_headers(HEADERS)
        .max_header_size(HEADER_LIST as usize)
        .max_buf_size(limits.send_buffer.max(HEADER_LIST as usize));
    builder
}

/// Polls what was woken, and each time writes out what came of it.
async fn drive<Io, H>(http: &mut H, writer: &Writer<Io>, peer: &Peer) -> Result<(), Ended>
where
    Io: AsyncWrite + Unpin,
    H: Future<Output = hyper::Result<()>> + Unpin,
{
    poll_fn(|cx| {
        peer.begin_turn();
        if let Poll::Ready(ended) = Pin::new(&mut *http).poll(cx) {
            return Poll::Ready(ended.map_err(Ended::Http1));
        }
        let mut writing = unconstrained(poll_fn(|cx| writer.poll_write_out(cx)));
        match Pin::new(&mut writing).poll(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(Ended::Io(error))),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Bytes of a request that are read after it was answered.
const HEARD: u64 = 32 << 20;

/// Reads what the peer still says: closing with bytes unread would cost it the
/// answer.
async fn hear_out(io: &mut (impl AsyncRead + Unpin), peer: &Peer, limit: Duration) {
    let mut unheard = tokio::io::sink();
    let mut heard = io.take(HEARD);
    let mut copying = pin!(tokio::io::copy(&mut heard, &mut unheard));
    let hearing = poll_fn(|cx| {
        peer.begin_turn();
        copying.as_mut().poll(cx)
    });
    // Whether it ends, breaks or goes on is all the same now.
    drop(timeout(limit, hearing).await);
}

/// The requests of a connection, of which one is answered at a time.
struct Calls {
    broken: Broken,
    /// Whether the newest has more of a body than was read.
    unread: Arc<AtomicBool>,
    begun: AtomicUsize,
    cut: Arc<(AtomicUsize, Notify)>,
}

impl Calls {
    fn of(peer: &Arc<Peer>) -> Self {
        let broken = peer.broken();
        Self {
            broken: {
                // To hang up is the only way to cancel here, and looks the same.
                let peer = Arc::clone(peer);
                Arc::new(move || peer.has_hung_up() || broken())
            },
            unread: Arc::default(),
            begun: AtomicUsize::new(0),
            cut: Arc::default(),
        }
    }

    /// The request as the service knows it.
    fn begin(&self, request: Request<hyper::body::Incoming>) -> Request<Incoming> {
        let mut request = request.map(|body| Incoming::http1(body, &self.unread));
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let cut = Arc::clone(&self.cut);
        let cut: Cut = Arc::new(move || {
            cut.0.fetch_max(number, Ordering::Release);
            cut.1.notify_one();
        });
        let extensions = request.extensions_mut();
        extensions.insert(cut);
        extensions.insert(Arc::clone(&self.broken));
        request
    }

    /// Returns when the newest call is cut off; an earlier one has ended.
    async fn is_cut(&self) {
        loop {
            self.cut.1.notified().await;
            if self.cut.0.load(Ordering::Acquire) == self.begun.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// A body whose error hyper can pass on.
struct Outgoing<B>(B);

/// What failed in a body.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

impl<B> Body for Outgoing<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        let polled = Pin::new(&mut self.0).poll_frame(cx);
        polled.map(|frame| frame.map(|frame| frame.map_err(|error| Failed(error.to_string()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests;
