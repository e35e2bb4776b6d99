//! Stdout, the one way: whole lines, each flushed; and remarks on stderr.
//!
//! Writes wait on another thread, so that Ctrl-C ends a verb even while its
//! reader takes nothing.

use std::io;

use tokio::io::{AsyncWriteExt as _, Stdout};

use super::Failure;

/// Says `text` on stderr, on a line of its own. That nobody reads it stops no
/// verb.
pub(crate) async fn note(text: &str) {
    on_stderr(&format!("{text}\n")).await;
}

/// Puts `text` on stderr as it is.
pub(crate) async fn on_stderr(text: &str) {
    let mut stderr = tokio::io::stderr();
    if stderr.write_all(text.as_bytes()).await.is_ok() {
        let _ = stderr.flush().await;
    }
}

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
