//! What a row consists of: servers under loads, and what is to be seen.

use std::fmt::Write as _;

use super::check::Check;

/// A server to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    Fanfare,
    Nats,
    Redis,
    Plain,
}

/// What is done to a server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// `fanfare bench` with these arguments, and those that say which server.
    Bench(&'static str),
    /// Nothing but the first call: how soon it answers, and what it holds.
    Start,
}

/// How long a load takes that does not end by itself, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// Not measured, unless a load asks for more.
    pub(crate) warmup: u32,
    /// Measured.
    pub(crate) seconds: u32,
}

/// One measurement, on a server started for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) peer: Peer,
    /// What sets it apart from the row's other cases of this server.
    pub(crate) what: &'static str,
    pub(crate) load: Load,
}

/// Measurements made one after the other, and what they must show.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// How it is set up and why so, in a sentence or more.
    pub(crate) setup: &'static str,
    pub(crate) cases: Vec<Case>,
    pub(crate) checks: Vec<Check>,
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fanfare => "Fanfare",
            Self::Nats => "NATS",
            Self::Redis => "Redis",
            Self::Plain => "plain tonic",
        }
    }

    pub(crate) fn under(self, load: &'static str) -> Case {
        self.doing("", load)
    }

    pub(crate) fn doing(self, what: &'static str, load: &'static str) -> Case {
        Case {
            peer: self,
            what,
            load: Load::Bench(load),
        }
    }
}

impl Load {
    /// The words after `fanfare`, but for those that say which server.
    pub(crate) fn arguments(self, time: Time) -> Vec<String> {
        let Self::Bench(load) = self else {
            return Vec::new();
        };
        let mut line = format!("bench {load} --json");
        // A backlog ends when all of it is delivered. Writing to a string cannot fail.
        if !load.starts_with("backlog") {
            let _ = write!(line, " --seconds {}", time.seconds);
            if value(load, "--warmup").is_none() {
                let _ = write!(line, " --warmup {}", time.warmup);
            }
        }
        line.split(' ').map(str::to_owned).collect()
    }

    /// Events a second that it is to publish; none: as many as go.
    pub(crate) fn rate(self) -> Option<f64> {
        match self {
            Self::Bench(load) => value(load, "--rate")?.parse().ok(),
            Self::Start => None,
        }
    }
}

/// The word after this flag.
fn value<'a>(load: &'a str, flag: &str) -> Option<&'a str> {
    let mut words = load.split(' ').skip_while(|word| *word != flag);
    words.nth(1)
}

impl Case {
    pub(crate) fn name(&self) -> String {
        match self.what {
            "" => self.peer.name().to_owned(),
            what => format!("{}, {what}", self.peer.name()),
        }
    }
}
