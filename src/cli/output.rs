//! Stdout, the one way: whole lines, each flushed.
//!
//! Writes wait on another thread, so that Ctrl-C ends a verb even while its
//! reader takes nothing.

use std::io;

use tokio::io::{AsyncWriteExt as _, Stdout};

use super::Failure;

/// What a verb prints.
#[derive(Debug)]
pub(crate) struct Output(Stdout);

impl Output {
    /// Stdout of this process.
    pub(crate) fn stdout() -> Self {
        Self(tokio::io::stdout())
    }

    /// Prints `line` and its end.
    pub(crate) async fn line(&mut self, mut line: String) -> Result<(), Failure> {
        line.push('\n');
        let written = match self.0.write_all(line.as_bytes()).await {
            Ok(()) => self.0.flush().await,
            error => error,
        };
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::PipeClosed,
            _ => Failure::failed(format!("cannot write to stdout: {error}")),
        })
    }
}
