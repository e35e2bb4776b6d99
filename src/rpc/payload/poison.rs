//! What the walk says when it refuses: where, and what is wrong there.

use std::fmt;

use super::MAX_NESTING;

/// Bytes of a path before its middle is cut out. Both ends tell the most: the
/// caller finds the place by the one and the mistake by the other.
const MAX_PATH: usize = 200;

/// Bytes of an object's key in a path before its end is cut off.
const MAX_KEY: usize = 64;

/// Why some subscriber could not parse a message; as text, a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    path: String,
    flaw: Flaw,
}

/// What is wrong, as the end of a sentence that the path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Cut short, a field number 0, no such wire type, or more bytes to a key
    /// or a varint than some parser takes.
    #[error("breaks the wire format at byte {at}")]
    BadWire {
        /// Counted from the start of the message that was checked.
        at: usize,
    },
    /// A field that not every stub may know.
    #[error("has field {number}, which is not part of {message}")]
    UnknownField {
        /// As on the wire.
        number: u32,
        /// The full name of the type without it.
        message: &'static str,
    },
    /// A group, or a wire type other than the field's.
    #[error("has field {number} of {message} with the wrong wire type")]
    WrongWireType {
        /// As on the wire.
        number: u32,
        /// The full name of the field's type.
        message: &'static str,
    },
    /// A field that is single comes again.
    #[error("has field {number} of {message} more than once")]
    Repeated {
        /// As on the wire.
        number: u32,
        /// The full name of the field's type.
        message: &'static str,
    },
    /// Deeper than [`MAX_NESTING`], the frame around it counted.
    #[error("nests deeper than {MAX_NESTING} messages")]
    TooDeep,
    /// Text, a key or a type URL that is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// Infinity or NaN, which JSON cannot say.
    #[error("is not finite")]
    NotFinite,
    /// A null other than 0, or a bool that is neither 0 nor 1.
    #[error("is {0}, which is not one of its values")]
    NoSuchValue(u32),
    /// A JSON value that is nothing, not even null.
    #[error("has no kind")]
    NoKind,
    /// Alternatives of one oneof, or one of them again.
    #[error("has {0} kinds")]
    Kinds(usize),
    /// A key of a JSON object without anything to it.
    #[error("has no value")]
    NoValue,
}

impl Poison {
    /// Where, such as `json.list[2].fields["a"].number`: some 200 bytes at
    /// most, with `…` for what was cut; empty for the checked message itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    pub fn flaw(&self) -> Flaw {
        self.flaw
    }

    /// The same poison as seen from the message whose `field` it is in.
    #[must_use]
    pub fn under(mut self, field: &str) -> Self {
        if !self.path.is_empty() && !self.path.starts_with('[') {
            self.path.insert(0, '.');
        }
        self.path.insert_str(0, field);
        self.cut_middle();
        self
    }

    pub(super) fn at_index(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }

    pub(super) fn at_key(self, key: &str) -> Self {
        let head = &key[..boundary(key, MAX_KEY)];
        let more = if head.len() < key.len() { "…" } else { "" };
        self.under(&format!("[{head:?}{more}]"))
    }

    /// Cuts an earlier cut out too: it lies behind the new front.
    fn cut_middle(&mut self) {
        if self.path.len() > MAX_PATH {
            let head = boundary(&self.path, MAX_PATH / 2);
            let tail = boundary(&self.path, self.path.len() - MAX_PATH / 2);
            self.path.replace_range(head..tail, "…");
        }
    }
}

/// The last place at or before `at` that splits no character.
fn boundary(text: &str, at: usize) -> usize {
    let fits = |place: &usize| text.is_char_boundary(*place);
    (0..=at.min(text.len())).rev().find(fits).unwrap_or(0)
}

impl From<Flaw> for Poison {
    fn from(flaw: Flaw) -> Self {
        let path = String::new();
        Self { path, flaw }
    }
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.path.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}", self.path, self.flaw)
    }
}

impl std::error::Error for Poison {}
