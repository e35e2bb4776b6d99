//! A walk over a text that is known to be JSON.

use serde::de::{Error as _, IgnoredAny};

/// Arrays and objects within each other: what reads them goes as deep.
const DEEPEST: usize = 128;

/// What the next value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    /// As it is written, with its quotes.
    String(&'a str),
    Array,
    Object,
}

/// A place in a text that has been checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The start of `text`, all of which is one value that nests at most
    /// [`DEEPEST`].
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub(super) fn check(text: &'a str) -> Result<Self, serde_json::Error> {
        // Goes to any depth.
        serde_json::from_str::<IgnoredAny>(text)?;
        if is_too_deep(text) {
            let flaw = format!("arrays and objects nest more than {DEEPEST} deep");
            return Err(serde_json::Error::custom(flaw));
        }
        Ok(Self { text, at: 0 })
    }

    /// Takes the next value; of an array or an object, what opens it.
    pub(super) fn token(&mut self) -> Token<'a> {
        self.blank();
        let start = self.at;
        match self.next() {
            b'{' => Token::Object,
            b'[' => Token::Array,
            b'"' => Token::String(self.string(start)),
            b'n' => self.word(start, Token::Null),
            b't' => self.word(start, Token::Bool(true)),
            b'f' => self.word(start, Token::Bool(false)),
            _ => {
                let rest = &self.text.as_bytes()[self.at..];
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                self.at += rest.iter().take_while(|byte| is_part(byte)).count();
                Token::Number(&self.text[start..self.at])
            }
        }
    }

    /// Takes what comes before the next item of an array, or its end, which is
    /// told by `false`.
    pub(super) fn item(&mut self) -> bool {
        self.blank();
        match self.peek() {
            b']' => {
                self.at += 1;
                false
            }
            b',' => {
                self.at += 1;
                true
            }
            _ => true,
        }
    }

    /// Takes the next key of an object, as it is written; none at its end.
    pub(super) fn key(&mut self) -> Option<&'a str> {
        self.blank();
        if self.peek() == b',' {
            self.at += 1;
            self.blank();
        }
        let start = self.at;
        if self.next() == b'}' {
            return None;
        }
        let key = self.string(start);
        self.blank();
        self.at += 1;
        Some(key)
    }

    /// Takes a whole value, and gives it as it is written.
    pub(super) fn value(&mut self) -> &'a str {
        self.blank();
        let start = self.at;
        let token = self.token();
        self.skip(token);
        &self.text[start..self.at]
    }

    /// Passes over the rest of the value that began with `token`.
    pub(super) fn skip(&mut self, token: Token<'_>) {
        let mut depth = usize::from(matches!(token, Token::Array | Token::Object));
        while depth > 0 {
            let start = self.at;
            match self.next() {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'"' => drop(self.string(start)),
                _ => {}
            }
        }
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(b'}')
    }

    fn next(&mut self) -> u8 {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    fn blank(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    fn word(&mut self, start: usize, token: Token<'a>) -> Token<'a> {
        let length = if token == Token::Bool(false) { 5 } else { 4 };
        self.at = start + length;
        token
    }

    /// What stands between the quote at `start` and the one that ends it.
    fn string(&mut self, start: usize) -> &'a str {
        loop {
            match self.next() {
                b'\\' => self.at += 1,
                b'"' => return &self.text[start..self.at],
                _ => {}
            }
        }
    }
}

/// The text of a string as it is written.
///
/// # Errors
///
/// An escape that stands for half of a character.
pub(super) fn unquote(written: &str) -> Result<String, serde_json::Error> {
    serde_json::from_str(written)
}

/// Whether this JSON nests too deep.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    text.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}
