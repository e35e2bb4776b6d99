//! What became of the lines of an input: counted, shown while it goes on, and
//! told at the end.
//!
//! The bar is on stderr, and only if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;
use tokio::time::Instant;

use super::Failure;
use super::output::note;

/// The counts so far, and the bar that shows them.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
    counts: Counts,
}

/// How many lines came to what.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// The node has sent the event.
    sent: u64,
    /// An earlier request with the same id had sent it.
    duplicates: u64,
    /// It makes no request, or the node refused it.
    failed: u64,
    /// Nobody knows.
    unanswered: u64,
    /// Subscribers that were listening, over all events sent.
    recipients: u64,
    /// How long it took.
    seconds: f64,
}

impl Progress {
    /// Nothing has happened yet.
    pub(crate) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {msg}, {rate}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style.with_key("rate", rate));
        let progress = Self {
            bar,
            began: Instant::now(),
            counts: Counts::default(),
        };
        progress.show();
        progress
    }

    /// The node has sent an event, to so many.
    pub(crate) fn sent(&mut self, recipients: u32) {
        self.counts.sent += 1;
        self.counts.recipients += u64::from(recipients);
        self.show();
    }

    /// The node had sent it before.
    pub(crate) fn repeated(&mut self) {
        self.counts.duplicates += 1;
        self.show();
    }

    /// A line came to nothing.
    pub(crate) async fn failed(&mut self, line: u64, reason: &str) {
        self.counts.failed += 1;
        self.say(&format!("line {line}: {reason}")).await;
        self.show();
    }

    /// Says `text` on stderr, above the bar if there is one.
    pub(crate) async fn say(&self, text: &str) {
        if self.bar.is_hidden() {
            note(text).await;
        } else {
            self.bar.println(text);
        }
    }

    /// Takes the bar away. So many lines are without an answer.
    pub(crate) fn end(self, unanswered: usize) -> Counts {
        self.bar.finish_and_clear();
        Counts {
            unanswered: u64::try_from(unanswered).unwrap_or(u64::MAX),
            // Nobody reads a fraction of a millisecond.
            seconds: (self.began.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0,
            ..self.counts
        }
    }

    fn show(&self) {
        if self.bar.is_hidden() {
            return;
        }
        let Counts {
            sent,
            duplicates,
            failed,
            ..
        } = self.counts;
        self.bar.set_position(sent + duplicates + failed);
        self.bar.set_message(format!(
            "{sent} sent, {duplicates} duplicates, {failed} failed"
        ));
    }
}

impl Counts {
    /// As one line of JSON.
    pub(crate) fn line(&self) -> Result<String, Failure> {
        serde_json::to_string(self)
            .map_err(|error| Failure::failed(format!("cannot print the counts: {error}")))
    }

    /// Fails if a line did.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let all = self.sent + self.duplicates + self.failed;
        match self.failed {
            0 => Ok(()),
            failed => Err(Failure::failed(format!("{failed} of {all} lines failed"))),
        }
    }
}

fn rate(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    // Where it cannot be written it is not shown.
    let _ = write!(text, "{:.0}/s", state.per_sec());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_counts_once_and_a_repeat_reached_nobody() {
        let mut progress = Progress::start();
        progress.sent(2);
        progress.sent(1);
        progress.repeated();
        progress.failed(9, "is empty").await;
        let counts = Counts {
            seconds: 0.5,
            ..progress.end(4)
        };
        assert_eq!(
            counts.line().unwrap(),
            r#"{"sent":2,"duplicates":1,"failed":1,"unanswered":4,"recipients":3,"seconds":0.5}"#
        );
        let failure = counts.verdict().unwrap_err();
        assert_eq!(failure.reason(), "1 of 4 lines failed");
        assert!(Counts::default().verdict().is_ok());
    }
}
