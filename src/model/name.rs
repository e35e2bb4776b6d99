//! The names of channels and events, valid by construction.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

/// Why a text is not what it should be, with the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Flaw(Cow<'static, str>);

impl From<&'static str> for Flaw {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Flaw {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// A channel's name: 1 to 255 bytes of UTF-8, no control characters.
///
/// `.` splits it into segments, none empty and none a wildcard. Bytes are
/// compared as they are: there is no folding of case or of Unicode forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// The longest name, in bytes.
    pub const MAX: usize = 255;

    /// Checks `name`.
    ///
    /// # Errors
    ///
    /// A [`Flaw`] for a name that is empty, too long, has a control character,
    /// an empty segment, or a whole segment `*` or `>`.
    pub fn new(name: &str) -> Result<Self, Flaw> {
        check_segments(name)?;
        if name.split('.').any(is_wildcard) {
            return Err("a whole segment * or > is a wildcard: name one channel".into());
        }
        Ok(Self(name.into()))
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the subscription text `name` stands for many channels.
///
/// A whole segment `*` stands for one segment, a last segment `>` for one or
/// more.
///
/// # Errors
///
/// A [`Flaw`] for what is neither a name nor a pattern.
pub fn is_pattern(name: &str) -> Result<bool, Flaw> {
    check_segments(name)?;
    let mut segments = name.split('.').rev();
    let last = segments.next().is_some_and(is_wildcard);
    let mut many = last;
    for segment in segments {
        if segment == ">" {
            return Err("> stands for one or more segments and must be the last one".into());
        }
        many |= is_wildcard(segment);
    }
    Ok(many)
}

fn is_wildcard(segment: &str) -> bool {
    matches!(segment, "*" | ">")
}

fn check_segments(name: &str) -> Result<(), Flaw> {
    if name.is_empty() {
        return Err("is empty: a channel's name has 1 to 255 bytes".into());
    }
    check_text(name, ChannelName::MAX)?;
    if name.split('.').any(str::is_empty) {
        return Err("has an empty segment: no dot first, last or doubled".into());
    }
    Ok(())
}

/// An event's name: 0 to 128 bytes of UTF-8, no control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventName(Text);

impl EventName {
    /// Checks `name`.
    ///
    /// # Errors
    ///
    /// A [`Flaw`] for a name that is too long or has a control character.
    pub fn new(name: String) -> Result<Self, Flaw> {
        Text::new(name).map(Self)
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Borrow<str> for EventName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// A short text of a sender's own: 0 to 128 bytes, no control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(String);

impl Text {
    /// The longest text, in bytes.
    pub const MAX: usize = 128;

    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// A [`Flaw`] for a text that is too long or has a control character.
    pub fn new(text: String) -> Result<Self, Flaw> {
        check_text(&text, Self::MAX)?;
        Ok(Self(text))
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn check_text(text: &str, limit: usize) -> Result<(), Flaw> {
    if text.len() > limit {
        return Err(format!("is {} bytes long, the limit is {limit}", text.len()).into());
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, c)) => Err(format!("has the control character {c:?} at byte {at}").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_name_is_taken_as_it_is() {
        for name in [
            "a",
            "technology-chat",
            "a.b.c",
            "ä.日本",
            "a*b.c>d",
            &"x".repeat(255),
        ] {
            assert_eq!(ChannelName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_bad_channel_name_says_what_is_wrong() {
        let flaw = |name: &str| ChannelName::new(name).unwrap_err().to_string();
        assert!(flaw("").contains("empty"));
        assert!(flaw(&"x".repeat(256)).contains("256 bytes long, the limit is 255"));
        assert!(flaw("a\nb").contains(r"control character '\n' at byte 1"));
        assert!(flaw(".a").contains("empty segment"));
        assert!(flaw("a..b").contains("empty segment"));
        assert!(flaw("a.").contains("empty segment"));
        assert!(flaw("a.*").contains("wildcard"));
        assert!(flaw(">").contains("wildcard"));
    }

    #[test]
    fn a_whole_segment_makes_a_pattern() {
        assert!(!is_pattern("a.b").unwrap());
        assert!(!is_pattern("a*.b>").unwrap());
        assert!(is_pattern("a.*").unwrap());
        assert!(is_pattern("*.b").unwrap());
        assert!(is_pattern("a.>").unwrap());
        assert!(is_pattern(">").unwrap());
        assert!(is_pattern("a.>.b").is_err());
        assert!(is_pattern("a..b").is_err());
    }

    #[test]
    fn an_event_name_may_be_empty_and_has_a_limit() {
        assert!(EventName::new(String::new()).is_ok());
        assert!(EventName::new("x".repeat(128)).is_ok());
        assert!(EventName::new("x".repeat(129)).is_err());
        assert!(EventName::new("a\u{7f}".into()).is_err());
    }
}
