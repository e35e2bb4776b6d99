//! Payloads and profiles, sound and not, and the frames that carry them.
//!
//! The messages mirror the proto, so that what the server keeps as bytes can
//! be read for once.

use std::collections::BTreeMap;
use std::fmt::Debug;

use fanfare::rpc::raw::Raw;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use prost::{Message, Oneof};
use prost_types::value::Kind as Json;
use prost_types::{Any, ListValue, Struct, Value};

/// `SubscribeResponse`, with what carries a user's bytes; as a server writes
/// it with `P` and `D` both [`Raw`], as a client reads it with the real ones.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Frame<P: Part, D: Part> {
    #[prost(message, optional, tag = "2")]
    pub(crate) event: Option<Event<P>>,
    #[prost(message, optional, tag = "7")]
    pub(crate) members: Option<MembersSnapshot<D>>,
}

pub(crate) type Read = Frame<Payload, Struct>;
pub(crate) type Written = Frame<Raw, Raw>;

/// What the derive asks of a generic field.
pub(crate) trait Part: Message + Default + Clone + PartialEq + Debug {}
impl<T: Message + Default + Clone + PartialEq + Debug> Part for T {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event<P: Part> {
    #[prost(string, tag = "1")]
    channel: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) payload: Option<P>,
    #[prost(fixed64, tag = "4")]
    sequence: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct MembersSnapshot<D: Part> {
    #[prost(message, repeated, tag = "2")]
    pub(crate) members: Vec<Member<D>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Member<D: Part> {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) data: Option<D>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Payload {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4")]
    pub(crate) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Kind {
    #[prost(message, tag = "1")]
    Json(Value),
    #[prost(string, tag = "2")]
    Text(String),
    #[prost(bytes, tag = "3")]
    Binary(Vec<u8>),
    #[prost(message, tag = "4")]
    Any(Any),
}

/// The frame of an event with this payload.
pub(crate) fn event_frame(payload: &[u8]) -> Vec<u8> {
    let event = Event {
        channel: "c".into(),
        payload: Some(Raw::from(payload.to_vec())),
        sequence: 7,
    };
    let (event, members) = (Some(event), None);
    Written { event, members }.encode_to_vec()
}

/// The frame of a snapshot whose only member has this profile.
pub(crate) fn members_frame(profile: &[u8]) -> Vec<u8> {
    let member = Member {
        id: "m".into(),
        data: Some(Raw::from(profile.to_vec())),
    };
    let members = vec![member];
    let (event, members) = (None, Some(MembersSnapshot { members }));
    Written { event, members }.encode_to_vec()
}

pub(crate) fn json(kind: Json) -> Value {
    Value { kind: Some(kind) }
}

pub(crate) fn list(values: Vec<Value>) -> Value {
    json(Json::ListValue(ListValue { values }))
}

pub(crate) fn object(fields: BTreeMap<String, Value>) -> Value {
    json(Json::StructValue(Struct { fields }))
}

pub(crate) fn encoded(kind: Kind) -> Vec<u8> {
    let kind = Some(kind);
    Payload { kind }.encode_to_vec()
}

/// `null` inside so many lists.
pub(crate) fn in_lists(count: u32) -> Value {
    (0..count).fold(json(Json::NullValue(0)), |inner, _| list(vec![inner]))
}

/// `innermost` inside so many objects.
pub(crate) fn in_objects(count: u32, innermost: &Value) -> Value {
    (0..count).fold(innermost.clone(), |inner, _| {
        object(BTreeMap::from([("k".into(), inner)]))
    })
}

/// Payloads that are nested as deep as may be: their innermost message is the
/// hundredth of the frame.
pub(crate) fn deepest_payloads() -> [Vec<u8>; 2] {
    let null = json(Json::NullValue(0));
    [in_lists(48), in_objects(32, &null)].map(|value| encoded(Kind::Json(value)))
}

/// Such a profile: what its 32 objects end in is the 99th, and an empty list.
pub(crate) fn deepest_profile() -> Vec<u8> {
    Struct {
        fields: BTreeMap::from([("k".into(), in_objects(31, &list(Vec::new())))]),
    }
    .encode_to_vec()
}

fn finite_numbers() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE
}

fn json_values() -> impl Strategy<Value = Value> {
    let scalars = prop_oneof![
        Just(Json::NullValue(0)),
        finite_numbers().prop_map(Json::NumberValue),
        "\\PC{0,6}".prop_map(Json::StringValue),
        any::<bool>().prop_map(Json::BoolValue),
    ];
    scalars.prop_map(json).prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(list),
            btree_map("\\PC{0,4}", inner, 0..4).prop_map(object),
        ]
    })
}

/// What clients send: payloads of every kind.
pub(crate) fn sound_payloads() -> impl Strategy<Value = Vec<u8>> {
    let any = ("\\PC{0,8}", vec(any::<u8>(), 0..8))
        .prop_map(|(type_url, value)| Kind::Any(Any { type_url, value }));
    prop_oneof![
        3 => json_values().prop_map(Kind::Json),
        1 => "\\PC{0,12}".prop_map(Kind::Text),
        1 => vec(proptest::num::u8::ANY, 0..12).prop_map(Kind::Binary),
        1 => any,
    ]
    .prop_map(encoded)
}

pub(crate) fn sound_profiles() -> impl Strategy<Value = Vec<u8>> {
    btree_map("\\PC{0,4}", json_values(), 0..4).prop_map(|fields| Struct { fields }.encode_to_vec())
}

/// `sound` ones flipped, cut, inserted into, partly repeated, or spliced.
pub(crate) fn damaged<S: Strategy<Value = Vec<u8>>>(
    sound: fn() -> S,
) -> impl Strategy<Value = Vec<u8>> {
    let places = any::<(Index, Index)>();
    (sound(), sound(), 0..5, places, any::<u8>()).prop_map(
        |(mut bytes, other, how, (one, two), byte)| {
            let splice = two.index(other.len() + 1);
            let (one, two) = (one.index(bytes.len() + 1), two.index(bytes.len() + 1));
            let (start, end) = (one.min(two), one.max(two));
            match how {
                0 => bytes
                    .iter_mut()
                    .skip(start)
                    .take(1)
                    .for_each(|b| *b ^= 1 << (byte % 8)),
                1 => bytes.truncate(start),
                2 => bytes.insert(start, byte),
                3 => bytes.extend_from_within(start..end),
                _ => drop(bytes.splice(start.., other[splice..].iter().copied())),
            }
            bytes
        },
    )
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    [&*bytes, content].concat()
}

/// One field of a JSON value; now and then one that it cannot have.
fn wild_scalars() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(vec![0x08, 0]),
        4 => Just(vec![0x20, 1]),
        4 => proptest::num::f64::ANY.prop_map(|number| [&[0x11], &number.to_le_bytes()[..]].concat()),
        4 => "\\PC{0,4}".prop_map(|text| field(3, text.as_bytes())),
        1 => vec(any::<u8>(), 0..3).prop_map(|text| field(3, &text)),
        1 => vec(0..4_u8, 0..3),
        1 => (0..9_u8).prop_map(|number| field(number, b"")),
        // A group, a padded key, lengths of five bytes and of six.
        1 => Just(vec![0x23, 0x24]),
        1 => Just(vec![0xa0, 0x00, 0x01]),
        1 => Just(vec![0x1a, 0x80, 0x80, 0x80, 0x80, 0x00]),
        1 => Just(vec![0x1a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
    ]
}

/// Mostly one of `one`, now and then none or two.
fn about_one(one: impl Strategy<Value = Vec<u8>> + Clone) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        18 => one.clone(),
        1 => Just(Vec::new()),
        1 => (one.clone(), one).prop_map(|(first, second)| [first, second].concat()),
    ]
}

/// Payloads whose lengths are right, and the rest mostly.
pub(crate) fn wild_payloads() -> impl Strategy<Value = Vec<u8>> {
    let values = wild_scalars().prop_recursive(4, 16, 3, |inner| {
        let values = about_one(inner.clone()).prop_map(|value| field(1, &value));
        let keys = "\\PC{0,2}".prop_map(|key| field(1, key.as_bytes())).boxed();
        let contents = inner.prop_map(|value| field(2, &value)).boxed();
        let entries = (about_one(keys), about_one(contents), any::<bool>())
            .prop_map(|(key, value, swap)| if swap { [value, key] } else { [key, value] }.concat())
            .prop_map(|entry| field(1, &entry));
        prop_oneof![
            vec(values, 0..4).prop_map(|values| field(6, &values.concat())),
            vec(entries, 0..4).prop_map(|entries| field(5, &entries.concat())),
        ]
    });
    let json = about_one(values.boxed()).prop_map(|value| field(1, &value));
    let any = (
        about_one(Just(field(1, b"u"))),
        about_one(Just(field(2, b"v"))),
    )
        .prop_map(|(url, value)| field(4, &[url, value].concat()));
    about_one(prop_oneof![4 => json, 1 => any].boxed())
}
