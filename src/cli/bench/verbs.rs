//! The flags of each load, and the plan that they make.

use std::time::Duration;

use clap::value_parser;

use super::flags::{Events, Length, Print, Server, Subscribers, Threads, rate, size};
use super::marker::RECORD;
use super::plan::{Audience, Form, Plan, Publishing, Reading};

/// `bench fanout`.
#[derive(Debug, clap::Args)]
pub(super) struct Fanout {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    subscribers: Subscribers,
    #[command(flatten)]
    events: Events,
    /// Events a second, above 0 to 10,000,000; left out: as many as go.
    #[arg(long, value_name = "EVENTS/S", value_parser = rate)]
    rate: Option<f64>,
    #[command(flatten)]
    demands: Demands,
    #[command(flatten)]
    length: Length,
    #[command(flatten)]
    pub(super) output: Print,
}

/// What makes a delivery harder.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Demands {
    /// Name the events in turn with so many names, and have each stream filter
    /// for one of them; 1 to 1,000. Left out: no filter.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1000))]
    keep: Option<u64>,
    /// Publish as a member of all channels, who gets none of its own events.
    #[arg(long)]
    own: bool,
    /// With --own: have its own events come back to it; they count in nothing.
    #[arg(long, requires = "own")]
    echo: bool,
    /// Connections beside the others that subscribe and are never read; 0 to
    /// 10,000. They count in no loss.
    #[arg(long, value_name = "N", default_value = "0", value_parser = size(0, 10_000))]
    stalled: usize,
    /// Of the connections, the last so many are read only once in a --pause.
    ///
    /// A --window of rate x pause, and a node that keeps as many events of a
    /// channel, leave them unnoticed by the others. Latencies are those of the
    /// others.
    #[arg(long, value_name = "N", default_value = "0", value_parser = size(0, 60_000))]
    slow: usize,
    /// Milliseconds from one reading of slow connections to the next; 1 to
    /// 5,000.
    #[arg(long, value_name = "MS", default_value = "100",
        value_parser = value_parser!(u64).range(1..=5000))]
    pause: u64,
}

/// `bench publish`.
#[derive(Debug, clap::Args)]
pub(super) struct Publish {
    #[command(flatten)]
    server: Server,
    /// Connections that publish; 1 to 10,000.
    #[arg(long, value_name = "N", default_value = "1", value_parser = size(1, 10_000))]
    connections: usize,
    /// Channels, which the events go to in turn; 1 to 100,000.
    #[arg(long, value_name = "N", default_value = "1",
        value_parser = value_parser!(u64).range(1..=100_000))]
    channels: u64,
    #[command(flatten)]
    events: Events,
    /// Events a second, above 0 to 10,000,000; left out: as many as go.
    #[arg(long, value_name = "EVENTS/S", value_parser = rate)]
    rate: Option<f64>,
    #[command(flatten)]
    length: Length,
    #[command(flatten)]
    pub(super) output: Print,
}

/// `bench latency`.
#[derive(Debug, clap::Args)]
pub(super) struct Latency {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    subscribers: Subscribers,
    #[command(flatten)]
    events: Events,
    /// Events a second, above 0 to 10,000,000.
    #[arg(long, value_name = "EVENTS/S", default_value = "200", value_parser = rate)]
    rate: f64,
    #[command(flatten)]
    length: Length,
    #[command(flatten)]
    pub(super) output: Print,
}

/// `bench idle`.
#[derive(Debug, clap::Args)]
pub(super) struct Idle {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    subscribers: Subscribers,
    #[command(flatten)]
    length: Length,
    #[command(flatten)]
    pub(super) output: Print,
}

/// `bench backlog`.
#[derive(Debug, clap::Args)]
pub(super) struct Backlog {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    subscribers: Subscribers,
    /// Events that are missed, over all channels; 1 to 100,000,000. The node's
    /// logs have to hold them.
    #[arg(long, value_name = "N", default_value = "10000",
        value_parser = value_parser!(u64).range(1..=100_000_000))]
    events: u64,
    /// Bytes of a payload; 32 to 16,000.
    #[arg(long, value_name = "BYTES", default_value = "128", value_parser = size(32, 16_000))]
    payload: usize,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    pub(super) output: Print,
}

/// `bench members`.
#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    #[command(flatten)]
    server: Server,
    /// Members of the channel, a stream each; 1 to 1,000,000.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = size(1, 1_000_000))]
    members: usize,
    /// Connections that share the members evenly; 1 to 60,000. Left out: one
    /// for each 10,000.
    #[arg(long, value_name = "N", value_parser = size(1, 60_000))]
    connections: Option<usize>,
    #[command(flatten)]
    length: Length,
    #[command(flatten)]
    pub(super) output: Print,
}

/// Streams that a node allows on a connection.
const STREAMS: usize = 10_000;

impl Fanout {
    pub(super) fn plan(&self) -> Plan {
        let audience = Audience {
            kept: self.demands.keep,
            ..self.subscribers.audience()
        };
        let publishing = Publishing {
            is_member: self.demands.own,
            echo: self.demands.echo,
            ..self.events.publishing(1, self.rate)
        };
        Plan {
            reading: self.demands.reading(),
            ..self.server.plan(audience, Some(publishing), self.length)
        }
    }
}

impl Demands {
    fn reading(self) -> Reading {
        Reading {
            slow: self.slow,
            pause: Duration::from_millis(self.pause),
            stalled: self.stalled,
        }
    }
}

impl Publish {
    pub(super) fn plan(&self) -> Plan {
        let publishing = self.events.publishing(self.connections, self.rate);
        let nobody = Audience::nobody(self.channels);
        self.server.plan(nobody, Some(publishing), self.length)
    }
}

impl Latency {
    pub(super) fn plan(&self) -> Plan {
        let publishing = self.events.publishing(1, Some(self.rate));
        let audience = self.subscribers.audience();
        self.server.plan(audience, Some(publishing), self.length)
    }
}

impl Idle {
    pub(super) fn plan(&self) -> Plan {
        self.server
            .plan(self.subscribers.audience(), None, self.length)
    }
}

impl Backlog {
    pub(super) fn plan(&self) -> Plan {
        let publishing = Publishing {
            connections: 1,
            form: Form::Session,
            is_member: false,
            echo: false,
            payload: self.payload,
            rate: None,
            window: 1000,
            events: Some(self.events),
        };
        let (audience, length) = (self.subscribers.audience(), self.threads.until_done());
        self.server.plan(audience, Some(publishing), length)
    }
}

impl Listing {
    /// # Errors
    ///
    /// The members cannot be shared out over the connections, in words to show.
    pub(super) fn plan(&self) -> Result<Plan, String> {
        let members = self.members;
        let connections = self.connections.unwrap_or(members.div_ceil(STREAMS));
        if !members.is_multiple_of(connections) {
            let more = members.next_multiple_of(connections);
            return Err(format!(
                "--members {members} do not share {connections} connections evenly: \
                 give --members {more}, or other --connections"
            ));
        }
        let streams = members / connections;
        if streams > STREAMS {
            let least = members.div_ceil(STREAMS);
            return Err(format!(
                "--members {members} on --connections {connections} are more than {STREAMS} \
                 streams on each: give --connections {least} or more"
            ));
        }
        let audience = Audience {
            connections,
            streams,
            is_quiet: true,
            ..Audience::nobody(1)
        };
        let calls = Publishing {
            connections: 1,
            form: Form::Members,
            is_member: false,
            echo: false,
            payload: RECORD,
            rate: None,
            window: 1,
            events: None,
        };
        Ok(self.server.plan(audience, Some(calls), self.length))
    }
}
