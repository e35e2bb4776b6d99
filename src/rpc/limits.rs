//! What a request may hold: every bound of the wire in one place.

use std::time::Duration;

/// Bytes of a request beyond its payload: 10,000 subscriptions have room.
const REQUEST: usize = 4 << 20;

/// The bounds that `convert` checks; `config` reads them and checks ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a `Payload` message as encoded.
    pub payload_bytes: usize,
    /// Bytes of a member's profile as encoded.
    pub profile_bytes: usize,
    /// Headers of an event.
    pub headers: usize,
    /// Bytes of one header, name and value together.
    pub header_bytes: usize,
    /// Names in one subscription's event filter.
    pub event_filters: usize,
    /// Subscriptions of one request.
    pub subscriptions: usize,
    /// Heartbeat interval of a stream that asks for none; 1 s to 5 min.
    pub heartbeat: Duration,
    /// Age at which a stream is closed, ±10 %; zero: never.
    pub stream_age: Duration,
}

impl Limits {
    /// Bytes of a request, whatever it is.
    pub fn request_bytes(&self) -> usize {
        REQUEST + self.payload_bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes: 1 << 20,
            profile_bytes: 16 << 10,
            headers: 16,
            header_bytes: 256,
            event_filters: 64,
            subscriptions: 10_000,
            heartbeat: Duration::from_secs(25),
            stream_age: Duration::ZERO,
        }
    }
}
