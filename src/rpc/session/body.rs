//! The body of a request on its way past tonic, which would copy and decode it
//! message by message.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tonic::codegen::{StdError, http};
use tonic::{Extensions, Status};

use crate::rpc::status::broken;

/// A request's body, whatever its server makes it of.
pub(super) type Body = Pin<Box<dyn Chunks>>;

/// What comes of a body.
pub(super) trait Chunks: Send {
    /// The next bytes; none at its end, and when its sender has cancelled it.
    fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Status>>>;
}

impl<B> Chunks for B
where
    B: http_body::Body + Send,
    B::Error: Into<StdError>,
{
    fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Status>>> {
        let frame = match ready!(self.poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(broken(error.into()).map(Err)),
            None => return Poll::Ready(None),
        };
        // Trailers are the end.
        let data = frame.into_data().ok();
        Poll::Ready(data.map(|mut data| Ok(data.copy_to_bytes(data.remaining()))))
    }
}

/// A body in the extensions of its request.
#[derive(Clone)]
pub(in crate::rpc) struct HandIn(Arc<Mutex<Option<Body>>>);

impl HandIn {
    /// The `request` with its body handed in, and none for tonic.
    pub(in crate::rpc) fn of<B>(request: http::Request<B>) -> http::Request<tonic::body::Body>
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<StdError>,
    {
        let (mut parts, body) = request.into_parts();
        let body: Body = Box::pin(body);
        parts
            .extensions
            .insert(Self(Arc::new(Mutex::new(Some(body)))));
        http::Request::from_parts(parts, tonic::body::Body::empty())
    }

    /// The body, for the first who asks.
    pub(super) fn take(extensions: &Extensions) -> Option<Body> {
        let Self(body) = extensions.get()?;
        body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
