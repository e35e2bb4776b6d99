//! Reads a message's fields one by one, as strictly as the strictest parser.

use super::poison::{Flaw, Poison};

/// A field's number and wire type.
pub(super) type Key = (u32, u32);

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED64: u32 = 1;
pub(super) const BYTES: u32 = 2;
const FIXED32: u32 = 5;

/// The rest of one message.
pub(super) struct Reader<'a> {
    /// Everything up to this message's end, so that `at` is the same place
    /// for the messages inside.
    bytes: &'a [u8],
    at: usize,
    /// How many messages this is the innermost of.
    level: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], level: u32) -> Self {
        let at = 0;
        Self { bytes, at, level }
    }

    /// The next field's key; nothing at the message's end.
    ///
    /// Padded keys are refused: Python without C code looks fields up by the
    /// bytes of their key, and takes such a one for unknown.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<Key>, Poison> {
        let at = self.at;
        if at == self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let (number, wire_type) = (key >> 3, key & 7);
        let padded = key < 0x80 && self.at > at + 1;
        if number == 0 || wire_type > FIXED32 || padded {
            return Err(Flaw::BadWire { at }.into());
        }
        Ok(Some((number, wire_type)))
    }

    /// At most five bytes: C++ takes no more for a key or a length.
    #[inline]
    fn varint(&mut self) -> Result<u32, Poison> {
        let at = self.at;
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let Some(&byte) = self.bytes.get(self.at) else {
                break;
            };
            value |= u32::from(byte & 0x7f) << shift;
            self.at += 1;
            let overflows = shift == 28 && byte > 0x0f;
            if byte < 0x80 && !overflows {
                return Ok(value);
            }
        }
        Err(Flaw::BadWire { at }.into())
    }

    /// The value of an enum or a bool, up to `last`. Of a bool above 1 some
    /// parsers read the low bits, others whether any is set.
    pub(super) fn choice(&mut self, last: u32) -> Result<(), Poison> {
        match self.varint()? {
            value if value > last => Err(Flaw::NoSuchValue(value).into()),
            _ => Ok(()),
        }
    }

    pub(super) fn finite_number(&mut self) -> Result<(), Poison> {
        let rest = &self.bytes[self.at..];
        let Some(number) = rest.first_chunk() else {
            return Err(Flaw::BadWire { at: self.at }.into());
        };
        self.at += number.len();
        if f64::from_le_bytes(*number).is_finite() {
            Ok(())
        } else {
            Err(Flaw::NotFinite.into())
        }
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Poison> {
        let at = self.at;
        let length = self.varint()? as usize;
        let rest = &self.bytes[self.at..];
        let bytes = rest.get(..length).ok_or(Flaw::BadWire { at })?;
        self.at += length;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Poison> {
        Ok(str::from_utf8(self.bytes()?).map_err(|_| Flaw::NotUtf8)?)
    }

    pub(super) fn message(&mut self) -> Result<Reader<'a>, Poison> {
        let length = self.bytes()?.len();
        if self.level == super::MAX_NESTING {
            return Err(Flaw::TooDeep.into());
        }
        Ok(Reader {
            bytes: &self.bytes[..self.at],
            at: self.at - length,
            level: self.level + 1,
        })
    }
}
