//! A change to a profile, as RFC 7396 has it for JSON.
//!
//! Null removes a key, objects are merged, everything else is replaced.
//! Profiles are objects, so the rules for other documents have no place here.

use std::collections::BTreeMap;

use prost::{DecodeError, Message};
use prost_types::value::Kind;
use prost_types::{Struct, Value};

/// Gives `profile` as `patch` changes it; both are encoded objects.
///
/// Nests no deeper than the deeper of them. O(their sizes).
///
/// # Errors
///
/// Bytes that are no `Struct`, which [`check_profile`] does not let through.
///
/// [`check_profile`]: super::payload::check_profile
pub(super) fn merge(profile: &[u8], patch: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut profile = Struct::decode(profile)?;
    apply(Struct::decode(patch)?, &mut profile.fields);
    Ok(profile.encode_to_vec())
}

/// Source: RFC 7396, section 2, `MergePatch`.
fn apply(patch: Struct, target: &mut BTreeMap<String, Value>) {
    for (key, value) in patch.fields {
        match value.kind {
            Some(Kind::NullValue(_)) => {
                target.remove(&key);
            }
            Some(Kind::StructValue(patch)) => apply(patch, object(target.entry(key).or_default())),
            _ => {
                target.insert(key, value);
            }
        }
    }
}

/// The fields of `value`; what is no object becomes an empty one.
fn object(value: &mut Value) -> &mut BTreeMap<String, Value> {
    if !matches!(value.kind, Some(Kind::StructValue(_))) {
        value.kind = None;
    }
    let kind = value
        .kind
        .get_or_insert_with(|| Kind::StructValue(Struct::default()));
    match kind {
        Kind::StructValue(object) => &mut object.fields,
        _ => unreachable!("made an object above"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json, json};

    use super::*;

    fn value(json: &Json) -> Value {
        let kind = match json {
            Json::Null => Kind::NullValue(0),
            Json::Bool(bool) => Kind::BoolValue(*bool),
            Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
            Json::String(text) => Kind::StringValue(text.clone()),
            Json::Array(list) => Kind::ListValue(prost_types::ListValue {
                values: list.iter().map(value).collect(),
            }),
            Json::Object(object) => Kind::StructValue(structure(object)),
        };
        Value { kind: Some(kind) }
    }

    fn structure(object: &Map<String, Json>) -> Struct {
        let fields = object.iter().map(|(key, json)| (key.clone(), value(json)));
        Struct {
            fields: fields.collect(),
        }
    }

    fn encoded(object: &Json) -> Vec<u8> {
        structure(object.as_object().expect("an object")).encode_to_vec()
    }

    #[track_caller]
    fn assert_merged(profile: &Json, patch: &Json, expected: &Json) {
        let merged = merge(&encoded(profile), &encoded(patch)).unwrap();
        assert_eq!(merged, encoded(expected), "{profile} with {patch}");
    }

    /// Source: RFC 7396, appendix A, where all three are objects.
    #[test]
    fn the_examples_of_the_rfc_hold() {
        let table = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ];
        for (profile, patch, expected) in table {
            assert_merged(&profile, &patch, &expected);
        }
    }

    #[test]
    fn a_key_given_twice_counts_as_given_last() {
        let twice = [encoded(&json!({"a": 1})), encoded(&json!({"a": null}))].concat();
        let merged = merge(&encoded(&json!({"a": 0})), &twice).unwrap();
        assert_eq!(merged, encoded(&json!({})));
    }

    #[test]
    fn bytes_that_are_no_object_are_an_error() {
        merge(b"\x0a\x7f", b"").unwrap_err();
        merge(b"", b"\x0a\x7f").unwrap_err();
    }

    /// The RFC's own words, on a library's values.
    fn reference(target: &Json, patch: &Json) -> Json {
        let Json::Object(patch) = patch else {
            return patch.clone();
        };
        let mut target = target.as_object().cloned().unwrap_or_default();
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                let old = target.get(key).cloned().unwrap_or(Json::Null);
                target.insert(key.clone(), reference(&old, value));
            }
        }
        Json::Object(target)
    }

    fn objects() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (-9..9).prop_map(Json::from),
            "[a-c]{0,2}".prop_map(Json::from),
        ];
        let object = |inner| {
            let fields = prop::collection::hash_map("[a-c]", inner, 0..4);
            fields.prop_map(|fields| Json::Object(fields.into_iter().collect()))
        };
        let any = leaf.prop_recursive(4, 24, 4, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from);
            prop_oneof![2 => object(inner), 1 => list]
        });
        let fields = prop::collection::hash_map("[a-c]", any, 0..4);
        fields.prop_map(|fields| Json::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn any_two_objects_merge_as_the_rfc_says(profile in objects(), patch in objects()) {
            assert_merged(&profile, &patch, &reference(&profile, &patch));
        }
    }
}
