//! How values are written and read: counts, sizes, times, names.
//!
//! Each reader gives its reason as the rest of a sentence about the setting:
//! `is "many", not a whole number`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::LogFormat;

/// The suffixes of a size, largest first so that the shortest form is found.
const SUFFIXES: [(&str, u64); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// Writes a size in its largest whole unit: `8MiB`, or plain bytes.
pub(super) fn size(bytes: u64) -> String {
    SUFFIXES
        .iter()
        .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit))
        .map_or_else(
            || bytes.to_string(),
            |(suffix, unit)| format!("{}{suffix}", bytes / unit),
        )
}

/// Reads a size: `65536`, `64KiB`, `8 MiB`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = SUFFIXES
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?.trim_end(), *unit)))
        .unwrap_or((text, 1));
    let wrong = || format!("is {text:?}, not a size in bytes such as 65536 or \"64KiB\"");
    let number: u64 = digits(number).ok_or_else(wrong)?;
    number.checked_mul(unit).ok_or_else(wrong)
}

/// Reads a whole number.
pub(super) fn parse_count(text: &str) -> Result<u64, String> {
    digits(text).ok_or_else(|| format!("is {text:?}, not a whole number of at most 64 bits"))
}

/// As TOML does, lets `_` stand between digits, so that a number may be copied
/// from a file into a variable.
fn digits(text: &str) -> Option<u64> {
    text.starts_with(|first: char| first.is_ascii_digit())
        .then(|| text.replace('_', "").parse().ok())
        .flatten()
}

/// Writes a time so that [`parse_time`] reads it: `30s`, `5m`, `1day`.
pub(super) fn time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// Reads a time with its unit: `30s`, `5m`, `1h 30m`.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("is {text:?}, not a duration such as \"30s\" or \"5m\""))
}

/// The word for a log format.
pub(super) fn format_name(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    }
}

/// Reads the word for a log format.
pub(super) fn parse_format(text: &str) -> Result<LogFormat, String> {
    [LogFormat::Text, LogFormat::Json]
        .into_iter()
        .find(|format| format_name(*format) == text)
        .ok_or_else(|| format!("is {text:?}, which is no format"))
}

/// `value`, if it lies in `range`; `write` writes it for the reason.
pub(super) fn within<T: PartialOrd>(
    range: &RangeInclusive<T>,
    value: T,
    write: impl Fn(&T) -> String,
) -> Result<T, String> {
    match range.contains(&value) {
        true => Ok(value),
        false if value < *range.start() => Err(format!("is {}, too small", write(&value))),
        false => Err(format!("is {}, too large", write(&value))),
    }
}

/// `number` in the type its place has, which on a small machine is narrower.
pub(super) fn fit<T: TryFrom<u64>>(number: u64) -> Result<T, String> {
    T::try_from(number).map_err(|_| format!("is {number}, too large"))
}
