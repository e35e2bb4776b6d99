//! What no flag of a load alone can be wrong about.

use super::plan::{Audience, Form, Plan, Publishing};
use super::target::Protocol;

/// The most kinds of events, each with a request of its own that is kept: a
/// channel and a name.
const KINDS: u64 = 100_000;

/// Channels that a node lets one stream subscribe to.
const SUBSCRIPTIONS: u64 = 10_000;

impl Plan {
    /// The plan, if it can be.
    ///
    /// # Errors
    ///
    /// Flags that do not go together, by name, and what would.
    pub(super) fn checked(self) -> Result<Self, String> {
        // First what no other flag would change: that there can be such a load.
        if let Some(publishing) = &self.publishing {
            self.check_publishing(publishing)?;
        }
        self.check_audience()?;
        self.check_filter()?;
        self.check_reading()?;
        Ok(self)
    }

    fn check_audience(&self) -> Result<(), String> {
        let Audience {
            connections,
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
        if self.threads > 1 && self.threads > connections {
            return Err(format!(
                "--threads {} is more than there are subscribing connections, {connections}",
                self.threads
            ));
        }
        Ok(())
    }

    fn check_filter(&self) -> Result<(), String> {
        let Some(kept) = self.audience.kept else {
            return Ok(());
        };
        self.only_fanfare("--keep", "a filter by an event's name")?;
        let most = KINDS / self.audience.channels;
        if kept > most {
            return Err(format!(
                "--keep {kept} with --channels {} makes more than {KINDS} kinds of events: \
                 give --keep {most} or less",
                self.audience.channels
            ));
        }
        Ok(())
    }

    fn check_reading(&self) -> Result<(), String> {
        let (slow, connections) = (self.reading.slow, self.audience.connections);
        if slow > connections {
            return Err(format!(
                "--slow {slow} is more than there are subscribing connections: \
                 give --connections {slow} or more"
            ));
        }
        Ok(())
    }

    fn check_publishing(&self, publishing: &Publishing) -> Result<(), String> {
        if publishing.events.is_some() {
            self.only_fanfare("backlog", "positions to resume from")?;
        }
        if publishing.form == Form::Members {
            self.only_fanfare("members", "lists of members")?;
        }
        if publishing.is_member {
            self.check_member(publishing)?;
        }
        Ok(())
    }

    fn check_member(&self, publishing: &Publishing) -> Result<(), String> {
        self.only_fanfare("--own", "senders that are known")?;
        if publishing.form != Form::Session {
            return Err(
                "--own: only a session can be a member; give --publisher session".to_owned(),
            );
        }
        let channels = self.audience.channels;
        if channels > SUBSCRIPTIONS {
            return Err(format!(
                "--own with --channels {channels}: a session subscribes to {SUBSCRIPTIONS} \
                 channels at most; give --channels {SUBSCRIPTIONS} or less"
            ));
        }
        Ok(())
    }

    fn only_fanfare(&self, what: &str, needed: &str) -> Result<(), String> {
        if self.target.protocol == Protocol::Fanfare {
            return Ok(());
        }
        Err(format!(
            "{what} needs {needed}, which {} does not have; give --to fanfare://HOST:PORT",
            self.target
        ))
    }
}
