//! The `[[channel]]` tables of the file: what the logs of some channels keep.
//!
//! The first whose pattern matches a channel counts. A table's keys are those
//! of the settings for all channels without their `log_`, with their ranges;
//! what it leaves out stays as the settings have it, whichever layer set them.

use std::collections::HashMap;

use super::layers::{self, Entry, RULES};
use super::{Config, Error, Origin, SETTINGS, Setting, error};
use crate::hub;
use crate::model::Pattern;

/// The key of a table that says for which channels it is.
const PATTERN: &str = "pattern";

/// What a table can set, and the setting that it stands before.
const KEYS: [(&str, &str); 3] = [
    ("events", "log_events"),
    ("bytes", "log_bytes"),
    ("age", "log_age"),
];

/// A table being read.
struct Table<'a> {
    /// As errors call it: `channel[0]`.
    name: String,
    written: &'a layers::Rule,
}

/// Reads the tables into `config`, of which all else is final.
pub(super) fn read(
    written: &[layers::Rule],
    config: &mut Config,
    origins: &HashMap<&'static str, Origin>,
) -> Result<(), Error> {
    for (at, written) in written.iter().enumerate() {
        let name = format!("{RULES}[{at}]");
        let rule = Table { name, written }.read(config, origins)?;
        config.hub.rules.push(rule);
    }
    Ok(())
}

impl Table<'_> {
    fn read(
        &self,
        config: &Config,
        origins: &HashMap<&'static str, Origin>,
    ) -> Result<hub::Rule, Error> {
        let pattern = self.pattern(&config.hub.rules)?;
        let (name, origin) = (self.name.clone(), &self.written.origin);
        let entries = self.written.entries.iter();
        let entries: Vec<_> = entries.filter(|entry| entry.key != PATTERN).collect();
        if entries.is_empty() {
            let allowed = "at least one of `events`, `bytes`, `age`";
            return Err(wrong(origin, name, "sets nothing", allowed));
        }
        // A node of which every channel is one of these, for the settings to
        // write to.
        let mut node = config.clone();
        for entry in entries {
            let setting = self.setting(entry)?;
            entry.put(setting, &self.path(&entry.key), &mut node)?;
            if setting.key == "log_bytes" {
                self.check_bytes(entry, &node, origins)?;
            }
        }
        Ok(hub::Rule {
            pattern,
            log_events: node.hub.log_events,
            log_bytes: node.hub.log_bytes,
            log_age: node.hub.log_age,
        })
    }

    fn pattern(&self, before: &[hub::Rule]) -> Result<Pattern, Error> {
        let allowed = "a channel's name or a pattern, as \"orders.>\", each once";
        let mut entries = self.written.entries.iter();
        let entry = entries.find(|entry| entry.key == PATTERN);
        let origin = entry.map_or(&self.written.origin, |entry| &entry.origin);
        let wrong = |reason: &str| wrong(origin, self.path(PATTERN), reason, allowed);
        let text = match entry.map(|entry| &entry.value) {
            Some(value) => value.text().map_err(|reason| wrong(&reason))?,
            None => return Err(wrong("is missing")),
        };
        let pattern = Pattern::new(text).map_err(|flaw| wrong(&format!("is {text:?}: {flaw}")))?;
        match before.iter().position(|rule| rule.pattern == pattern) {
            Some(at) => Err(wrong(&format!("is {text:?}, as that of {RULES}[{at}]"))),
            None => Ok(pattern),
        }
    }

    fn setting(&self, entry: &Entry) -> Result<&'static Setting, Error> {
        let known = KEYS.iter().find(|(key, _)| *key == entry.key);
        let setting = known.and_then(|(_, key)| SETTINGS.iter().find(|row| row.key == *key));
        setting.ok_or_else(|| {
            let keys = KEYS.iter().map(|(key, _)| *key).chain([PATTERN]);
            let keys = keys.map(str::to_owned);
            Error::UnknownKey {
                origin: entry.origin.clone(),
                key: self.path(&entry.key),
                hint: layers::nearest(&entry.key, entry.key.len(), keys)
                    .unwrap_or_else(|| "there are `pattern`, `events`, `bytes`, `age`".to_owned()),
            }
        })
    }

    /// The rules that hold for `log_bytes` hold here.
    fn check_bytes(
        &self,
        entry: &Entry,
        node: &Config,
        origins: &HashMap<&'static str, Origin>,
    ) -> Result<(), Error> {
        let log = error::Sized {
            key: self.path(&entry.key),
            bytes: node.hub.log_bytes,
            origin: entry.origin.clone(),
        };
        node.check_log(&log, origins)
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }
}

fn wrong(origin: &Origin, key: String, reason: &str, allowed: &str) -> Error {
    Error::BadValue {
        origin: origin.clone(),
        key,
        reason: reason.to_owned(),
        allowed: allowed.to_owned(),
    }
}
