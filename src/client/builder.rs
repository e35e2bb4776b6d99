//! How a client connects, waits and comes back.

use std::ops::RangeInclusive;
use std::time::Duration;

use tonic::codegen::http::Uri;
use tonic::transport::Endpoint;

use super::back_off::Waits;
use super::error::Reason;
use super::{Address, Client, Error};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the answer to a ping may take.
const PONG: Duration = Duration::from_secs(20);

/// How often a node may be pinged: faster than 10 s, and it hangs up.
const PINGS: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3_600);

/// Longer than anybody waits, and short enough to be added to a time.
const FOREVER: Duration = Duration::from_secs(1 << 26);

/// Bytes of a stream's window, as HTTP/2 and common sense allow.
const WINDOWS: RangeInclusive<u32> = (16 << 10)..=(64 << 20);

/// A client to be.
#[derive(Clone, Debug)]
pub struct Builder {
    settings: Settings,
}

/// What a client and all that comes of it go by.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    uri: Uri,
    pub(super) timeout: Duration,
    pub(super) waits: Waits,
    pub(super) attempts: Attempts,
    keepalive: Duration,
    window: u32,
}

/// How often to try what may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempts {
    /// Until the timeout is over.
    InTime,
    /// Once.
    One,
}

impl Builder {
    pub(super) fn new(address: &str) -> Result<Self, Error> {
        let address = address.parse::<Address>();
        let address =
            address.map_err(|flaw| Error::invalid(Reason::InvalidRequest, "address", flaw))?;
        Ok(Self::at(&address))
    }

    /// A client of the node at this address.
    pub fn at(address: &Address) -> Self {
        Self {
            settings: Settings {
                uri: address.uri(),
                timeout: Duration::from_secs(10),
                waits: Waits::default(),
                attempts: Attempts::InTime,
                keepalive: Duration::from_secs(20),
                window: 256 << 10,
            },
        }
    }

    /// How long a call may take, with all its repeats, and a subscription until
    /// its first `ready`. 10 s unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout.min(FOREVER);
        self
    }

    /// The longest first wait before a repeat or a return, which doubles with
    /// each failure in a row, and the longest of all. Chance picks the wait
    /// below that. 100 ms and 10 s unless set.
    #[must_use]
    pub fn back_off(mut self, first: Duration, longest: Duration) -> Self {
        self.settings.waits = Waits {
            first: first.min(FOREVER),
            longest: longest.min(FOREVER),
        };
        self
    }

    /// Tries each call once, and a subscription once until its first `ready`.
    #[must_use]
    pub fn without_repeats(mut self) -> Self {
        self.settings.attempts = Attempts::One;
        self
    }

    /// After how long without a sign of life the node is pinged: 10 s to 1 h,
    /// 20 s unless set. It has 20 s to answer.
    #[must_use]
    pub fn keepalive(mut self, interval: Duration) -> Self {
        self.settings.keepalive = interval;
        self
    }

    /// Bytes of a subscription or a session that may be here unread: 16 KiB to
    /// 64 MiB, 256 KiB unless set. What does not fit stays in the node's log.
    #[must_use]
    pub fn window(mut self, bytes: u32) -> Self {
        self.settings.window = bytes;
        self
    }

    /// Connects now.
    ///
    /// # Errors
    ///
    /// The node cannot be reached, or a setting is out of range.
    pub async fn connect(self) -> Result<Client, Error> {
        self.check()?;
        let channel = self.settings.endpoint().connect().await?;
        Ok(Client::new(self.settings, Some(channel)))
    }

    /// Connects when it is first used: a node may be started later.
    ///
    /// # Errors
    ///
    /// A setting is out of range.
    pub fn lazy(self) -> Result<Client, Error> {
        self.check()?;
        Ok(Client::new(self.settings, None))
    }

    fn check(&self) -> Result<(), Error> {
        let Settings {
            keepalive, window, ..
        } = self.settings;
        if !PINGS.contains(&keepalive) {
            return Err(refused(
                "keepalive",
                format!("is {keepalive:?}, allowed are 10 s to 1 h"),
            ));
        }
        if !WINDOWS.contains(&window) {
            let allowed = "allowed are 16384 to 67108864 (64 MiB)";
            return Err(refused("window", format!("is {window} bytes, {allowed}")));
        }
        Ok(())
    }
}

fn refused(setting: &str, flaw: String) -> Error {
    Error::invalid(Reason::InvalidRequest, setting, flaw)
}

impl Settings {
    /// For calls, which share a connection.
    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::from(self.uri.clone())
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(self.keepalive)
            .keep_alive_timeout(PONG)
            .keep_alive_while_idle(true)
    }

    /// For one stream: what waits unread there slows no other, and after a cut
    /// nothing is left of a connection that may be dead.
    pub(super) fn stream_endpoint(&self) -> Endpoint {
        self.endpoint().initial_stream_window_size(self.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(Builder) -> Builder) -> Option<String> {
        let builder = Builder::new("").unwrap();
        change(builder).lazy().err().map(|error| error.to_string())
    }

    #[test]
    fn a_setting_out_of_range_is_refused_with_the_range() {
        let fast = refusal(|builder| builder.keepalive(Duration::from_secs(9)));
        assert_eq!(
            fast.unwrap(),
            "INVALID_ARGUMENT (INVALID_REQUEST): keepalive: is 9s, allowed are 10 s to 1 h"
        );
        let narrow = refusal(|builder| builder.window(1)).unwrap();
        assert!(
            narrow.contains("window: is 1 bytes, allowed are 16384"),
            "{narrow}"
        );
        assert_eq!(
            refusal(|builder| builder.keepalive(Duration::from_secs(10))),
            None
        );
    }

    #[test]
    fn an_address_that_is_none_says_why() {
        let error = Builder::new("localhost").unwrap_err();
        assert_eq!(error.message(), "address: no port: try localhost:50051");
        assert_eq!(error.violations()[0].field, "address");
    }
}
