//! Where a node is.

use std::fmt;
use std::str::FromStr;

use tonic::codegen::http::Uri;

const DEFAULT: &str = "http://127.0.0.1:50051";

/// The URL of a node: `http://HOST:PORT`, or `HOST:PORT` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Uri);

impl Address {
    /// As a URL.
    pub fn uri(&self) -> Uri {
        self.0.clone()
    }
}

impl FromStr for Address {
    type Err = String;

    /// Empty text stands for `127.0.0.1:50051`, as an empty variable does.
    fn from_str(text: &str) -> Result<Self, String> {
        let url = match text.split_once("://") {
            _ if text.is_empty() => DEFAULT.to_owned(),
            Some(("http", _)) => text.to_owned(),
            Some(("https", _)) => return Err("https is not built yet; use http://".to_owned()),
            Some((scheme, _)) => return Err(format!("{scheme}:// is unknown; use http://")),
            None => format!("http://{}", with_port(text)?),
        };
        let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
        match uri.path() {
            "" | "/" if uri.query().is_none() => Ok(Self(uri)),
            _ => Err("a node has no path: give http://HOST:PORT".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

/// Refuses a bare host: port 80, which it would mean, is never meant.
fn with_port(text: &str) -> Result<&str, String> {
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) => Ok(text),
        _ => Err(format!("no port: try {text}:50051")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        text.parse::<Address>().map(|address| address.to_string())
    }

    #[test]
    fn a_bare_host_and_port_is_http() {
        for (text, url) in [
            ("", "http://127.0.0.1:50051"),
            ("localhost:1", "http://localhost:1"),
            ("[::1]:1", "http://[::1]:1"),
            ("http://localhost", "http://localhost"),
            ("http://localhost:1/", "http://localhost:1"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(url));
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, reason) in [
            ("https://localhost:1", "https is not built yet; use http://"),
            ("unix:///tmp/x", "unix:// is unknown; use http://"),
            ("localhost", "no port: try localhost:50051"),
            ("localhost:http", "no port: try localhost:http:50051"),
            (
                "http://localhost:1/x",
                "a node has no path: give http://HOST:PORT",
            ),
        ] {
            assert_eq!(parse(text), Err(reason.to_owned()));
        }
        assert!(parse("http://").is_err());
        assert!(parse("a b:1").is_err());
    }
}
