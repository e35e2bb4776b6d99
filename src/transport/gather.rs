//! Writes of a connection, gathered into one per poll of it.
//!
//! h2 keeps one larger DATA frame in flight and writes it before it takes the
//! next, so that each costs a syscall. Here it writes into a bounded buffer
//! through [`Gather`], and whoever polls h2 writes that out once afterwards
//! through [`Writer`].
//!
//! Everything is copied once, in order, and never dropped: a full buffer is
//! `Pending`. A write error is kept and returned by every later call. A peer
//! that takes nothing for too long is an error too, for h2 would wait for it
//! even after its keepalive has given the peer up.
//!
//! Leaves closing to the [`Writer`]: for h2, flush and shutdown are done at
//! once, and [`Writer::drain`] makes them true.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::limits::Limits;
use super::peer::Peer;

/// Bytes of buffer that a quiet connection may keep, and the least it can be
/// bounded to. One that grew past this is given back when a whole gather has
/// fitted it again; a keepalive ping is one, so an idle connection holds a
/// large buffer no longer than the ping's interval.
const KEPT: usize = 2 << 10;

/// Splits `io` into h2's side and the side of who polls h2.
///
/// The buffer has 2 KiB at least. Only the task that polls both takes their lock.
pub(super) fn gather<Io>(io: Io, limits: &Limits, peer: &Arc<Peer>) -> (Gather<Io>, Writer<Io>) {
    let shared = Arc::new(Mutex::new(State {
        io,
        peer: Arc::clone(peer),
        buffer: Vec::new(),
        written: 0,
        limit: limits.gather_buffer.max(KEPT),
        full: None,
        unflushed: false,
        stall: limits.keepalive_interval + limits.keepalive_timeout,
        stalled: None,
        failure: None,
    }));
    (Gather(Arc::clone(&shared)), Writer(shared))
}

/// The io that h2 is given. Reads pass through.
#[derive(Debug)]
pub(super) struct Gather<Io>(Arc<Mutex<State<Io>>>);

/// Writes out what h2 has written; held by who polls h2.
#[derive(Debug)]
pub(super) struct Writer<Io>(Arc<Mutex<State<Io>>>);

#[derive(Debug)]
struct State<Io> {
    io: Io,
    /// Told when its bytes cannot be written.
    peer: Arc<Peer>,
    /// What h2 wrote; the peer has taken `..written` of it.
    buffer: Vec<u8>,
    written: usize,
    limit: usize,
    /// Who found the buffer full.
    full: Option<Waker>,
    /// The inner io has taken bytes since its last flush.
    unflushed: bool,
    /// How long the peer may take none of it.
    stall: Duration,
    /// Runs since the peer last took a byte, while there is more for it.
    stalled: Option<Pin<Box<Sleep>>>,
    failure: Option<io::Error>,
}

impl<Io: AsyncWrite + Unpin> Writer<Io> {
    /// Writes out and flushes all that is gathered. To be called after every
    /// poll of h2, whatever that returned.
    ///
    /// # Errors
    ///
    /// That of the inner io, or `TimedOut`. The connection is lost then: no
    /// byte after it is written.
    pub(super) fn poll_write_out(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_write_out(cx)
    }

    /// Ends the connection, once h2 has let go of it: writes out, flushes
    /// and shuts down, all of it within `limit`.
    ///
    /// # Errors
    ///
    /// As of [`poll_write_out`](Self::poll_write_out).
    pub(super) async fn drain(self, limit: Duration) -> io::Result<()> {
        let drained = async {
            poll_fn(|cx| self.poll_write_out(cx)).await?;
            poll_fn(|cx| Pin::new(&mut lock(&self.0).io).poll_shutdown(cx)).await
        };
        tokio::time::timeout(limit, drained).await?
    }
}

impl<Io> State<Io> {
    /// Bytes that the buffer still takes.
    fn room(&self) -> usize {
        self.limit - (self.buffer.len() - self.written)
    }

    /// Takes as much of `bytes` as there is room for, and says how much.
    fn append(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(self.room());
        self.buffer.drain(..self.written);
        self.written = 0;
        let needed = self.buffer.len() + len;
        if needed > self.buffer.capacity() {
            let capacity = needed.next_power_of_two().clamp(KEPT, self.limit);
            self.buffer.reserve_exact(capacity - self.buffer.len());
        }
        self.buffer.extend_from_slice(&bytes[..len]);
        len
    }

    /// Forgets what has been written, and gives back a buffer that was larger
    /// than it needed to be.
    fn release(&mut self) {
        if self.buffer.len() <= KEPT && self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
        self.buffer.clear();
        self.written = 0;
    }

    fn check(&self) -> io::Result<()> {
        self.failure
            .as_ref()
            .map_or(Ok(()), |error| Err(copy(error)))
    }

    /// Keeps `error` for every later call, and wakes whoever waits for room.
    fn fail(&mut self, error: io::Error) -> io::Error {
        self.peer.lose();
        self.buffer = Vec::new();
        self.written = 0;
        if let Some(waker) = self.full.take() {
            waker.wake();
        }
        let returned = copy(&error);
        self.failure = Some(error);
        returned
    }
}

impl<Io: AsyncWrite + Unpin> State<Io> {
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        let error = match self.poll_inner(cx) {
            Poll::Ready(Ok(())) => {
                self.stalled = None;
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Err(error)) => error,
            Poll::Pending => {
                ready!(self.poll_stall(cx));
                io::Error::new(io::ErrorKind::TimedOut, "peer takes no bytes")
            }
        };
        Poll::Ready(Err(self.fail(error)))
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.buffer.len() {
            let waiting = &self.buffer[self.written..];
            let len = ready!(Pin::new(&mut self.io).poll_write(cx, waiting))?;
            if len == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += len;
            self.unflushed = true;
            self.stalled = None;
            if let Some(waker) = self.full.take() {
                waker.wake();
            }
        }
        self.release();
        if self.unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when the peer has taken nothing for too long.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stall = self.stall;
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        timer.as_mut().poll(cx)
    }

    /// Appends; where there is no room, first tries to make some.
    fn poll_append(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        self.full = None;
        if self.room() == 0 {
            if let Poll::Ready(Err(error)) = self.poll_write_out(cx) {
                return Poll::Ready(Err(error));
            }
            if self.room() == 0 {
                self.full = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(slices.iter().map(|slice| self.append(slice)).sum()))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Gather<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut lock(&self.0).io).poll_read(cx, buf)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Gather<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        lock(&self.0).poll_append(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        lock(&self.0).poll_append(cx, bufs)
    }

    /// No: h2 then copies payloads below 1 KiB into its own buffer of 16 KiB,
    /// many frames to a write; with yes, below 256 B. A second copy of a few
    /// hundred bytes is cheaper than a write and a flush of its own.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(lock(&self.0).check())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(lock(&self.0).check())
    }
}

/// A panic elsewhere in the connection's task leaves the state whole.
fn lock<Io>(shared: &Mutex<State<Io>>) -> MutexGuard<'_, State<Io>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `io::Error` is not `Clone`.
fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests;
