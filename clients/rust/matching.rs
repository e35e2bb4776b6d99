//! What the scenarios write: variables, and what matches what.

use std::collections::HashMap;

use serde_json::Value;

use super::Result;

/// What was saved, by its name.
pub(crate) type Names = HashMap<String, Value>;

/// `value` with variables and repetitions replaced.
pub(crate) fn filled(value: &Value, names: &Names) -> Result<Value> {
    Ok(match value {
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| Ok((key.clone(), filled(value, names)?)));
            Value::Object(fields.collect::<Result<_>>()?)
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| filled(item, names));
            Value::Array(items.collect::<Result<_>>()?)
        }
        Value::String(text) => filled_text(text, names)?,
        other => other.clone(),
    })
}

fn filled_text(text: &str, names: &Names) -> Result<Value> {
    let alone = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = alone.filter(|name| !name.contains('}')) {
        return saved(name, names).cloned();
    }
    let mut parts = text.split("${");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').ok_or(format!("no }} in {text}"))?;
        match saved(name, names)? {
            Value::String(value) => whole.push_str(value),
            other => whole.push_str(&other.to_string()),
        }
        whole.push_str(rest);
    }
    let repeat = whole.strip_prefix("$repeat:");
    if let Some((times, text)) = repeat.and_then(|rest| rest.split_once(':')) {
        let times = times.parse().map_err(|error| format!("{whole}: {error}"))?;
        return Ok(Value::String(text.repeat(times)));
    }
    Ok(Value::String(whole))
}

fn saved<'a>(name: &str, names: &'a Names) -> Result<&'a Value> {
    names
        .get(name)
        .ok_or(format!("nothing was saved as {name}"))
}

/// Fails with the path of the first difference.
pub(crate) fn matched(expected: &Value, actual: &Value, names: &mut Names) -> Result<()> {
    compare(expected, Some(actual), names, "it")
}

fn compare(expected: &Value, actual: Option<&Value>, names: &mut Names, path: &str) -> Result<()> {
    match (expected, actual) {
        (Value::Object(fields), Some(Value::Object(actual))) => {
            let mut fields = fields.iter();
            return fields.try_for_each(|(key, inner)| {
                compare(inner, actual.get(key), names, &format!("{path}.{key}"))
            });
        }
        (Value::Array(items), Some(Value::Array(actual))) if items.len() == actual.len() => {
            let mut both = items.iter().zip(actual).enumerate();
            return both.try_for_each(|(index, (inner, actual))| {
                compare(inner, Some(actual), names, &format!("{path}[{index}]"))
            });
        }
        _ => {}
    }
    let expected = match expected {
        Value::String(text) => &filled_text(text, names)?,
        other => other,
    };
    if agrees(expected, actual, names)? {
        return Ok(());
    }
    let there = actual.map_or("nothing".to_owned(), short);
    Err(format!("{path}: expected {}, got {there}", short(expected)))
}

fn agrees(expected: &Value, actual: Option<&Value>, names: &mut Names) -> Result<bool> {
    let text = expected.as_str().filter(|text| text.starts_with('$'));
    if text == Some("$absent") {
        return Ok(actual.is_none());
    }
    let (Some(actual), Some(text)) = (actual, text) else {
        return Ok(actual.is_some_and(|actual| same(expected, actual)));
    };
    let (matcher, argument) = text.split_once(':').unwrap_or((text, ""));
    let contained = actual.as_str();
    Ok(match matcher {
        "$any" => true,
        "$save" => {
            names.insert(argument.to_owned(), actual.clone());
            true
        }
        "$gt" => number(actual) > argument.parse().ok(),
        "$lt" => number(actual).is_some_and(|actual| Some(actual) < argument.parse().ok()),
        "$ne" => contained.is_some_and(|actual| actual != argument),
        "$contains" => contained.is_some_and(|actual| actual.contains(argument)),
        _ => return Err(format!("unknown matcher {text}")),
    })
}

fn same(expected: &Value, actual: &Value) -> bool {
    match (expected.as_f64(), actual.as_f64()) {
        (Some(expected), Some(actual)) => expected.total_cmp(&actual).is_eq(),
        _ => expected == actual,
    }
}

fn number(value: &Value) -> Option<f64> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_f64().or(text)
}

/// As much of a value as a reader wants.
pub(crate) fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}
