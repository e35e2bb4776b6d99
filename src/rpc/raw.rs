//! A message kept as the bytes it came in.
//!
//! `build.rs` puts [`Raw`] where the proto says `Payload` or
//! `google.protobuf.Struct`, so that prost neither builds a tree of what is
//! only passed on nor writes it out again.
//!
//! Only the outermost fields are read here, as far as it takes to find where
//! each ends; whether the rest may go to a subscriber, [`payload`] tells.
//!
//! [`payload`]: super::payload

use std::fmt;

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

/// The fields of a message as they came; the default is the empty message.
///
/// A field that comes twice is kept as both, one after the other, which is
/// protobuf's way to merge messages. Keys and lengths are written anew, so
/// [`bytes`](Raw::bytes) differ from a sender's only where that one padded them.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Raw(Vec<u8>);

impl Raw {
    /// The message as encoded, without its length.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Raw {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Copies nothing.
impl From<Raw> for Bytes {
    fn from(raw: Raw) -> Self {
        raw.0.into()
    }
}

/// Copies only where `bytes` are shared.
impl From<Bytes> for Raw {
    fn from(bytes: Bytes) -> Self {
        Self(bytes.into())
    }
}

/// The size alone: what users send has no place in logs.
impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

impl Message for Raw {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }

    /// Nothing is reserved before the bytes are known to be there, so a
    /// length that lies costs nothing.
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match wire_type {
            WireType::Varint => {
                let value = encoding::decode_varint(buf)?;
                encoding::uint64::encode(tag, &value, &mut self.0);
            }
            WireType::SixtyFourBit => {
                let mut value = 0;
                encoding::fixed64::merge(wire_type, &mut value, buf, ctx)?;
                encoding::fixed64::encode(tag, &value, &mut self.0);
            }
            WireType::ThirtyTwoBit => {
                let mut value = 0;
                encoding::fixed32::merge(wire_type, &mut value, buf, ctx)?;
                encoding::fixed32::encode(tag, &value, &mut self.0);
            }
            // A group has no length to copy by; this names it in the error.
            WireType::LengthDelimited | WireType::StartGroup | WireType::EndGroup => {
                let mut value = Bytes::new();
                encoding::bytes::merge(wire_type, &mut value, buf, ctx)?;
                self.0.reserve(encoding::bytes::encoded_len(tag, &value));
                encoding::bytes::encode(tag, &value, &mut self.0);
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the generated code does with a `Raw`.
    #[derive(Clone, PartialEq, Message)]
    struct Carrier {
        #[prost(string, tag = "1")]
        before: String,
        #[prost(message, optional, tag = "3")]
        raw: Option<Raw>,
        #[prost(string, tag = "4")]
        after: String,
    }

    /// A varint, 64 bits, bytes, 32 bits; none of them known to anyone.
    const FIELDS: &[u8] =
        b"\x08\xac\x02\x11\x01\x02\x03\x04\x05\x06\x07\x08\x1a\x02hi\xa5\x06\x01\x02\x03\x04";

    fn carrier(raw: &[u8]) -> Carrier {
        Carrier {
            before: "b".into(),
            raw: Some(raw.to_vec().into()),
            after: "a".into(),
        }
    }

    fn bytes_of(encoded: &[u8]) -> Result<Vec<u8>, DecodeError> {
        Ok(Carrier::decode(encoded)?.raw.unwrap().bytes().to_vec())
    }

    #[test]
    fn fields_of_every_wire_type_come_back_as_they_were() {
        let encoded = carrier(FIELDS).encode_to_vec();
        assert_eq!(bytes_of(&encoded).unwrap(), FIELDS);
        let decoded = Carrier::decode(&*encoded).unwrap();
        assert_eq!(decoded, carrier(FIELDS));
        assert_eq!(decoded.encode_to_vec(), encoded);
    }

    #[test]
    fn an_empty_message_is_not_an_absent_one() {
        let decoded = Carrier::decode(&b"\x1a\x00"[..]).unwrap();
        assert_eq!(decoded.raw, Some(Raw::default()));
        assert_eq!(Carrier::decode(&b""[..]).unwrap().raw, None);
    }

    #[test]
    fn a_field_that_comes_twice_is_concatenated() {
        let encoded = b"\x1a\x02\x08\x01\x22\x01a\x1a\x02\x10\x02";
        assert_eq!(bytes_of(encoded).unwrap(), b"\x08\x01\x10\x02");
    }

    #[test]
    fn a_padded_key_or_length_is_written_as_short_as_can_be() {
        assert_eq!(
            bytes_of(b"\x1a\x05\x8a\x00\x81\x00x").unwrap(),
            b"\x0a\x01x"
        );
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        for lie in [
            &b"\x1a\x02\x0a\x01"[..],
            b"\x1a\x03\x0a\x7fx",
            // Past the message, but not past the buffer.
            b"\x1a\x03\x0a\x03x\x22\x01a",
            b"\x1a\x0b\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x1a\x06\x0a\xff\xff\xff\xff\x0f",
            b"\x1a\x04\x09\x01\x02\x03",
            b"\x1a\x02\x0d\x01",
            b"\x1a\x02\x08\x80",
        ] {
            bytes_of(lie).unwrap_err();
        }
    }

    #[test]
    fn a_group_is_an_error() {
        bytes_of(b"\x1a\x02\x0b\x0c").unwrap_err();
        bytes_of(b"\x1a\x01\x0c").unwrap_err();
    }

    #[test]
    fn a_debug_line_keeps_the_content_to_itself() {
        let raw = Raw::from(Bytes::from_static(b"\x12\x06secret"));
        assert_eq!(format!("{raw:?}"), "Raw(8 bytes)");
    }
}
