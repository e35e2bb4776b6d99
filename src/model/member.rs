//! Who is in a channel.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

/// The id of one stream as a member, unique in the node's life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberId(Arc<str>);

impl MemberId {
    /// An id that nobody has (122 random bits).
    pub fn new() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// The id that travelled as `text`: it may be nobody's.
    pub fn of(text: &str) -> Self {
        Self(text.into())
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for MemberId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One member of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who; the same in every channel that the stream joined.
    pub id: MemberId,
    /// The profile as last set: an encoded object, opaque here.
    pub profile: Bytes,
    /// When it joined this channel.
    pub join_time: SystemTime,
}
