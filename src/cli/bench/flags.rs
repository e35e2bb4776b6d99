//! The flags that loads share, with their units and ranges.

use clap::builder::RangedU64ValueParser;
use clap::value_parser;

use super::plan::{Audience, Form, Plan, Publishing, Reading, Time};
use super::report::Report;
use super::target::Target;

/// The server, and what is measured of it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Server {
    /// Server to load: fanfare://, nats:// or redis://, then HOST:PORT.
    #[arg(long, value_name = "URL", default_value = "fanfare://127.0.0.1:50051")]
    to: Target,
    /// Process of the server, to tell its CPU time and memory (needs /proc).
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
}

/// The subscribers.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Subscribers {
    /// Connections that subscribe; 1 to 60,000.
    #[arg(long, value_name = "N", default_value = "100", value_parser = size(1, 60_000))]
    connections: usize,
    /// Streams on each connection, or subscriptions with NATS; 1 to 10,000.
    #[arg(long, value_name = "N", default_value = "1", value_parser = size(1, 10_000))]
    streams: usize,
    /// Channels, which the events go to in turn; 1 to 100,000.
    #[arg(long, value_name = "N", default_value = "1",
        value_parser = value_parser!(u64).range(1..=100_000))]
    channels: u64,
    /// Channels that each stream listens to, from its own number on; 1 to
    /// 3,000, which are named in the 64 KiB that a stream may begin with.
    #[arg(long, value_name = "N", default_value = "1",
        value_parser = value_parser!(u64).range(1..=3000))]
    listen: u64,
}

/// The events.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Events {
    /// Bytes of a payload; 32 to 16,000.
    #[arg(long, value_name = "BYTES", default_value = "128", value_parser = size(32, 16_000))]
    payload: usize,
    /// How events get to a fanfare node.
    #[arg(long, value_enum, default_value = "session")]
    publisher: Form,
    /// Events on their way at a time, at most; 4 to 100,000. Without it 1,000,
    /// or fewer if they were more than 4 MiB, half of what a node keeps of a
    /// channel.
    #[arg(long, value_name = "EVENTS", value_parser = value_parser!(u64).range(4..=100_000))]
    window: Option<u64>,
}

/// How long.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Length {
    /// Seconds that are measured; 1 to 3,600.
    #[arg(long, value_name = "SECONDS", default_value = "10",
        value_parser = value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Seconds before those; 0 to 600.
    #[arg(long, value_name = "SECONDS", default_value = "2",
        value_parser = value_parser!(u32).range(0..=600))]
    warmup: u32,
    #[command(flatten)]
    threads: Threads,
}

/// What the load itself runs on.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Threads {
    /// Threads of the load that read; 1 to 64, no more than connections.
    #[arg(long, value_name = "N", default_value = "1", value_parser = size(1, 64))]
    threads: usize,
}

/// In which form the report is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Print {
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Server {
    /// A plan for it, whose connections are read at once.
    pub(super) fn plan(
        &self,
        audience: Audience,
        publishing: Option<Publishing>,
        length: Length,
    ) -> Plan {
        Plan {
            target: self.to.clone(),
            pid: self.pid,
            audience,
            reading: Reading::AT_ONCE,
            publishing,
            time: Time {
                warmup: length.warmup,
                seconds: length.seconds,
            },
            threads: length.threads.threads,
        }
    }
}

impl Subscribers {
    pub(super) fn audience(self) -> Audience {
        Audience {
            connections: self.connections,
            streams: self.streams,
            channels: self.channels,
            listened: self.listen,
            kept: None,
            is_quiet: false,
        }
    }
}

impl Events {
    pub(super) fn publishing(self, connections: usize, rate: Option<f64>) -> Publishing {
        Publishing {
            connections,
            form: self.publisher,
            is_member: false,
            echo: false,
            payload: self.payload,
            rate,
            window: self.window.unwrap_or_else(|| self.ample_window()),
            events: None,
        }
    }

    /// Who lags by all of it has no gap, if the node has its defaults.
    fn ample_window(self) -> u64 {
        1000.min((4 << 20) / self.payload as u64)
    }
}

impl Threads {
    /// For a load that ends when all is done.
    pub(super) fn until_done(self) -> Length {
        Length {
            seconds: 0,
            warmup: 0,
            threads: self,
        }
    }
}

impl Print {
    /// The report as it was asked for.
    pub(super) fn text(self, report: &Report) -> String {
        if self.json {
            report.json()
        } else {
            report.table()
        }
    }
}

/// A count that becomes an index.
pub(super) fn size(from: u64, to: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(from..=to)
}

/// A rate above 0: one event in five seconds is 0.2.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1e7 => Ok(rate),
        _ => Err("a rate is above 0 and at most 10000000 events a second".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_large_events_is_half_of_what_a_node_keeps_unless_asked_for() {
        let events = |payload, window| Events {
            payload,
            publisher: Form::Session,
            window,
        };
        let window = |events: Events| events.publishing(1, None).window;
        assert_eq!(window(events(128, None)), 1000);
        assert_eq!(window(events(4096, None)), 1000);
        assert_eq!(window(events(16_000, None)), 262);
        assert_eq!(window(events(16_000, Some(1000))), 1000);
    }
}
