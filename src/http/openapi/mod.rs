//! What this door is, for programs: a document of `OpenAPI` 3.1.
//!
//! Made of the table of routes and the descriptors with their comments, so that
//! it says what is served, in the words of the proto.

mod schema;

use std::sync::LazyLock;

use prost_reflect::{FieldDescriptor, Kind as FieldKind, MethodDescriptor};
use serde_json::{Map, Value, json};

use super::events;
use super::routes::{JSON, Kind, MEMBER_TOKEN, MERGE_PATCH, ROUTES, Route};
use crate::json;
use schema::{Schemas, described};

/// The document, in JSON.
pub(super) fn document() -> &'static [u8] {
    static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut schemas = Schemas::default();
        let mut paths = Map::new();
        for route in &ROUTES {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            path[route.method.as_str().to_lowercase()] = operation(route, &mut schemas);
        }
        let error = json::message("google.rpc.Status").expect("its descriptors are in");
        let problem = json!({"schema": schemas.message(&error)});
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Fanfare",
                "version": env!("CARGO_PKG_VERSION"),
                "description": described(&json::service().parent_file(), json::service().path()),
            },
            "paths": paths,
            "components": {
                "schemas": schemas.all(),
                "responses": {"Problem": {
                    "description": "Why it failed: decide by the reason in the ErrorInfo.",
                    "content": {(JSON): problem},
                }},
            },
        });
        document.to_string().into_bytes()
    });
    &DOCUMENT
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let mut operation = match route.kind {
        Kind::Body(method) => {
            let method = json::method(method);
            let body = schemas.message(&method.input());
            let mut operation = answered(&method, schemas);
            operation["requestBody"] = content(JSON, &body);
            operation
        }
        Kind::Query(method) => {
            let method = json::method(method);
            let mut operation = answered(&method, schemas);
            operation["parameters"] = method
                .input()
                .fields()
                .map(|field| parameter(&field, "query", schemas))
                .collect();
            operation
        }
        Kind::Patch => {
            let method = json::method("UpdateMember");
            let mut operation = answered(&method, schemas);
            operation["requestBody"] = content(MERGE_PATCH, &json!({"type": "object"}));
            let token = "The `memberToken` of the member's `ready`, to be checked.";
            operation["parameters"] = json!([text(MEMBER_TOKEN, "header", token)]);
            operation
        }
        Kind::Events => subscription(schemas),
        Kind::Description => json!({
            "description": "Describes this door.",
            "responses": {"200": content(JSON, &json!({"type": "object"}))},
        }),
    };
    if let Some(name) = route.parameter() {
        let mut path = text(name, "path", "Percent-encoded, once.");
        path["required"] = json!(true);
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(path),
            None => operation["parameters"] = json!([path]),
        }
    }
    operation["operationId"] = json!(route.id);
    operation["responses"]["default"] = json!({"$ref": "#/components/responses/Problem"});
    operation
}

/// What a method says of itself and answers.
fn answered(method: &MethodDescriptor, schemas: &mut Schemas) -> Value {
    let answer = schemas.message(&method.output());
    json!({
        "description": described(&method.parent_service().parent_file(), method.path()),
        "responses": {"200": content(JSON, &answer)},
    })
}

fn subscription(schemas: &mut Schemas) -> Value {
    let method = json::method("Subscribe");
    // The stream is text; its frames are there to be looked up.
    schemas.message(&method.output());
    let parameters = events::PARAMETERS.iter();
    let mut parameters: Vec<_> = parameters
        .map(|(name, meaning)| text(name, "query", meaning))
        .collect();
    let id = "The id of the last event that came, to go on after it.";
    parameters.push(text("last-event-id", "header", id));
    parameters.push(text(MEMBER_TOKEN, "header", "As `member_token`."));
    let mut stream = content("text/event-stream", &json!({"type": "string"}));
    stream["description"] = json!(
        "Server-sent events. Each is named after a field of SubscribeResponse, \
         and its data is that field's message in JSON."
    );
    json!({
        "description": described(&method.parent_service().parent_file(), method.path()),
        "parameters": parameters,
        "responses": {"200": stream},
    })
}

fn content(kind: &str, schema: &Value) -> Value {
    json!({"description": "The message.", "content": {kind: {"schema": schema}}})
}

fn parameter(field: &FieldDescriptor, place: &str, schemas: &mut Schemas) -> Value {
    let meaning = described(&field.parent_message().parent_file(), field.path());
    let mut parameter = text(field.json_name(), place, &meaning);
    if let FieldKind::Message(_) = field.kind() {
        // Messages in a query are positions.
        parameter["schema"] = json!({"type": "string", "pattern": "^.+:[0-9]+$"});
    } else {
        parameter["schema"] = schemas.field(field);
    }
    parameter
}

fn text(name: &str, place: &str, meaning: &str) -> Value {
    let schema = json!({"type": "string"});
    json!({"name": name, "in": place, "description": meaning, "schema": schema})
}
