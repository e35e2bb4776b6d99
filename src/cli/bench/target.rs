//! Which server a load speaks to, and in which protocol.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Fanfare,
    Nats,
    Redis,
}

/// A server by the URL that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) protocol: Protocol,
    /// HOST:PORT.
    pub(super) authority: String,
}

/// What a target looks like, for errors.
const FORMS: &str = "fanfare://HOST:PORT, nats://HOST:PORT or redis://HOST:PORT";

/// More than any name has, and below what one byte of HPACK can count.
const LONGEST: usize = 120;

impl Target {
    /// The address that the name stands for; of several, the first.
    pub(super) fn resolve(&self) -> Result<SocketAddr, String> {
        let addresses = self.authority.to_socket_addrs();
        let mut addresses =
            addresses.map_err(|error| format!("{} has no address: {error}", self.authority))?;
        let first = addresses.next();
        first.ok_or_else(|| format!("{} has no address", self.authority))
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("no protocol: give {FORMS}"))?;
        let (protocol, port) = match scheme {
            "fanfare" => (Protocol::Fanfare, 50051),
            "nats" => (Protocol::Nats, 4222),
            "redis" => (Protocol::Redis, 6379),
            _ => return Err(format!("{scheme}:// is unknown: give {FORMS}")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '@', '?']) || authority.len() > LONGEST {
            return Err(format!("no path, user or query is known: give {FORMS}"));
        }
        match authority
            .rsplit_once(':')
            .map(|(_, port)| port.parse::<u16>())
        {
            Some(Ok(_)) => Ok(Self {
                protocol,
                authority: authority.to_owned(),
            }),
            _ => Err(format!("no port: try {scheme}://{authority}:{port}")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Fanfare => "fanfare",
            Protocol::Nats => "nats",
            Protocol::Redis => "redis",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_protocol_a_host_and_a_port() {
        for text in [
            "fanfare://a:1",
            "nats://[::1]:4222",
            "redis://10.0.0.1:6379",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_says_what_would_be_one() {
        for (text, reason) in [
            ("localhost:1", "no protocol: give fanfare://"),
            ("http://a:1", "http:// is unknown: give fanfare://"),
            ("nats://a", "no port: try nats://a:4222"),
            ("redis://a:x", "no port: try redis://a:x:6379"),
            ("redis://u@a:1", "no path, user or query is known"),
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
