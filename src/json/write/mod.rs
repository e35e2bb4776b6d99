//! JSON out: straight from wire bytes, and it never fails.
//!
//! What the canonical form has no words for is still written: an `Any` of a
//! type not known here, or with bytes that are not of its type, as `{"@type":
//! …, "value": base64}`; a number that is not finite as a string. Whole numbers
//! have no `.0`, and fields come in the order of their numbers.

mod any;
mod value;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::message as descriptor;
use super::wire::{Encoded, fields};
use any::write_any;
use value::{write_double, write_list, write_struct, write_value};

/// Well-known types that have a form of their own in JSON.
const WELL_KNOWN: [&str; 16] = [
    "Any",
    "BoolValue",
    "BytesValue",
    "DoubleValue",
    "Duration",
    "Empty",
    "FieldMask",
    "FloatValue",
    "Int32Value",
    "Int64Value",
    "ListValue",
    "StringValue",
    "Struct",
    "Timestamp",
    "Value",
    "UInt64Value",
];

/// Writes `message`, whose wire bytes are `bytes`, on one line.
pub fn write(message: &MessageDescriptor, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * bytes.len() + 64);
    write_message(message, bytes, 0, &mut out);
    out
}

/// Writes `text` as a JSON string.
pub fn string(text: &str, out: &mut Vec<u8>) {
    // Fails only where writing does, and a vector takes all.
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok(), "a vector takes all");
}

pub(super) fn is_well_known(message: &MessageDescriptor) -> bool {
    message.package_name() == "google.protobuf"
}

/// The type that the URL in an `Any` names, if it is known here.
pub(super) fn known(url: &str) -> Option<MessageDescriptor> {
    let (_, name) = url.rsplit_once('/')?;
    let message = descriptor(name)?;
    (!is_well_known(&message) || WELL_KNOWN.contains(&message.name())).then_some(message)
}

fn write_message(message: &MessageDescriptor, bytes: &[u8], anys: usize, out: &mut Vec<u8>) {
    match message.full_name() {
        "google.protobuf.Any" => write_any(bytes, anys, out),
        "google.protobuf.Value" => write_value(bytes, out),
        "google.protobuf.Struct" => write_struct(bytes, out),
        "google.protobuf.ListValue" => write_list(bytes, out),
        _ if is_well_known(message) => match own_form(message, bytes) {
            Some(form) => out.extend_from_slice(form.as_bytes()),
            None => write_object(message, bytes, anys, out),
        },
        _ => write_object(message, bytes, anys, out),
    }
}

/// That of a time, a duration and the like, if it is in their range.
fn own_form(message: &MessageDescriptor, bytes: &[u8]) -> Option<String> {
    let message = DynamicMessage::decode(message.clone(), bytes).ok()?;
    let form = serde_json::to_string(&message).ok()?;
    // What serde makes of a wrapped double that is not finite.
    (form != "null").then_some(form)
}

fn write_object(message: &MessageDescriptor, bytes: &[u8], anys: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    write_fields(message, bytes, anys, out);
    out.push(b'}');
}

fn write_fields(message: &MessageDescriptor, bytes: &[u8], anys: usize, out: &mut Vec<u8>) {
    for field in message.fields() {
        let kind = field.kind();
        let mut values = fields(bytes)
            .filter(|(number, value)| *number == field.number() && fits(&kind, *value))
            .map(|(_, value)| value)
            .peekable();
        if values.peek().is_none() {
            continue;
        }
        if field.is_map() {
            name(&field, out);
            out.push(b'{');
            separated(values, out, |value, out| {
                write_entry(&kind, value, anys, out);
            });
            out.push(b'}');
        } else if field.is_list() {
            name(&field, out);
            out.push(b'[');
            separated(values, out, |value, out| {
                write_single(&kind, value, anys, out);
            });
            out.push(b']');
        } else if let Some(value) = values.last()
            && (field.supports_presence() || !is_default(value))
        {
            name(&field, out);
            write_single(&kind, value, anys, out);
        }
    }
}

/// Appends what `write` makes of each, with commas between.
fn separated<T>(
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
}

fn name(field: &FieldDescriptor, out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{')) {
        out.push(b',');
    }
    string(field.json_name(), out);
    out.push(b':');
}

/// An entry of a map, of which the proto has those of texts.
fn write_entry(kind: &Kind, entry: Encoded<'_>, anys: usize, out: &mut Vec<u8>) {
    let (Encoded::Bytes(bytes), Some(entry)) = (entry, kind.as_message()) else {
        return;
    };
    let kind = entry.map_entry_value_field().kind();
    let find = |number| fields(bytes).filter(|(found, _)| *found == number).last();
    string(&find(1).map_or_else(String::new, |(_, key)| text(key)), out);
    out.push(b':');
    let value = find(2).map_or(Encoded::Bytes(&[]), |(_, value)| value);
    write_single(&kind, value, anys, out);
}

fn text(value: Encoded<'_>) -> String {
    match value {
        Encoded::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Encoded::Number(number) => number.to_string(),
    }
}

fn write_single(kind: &Kind, value: Encoded<'_>, anys: usize, out: &mut Vec<u8>) {
    match (kind, value) {
        (Kind::Message(message), Encoded::Bytes(bytes)) => write_message(message, bytes, anys, out),
        (Kind::Bytes, Encoded::Bytes(bytes)) => string(&BASE64_STANDARD.encode(bytes), out),
        (_, Encoded::Bytes(_)) => string(&text(value), out),
        (kind, Encoded::Number(number)) => write_number(kind, number, out),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a varint holds the number in two's complement"
)]
fn write_number(kind: &Kind, number: u64, out: &mut Vec<u8>) {
    let signed = number.cast_signed();
    let plain = match kind {
        Kind::Bool => (number != 0).to_string(),
        Kind::Double => return write_double(f64::from_bits(number), out),
        Kind::Int32 | Kind::Sfixed32 => (signed as i32).to_string(),
        Kind::Uint32 | Kind::Fixed32 => (number as u32).to_string(),
        Kind::Enum(of) => match of.get_value(signed as i32) {
            Some(value) => return string(value.name(), out),
            None => (signed as i32).to_string(),
        },
        // As text: readers in JavaScript would round them.
        Kind::Int64 | Kind::Sfixed64 => return string(&signed.to_string(), out),
        _ => return string(&number.to_string(), out),
    };
    out.extend_from_slice(plain.as_bytes());
}

/// Whether a field of this kind is encoded so.
fn fits(kind: &Kind, value: Encoded<'_>) -> bool {
    let is_bytes = matches!(kind, Kind::Message(_) | Kind::String | Kind::Bytes);
    is_bytes == matches!(value, Encoded::Bytes(_))
}

fn is_default(value: Encoded<'_>) -> bool {
    matches!(value, Encoded::Number(0) | Encoded::Bytes([]))
}
