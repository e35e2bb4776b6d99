//! Numbers that would change on the way are refused before they leave.
//!
//! A payload's numbers travel as doubles, which hold every integer up to 2^53
//! and only some beyond. Parsed JSON no longer shows which integer was written,
//! so this reads the tokens as they stand in the text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use serde_json::value::RawValue;

const LARGEST_EXACT: u64 = 1 << 53;

/// Parses `text`; `name` stands for its root in the path of an error.
pub(crate) fn parse(name: &str, text: &str) -> Result<Value, String> {
    let wrong = |error| not_json(name, text, &error);
    // First, since it bounds the nesting that the walk goes down.
    let value = serde_json::from_str(text).map_err(wrong)?;
    let raw = serde_json::from_str(text).map_err(wrong)?;
    walk(&mut name.to_owned(), raw).map(|()| value)
}

/// Parses `text` as [`parse`] does, and refuses what is no object.
pub(crate) fn object(name: &str, text: &str) -> Result<Value, String> {
    match parse(name, text)? {
        object @ Value::Object(_) => Ok(object),
        _ => Err(format!("{name} is no JSON object")),
    }
}

/// Where it is wrong; a text of one line has columns only.
fn not_json(name: &str, text: &str, error: &serde_json::Error) -> String {
    let mut reason = error.to_string();
    if !text.contains('\n') {
        reason = reason.replace(" at line 1 column ", " at column ");
    }
    format!("{name} is not JSON: {reason}")
}

/// Checks `raw`, which stands at `path`, and all below it.
fn walk(path: &mut String, raw: &RawValue) -> Result<(), String> {
    let text = raw.get();
    let wrong = |error| format!("{path} is not JSON: {error}");
    match text.as_bytes().first() {
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let mut fields = fields.into_iter();
            fields.try_for_each(|(key, value)| below(path, &field(&key), value))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let mut items = items.into_iter().enumerate();
            items.try_for_each(|(index, value)| below(path, &format!("[{index}]"), value))
        }
        Some(b'-' | b'0'..=b'9') if !is_exact(text) => Err(format!(
            "{path} is {text}; numbers travel as doubles, exact only to 2^53: send it as a string"
        )),
        _ => Ok(()),
    }
}

fn below(path: &mut String, step: &str, value: &RawValue) -> Result<(), String> {
    let length = path.len();
    path.push_str(step);
    walk(path, value)?;
    path.truncate(length);
    Ok(())
}

/// `.name`, or `["any name"]` for what would not read as one.
fn field(key: &str) -> String {
    let mut step = String::new();
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let _ = if !key.is_empty() && key.chars().all(plain) {
        write!(step, ".{key}")
    } else {
        write!(step, "[{key:?}]")
    };
    step
}

/// Whether a number is no integer, or one that a double holds.
fn is_exact(number: &str) -> bool {
    let digits = number.trim_start_matches('-');
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // Written as a fraction or with an exponent: a double is what is meant.
        return true;
    }
    digits
        .parse::<u64>()
        .is_ok_and(|number| number <= LARGEST_EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_past_2_53_is_refused_with_its_path() {
        let text = r#"{"items": [1, 2, 3, {"id": 9007199254740993}]}"#;
        assert_eq!(
            parse("payload", text).unwrap_err(),
            "payload.items[3].id is 9007199254740993; numbers travel as doubles, \
             exact only to 2^53: send it as a string"
        );
        for (text, path) in [
            ("9007199254740993", "payload is 9"),
            (" [ -9007199254740993 ] ", "payload[0] is -9"),
            (
                r#"{"a b": {"": 99999999999999999999999}}"#,
                r#"payload["a b"][""] is 9"#,
            ),
            (r#"{"a": "{", "b": 9007199254740994}"#, "payload.b is 9"),
        ] {
            let reason = parse("payload", text).unwrap_err();
            assert!(reason.starts_with(path), "{reason}");
        }
    }

    #[test]
    fn what_a_double_holds_passes() {
        for text in [
            "9007199254740992",
            "-9007199254740992",
            "0",
            "-0",
            "1e300",
            "0.1",
            "12345678901234567890.5",
            r#"{"id": "9007199254740993"}"#,
            "null",
            "[]",
        ] {
            assert!(parse("payload", text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "hello", "1 2", "01", "1e400", "\"\\ud800\"", "nul"] {
            let reason = parse("payload", text).unwrap_err();
            assert!(reason.starts_with("payload is not JSON: "), "{reason}");
        }
    }

    #[test]
    fn what_is_not_json_is_told_with_its_place() {
        for (text, place) in [
            ("[1, x]", " at column 5"),
            ("[1,\n x]", " at line 2 column 2"),
        ] {
            let reason = parse("payload", text).unwrap_err();
            assert!(reason.ends_with(place), "{reason}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        for depth in [200, 1_000_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert!(parse("payload", &text).is_err());
        }
    }
}
