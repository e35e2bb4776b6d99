//! Messages with their type.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::{Kind, MessageDescriptor};

use super::{fits, is_well_known, known, string, text, write_fields, write_message};
use crate::json::ANY_DEPTH;
use crate::json::wire::{Encoded, fields};

/// Levels of messages in what an `Any` holds.
const DEPTH: usize = 100;

/// An `Any`: its message, if its type is known and its bytes are one.
pub(super) fn write_any(bytes: &[u8], anys: usize, out: &mut Vec<u8>) {
    let find = |number| fields(bytes).filter(|(found, _)| *found == number).last();
    let url = find(1).map_or_else(String::new, |(_, url)| text(url));
    let value = match find(2) {
        Some((_, Encoded::Bytes(value))) => value,
        _ => &[],
    };
    out.extend_from_slice(b"{\"@type\":");
    string(&url, out);
    let message = known(&url).filter(|message| anys < ANY_DEPTH && is_whole(message, value, 0));
    match message {
        Some(message) if is_well_known(&message) => {
            out.extend_from_slice(b",\"value\":");
            write_message(&message, value, anys + 1, out);
        }
        Some(message) => {
            let mut inner = vec![b'{'];
            write_fields(&message, value, anys + 1, &mut inner);
            if inner.len() > 1 {
                inner[0] = b',';
                out.append(&mut inner);
            }
        }
        None => {
            out.extend_from_slice(b",\"value\":");
            string(&BASE64_STANDARD.encode(value), out);
        }
    }
    out.push(b'}');
}

/// Whether all of `bytes` is a `message` that does not nest too deep.
fn is_whole(message: &MessageDescriptor, bytes: &[u8], depth: usize) -> bool {
    let mut fields = fields(bytes);
    fields.by_ref().all(|(number, value)| {
        let kind = message.get_field(number).map(|field| field.kind());
        match (kind, value) {
            (None, _) => true,
            (Some(Kind::Message(inner)), Encoded::Bytes(bytes)) => {
                depth < DEPTH && is_whole(&inner, bytes, depth + 1)
            }
            (Some(Kind::String), Encoded::Bytes(bytes)) => std::str::from_utf8(bytes).is_ok(),
            (Some(kind), value) => fits(&kind, value),
        }
    }) && fields.is_done()
}
