//! A setting: its key, what it may be, where in a [`Config`] it lives.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Config, LogFormat, value};

/// One row of the table of settings.
pub struct Setting {
    /// Its name in the file; the variable's is derived from it.
    pub key: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    pub(super) field: Field,
}

/// What a setting may be, and the place that holds it.
pub(super) enum Field {
    /// Text, what is allowed in words, and the check for it.
    Text(&'static str, Check, fn(&mut Config) -> &mut String),
    Format(fn(&mut Config) -> &mut LogFormat),
    Count(RangeInclusive<u64>, fn(&mut Config) -> &mut usize),
    Count32(RangeInclusive<u32>, fn(&mut Config) -> &mut u32),
    Size(RangeInclusive<u64>, fn(&mut Config) -> &mut usize),
    Time(RangeInclusive<Duration>, fn(&mut Config) -> &mut Duration),
    /// Zero, which switches it off, or a time in the range.
    TimeOrZero(RangeInclusive<Duration>, fn(&mut Config) -> &mut Duration),
}

/// Gives the reason if a text is not what its setting wants.
pub(super) type Check = fn(&str) -> Result<(), String>;

/// A value as it was written.
#[derive(Debug)]
pub(super) enum Raw {
    /// In a variable or a flag: it has no type of its own.
    Word(String),
    /// A TOML string.
    String(String),
    /// A TOML integer, in decimal.
    Integer(String),
    /// Another TOML type, by its name; no setting takes one.
    Other(&'static str),
}

impl Raw {
    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Word(text) | Self::String(text) => Ok(text),
            Self::Integer(number) => Err(format!("is the number {number}, not a string")),
            Self::Other(kind) => Err(format!("is of type {kind}, not a string")),
        }
    }

    fn number(&self) -> Result<&str, String> {
        match self {
            Self::Word(text) | Self::Integer(text) => Ok(text),
            Self::String(text) => Err(format!("is the string {text:?}, not a number")),
            Self::Other(kind) => Err(format!("is of type {kind}, not a number")),
        }
    }

    fn text_or_number(&self) -> Result<&str, String> {
        match self {
            Self::Word(text) | Self::String(text) | Self::Integer(text) => Ok(text),
            Self::Other(kind) => Err(format!("is of type {kind}, not a string or a number")),
        }
    }
}

impl Setting {
    /// The environment variable that sets it: `FANFARE_LOG_EVENTS`.
    pub fn variable(&self) -> String {
        format!("FANFARE_{}", self.key.to_uppercase())
    }

    /// The unit of its value.
    pub fn unit(&self) -> &'static str {
        match &self.field {
            Field::Text(..) | Field::Format(_) => "text",
            Field::Count(..) | Field::Count32(..) => "number",
            Field::Size(..) => "bytes",
            Field::Time(..) | Field::TimeOrZero(..) => "duration",
        }
    }

    /// What it may be, with units.
    pub fn allowed(&self) -> String {
        match &self.field {
            Field::Text(allowed, ..) => (*allowed).to_owned(),
            Field::Format(_) => "text, json".to_owned(),
            Field::Count(range, _) => format!("{} to {}", range.start(), range.end()),
            Field::Count32(range, _) => format!("{} to {}", range.start(), range.end()),
            Field::Size(range, _) => {
                let [least, most] = [range.start(), range.end()].map(|n| value::size(*n));
                format!("{least} to {most}")
            }
            Field::Time(range, _) => times(range),
            Field::TimeOrZero(range, _) => format!("0s (off), {}", times(range)),
        }
    }

    /// Its default, as one would write it.
    pub fn default(&self) -> String {
        let config = &mut Config::default();
        match &self.field {
            Field::Text(.., at) => at(config).clone(),
            Field::Format(at) => value::format_name(*at(config)).to_owned(),
            Field::Count(_, at) => at(config).to_string(),
            Field::Count32(_, at) => at(config).to_string(),
            Field::Size(_, at) => value::size(*at(config) as u64),
            Field::Time(_, at) | Field::TimeOrZero(_, at) => value::time(*at(config)),
        }
    }

    /// Puts `raw` in its place in `config`, or gives the reason why not.
    pub(super) fn put(&self, raw: &Raw, config: &mut Config) -> Result<(), String> {
        match &self.field {
            Field::Text(_, check, at) => {
                let text = raw.text()?;
                check(text)?;
                text.clone_into(at(config));
            }
            Field::Format(at) => *at(config) = value::parse_format(raw.text()?)?,
            Field::Count(range, at) => {
                let number = value::parse_count(raw.number()?)?;
                *at(config) = value::fit(value::within(range, number, u64::to_string)?)?;
            }
            Field::Count32(range, at) => {
                let number = value::fit(value::parse_count(raw.number()?)?)?;
                *at(config) = value::within(range, number, u32::to_string)?;
            }
            Field::Size(range, at) => {
                let bytes = value::parse_size(raw.text_or_number()?)?;
                *at(config) = value::fit(value::within(range, bytes, |n| value::size(*n))?)?;
            }
            Field::Time(range, at) => {
                let time = value::parse_time(raw.text_or_number()?)?;
                *at(config) = value::within(range, time, |time| value::time(*time))?;
            }
            Field::TimeOrZero(range, at) => {
                *at(config) = match value::parse_time(raw.text_or_number()?)? {
                    Duration::ZERO => Duration::ZERO,
                    time => value::within(range, time, |time| value::time(*time))?,
                };
            }
        }
        Ok(())
    }
}

fn times(range: &RangeInclusive<Duration>) -> String {
    let [least, most] = [range.start(), range.end()].map(|time| value::time(*time));
    format!("{least} to {most}")
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("key", &self.key)
            .field("default", &self.default())
            .field("allowed", &self.allowed())
            .finish_non_exhaustive()
    }
}
