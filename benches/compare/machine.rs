//! What the numbers were measured on.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use crate::flags::Flags;
use crate::table::Machine;
use crate::tools::{Tools, output};

/// Connections of the largest row, at both ends of each, and some files more.
const FILES: u64 = 2_000;

/// What puts a process on a core, and ends it in time.
const PROGRAMS: [&str; 3] = ["setpriv", "taskset", "timeout"];

/// Says whether the comparison can run here.
///
/// # Errors
///
/// It cannot, with what to do about it.
pub(crate) fn check() -> Result<(), String> {
    let cores = cores();
    if cores < 2 {
        return Err(format!(
            "{cores} core: the server and its load need one each"
        ));
    }
    for program in PROGRAMS {
        output(Command::new(program).arg("--version"))
            .map_err(|reason| format!("{reason}: util-linux and coreutils have it"))?;
    }
    let limits = read("/proc/self/limits").ok_or("no /proc: this runs on Linux only")?;
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    match soft {
        Some(files) if files < FILES => Err(format!(
            "a process may open {files} files only: run `ulimit -n {FILES}` first"
        )),
        _ => Ok(()),
    }
}

/// The machine, the servers, and how long each was measured.
pub(crate) fn describe(tools: &Tools, flags: &Flags) -> Machine {
    let processors = read("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("of no known model", |line| {
        line.trim_start_matches(['\t', ' ', ':'])
    });
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut machine = vec![
        ("CPU", format!("{model}, {} cores", cores())),
        ("kernel", format!("Linux {}", kernel.trim())),
        ("date", now.split('T').next().unwrap_or_default().to_owned()),
        (
            "runs",
            format!(
                "{}, of {} s each after {} s to warm up",
                flags.runs, flags.seconds, flags.warmup
            ),
        ),
    ];
    machine.extend(tools.versions());
    machine
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}
