//! What a load consists of: who listens to what, what is published, how long.

use std::ops::Range;

use super::target::{Protocol, Target};

/// A load, checked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    /// The server's process, to be measured.
    pub(super) pid: Option<u32>,
    pub(super) audience: Audience,
    /// None: the connections are left idle.
    pub(super) publishing: Option<Publishing>,
    pub(super) time: Time,
    /// Threads that read sockets.
    pub(super) threads: usize,
}

/// How long a load takes, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    /// Not measured.
    pub(super) warmup: u32,
    /// Measured.
    pub(super) seconds: u32,
}

/// Who listens, and to what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audience {
    pub(super) connections: usize,
    /// Streams on each connection.
    pub(super) streams: usize,
    pub(super) channels: u64,
    /// Channels that each stream listens to: from its own number on.
    pub(super) listened: u64,
}

/// Who publishes, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Publishing {
    /// Connections that publish in turn.
    pub(super) connections: usize,
    pub(super) form: Form,
    /// Bytes of an event's payload.
    pub(super) payload: usize,
    /// Events a second; none: as many as the window lets through.
    pub(super) rate: Option<f64>,
    /// Events on their way at a time, at most.
    pub(super) window: u64,
}

/// How events get to a fanfare node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// One stream of requests, pipelined; NATS and Redis publish like this.
    Session,
    /// A call of `Send` for each event: one after the other where somebody
    /// listens, for their order, and 1,000 at a time where nobody does.
    Unary,
}

impl Audience {
    /// Nobody listens.
    pub(super) fn nobody(channels: u64) -> Self {
        Self {
            connections: 0,
            streams: 0,
            channels,
            listened: 1,
        }
    }

    /// The numbers of the streams on the `index`th connection.
    pub(super) fn on_connection(self, index: usize) -> Range<u64> {
        let begin = (index * self.streams) as u64;
        begin..begin + self.streams as u64
    }

    /// The channels that a stream listens to, each once.
    pub(super) fn channels_of(self, stream: u64) -> impl Iterator<Item = u64> {
        (stream..stream + self.listened).map(move |channel| channel % self.channels)
    }

    /// All that a connection's streams listen to; what two of them do is there
    /// twice.
    pub(super) fn of_connection(self, index: usize) -> impl Iterator<Item = u64> {
        self.on_connection(index)
            .flat_map(move |stream| self.channels_of(stream))
    }
}

/// The name of a channel; a NATS subject and a Redis channel are called alike.
pub(super) fn channel_name(channel: u64) -> String {
    format!("bench.{channel}")
}

impl Plan {
    /// Checks what no flag alone can be wrong about.
    pub(super) fn checked(self) -> Result<Self, String> {
        let Audience {
            streams,
            channels,
            listened,
            ..
        } = self.audience;
        if listened > channels {
            return Err(format!(
                "--listen {listened} is more than there are channels: \
                 give --channels {listened} or more"
            ));
        }
        if self.target.protocol == Protocol::Redis && streams > 1 {
            return Err(format!(
                "--streams {streams}: a Redis connection has one subscription of a channel; \
                 leave --streams out, and give more --connections"
            ));
        }
        if self.threads > 1 && self.threads > self.audience.connections {
            return Err(format!(
                "--threads {} is more than there are subscribing connections, {}",
                self.threads, self.audience.connections
            ));
        }
        Ok(self)
    }
}
