//! What bad requests get: a code, a reason, the field and the limit.

use std::collections::BTreeMap;

use bytes::Bytes;
use fanfare::rpc::client::payload::Kind;
use fanfare::rpc::client::{Payload, SendRequest};
use prost::Message;
use prost_types::value::Kind as Json;
use prost_types::{Struct, Value};
use tonic::Code;

use crate::bystander::{
    Case, broadcasting, case, field, finding, listing, reading, refused, second, sending,
};
use crate::payloads::{in_lists, in_objects, json, list};
use crate::support::{node, text};
use crate::wire_support::{Wire, prefixed, request};

fn bad_channels() -> Vec<Case> {
    let names: [(String, &'static str); 13] = [
        (String::new(), "empty"),
        ("x".repeat(256), "256 bytes long, the limit is 255"),
        ("é".repeat(128), "256 bytes long, the limit is 255"),
        ("x".repeat(4 << 20), "the limit is 255"),
        ("a\nb".into(), "control character"),
        ("a\0".into(), "control character"),
        ("a\u{85}".into(), "control character"),
        (".a".into(), "empty segment"),
        ("a.".into(), "empty segment"),
        ("a..b".into(), "empty segment"),
        ("a.*".into(), "wildcard"),
        ("*".into(), "wildcard"),
        ("a.>".into(), "wildcard"),
    ];
    let bad = "INVALID_CHANNEL";
    let mut cases = Vec::new();
    for (name, says) in names {
        let send = sending(|request| request.channel.clone_from(&name));
        cases.push(case(send, bad, "channel", says));
        let list = listing(|request| request.channel.clone_from(&name));
        cases.push(case(list, bad, "channel", says));
        let read = reading(|request| request.channel.clone_from(&name));
        cases.push(case(read, bad, "channel", says));
        if says != "wildcard" && says != "empty" {
            let find = finding(|request| request.pattern.clone_from(&name));
            cases.push(case(find, bad, "pattern", says));
        }
        if says != "wildcard" {
            let subscribe = second(|subscription| subscription.channel.clone_from(&name));
            cases.push(case(subscribe, bad, "subscriptions[1].channel", says));
        }
    }
    let says = "must be the last";
    let inner = second(|subscription| subscription.channel = "a.>.b".into());
    cases.push(case(inner, bad, "subscriptions[1].channel", says));
    let inner = finding(|request| request.pattern = "a.>.b".into());
    cases.push(case(inner, bad, "pattern", says));
    cases
}

#[test]
fn a_bad_channel_is_refused() {
    refused("channels", bad_channels);
}

fn bad_texts() -> Vec<Case> {
    let long = || "x".repeat(129);
    let huge = || "é".repeat(1 << 20);
    let limit = "129 bytes long, the limit is 128";
    vec![
        case(
            sending(|r| r.event = long()),
            "INVALID_EVENT",
            "event",
            limit,
        ),
        case(
            sending(|r| r.event = huge()),
            "INVALID_EVENT",
            "event",
            "limit is 128",
        ),
        case(
            sending(|r| r.event = "\t".into()),
            "INVALID_EVENT",
            "event",
            "control",
        ),
        case(
            broadcasting(|r| r.event = long()),
            "INVALID_EVENT",
            "event",
            limit,
        ),
        case(
            sending(|r| r.request_id = long()),
            "INVALID_REQUEST_ID",
            "request_id",
            limit,
        ),
        case(
            broadcasting(|r| r.request_id = huge()),
            "INVALID_REQUEST_ID",
            "request_id",
            "128",
        ),
        case(
            sending(|r| r.request_id = "\u{7f}".into()),
            "INVALID_REQUEST_ID",
            "request_id",
            "control",
        ),
        case(
            sending(|r| r.sender_id = long()),
            "INVALID_REQUEST",
            "sender_id",
            limit,
        ),
        case(
            broadcasting(|r| r.sender_id = huge()),
            "INVALID_REQUEST",
            "sender_id",
            "128",
        ),
    ]
}

#[test]
fn a_bad_name_or_id_is_refused() {
    refused("texts", bad_texts);
}

fn bad_headers() -> Vec<Case> {
    let many: BTreeMap<_, _> = (0..17).map(|n| (n.to_string(), String::new())).collect();
    let one = |name: String, value: String| BTreeMap::from([(name, value)]);
    let says = [
        (many, "17 entries, the limit is 16"),
        (one("k".repeat(128), "v".repeat(129)), "257 bytes"),
        (one("k".into(), "é".repeat(128)), "the limit is 256"),
        (one(String::new(), "v".into()), "without a name"),
        (one("\u{1}é\"".repeat(100_000), String::new()), "\\u{1}é"),
        (one("k".into(), "v".repeat(4 << 20)), "the limit is 256"),
    ];
    let mut cases = Vec::new();
    for (headers, says) in says {
        let send = sending(|request| request.headers = headers.clone());
        cases.push(case(send, "INVALID_HEADERS", "headers", says));
        let broadcast = broadcasting(|request| request.headers = headers);
        cases.push(case(broadcast, "INVALID_HEADERS", "headers", says));
    }
    cases
}

#[test]
fn bad_headers_are_refused() {
    refused("headers", bad_headers);
}

fn payload_of(value: Value) -> Vec<u8> {
    let kind = Some(Kind::Json(value));
    Payload { kind }.encode_to_vec()
}

/// Lists in lists, deeper than a parser's stack may be.
fn bottomless() -> Vec<u8> {
    let null = vec![0x08, 0];
    let list = |inner: Vec<u8>, _| field(6, &field(1, &inner));
    field(1, &(0..5_000).fold(null, list))
}

fn bad_payloads() -> Vec<Case> {
    let number = |number| payload_of(json(Json::NumberValue(number)));
    let text = |bytes| field(2, bytes);
    let key = "k\"é".repeat(2_000);
    let keyed = Struct {
        fields: BTreeMap::from([(key, in_objects(20, &Value { kind: None }))]),
    };
    let payloads = [
        (number(f64::NAN), "json.number is not finite"),
        (number(f64::NEG_INFINITY), "json.number is not finite"),
        (
            payload_of(list(vec![Value { kind: None }])),
            "json.list[0] has no kind",
        ),
        (payload_of(in_lists(49)), "nests deeper than 100"),
        (bottomless(), "nests deeper than 100"),
        (payload_of(json(Json::StructValue(keyed))), "has no value"),
        (text(b"\xff"), "text is not UTF-8"),
        ([text(b"a"), text(b"b")].concat(), "has 2 kinds"),
        (field(6, b""), "has field 6"),
        (vec![0x12, 0x7f], "underflow"),
        (field(1, b"\x11\0"), "json.number breaks the wire format"),
    ];
    let mut cases = Vec::new();
    for (payload, says) in payloads {
        let send = [field(1, b"a"), field(3, &payload)].concat();
        let broadcast = field(2, &payload);
        for message in [("Send", send), ("Broadcast", broadcast)] {
            cases.push(case(message, "INVALID_PAYLOAD", "payload", says));
        }
    }
    cases
}

#[test]
fn a_poisonous_payload_is_refused() {
    refused("payloads", bad_payloads);
}

fn not_utf8() -> Vec<Case> {
    let bad = |number| field(number, b"a\xff");
    let entry = |inner: Vec<u8>| [field(1, b"a"), field(6, &inner)].concat();
    let subscription = |inner: Vec<u8>| ("Subscribe", field(1, &inner));
    let is = "UTF-8";
    vec![
        case(("Send", bad(1)), "INVALID_CHANNEL", "channel", is),
        case(("Send", bad(2)), "INVALID_EVENT", "event", is),
        case(("Send", bad(4)), "INVALID_REQUEST_ID", "request_id", is),
        case(("Send", bad(5)), "INVALID_REQUEST", "sender_id", is),
        case(("Send", entry(bad(1))), "INVALID_HEADERS", "headers", is),
        case(("Send", entry(bad(2))), "INVALID_HEADERS", "headers", is),
        case(("Broadcast", bad(1)), "INVALID_EVENT", "event", is),
        case(
            ("Broadcast", bad(3)),
            "INVALID_REQUEST_ID",
            "request_id",
            is,
        ),
        case(("GetMembers", bad(1)), "INVALID_CHANNEL", "channel", is),
        case(
            ("GetMembers", bad(3)),
            "INVALID_PAGE_TOKEN",
            "page_token",
            is,
        ),
        case(
            subscription(bad(1)),
            "INVALID_CHANNEL",
            "subscriptions.channel",
            is,
        ),
        case(
            subscription(bad(2)),
            "INVALID_SUBSCRIPTION",
            "subscriptions.events",
            is,
        ),
        case(
            ("Subscribe", field(7, &bad(1))),
            "INVALID_SUBSCRIPTION",
            "broadcasts.events",
            is,
        ),
        case(
            ("Subscribe", field(2, &field(1, &bad(1)))),
            "INVALID_PROFILE",
            "data",
            is,
        ),
        case(("Subscribe", bad(8)), "INVALID_REQUEST", "member_token", is),
    ]
}

fn not_utf8_in_later_calls() -> Vec<Case> {
    let bad = |number| field(number, b"a\xff");
    let inside = |number| field(number, &bad(1));
    let (position, token) = ("INVALID_POSITION", "INVALID_PAGE_TOKEN");
    let update = "UpdateMember";
    [
        ("Subscribe", inside(3), position, "resume.epoch"),
        ("GetHistory", bad(1), "INVALID_CHANNEL", "channel"),
        ("GetHistory", bad(3), token, "page_token"),
        ("GetHistory", inside(4), position, "after.epoch"),
        ("GetHistory", inside(5), position, "before.epoch"),
        ("ListChannels", bad(1), "INVALID_CHANNEL", "pattern"),
        ("ListChannels", bad(3), token, "page_token"),
        (update, bad(1), "INVALID_REQUEST", "member_id"),
        (update, bad(4), "INVALID_REQUEST", "member_token"),
    ]
    .map(|(method, message, reason, field)| case((method, message), reason, field, "UTF-8"))
    .into_iter()
    .collect()
}

#[test]
fn text_that_is_not_utf8_is_refused_by_its_field_in_later_calls_too() {
    refused("later utf8", not_utf8_in_later_calls);
}

#[test]
fn text_that_is_not_utf8_is_refused_by_its_field() {
    refused("utf8", not_utf8);
}

fn no_messages() -> Vec<Case> {
    let bytes: [&[u8]; 6] = [
        b"\xff",
        b"{\"channel\": \"a\"}",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x00\x00\x00\x00",
        b"\x0b",
        &[0x80; 64],
    ];
    let mut cases = Vec::new();
    for method in [
        "Send",
        "Broadcast",
        "GetMembers",
        "Subscribe",
        "UpdateMember",
        "GetHistory",
        "ListChannels",
    ] {
        for bytes in bytes {
            let message = (method, bytes.to_vec());
            let known = bytes[0] == 0x0a || bytes[0] == 0x0b;
            if !known {
                cases.push(case(message, "INVALID_REQUEST", "", ""));
            }
        }
    }
    cases
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    refused("garbage", no_messages);
}

#[tokio::test]
async fn a_request_is_taken_as_a_whole_or_not_at_all() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let whole = text("a", "e", "hello").encode_to_vec();
    for length in 1..whole.len() {
        let answer = wire
            .call(request("Send"), prefixed(0, &whole[..length]))
            .await;
        if let Ok(cut) = SendRequest::decode(Bytes::copy_from_slice(&whole[..length])) {
            assert!(cut.payload.is_none(), "a message by itself");
            continue;
        }
        assert_eq!(answer.status().code(), Code::InvalidArgument, "{length}");
        assert_ne!(crate::support::reason(&answer.status()), "");
    }
}
