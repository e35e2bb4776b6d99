use prost::Message as _;
use prost_reflect::DynamicMessage;

use super::*;

fn of(name: &str) -> MessageDescriptor {
    message(name).unwrap_or_else(|| panic!("no {name}"))
}

/// What `text` is as a message, written again.
#[track_caller]
fn again(name: &str, text: &str) -> String {
    let bytes = read(&of(name), text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
    String::from_utf8(write(&of(name), &bytes)).unwrap()
}

#[track_caller]
fn wrong(name: &str, text: &str) -> (String, String) {
    match read(&of(name), text) {
        Ok(bytes) => panic!("{text} was read as {bytes:?}"),
        Err(Wrong { path, flaw }) => (path, flaw),
    }
}

const SEND: &str = "fanfare.v1.SendRequest";

/// Canonical forms: what is read of them is written so again.
const CANONICAL: &[(&str, &str)] = &[
    (SEND, "{}"),
    (
        SEND,
        r#"{"channel":"a","event":"e","payload":{"json":{"a":[1,-2.5,1e+300,null,true,false,"x",[],{}]}},"requestId":"r","senderId":"s","headers":{"a":"1","b":""}}"#,
    ),
    (SEND, r#"{"payload":{"json":null}}"#),
    (SEND, r#"{"payload":{"json":9007199254740992}}"#),
    (SEND, r#"{"payload":{"text":""}}"#),
    (SEND, r#"{"payload":{"text":"\"\\\n😀"}}"#),
    (
        SEND,
        r#"{"payload":{"text":"\u0000\u0001\b\t\f\r\u001b\u001f"}}"#,
    ),
    (SEND, r#"{"payload":{"binary":"+/8="}}"#),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"type.googleapis.com/no.Such","value":"AQI="}}}"#,
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"x/fanfare.v1.Gap","channel":"c","through":"3"}}}"#,
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"x/google.protobuf.Duration","value":"1.500s"}}}"#,
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/fanfare.v1.Done"}}}}"#,
    ),
    (
        "fanfare.v1.SubscribeRequest",
        r#"{"subscriptions":[{"channel":"a","events":["x","y"],"presence":true,"overflow":"OVERFLOW_POLICY_END"},{}],"data":{"name":"Ada"},"last":0,"heartbeatInterval":"10s","broadcasts":{"disabled":true}}"#,
    ),
    (
        "fanfare.v1.SubscribeRequest",
        r#"{"subscriptions":[{"overflow":77}],"since":"2026-01-02T03:04:05.678Z"}"#,
    ),
    (
        "fanfare.v1.GetHistoryRequest",
        r#"{"channel":"a","pageSize":-3,"after":{"epoch":"e","sequence":"18446744073709551615"}}"#,
    ),
    (
        "fanfare.v1.Event",
        r#"{"sequence":"42","publishTime":"2026-01-02T03:04:05Z"}"#,
    ),
];

#[test]
fn canonical_json_is_read_and_written_the_same() {
    for (name, text) in CANONICAL {
        assert_eq!(again(name, text), *text);
    }
}

#[test]
fn what_is_read_is_what_the_library_reads() {
    for (name, text) in CANONICAL {
        if text.contains("no.Such") {
            continue;
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let library = DynamicMessage::deserialize(of(name), &mut json).unwrap();
        let bytes = read(&of(name), text).unwrap();
        let ours = DynamicMessage::decode(of(name), bytes.as_slice()).unwrap();
        assert!(ours == library, "{text}");
        let written = String::from_utf8(write(&of(name), &library.encode_to_vec())).unwrap();
        let theirs = serde_json::to_value(&library).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&written).unwrap();
        let numbers = |json: serde_json::Value| json.to_string().replace(".0", "");
        assert_eq!(numbers(ours), numbers(theirs), "{text}");
    }
}

#[test]
fn other_ways_to_write_the_same_are_taken() {
    for (text, canonical) in [
        (r#" { "request_id" : "r" } "#, r#"{"requestId":"r"}"#),
        (r#"{"channel":null,"headers":null}"#, "{}"),
        (
            r#"{"payload":{"binary":"-_8"}}"#,
            r#"{"payload":{"binary":"+/8="}}"#,
        ),
        (
            r#"{"payload":{"json":"\u0041\ud83d\ude00"}}"#,
            r#"{"payload":{"json":"A😀"}}"#,
        ),
        (
            r#"{"payload":{"text":null,"binary":"+/8"}}"#,
            r#"{"payload":{"binary":"+/8="}}"#,
        ),
        (
            r#"{"payload":{"json":1.0e2}}"#,
            r#"{"payload":{"json":100}}"#,
        ),
        (
            r#"{"payload":{"any":{}}}"#,
            r#"{"payload":{"any":{"@type":"","value":""}}}"#,
        ),
    ] {
        assert_eq!(again(SEND, text), canonical);
    }
    for sequence in ["7", "\"7\"", "7.0", "7e0"] {
        let text = format!(r#"{{"sequence":{sequence}}}"#);
        assert_eq!(again("fanfare.v1.Position", &text), r#"{"sequence":"7"}"#);
    }
    assert_eq!(
        again("fanfare.v1.Subscription", r#"{"overflow":2}"#),
        r#"{"overflow":"OVERFLOW_POLICY_END"}"#
    );
}

/// What is wrong: the message, the text, the path, and what is said of it.
const WRONG: &[(&str, &str, &str, &str)] = &[
    (SEND, "", "", "is empty"),
    (SEND, "{", "", "is not JSON: EOF"),
    (SEND, "[]", "", "must be an object, not an array"),
    (
        SEND,
        r#"{"chanel":"a"}"#,
        "chanel",
        "is no field of SendRequest, which has: channel, event",
    ),
    (
        SEND,
        r#"{"payload":{"json":1,"x":2}}"#,
        "payload.x",
        "is no field of Payload",
    ),
    (
        SEND,
        r#"{"channel":1}"#,
        "channel",
        "must be a string, not 1",
    ),
    (
        SEND,
        r#"{"channel":"a","channel":"b"}"#,
        "channel",
        "is set twice",
    ),
    (
        SEND,
        r#"{"request_id":"a","requestId":"b"}"#,
        "requestId",
        "is set twice",
    ),
    (
        SEND,
        r#"{"headers":{"a b":1}}"#,
        r#"headers["a b"]"#,
        "must be a string, not 1",
    ),
    (
        SEND,
        r#"{"headers":[]}"#,
        "headers",
        "must be an object, not an array",
    ),
    (
        SEND,
        r#"{"payload":{"json":1,"text":"a"}}"#,
        "payload.text",
        "is set beside json: only one of json, text, binary, any may be",
    ),
    (
        SEND,
        r#"{"payload":{"json":{"items":[0,{"id":9007199254740993}]}}}"#,
        "payload.json.items[1].id",
        "is 9007199254740993; numbers travel as doubles, exact only to 2^53: send it as a string",
    ),
    (
        SEND,
        r#"{"payload":{"json":-99999999999999999999}}"#,
        "payload.json",
        "is -99999999999999999999; ",
    ),
    (
        SEND,
        r#"{"payload":{"json":[1e999]}}"#,
        "payload.json[0]",
        "is 1e999, which no double holds",
    ),
    (
        SEND,
        r#"{"payload":{"text":"\ud800"}}"#,
        "payload.text",
        "half of a character",
    ),
    (
        SEND,
        r#"{"payload":{"binary":"!"}}"#,
        "payload.binary",
        "is not base64",
    ),
    (
        SEND,
        r#"{"payload":{"binary":"+/8=="}}"#,
        "payload.binary",
        "is not base64",
    ),
    (
        SEND,
        r#"{"payload":{"binary":"+/9="}}"#,
        "payload.binary",
        "is not base64",
    ),
    (
        SEND,
        r#"{"payload":{"any":{"a":1}}}"#,
        "payload.any",
        "has no \"@type\"",
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":1}}}"#,
        "payload.any",
        "that is no string",
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"x/no.Such","a":1}}}"#,
        "payload.any",
        "which is not known here",
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"x/no.Such","value":"","a":1}}}"#,
        "payload.any",
        "which is not known here",
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"x/fanfare.v1.Gap","b":1}}}"#,
        "payload.any.b",
        "is no field of Gap",
    ),
    (
        SEND,
        r#"{"payload":{"any":{"@type":"x/google.protobuf.Duration","value":"1"}}}"#,
        "payload.any.value",
        "which makes no Duration",
    ),
    (
        "fanfare.v1.SendBatchRequest",
        r#"{"requests":[{},{"event":[]}]}"#,
        "requests[1].event",
        "must be a string, not an array",
    ),
    (
        "fanfare.v1.GetMembersRequest",
        r#"{"pageSize":1.5}"#,
        "pageSize",
        "must be a whole number of -2147483648 to 2147483647, not 1.5",
    ),
    (
        "fanfare.v1.Position",
        r#"{"sequence":-1}"#,
        "sequence",
        "must be a whole number of 0 to",
    ),
    (
        "fanfare.v1.Position",
        r#"{"sequence":1e17}"#,
        "sequence",
        "must be a whole number of 0 to",
    ),
    (
        "fanfare.v1.Position",
        r#"{"sequence":" 7"}"#,
        "sequence",
        "must be a whole number of 0 to",
    ),
    (
        "fanfare.v1.Subscription",
        r#"{"overflow":"2"}"#,
        "overflow",
        "must be one of OVERFLOW_POLICY_UNSPECIFIED",
    ),
    (
        "fanfare.v1.Subscription",
        r#"{"overflow":"END"}"#,
        "overflow",
        "must be one of OVERFLOW_POLICY_UNSPECIFIED",
    ),
    (
        "fanfare.v1.Subscription",
        r#"{"echo":"true"}"#,
        "echo",
        "must be true or false, not \"true\"",
    ),
    (
        "fanfare.v1.SubscribeRequest",
        r#"{"last":1,"since":"x"}"#,
        "since",
        "is set beside last",
    ),
    (
        "fanfare.v1.SubscribeRequest",
        r#"{"since":"yesterday"}"#,
        "since",
        "which makes no Timestamp",
    ),
];

#[test]
fn what_is_wrong_is_told_with_its_path() {
    for (name, text, path, flaw) in WRONG {
        let (at, says) = wrong(name, text);
        assert_eq!(at, *path, "{text}: {says}");
        assert!(says.contains(flaw), "{text}: {says}");
    }
}

#[test]
fn an_any_that_is_not_what_it_says_stays_base64() {
    let payload = of("fanfare.v1.Payload");
    let deep = (0..200).fold(vec![], |inner: Vec<u8>, _| {
        let list = prost_types::Any {
            type_url: String::new(),
            value: inner,
        };
        // ListValue.values and Value.list_value, by hand.
        let mut value = vec![0x32];
        prost::encoding::encode_varint(list.value.len() as u64, &mut value);
        value.extend(&list.value);
        let mut outer = vec![0x0a];
        prost::encoding::encode_varint(value.len() as u64, &mut outer);
        outer.extend(value);
        outer
    });
    for (url, bytes) in [
        ("x/fanfare.v1.Gap", &b"\x0a\x7f"[..]),
        ("x/fanfare.v1.Gap", b"\x0a\x01\xff"),
        ("x/fanfare.v1.Gap", b"\x08\x01"),
        ("x/google.protobuf.ListValue", &deep),
        ("no url", b"\x01"),
    ] {
        let any = prost_types::Any {
            type_url: url.to_owned(),
            value: bytes.to_vec(),
        };
        let mut encoded = vec![0x22];
        prost::encoding::encode_varint(any.encoded_len() as u64, &mut encoded);
        encoded.extend(any.encode_to_vec());
        let json: serde_json::Value = serde_json::from_slice(&write(&payload, &encoded)).unwrap();
        assert_eq!(json["any"]["@type"], url);
        assert!(json["any"]["value"].is_string(), "{json}");
    }
}

#[test]
fn an_any_in_too_many_others_is_told_and_ends_nothing() {
    let nested = (0..40).fold(r#"{"@type":"x/fanfare.v1.Done"}"#.to_owned(), |inner, _| {
        format!(r#"{{"@type":"x/google.protobuf.Any","value":{inner}}}"#)
    });
    let (_, flaw) = wrong(SEND, &format!(r#"{{"payload":{{"any":{nested}}}}}"#));
    assert!(flaw.contains("too many"), "{flaw}");
}

#[test]
fn many_of_any_beside_each_other_are_not_too_many() {
    let one = r#"{"payload":{"any":{"@type":"x/fanfare.v1.Done"}}}"#;
    let many = [one; ANY_DEPTH + 1].join(",");
    let batch = format!(r#"{{"requests":[{many}]}}"#);
    assert_eq!(again("fanfare.v1.SendBatchRequest", &batch), batch);
}

/// A field that holds these bytes.
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    put(number, bytes, &mut encoded);
    encoded
}

#[track_caller]
fn written(name: &str, bytes: &[u8]) -> String {
    String::from_utf8(write(&of(name), bytes)).unwrap()
}

#[test]
fn of_a_field_that_comes_twice_the_last_is_written() {
    let bytes = [field(1, b"first"), field(1, b"last")].concat();
    assert_eq!(written(SEND, &bytes), r#"{"channel":"last"}"#);
}

#[test]
fn a_default_that_was_sent_is_not_written() {
    assert_eq!(written(SEND, &field(1, b"")), "{}");
    // But where being there says something.
    let text = field(3, &field(2, b""));
    assert_eq!(written(SEND, &text), r#"{"payload":{"text":""}}"#);
}

#[test]
fn what_canonical_json_has_no_words_for_is_written_plainly() {
    let time = prost_types::Timestamp {
        seconds: i64::MIN,
        nanos: -1,
    };
    assert_eq!(
        written("google.protobuf.Timestamp", &time.encode_to_vec()),
        r#"{"seconds":"-9223372036854775808","nanos":-1}"#
    );
    for (value, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        let kind = Some(prost_types::value::Kind::NumberValue(value));
        let number = prost_types::Value { kind }.encode_to_vec();
        assert_eq!(
            written("google.protobuf.Value", &number),
            format!("{text:?}")
        );
        let wrapped = written("google.protobuf.DoubleValue", &value.encode_to_vec());
        assert_eq!(wrapped, format!(r#"{{"value":{text:?}}}"#));
    }
}

#[test]
fn any_bytes_are_written_as_json() {
    let message = of("fanfare.v1.SubscribeResponse");
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..20_000 {
        let bytes: Vec<_> = (0..random.usize(..60)).map(|_| random.u8(..)).collect();
        let json = write(&message, &bytes);
        serde_json::from_slice::<serde_json::Value>(&json)
            .unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
    }
}

#[test]
fn any_text_is_read_or_refused() {
    let mut random = fastrand::Rng::with_seed(7);
    let parts = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"channel\"",
        "\"payload\"",
        "\"json\"",
        "\"any\"",
        "1",
        "-",
        "\"\\u",
        " ",
        "null",
        "\"é\"",
    ];
    for round in 0..20_000 {
        let text: String = if round % 2 == 0 {
            (0..random.usize(..20))
                .map(|_| parts[random.usize(..parts.len())])
                .collect()
        } else {
            let (_, text) = CANONICAL[random.usize(..CANONICAL.len())];
            let cut = random.usize(..text.len());
            let mut bytes = text.as_bytes().to_vec();
            bytes[cut] = random.u8(32..127);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        drop(read(&of(SEND), &text));
    }
}

#[test]
fn what_nests_as_deep_as_it_may_is_read() {
    // In the payload, in the message.
    let value = format!("{}1{}", "[".repeat(126), "]".repeat(126));
    let text = format!(r#"{{"payload":{{"json":{value}}}}}"#);
    assert_eq!(again(SEND, &text), text);
}

#[test]
fn what_nests_too_deep_is_refused_before_it_is_followed() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for deep in [127, 200_000] {
            let value = format!("{}1{}", open.repeat(deep), close.repeat(deep));
            let (_, flaw) = wrong(SEND, &format!(r#"{{"payload":{{"json":{value}}}}}"#));
            assert!(flaw.contains("128 deep"), "{flaw}");
        }
    }
    let text = r#"\"["#.repeat(200);
    again(SEND, &format!(r#"{{"payload":{{"text":"{text}"}}}}"#));
}

#[test]
fn an_error_does_not_repeat_all_of_a_large_value() {
    let many = "9".repeat(1 << 20);
    for payload in [
        format!(r#"{{"json":{many}}}"#),
        format!(
            r#"{{"any":{{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"{many}"}}}}"#
        ),
        format!(r#"{{"any":{{"@type":"{many}"}}}}"#),
    ] {
        let (_, flaw) = wrong(SEND, &format!(r#"{{"payload":{payload}}}"#));
        assert!(flaw.len() < 1_000, "{} bytes", flaw.len());
    }
}
