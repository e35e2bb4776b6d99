//! A sentence for each thing the walk refuses, and for what it lets through.

use super::*;

/// A length-delimited field; numbers and lengths here take one byte.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(number < 16 && length < 128);
    [&[number << 3 | 2, length], content].concat()
}

/// A payload that is this JSON value.
fn json(value: &[u8]) -> Vec<u8> {
    field(1, value)
}

fn number(number: f64) -> Vec<u8> {
    [&b"\x11"[..], &number.to_le_bytes()].concat()
}

const NULL: &[u8] = b"\x08\x00";

fn list_of(value: &[u8]) -> Vec<u8> {
    field(6, &field(1, value))
}

fn object_of(entry: &[u8]) -> Vec<u8> {
    field(5, &field(1, entry))
}

#[track_caller]
fn accepted(payload: impl AsRef<[u8]>) {
    assert_eq!(check_payload(payload.as_ref()), Ok(()));
}

#[track_caller]
fn refused(payload: impl AsRef<[u8]>, because: &str) {
    let poison = check_payload(payload.as_ref()).expect_err(because);
    assert_eq!(poison.to_string(), because);
}

#[test]
fn an_empty_payload_is_fine() {
    accepted(b"");
}

#[test]
fn each_kind_is_fine_empty_too() {
    accepted(field(2, b"hi"));
    accepted(field(3, b"\xff\x00"));
    accepted(field(4, &[field(1, b"t/x"), field(2, b"\xff")].concat()));
    for empty_kind in 2..=4 {
        accepted(field(empty_kind, b""));
    }
}

#[test]
fn each_json_kind_is_fine() {
    accepted(json(NULL));
    accepted(json(&number(-0.0)));
    accepted(json(&field(3, "é".as_bytes())));
    accepted(json(b"\x20\x00"));
    accepted(json(b"\x20\x01"));
    accepted(json(&field(5, b"")));
    accepted(json(&field(6, b"")));
    accepted(json(&object_of(&[field(1, b"a"), field(2, NULL)].concat())));
    accepted(json(&list_of(NULL)));
}

#[test]
fn a_missing_key_of_an_object_is_the_empty_one() {
    accepted(json(&object_of(&field(2, NULL))));
    refused(
        json(&object_of(&field(2, b""))),
        r#"json.fields[""] has no kind"#,
    );
}

#[test]
fn bytes_cut_short_are_refused() {
    refused(b"\x12", "text breaks the wire format at byte 1");
    refused(b"\x12\x02a", "text breaks the wire format at byte 1");
    refused(
        b"\x0a\x02\x11\x00",
        "json.number breaks the wire format at byte 3",
    );
    refused(b"\x80", "breaks the wire format at byte 0");
    // Past its message, though not past the payload.
    refused(
        b"\x0a\x02\x1a\x02hi",
        "json.string breaks the wire format at byte 3",
    );
}

#[test]
fn field_number_0_is_refused() {
    refused(b"\x02\x00", "breaks the wire format at byte 0");
}

#[test]
fn a_wire_type_that_does_not_exist_is_refused() {
    refused(b"\x16", "breaks the wire format at byte 0");
}

#[test]
fn a_wire_type_other_than_the_fields_is_refused() {
    let because = "has field 2 of fanfare.v1.Payload with the wrong wire type";
    refused(b"\x10\x01", because);
    refused(
        json(b"\x10\x01"),
        "json has field 2 of google.protobuf.Value with the wrong wire type",
    );
}

#[test]
fn a_group_is_refused() {
    let because = "has field 1 of fanfare.v1.Payload with the wrong wire type";
    refused(b"\x0b\x0c", because);
    refused(b"\x0c", because);
}

#[test]
fn a_padded_key_is_refused() {
    refused(b"\x92\x00\x00", "breaks the wire format at byte 0");
}

#[test]
fn a_varint_of_more_than_32_bits_is_refused() {
    accepted(b"\x12\x80\x80\x80\x80\x00");
    refused(
        b"\x12\x80\x80\x80\x80\x80\x00",
        "text breaks the wire format at byte 1",
    );
    refused(
        b"\x12\x80\x80\x80\x80\x10",
        "text breaks the wire format at byte 1",
    );
    refused(
        b"\x12\xff\xff\xff\xff\x0f",
        "text breaks the wire format at byte 1",
    );
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let surrogate = b"\xed\xa0\x80";
    refused(field(2, surrogate), "text is not UTF-8");
    refused(json(&field(3, surrogate)), "json.string is not UTF-8");
    refused(
        json(&object_of(&[field(1, surrogate), field(2, NULL)].concat())),
        "json.fields.key is not UTF-8",
    );
    refused(field(4, &field(1, surrogate)), "any.type_url is not UTF-8");
}

#[test]
fn a_number_that_is_not_finite_is_refused() {
    for what in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused(json(&number(what)), "json.number is not finite");
    }
}

#[test]
fn a_null_other_than_0_is_refused() {
    refused(
        json(b"\x08\x01"),
        "json.null is 1, which is not one of its values",
    );
}

#[test]
fn a_bool_above_1_is_refused() {
    refused(
        json(b"\x20\x02"),
        "json.bool is 2, which is not one of its values",
    );
}

#[test]
fn a_json_value_without_a_kind_is_refused() {
    refused(json(b""), "json has no kind");
    refused(json(&list_of(b"")), "json.list[0] has no kind");
}

#[test]
fn a_json_value_of_two_kinds_is_refused() {
    refused(json(b"\x08\x00\x20\x01"), "json has 2 kinds");
    refused(json(&[NULL, NULL].concat()), "json has 2 kinds");
}

#[test]
fn a_payload_of_two_kinds_is_refused() {
    refused([field(2, b"a"), field(3, b"b")].concat(), "has 2 kinds");
    refused([json(NULL), json(NULL), json(NULL)].concat(), "has 3 kinds");
}

#[test]
fn an_unknown_field_is_refused_wherever_it_is() {
    let unknown = |path: &str, number: u32, message: &str| {
        format!("{path}has field {number}, which is not part of {message}")
    };
    refused(field(5, b""), &unknown("", 5, "fanfare.v1.Payload"));
    refused(b"\x82\x01\x00", &unknown("", 16, "fanfare.v1.Payload"));
    refused(
        json(&field(7, b"")),
        &unknown("json ", 7, "google.protobuf.Value"),
    );
    refused(
        json(&field(5, &field(2, b""))),
        &unknown("json.fields ", 2, "google.protobuf.Struct"),
    );
    refused(
        json(&object_of(&field(3, b""))),
        &unknown("json.fields ", 3, "google.protobuf.Struct.FieldsEntry"),
    );
    refused(
        json(&field(6, &field(2, b""))),
        &unknown("json.list ", 2, "google.protobuf.ListValue"),
    );
    refused(
        field(4, &field(3, b"")),
        &unknown("any ", 3, "google.protobuf.Any"),
    );
}

#[test]
fn an_objects_key_without_a_value_is_refused() {
    refused(
        json(&object_of(&field(1, b"a"))),
        r#"json.fields["a"] has no value"#,
    );
}

#[test]
fn a_repeated_key_or_value_of_an_object_is_refused() {
    let (key, value) = (field(1, b"a"), field(2, NULL));
    let repeated = |number: u32| {
        format!(
            "json.fields has field {number} of \
             google.protobuf.Struct.FieldsEntry more than once"
        )
    };
    let keys = [&*key, &key, &value].concat();
    refused(json(&object_of(&keys)), &repeated(1));
    let values = [&*key, &value, &value].concat();
    refused(json(&object_of(&values)), &repeated(2));
}

#[test]
fn a_repeated_field_of_any_is_refused() {
    for number in [1, 2] {
        let because = format!("any has field {number} of google.protobuf.Any more than once");
        let twice = [field(number, b"a"), field(number, b"a")].concat();
        refused(field(4, &twice), &because);
    }
}

#[test]
fn a_path_leads_to_the_flaw() {
    let entry = [field(2, &number(f64::NAN)), field(1, b"a\"\n")].concat();
    let last = field(1, &object_of(&entry));
    let values = [field(1, NULL), field(1, NULL), last].concat();
    refused(
        json(&field(6, &values)),
        r#"json.list[2].fields["a\"\n"].number is not finite"#,
    );
}

#[test]
fn a_profile_has_a_path_too() {
    let entry = [field(1, b"a"), field(2, b"")].concat();
    let poison = check_profile(&field(1, &entry)).unwrap_err();
    assert_eq!(poison.to_string(), r#"fields["a"] has no kind"#);
    let poison = poison.under("data");
    assert_eq!(poison.path(), r#"data.fields["a"]"#);
    assert_eq!(poison.flaw(), Flaw::NoKind);
}

#[test]
fn a_long_path_keeps_both_ends_and_whole_characters() {
    let key = "é".repeat(1000);
    let poison = (0..40).fold(Poison::from(Flaw::NoKind).under("x"), |poison, _| {
        poison.at_key(&key).under("fields")
    });
    let path = poison.under("json").path().to_owned();
    assert!(path.len() <= 210, "{} bytes: {path}", path.len());
    assert!(path.starts_with("json.fields[\"éé"), "{path}");
    assert!(path.ends_with("é\"…].x"), "{path}");
    assert_eq!(path.matches("é…é").count(), 1, "{path}");
}
