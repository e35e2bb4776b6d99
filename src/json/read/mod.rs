//! JSON in: straight to wire bytes.
//!
//! Every error names the path of the field. What canonical JSON lets through
//! and would not arrive as it was written is refused: an integer beyond 2^53
//! among a payload's numbers, a field that is set twice.

mod any;
mod scalar;
mod value;

use std::fmt::Write as _;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use super::text::{Cursor, Token};
use super::wire::{put, put_bytes, put_fixed64, put_varint};
use super::write::is_well_known;
use scalar::truncated;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {flaw}")]
pub struct Wrong {
    /// The path of the field; empty: the whole.
    pub path: String,
    /// What is wrong with it, and what would be right.
    pub flaw: String,
}

/// Makes a message of canonical JSON. O(size of `text`) for what is not nested.
///
/// # Errors
///
/// What is not JSON or not this message, told with the path of the field.
pub fn read(message: &MessageDescriptor, text: &str) -> Result<Vec<u8>, Wrong> {
    let cursor = Cursor::check(text).map_err(|error| Wrong {
        path: String::new(),
        flaw: if text.trim_ascii().is_empty() {
            "is empty: send a JSON object".to_owned()
        } else {
            format!("is not JSON: {error}")
        },
    })?;
    let mut reader = Reader {
        cursor,
        path: Vec::new(),
        anys: 0,
    };
    let mut bytes = Vec::new();
    reader.message(message, &mut bytes)?;
    Ok(bytes)
}

type Read = Result<(), Wrong>;

struct Reader<'a> {
    cursor: Cursor<'a>,
    path: Vec<Step>,
    /// How many of `Any` it is in.
    anys: usize,
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

impl<'a> Reader<'a> {
    fn message(&mut self, message: &MessageDescriptor, into: &mut Vec<u8>) -> Read {
        match message.full_name() {
            "google.protobuf.Value" => self.value(into),
            "google.protobuf.Struct" => self.object(into),
            "google.protobuf.ListValue" => self.array(into),
            "google.protobuf.Any" => self.any(into),
            _ if is_well_known(message) => self.well_known(message, into),
            _ => self.fields(message, "", into),
        }
    }

    /// The fields of an object, but for the key `besides`.
    fn fields(&mut self, message: &MessageDescriptor, besides: &str, into: &mut Vec<u8>) -> Read {
        self.expect_object()?;
        let mut set: Vec<FieldDescriptor> = Vec::new();
        while let Some(key) = self.cursor.key() {
            let key = self.text(key)?;
            if key == besides {
                self.cursor.value();
                continue;
            }
            self.path.push(Step::Key(key));
            let field = self.field(message)?;
            if set.contains(&field) {
                return Err(self.wrong("is set twice"));
            }
            let mut ahead = self.cursor;
            if ahead.token() == Token::Null && !is_value(&field.kind()) {
                self.cursor = ahead;
            } else {
                self.check_alone(&field, &set)?;
                set.push(field.clone());
                self.field_value(&field, into)?;
            }
            self.path.pop();
        }
        Ok(())
    }

    /// The field of `message` that the path ends with.
    fn field(&self, message: &MessageDescriptor) -> Result<FieldDescriptor, Wrong> {
        let name = match self.path.last() {
            Some(Step::Key(name)) => name.as_str(),
            _ => "",
        };
        let field = message.get_field_by_json_name(name);
        let field = field.or_else(|| message.get_field_by_name(name));
        field.ok_or_else(|| {
            let known: Vec<_> = message
                .fields()
                .map(|field| field.json_name().to_owned())
                .collect();
            let (name, known) = (message.name(), known.join(", "));
            self.wrong(&format!("is no field of {name}, which has: {known}"))
        })
    }

    fn check_alone(&self, field: &FieldDescriptor, set: &[FieldDescriptor]) -> Read {
        let Some(oneof) = field.containing_oneof() else {
            return Ok(());
        };
        let before = set
            .iter()
            .find(|before| before.containing_oneof().as_ref() == Some(&oneof));
        match before {
            None => Ok(()),
            Some(before) => {
                let before = before.json_name();
                let all = alternatives(&oneof);
                Err(self.wrong(&format!("is set beside {before}: only one of {all} may be")))
            }
        }
    }

    fn field_value(&mut self, field: &FieldDescriptor, into: &mut Vec<u8>) -> Read {
        let (number, kind) = (field.number(), field.kind());
        if field.is_map() {
            self.expect_object()?;
            while let Some(key) = self.cursor.key() {
                let key = self.text(key)?;
                self.path.push(Step::Key(key.clone()));
                put_bytes(number, into, |into| {
                    put_text(1, &key, into);
                    let entry = kind.as_message().cloned();
                    let value =
                        entry.map_or(Kind::String, |entry| entry.map_entry_value_field().kind());
                    self.single(&value, 2, into)
                })?;
                self.path.pop();
            }
            return Ok(());
        }
        if !field.is_list() {
            return self.single(&kind, number, into);
        }
        self.expect(Token::Array, "an array")?;
        let mut index = 0;
        while self.cursor.item() {
            self.path.push(Step::Index(index));
            self.single(&kind, number, into)?;
            self.path.pop();
            index += 1;
        }
        Ok(())
    }

    /// One value of a field.
    fn single(&mut self, kind: &Kind, number: u32, into: &mut Vec<u8>) -> Read {
        match kind {
            Kind::Message(message) => {
                put_bytes(number, into, |into| self.message(message, into))?;
            }
            Kind::String => put_text(number, &self.string()?, into),
            Kind::Bytes => {
                let bytes = self.string().and_then(|text| self.base64(&text))?;
                put(number, &bytes, into);
            }
            Kind::Bool => match self.cursor.token() {
                Token::Bool(value) => put_varint(number, value.into(), into),
                other => return Err(self.not("true or false", other)),
            },
            Kind::Enum(of) => {
                let value = i64::from(self.choice(of)?);
                put_varint(number, value.cast_unsigned(), into);
            }
            Kind::Int32 => {
                let value = self.integer(i32::MIN.into(), i32::MAX.into())?;
                put_varint(number, truncated(value), into);
            }
            Kind::Int64 => {
                let value = self.integer(i64::MIN.into(), i64::MAX.into())?;
                put_varint(number, truncated(value), into);
            }
            Kind::Uint32 => {
                let value = self.integer(0, u32::MAX.into())?;
                put_varint(number, truncated(value), into);
            }
            Kind::Uint64 => {
                let value = self.integer(0, u64::MAX.into())?;
                put_varint(number, truncated(value), into);
            }
            Kind::Fixed64 => {
                let value = self.integer(0, u64::MAX.into())?;
                put_fixed64(number, truncated(value), into);
            }
            // The proto has none of them.
            _ => return Err(self.wrong("is of a type that JSON cannot set here")),
        }
        Ok(())
    }

    fn expect_object(&mut self) -> Read {
        self.expect(Token::Object, "an object")
    }

    fn expect(&mut self, expected: Token<'_>, name: &str) -> Read {
        match self.cursor.token() {
            token if token == expected => Ok(()),
            other => Err(self.not(name, other)),
        }
    }

    fn not(&self, expected: &str, token: Token<'a>) -> Wrong {
        let found = match token {
            Token::Null => "null",
            Token::Bool(_) => "true or false",
            Token::Number(written) | Token::String(written) if written.len() < 64 => written,
            Token::Number(_) => "a number",
            Token::String(_) => "a string",
            Token::Array => "an array",
            Token::Object => "an object",
        };
        self.wrong(&format!("must be {expected}, not {found}"))
    }

    fn wrong(&self, flaw: &str) -> Wrong {
        let path = self
            .path
            .iter()
            .fold(String::new(), |path, step| match step {
                Step::Key(key) => path + &key_step(key),
                Step::Index(index) => format!("{path}[{index}]"),
            });
        Wrong {
            path: path.trim_start_matches('.').to_owned(),
            flaw: flaw.to_owned(),
        }
    }
}

/// `.name`, or `["any name"]` for what would not read as one.
fn key_step(key: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let mut step = String::new();
    let _ = if !key.is_empty() && key.chars().all(plain) {
        write!(step, ".{key}")
    } else {
        write!(step, "[{key:?}]")
    };
    step
}

fn alternatives(oneof: &OneofDescriptor) -> String {
    let names: Vec<_> = oneof
        .fields()
        .map(|field| field.json_name().to_owned())
        .collect();
    names.join(", ")
}

/// Whether null is a value of it rather than none.
fn is_value(kind: &Kind) -> bool {
    let message = kind.as_message();
    message.is_some_and(|message| message.full_name() == "google.protobuf.Value")
}

fn put_text(number: u32, text: &str, into: &mut Vec<u8>) {
    put(number, text.as_bytes(), into);
}

/// What was written, as an error says it: not all of a large one.
fn shown(written: &str) -> &str {
    if written.len() < 256 {
        written
    } else {
        "too long to show"
    }
}
