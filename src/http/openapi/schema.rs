//! Messages and enums as JSON Schema.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use prost_reflect::{
    EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
};
use serde_json::{Map, Value, json};

/// The schemas that are referred to, by their names.
#[derive(Debug, Default)]
pub(super) struct Schemas(Map<String, Value>);

impl Schemas {
    /// All of them.
    pub(super) fn all(self) -> Value {
        Value::Object(self.0)
    }

    /// A message, and all that it is made of.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        match message.full_name() {
            "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
            "google.protobuf.Duration" => {
                json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"})
            }
            "google.protobuf.Struct" => json!({"type": "object"}),
            "google.protobuf.Value" => json!({}),
            "google.protobuf.Any" => json!({
                "type": "object",
                "properties": {"@type": {"type": "string"}},
                "additionalProperties": true,
            }),
            _ => self.object(message),
        }
    }

    fn object(&mut self, message: &MessageDescriptor) -> Value {
        let name = message.name();
        if !self.0.contains_key(name) {
            // Before its fields, which may refer to it.
            self.0.insert(name.to_owned(), Value::Null);
            let mut properties = Map::new();
            for field in message.fields() {
                let mut schema = self.field(&field);
                schema["description"] = json!(described(&message.parent_file(), field.path()));
                properties.insert(field.json_name().to_owned(), schema);
            }
            let mut meaning = described(&message.parent_file(), message.path());
            for oneof in message.oneofs() {
                let names: Vec<_> = oneof
                    .fields()
                    .map(|field| format!("`{}`", field.json_name()))
                    .collect();
                let _ = write!(meaning, "\n\nHas at most one of {}.", names.join(", "));
            }
            let schema = json!({
                "type": "object",
                "description": meaning,
                "properties": properties,
                "additionalProperties": false,
            });
            self.0.insert(name.to_owned(), schema);
        }
        reference(name)
    }

    /// A field, whatever it holds.
    pub(super) fn field(&mut self, field: &FieldDescriptor) -> Value {
        if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            let value = self.single(&entry.map_entry_value_field().kind());
            return json!({"type": "object", "additionalProperties": value});
        }
        let single = self.single(&field.kind());
        if field.is_list() {
            return json!({"type": "array", "items": single});
        }
        single
    }

    fn single(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Message(message) => self.message(message),
            Kind::Enum(of) => self.choice(of),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32"})
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({"type": "integer", "format": "uint32", "minimum": 0})
            }
            Kind::Uint64 | Kind::Fixed64 | Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "uint64", "pattern": "^-?[0-9]+$"})
            }
            Kind::Float | Kind::Double => json!({"type": "number"}),
            Kind::String => json!({"type": "string"}),
        }
    }

    fn choice(&mut self, of: &EnumDescriptor) -> Value {
        let name = of.name();
        let values: Vec<_> = of.values().collect();
        let names: Vec<_> = values.iter().map(EnumValueDescriptor::name).collect();
        let meanings: Vec<_> = values
            .iter()
            .map(|value| {
                let meaning = described(&of.parent_file(), value.path());
                format!("\n- `{}`: {meaning}", value.name())
            })
            .collect();
        let meaning = described(&of.parent_file(), of.path());
        let schema = json!({
            "type": "string",
            "enum": names,
            "description": format!("{meaning}\n{}", meanings.concat()),
        });
        self.0.insert(name.to_owned(), schema);
        reference(name)
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Comments by their file and their place in it.
type Comments = HashMap<(String, Vec<i32>), String>;

/// The comment on what is at `path` in `file`.
pub(super) fn described(file: &FileDescriptor, path: &[i32]) -> String {
    static COMMENTS: LazyLock<Comments> = LazyLock::new(|| {
        let pool = crate::json::service().parent_pool().clone();
        pool.files().flat_map(|file| comments(&file)).collect()
    });
    let place = (file.name().to_owned(), path.to_vec());
    COMMENTS.get(&place).cloned().unwrap_or_default()
}

fn comments(file: &FileDescriptor) -> Vec<((String, Vec<i32>), String)> {
    let proto = file.file_descriptor_proto();
    let places = proto
        .source_code_info
        .iter()
        .flat_map(|info| &info.location);
    let commented = places.filter_map(|place| {
        let comment = place.leading_comments.as_deref()?;
        let lines: Vec<_> = comment.lines().map(str::trim).collect();
        let text = lines.join("\n").trim().to_owned();
        Some(((file.name().to_owned(), place.path.clone()), text))
    });
    commented.collect()
}
