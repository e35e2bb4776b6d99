//! What is gone of a log: the newest number, and the latest time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nothing numbered after `number` and published after `published` is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LetGo {
    /// The newest number; 0: nothing is gone.
    pub(crate) number: u64,
    /// The latest time of publishing, as [`nanos`].
    pub(crate) published: u64,
}

impl LetGo {
    /// What is gone of either.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            number: self.number.max(other.number),
            published: self.published.max(other.published),
        }
    }
}

/// A time in eight bytes: nanoseconds since 1970, until 2554.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
