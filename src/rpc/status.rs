//! Our errors as gRPC statuses: the only place that knows the codes.
//!
//! Every status of ours but that of a passed deadline carries an `ErrorInfo` of
//! the domain `fanfare.v1`, and what else its kind has: where the request is
//! wrong, when to come back. All details of one stay under 4 KiB, since some
//! clients take 8 KiB of headers.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message;
use tonic::codegen::StdError;
use tonic::codegen::http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::wire;
use crate::model::{Error, Invalid};

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "fanfare.v1";

/// Bytes of a text in details; what quotes a request may be long.
const MAX_TEXT: usize = 512;

/// Gives `error` a gRPC code, a reason and details.
pub fn status(error: &Error) -> Status {
    status_after(error, retry_after(error))
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        status(&error)
    }
}

/// As [`status`], for a result among others.
pub(super) fn error_status(error: &Error) -> wire::ErrorStatus {
    let status = status(error);
    let details = tonic_types::Status::decode(status.details()).unwrap_or_default();
    wire::ErrorStatus {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: details.details,
    }
}

/// As [`status`], with the time after which to come back already chosen.
pub(super) fn status_after(error: &Error, retry_after: Option<Duration>) -> Status {
    let message = shorten(&error.to_string());
    let mut details = ErrorDetails::new();
    if let Some(reason) = reason(error) {
        details.set_error_info(reason, DOMAIN, metadata(error));
    }
    if let Some(delay) = retry_after {
        details.set_retry_info(Some(delay));
    }
    match error {
        Error::Invalid { field, flaw, .. } => {
            details.add_bad_request_violation(shorten(field), shorten(&flaw.to_string()));
        }
        Error::PayloadTooLarge { field, size, limit } => {
            let flaw = format!("is {size} bytes as encoded, the limit is {limit}");
            details.add_bad_request_violation(shorten(field), flaw);
        }
        Error::NotBuilt { what } => {
            // What of a field is not built, follows its path.
            let field = what.split(": ").next().unwrap_or_default();
            details.add_bad_request_violation(shorten(field), message.clone());
        }
        Error::RequestIdReused => {
            details.set_resource_info("request_id", "", "", message.clone());
        }
        Error::MemberNotFound { id } => {
            details.set_resource_info("member", shorten(id.as_str()), "", message.clone());
        }
        Error::LimitReached { what, .. } => {
            details.add_quota_failure_violation(what.to_string(), message.clone());
        }
        Error::MemberTokenInvalid { .. }
        | Error::Overloaded
        | Error::Draining
        | Error::MaxAge
        | Error::SlowConsumer
        | Error::Replaced
        | Error::Deadline => {}
    }
    Status::with_error_details(code(error), message, details)
}

/// When to come back: soon, and not all at once.
pub(super) fn retry_after(error: &Error) -> Option<Duration> {
    let millis = match error {
        Error::Overloaded | Error::Draining | Error::MaxAge => 100..2_000,
        Error::LimitReached { .. } => 1_000..5_000,
        Error::Invalid { .. }
        | Error::PayloadTooLarge { .. }
        | Error::RequestIdReused
        | Error::MemberNotFound { .. }
        | Error::MemberTokenInvalid { .. }
        | Error::SlowConsumer
        | Error::Replaced
        | Error::Deadline
        | Error::NotBuilt { .. } => return None,
    };
    Some(Duration::from_millis(fastrand::u64(millis)))
}

fn code(error: &Error) -> Code {
    match error {
        Error::Invalid { .. } | Error::PayloadTooLarge { .. } => Code::InvalidArgument,
        Error::RequestIdReused => Code::AlreadyExists,
        Error::MemberNotFound { .. } => Code::NotFound,
        Error::MemberTokenInvalid { .. } => Code::PermissionDenied,
        Error::LimitReached { .. } | Error::SlowConsumer => Code::ResourceExhausted,
        Error::Replaced => Code::Aborted,
        Error::Overloaded | Error::Draining | Error::MaxAge => Code::Unavailable,
        Error::Deadline => Code::DeadlineExceeded,
        Error::NotBuilt { .. } => Code::Unimplemented,
    }
}

/// The name in `ErrorReason`; none for a deadline, which is the client's own.
fn reason(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Invalid { subject, .. } => match subject {
            Invalid::Channel => "INVALID_CHANNEL",
            Invalid::Event => "INVALID_EVENT",
            Invalid::Payload => "INVALID_PAYLOAD",
            Invalid::Headers => "INVALID_HEADERS",
            Invalid::Profile => "INVALID_PROFILE",
            Invalid::Subscription => "INVALID_SUBSCRIPTION",
            Invalid::Position => "INVALID_POSITION",
            Invalid::PageSize => "INVALID_PAGE_SIZE",
            Invalid::PageToken => "INVALID_PAGE_TOKEN",
            Invalid::RequestId => "INVALID_REQUEST_ID",
            Invalid::Heartbeat => "INVALID_HEARTBEAT",
            Invalid::Request => "INVALID_REQUEST",
        },
        Error::PayloadTooLarge { .. } => "PAYLOAD_TOO_LARGE",
        Error::RequestIdReused => "REQUEST_ID_REUSED",
        Error::MemberNotFound { .. } => "MEMBER_NOT_FOUND",
        Error::MemberTokenInvalid { .. } => "MEMBER_TOKEN_INVALID",
        Error::LimitReached { .. } => "LIMIT_REACHED",
        Error::SlowConsumer => "SLOW_CONSUMER",
        Error::Replaced => "REPLACED",
        Error::Overloaded => "OVERLOADED",
        Error::Draining | Error::MaxAge => "DRAINING",
        Error::Deadline => return None,
        Error::NotBuilt { .. } => "NOT_BUILT",
    })
}

/// The numbers that the message quotes, for programs.
fn metadata(error: &Error) -> HashMap<String, String> {
    let pairs: &[(&str, String)] = match error {
        Error::PayloadTooLarge { size, limit, .. } => {
            &[("size", size.to_string()), ("limit", limit.to_string())]
        }
        Error::LimitReached { limit, .. } => &[("limit", limit.to_string())],
        _ => &[],
    };
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// What ended a request's body before its end; none if that was its sender.
pub(super) fn broken(error: StdError) -> Option<Status> {
    let status = Status::from_error(error);
    (status.code() != Code::Cancelled).then_some(status)
}

/// Explains a response that tonic itself refused, which has a code and a text
/// but no details: what it could not read is the request's fault.
pub(super) fn explain(headers: &mut HeaderMap) {
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    if status.code() == Code::Ok || !status.details().is_empty() {
        return;
    }
    let error = if status.code() == Code::Unimplemented {
        // It says nothing of a method that it does not find.
        let what = match status.message() {
            "" => "method: the one asked for",
            _ => "grpc-encoding: compression",
        };
        Error::NotBuilt { what: what.into() }
    } else {
        let flaw = status.message().trim_start_matches("Error, ").to_owned();
        Error::invalid(Invalid::Request, "", flaw)
    };
    for name in ["grpc-status", "grpc-message"] {
        headers.remove(name);
    }
    // Fails only for a text that is no header value, which a status escapes.
    let explained = self::status(&error).add_header(headers);
    debug_assert!(explained.is_ok(), "a status is always valid in headers");
}

fn shorten(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= MAX_TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
