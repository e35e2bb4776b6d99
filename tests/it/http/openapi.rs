//! The description of the door, against the proto and against what it answers.

use std::collections::BTreeSet;

use fanfare::json;
use prost_reflect::{
    EnumDescriptor, EnumValueDescriptor, FieldDescriptor, Kind, MessageDescriptor,
};
use serde_json::{Value, json};

use super::client::{Http, JSON, MERGE};
use crate::support::{Node, node, send, subscribe_ready, text, to};

async fn described(node: &Node) -> Value {
    Http::new(node).await.get("/openapi.json").await.ok()
}

/// Messages and enums that a message leads to, itself among them.
fn reach(
    message: &MessageDescriptor,
    messages: &mut Vec<MessageDescriptor>,
    enums: &mut Vec<EnumDescriptor>,
) {
    let is_plain = message.package_name() == "google.protobuf" || message.is_map_entry();
    if is_plain || messages.contains(message) {
        return;
    }
    messages.push(message.clone());
    for field in message.fields() {
        match field.kind() {
            Kind::Message(inner) => reach(&inner, messages, enums),
            Kind::Enum(of) if !enums.contains(&of) => enums.push(of),
            _ => {}
        }
    }
}

/// All that is described.
fn all() -> (Vec<MessageDescriptor>, Vec<EnumDescriptor>) {
    let (mut messages, mut enums) = (Vec::new(), Vec::new());
    let unary = [
        "Send",
        "SendBatch",
        "Broadcast",
        "GetMembers",
        "GetHistory",
        "ListChannels",
        "UpdateMember",
    ];
    for method in unary {
        reach(&json::method(method).output(), &mut messages, &mut enums);
    }
    for method in ["Send", "SendBatch", "Broadcast"] {
        reach(&json::method(method).input(), &mut messages, &mut enums);
    }
    reach(
        &json::method("Subscribe").output(),
        &mut messages,
        &mut enums,
    );
    reach(
        &json::message("google.rpc.Status").unwrap(),
        &mut messages,
        &mut enums,
    );
    (messages, enums)
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    names(value.as_object().unwrap().keys().map(String::as_str))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_has_every_field_and_value_of_the_proto() {
    let node = node().await;
    let document = described(&node).await;
    assert_eq!(document["openapi"], "3.1.0");
    let (messages, enums) = all();
    let schemas = &document["components"]["schemas"];
    let of_messages = messages.iter().map(MessageDescriptor::name);
    let all: Vec<_> = of_messages
        .chain(enums.iter().map(EnumDescriptor::name))
        .collect();
    assert_eq!(keys(schemas), names(all));
    for message in &messages {
        let schema = &schemas[message.name()];
        let fields: Vec<_> = message.fields().collect();
        let fields = fields.iter().map(FieldDescriptor::json_name);
        assert_eq!(
            keys(&schema["properties"]),
            names(fields),
            "{}",
            message.name()
        );
        for (name, field) in schema["properties"].as_object().unwrap() {
            let is_ours = message.package_name() == "fanfare.v1";
            assert!(
                !is_ours || field["description"].as_str() > Some(""),
                "{}.{name}",
                message.name()
            );
        }
    }
    for of in &enums {
        let values: Vec<_> = of.values().collect();
        let values: Vec<_> = values.iter().map(EnumValueDescriptor::name).collect();
        assert_eq!(schemas[of.name()]["enum"], json!(values));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_a_query_is_a_parameter() {
    let node = node().await;
    let document = described(&node).await;
    for (method, path) in [
        ("GetMembers", "/v1/members"),
        ("GetHistory", "/v1/history"),
        ("ListChannels", "/v1/channels"),
    ] {
        let fields: Vec<_> = json::method(method).input().fields().collect();
        let parameters = document["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap();
        let parameters = parameters
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap());
        assert_eq!(
            names(parameters),
            names(fields.iter().map(FieldDescriptor::json_name))
        );
    }
}

/// Checks `value` against a schema, as far as the document uses the language.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document
            .pointer(&reference[1..])
            .unwrap_or_else(|| panic!("{reference}"));
        return check(document, schema, value, at);
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value}");
    }
    match schema["type"].as_str() {
        Some("object") => {
            for (name, field) in value.as_object().unwrap_or_else(|| panic!("{at}: {value}")) {
                let at = format!("{at}.{name}");
                match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Value::Null, Value::Bool(false)) => panic!("{at} is not described"),
                    (Value::Null, Value::Object(_)) => {
                        check(document, &schema["additionalProperties"], field, &at);
                    }
                    (Value::Null, _) => {}
                    (schema, _) => check(document, schema, field, &at),
                }
            }
        }
        Some("array") => {
            for item in value.as_array().unwrap_or_else(|| panic!("{at}: {value}")) {
                check(document, &schema["items"], item, at);
            }
        }
        Some("string") => assert!(value.is_string(), "{at}: {value}"),
        Some("integer") => assert!(value.is_i64(), "{at}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{at}: {value}"),
        Some(other) => panic!("{at}: a type {other}"),
        None => {}
    }
}

/// A call of each route: its name, the request, its headers and its body.
/// `MEMBER` is one that is there.
const CALLS: &[(&str, &str, &str, &str)] = &[
    ("send", "POST /v1:send", JSON, r#"{"channel":"a"}"#),
    (
        "sendBatch",
        "POST /v1:sendBatch",
        JSON,
        r#"{"requests":[{"channel":"a"},{}]}"#,
    ),
    (
        "broadcast",
        "POST /v1:broadcast",
        JSON,
        r#"{"headers":{"a":"b"}}"#,
    ),
    ("sendToChannel", "POST /v1/channels/a:send", JSON, "{}"),
    (
        "updateMember",
        "PATCH /v1/members/MEMBER",
        MERGE,
        r#"{"name":"Ada"}"#,
    ),
    ("getMembers", "GET /v1/members?channel=a", "", ""),
    (
        "getHistory",
        "GET /v1/history?channel=a&after=other:1",
        "",
        "",
    ),
    ("listChannels", "GET /v1/channels", "", ""),
    ("describe", "GET /openapi.json", "", ""),
    (
        "subscribe",
        "GET /v1/events?channel=a&last=9&presence=true",
        "",
        "",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_as_it_is_described() {
    let node = node().await;
    let document = described(&node).await;
    let mut client = node.client().await;
    let (ready, _frames) = subscribe_ready(&mut client, to(["a"])).await;
    send(&mut client, text("a", "e", "hello")).await;
    assert_eq!(
        operations(&document),
        names(CALLS.iter().map(|(id, ..)| *id))
    );
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let call = CALLS.iter().find(|(of, ..)| *of == id).unwrap();
            let (_, request, headers, body) = call;
            let template = path.split('{').next().unwrap();
            assert!(request.to_lowercase().starts_with(method) && request.contains(template));
            if let Some((_, query)) = request.split_once("/v1/events?") {
                frames(&document, &node, query).await;
                continue;
            }
            let request = request.replace("MEMBER", &ready.member_id);
            let mut http = Http::new(&node).await;
            let answer = http.ask(&request, headers, body).await.ok();
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            assert!(!schema.is_null(), "{id}");
            check(&document, schema, &answer, id);
            assert!(
                !answer.as_object().unwrap().is_empty(),
                "{id} shows nothing"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_is_as_it_is_described() {
    let node = node().await;
    let document = described(&node).await;
    let mut http = Http::new(&node).await;
    let problem = http.ask("POST /v1:send", JSON, "{").await.json();
    let content = &document["components"]["responses"]["Problem"]["content"];
    check(
        &document,
        &content["application/json"]["schema"],
        &problem,
        "problem",
    );
}

/// The names of all that can be asked.
fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    names(operations.map(|operation| operation["operationId"].as_str().unwrap()))
}

/// Checks the first frames of a stream.
async fn frames(document: &Value, node: &Node, query: &str) {
    let mut source = super::client::EventSource::open(node, query, "").await;
    for event in ["ready", "members", "event"] {
        let said = source.expect(event).await;
        let schema = &document["components"]["schemas"]["SubscribeResponse"]["properties"][event];
        check(document, schema, &said.data, event);
    }
}
