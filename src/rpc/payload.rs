//! The walk that lets no poison in.
//!
//! The bytes of a payload or a profile go to every subscriber as they came.
//! One that a single stub cannot parse would end each of its streams, and
//! again at every resume. So they are read once, here: what [`check_payload`]
//! or [`check_profile`] accepts, any protobuf parser takes with its defaults,
//! and all read the same in it. It is one pass, and allocates only where
//! something is wrong.
//!
//! What is inside `binary` and `Any.value` is not looked at: no parser opens
//! it on its own. Nor is a key that comes twice in a JSON object: everywhere
//! the last one wins.

mod poison;
mod reader;

pub use poison::{Flaw, Poison};
use reader::{BYTES, FIXED64, Key, Reader, VARINT};

/// How deep messages may nest, the outermost counted as 1, map entries too.
///
/// The limit is 100 in C++, Java, C#, Python, Swift and prost, most of which
/// do not count the outermost; the count here is of those that do.
pub const MAX_NESTING: u32 = 100;

/// `SubscribeResponse` > `Event` > `Payload`; no other way to one is longer.
const PAYLOAD_LEVEL: u32 = 3;

/// `SubscribeResponse` > `MembersSnapshot` > `Member` > `Struct`, which is one
/// more than in a `GetMembersResponse`.
const PROFILE_LEVEL: u32 = 4;

const PAYLOAD: &str = "fanfare.v1.Payload";
const ANY: &str = "google.protobuf.Any";
const VALUE: &str = "google.protobuf.Value";
const LIST: &str = "google.protobuf.ListValue";
const OBJECT: &str = "google.protobuf.Struct";
const ENTRY: &str = "google.protobuf.Struct.FieldsEntry";

type Checked = Result<(), Poison>;

/// Checks an encoded `fanfare.v1.Payload`; an empty one is fine.
pub fn check_payload(bytes: &[u8]) -> Result<(), Poison> {
    payload(Reader::new(bytes, PAYLOAD_LEVEL))
}

/// Checks an encoded `google.protobuf.Struct` that is to be a `Member.data`.
pub fn check_profile(bytes: &[u8]) -> Result<(), Poison> {
    object(Reader::new(bytes, PROFILE_LEVEL)).map_err(|poison| poison.under("fields"))
}

fn payload(mut message: Reader<'_>) -> Checked {
    let mut kinds = 0;
    while let Some(key) = message.key()? {
        let (name, checked) = match key {
            (1, BYTES) => ("json", message.message().and_then(value)),
            (2, BYTES) => ("text", message.text().map(drop)),
            (3, BYTES) => ("binary", message.bytes().map(drop)),
            (4, BYTES) => ("any", message.message().and_then(any)),
            key => return Err(unexpected(key, 4, PAYLOAD)),
        };
        checked.map_err(|poison| poison.under(name))?;
        kinds += 1;
    }
    match kinds {
        0 | 1 => Ok(()),
        several => Err(Flaw::Kinds(several).into()),
    }
}

fn any(mut message: Reader<'_>) -> Checked {
    let (mut type_url, mut value) = (None, None);
    while let Some(key) = message.key()? {
        match key {
            (1, BYTES) => {
                let text = message.text().map_err(|poison| poison.under("type_url"))?;
                set_once(&mut type_url, text, 1, ANY)?;
            }
            (2, BYTES) => set_once(&mut value, message.bytes()?, 2, ANY)?,
            key => return Err(unexpected(key, 2, ANY)),
        }
    }
    Ok(())
}

fn value(mut message: Reader<'_>) -> Checked {
    let mut kinds = 0;
    while let Some(key) = message.key()? {
        let (name, checked) = match key {
            (1, VARINT) => ("null", message.choice(0)),
            (2, FIXED64) => ("number", message.finite_number()),
            (3, BYTES) => ("string", message.text().map(drop)),
            (4, VARINT) => ("bool", message.choice(1)),
            (5, BYTES) => ("fields", message.message().and_then(object)),
            (6, BYTES) => ("list", message.message().and_then(list)),
            key => return Err(unexpected(key, 6, VALUE)),
        };
        checked.map_err(|poison| poison.under(name))?;
        kinds += 1;
    }
    match kinds {
        0 => Err(Flaw::NoKind.into()),
        1 => Ok(()),
        several => Err(Flaw::Kinds(several).into()),
    }
}

fn list(mut message: Reader<'_>) -> Checked {
    let mut index = 0;
    while let Some(key) = message.key()? {
        match key {
            (1, BYTES) => message.message().and_then(value),
            key => return Err(unexpected(key, 1, LIST)),
        }
        .map_err(|poison| poison.at_index(index))?;
        index += 1;
    }
    Ok(())
}

fn object(mut message: Reader<'_>) -> Checked {
    while let Some(key) = message.key()? {
        match key {
            (1, BYTES) => entry(message.message()?)?,
            key => return Err(unexpected(key, 1, OBJECT)),
        }
    }
    Ok(())
}

/// The value is walked last, so that its path has the key, whichever came first.
fn entry(mut message: Reader<'_>) -> Checked {
    let (mut name, mut content) = (None, None);
    while let Some(key) = message.key()? {
        match key {
            (1, BYTES) => {
                let text = message.text().map_err(|poison| poison.under("key"))?;
                set_once(&mut name, text, 1, ENTRY)?;
            }
            (2, BYTES) => set_once(&mut content, message.message()?, 2, ENTRY)?,
            key => return Err(unexpected(key, 2, ENTRY)),
        }
    }
    content
        .ok_or(Flaw::NoValue.into())
        .and_then(value)
        .map_err(|poison| poison.at_key(name.unwrap_or_default()))
}

/// A field that comes again may be replaced, merged or refused.
fn set_once<T>(slot: &mut Option<T>, value: T, number: u32, message: &'static str) -> Checked {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Flaw::Repeated { number, message }.into()),
    }
}

/// `fields` is the highest number in `message`; all below are taken.
fn unexpected((number, _): Key, fields: u32, message: &'static str) -> Poison {
    if number <= fields {
        Flaw::WrongWireType { number, message }.into()
    } else {
        Flaw::UnknownField { number, message }.into()
    }
}

#[cfg(test)]
mod tests;
