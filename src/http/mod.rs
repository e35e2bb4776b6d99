//! HTTP for who speaks no gRPC: JSON, server-sent events, gRPC-Web.
//!
//! [`Door`] stands before the gRPC services. Native gRPC goes through untouched,
//! told by its content type; everything else becomes calls of the same services,
//! so that whatever is checked, limited and promised there holds here, and the
//! checks are nobody's second ones.
//!
//! Knows the messages by their descriptors, through `json`, and no generated
//! type; of connections it knows the version of HTTP.

mod body;
mod call;
mod cors;
mod problem;

mod query;
mod routes;
mod upload;

mod events;
mod shared;
mod sse;

mod openapi;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response, Version};
use tonic::codegen::StdError;
use tower_layer::Layer;
use tower_service::Service;

pub use body::Answer;
pub use cors::check_origins;

use crate::rpc;
use cors::Origins;
use problem::Problem;
use shared::Shared;

/// Bodies of requests, whoever sends them.
type Body = tonic::body::Body;

/// What this door is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The origins whose pages may call: as [`check_origins`] lets them be.
    pub cors_origins: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cors_origins: cors::NONE.to_owned(),
        }
    }
}

/// Services of gRPC, and the door beside them.
#[derive(Clone, Debug)]
pub struct Door<S> {
    services: S,
    origins: Origins,
    node: Arc<Node>,
}

/// What the requests of a node share.
#[derive(Debug)]
struct Node {
    epoch: String,
    request_bytes: usize,
    shared: Shared,
}

impl<S> Door<S> {
    /// Before `services`, on the node of this epoch and these limits.
    pub fn new(services: S, settings: &Settings, limits: &rpc::Limits, epoch: &str) -> Self {
        Self {
            services,
            origins: Origins::of(&settings.cors_origins),
            node: Arc::new(Node {
                epoch: epoch.to_owned(),
                request_bytes: limits.request_bytes(),
                shared: Shared::default(),
            }),
        }
    }
}

/// What [`Door`] stands before.
pub trait Grpc<B>:
    Service<Request<B>, Response = Response<rpc::Answer>, Error = Infallible>
{
}

impl<B, S> Grpc<B> for S where
    S: Service<Request<B>, Response = Response<rpc::Answer>, Error = Infallible>
{
}

impl<S, B> Service<Request<B>> for Door<S>
where
    S: Grpc<B> + Grpc<Body> + Clone + Send + 'static,
    <S as Service<Request<B>>>::Future: Unpin,
    <S as Service<Request<Body>>>::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering<<S as Service<Request<B>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.services, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.version() == Version::HTTP_2 && is_native(request.headers()) {
            return Answering::Native(self.services.call(request));
        }
        if !self.origins.admits(&request) {
            let problem = Problem::foreign().into_response();
            return Answering::Other(Box::pin(std::future::ready(Ok(problem))));
        }
        let other = Other {
            services: self.services.clone(),
            node: Arc::clone(&self.node),
        };
        let request = request.map(Body::new);
        Answering::Other(match self.origins.layer() {
            None => other.answer(request),
            Some(cors) => Box::pin(cors.layer(other).call(request)),
        })
    }
}

/// Source: "PROTOCOL-HTTP2.md" of gRPC; its "-web" forms are another protocol.
fn is_native(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let rest = content_type.and_then(|value| value.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| rest.first() != Some(&b'-'))
}

fn is_web(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    content_type.is_some_and(|value| value.starts_with(b"application/grpc-web"))
}

type Boxed = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

/// A call being answered.
pub enum Answering<F> {
    /// By the services, as it came.
    Native(F),
    /// In any other way.
    Other(Boxed),
}

impl<F> std::fmt::Debug for Answering<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answering")
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response<rpc::Answer>, Infallible>> + Unpin,
{
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Native(call) => Pin::new(call)
                .poll(cx)
                .map(|Ok(response)| Ok(response.map(Answer::from))),
            Self::Other(call) => call.as_mut().poll(cx),
        }
    }
}

/// All that is not native gRPC, past what a page's origin allows.
#[derive(Clone, Debug)]
struct Other<S> {
    services: S,
    node: Arc<Node>,
}

impl<S> Other<S>
where
    S: Grpc<Body> + Clone + Send + 'static,
    S::Future: Send,
{
    fn answer(self, request: Request<Body>) -> Boxed {
        let Self { mut services, node } = self;
        Box::pin(async move {
            if is_web(request.headers()) {
                let mut web = tonic_web::GrpcWebLayer::new().layer(services);
                let Ok(response) = web.call(request).await;
                return Ok(response.map(Answer::from));
            }
            let answered = routes::answer(&mut services, &node, request).await;
            Ok(answered.unwrap_or_else(Problem::into_response))
        })
    }
}

impl<S> Service<Request<Body>> for Other<S>
where
    S: Grpc<Body> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Boxed;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Boxed {
        self.clone().answer(request)
    }
}

/// What every call gets on a connection too many, in its own way to be told.
pub fn refusal<B>(request: &Request<B>) -> Response<Answer> {
    if is_native(request.headers()) {
        return rpc::refusal().map(Answer::from);
    }
    Problem::from(crate::model::Error::Overloaded).into_response()
}
