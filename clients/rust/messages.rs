//! Messages as proto3 JSON, and errors as the scenarios have them.

use std::error::Error as _;
use std::sync::LazyLock;

use fanfare::client::Error;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Map, Value, json};
use tonic::{Code, Status, TimeoutExpired};

use super::Result;

/// The service, the well-known types, and the details of errors.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut pool = DescriptorPool::global();
    for set in [
        tonic_types::pb::FILE_DESCRIPTOR_SET,
        fanfare::rpc::DESCRIPTORS,
    ] {
        pool.decode_file_descriptor_set(set)
            .expect("descriptors come from the build");
    }
    pool
});

/// A message of the service, from its JSON.
pub(crate) fn parsed<M: Message + Default>(name: &str, json: &Value) -> Result<M> {
    let json = if json.is_null() { &json!({}) } else { json };
    let descriptor = POOL.get_message_by_name(&format!("fanfare.v1.{name}"));
    let descriptor = descriptor.ok_or(format!("no message {name}"))?;
    let message = DynamicMessage::deserialize(descriptor, json);
    let message = message.map_err(|error| format!("{name}: {error}"))?;
    M::decode(&*message.encode_to_vec()).map_err(|error| format!("{name}: {error}"))
}

/// A message of the service, as JSON.
pub(crate) fn printed(name: &str, message: &impl Message) -> Result<Value> {
    encoded(&format!("fanfare.v1.{name}"), &message.encode_to_vec())
}

/// A message of any known type from its bytes, as JSON.
pub(crate) fn encoded(name: &str, bytes: &[u8]) -> Result<Value> {
    let descriptor = POOL.get_message_by_name(name);
    let descriptor = descriptor.ok_or(format!("no message {name}"))?;
    let message = DynamicMessage::decode(descriptor, bytes);
    let message = message.map_err(|error| format!("{name}: {error}"))?;
    serde_json::to_value(&message).map_err(|error| format!("{name}: {error}"))
}

/// An error that came as a status.
///
/// What tonic says of itself has a source, and a code that tells which layer
/// gave up; the scenarios ask for gRPC's own words.
pub(crate) fn of_status(status: &Status) -> Value {
    if let Some(source) = status.source() {
        let code = if is_late(source) {
            Code::DeadlineExceeded
        } else {
            Code::Unavailable
        };
        return told(code, &source.to_string(), &Map::new());
    }
    let details = tonic_types::Status::decode(status.details()).unwrap_or_default();
    let details = details.details.iter().filter_map(|detail| {
        let name = detail.type_url.rsplit('/').next()?;
        let last = name.rsplit('.').next()?.to_owned();
        Some((last, encoded(name, &detail.value).ok()?))
    });
    told(status.code(), status.message(), &details.collect())
}

fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<TimeoutExpired>() || error.source().is_some_and(is_late)
}

/// An error of the library.
pub(crate) fn of_error(error: &Error) -> Value {
    let mut details = Map::new();
    if let Some(reason) = error.reason_name() {
        // The library takes no reason of another domain.
        let info = json!({"reason": reason, "domain": "fanfare.v1"});
        details.insert("ErrorInfo".to_owned(), info);
    }
    let violations = error.violations().iter();
    let violations: Vec<_> = violations
        .map(|violation| json!({"field": violation.field, "description": violation.description}))
        .collect();
    if !violations.is_empty() {
        let request = json!({"fieldViolations": violations});
        details.insert("BadRequest".to_owned(), request);
    }
    told(error.code(), error.message(), &details)
}

/// The end of a stream with OK.
pub(crate) fn ended() -> Value {
    told(Code::Ok, "", &Map::new())
}

/// The end of a stream that was cancelled here.
pub(crate) fn cancelled() -> Value {
    told(Code::Cancelled, "by ourselves", &Map::new())
}

fn told(code: Code, message: &str, details: &Map<String, Value>) -> Value {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() && code != Code::Ok {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    json!({"code": name, "message": message, "details": details})
}
