//! What is read of a connection: first what was read of it before, then what
//! comes, and so much in a turn.
//!
//! HTTP reads for as long as there is something, and HTTP/2 keeps a place for each
//! frame until its stream has its turn, and never gives the places back. A
//! peer that opens thousands of streams at once is heard in turn with them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::peer::Peer;

/// The reading side of an io; writes pass through.
#[derive(Debug)]
pub(super) struct Hearing<Io> {
    io: Io,
    /// What has been read of it already.
    early: Bytes,
    peer: Arc<Peer>,
}

impl<Io> Hearing<Io> {
    /// Reads `early` before anything else.
    pub(super) fn new((early, io): (Bytes, Io), peer: &Arc<Peer>) -> Self {
        Self {
            io,
            early,
            peer: Arc::clone(peer),
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Hearing<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let len = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early.split_to(len));
            return Poll::Ready(Ok(()));
        }
        if self.peer.had_turn() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        let came = buf.filled().len() - before;
        if came > 0 {
            self.peer.hear(came);
        } else if result.is_err() || buf.remaining() > 0 {
            self.peer.hang_up();
        }
        Poll::Ready(result)
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
