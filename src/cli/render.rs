//! Messages as JSON out: proto3's canonical form, which never fails.
//!
//! What the canonical form has no words for is still printed: an `Any` of a
//! type not known here as `{"@type": …, "value": base64}`; a well-known message
//! that holds nonsense (a number that is not finite, a time out of range) field
//! by field. Whole numbers have no `.0`, and maps are sorted by their key.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::prost_types::Any;
use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage as _, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use super::{Failure, json};

/// An `Any` inside an `Any` restarts the parser's bound on nesting; past this
/// many one stays base64, or a hostile payload could exhaust the stack.
const ANY_DEPTH: usize = 16;

/// Writes `message` on one line.
pub(crate) fn line(message: &DynamicMessage) -> Result<String, Failure> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, WholeNumbers);
    Message { message, anys: 0 }
        .serialize(&mut serializer)
        .map_err(|error| Failure::failed(format!("cannot print the answer: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Doubles that are whole are written so: `42`, as a JSON payload had it.
struct WholeNumbers;

impl Formatter for WholeNumbers {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        // Beyond this doubles skip integers, and digits would claim too much.
        if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
            write!(writer, "{value:.0}")
        } else {
            CompactFormatter.write_f64(writer, value)
        }
    }
}

/// A message, and how many an `Any` it stands in.
#[derive(Clone, Copy)]
struct Message<'a> {
    message: &'a DynamicMessage,
    anys: usize,
}

impl Message<'_> {
    /// The form that a well-known message has of its own, if this one fits it.
    fn canonical(&self) -> Option<serde_json::Value> {
        if !is_well_known(self.message) {
            return None;
        }
        // Null is what serde makes of a wrapped double that is not finite.
        let may_be_null = self.message.descriptor().name() == "Value";
        serde_json::to_value(self.message)
            .ok()
            .filter(|canonical| may_be_null || !canonical.is_null())
    }

    fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (field, value) in self.message.fields() {
            let kind = &field.kind();
            let anys = self.anys;
            map.serialize_entry(field.json_name(), &Field { value, kind, anys })?;
        }
        Ok(())
    }

    fn by_fields<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.fields(&mut map)?;
        map.end()
    }

    /// An `Any`: its message, if its type is known and its bytes are one.
    fn any<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let any = self.message.transcode_to::<Any>().unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("@type", &any.type_url)?;
        match self.open(&any) {
            Some(inner) => {
                let inner = Message {
                    message: &inner,
                    anys: self.anys + 1,
                };
                if is_well_known(inner.message) {
                    map.serialize_entry("value", &inner)?;
                } else {
                    inner.fields(&mut map)?;
                }
            }
            None => map.serialize_entry("value", &BASE64_STANDARD.encode(&any.value))?,
        }
        map.end()
    }

    fn open(&self, any: &Any) -> Option<DynamicMessage> {
        let (_, name) = any.type_url.rsplit_once('/')?;
        let descriptor = json::message(name).filter(|_| self.anys < ANY_DEPTH)?;
        DynamicMessage::decode(descriptor, any.value.as_slice()).ok()
    }
}

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.message.descriptor().full_name() == "google.protobuf.Any" {
            return self.any(serializer);
        }
        match self.canonical() {
            Some(canonical) => canonical.serialize(serializer),
            None => self.by_fields(serializer),
        }
    }
}

fn is_well_known(message: &DynamicMessage) -> bool {
    message.descriptor().package_name() == "google.protobuf"
}

/// A field's value, or an item of it.
struct Field<'a> {
    value: &'a Value,
    kind: &'a Kind,
    anys: usize,
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            // Canonical: readers in JavaScript would round them.
            Value::I64(value) => serializer.collect_str(value),
            Value::U64(value) => serializer.collect_str(value),
            Value::F32(value) => number(f64::from(*value), serializer),
            Value::F64(value) => number(*value, serializer),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_str(&BASE64_STANDARD.encode(value)),
            Value::EnumNumber(number) => self.name(*number, serializer),
            Value::Message(message) => {
                let anys = self.anys;
                Message { message, anys }.serialize(serializer)
            }
            Value::List(items) => {
                serializer.collect_seq(items.iter().map(|item| self.item(item, self.kind)))
            }
            Value::Map(entries) => self.map(entries.iter().collect(), serializer),
        }
    }
}

impl<'a> Field<'a> {
    fn item(&self, value: &'a Value, kind: &'a Kind) -> Self {
        let anys = self.anys;
        Self { value, kind, anys }
    }

    fn map<S: Serializer>(
        &self,
        mut entries: Vec<(&MapKey, &Value)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        entries.sort_by_key(|(key, _)| *key);
        let entry = self.kind.as_message();
        let kind = entry.map_or(Kind::Bool, |entry| entry.map_entry_value_field().kind());
        serializer.collect_map(entries.into_iter().map(|(key, value)| {
            let (kind, anys) = (&kind, self.anys);
            (key_text(key), Field { value, kind, anys })
        }))
    }

    fn name<S: Serializer>(&self, number: i32, serializer: S) -> Result<S::Ok, S::Error> {
        let known = self.kind.as_enum().and_then(|kind| kind.get_value(number));
        match known {
            Some(value) => serializer.serialize_str(value.name()),
            None => serializer.serialize_i32(number),
        }
    }
}

fn number<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(value)
    } else if value.is_nan() {
        serializer.serialize_str("NaN")
    } else if value > 0.0 {
        serializer.serialize_str("Infinity")
    } else {
        serializer.serialize_str("-Infinity")
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::prost::Message as _;
    use prost_reflect::prost_types;
    use serde_json::json;

    use super::*;

    fn print(message: &DynamicMessage) -> String {
        line(message).unwrap()
    }

    fn transcode(name: &str, message: &impl prost_reflect::prost::Message) -> DynamicMessage {
        let descriptor = json::message(name).unwrap();
        DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).unwrap()
    }

    fn any(type_url: &str, value: Vec<u8>) -> DynamicMessage {
        let type_url = type_url.to_owned();
        transcode("google.protobuf.Any", &Any { type_url, value })
    }

    fn roundtrip(name: &str, json: serde_json::Value) -> String {
        print(&json::read(json::message(name).unwrap(), json).unwrap())
    }

    #[test]
    fn a_frame_comes_back_as_it_was_written() {
        let frame = json!({"event": {
            "channel": "technology-chat",
            "name": "chat-message",
            "payload": {"json": {"text": "hi", "n": 42, "x": 1.5, "none": null, "list": [1]}},
            "sequence": "7",
            "publishTime": "2026-01-02T03:04:05.600Z",
            "headers": {"b": "2", "a": "1"},
        }});
        assert_eq!(
            roundtrip("fanfare.v1.SubscribeResponse", frame),
            r#"{"event":{"channel":"technology-chat","name":"chat-message","#.to_owned()
                + r#""payload":{"json":{"list":[1],"n":42,"none":null,"text":"hi","x":1.5}},"#
                + r#""sequence":"7","publishTime":"2026-01-02T03:04:05.600Z","#
                + r#""headers":{"a":"1","b":"2"}}}"#
        );
    }

    #[test]
    fn each_kind_of_payload_comes_back_as_it_was_written() {
        for text in [
            r#"{"json":null}"#,
            r#"{"json":[]}"#,
            r#"{"json":9007199254740992}"#,
            r#"{"json":1e+300}"#,
            r#"{"json":-0}"#,
            // Only an exact parser keeps the last digits of this one.
            r#"{"json":31.245270191439438}"#,
            r#"{"text":""}"#,
            r#"{"binary":"AAH/"}"#,
            r#"{"any":{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"x"}}"#,
            r#"{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}}"#,
            r#"{"any":{"@type":"x/fanfare.v1.Position","epoch":"e","sequence":"3"}}"#,
        ] {
            let json = serde_json::from_str(text).unwrap();
            assert_eq!(roundtrip("fanfare.v1.Payload", json), text);
        }
    }

    #[test]
    fn an_enum_is_its_name_or_an_unknown_number() {
        let gap = json!({"gap": {"through": "3", "reason": "GAP_REASON_EXPIRED"}});
        let text = r#"{"gap":{"through":"3","reason":"GAP_REASON_EXPIRED"}}"#;
        assert_eq!(roundtrip("fanfare.v1.SubscribeResponse", gap), text);
        let gap = roundtrip("fanfare.v1.Gap", json!({"reason": 77}));
        assert_eq!(gap, r#"{"reason":77}"#);
    }

    #[test]
    fn an_any_of_unknown_type_is_base64() {
        for (type_url, value, text) in [
            (
                "x.io/no.Such",
                b"\x01".to_vec(),
                r#"{"@type":"x.io/no.Such","value":"AQ=="}"#,
            ),
            ("", vec![], r#"{"@type":"","value":""}"#),
            ("no-slash", vec![], r#"{"@type":"no-slash","value":""}"#),
            (
                "x/google.protobuf.StringValue",
                b"\xff".to_vec(),
                r#"{"@type":"x/google.protobuf.StringValue","value":"/w=="}"#,
            ),
        ] {
            assert_eq!(print(&any(type_url, value)), text);
        }
    }

    #[test]
    fn an_any_of_unknown_type_may_stand_in_the_details_of_a_status() {
        let detail = |type_url: &str, value| Any {
            type_url: type_url.to_owned(),
            value,
        };
        let info = prost_types::Duration {
            seconds: 1,
            nanos: 0,
        };
        // google.rpc.RetryInfo has a Duration as its field 1.
        let mut retry = vec![0x0a, 2];
        retry.extend(info.encode_to_vec());
        let status = tonic_types::Status {
            code: 3,
            message: "bad".to_owned(),
            details: vec![],
        };
        let mut bytes = status.encode_to_vec();
        for any in [
            detail("x/no.Such", vec![1]),
            detail("x/google.rpc.RetryInfo", retry),
        ] {
            bytes.push(0x1a);
            any.encode_length_delimited(&mut bytes).unwrap();
        }
        let descriptor = json::message("fanfare.v1.ErrorStatus").unwrap();
        let status = DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
        assert_eq!(
            print(&status),
            r#"{"code":3,"message":"bad","details":[{"@type":"x/no.Such","value":"AQ=="},"#
                .to_owned()
                + r#"{"@type":"x/google.rpc.RetryInfo","retryDelay":"1s"}]}"#
        );
    }

    #[test]
    fn an_any_in_an_any_without_end_does_not_exhaust_the_stack() {
        let type_url = "x/google.protobuf.Any";
        let mut value = Vec::new();
        for _ in 0..2_000 {
            let type_url = type_url.to_owned();
            value = Any { type_url, value }.encode_to_vec();
        }
        let text = print(&any(type_url, value));
        assert_eq!(text.matches("@type").count(), ANY_DEPTH + 1);
    }

    #[test]
    fn numbers_that_are_not_finite_are_printed_somehow() {
        let value = |number| prost_types::Value {
            kind: Some(prost_types::value::Kind::NumberValue(number)),
        };
        let nan = transcode("google.protobuf.Value", &value(f64::NAN));
        assert_eq!(print(&nan), r#"{"numberValue":"NaN"}"#);
        let list = prost_types::ListValue {
            values: vec![value(1.0), value(f64::NEG_INFINITY)],
        };
        assert_eq!(
            print(&transcode("google.protobuf.ListValue", &list)),
            r#"{"values":[1,{"numberValue":"-Infinity"}]}"#
        );
        let infinite = transcode("google.protobuf.DoubleValue", &f64::INFINITY);
        assert_eq!(print(&infinite), r#"{"value":"Infinity"}"#);
    }

    #[test]
    fn a_time_out_of_range_is_printed_somehow() {
        let time = prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: -1,
        };
        let text = print(&transcode("google.protobuf.Timestamp", &time));
        assert_eq!(text, r#"{"seconds":"9223372036854775807","nanos":-1}"#);
    }

    #[test]
    fn a_value_without_a_kind_is_null() {
        let value = transcode("google.protobuf.Value", &prost_types::Value { kind: None });
        assert_eq!(print(&value), "null");
    }

    #[test]
    fn fields_this_version_does_not_know_are_left_out() {
        // Field 14 of a frame, a string.
        let bytes: &[u8] = &[0x72, 1, b'x'];
        let descriptor = json::message("fanfare.v1.SubscribeResponse").unwrap();
        let frame = DynamicMessage::decode(descriptor, bytes).unwrap();
        assert_eq!(print(&frame), "{}");
    }
}
