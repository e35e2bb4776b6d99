//! Values of JSON as they are: payloads and profiles.

use super::{separated, string, text};
use crate::json::wire::{Encoded, fields};

/// Whole numbers as they are; beyond 2^53 doubles skip some, and digits would
/// claim too much.
pub(super) fn write_double(value: f64, out: &mut Vec<u8>) {
    let written = if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        format!("{value:.0}")
    } else if let Some(number) = serde_json::Number::from_f64(value) {
        number.to_string()
    } else {
        let name = if value.is_nan() {
            "\"NaN\""
        } else if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        };
        name.to_owned()
    };
    out.extend_from_slice(written.as_bytes());
}

/// A `google.protobuf.Value`; one without a kind is null.
pub(super) fn write_value(bytes: &[u8], out: &mut Vec<u8>) {
    match fields(bytes).last() {
        Some((2, Encoded::Number(bits))) => write_double(f64::from_bits(bits), out),
        Some((3, value @ Encoded::Bytes(_))) => string(&text(value), out),
        Some((4, Encoded::Number(value))) => {
            let written: &[u8] = if value == 0 { b"false" } else { b"true" };
            out.extend_from_slice(written);
        }
        Some((5, Encoded::Bytes(object))) => write_struct(object, out),
        Some((6, Encoded::Bytes(list))) => write_list(list, out),
        _ => out.extend_from_slice(b"null"),
    }
}

pub(super) fn write_struct(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'{');
    separated(fields(bytes), out, |(_, entry), out| {
        let Encoded::Bytes(entry) = entry else { return };
        let find = |number| fields(entry).filter(|(found, _)| *found == number).last();
        string(&find(1).map_or_else(String::new, |(_, key)| text(key)), out);
        out.push(b':');
        match find(2) {
            Some((_, Encoded::Bytes(value))) => write_value(value, out),
            _ => out.extend_from_slice(b"null"),
        }
    });
    out.push(b'}');
}

pub(super) fn write_list(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'[');
    separated(fields(bytes), out, |(_, item), out| match item {
        Encoded::Bytes(value) => write_value(value, out),
        Encoded::Number(_) => out.extend_from_slice(b"null"),
    });
    out.push(b']');
}
