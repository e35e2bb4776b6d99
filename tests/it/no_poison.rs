//! Whatever the walk accepts, prost parses in the frame that subscribers get,
//! so whatever prost refuses, the walk refuses.

use std::collections::BTreeMap;

use fanfare::rpc::payload::{Flaw, check_payload, check_profile};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use prost_types::value::Kind as Json;
use prost_types::{Struct, Value};

use crate::payloads::{
    Kind, Read, Written, damaged, deepest_payloads, deepest_profile, encoded, event_frame,
    in_lists, in_objects, json, list, members_frame, sound_payloads, sound_profiles, wild_payloads,
};

/// Whether every JSON value is something, and something that JSON can say.
fn is_sound(value: &Value) -> bool {
    match &value.kind {
        None => false,
        Some(Json::NumberValue(number)) => number.is_finite(),
        Some(Json::NullValue(null)) => *null == 0,
        Some(Json::StringValue(_) | Json::BoolValue(_)) => true,
        Some(Json::StructValue(object)) => object.fields.values().all(is_sound),
        Some(Json::ListValue(list)) => list.values.iter().all(is_sound),
    }
}

#[track_caller]
fn reads_soundly(payload: &[u8]) {
    let frame = Read::decode(&*event_frame(payload)).expect("accepted, so parsed");
    match frame.event.unwrap().payload.unwrap().kind {
        Some(Kind::Json(value)) => assert!(is_sound(&value), "{value:?}"),
        Some(Kind::Text(_) | Kind::Binary(_) | Kind::Any(_)) => {}
        None => assert_eq!(payload, b""),
    }
}

#[track_caller]
fn profile_reads_soundly(profile: &[u8]) {
    let frame = Read::decode(&*members_frame(profile)).expect("accepted, so parsed");
    let data = frame.members.unwrap().members.remove(0).data.unwrap();
    assert!(data.fields.values().all(is_sound), "{data:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_sound_payload_is_accepted_and_passed_on_as_it_came(payload in sound_payloads()) {
        prop_assert_eq!(check_payload(&payload), Ok(()));
        let frame = event_frame(&payload);
        let raw = Written::decode(&*frame).unwrap().event.unwrap().payload.unwrap();
        prop_assert_eq!(raw.bytes(), &*payload);
        prop_assert_eq!(Read::decode(&*frame).unwrap().encode_to_vec(), frame);
    }

    #[test]
    fn a_sound_profile_is_accepted(profile in sound_profiles()) {
        prop_assert_eq!(check_profile(&profile), Ok(()));
        profile_reads_soundly(&profile);
    }

    #[test]
    fn a_damaged_payload_that_is_accepted_parses(payload in damaged(sound_payloads)) {
        if check_payload(&payload).is_ok() {
            reads_soundly(&payload);
        }
    }

    #[test]
    fn a_wild_payload_that_is_accepted_parses(payload in wild_payloads()) {
        if check_payload(&payload).is_ok() {
            reads_soundly(&payload);
        }
    }

    #[test]
    fn a_damaged_profile_that_is_accepted_parses(profile in damaged(sound_profiles)) {
        if check_profile(&profile).is_ok() {
            profile_reads_soundly(&profile);
        }
    }

    /// Whatever is in the bytes, a path is short and the walk does not panic.
    #[test]
    fn a_refusal_is_short(payload in vec(any::<u8>(), 0..64)) {
        if let Err(poison) = check_payload(&payload) {
            prop_assert!(poison.to_string().len() < 300);
        }
    }
}

#[test]
fn the_deepest_payload_is_accepted_and_parses() {
    for payload in deepest_payloads() {
        assert_eq!(check_payload(&payload), Ok(()));
        reads_soundly(&payload);
    }
}

#[test]
fn one_message_deeper_than_the_deepest_payload_is_refused() {
    let one_deeper = in_objects(32, &list(Vec::new()));
    let two_deeper = in_lists(49);
    for value in [one_deeper, two_deeper] {
        let poison = check_payload(&encoded(Kind::Json(value))).unwrap_err();
        assert_eq!(poison.flaw(), Flaw::TooDeep, "{poison}");
        assert!(poison.path().starts_with("json."), "{poison}");
    }
}

#[test]
fn the_deepest_profile_is_accepted_and_parses() {
    assert_eq!(check_profile(&deepest_profile()), Ok(()));
    profile_reads_soundly(&deepest_profile());
}

#[test]
fn one_message_deeper_than_the_deepest_profile_is_refused() {
    let one_deeper = in_objects(31, &list(vec![json(Json::NullValue(0))]));
    let fields = BTreeMap::from([("k".into(), one_deeper)]);
    let poison = check_profile(&Struct { fields }.encode_to_vec()).unwrap_err();
    assert_eq!(poison.flaw(), Flaw::TooDeep, "{poison}");
}
