//! Logging: `tracing` events to stderr, as text or as one JSON object a line.
//!
//! Stdout is never written to: it belongs to what a command prints.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Config, LogFormat};

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Correct the filter.
    #[error("`log` is {filter:?}: {reason}")]
    Filter {
        /// The filter as configured.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Call [`init`] once in a process.
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
}

/// Sets up logging for the process, by `log` and `log_format`.
///
/// # Errors
///
/// [`Error::Filter`] for a filter that does not parse, which [`Config::load`]
/// would have refused; [`Error::Twice`] at a second call.
pub fn init(config: &Config) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| Error::Filter {
        filter: config.log.clone(),
        reason: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => lines
            .with_ansi(io::stderr().is_terminal())
            .finish()
            .try_init()?,
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_filter_is_named() {
        let config = Config {
            log: "fanfare=loud".to_owned(),
            ..Config::default()
        };
        let error = init(&config).unwrap_err().to_string();
        assert!(error.starts_with("`log` is \"fanfare=loud\": "), "{error}");
    }
}
