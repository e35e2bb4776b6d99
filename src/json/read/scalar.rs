//! Numbers, names and bytes.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_reflect::EnumDescriptor;

use super::value::LARGEST_EXACT;
use super::{Reader, Wrong};
use crate::json::text::{Token, unquote};

impl Reader<'_> {
    pub(super) fn choice(&mut self, of: &EnumDescriptor) -> Result<i32, Wrong> {
        let token = self.cursor.token();
        let value = match token {
            Token::String(written) => {
                let name = self.text(written)?;
                of.get_value_by_name(&name).map(|value| value.number())
            }
            Token::Number(number) => number.parse().ok(),
            _ => None,
        };
        value.ok_or_else(|| {
            let names: Vec<_> = of.values().map(|value| value.name().to_owned()).collect();
            self.not(&format!("one of {}", names.join(", ")), token)
        })
    }

    /// A whole number, as one or in a string, as canonical JSON lets it be.
    pub(super) fn integer(&mut self, least: i128, most: i128) -> Result<i128, Wrong> {
        let token = self.cursor.token();
        let written = match token {
            Token::Number(number) => number.to_owned(),
            Token::String(written) => self.text(written)?,
            _ => String::new(),
        };
        let value = written.parse().ok().or_else(|| whole(&written));
        let value = value.filter(|value| (least..=most).contains(value));
        value.ok_or_else(|| self.not(&format!("a whole number of {least} to {most}"), token))
    }

    pub(super) fn string(&mut self) -> Result<String, Wrong> {
        match self.cursor.token() {
            Token::String(written) => self.text(written),
            other => Err(self.not("a string", other)),
        }
    }

    pub(super) fn text(&self, written: &str) -> Result<String, Wrong> {
        unquote(written).map_err(|_| self.wrong("has an escape that is half of a character"))
    }

    pub(super) fn base64(&self, text: &str) -> Result<Vec<u8>, Wrong> {
        let lenient =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let is_url_safe = text.contains(['-', '_']);
        let alphabet = if is_url_safe { &URL_SAFE } else { &STANDARD };
        GeneralPurpose::new(alphabet, lenient)
            .decode(text)
            .map_err(|error| self.wrong(&format!("is not base64: {error}")))
    }
}

/// `1.0` and `1e3` are whole numbers too.
fn whole(written: &str) -> Option<i128> {
    let value: f64 = written.parse().ok()?;
    let is_exact = value.fract() == 0.0 && value.abs() <= LARGEST_EXACT;
    is_exact
        .then(|| format!("{value:.0}").parse().ok())
        .flatten()
}

/// The number in two's complement, as varints have it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in the range of its type"
)]
pub(super) fn truncated(value: i128) -> u64 {
    value as u64
}
