//! What time it is, as a value that is passed in.

use std::time::SystemTime;

/// The time that events and members carry. Durations are measured by tokio's
/// clock instead, which never steps and which tests can pause.
#[derive(Clone, Copy, Debug)]
pub struct Clock(fn() -> SystemTime);

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(SystemTime::now)
    }

    /// A clock of a test's own.
    pub fn of(now: fn() -> SystemTime) -> Self {
        Self(now)
    }

    /// What it shows.
    pub fn now(self) -> SystemTime {
        (self.0)()
    }
}
