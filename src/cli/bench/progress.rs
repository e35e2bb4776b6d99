//! How far a load is, on stderr: only while that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use tokio::time::Instant;

use super::plan::Time;

/// A bar, which goes away when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
}

/// Steps of a second.
const STEPS: u64 = 10;

impl Progress {
    /// For `count` things to be done.
    pub(super) fn of(count: usize, things: &'static str) -> Self {
        let bar = ProgressBar::new(count as u64);
        bar.set_style(style("{wide_bar} {pos}/{len} {msg}"));
        bar.set_message(things);
        Self::new(bar)
    }

    /// For a load that takes this long.
    pub(super) fn of_time(time: Time) -> Self {
        let seconds = u64::from(time.warmup) + u64::from(time.seconds);
        let bar = ProgressBar::new(seconds * STEPS);
        bar.set_style(style("{wide_bar} {left} s left, {msg}"));
        Self::new(bar)
    }

    fn new(bar: ProgressBar) -> Self {
        Self {
            bar,
            began: Instant::now(),
        }
    }

    /// One thing is done.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }

    /// Tells how much has been delivered by now.
    pub(super) fn tell(&self, delivered: u64) {
        let tenths = self.began.elapsed().as_millis() / u128::from(1000 / STEPS);
        let position = u64::try_from(tenths).unwrap_or(u64::MAX);
        if position > self.bar.position() {
            self.bar.set_message(format!("{delivered} delivered"));
            self.bar.set_position(position);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key(
        "left",
        |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let left = state.len().unwrap_or(0).saturating_sub(state.pos());
            // A bar that is not drawn stops no load.
            let _ = write!(
                out,
                "{}",
                Duration::from_millis(left * 1000 / STEPS).as_secs()
            );
        },
    )
}
