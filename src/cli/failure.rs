//! How a verb fails: what stderr gets to read, and the exit code.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use fanfare::client::{Error, FieldViolation};
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message as _;
use tonic::{Code, Status};

use super::fields;

/// Why a verb could not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Correct the command line or the configuration.
    Usage(String),
    /// Something else went wrong; the hint says what may help.
    Failed { text: String, hint: Option<String> },
    /// Nobody reads our output any more, as after `| head -1`. No error: the
    /// reader has what it wanted.
    PipeClosed,
}

impl Failure {
    /// A failure with nothing to advise.
    pub(crate) fn failed(text: String) -> Self {
        Self::Failed { text, hint: None }
    }

    /// The failure that an `ErrorStatus` in an answer tells of.
    pub(crate) fn told_by(error: &DynamicMessage) -> Self {
        let code = Code::from_i32(fields::integer(error, "code"));
        // The same bytes as the `google.rpc.Status` in a call's trailers.
        let details = error.encode_to_vec();
        let message = fields::text(error, "message");
        Self::from(Status::with_details(code, message, details.into()))
    }

    /// What went wrong and what may help, on one line.
    pub(crate) fn remark(&self) -> String {
        match self {
            Self::Failed {
                text,
                hint: Some(hint),
            } => format!("{text}; {hint}"),
            other => other.reason().to_owned(),
        }
    }

    /// What went wrong, without what may help.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Usage(text) | Self::Failed { text, .. } => text,
            Self::PipeClosed => "nobody reads the output",
        }
    }

    /// Writes the failure to stderr and gives its exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // With stderr closed there is nobody left to tell.
        let _ = io::stderr().write_all(self.text().as_bytes());
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed { .. } => ExitCode::FAILURE,
            Self::PipeClosed => ExitCode::SUCCESS,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Usage(text) | Self::Failed { text, hint: None } => format!("error: {text}\n"),
            Self::Failed {
                text,
                hint: Some(hint),
            } => format!("error: {text}\nhint: {hint}\n"),
            Self::PipeClosed => String::new(),
        }
    }
}

/// Prints what clap has to say, which may be the help that was asked for.
pub(crate) fn explain(answer: &clap::Error) -> ExitCode {
    let _ = answer.print();
    match answer.exit_code() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Error::from(status).into()
    }
}

impl From<Error> for Failure {
    /// `CODE (REASON): field: what is wrong`, and when to try again.
    fn from(error: Error) -> Self {
        let mut text = error.code_name().to_owned();
        if let Some(reason) = error.reason_name() {
            let _ = write!(text, " ({reason})");
        }
        let _ = write!(text, ": {}", reason(&error));
        let hint = hint(&error);
        Self::Failed { text, hint }
    }
}

/// When to try again, or that it is not the node that says so.
fn hint(error: &Error) -> Option<String> {
    if let Some(delay) = error.retry_after() {
        let delay = humantime::format_duration(delay);
        return Some(format!("try again in {delay}"));
    }
    let hint = match error.code() {
        Code::Unavailable if error.is_cut() => {
            "the stream or its connection was cut, by a node that went or for taking nothing too long: try again"
        }
        Code::DeadlineExceeded if error.is_cut() => {
            "the node may have done it all the same; --timeout waits longer"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn reason(error: &Error) -> String {
    let violations = error.violations();
    if violations.is_empty() {
        return error.message().to_owned();
    }
    violations.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// The field and what is wrong with it; a text that begins with its field has
/// it already, as `GetHistory is not built yet`.
fn line(violation: &FieldViolation) -> String {
    let FieldViolation { field, description } = violation;
    if field.is_empty() || description.starts_with(field) {
        description.clone()
    } else {
        format!("{field}: {description}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::super::json;
    use super::*;

    #[test]
    fn a_bad_request_names_code_reason_and_field() {
        let mut details = ErrorDetails::with_error_info("INVALID_CHANNEL", "fanfare.v1", []);
        details.add_bad_request_violation("channel", "is empty");
        let status = Status::with_error_details(tonic::Code::InvalidArgument, "bad", details);
        assert_eq!(
            Failure::from(status).text(),
            "error: INVALID_ARGUMENT (INVALID_CHANNEL): channel: is empty\n"
        );
    }

    #[test]
    fn a_field_is_named_once() {
        for (field, description, line) in [
            (
                "GetHistory",
                "GetHistory is not built yet",
                "GetHistory is not built yet",
            ),
            ("", "is no message", "is no message"),
        ] {
            let details = ErrorDetails::with_bad_request_violation(field, description);
            let status = Status::with_error_details(tonic::Code::Unimplemented, "bad", details);
            let text = Failure::from(status).text();
            assert_eq!(text, format!("error: UNIMPLEMENTED: {line}\n"));
        }
    }

    #[test]
    fn an_error_inside_an_answer_reads_as_that_of_a_call() {
        let mut details = ErrorDetails::with_error_info("LIMIT_REACHED", "fanfare.v1", []);
        details.set_retry_info(Some(Duration::from_secs(2)));
        let status = Status::with_error_details(Code::ResourceExhausted, "full", details);
        let descriptor = json::message("fanfare.v1.ErrorStatus").unwrap();
        let error = DynamicMessage::decode(descriptor, status.details()).unwrap();
        assert_eq!(
            Failure::told_by(&error).remark(),
            "RESOURCE_EXHAUSTED (LIMIT_REACHED): full; try again in 2s"
        );
    }

    #[test]
    fn retry_info_becomes_a_hint() {
        let mut details = ErrorDetails::with_retry_info(Some(Duration::from_millis(1500)));
        details.set_error_info("DRAINING", "fanfare.v1", []);
        let status = Status::with_error_details(tonic::Code::Unavailable, "shutting down", details);
        assert_eq!(
            Failure::from(status).text(),
            "error: UNAVAILABLE (DRAINING): shutting down\nhint: try again in 1s 500ms\n"
        );
    }

    #[test]
    fn a_status_without_details_gives_its_message() {
        let status = Status::deadline_exceeded("too late");
        let text = Failure::from(status).text();
        assert_eq!(text, "error: DEADLINE_EXCEEDED: too late\n");
    }

    #[test]
    fn details_that_are_no_details_are_passed_over() {
        let status = Status::with_details(
            tonic::Code::Internal,
            "odd",
            bytes::Bytes::from_static(b"\xff\xff\xff"),
        );
        assert_eq!(Failure::from(status).text(), "error: INTERNAL: odd\n");
    }
}
