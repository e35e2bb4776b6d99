//! What one load found on one server, and the names under which it is told.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::number::number;

/// Something measured, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    /// Server CPU for each delivery; or event, or call, where nobody listens.
    Cpu,
    /// Deliveries a second; or events, or calls.
    Rate,
    P50,
    P99,
    P999,
    /// What the server holds at the end.
    Memory,
    /// What it holds more for each stream.
    Stream,
    /// CPU of the load itself, in percent of its core.
    Load,
    /// From the start of the process to its first answer.
    Start,
    /// The program, as built and without its symbols.
    Built,
    Stripped,
}

/// What a load's report calls each metric, and the factor to its unit here.
/// The only place that knows the keys of `fanfare bench --json`.
const KEYS: &[(&str, Metric, f64)] = &[
    ("server_cpu_us_per_delivery", Metric::Cpu, 1.0),
    ("server_cpu_us_per_event", Metric::Cpu, 1.0),
    ("server_cpu_us_per_call", Metric::Cpu, 1.0),
    ("deliveries_per_second", Metric::Rate, 1.0),
    ("calls_per_second", Metric::Rate, 1.0),
    ("events_per_second", Metric::Rate, 1.0),
    ("p50_us", Metric::P50, 1.0),
    ("p99_us", Metric::P99, 1.0),
    ("p99_9_us", Metric::P999, 1.0),
    ("rss_kib", Metric::Memory, 1.0 / 1024.0),
    ("rss_kib_per_stream", Metric::Stream, 1.0),
];

/// The part of the events asked for that makes a paced load a result. Below it
/// the server, or the load, could not keep pace, and did something else.
const PACE: f64 = 0.98;

/// What makes a report no result, if it is not 0.
pub(crate) const FAULTS: &[&str] = &["loss", "gaps", "astray"];

/// The metrics that a load found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<Metric, f64>);

/// Or why it is no result, in words to show.
pub(crate) type Finding = Result<Figures, String>;

impl Metric {
    /// Its name at the top of a column, with the unit.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU each, µs",
            Self::Rate => "per second",
            Self::P50 => "p50, µs",
            Self::P99 => "p99, µs",
            Self::P999 => "p99.9, µs",
            Self::Memory => "memory, MiB",
            Self::Stream => "a stream, KiB",
            Self::Load => "load's CPU, %",
            Self::Start => "start to first answer, ms",
            Self::Built => "program, MiB",
            Self::Stripped => "stripped, MiB",
        }
    }
}

impl Figures {
    /// Reads a report of a load that was to publish at this `rate`, if any. What
    /// it does not tell is left out.
    ///
    /// # Errors
    ///
    /// Something was lost, missing or out of order, or fewer events were
    /// published than asked for: there is no result.
    pub(crate) fn of_report(report: &Value, rate: Option<f64>) -> Finding {
        let count = |key: &&str| report[*key].as_f64().unwrap_or(0.0);
        if FAULTS.iter().any(|key| count(key) > 0.0) {
            let faults = FAULTS.iter().map(|key| format!("{key} {}", count(key)));
            return Err(faults.collect::<Vec<_>>().join(", "));
        }
        if let Some(asked) = rate {
            check_pace(report, asked)?;
        }
        let mut figures = Self::default();
        for (key, metric, factor) in KEYS {
            if let Some(value) = report[*key].as_f64() {
                // Of two keys for a metric, the first one is the finer.
                figures.0.entry(*metric).or_insert(value * factor);
            }
        }
        let load = report["load_cpu_seconds"].as_f64();
        if let Some((used, seconds)) = load.zip(report["seconds"].as_f64()) {
            figures = figures.with(Metric::Load, 100.0 * used / seconds);
        }
        Ok(figures)
    }

    pub(crate) fn with(mut self, metric: Metric, value: f64) -> Self {
        self.0.insert(metric, value);
        self
    }

    pub(crate) fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&metric).copied()
    }

    /// What is known, in the order of the columns.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.0.keys().copied()
    }
}

fn check_pace(report: &Value, asked: f64) -> Result<(), String> {
    let published = report["events_per_second"].as_f64().unwrap_or(0.0);
    if published >= PACE * asked {
        return Ok(());
    }
    let (published, asked) = (number(published), number(asked));
    Err(format!(
        "only {published} of {asked} events a second were published"
    ))
}

/// In a line, in the order of the columns.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.0.iter();
        let told = told.map(|(metric, value)| format!("{} {}", metric.title(), number(*value)));
        f.write_str(&told.collect::<Vec<_>>().join(" · "))
    }
}
