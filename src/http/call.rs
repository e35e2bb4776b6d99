//! A call of the gRPC services, from within.

use std::future::poll_fn;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use tonic::{Code, Status};

use super::problem::Problem;
use super::{Body, Grpc};
use crate::{json, rpc};

/// Bytes before each message: whether it is compressed, and its length.
pub(super) const PREFIX: usize = 5;

/// Calls `method` with an encoded message; the `extensions` are those of the
/// request that asked for it, with its handles in them.
///
/// # Errors
///
/// What the services refuse at once.
pub(super) async fn open<S: Grpc<Body>>(
    services: &mut S,
    method: &str,
    message: &[u8],
    extensions: Extensions,
) -> Result<Response<rpc::Answer>, Problem> {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    // No request is as large as this could count.
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    let mut request = Request::new(Body::new(Full::new(framed.freeze())));
    *request.uri_mut() = path(method);
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.extensions_mut() = extensions;
    let grpc = HeaderValue::from_static("application/grpc");
    request.headers_mut().insert(CONTENT_TYPE, grpc);
    let Ok(()) = poll_fn(|cx| services.poll_ready(cx)).await;
    let Ok(response) = services.call(request).await;
    refused(response.headers())?;
    Ok(response)
}

/// Calls `method`, and returns the message that it answers.
pub(super) async fn unary<S: Grpc<Body>>(
    services: &mut S,
    method: &str,
    message: &[u8],
    extensions: Extensions,
) -> Result<Bytes, Problem> {
    let response = open(services, method, message, extensions).await?;
    let body = response.into_body().collect().await.map_err(Problem::of)?;
    if let Some(trailers) = body.trailers() {
        refused(trailers)?;
    }
    let mut message = body.to_bytes();
    Ok(message.split_off(PREFIX.min(message.len())))
}

fn path(method: &str) -> http::Uri {
    let service = json::service();
    let path = format!("/{}/{method}", service.full_name());
    path.parse().unwrap_or_default()
}

fn refused(headers: &http::HeaderMap) -> Result<(), Problem> {
    match Status::from_header_map(headers) {
        Some(status) if status.code() != Code::Ok => Err(Problem::of(status)),
        Some(_) | None => Ok(()),
    }
}
