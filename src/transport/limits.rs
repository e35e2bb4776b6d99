//! What a connection may cost: every bound of the transport in one place.

use std::time::Duration;

/// The bounds of [`serve`](super::serve). `config` reads them and checks ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are served at a time.
    pub connections: usize,
    /// Streams that one connection may have open at a time, advertised as
    /// `SETTINGS_MAX_CONCURRENT_STREAMS`; clients queue what is over it.
    pub connection_streams: u32,
    /// Bytes of one stream that wait in HTTP/2 for the peer's window.
    pub send_buffer: usize,
    /// Bytes of one connection that are gathered into one write.
    pub gather_buffer: usize,
    /// After this long without a sign of life the peer is pinged.
    pub keepalive_interval: Duration,
    /// A peer that does not answer a ping within this is cut off.
    pub keepalive_timeout: Duration,
    /// At shutdown, how long connections may take to end by themselves.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connection_streams: 10_000,
            send_buffer: 64 << 10,
            gather_buffer: 64 << 10,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(15),
        }
    }
}
