//! What the comparison is told on the command line.

use std::path::PathBuf;

use clap::Parser;

use crate::table::Time;

/// Compares fanfare with other servers, and writes docs/benchmarks.md.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench compare --")]
pub(crate) struct Flags {
    /// Only rows whose name has this text; may be repeated. Prints, and leaves
    /// the page as it is.
    #[arg(long, value_name = "TEXT")]
    pub(crate) rows: Vec<String>,
    /// How many times all rows are run; 1 to 99.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) runs: u32,
    /// Seconds that each measurement takes; 1 to 600.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Seconds before those; 0 to 60.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = clap::value_parser!(u32).range(0..=60))]
    pub(crate) warmup: u32,
    /// Page to write [default: docs/benchmarks.md, if all rows are run].
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Print the names of the rows, and measure nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// What cargo says to a benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Flags {
    /// How long each measurement takes.
    pub(crate) fn time(&self) -> Time {
        Time {
            warmup: self.warmup,
            seconds: self.seconds,
        }
    }

    /// Where the page goes: of some rows only, nowhere by itself.
    pub(crate) fn page(&self) -> Option<PathBuf> {
        let all = || crate::root().join("docs/benchmarks.md");
        let asked = self.out.clone();
        asked.or_else(|| self.rows.is_empty().then(all))
    }

    /// Whether a row of this name is to be run.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|text| name.contains(text))
    }
}
