//! What a client writes, byte by byte, and what a server writes, frame by
//! frame: HTTP/2 with nothing between.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{text, to};
use crate::wire_support::framed;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;

/// Flags.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame of HTTP/2.
#[derive(Debug)]
pub(crate) struct Http2Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Http2Frame {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// The frames in what a server wrote, but for a last one that was cut.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Http2Frame> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            break;
        };
        frames.push(Http2Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes(head[5..].try_into().unwrap()),
            payload: payload.to_vec(),
        });
        bytes = rest;
    }
    frames
}

/// HPACK without compression: a literal field whose name has this index.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    assert!(value.len() < 127);
    [name, &[u8::try_from(value.len()).unwrap()], value].concat()
}

/// A call of `method` with one message, on `stream`.
pub(crate) fn call(stream: u32, method: &str, message: &Bytes) -> Vec<u8> {
    let path = format!("/fanfare.v1.RealtimeService/{method}");
    let fields = [
        // POST, http.
        vec![0x83, 0x86],
        literal(&[0x04], path.as_bytes()),
        literal(&[0x01], b"node"),
        literal(&[0x0f, 0x10], b"application/grpc"),
        literal(b"\x00\x02te", b"trailers"),
    ];
    let headers = Http2Frame {
        kind: HEADERS,
        flags: END_HEADERS,
        stream,
        payload: fields.concat(),
    };
    let data = Http2Frame {
        kind: DATA,
        flags: END_STREAM,
        stream,
        payload: message.to_vec(),
    };
    [headers.encode(), data.encode()].concat()
}

/// The preface and settings, each a pair of identifier and value.
pub(crate) fn hello(settings: &[(u16, u32)]) -> Vec<u8> {
    let pairs = settings.iter().flat_map(|(id, value)| {
        let (id, value) = (id.to_be_bytes(), value.to_be_bytes());
        id.into_iter().chain(value)
    });
    let settings = Http2Frame {
        kind: SETTINGS,
        flags: 0,
        stream: 0,
        payload: pairs.collect(),
    };
    [PREFACE, &settings.encode()].concat()
}

/// A member of `torn` that also sends there: all that its client writes.
pub(crate) fn recording() -> Vec<u8> {
    let subscribe = call(1, "Subscribe", &framed(&to(["torn"])));
    let send = call(3, "Send", &framed(&text("torn", "e", "whole")));
    [hello(&[]), subscribe, send].concat()
}

/// Writes `bytes`, says that no more come, and reads what the node has to say,
/// if it does not hesitate.
pub(crate) async fn say(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let talk = async {
        // The node may have had enough before the end.
        stream.write_all(bytes).await?;
        stream.shutdown().await?;
        stream.read_to_end(&mut answer).await
    };
    let _ = tokio::time::timeout(Duration::from_millis(100), talk).await;
    answer
}
