//! The content of an event, in the kind its sender chose.

use bytes::Bytes;
use prost::Name;
use prost_types::Any;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;

use crate::rpc::client as proto;
use proto::payload::Kind;

/// The content of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// JSON. Its numbers are doubles: integers are exact up to 2^53.
    Json(Value),
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// A protobuf message, with the name of its type.
    Any(Any),
    /// A kind of a later version. It is not empty; this library cannot read it.
    Unknown,
}

/// Why a payload is not what it was read as.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// It is of another kind.
    #[error("the payload is {found}, not {expected}")]
    Kind {
        /// As which it was read.
        expected: &'static str,
        /// Which it is.
        found: &'static str,
    },
    /// It is JSON of another form.
    #[error("the payload has another form: {0}")]
    Json(#[from] serde_json::Error),
    /// It is a message of another type.
    #[error("the payload is no such message: {0}")]
    Any(#[from] prost::DecodeError),
}

impl Payload {
    /// What kind it is, as a word: `JSON`, `text`, `binary`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Json(_) => "JSON",
            Self::Text(_) => "text",
            Self::Binary(_) => "binary",
            Self::Any(_) => "a message",
            Self::Unknown => "of a kind not known here",
        }
    }

    /// What the JSON says.
    ///
    /// # Errors
    ///
    /// It is no JSON, or JSON of another form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        match self {
            Self::Json(value) => Ok(T::deserialize(value.into_deserializer())?),
            other => Err(other.not("JSON")),
        }
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// It is no text.
    pub fn text(&self) -> Result<&str, PayloadError> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(other.not("text")),
        }
    }

    /// The bytes; a clone of them is cheap.
    ///
    /// # Errors
    ///
    /// It is of another kind.
    pub fn binary(&self) -> Result<&Bytes, PayloadError> {
        match self {
            Self::Binary(bytes) => Ok(bytes),
            other => Err(other.not("binary")),
        }
    }

    /// The message, of this type.
    ///
    /// # Errors
    ///
    /// It is no message, or one of another type.
    pub fn any<M: Name + Default>(&self) -> Result<M, PayloadError> {
        match self {
            Self::Any(any) => Ok(any.to_msg()?),
            other => Err(other.not("a message")),
        }
    }

    pub(super) fn none(expected: &'static str) -> PayloadError {
        let found = "absent";
        PayloadError::Kind { expected, found }
    }

    fn not(&self, expected: &'static str) -> PayloadError {
        let found = self.kind();
        PayloadError::Kind { expected, found }
    }
}

impl From<proto::Payload> for Payload {
    fn from(payload: proto::Payload) -> Self {
        let json = payload.as_json();
        match payload.kind {
            Some(Kind::Json(_)) => Self::Json(json.unwrap_or_default()),
            Some(Kind::Text(text)) => Self::Text(text),
            Some(Kind::Binary(bytes)) => Self::Binary(bytes),
            Some(Kind::Any(any)) => Self::Any(any),
            None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Order {
        id: u64,
        tags: Vec<String>,
    }

    #[test]
    fn json_is_read_as_the_type_asked_for() {
        let sent = proto::Payload::json(json!({"id": 1_u64 << 53, "tags": ["a", ""]}));
        let order: Order = Payload::from(sent).json().unwrap();
        let tags = vec!["a".to_owned(), String::new()];
        assert_eq!(order, Order { id: 1 << 53, tags });
    }

    #[test]
    fn a_payload_of_another_kind_says_which_it_is() {
        let text = Payload::from(proto::Payload::text("hi"));
        assert_eq!(text.text().unwrap(), "hi");
        let error = text.json::<Value>().unwrap_err().to_string();
        assert_eq!(error, "the payload is text, not JSON");
        let unknown = Payload::from(proto::Payload { kind: None });
        let error = unknown.binary().unwrap_err().to_string();
        assert!(error.contains("of a kind not known here"), "{error}");
        let json = Payload::Json(json!({"id": "x"}));
        assert!(matches!(json.json::<Order>(), Err(PayloadError::Json(_))));
    }

    #[test]
    fn a_message_is_opened_by_its_type() {
        let time = prost_types::Timestamp {
            seconds: 7,
            nanos: 0,
        };
        let payload = Payload::from(proto::Payload::any(&time));
        assert_eq!(payload.any::<prost_types::Timestamp>().unwrap(), time);
        let other = payload.any::<prost_types::Duration>();
        assert!(matches!(other, Err(PayloadError::Any(_))));
    }
}
