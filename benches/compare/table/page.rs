//! The page, as Markdown: ratios first, then the machine and the figures, with
//! how each row was done.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::check::{Check, Spread, Verdict};
use super::figures::{Figures, Finding, Metric};
use super::number::number;
use super::row::{Case, Load, Row};
use super::{Machine, Measured};

/// Percent of its core from which on a load is said to be short of it.
const FULL: f64 = 95.0;

/// What comes after this line is written by hand, and kept.
pub(crate) const BY_HAND: &str = "<!-- By hand from here on: kept when the rest is made anew. -->";

/// What a page ends with that has nothing by hand yet.
pub(crate) const NO_NOTES: &str = "\n\n## What falls short, and why\n\nNothing is written yet.\n";

const BEGINNING: &str = "\
# Benchmarks

Made by `cargo bench --bench compare`, which puts the same load on each server in turn, on one machine.
The server has one core to itself and the load another, and each measurement has a server started for it.
A ratio is of two measurements made back to back in the same run; shown is the median of the runs, with the least and the most.
A measurement that lost an event, or saw a gap or disorder, is no result; nor is one that published less than 98 % of the events it was to.
CPU is the server's time, its own and the kernel's for it.
Payloads have 128 bytes and there is one publisher, unless a row says otherwise.
It keeps no more than 1,000 events on their way: the latencies of a saturated row are those of that window.
The load's own CPU is beside the server's: where it has all of its core, the server could do more a second than it shows.
";

const AGAIN: &str = "\
## Run it again

```bash
cargo bench --bench compare
cargo bench --bench compare -- --rows saturated --runs 1
cargo bench --bench compare -- --list
```

It needs Linux with two cores or more, Go to install nats-server, and `redis-server`.
With `--rows` it prints what it finds, and leaves this page as it is.
Let nothing else run meanwhile.
";

/// The whole page; what `before`, the page there is, has by hand is kept.
pub(crate) fn page(measured: &[Measured], machine: &Machine, before: &str) -> String {
    let by_hand = before.split_once(BY_HAND).map(|(_, notes)| notes);
    let notes = by_hand.unwrap_or(NO_NOTES);
    let found = found(measured, machine);
    format!("{BEGINNING}\n{found}\n{AGAIN}\n{BY_HAND}{notes}")
}

/// The part with the numbers.
pub(crate) fn found(measured: &[Measured], machine: &Machine) -> String {
    let mut ratios = Vec::new();
    for Measured { row, runs } in measured {
        let checks = row.checks.iter();
        ratios.extend(checks.map(|check| ratio(row, check, runs)));
    }
    let head = [
        "case",
        "what",
        "must be",
        "hoped for",
        "median",
        "runs",
        "met",
    ];
    let mut out = format!("## Ratios\n\n{}", table(&head.map(str::to_owned), &ratios));
    out += "\n## Figures\n\nMedians of the runs, on this machine:\n\n";
    for (name, value) in machine {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "- {name}: {value}");
    }
    for Measured { row, runs } in measured {
        let figures = figures(row, runs);
        let full = full(row, runs);
        let _ = write!(out, "\n{}\n{figures}{full}", setup(row));
    }
    out
}

fn ratio(row: &Row, check: &Check, runs: &[Vec<Finding>]) -> Vec<String> {
    let with_unit = |value| format!("{} {}", number(value), check.unit);
    let mut cells = vec![
        row.name.to_owned(),
        check.what.to_owned(),
        check.must(),
        check.hoped.map_or_else(String::new, with_unit),
    ];
    match check.spread(runs) {
        Ok(spread) => cells.extend([
            with_unit(spread.median),
            format!("{} – {}", number(spread.least), number(spread.most)),
            verdict(check.verdict(spread.median)).to_owned(),
        ]),
        Err(reason) => cells.extend([String::new(), String::new(), no_result(&reason)]),
    }
    cells
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Hoped => "yes, as hoped",
        Verdict::Met => "yes",
        Verdict::Missed => "**no**",
    }
}

fn no_result(reason: &str) -> String {
    format!("no result: {reason}")
}

/// A line for each case, a column for each metric that any of them has.
fn figures(row: &Row, runs: &[Vec<Finding>]) -> String {
    let every = runs.iter().flatten().flatten().flat_map(Figures::metrics);
    let columns: BTreeSet<Metric> = every.collect();
    let mut head = vec!["server".to_owned()];
    head.extend(columns.iter().map(|metric| metric.title().to_owned()));
    let line = |(at, case): (usize, &Case)| {
        let found: Vec<_> = runs.iter().filter_map(|run| run.get(at)).collect();
        let mut cells = vec![case.name()];
        match found.iter().find_map(|finding| finding.as_ref().err()) {
            Some(reason) => cells[0] = format!("{} ({})", case.name(), no_result(reason)),
            None => cells.extend(columns.iter().map(|metric| median(&found, *metric))),
        }
        cells.resize(head.len(), String::new());
        cells
    };
    let lines: Vec<_> = row.cases.iter().enumerate().map(line).collect();
    table(&head, &lines)
}

/// Which saturated cases had a load that was short of CPU.
fn full(row: &Row, runs: &[Vec<Finding>]) -> String {
    let is_full = |(at, case): &(usize, &Case)| {
        let found: Vec<_> = runs.iter().filter_map(|run| run.get(*at)).collect();
        let used = spread(&found, Metric::Load);
        case.load.rate().is_none() && used.is_some_and(|used| used.median > FULL)
    };
    let cases = row.cases.iter().enumerate().filter(is_full);
    let names: Vec<_> = cases.map(|(_, case)| case.name()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "\nThe load had more than {FULL} % of its core with {}: what there is a second is a \
         bound of the load, while the CPU for each is the server's.\n",
        names.join("; ")
    )
}

fn median(found: &[&Finding], metric: Metric) -> String {
    spread(found, metric).map_or_else(String::new, |spread| number(spread.median))
}

fn spread(found: &[&Finding], metric: Metric) -> Option<Spread> {
    let figures = found.iter().filter_map(|finding| finding.as_ref().ok());
    let values = figures.filter_map(|figures| figures.get(metric)).collect();
    Spread::of(values)
}

/// A row in words, a sentence a line, and its loads as commands.
fn setup(row: &Row) -> String {
    let words = row.setup.replace(". ", ".\n");
    let mut out = format!("### {}\n\n{words}\n", capital(row.name));
    let mut gap = "\n";
    for case in &row.cases {
        if let Load::Bench(load) = case.load {
            let _ = writeln!(out, "{gap}- {}: `fanfare bench {load}`", case.name());
            gap = "";
        }
    }
    out
}

fn table(head: &[String], lines: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        // A reason comes from elsewhere, and must not end a cell.
        let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "/")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let lines: String = lines.iter().map(|cells| line(cells)).collect();
    line(head) + &rule + &lines
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}
