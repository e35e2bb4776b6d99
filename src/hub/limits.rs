//! What a hub may hold: every bound of a node's memory in one place.

use std::time::Duration;

use super::budget::Account;
use super::log::{Log, Retention};
use super::sync::Arc;

/// The bounds of a [`Hub`](super::Hub). `config` reads them and checks ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events a channel's log keeps. With 65,536 a subscriber may pause for
    /// 6 s at 10,000 events a second and miss nothing.
    pub log_events: usize,
    /// Bytes of frames a channel's log keeps; at least four payloads.
    pub log_bytes: usize,
    /// How long a channel's log keeps an event.
    pub log_age: Duration,
    /// Bytes that the logs of the whole node keep, fixed costs included.
    pub node_bytes: usize,
    /// Channels that exist at a time.
    pub channels: usize,
    /// Streams that are open at a time.
    pub streams: usize,
    /// Subscriptions of all streams to channels, members and observers alike.
    pub members: usize,
    /// Newest request ids the node remembers.
    pub request_ids: usize,
    /// How long a request id is remembered.
    pub request_age: Duration,
    /// How long a stream with something to deliver may take nothing of it.
    pub stall_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            log_events: 65_536,
            log_bytes: 8 << 20,
            log_age: Duration::from_secs(60),
            node_bytes: 256 << 20,
            channels: 1_000_000,
            streams: 100_000,
            members: 1_000_000,
            request_ids: 200_000,
            request_age: Duration::from_secs(300),
            stall_timeout: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The log of a channel that begins after the number `let_go`.
    pub(super) fn log(&self, let_go: u64, account: Arc<Account>) -> Log {
        let retention = Retention {
            events: self.log_events,
            bytes: self.log_bytes,
            age: self.log_age,
        };
        Log::new(retention, let_go, account)
    }
}
