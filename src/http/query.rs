//! The query of a URL, as the fields of a message.

use percent_encoding::percent_decode_str;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use crate::json::{self, Wrong};

/// A parameter: its name and its text.
pub(super) type Pair = (String, String);

/// The parameters of `query`, decoded once.
///
/// # Errors
///
/// Escapes that make no UTF-8.
pub(super) fn pairs(query: &str) -> Result<Vec<Pair>, Wrong> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| {
        let (name, text) = part.split_once('=').unwrap_or((part, ""));
        let name = decoded(name, &name.replace('+', " "))?;
        let text = decoded(&name, &text.replace('+', " "))?;
        Ok((name, text))
    });
    pairs.collect()
}

/// `text` with its percent-escapes read, once.
///
/// # Errors
///
/// Those that make no UTF-8.
pub(super) fn decoded(field: &str, text: &str) -> Result<String, Wrong> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| wrong(field, format!("is {text:?}, not UTF-8 in escapes")));
    decoded.map(std::borrow::Cow::into_owned)
}

/// The message that has these fields: `page_size` or `pageSize`, and of a
/// message in it `after.epoch`; a position also as `EPOCH:SEQUENCE`.
///
/// # Errors
///
/// As of [`json::read`].
pub(super) fn message(message: &MessageDescriptor, pairs: Vec<Pair>) -> Result<Vec<u8>, Wrong> {
    let mut fields = Map::new();
    for (name, text) in pairs {
        put(message, &name, &name, text, &mut fields)?;
    }
    json::read(message, &Value::Object(fields).to_string())
}

/// Puts `text` where `rest` of the path `name` leads to.
fn put(
    message: &MessageDescriptor,
    name: &str,
    rest: &str,
    text: String,
    into: &mut Map<String, Value>,
) -> Result<(), Wrong> {
    let (step, below) = match rest.split_once('.') {
        Some((step, below)) => (step, Some(below)),
        None => (rest, None),
    };
    let field = message
        .get_field_by_json_name(step)
        .or_else(|| message.get_field_by_name(step));
    let Some(field) = field else {
        // As a field in a body, which is told with those that there are.
        into.insert(step.to_owned(), Value::String(text));
        return Ok(());
    };
    let place = into.entry(field.json_name()).or_insert(Value::Null);
    if let (Some(below), Kind::Message(inner)) = (below, field.kind()) {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(fields) = place else {
            return Err(wrong(name, "is set twice".to_owned()));
        };
        return put(&inner, name, below, text, fields);
    }
    let value = value(&field, name, text)?;
    match place {
        place if place.is_null() && field.is_list() => *place = Value::Array(vec![value]),
        place if place.is_null() => *place = value,
        Value::Array(values) => values.push(value),
        _ => return Err(wrong(name, "is set twice".to_owned())),
    }
    Ok(())
}

/// What `text` stands for in a field.
fn value(field: &FieldDescriptor, name: &str, text: String) -> Result<Value, Wrong> {
    match field.kind() {
        Kind::Bool => Ok(flag(text)),
        Kind::Message(message) if message.name() == "Position" => {
            position(&text).ok_or_else(|| wrong(name, not_a_position(&text)))
        }
        _ => Ok(Value::String(text)),
    }
}

/// True or false; anything else is refused as what it is.
pub(super) fn flag(text: String) -> Value {
    text.parse()
        .map_or_else(|_| Value::String(text), Value::Bool)
}

/// A position written as `EPOCH:SEQUENCE`.
pub(super) fn position(text: &str) -> Option<Value> {
    let (epoch, sequence) = text.rsplit_once(':')?;
    let sequence: u64 = sequence.parse().ok()?;
    let sequence = sequence.to_string();
    // It comes back as the id of an event, which is a line of its own.
    let is_word = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_graphic());
    is_word.then(|| serde_json::json!({"epoch": epoch, "sequence": sequence}))
}

/// Says so.
pub(super) fn not_a_position(text: &str) -> String {
    format!("is {text:?}; a position is written EPOCH:SEQUENCE, as the node gave it")
}

pub(super) fn wrong(path: &str, flaw: String) -> Wrong {
    let path = path.to_owned();
    Wrong { path, flaw }
}
