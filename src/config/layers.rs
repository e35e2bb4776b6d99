//! The layers over the defaults, read into one list of entries, lowest first.

use std::fs;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::setting::Raw;
use super::{Config, Error, Origin, SETTINGS, Setting, Sources};

/// Before the name of every variable that sets something.
const PREFIX: &str = "FANFARE_";

/// The variable that names the file.
const CONFIG_VARIABLE: &str = "FANFARE_CONFIG";

/// The key of the file's tables about some channels only.
pub(super) const RULES: &str = "channel";

/// One `KEY=VALUE` of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag as errors should call it: `--listen`, `--set log_events`.
    pub name: String,
    /// The setting's key.
    pub key: String,
    /// The value as written.
    pub value: String,
}

/// Everything that is set over the defaults.
#[derive(Default)]
pub(super) struct Layers {
    /// Settings, lowest layer first.
    pub(super) entries: Vec<Entry>,
    /// The `[[channel]]` of the file, in their order.
    pub(super) rules: Vec<Rule>,
}

/// A key and a value that somebody wrote somewhere.
pub(super) struct Entry {
    pub(super) origin: Origin,
    pub(super) key: String,
    pub(super) value: Raw,
}

/// One `[[channel]]` of the file, as written.
pub(super) struct Rule {
    pub(super) origin: Origin,
    pub(super) entries: Vec<Entry>,
}

impl Entry {
    /// The setting this entry is for.
    pub(super) fn setting(&self) -> Result<&'static Setting, Error> {
        SETTINGS
            .iter()
            .find(|setting| setting.key == self.key)
            .ok_or_else(|| Error::UnknownKey {
                origin: self.origin.clone(),
                key: self.key.clone(),
                hint: hint(&self.key),
            })
    }

    /// Puts the value where `setting` has its place in `config`; `key` is what
    /// the writer knows it by.
    pub(super) fn put(
        &self,
        setting: &Setting,
        key: &str,
        config: &mut Config,
    ) -> Result<(), Error> {
        setting
            .put(&self.value, config)
            .map_err(|reason| Error::BadValue {
                origin: self.origin.clone(),
                key: key.to_owned(),
                reason,
                allowed: setting.allowed(),
            })
    }
}

/// This process's variables. What is not Unicode is made so with replacement
/// characters, for the check of its value to complain about.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .map(|(name, value)| {
            let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
            (text(name), text(value))
        })
        .collect()
}

/// Reads everything that is set; an empty variable sets nothing.
pub(super) fn read(sources: &Sources) -> Result<Layers, Error> {
    let variables = || {
        let set = |(_, value): &&(String, String)| !value.is_empty();
        sources.environment.iter().filter(set)
    };
    let named = variables().find(|(name, _)| name == CONFIG_VARIABLE);
    let mut layers = match (&sources.file, named) {
        (Some(path), _) => file(path, "--config")?,
        (None, Some((_, path))) => file(&PathBuf::from(path), CONFIG_VARIABLE)?,
        (None, None) => Layers::default(),
    };
    let entries = &mut layers.entries;
    entries.extend(variables().filter_map(|(name, value)| variable(name, value)));
    entries.extend(sources.flags.iter().map(flag));
    Ok(layers)
}

fn file(path: &Path, named_by: &'static str) -> Result<Layers, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Unreadable {
        path: path.to_owned(),
        named_by,
        source,
    })?;
    let origin = |at: usize| Origin::File {
        path: path.to_owned(),
        line: 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count(),
    };
    let document = DeTable::parse(&text).map_err(|error| Error::NotToml {
        origin: origin(error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    let table = document.get_ref();
    let mut layers = Layers {
        entries: entries(table, &origin),
        rules: Vec::new(),
    };
    if let Some(tables) = table.get(RULES).and_then(|value| tables(value.get_ref())) {
        layers.entries.retain(|entry| entry.key != RULES);
        layers.rules.extend(tables.map(|(at, table)| Rule {
            origin: origin(at),
            entries: entries(table, &origin),
        }));
    }
    Ok(layers)
}

/// The keys of a table with their values.
fn entries(table: &DeTable<'_>, origin: &impl Fn(usize) -> Origin) -> Vec<Entry> {
    let mut keys: Vec<_> = table.iter().collect();
    // The first thing wrong should be the first as one reads the file.
    keys.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| Entry {
        origin: origin(key.span().start),
        key: String::from(std::borrow::Cow::clone(key.get_ref())),
        value: raw(value.get_ref()),
    };
    keys.into_iter().map(entry).collect()
}

/// The tables of a list of nothing else, each with the place where it begins.
fn tables<'a>(value: &'a DeValue<'_>) -> Option<impl Iterator<Item = (usize, &'a DeTable<'a>)>> {
    let items = value.as_array()?;
    let all = items.iter().all(|item| item.get_ref().is_table());
    let table = |item: &'a toml::Spanned<DeValue<'_>>| {
        let table = item.get_ref().as_table()?;
        Some((item.span().start, table))
    };
    all.then(|| items.iter().filter_map(table))
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::String(text.to_string()),
        DeValue::Integer(number) => Raw::Integer(
            // Hexadecimal and the like are TOML's; the settings know decimals.
            i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().to_owned(), |n| n.to_string()),
        ),
        other => Raw::Other(other.type_str()),
    }
}

fn variable(name: &str, value: &str) -> Option<Entry> {
    let rest = name.strip_prefix(PREFIX)?;
    (!is_not_ours(rest)).then(|| Entry {
        origin: Origin::Environment(name.to_owned()),
        key: match SETTINGS.iter().find(|setting| setting.variable() == name) {
            Some(setting) => setting.key.to_owned(),
            None => name.to_owned(),
        },
        value: Raw::Word(value.to_owned()),
    })
}

/// Variables with our prefix that set nothing of the server: those of the
/// commands, and those Kubernetes gives to each pod beside a service called
/// `fanfare` (`FANFARE_SERVICE_HOST`, `FANFARE_PORT_50051_TCP`, ...), which
/// must not keep a node from starting.
fn is_not_ours(rest: &str) -> bool {
    matches!(rest, "ADDRESS" | "CONFIG" | "PORT" | "SERVICE_HOST")
        || rest.starts_with("PORT_")
        || rest.starts_with("SERVICE_PORT")
}

fn flag(flag: &Flag) -> Entry {
    Entry {
        origin: Origin::Flag(flag.name.clone()),
        key: flag.key.clone(),
        value: Raw::Word(flag.value.clone()),
    }
}

/// The known key nearest to `key`, in the form `key` was written in.
fn hint(key: &str) -> String {
    if key == RULES {
        return "channels have `[[channel]]` tables, in the TOML file only".to_owned();
    }
    let upper = key.starts_with(PREFIX);
    let known = SETTINGS.iter().map(|setting| {
        if upper {
            setting.variable()
        } else {
            setting.key.to_owned()
        }
    });
    let written = key.len() - if upper { PREFIX.len() } else { 0 };
    nearest(key, written, known)
        .unwrap_or_else(|| "`fanfare serve --help` lists them all".to_owned())
}

/// Asks whether one of the `known` keys was meant by `key`, of which the user
/// chose as many bytes as are `written`.
pub(super) fn nearest(
    key: &str,
    written: usize,
    known: impl Iterator<Item = String>,
) -> Option<String> {
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(key, &known), known))
        .min();
    // Beyond half of what was written a guess would only mislead.
    nearest
        .filter(|(distance, _)| distance * 2 <= written)
        .map(|(_, known)| format!("did you mean `{known}`?"))
}
