//! HTTP/1.1 by hand, one request after the other on a connection.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Node, PATIENCE};
use crate::wire_support::connect;

pub(super) const JSON: &str = "content-type: application/json\r\n";
pub(super) const MERGE: &str = "content-type: application/merge-patch+json\r\n";

/// A connection.
pub(super) struct Http {
    pub(super) stream: BufReader<TcpStream>,
}

/// What is answered, whole.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines();
        let mut pairs = lines.filter_map(|line| line.split_once(": "));
        let found = pairs.find(|(of, _)| of.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The answer to what is right.
    #[track_caller]
    pub(super) fn ok(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, 200, "{text}");
        self.json()
    }

    /// Checks that it is this error, of this field.
    #[track_caller]
    pub(super) fn refused(&self, status: u16, reason: &str, field: &str) -> String {
        let json = self.json();
        assert_eq!(self.status, status, "{json}");
        let details = json["details"].as_array().unwrap();
        let detail = |name: &str| {
            let url = format!("type.googleapis.com/google.rpc.{name}");
            details.iter().find(|detail| detail["@type"] == url)
        };
        let info = detail("ErrorInfo").unwrap_or_else(|| panic!("no ErrorInfo: {json}"));
        assert_eq!(info["domain"], "fanfare.v1");
        assert_eq!(info["reason"], reason, "{json}");
        let request = detail("BadRequest");
        let named = request.and_then(|request| request["fieldViolations"][0]["field"].as_str());
        assert_eq!(named.unwrap_or_default(), field, "{json}");
        json["message"].as_str().unwrap().to_owned()
    }
}

impl Http {
    pub(super) async fn new(node: &Node) -> Self {
        let stream = BufReader::new(connect(node).await);
        Self { stream }
    }

    /// Sends the head of a request; `headers` are whole lines.
    pub(super) async fn say(&mut self, request: &str, headers: &str) {
        let head = format!("{request} HTTP/1.1\r\nhost: node\r\n{headers}\r\n");
        self.stream.write_all(head.as_bytes()).await.unwrap();
    }

    /// The answer to a request.
    pub(super) async fn ask(
        &mut self,
        request: &str,
        headers: &str,
        body: impl AsRef<[u8]>,
    ) -> Reply {
        let body = body.as_ref();
        let length = match body.len() {
            0 => String::new(),
            length => format!("content-length: {length}\r\n"),
        };
        self.say(request, &format!("{length}{headers}")).await;
        // What is refused by its head may be closed before this is written.
        self.stream.write_all(body).await.ok();
        self.reply().await
    }

    pub(super) async fn get(&mut self, path: &str) -> Reply {
        self.ask(&format!("GET {path}"), "", "").await
    }

    pub(super) async fn post(&mut self, path: &str, json: &Value) -> Reply {
        self.ask(&format!("POST {path}"), JSON, json.to_string())
            .await
    }

    pub(super) async fn head(&mut self) -> Reply {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = timeout(PATIENCE, self.stream.read_line(&mut head)).await;
            assert!(read.expect("in time").unwrap() > 0, "an end after {head:?}");
        }
        Reply {
            status: head[9..12].parse().unwrap(),
            head,
            body: Vec::new(),
        }
    }

    pub(super) async fn reply(&mut self) -> Reply {
        let mut reply = self.head().await;
        if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut reply.body).await.unwrap();
        } else {
            while let Some(chunk) = self.chunk().await {
                reply.body.extend(chunk);
            }
        }
        reply
    }

    /// The next part of a body without a length; none at its end.
    pub(super) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let chunk = async {
            let mut size = String::new();
            if self.stream.read_line(&mut size).await.unwrap_or_default() == 0 {
                return None;
            }
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk).await.ok()?;
            chunk.truncate(size);
            (size > 0).then_some(chunk)
        };
        timeout(PATIENCE, chunk).await.expect("in time")
    }
}

/// One event, as a browser has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) id: Option<String>,
    pub(super) event: String,
    pub(super) data: Value,
    pub(super) retry: Option<u64>,
}

/// A stream of events.
pub(super) struct EventSource {
    pub(super) http: Http,
    text: String,
}

impl EventSource {
    /// Opens one, at a path with its query.
    pub(super) async fn open(node: &Node, query: &str, headers: &str) -> Self {
        let mut http = Http::new(node).await;
        http.say(&format!("GET /v1/events?{query}"), headers).await;
        let head = http.head().await;
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        let text = String::new();
        Self { http, text }
    }

    /// The next event; none at the end.
    pub(super) async fn next(&mut self) -> Option<Said> {
        let end = loop {
            if let Some(end) = self.text.find("\n\n") {
                break end;
            }
            let chunk = self.http.chunk().await?;
            self.text += std::str::from_utf8(&chunk).unwrap();
        };
        let block: String = self.text.drain(..end + 2).collect();
        let mut said = Said::default();
        for line in block.trim_end().lines() {
            let (name, value) = line.split_once(": ").unwrap();
            match name {
                "id" => said.id = Some(value.to_owned()),
                "event" => value.clone_into(&mut said.event),
                "data" => said.data = serde_json::from_str(value).unwrap(),
                "retry" => said.retry = Some(value.parse().unwrap()),
                other => panic!("a field {other}"),
            }
        }
        Some(said)
    }

    /// The next one, which is of this name.
    pub(super) async fn expect(&mut self, event: &str) -> Said {
        let said = self.next().await.expect(event);
        assert_eq!(said.event, event, "{said:?}");
        said
    }
}
