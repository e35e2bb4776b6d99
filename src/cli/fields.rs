//! Fields of a message by their names; one that is not set reads as empty.

use std::borrow::Cow;

use prost_reflect::{DynamicMessage, Value};

/// The message in a field, if it is set.
pub(crate) fn message<'a>(of: &'a DynamicMessage, name: &str) -> Option<Cow<'a, DynamicMessage>> {
    if !of.has_field_by_name(name) {
        return None;
    }
    match of.get_field_by_name(name)? {
        Cow::Borrowed(value) => value.as_message().map(Cow::Borrowed),
        Cow::Owned(value) => value.as_message().cloned().map(Cow::Owned),
    }
}

/// The messages in a repeated field.
pub(crate) fn messages(of: &DynamicMessage, name: &str) -> Vec<DynamicMessage> {
    let field = of.get_field_by_name(name);
    let list = field
        .as_deref()
        .and_then(Value::as_list)
        .unwrap_or_default();
    list.iter().filter_map(Value::as_message).cloned().collect()
}

/// The text in a field.
pub(crate) fn text(of: &DynamicMessage, name: &str) -> String {
    let field = of.get_field_by_name(name);
    let text = field.as_deref().and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// The number in a field of 64 bits without a sign.
pub(crate) fn number(of: &DynamicMessage, name: &str) -> u64 {
    let field = of.get_field_by_name(name);
    field.as_deref().and_then(Value::as_u64).unwrap_or_default()
}

/// The number in a field of 32 bits without a sign.
pub(crate) fn count(of: &DynamicMessage, name: &str) -> u32 {
    let field = of.get_field_by_name(name);
    field.as_deref().and_then(Value::as_u32).unwrap_or_default()
}

/// The number in a field of 32 bits with a sign.
pub(crate) fn integer(of: &DynamicMessage, name: &str) -> i32 {
    let field = of.get_field_by_name(name);
    field.as_deref().and_then(Value::as_i32).unwrap_or_default()
}

/// Whether a field is set that is true or false.
pub(crate) fn is_set(of: &DynamicMessage, name: &str) -> bool {
    let field = of.get_field_by_name(name);
    field.as_deref().and_then(Value::as_bool) == Some(true)
}
