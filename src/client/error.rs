//! Why a call or a stream failed.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::rpc::client as proto;

/// The reasons of a node's errors: decide by these.
pub use crate::rpc::client::ErrorReason as Reason;

/// Whose reasons are those of a node.
const DOMAIN: &str = "fanfare.v1";

/// Why a call or a stream failed: the node's own words, or what became of the
/// connection to it.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: String,
    reason: Option<String>,
    violations: Vec<FieldViolation>,
    retry_after: Option<Duration>,
    is_cut: bool,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Its path, such as `subscriptions[2].channel`; empty: all of the request.
    pub field: String,
    /// What is wrong, with the limit.
    pub description: String,
}

impl Error {
    /// The gRPC code; of a broken connection `UNAVAILABLE`, whatever the
    /// transport calls it.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The gRPC code as its documentation spells it: `INVALID_ARGUMENT`.
    pub fn code_name(&self) -> &'static str {
        name(self.0.code)
    }

    /// The node's reason; none where the connection failed, or for a reason of
    /// a later version ([`reason_name`](Self::reason_name) has it).
    pub fn reason(&self) -> Option<Reason> {
        let name = self.0.reason.as_deref()?;
        Reason::from_str_name(&format!("ERROR_REASON_{name}"))
    }

    /// The node's reason by its name, as `INVALID_CHANNEL`.
    pub fn reason_name(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What went wrong, for people. Its wording may change.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that are wrong.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// After how long the node asks to be tried again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the connection broke, or never came about: the node did not say
    /// this, and what was asked of it may have happened.
    pub fn is_cut(&self) -> bool {
        self.0.is_cut
    }

    /// Whether a call that failed so is worth repeating as it is.
    pub(super) fn is_worth_a_repeat(&self) -> bool {
        self.0.is_cut || self.0.code == Code::Unavailable
    }

    /// Whether a stream that failed so would fail so again.
    pub(super) fn is_for_good(&self) -> bool {
        match self.0.code {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated
            // What cannot be decoded, which would come again.
            | Code::DataLoss => true,
            // The member is on a newer stream now, which a return would end.
            Code::Aborted => self.reason() == Some(Reason::Replaced),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Internal
            | Code::Unavailable => false,
        }
    }

    /// One of this side, not the node's.
    fn own(code: Code, message: String) -> Self {
        Self(Box::new(Inner {
            code,
            message,
            reason: None,
            violations: Vec::new(),
            retry_after: None,
            is_cut: false,
        }))
    }

    /// The connection is gone, or was never there.
    pub(super) fn cut(message: impl Into<String>) -> Self {
        let mut error = Self::own(Code::Unavailable, message.into());
        error.0.is_cut = true;
        error
    }

    /// There was no answer in time.
    pub(super) fn late(timeout: Duration, before: Option<Self>) -> Self {
        let mut message = format!("no answer within {timeout:?}");
        if let Some(before) = before {
            message = format!("{message}; before that, {before}");
        }
        let mut error = Self::own(Code::DeadlineExceeded, message);
        error.0.is_cut = true;
        error
    }

    /// An answer that is not what it should be.
    pub(super) fn unreadable(error: &impl fmt::Display) -> Self {
        Self::own(Code::DataLoss, format!("cannot read the answer: {error}"))
    }

    /// What a node would refuse with the same words, found before it is sent.
    pub(super) fn invalid(reason: Reason, field: &str, description: String) -> Self {
        let mut error = Self::own(Code::InvalidArgument, format!("{field}: {description}"));
        let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        error.0.reason = Some(name.to_owned());
        error.0.violations.push(FieldViolation {
            field: field.to_owned(),
            description,
        });
        error
    }

    /// The use of something that is over.
    pub(super) fn over(what: &str) -> Self {
        Self::own(Code::FailedPrecondition, format!("{what} is over"))
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let mut error = Self::own(status.code(), status.message().to_owned());
        error.0.describe(&details);
        // tonic's own, where it could not ask the node or lost it.
        if let Some(source) = status.source() {
            error.0.message = format!("{} ({})", status.message(), root_cause(source));
            error.0.code = Code::Unavailable;
            error.0.is_cut = true;
        }
        error
    }
}

impl From<tonic::transport::Error> for Error {
    fn from(error: tonic::transport::Error) -> Self {
        Self::cut(root_cause(&error))
    }
}

impl From<proto::ErrorStatus> for Error {
    fn from(error: proto::ErrorStatus) -> Self {
        let details = prost::Message::encode_to_vec(&error);
        let code = Code::from_i32(error.code);
        // The same bytes as the `google.rpc.Status` in a call's trailers.
        Status::with_details(code, error.message, details.into()).into()
    }
}

impl Inner {
    fn describe(&mut self, details: &ErrorDetails) {
        let info = details.error_info().filter(|info| info.domain == DOMAIN);
        self.reason = info.map(|info| info.reason.clone());
        self.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let request = details.bad_request();
        let violations = request.into_iter().flat_map(|bad| &bad.field_violations);
        self.violations = violations
            .map(|violation| FieldViolation {
                field: violation.field.clone(),
                description: violation.description.clone(),
            })
            .collect();
    }
}

/// `CODE (REASON): what is wrong`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code_name())?;
        if let Some(reason) = &self.0.reason {
            write!(f, " ({reason})")?;
        }
        write!(f, ": {}", self.0.message)
    }
}

impl std::error::Error for Error {}

/// The code as the gRPC documentation spells it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The deepest cause: where the system's own words are.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn a_status_is_taken_apart() {
        let mut details = ErrorDetails::with_error_info("LIMIT_REACHED", "fanfare.v1", []);
        details.set_retry_info(Some(Duration::from_millis(1500)));
        details.add_bad_request_violation("channel", "is empty");
        let status = Status::with_error_details(Code::ResourceExhausted, "full", details);
        let error = Error::from(status);
        assert_eq!(error.reason(), Some(Reason::LimitReached));
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1500)));
        assert_eq!(error.violations()[0].field, "channel");
        assert_eq!(error.violations()[0].description, "is empty");
        assert!(!error.is_cut());
        assert_eq!(
            error.to_string(),
            "RESOURCE_EXHAUSTED (LIMIT_REACHED): full"
        );
    }

    #[test]
    fn an_error_inside_an_answer_reads_as_that_of_a_call() {
        let details = ErrorDetails::with_error_info("REQUEST_ID_REUSED", "fanfare.v1", []);
        let status = Status::with_error_details(Code::AlreadyExists, "other content", details);
        let inside = proto::ErrorStatus {
            code: Code::AlreadyExists as i32,
            message: "other content".to_owned(),
            details: tonic_types::Status::decode(status.details())
                .unwrap()
                .details,
        };
        let error = Error::from(inside);
        assert_eq!(error.reason(), Some(Reason::RequestIdReused));
        assert_eq!(error.code(), Code::AlreadyExists);
    }

    #[test]
    fn a_reason_of_a_later_version_keeps_its_name() {
        let details = ErrorDetails::with_error_info("NEW_ONE", "fanfare.v1", []);
        let status = Status::with_error_details(Code::Internal, "x", details);
        let error = Error::from(status);
        assert_eq!(error.reason(), None);
        assert_eq!(error.reason_name(), Some("NEW_ONE"));
    }

    #[test]
    fn a_reason_of_somebody_else_is_none_of_a_node() {
        let details = ErrorDetails::with_error_info("DRAINING", "proxy.example", []);
        let status = Status::with_error_details(Code::Unavailable, "x", details);
        assert_eq!(Error::from(status).reason(), None);
    }

    #[test]
    fn details_that_are_no_details_are_passed_over() {
        let rubbish = bytes::Bytes::from_static(b"\xff\xff\xff");
        let error = Error::from(Status::with_details(Code::Internal, "odd", rubbish));
        assert_eq!(error.to_string(), "INTERNAL: odd");
    }

    #[test]
    fn an_end_that_would_come_again_is_for_good() {
        for code in [
            Code::InvalidArgument,
            Code::NotFound,
            Code::PermissionDenied,
            Code::Unimplemented,
            Code::Unauthenticated,
        ] {
            assert!(Error::own(code, String::new()).is_for_good(), "{code:?}");
        }
        for code in [
            Code::Unavailable,
            Code::Unknown,
            Code::ResourceExhausted,
            Code::DeadlineExceeded,
            Code::Cancelled,
            Code::Aborted,
        ] {
            assert!(!Error::own(code, String::new()).is_for_good(), "{code:?}");
        }
        let details = ErrorDetails::with_error_info("REPLACED", DOMAIN, []);
        let status = Status::with_error_details(Code::Aborted, "x", details);
        assert!(Error::from(status).is_for_good());
    }

    /// HTTP/2 has a reason that tonic calls `PERMISSION_DENIED`.
    #[test]
    fn what_the_transport_says_is_a_cut_whatever_its_code() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let error = Error::from(Status::from_error(broken.into()));
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.is_cut() && error.is_worth_a_repeat() && !error.is_for_good());
    }
}
