//! One measurement: a fresh server, a load on it, and what was found.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::flags::Flags;
use crate::server::{LOAD_CORE, Server, pinned};
use crate::table::{Case, Figures, Finding, Load, Metric, Peer};
use crate::tools::{Tools, output};

/// Longer than any load takes beside the seconds that it measures, so that one
/// that hangs is a row without a result.
const PATIENCE: u32 = 300;

/// What `timeout` ends with then.
const HUNG: i32 = 124;

/// How long a node is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(1);

/// Bytes in a MiB.
const MIB: f64 = 1_048_576.0;

/// Starts the case's server, puts the load on it, and ends it.
pub(crate) fn measure(case: &Case, tools: &Tools, flags: &Flags) -> Finding {
    let begin = Instant::now();
    let server = Server::start(case.peer, tools)?;
    let started = begin.elapsed();
    match case.load {
        Load::Bench(_) => bench(case.load, &server, tools, flags),
        Load::Start => {
            thread::sleep(IDLE);
            let figures = Figures::default().with(Metric::Start, started.as_secs_f64() * 1e3);
            let figures = sizes(figures, &tools.get(case.peer)?.program)?;
            let memory = server.memory().ok_or("the node ended")?;
            Ok(figures.with(Metric::Memory, memory))
        }
    }
}

/// Runs `fanfare bench` and reads its report. It fails where something was
/// lost, too, and says what.
fn bench(load: Load, server: &Server, tools: &Tools, flags: &Flags) -> Finding {
    let program = &tools.get(Peer::Fanfare)?.program;
    let mut command = command(program, load, server, flags);
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run setpriv: {error}"))?;
    if output.status.success() {
        let report = serde_json::from_slice(&output.stdout);
        let report = report.map_err(|error| format!("no report: {error}"))?;
        return Figures::of_report(&report, load.rate());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let first = errors.lines().find(|line| !line.trim().is_empty());
    Err(match (first, output.status.code()) {
        (_, Some(HUNG)) => format!("the load hung for {PATIENCE} s"),
        (Some(line), _) => without_preamble(line).to_owned(),
        (None, _) => format!("the load ended with {}", output.status),
    })
}

fn command(program: &Path, load: Load, server: &Server, flags: &Flags) -> Command {
    let time = flags.time();
    let mut command = pinned(LOAD_CORE, Path::new("timeout"));
    let patience = PATIENCE + time.warmup + time.seconds;
    command.args(["--foreground", &patience.to_string()]);
    command.arg(program).args(load.arguments(time));
    command.args(["--to", &server.url(), "--pid", &server.id().to_string()]);
    command
}

/// What the page says by itself in front of a reason.
fn without_preamble(line: &str) -> &str {
    let line = line.trim_start_matches("error: ");
    line.trim_start_matches("not a result: ")
}

/// Adds how large the program is, as it is and without its symbols.
fn sizes(figures: Figures, program: &Path) -> Finding {
    let size = |path: &Path| {
        let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
        #[expect(clippy::cast_precision_loss, reason = "a program is below 2^53 bytes")]
        let size = size as f64 / MIB;
        Ok::<_, String>(size)
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let stripped = folder.path().join("stripped");
    let figures = figures.with(Metric::Built, size(program)?);
    // Without `strip` here, that size is not measured.
    match output(Command::new("strip").arg("-o").arg(&stripped).arg(program)) {
        Ok(_) => Ok(figures.with(Metric::Stripped, size(&stripped)?)),
        Err(_) => Ok(figures),
    }
}
