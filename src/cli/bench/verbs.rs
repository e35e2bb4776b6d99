//! The flags of each load, and the plan that they make.

use std::time::Duration;

use clap::value_parser;

use super::flags::{Events, Length, Print, Server, Subscribers, Threads, rate, size};
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

impl Fanout {
    pub(super) fn plan(&self) -> Plan {
        let audience = Audience {
            kept: self.demands.keep,
            ..self.subscribers.audience()
        };
        let publishing = Publishing {
            is_member: self.demands.own,
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
            payload: self.payload,
            rate: None,
            window: 1000,
            events: Some(self.events),
        };
        let (audience, length) = (self.subscribers.audience(), self.threads.until_done());
        self.server.plan(audience, Some(publishing), length)
    }
}
