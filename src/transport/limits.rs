//! What a connection may cost: every bound of the transport in one place.

use std::time::Duration;

/// The bounds of [`serve`](super::serve). `config` reads them and checks ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are served at a time; at about 40 KiB each with one
    /// stream, 10,000 are 400 MiB. Those over it are refused.
    pub connections: usize,
    /// Streams that one connection may have open at a time, advertised as
    /// `SETTINGS_MAX_CONCURRENT_STREAMS`; clients queue what is over it.
    pub connection_streams: u32,
    /// Bytes of one stream that wait in HTTP/2 for the peer's window, and can
    /// no longer be skipped; at most 4 GiB. One chunk may go over it.
    pub send_buffer: usize,
    /// Bytes of one connection that are gathered into one write; at least
    /// 2 KiB. At 64 KiB the syscall is a small part of what the copy costs.
    pub gather_buffer: usize,
    /// After this long without a request or its data the peer is pinged; more
    /// than zero. Under the minute after which load balancers cut idle
    /// connections.
    pub keepalive_interval: Duration,
    /// A peer that does not answer a ping within this is cut off, and one that
    /// takes no bytes for both times together; 20 s is gRPC's default.
    pub keepalive_timeout: Duration,
    /// At shutdown, how long connections may take to end by themselves; what
    /// is left is cut, within a second more. Under the 30 s that Kubernetes
    /// gives.
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

/// Bytes of one stream's requests that may wait unread, and so may be on their
/// way to a session at a time.
pub(super) const STREAM_WINDOW: u32 = 256 << 10;

/// Bytes of all that wait unread on one connection: 64 streams that are not
/// read leave none for others.
pub(super) const CONNECTION_WINDOW: u32 = 16 << 20;

/// What unread frames under 256 bytes are short of that, all together; one more
/// ends the connection. A stream's window full of the smallest messages, whose
/// reader waits for its peer to read, must be well below it.
pub(super) const FRAME_BUDGET: usize = 8 << 20;

/// Bytes of a request's headers, advertised as `SETTINGS_MAX_HEADER_LIST_SIZE`.
pub(super) const HEADER_LIST: u32 = 16 << 10;

/// Streams that a peer may have reset before they were accepted; one more ends
/// the connection. Against "rapid reset", CVE-2023-44487. All of one read is
/// looked at before any is accepted; calls which give up must be far from it.
pub(super) const EARLY_RESETS: usize = 256;

/// Streams that may have been reset for errors of the peer's.
pub(super) const ERROR_RESETS: usize = 1024;
