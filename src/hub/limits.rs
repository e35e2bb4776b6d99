//! What a hub may hold: every bound of a node's memory in one place.

use std::time::Duration;

use super::log::Retention;
use crate::model::{ChannelName, Pattern};

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
    /// Channels whose logs keep something else; the first that matches counts.
    pub rules: Vec<Rule>,
    /// Bytes that the logs of the whole node keep, fixed costs included.
    pub node_bytes: usize,
    /// Bytes of the lists of members that are being handed over, of the whole
    /// node; one larger list may be.
    pub list_bytes: usize,
    /// Channels that exist at a time.
    pub channels: usize,
    /// Streams that are open at a time.
    pub streams: usize,
    /// Subscriptions of all streams to channels, members and observers alike.
    pub members: usize,
    /// Channels that one stream may listen to at a time, those that its
    /// patterns match included.
    pub stream_channels: usize,
    /// How long a member stays whose stream broke and did not come back.
    pub leave_grace: Duration,
    /// Newest request ids the node remembers.
    pub request_ids: usize,
    /// How long a request id is remembered.
    pub request_age: Duration,
    /// How long a stream with something to deliver may take nothing of it.
    pub stall_timeout: Duration,
}

/// What the logs of some channels keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which channels.
    pub pattern: Pattern,
    /// As [`Limits::log_events`].
    pub log_events: usize,
    /// As [`Limits::log_bytes`].
    pub log_bytes: usize,
    /// As [`Limits::log_age`].
    pub log_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            log_events: 65_536,
            log_bytes: 8 << 20,
            log_age: Duration::from_secs(60),
            rules: Vec::new(),
            node_bytes: 256 << 20,
            list_bytes: 64 << 20,
            channels: 1_000_000,
            streams: 100_000,
            members: 1_000_000,
            stream_channels: 10_000,
            leave_grace: Duration::ZERO,
            request_ids: 200_000,
            request_age: Duration::from_secs(300),
            stall_timeout: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// What the log of a channel keeps; of broadcasts if it has no name.
    pub(super) fn retention(&self, channel: Option<&ChannelName>) -> Retention {
        let matches = |rule: &&Rule| channel.is_some_and(|name| rule.pattern.matches(name));
        match self.rules.iter().find(matches) {
            Some(rule) => Retention {
                events: rule.log_events,
                bytes: rule.log_bytes,
                age: rule.log_age,
            },
            None => Retention {
                events: self.log_events,
                bytes: self.log_bytes,
                age: self.log_age,
            },
        }
    }
}
