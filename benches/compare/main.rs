//! Fanfare beside other servers, on the rows that it must win or hold:
//! `cargo bench --bench compare` writes `docs/benchmarks.md`.
//!
//! It starts one server at a time, each measurement a fresh one, on a core of
//! its own; `fanfare bench` is the load, on another. The servers are found, or
//! installed; where one is missing its rows have no result, and say why.
//!
//! Judges nothing but what `table` has: that says which rows there are, and
//! what each must show.

mod flags;

mod table;

mod tools;

mod server;

mod measuring;

mod machine;

mod plain;

use std::env;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use flags::Flags;
use table::{Case, Finding, Measured, Peer, Row};
use tools::Tools;

/// As its first argument: this process is to be the plain server.
const SERVE_PLAIN: &str = "serve-plain";

const HOW_TO_RUN: &str = "to compare with other servers, which takes some 20 minutes: \
                          cargo bench --bench compare";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let done = if arguments.next().as_deref() == Some(SERVE_PLAIN) {
        plain::serve()
    } else if env::args().any(|argument| argument == "--bench") {
        compare(&Flags::parse())
    } else {
        // `cargo test --benches` runs this too.
        say(HOW_TO_RUN);
        Ok(())
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn compare(flags: &Flags) -> Result<(), String> {
    let mut rows = table::rows();
    rows.retain(|row| flags.wants(row.name));
    if flags.list {
        for row in &rows {
            say(row.name);
        }
        return Ok(());
    }
    if rows.is_empty() {
        return Err("no row has such a name: --list prints them".to_owned());
    }
    machine::check()?;
    let peers = rows.iter().flat_map(|row| &row.cases).map(|case| case.peer);
    let tools = Tools::of(peers.chain([Peer::Fanfare]));
    let measured = measure(rows, &tools, flags);
    let machine = machine::describe(&tools, flags);
    say(&format!("\n{}", table::found(&measured, &machine)));
    match flags.page() {
        Some(path) => write(&path, |before| table::page(&measured, &machine, before)),
        None => Ok(()),
    }
}

/// All rows, then all again, for each run: so a slow minute is in one run only.
fn measure(rows: Vec<Row>, tools: &Tools, flags: &Flags) -> Vec<Measured> {
    let begin = |row| Measured {
        row,
        runs: Vec::new(),
    };
    let mut measured: Vec<_> = rows.into_iter().map(begin).collect();
    for run in 1..=flags.runs {
        for Measured { row, runs } in &mut measured {
            let measure = |case: &Case| {
                let finding = measuring::measure(case, tools, flags);
                say(&format!(
                    "run {run}/{} · {} · {}",
                    flags.runs,
                    row.name,
                    told(case, &finding)
                ));
                finding
            };
            runs.push(row.cases.iter().map(measure).collect());
        }
    }
    measured
}

/// What a measurement found, in a line.
fn told(case: &Case, finding: &Finding) -> String {
    let found = match finding {
        Ok(figures) => figures.to_string(),
        Err(reason) => format!("no result: {reason}"),
    };
    format!("{}: {found}", case.name())
}

/// Makes the page anew out of what it is.
fn write(path: &Path, page: impl FnOnce(&str) -> String) -> Result<(), String> {
    let before = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read,
    };
    let written = before.and_then(|before| fs::write(path, page(&before)));
    let path = path.display();
    written.map_err(|error| format!("cannot write {path}: {error}; its text is above"))?;
    say(&format!("wrote {path}"));
    Ok(())
}

/// The folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Prints a line. That nobody reads it is no reason to end.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
