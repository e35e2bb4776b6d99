//! Payloads and profiles of what a caller has, and back.
//!
//! Numbers in JSON are doubles here, as in all of protobuf's JSON: an integer
//! past 2^53 is rounded. Send such a one as text.
//!
//! Checks nothing: what a node would refuse, the node refuses.

use bytes::Bytes;
use prost::Name;
use prost_types::value::Kind as JsonKind;
use prost_types::{Any, Struct};
use serde_json::{Map, Number, Value};

use super::Payload;
use super::payload::Kind;

/// Integers up to here are the same as doubles.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Payload {
    /// A payload of JSON.
    pub fn json(value: Value) -> Self {
        Kind::Json(to_proto(value)).into()
    }

    /// A payload of text.
    pub fn text(text: impl Into<String>) -> Self {
        Kind::Text(text.into()).into()
    }

    /// A payload of bytes.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Kind::Binary(bytes.into()).into()
    }

    /// A payload of a protobuf message, with the name of its type.
    pub fn any<M: Name>(message: &M) -> Self {
        let any = Any {
            type_url: M::type_url(),
            value: message.encode_to_vec(),
        };
        Kind::Any(any).into()
    }

    /// The JSON, if it is JSON.
    pub fn as_json(&self) -> Option<Value> {
        match self.kind.as_ref()? {
            Kind::Json(value) => Some(from_proto(value)),
            Kind::Text(_) | Kind::Binary(_) | Kind::Any(_) => None,
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self.kind.as_ref()? {
            Kind::Text(text) => Some(text),
            Kind::Json(_) | Kind::Binary(_) | Kind::Any(_) => None,
        }
    }

    /// The message with the name of its type, if it is one;
    /// [`Any::to_msg`] opens it.
    pub fn as_any(&self) -> Option<&Any> {
        match self.kind.as_ref()? {
            Kind::Any(any) => Some(any),
            Kind::Json(_) | Kind::Text(_) | Kind::Binary(_) => None,
        }
    }
}

impl From<Kind> for Payload {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

/// A member's profile, as `SubscribeRequest.data` takes it.
pub fn profile(fields: Map<String, Value>) -> Struct {
    let fields = fields.into_iter();
    Struct {
        fields: fields.map(|(key, value)| (key, to_proto(value))).collect(),
    }
}

/// The fields of a member's profile, as in `Member.data`.
pub fn profile_fields(profile: &Struct) -> Map<String, Value> {
    let fields = profile.fields.iter();
    fields
        .map(|(key, value)| (key.clone(), from_proto(value)))
        .collect()
}

fn to_proto(value: Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => JsonKind::NullValue(0),
        Value::Bool(value) => JsonKind::BoolValue(value),
        // None only for numbers of any length, which this build has not.
        Value::Number(number) => JsonKind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => JsonKind::StringValue(text),
        Value::Array(items) => JsonKind::ListValue(prost_types::ListValue {
            values: items.into_iter().map(to_proto).collect(),
        }),
        Value::Object(fields) => JsonKind::StructValue(profile(fields)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// Null also for what is no JSON: no kind, or a number that is not finite.
/// A node passes on neither.
fn from_proto(value: &prost_types::Value) -> Value {
    match &value.kind {
        None | Some(JsonKind::NullValue(_)) => Value::Null,
        Some(JsonKind::BoolValue(value)) => Value::Bool(*value),
        Some(JsonKind::NumberValue(number)) => self::number(*number),
        Some(JsonKind::StringValue(text)) => Value::String(text.clone()),
        Some(JsonKind::ListValue(list)) => list.values.iter().map(from_proto).collect(),
        Some(JsonKind::StructValue(object)) => Value::Object(profile_fields(object)),
    }
}

/// As JSON writes it: 3, not 3.0.
fn number(number: f64) -> Value {
    let whole = number.fract() == 0.0 && number.abs() <= EXACT;
    if whole {
        #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_of_every_kind_comes_back_as_it_was() {
        let value = json!({
            "null": null, "yes": true, "whole": -3, "half": 0.5, "large": 1e300,
            "text": "über", "list": [1, [], {}], "object": {"a": {"b": "c"}},
        });
        assert_eq!(Payload::json(value.clone()).as_json(), Some(value));
    }

    #[test]
    fn an_integer_past_2_to_the_53_is_rounded() {
        let rounded = Payload::json(json!(9_007_199_254_740_993_u64));
        assert_eq!(rounded.as_json(), Some(json!(9_007_199_254_740_992_u64)));
    }

    #[test]
    fn what_is_no_json_reads_as_null() {
        let nothing = prost_types::Value { kind: None };
        assert_eq!(from_proto(&nothing), Value::Null);
        assert_eq!(from_proto(&f64::NAN.into()), Value::Null);
    }

    #[test]
    fn a_payload_reads_as_what_it_is_and_as_nothing_else() {
        let time = prost_types::Timestamp {
            seconds: 7,
            nanos: 0,
        };
        let [text, json, binary, any] = [
            Payload::text("hi"),
            Payload::json(json!("hi")),
            Payload::binary(b"hi".to_vec()),
            Payload::any(&time),
        ];
        assert_eq!(any.as_any().unwrap().to_msg(), Ok(time));
        let read = [text, json, binary, any].map(|payload| {
            let json = payload.as_json().is_some();
            (
                payload.as_text().is_some(),
                json,
                payload.as_any().is_some(),
            )
        });
        let none = (false, false, false);
        assert_eq!(read[0], (true, false, false));
        assert_eq!(read[1], (false, true, false));
        assert_eq!(read[2], none);
        assert_eq!(read[3], (false, false, true));
    }

    #[test]
    fn a_profile_has_the_fields_it_was_made_of() {
        let Value::Object(fields) = json!({"name": "Ada", "age": 36}) else {
            unreachable!("an object")
        };
        assert_eq!(profile_fields(&profile(fields.clone())), fields);
    }
}
