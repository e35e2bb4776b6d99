//! What is wrong with a configuration, in the words of whoever wrote it.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::value;

/// Why a configuration was refused. Each text says where to look and what
/// would be accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Name a file that can be read.
    #[error("cannot read {path} (named by {named_by}): {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The flag or variable that named it.
        named_by: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Write the file as TOML.
    #[error("{origin}: not TOML: {reason}")]
    NotToml {
        /// The file and line.
        origin: Origin,
        /// What the parser said.
        reason: String,
    },
    /// Correct the key, or remove it.
    #[error("{origin}: unknown setting `{key}`; {hint}")]
    UnknownKey {
        /// Where the key was written.
        origin: Origin,
        /// The key as written.
        key: String,
        /// The nearest known one, or where to find them all.
        hint: String,
    },
    /// Correct the value.
    #[error("{origin}: `{key}` {reason}; allowed: {allowed}")]
    BadValue {
        /// Where the value was written.
        origin: Origin,
        /// The setting.
        key: String,
        /// What is wrong with the value, which it quotes.
        reason: String,
        /// The range, with units.
        allowed: String,
    },
    /// Change one of two settings.
    #[error("`{key}` is {value}, but {rule}; allowed: at least {least}")]
    Conflict {
        /// The setting that is too small.
        key: String,
        /// Its value and where it was written.
        value: String,
        /// The rule, with the other setting, its value and place.
        rule: String,
        /// The least value that would be accepted.
        least: String,
    },
}

/// Where a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    #[default]
    Default,
    /// In a file, at a line counted from 1.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// In an environment variable of this name.
    Environment(String),
    /// In a flag, written like this.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "file {}, line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A size that has been read, for the rules between two of them.
pub(super) struct Sized {
    pub(super) key: String,
    pub(super) bytes: usize,
    pub(super) origin: Origin,
}

impl Sized {
    /// That of a setting.
    pub(super) fn of(
        key: &'static str,
        bytes: usize,
        origins: &HashMap<&'static str, Origin>,
    ) -> Self {
        Self {
            key: key.to_owned(),
            bytes,
            origin: origins.get(key).cloned().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Sized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", value::size(self.bytes as u64), self.origin)
    }
}

/// Refuses `big` unless it holds `times` of `small`.
pub(super) fn at_least(big: &Sized, times: usize, small: &Sized) -> Result<(), Error> {
    let least = small.bytes.saturating_mul(times);
    if big.bytes >= least {
        return Ok(());
    }
    let factor = match times {
        1 => String::new(),
        times => format!("{times} x "),
    };
    Err(Error::Conflict {
        key: big.key.clone(),
        value: big.to_string(),
        rule: format!("must be at least {factor}`{}`, which is {small}", small.key),
        least: value::size(least as u64),
    })
}
