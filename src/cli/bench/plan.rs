//! What a load consists of: who listens to what, what is published, how long.

use std::ops::Range;
use std::time::Duration;

use super::target::Target;

/// A load, checked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    /// The server's process, to be measured.
    pub(super) pid: Option<u32>,
    pub(super) audience: Audience,
    pub(super) reading: Reading,
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
    /// Each stream asks for one event in so many, by its name; none: for all,
    /// without a filter.
    pub(super) kept: Option<u64>,
    /// Each stream asks for as few heartbeats as a node sends.
    pub(super) is_quiet: bool,
}

/// Where the events go and what they are called, by their numbers: the channels
/// take turns, and with each round of them the names do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    pub(super) channels: u64,
    pub(super) names: u64,
}

/// How connections are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The last of the audience's connections, so many, are slow.
    pub(super) slow: usize,
    /// How long slow ones are not read, each time.
    pub(super) pause: Duration,
    /// Connections beside the audience's that subscribe and are never read.
    pub(super) stalled: usize,
}

/// Who publishes, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Publishing {
    /// Connections that publish in turn.
    pub(super) connections: usize,
    pub(super) form: Form,
    /// Whether they subscribe to all channels too.
    pub(super) is_member: bool,
    /// Whether they hear their own events then.
    pub(super) echo: bool,
    /// Bytes of an event's payload.
    pub(super) payload: usize,
    /// Events a second; none: as many as the window lets through.
    pub(super) rate: Option<f64>,
    /// Events on their way at a time, at most.
    pub(super) window: u64,
    /// Events in all, to be read later; none: as many as the time lets.
    pub(super) events: Option<u64>,
}

/// How events get to a fanfare node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// One stream of requests, pipelined; NATS and Redis publish like this.
    Session,
    /// A call of `Send` for each event: one after the other where somebody
    /// listens, for their order, and 1,000 at a time where nobody does.
    Unary,
    /// No events, but calls of `GetMembers`, one after the other.
    #[value(skip)]
    Members,
}

impl Audience {
    /// Nobody listens.
    pub(super) fn nobody(channels: u64) -> Self {
        Self {
            connections: 0,
            streams: 0,
            channels,
            listened: 1,
            kept: None,
            is_quiet: false,
        }
    }

    pub(super) fn turns(self) -> Turns {
        Turns {
            channels: self.channels,
            names: self.kept.unwrap_or(1),
        }
    }

    /// The name of the events that a stream asks for, if not for all.
    pub(super) fn filter(self) -> Option<String> {
        self.kept.map(|_| event_name(0))
    }

    /// All streams.
    pub(super) fn all(self) -> u64 {
        (self.connections * self.streams) as u64
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

impl Plan {
    /// Who publishes how many events for others to read later, if that is it.
    pub(super) fn backlog(&self) -> Option<(&Publishing, u64)> {
        let publishing = self.publishing.as_ref()?;
        Some((publishing, publishing.events?))
    }
}

impl Turns {
    /// After how many events the same channel and name have their turn again.
    ///
    /// What a stream receives is the same in each period, and without a filter
    /// each round of the channels is one.
    pub(super) fn period(self) -> u64 {
        self.channels * self.names
    }

    /// The channel of event `number`.
    pub(super) fn channel(self, number: u64) -> u64 {
        number % self.channels
    }

    /// The name of event `number`.
    pub(super) fn name(self, number: u64) -> String {
        event_name(number / self.channels % self.names)
    }
}

impl Reading {
    /// All are read as soon as something comes.
    pub(super) const AT_ONCE: Self = Self {
        slow: 0,
        pause: Duration::from_millis(100),
        stalled: 0,
    };
}

fn event_name(turn: u64) -> String {
    format!("e{turn}")
}

/// The name of a channel; a NATS subject and a Redis channel are called alike.
pub(super) fn channel_name(channel: u64) -> String {
    format!("bench.{channel}")
}
