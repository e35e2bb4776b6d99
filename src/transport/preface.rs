//! What a peer speaks, told from its first bytes.
//!
//! An HTTP/2 connection without negotiation begins with a fixed preface, which
//! no other protocol's client sends. Source: RFC 9113, section 3.4.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The first bytes of an HTTP/2 client.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What an HTTP/1.1 client is told, for as long as there is nothing for it.
const HTTP_1: &str = "this port speaks gRPC, over HTTP/2 without negotiation: \
                      try grpcurl -plaintext, or a client of fanfare.v1\n";

/// Bytes of a request that are read after it was refused.
const HEARD: u64 = 64 << 10;

/// Reads the preface.
///
/// # Errors
///
/// `InvalidData` as soon as something else comes, and after a peer of HTTP/1.1
/// was told; `UnexpectedEof` when it leaves before the end.
pub(super) async fn read(io: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let mut came = [0; PREFACE.len()];
    let mut len = 0;
    while len < PREFACE.len() {
        match io.read(&mut came[len..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => len += more,
        }
        if came[..len] != PREFACE[..len] {
            return Err(refuse(io, &came[..len]).await);
        }
    }
    Ok(())
}

/// A word to those who can read it.
async fn refuse(io: &mut (impl AsyncRead + AsyncWrite + Unpin), came: &[u8]) -> io::Error {
    if came.iter().all(u8::is_ascii_uppercase) || came.contains(&b'/') {
        let answer = format!(
            "HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\n\
             content-type: text/plain\r\ncontent-length: {}\r\n\r\n{HTTP_1}",
            HTTP_1.len(),
        );
        if let Err(error) = say(io, answer.as_bytes()).await {
            return error;
        }
    }
    io::Error::new(io::ErrorKind::InvalidData, "no HTTP/2 preface")
}

/// Says it, and hears the peer out: closing with bytes unread would cost it the
/// answer.
async fn say(io: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &[u8]) -> io::Result<()> {
    io.write_all(answer).await?;
    io.shutdown().await?;
    tokio::io::copy(&mut io.take(HEARD), &mut tokio::io::sink()).await?;
    Ok(())
}
