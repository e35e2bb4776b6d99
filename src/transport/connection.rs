//! One connection's life: preface, streams, GOAWAY, last bytes. HTTP/1.1 is
//! left to `http1`.
//!
//! One task drives HTTP/2 and all its streams, and writes once for all that
//! they said. However a connection ends, it is [`Broken`](super::Broken) for
//! the streams that are left; what has been gathered still has [`LINGER`].

use std::convert::Infallible;
use std::fmt::Display;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Ping, PingPong, RecvStream};
use http::{Request, Response};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::unconstrained;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use super::answer::{Answer, call};
use super::gather::{Gather, Writer, gather};
use super::hearing::Hearing;
use super::http1;
use super::incoming::Incoming;
use super::limits::{
    CONNECTION_WINDOW, EARLY_RESETS, ERROR_RESETS, FRAME_BUDGET, HEADER_LIST, Limits, STREAM_WINDOW,
};
use super::peer::Peer;
use super::preface::{self, PREFACE, Spoken};
use super::streams::{Cut, Streams};
use super::turns::Told;

/// How long a peer may take to say what it speaks.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// The same once the connection is to be closed: a round trip or two, so that
/// whoever is just connecting is told, and a probe that says nothing does not
/// hold up a shutdown.
pub(super) const LATE_HANDSHAKE: Duration = Duration::from_secs(1);

/// How long the last bytes of a connection may take: GOAWAY and trailers are
/// among them, at most a gather buffer in all.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Why a connection ended, if not because both sides were done with it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The peer connected and said nothing, or not enough.
    #[error("nothing said in time, or not enough")]
    Silent,
    /// The peer answers no ping.
    #[error("nothing heard, and no answer to a ping")]
    Vanished,
    /// It was asked to close and still had streams at the deadline.
    #[error("streams still open at the end of the drain")]
    Undrained,
    /// Its only stream was cut off, since it took nothing.
    #[error("its stream was cut off")]
    Cut,
    /// The socket failed, the peer took nothing of what was written, or it
    /// speaks something else.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The peer left amid its streams, or broke the protocol.
    #[error(transparent)]
    Http(#[from] h2::Error),
    /// The same in HTTP/1.1.
    #[error(transparent)]
    Http1(#[from] hyper::Error),
}

/// Serves an accepted io until the peer leaves or, after `closing`, until its
/// streams have ended, but no longer than [`Limits::drain_timeout`].
///
/// `closing` sends GOAWAY, during the handshake as well. When this returns,
/// every call and body of the connection has been dropped.
pub(super) async fn serve<Io, S, B>(
    (io, address): (Io, String),
    service: S,
    limits: Limits,
    closing: impl Future<Output = ()>,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Display,
{
    tracing::debug!(peer = address, "connection open");
    match run(io, service, limits, closing).await {
        Ok(()) => tracing::debug!(peer = address, "connection closed"),
        Err(reason) => tracing::debug!(peer = address, %reason, "connection cut"),
    }
}

async fn run<Io, S, B>(
    mut io: Io,
    service: S,
    limits: Limits,
    closing: impl Future<Output = ()>,
) -> Result<(), Ended>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Display,
{
    let mut closing = pin!(closing);
    let (spoken, late) = meet(&mut io, closing.as_mut()).await?;
    let closing = async {
        if !late {
            closing.await;
        }
    };
    if let Spoken::Http1(early) = spoken {
        return http1::serve((early, io), service, &limits, closing).await;
    }
    let peer = Arc::new(Peer::new());
    let broken = peer.broken();
    let (io, writer) = gather(
        Hearing::new((Bytes::from_static(PREFACE), io), &peer),
        &limits,
        &peer,
    );
    // All that it waits for is there.
    let connection = builder(&limits).handshake(io).await?;
    let mut http = Http {
        connection,
        streams: Streams::new(),
        begin: move |request: Request<RecvStream>, respond, cut, told| {
            let mut request = request.map(Incoming::new);
            request.extensions_mut().insert::<Cut>(cut);
            request.extensions_mut().insert(Arc::clone(&broken));
            Answer::new(call(service.clone(), request), respond, told)
        },
    };
    // Before the streams that are left end with `http`, even by a panic.
    let lost = Lost(&peer);
    let ended = http.serve(&writer, &peer, &limits, closing).await;
    // Read in one breath with the end.
    http.streams.remove(Answer::is_cancelled);
    drop((lost, http));
    let drained = writer.drain(LINGER).await.map_err(Ended::Io);
    ended.and(drained)
}

/// Says so when dropped.
pub(super) struct Lost<'a>(pub(super) &'a Peer);

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        self.0.lose();
    }
}

/// Waits until it is clear what the peer speaks, less long once the connection
/// is to be closed; says whether it is.
async fn meet(
    io: &mut (impl AsyncRead + Unpin),
    closing: Pin<&mut impl Future<Output = ()>>,
) -> Result<(Spoken, bool), Ended> {
    let mut read = pin!(preface::read(io));
    tokio::select! {
        biased;
        read = &mut read => return Ok((read?, false)),
        () = sleep(HANDSHAKE) => return Err(Ended::Silent),
        () = closing => {}
    }
    match timeout(LATE_HANDSHAKE, read).await {
        Ok(read) => Ok((read?, true)),
        Err(_) => Err(Ended::Silent),
    }
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(limits.connection_streams)
        .max_send_buffer_size(limits.send_buffer)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .data_frame_budget(FRAME_BUDGET)
        .max_header_list_size(HEADER_LIST)
        .max_pending_accept_reset_streams(EARLY_RESETS)
        .max_local_error_reset_streams(Some(ERROR_RESETS));
    builder
}

/// HTTP/2 and the streams in it; `begin` makes a stream of a request, of the
/// place for its answer, of what cuts it off, and of what HTTP/2 wakes it by.
struct Http<Io, F, Begin> {
    connection: Connection<Gather<Io>, Bytes>,
    streams: Streams<F>,
    begin: Begin,
}

impl<Io, F, Begin> Http<Io, F, Begin>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = ()> + Unpin,
    Begin: FnMut(Request<RecvStream>, SendResponse<Bytes>, Cut, Told) -> F,
{
    /// Until the peer has left, or `closing` and the drain after it have passed.
    async fn serve(
        &mut self,
        writer: &Writer<Io>,
        peer: &Peer,
        limits: &Limits,
        closing: impl Future<Output = ()>,
    ) -> Result<(), Ended> {
        let pings = self.connection.ping_pong();
        // What ends a connection has its turn however much the peer says.
        let mut vanished = pin!(unconstrained(vanished(pings, peer, limits)));
        tokio::select! {
            biased;
            ended = self.drive(writer, peer) => return ended,
            () = &mut vanished => return Err(Ended::Vanished),
            () = unconstrained(closing) => self.close(),
        }
        tokio::select! {
            biased;
            ended = self.drive(writer, peer) => ended,
            () = vanished => Err(Ended::Vanished),
            () = unconstrained(sleep(limits.drain_timeout)) => Err(Ended::Undrained),
        }
    }

    /// Says GOAWAY; streams that are open may end by themselves.
    fn close(&mut self) {
        self.connection.graceful_shutdown();
        self.streams.wake_http();
    }

    /// Polls what was woken, and each time writes out what came of it.
    async fn drive(&mut self, writer: &Writer<Io>, peer: &Peer) -> Result<(), Ended> {
        poll_fn(|cx| {
            let Self {
                connection,
                streams,
                begin,
            } = self;
            let ended = streams.poll(cx, |streams, cx| {
                peer.begin_turn();
                loop {
                    let (request, respond) = match ready!(connection.poll_accept(cx)) {
                        Some(Ok(accepted)) => accepted,
                        Some(Err(error)) => return Poll::Ready(Err(Ended::Http(error))),
                        None => return Poll::Ready(Ok(())),
                    };
                    streams.open(|cut, told| begin(request, respond, cut, told));
                }
            });
            if ended.is_ready() {
                return ended;
            }
            let mut writing = unconstrained(poll_fn(|cx| writer.poll_write_out(cx)));
            match Pin::new(&mut writing).poll(cx) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(Ended::Io(error))),
                // What woke us, HTTP/2 has heard; it waits for more.
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// Pings a peer that is silent; returns when it stays so.
async fn vanished(mut pings: Option<PingPong>, peer: &Peer, limits: &Limits) {
    let (interval, patience) = (limits.keepalive_interval, limits.keepalive_timeout);
    while let Some(pings) = &mut pings {
        sleep(interval.saturating_sub(peer.silence())).await;
        if peer.silence() < interval {
            continue;
        }
        // Fails if one is on its way still, which will do.
        let _ = pings.send_ping(Ping::opaque());
        let answered = timeout(patience, poll_fn(|cx| pings.poll_pong(cx))).await;
        if answered.is_err() && peer.silence() >= patience {
            return;
        }
    }
    pending::<()>().await;
}

#[cfg(test)]
mod tests;
