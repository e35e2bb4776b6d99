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

/// A text that stands for channels: one by its name, or many.
///
/// A whole segment `*` stands for one segment, a last segment `>` for one or
/// more. Without either it stands for the one channel of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// A [`Flaw`] for what is neither a name nor a pattern.
    pub fn new(text: &str) -> Result<Self, Flaw> {
        check_segments(text)?;
        let mut before = text.rsplit('.').skip(1);
        if before.any(|segment| segment == ">") {
            return Err("> stands for one or more segments and must be the last one".into());
        }
        Ok(Self(text.into()))
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one channel that it stands for, if it stands for no others.
    pub fn name(&self) -> Option<ChannelName> {
        let many = self.0.split('.').any(is_wildcard);
        (!many).then(|| ChannelName(Arc::clone(&self.0)))
    }

    /// How many segments it has: at most 128.
    pub fn segments(&self) -> usize {
        self.0.split('.').count()
    }

    /// What the names of all channels that it stands for begin with.
    pub fn prefix(&self) -> &str {
        let literal = self
            .0
            .split('.')
            .take_while(|segment| !is_wildcard(segment));
        let len = literal.map(|segment| segment.len() + 1).sum::<usize>();
        &self.0[..len.min(self.0.len())]
    }

    /// Whether it stands for the channel `name`. O(bytes).
    pub fn matches(&self, name: &ChannelName) -> bool {
        let mut names = name.as_str().split('.');
        for segment in self.0.split('.') {
            match (segment, names.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (literal, Some(name)) if literal == name => {}
                _ => return false,
            }
        }
        names.next().is_none()
    }
}

impl From<&ChannelName> for Pattern {
    fn from(name: &ChannelName) -> Self {
        Self(Arc::clone(&name.0))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventName(String);

impl EventName {
    /// Checks `name`.
    ///
    /// # Errors
    ///
    /// A [`Flaw`] for a name that is too long or has a control character.
    pub fn new(name: String) -> Result<Self, Flaw> {
        Text::new(&name)?;
        Ok(Self(name))
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for EventName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// A short text of a sender's own: 0 to 128 bytes, no control characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// The longest text, in bytes.
    pub const MAX: usize = 128;

    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// A [`Flaw`] for a text that is too long or has a control character.
    pub fn new(text: &'a str) -> Result<Self, Flaw> {
        check_text(text, Self::MAX)?;
        Ok(Self(text))
    }

    /// The text that travels.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

fn check_text(text: &str, limit: usize) -> Result<(), Flaw> {
    if text.len() > limit {
        return Err(format!("is {} bytes long, the limit is {limit}", text.len()).into());
    }
    // Most names are plain, which takes no decoding to see.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
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
        let one = |text: &str| Pattern::new(text).unwrap().name();
        assert_eq!(one("a.b"), Some(ChannelName::new("a.b").unwrap()));
        assert_eq!(one("a*.b>"), Some(ChannelName::new("a*.b>").unwrap()));
        for many in ["a.*", "*.b", "a.>", ">", "*.>"] {
            assert_eq!(one(many), None, "{many}");
        }
        for neither in ["a.>.b", "a..b", "", ">.>", "a\nb"] {
            assert!(Pattern::new(neither).is_err(), "{neither}");
        }
    }

    #[test]
    fn a_pattern_stands_for_whole_segments() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("a.b", &["a.b"], &["a", "a.b.c", "a.c"]),
            ("a.*", &["a.b", "a.c"], &["a", "a.b.c", "b.c"]),
            ("*.b", &["a.b", "b.b"], &["b", "a.b.b", "a.c"]),
            ("a.>", &["a.b", "a.b.c"], &["a", "b.a"]),
            (">", &["a", "a.b.c"], &[]),
            ("*.>", &["a.b", "a.b.c"], &["a"]),
            ("a*", &["a*"], &["ab"]),
        ];
        for (text, these, not_those) in table {
            let pattern = Pattern::new(text).unwrap();
            let stands = |name: &&str| pattern.matches(&ChannelName::new(name).unwrap());
            assert!(these.iter().all(stands), "{text}");
            assert!(!not_those.iter().any(stands), "{text}");
            assert!(these.iter().all(|name| name.starts_with(pattern.prefix())));
        }
    }

    #[test]
    fn an_event_name_may_be_empty_and_has_a_limit() {
        assert!(EventName::new(String::new()).is_ok());
        assert!(EventName::new("x".repeat(128)).is_ok());
        assert!(EventName::new("x".repeat(129)).is_err());
        assert!(EventName::new("a\u{7f}".into()).is_err());
    }
}
