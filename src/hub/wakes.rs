//! Who is to be woken, gathered while a lock is held.

use std::task::Waker;

/// Who must be woken once no lock is held.
#[derive(Debug, Default)]
#[must_use = "readers sleep until they are woken"]
pub(crate) struct Wakes(Vec<Waker>);

impl Wakes {
    /// Adds one, if there is one.
    pub(crate) fn add(&mut self, waker: Option<Waker>) {
        self.0.extend(waker);
    }

    /// Wakes them.
    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}
