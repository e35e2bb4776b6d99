//! The body of a request.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::HeaderMap;
use http_body::{Body, Frame};

/// What a peer sends with a request. Whoever takes a piece of it gives the
/// peer room for as much again.
#[derive(Debug)]
pub struct Incoming(Source);

#[derive(Debug)]
enum Source {
    Http2(Http2),
    Http1(Http1),
}

#[derive(Debug)]
struct Http2 {
    stream: RecvStream,
    /// Only the trailers can follow.
    read: bool,
}

#[derive(Debug)]
struct Http1 {
    body: hyper::body::Incoming,
    /// Set until the end has been read.
    unread: Arc<AtomicBool>,
}

/// An error of the protocol that the peer speaks: of `h2`, or of `hyper`.
type Broken = Box<dyn Error + Send + Sync>;

impl Incoming {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self(Source::Http2(Http2 {
            stream,
            read: false,
        }))
    }

    /// Tells by `unread` whether there is more of it.
    pub(super) fn http1(body: hyper::body::Incoming, unread: &Arc<AtomicBool>) -> Self {
        unread.store(!body.is_end_stream(), Ordering::Relaxed);
        Self(Source::Http1(Http1 {
            body,
            unread: Arc::clone(unread),
        }))
    }
}

impl Http2 {
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        Poll::Ready(match ready!(self.stream.poll_data(cx)) {
            Some(Ok(data)) => {
                let released = self.stream.flow_control().release_capacity(data.len());
                Some(released.map(|()| data))
            }
            other => other,
        })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, h2::Error>> {
        if !self.read {
            if let Some(data) = ready!(self.poll_data(cx)).transpose()? {
                return Poll::Ready(Ok(Some(Frame::data(data))));
            }
            self.read = true;
        }
        let trailers: Option<HeaderMap> = ready!(self.stream.poll_trailers(cx))?;
        Poll::Ready(Ok(trailers.map(Frame::trailers)))
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        Poll::Ready(match ready!(self.poll_next(cx)) {
            // A peer that has heard enough, or gives up, fails nothing.
            Err(error) if is_end(&error) => None,
            next => next.map_err(Broken::from).transpose(),
        })
    }
}

impl Http1 {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if next.is_none() || self.body.is_end_stream() {
            self.unread.store(false, Ordering::Relaxed);
        }
        Poll::Ready(next.map(|frame| frame.map_err(Broken::from)))
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.0 {
            Source::Http2(body) => body.poll_frame(cx),
            Source::Http1(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Http2(body) => body.stream.is_end_stream(),
            Source::Http1(body) => body.body.is_end_stream(),
        }
    }
}

fn is_end(error: &h2::Error) -> bool {
    matches!(error.reason(), Some(Reason::NO_ERROR | Reason::CANCEL))
}
