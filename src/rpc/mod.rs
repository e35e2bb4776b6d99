//! gRPC: the service on the wire.
//!
//! [`RealtimeService`] is a tower service that any tonic server can host; it
//! speaks the proto for a [`Hub`]. Requests are checked once, in `convert`;
//! payloads stay the bytes they came as; a subscription's frames leave as they
//! stand in the log, past tonic's codec.
//!
//! Generated types stay in here, but for [`client`], which is for callers.

mod alarm;
pub mod client;
mod codec;
mod convert;
mod direct;
mod ending;
mod frame;
mod keys;
mod limits;
mod merge;
pub mod payload;
mod queries;
pub mod raw;
mod service;
mod session;
mod status;
mod stream;
mod subscribing;
mod wire;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};
use tonic::body::Body;
use tonic::codegen::{StdError, http};
use tonic::server::NamedService;
use tower_service::Service as TowerService;

pub use codec::invalid;
pub use direct::{Answer, Direct};
pub use frame::Frames;
pub use limits::Limits;
pub use status::status;

use crate::hub::Hub;
use crate::model::{Error, Invalid};
use service::{Handover, Service};
use session::HandIn;
use wire::realtime_service_server::{RealtimeServiceServer, SERVICE_NAME};

/// The file descriptors of the proto and all that it imports, with comments.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/fanfare.v1.bin"));

/// The method whose requests are read past tonic.
const SESSION: &str = "/fanfare.v1.RealtimeService/Session";

/// The service of the proto, as a tower service.
#[derive(Clone, Debug)]
pub struct RealtimeService {
    inner: RealtimeServiceServer<Service>,
}

impl RealtimeService {
    /// Serves `hub` within `limits`.
    pub fn new(hub: Hub, limits: Limits) -> Self {
        let largest = limits.request_bytes();
        Self {
            inner: RealtimeServiceServer::new(Service::new(hub, limits))
                .max_decoding_message_size(largest),
        }
    }
}

impl NamedService for RealtimeService {
    const NAME: &'static str = SERVICE_NAME;
}

impl<B> TowerService<http::Request<B>> for RealtimeService
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Answering {
        let is_direct = direct::is_direct(request.extensions());
        let call = if !is_grpc(request.headers()) {
            Box::pin(std::future::ready(Ok(unsupported())))
        } else if request.uri().path() == SESSION {
            self.inner.call(HandIn::of(request))
        } else {
            self.inner.call(request)
        };
        Answering {
            call,
            patience: None,
            is_direct,
        }
    }
}

/// Source: "PROTOCOL-HTTP2.md" of gRPC: what is not `application/grpc` gets 415.
fn is_grpc(headers: &http::HeaderMap) -> bool {
    let content_type = headers.get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn unsupported() -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

/// How long a request may take to come whole: what has come of it is held.
const PATIENCE: Duration = Duration::from_secs(30);

/// A call being answered; a subscription gets its own body at the end.
pub struct Answering {
    call: tonic::codegen::BoxFuture<http::Response<Body>, Infallible>,
    /// Made when the call has to wait, which it does for the request only.
    patience: Option<Pin<Box<Sleep>>>,
    /// [`Direct`] takes the stream.
    is_direct: bool,
}

impl std::fmt::Debug for Answering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answering")
    }
}

impl Future for Answering {
    type Output = Result<http::Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(Ok(mut response)) = self.call.as_mut().poll(cx) else {
            let patience = self
                .patience
                .get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
            return patience.as_mut().poll(cx).map(|()| Ok(late()));
        };
        status::explain(response.headers_mut());
        if !self.is_direct
            && let Some(stream) = Handover::take_from(&mut response)
        {
            *response.body_mut() = Body::new(stream);
        }
        Poll::Ready(Ok(response))
    }
}

/// What a call gets whose request does not come.
fn late() -> http::Response<Body> {
    let flaw = format!("did not come whole within {} s", PATIENCE.as_secs());
    status(&Error::invalid(Invalid::Request, "", flaw)).into_http()
}

/// What a call gets that no service takes.
pub fn unknown() -> http::Response<Body> {
    let what = "service: the one asked for".to_owned();
    status(&Error::NotBuilt { what }).into_http()
}

/// What every call gets on a connection too many.
pub fn refusal() -> http::Response<Answer> {
    status(&Error::Overloaded)
        .into_http::<Body>()
        .map(Answer::from)
}
