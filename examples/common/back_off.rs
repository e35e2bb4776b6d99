//! How long to wait before a return, and when to return no more.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Waits longer after each failure; a fresh one begins again.
pub(crate) struct BackOff {
    bound: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { bound: FIRST }
    }
}

impl BackOff {
    /// Waits as long as the node asked for, or else a while that chance
    /// decides, so that those who were cut together do not return together.
    /// Hands back a status after which there is no use in returning.
    pub(crate) async fn wait(&mut self, cut: Status) -> Result<(), Status> {
        if is_for_good(cut.code()) {
            return Err(cut);
        }
        let asked = cut.get_details_retry_info();
        let asked = asked.and_then(|info| info.retry_delay).unwrap_or_default();
        let chosen = self.bound.mul_f64(fastrand::f64());
        self.bound = (2 * self.bound).min(LONGEST);
        tokio::time::sleep(asked.max(chosen)).await;
        Ok(())
    }
}

fn is_for_good(code: Code) -> bool {
    use Code::{Aborted, InvalidArgument, PermissionDenied, Unimplemented};
    [Aborted, InvalidArgument, PermissionDenied, Unimplemented].contains(&code)
}
