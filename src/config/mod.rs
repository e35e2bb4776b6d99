//! The node's configuration: defaults, then a TOML file, then `FANFARE_*`
//! variables, then flags; each layer wins over the one before.
//!
//! [`SETTINGS`] is the one table of what can be set. The file's keys, the
//! variables, the ranges, the error texts and the README's table come from it;
//! so does what a `[[channel]]` of the file may say of some channels' logs.
//! A key that is not in it, or a value outside its range, is an [`Error`] that
//! names the place it was written in: a typo never becomes a silent default.
//!
//! Nothing else of the server reads files or the environment.

mod error;
mod layers;
mod rules;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::{http, hub, rpc, transport};

pub use error::{Error, Origin};
pub use layers::{Flag, environment};
pub use setting::Setting;
pub use table::{SETTINGS, help, table};

/// How a node runs. Plain data: [`Config::load`] has checked what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The address to listen on, `HOST:PORT`; port 0 takes any free one.
    pub listen: String,
    /// What is logged: a `tracing` filter, as `info` or `info,fanfare=debug`.
    pub log: String,
    /// The form of a log line.
    pub log_format: LogFormat,
    /// What the hub may hold.
    pub hub: hub::Limits,
    /// What a request may hold.
    pub rpc: rpc::Limits,
    /// Who may ask over HTTP.
    pub http: http::Settings,
    /// What a connection may cost.
    pub transport: transport::Limits,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: colours on a terminal.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:50051".to_owned(),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            hub: hub::Limits::default(),
            rpc: rpc::Limits::default(),
            http: http::Settings::default(),
            transport: transport::Limits::default(),
        }
    }
}

/// The layers over the defaults, as the caller found them.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The TOML file asked for with `--config`; without it `FANFARE_CONFIG`
    /// names one, and without that there is none.
    pub file: Option<PathBuf>,
    /// Variables by name and value; names without `FANFARE_` are passed over.
    pub environment: Vec<(String, String)>,
    /// What the command line sets, the last one winning.
    pub flags: Vec<Flag>,
}

impl Config {
    /// Reads the layers of `sources` over the defaults and checks the whole.
    ///
    /// # Errors
    ///
    /// The first thing wrong, from the lowest layer up: a file that cannot be
    /// read, an unknown key, a value of the wrong type or out of range; then
    /// values that are each allowed but not together; then the same of what the
    /// file says of some channels.
    pub fn load(sources: &Sources) -> Result<Self, Error> {
        let mut config = Self::default();
        let mut origins = HashMap::new();
        let layers = layers::read(sources)?;
        for entry in layers.entries {
            let setting = entry.setting()?;
            entry.put(setting, setting.key, &mut config)?;
            origins.insert(setting.key, entry.origin);
        }
        config.check_together(&origins)?;
        rules::read(&layers.rules, &mut config, &origins)?;
        Ok(config)
    }

    /// The rules that no range of a single setting can state.
    fn check_together(&self, origins: &HashMap<&'static str, Origin>) -> Result<(), Error> {
        let log = error::Sized::of("log_bytes", self.hub.log_bytes, origins);
        self.check_log(&log, origins)
    }

    /// Refuses a channel's log that could not hold its events, or that the
    /// node could not hold.
    fn check_log(
        &self,
        log: &error::Sized,
        origins: &HashMap<&'static str, Origin>,
    ) -> Result<(), Error> {
        let sized = |key, bytes| error::Sized::of(key, bytes, origins);
        // An append never trims its own event, so a smaller log would hold
        // little more than the event just sent, and every reader would see gaps.
        error::at_least(log, 4, &sized("payload_bytes", self.rpc.payload_bytes))?;
        error::at_least(&sized("node_bytes", self.hub.node_bytes), 1, log)
    }
}
