//! What a peer speaks, told from its first bytes.
//!
//! An HTTP/2 connection without negotiation begins with a fixed preface, which
//! no other protocol's client sends; HTTP/1.1 with the name of a method. What
//! is neither is not answered. Source: RFC 9113, section 3.4.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The first bytes of an HTTP/2 client.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest name of a method that is looked for.
const METHOD: usize = 16;

/// What a peer speaks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// It has sent the preface, and nothing of what follows was read.
    Http2,
    /// It began with these bytes.
    Http1(Bytes),
}

/// Reads until it is clear what the peer speaks.
///
/// # Errors
///
/// `InvalidData` as soon as it is no HTTP; `UnexpectedEof` when the peer leaves
/// before that is clear.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Spoken> {
    let mut came = [0; PREFACE.len()];
    let mut len = 0;
    while len < PREFACE.len() {
        match io.read(&mut came[len..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => len += more,
        }
        let came = &came[..len];
        if *came == PREFACE[..len] {
            continue;
        }
        match is_method(came) {
            Some(true) => return Ok(Spoken::Http1(Bytes::copy_from_slice(came))),
            Some(false) => return Err(io::Error::new(io::ErrorKind::InvalidData, "no HTTP")),
            None => {}
        }
    }
    Ok(Spoken::Http2)
}

/// Whether `came` begins with a method and a space; none if it may still.
fn is_method(came: &[u8]) -> Option<bool> {
    let method = came.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'-';
    if method.is_empty() || method.len() > METHOD || !method.iter().all(is_name) || method == b"PRI"
    {
        return Some(false);
    }
    (method.len() < came.len()).then_some(true)
}
