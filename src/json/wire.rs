//! The fields of an encoded message, one after the other.

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// The value of a field as it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded<'a> {
    /// A varint, or a fixed number of 32 or 64 bits.
    Number(u64),
    /// Text, bytes, or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message by their numbers, up to what is no field.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// The fields of `message`.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl Fields<'_> {
    /// Whether what was not read yet is nothing.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Encoded<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.rest;
        let (number, wire_type) = decode_key(&mut rest).ok()?;
        let value = match wire_type {
            WireType::Varint => Encoded::Number(decode_varint(&mut rest).ok()?),
            WireType::SixtyFourBit => Encoded::Number(rest.try_get_u64_le().ok()?),
            WireType::ThirtyTwoBit => Encoded::Number(rest.try_get_u32_le().ok()?.into()),
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
                let (value, behind) = rest.split_at_checked(length)?;
                rest = behind;
                Encoded::Bytes(value)
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        self.rest = rest;
        Some((number, value))
    }
}

/// The number in a field of `message`, if it is there.
pub fn number(message: &[u8], field: u32) -> Option<u64> {
    let found = fields(message).find(|(number, _)| *number == field);
    match found {
        Some((_, Encoded::Number(number))) => Some(number),
        _ => None,
    }
}

/// Appends a field that holds `bytes`.
pub fn put(field: u32, bytes: &[u8], into: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, into);
    encode_varint(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

/// Appends a field that holds what `write` appends.
pub(super) fn put_bytes<E>(
    field: u32,
    into: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    encode_key(field, WireType::LengthDelimited, into);
    let start = into.len();
    write(into)?;
    // The length is known now, and comes before.
    let mut length = Vec::with_capacity(10);
    encode_varint((into.len() - start) as u64, &mut length);
    into.splice(start..start, length);
    Ok(())
}

/// Appends a field with a varint.
pub(super) fn put_varint(field: u32, value: u64, into: &mut Vec<u8>) {
    encode_key(field, WireType::Varint, into);
    encode_varint(value, into);
}

/// Appends a field with 64 bits.
pub(super) fn put_fixed64(field: u32, value: u64, into: &mut Vec<u8>) {
    encode_key(field, WireType::SixtyFourBit, into);
    into.extend_from_slice(&value.to_le_bytes());
}
