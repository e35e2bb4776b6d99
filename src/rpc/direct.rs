//! Streams handed to the transport as they are, past all that routed their
//! requests: each layer of boxes on the way costs every delivery a look.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tonic::codegen::http::{Extensions, Request, Response};
use tower_service::Service;

use super::service::Handover;
use super::stream::Stream;

/// Services, among them [`RealtimeService`](super::RealtimeService), whose
/// streams are not boxed on their way out.
#[derive(Clone, Debug)]
pub struct Direct<S>(S);

/// Says to the service that [`Direct`] takes its stream.
#[derive(Clone, Copy, Debug)]
struct Taken;

/// Whether [`Direct`] takes the stream that comes of a request with these
/// `extensions`.
pub(super) fn is_direct(extensions: &Extensions) -> bool {
    extensions.get::<Taken>().is_some()
}

impl<S> Direct<S> {
    /// Around all that routes requests.
    pub fn new(services: S) -> Self {
        Self(services)
    }
}

impl<S, B> Service<Request<B>> for Direct<S>
where
    S: Service<Request<B>, Response = Response<tonic::body::Body>, Error = Infallible>,
{
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Answering<S::Future> {
        request.extensions_mut().insert(Taken);
        Answering(Box::pin(self.0.call(request)))
    }
}

/// A call being answered.
#[derive(Debug)]
pub struct Answering<F>(Pin<Box<F>>);

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response<tonic::body::Body>, Infallible>>,
{
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut response) = ready!(self.0.as_mut().poll(cx));
        let stream = Handover::take_from(&mut response);
        Poll::Ready(Ok(response.map(|body| match stream {
            Some(stream) => Answer(Content::Stream(Box::new(stream))),
            None => body.into(),
        })))
    }
}

/// The body of an answer.
#[derive(Debug)]
pub struct Answer(Content);

#[derive(Debug)]
enum Content {
    /// Of a `Subscribe` or a `Session`.
    Stream(Box<Stream>),
    Other(tonic::body::Body),
}

impl Answer {
    /// Says that a part of what came was taken, as
    /// [`Subscription::hand_over`](crate::hub::Subscription::hand_over) does.
    pub fn hand_over(&self) {
        if let Content::Stream(stream) = &self.0 {
            stream.hand_over();
        }
    }
}

impl From<tonic::body::Body> for Answer {
    fn from(body: tonic::body::Body) -> Self {
        Self(Content::Other(body))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        match &mut self.0 {
            Content::Stream(stream) => stream.poll(cx).map(|frame| frame.map(Ok)),
            Content::Other(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Stream(stream) => stream.is_end_stream(),
            Content::Other(body) => body.is_end_stream(),
        }
    }
}
