//! Values of JSON as they are: payloads and profiles.

use super::{Read, Reader, Step, Wrong, put_text, shown};
use crate::json::text::Token;
use crate::json::wire::{put_bytes, put_fixed64, put_varint};

/// The largest integer up to which a double holds all of them.
pub(super) const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

impl Reader<'_> {
    /// A `google.protobuf.Value`.
    pub(super) fn value(&mut self, into: &mut Vec<u8>) -> Read {
        match self.cursor.token() {
            Token::Null => put_varint(1, 0, into),
            Token::Number(number) => put_fixed64(2, self.double(number)?.to_bits(), into),
            Token::String(written) => put_text(3, &self.text(written)?, into),
            Token::Bool(value) => put_varint(4, value.into(), into),
            Token::Object => put_bytes(5, into, |into| self.entries(into))?,
            Token::Array => put_bytes(6, into, |into| self.items(into))?,
        }
        Ok(())
    }

    pub(super) fn object(&mut self, into: &mut Vec<u8>) -> Read {
        self.expect_object()?;
        self.entries(into)
    }

    pub(super) fn array(&mut self, into: &mut Vec<u8>) -> Read {
        self.expect(Token::Array, "an array")?;
        self.items(into)
    }

    fn entries(&mut self, into: &mut Vec<u8>) -> Read {
        while let Some(key) = self.cursor.key() {
            let key = self.text(key)?;
            put_bytes(1, into, |into| {
                put_text(1, &key, into);
                self.path.push(Step::Key(key));
                put_bytes(2, into, |into| self.value(into))
            })?;
            self.path.pop();
        }
        Ok(())
    }

    fn items(&mut self, into: &mut Vec<u8>) -> Read {
        let mut index = 0;
        while self.cursor.item() {
            self.path.push(Step::Index(index));
            put_bytes(1, into, |into| self.value(into))?;
            self.path.pop();
            index += 1;
        }
        Ok(())
    }

    /// A number that arrives as it is written, or was meant as a double.
    fn double(&self, written: &str) -> Result<f64, Wrong> {
        let is_integer = written
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_digit());
        let value: Option<f64> = written.parse().ok();
        // The next larger double is two further.
        let is_exact = value.is_some_and(|value| {
            value.abs() < LARGEST_EXACT
                || format!("{value:.0}") == written && value.abs() <= LARGEST_EXACT
        });
        if is_integer && !is_exact {
            return Err(self.wrong(&format!(
                "is {}; numbers travel as doubles, exact only to 2^53: send it as a string",
                shown(written)
            )));
        }
        let value = value.filter(|value| value.is_finite());
        value.ok_or_else(|| self.wrong(&format!("is {}, which no double holds", shown(written))))
    }
}
