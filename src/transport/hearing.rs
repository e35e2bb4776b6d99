//! What is read of a connection: first what was read of it before, then what
//! comes, and so much in a turn.
//!
//! HTTP reads for as long as there is something, and HTTP/2 keeps a place for each
//! frame until its stream has its turn, and never gives the places back. A
//! peer that opens thousands of streams at once is heard in turn with them.
//!
//! HTTP/2 reads 8 KiB at a time. Of a peer that says more at a time, more is
//! read ahead, at most [`AHEAD`], and heard turn by turn. What holds it is there
//! only until all of it is heard, so that a quiet connection has none.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::peer::{Peer, TURN};

/// Bytes that are read ahead at a time: eight reads of HTTP/2.
const AHEAD: usize = 64 << 10;

/// The reading side of an io; writes pass through.
#[derive(Debug)]
pub(super) struct Hearing<Io> {
    io: Io,
    /// What has been read of it already.
    early: Bytes,
    /// Whether the last read brought so much that more is likely to come.
    much: bool,
    peer: Arc<Peer>,
}

impl<Io> Hearing<Io> {
    /// Reads `early` before anything else.
    pub(super) fn new((early, io): (Bytes, Io), peer: &Arc<Peer>) -> Self {
        Self {
            io,
            early,
            much: false,
            peer: Arc::clone(peer),
        }
    }

    /// Notes that a read brought so many bytes; none: nothing more will come.
    fn note(&self, came: usize) {
        if came > 0 {
            self.peer.lives();
        } else {
            self.peer.hang_up();
        }
    }
}

impl<Io: AsyncRead + Unpin> Hearing<Io> {
    fn read_straight(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        let came = buf.filled().len() - before;
        self.much = buf.remaining() == 0;
        if came > 0 || !self.much || read.is_err() {
            self.note(came);
        }
        self.peer.hear(came);
        Poll::Ready(read)
    }

    fn read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Of one that waits for more to come, little is expected again.
        self.much = false;
        let mut ahead = BytesMut::with_capacity(AHEAD);
        let read = ready!(pin!(self.io.read_buf(&mut ahead)).poll(cx));
        self.much = ahead.len() > TURN;
        self.note(ahead.len());
        self.early = ahead.freeze();
        Poll::Ready(read.map(drop))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Hearing<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.peer.had_turn() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.early.is_empty() {
            if !self.much {
                return self.read_straight(cx, buf);
            }
            ready!(self.read_ahead(cx))?;
        }
        let len = self.early.len().min(buf.remaining());
        buf.put_slice(&self.early.split_to(len));
        self.peer.hear(len);
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Hearing<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
