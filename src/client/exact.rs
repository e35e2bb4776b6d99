//! JSON of what a caller has, refused where a number would change on the way.
//!
//! Numbers in JSON travel as doubles, which hold every integer up to 2^53 and
//! only some beyond: an id of 64 bits would arrive as another one.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Error;
use super::error::Reason;

const LARGEST: u64 = 1 << 53;

/// `value` as JSON; `root` stands for it in the path of an error.
pub(super) fn json(root: &str, reason: Reason, value: impl Serialize) -> Result<Value, Error> {
    let value = serde_json::to_value(value)
        .map_err(|error| Error::invalid(reason, root, format!("makes no JSON: {error}")))?;
    walk(&mut root.to_owned(), &value)
        .map_err(|(path, flaw)| Error::invalid(reason, &path, flaw))?;
    Ok(value)
}

/// As [`json`], of what is to be an object.
pub(super) fn object(
    root: &str,
    reason: Reason,
    value: impl Serialize,
) -> Result<Map<String, Value>, Error> {
    match json(root, reason, value)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Error::invalid(reason, root, "is no JSON object".to_owned())),
    }
}

/// Checks `value`, which stands at `path`, and all below it.
fn walk(path: &mut String, value: &Value) -> Result<(), (String, String)> {
    match value {
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| below(path, &format!("[{index}]"), item))
        }
        Value::Object(fields) => {
            let mut fields = fields.iter();
            fields.try_for_each(|(key, value)| below(path, &step(key), value))
        }
        Value::Number(number) if !is_exact(number) => Err((
            path.clone(),
            format!(
                "is {number}; numbers travel as doubles, exact only to 2^53: send it as a string"
            ),
        )),
        _ => Ok(()),
    }
}

fn below(path: &mut String, step: &str, value: &Value) -> Result<(), (String, String)> {
    let length = path.len();
    path.push_str(step);
    walk(path, value)?;
    path.truncate(length);
    Ok(())
}

/// `.name`, or `["any name"]` for what would not read as one.
fn step(key: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    if !key.is_empty() && key.chars().all(plain) {
        format!(".{key}")
    } else {
        format!("[{key:?}]")
    }
}

/// Whether a number is no integer, or one that a double holds.
fn is_exact(number: &serde_json::Number) -> bool {
    let size = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
    size.is_none_or(|size| size <= LARGEST)
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    fn flaw(of: Value) -> Option<String> {
        let error = json("payload.json", Reason::InvalidPayload, of).err()?;
        let violation = &error.violations()[0];
        assert_eq!(error.code(), tonic::Code::InvalidArgument);
        assert_eq!(error.reason(), Some(Reason::InvalidPayload));
        Some(format!("{} {}", violation.field, violation.description))
    }

    #[test]
    fn an_integer_past_2_53_is_refused_with_its_path() {
        let over = (1_u64 << 53) + 1;
        for (of, expected) in [
            (value!(over), "payload.json is 9007199254740993; "),
            (value!(u64::MAX), "payload.json is 18446744073709551615; "),
            (
                value!([0, i64::MIN]),
                "payload.json[1] is -9223372036854775808; ",
            ),
            (
                value!({"items": [{"id": over}]}),
                "payload.json.items[0].id is 9",
            ),
            (
                value!({"a b": {"": over}}),
                r#"payload.json["a b"][""] is 9"#,
            ),
        ] {
            let flaw = flaw(of).unwrap();
            assert!(flaw.starts_with(expected), "{flaw}");
            assert!(flaw.ends_with("send it as a string"), "{flaw}");
        }
    }

    #[test]
    fn what_a_double_holds_passes() {
        let largest = 1_i64 << 53;
        for of in [
            value!(largest),
            value!(-largest),
            value!(1e300),
            value!(0.1),
            value!({"id": "9007199254740993", "n": null}),
        ] {
            assert_eq!(flaw(of), None);
        }
    }

    #[test]
    fn what_makes_no_json_or_no_object_is_refused() {
        let keyed_by_list = std::collections::BTreeMap::from([(vec![1], 1)]);
        let error = json("data", Reason::InvalidProfile, keyed_by_list).unwrap_err();
        assert!(error.message().starts_with("data: makes no JSON: "));
        let error = object("data", Reason::InvalidProfile, [1]).unwrap_err();
        assert_eq!(error.message(), "data: is no JSON object");
    }
}
