//! Errors as google.rpc.Status in JSON, with the HTTP status of their code.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use prost::Message;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::Answer;
use crate::model::{Error, Invalid};
use crate::{json, rpc};

/// What a request gets that is not served.
#[derive(Debug)]
pub(super) struct Problem {
    http: StatusCode,
    status: Box<Status>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of(rpc::status(&error))
    }
}

impl From<json::Wrong> for Problem {
    fn from(wrong: json::Wrong) -> Self {
        rpc::invalid(&wrong.path, wrong.flaw).into()
    }
}

impl Problem {
    /// What `status` is over HTTP.
    pub(super) fn of(status: Status) -> Self {
        Self {
            http: http(status.code()),
            status: Box::new(status),
            header: None,
        }
    }

    /// One that HTTP itself has a status for.
    fn plain(http: StatusCode, field: &str, flaw: String) -> Self {
        let error = Error::invalid(Invalid::Request, field, flaw);
        Self {
            http,
            ..error.into()
        }
    }

    fn with(self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).ok();
        Self {
            header: value.map(|value| (name, value)),
            ..self
        }
    }

    /// The same with a code of its own.
    fn coded(self, code: Code) -> Self {
        let details = Bytes::copy_from_slice(self.status.details());
        let status = Status::with_details(code, self.status.message(), details);
        Self {
            status: Box::new(status),
            ..self
        }
    }

    /// There is nothing under this path.
    pub(super) fn not_found(path: &str) -> Self {
        let flaw = format!("is {path:?}, where nothing is; /openapi.json has all there is");
        Self::plain(StatusCode::NOT_FOUND, "path", flaw).coded(Code::NotFound)
    }

    /// A page asks whose origin may not.
    pub(super) fn foreign() -> Self {
        let flaw = "is that of a page that may not call: the setting cors_origins lists who may";
        let problem = Self::plain(StatusCode::FORBIDDEN, "origin", flaw.to_owned());
        problem.coded(Code::PermissionDenied)
    }

    /// What is under the path does not take this method.
    pub(super) fn method(method: &http::Method, allowed: &str) -> Self {
        let flaw = format!("is {method}; this path takes {allowed}");
        Self::plain(StatusCode::METHOD_NOT_ALLOWED, "method", flaw).with(ALLOW, allowed)
    }

    /// The body is not of the type that it must be.
    pub(super) fn media_type(found: &str, expected: &str) -> Self {
        let flaw = format!("is {found:?}; send the header content-type: {expected}");
        let is_patch = expected == super::routes::MERGE_PATCH;
        let accept = if is_patch {
            "accept-patch"
        } else {
            "accept-post"
        };
        let accept = HeaderName::from_static(accept);
        Self::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", flaw).with(accept, expected)
    }

    /// The body is larger than any request may be.
    pub(super) fn too_large(limit: usize) -> Self {
        let flaw = format!("has a body over the limit of {limit} bytes");
        Self::plain(StatusCode::PAYLOAD_TOO_LARGE, "", flaw)
    }

    /// The body did not come.
    pub(super) fn late(patience: Duration) -> Self {
        let flaw = format!("did not come whole within {} s", patience.as_secs());
        Self::plain(StatusCode::REQUEST_TIMEOUT, "", flaw)
    }

    /// Native gRPC in a version of HTTP that it has no place in.
    pub(super) fn needs_http2() -> Self {
        let flaw = "is HTTP/1.1: gRPC needs HTTP/2, without negotiation on this port; \
                    try grpcurl -plaintext, or application/grpc-web";
        Self::plain(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "version",
            flaw.to_owned(),
        )
    }

    pub(super) fn into_response(self) -> Response<Answer> {
        let status = tonic_types::Status::decode(self.status.details()).unwrap_or_default();
        let status = tonic_types::Status {
            code: self.status.code().into(),
            message: self.status.message().to_owned(),
            ..status
        };
        let descriptor = json::message("google.rpc.Status").expect("its descriptors are in");
        let text = json::write(&descriptor, &status.encode_to_vec());
        let mut response = self::json(text);
        *response.status_mut() = self.http;
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        let delay = self.status.get_details_retry_info();
        if let Some(delay) = delay.and_then(|info| info.retry_delay) {
            // Whole seconds are all that this header can say.
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// An answer in JSON.
pub(super) fn json(text: Vec<u8>) -> Response<Answer> {
    let mut response = Response::new(Answer::from(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Source: `google/rpc/code.proto`, "HTTP Mapping".
fn http(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        // "Client Closed Request", which has no name of its own.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
    }
}
