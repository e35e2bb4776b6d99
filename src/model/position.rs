//! A place in the life of a node.

use std::fmt;
use std::sync::Arc;

/// One life of a node: an opaque text that changes with every start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// A new life, different from all others (122 random bits).
    pub fn new() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string().into())
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Epoch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything up to and including `sequence`, in the node's life `epoch`.
///
/// Works like a database's log position: to start from it means to get what
/// is numbered after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The life of the node in which the number was given.
    pub epoch: Epoch,
    /// The number, below 2^53; 0 is before the first event.
    pub sequence: u64,
}
