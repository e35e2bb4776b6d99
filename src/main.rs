//! The `fanfare` command: parse, run the verb, tell how it went.
//!
//! The exit code is 0 for success, 2 for a mistake in the command line or the
//! configuration, 1 for any other failure.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use crate::cli::{Cli, Failure};

/// A stream takes some fifteen small allocations; after a hundred thousand of
/// them the system's allocator searches long (`docs/benchmarks.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return cli::explain(&answer),
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::failed(format!("cannot start: {error}")).report(),
    };
    let outcome = runtime.block_on(cli.run());
    // Reads of stdin and writes to stdout may never end; they hold up nobody.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
