//! The body of an answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tonic::Status;

use super::sse::Events;
use crate::rpc;

/// The body of an answer, of gRPC or not.
#[derive(Debug)]
pub struct Answer(Content);

#[derive(Debug)]
enum Content {
    Native(rpc::Answer),
    Whole(Box<Full<Bytes>>),
    Events(Box<Events>),
    Web(tonic::body::Body),
}

/// Nothing.
impl Default for Answer {
    fn default() -> Self {
        Bytes::new().into()
    }
}

impl From<rpc::Answer> for Answer {
    fn from(body: rpc::Answer) -> Self {
        Self(Content::Native(body))
    }
}

impl From<Bytes> for Answer {
    fn from(body: Bytes) -> Self {
        Self(Content::Whole(Box::new(Full::new(body))))
    }
}

impl From<tonic::body::Body> for Answer {
    fn from(body: tonic::body::Body) -> Self {
        Self(Content::Web(body))
    }
}

impl From<Events> for Answer {
    fn from(body: Events) -> Self {
        Self(Content::Events(Box::new(body)))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match &mut self.0 {
            Content::Native(body) => Pin::new(body).poll_frame(cx),
            Content::Whole(body) => {
                let frame = Pin::new(body).poll_frame(cx);
                frame.map_err(|never| match never {})
            }
            Content::Events(body) => body.poll(cx),
            Content::Web(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Native(body) => body.is_end_stream(),
            Content::Whole(body) => body.is_end_stream(),
            Content::Events(_) => false,
            Content::Web(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(body) => body.size_hint(),
            Content::Native(_) | Content::Events(_) | Content::Web(_) => SizeHint::default(),
        }
    }
}
