//! Connections that subscribe, and are not read any more after that.
//!
//! The server finds their sockets full, and may cut them off: nobody looks.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::link::{Listener, Tally};
use super::marker::Mark;

/// How long one read or write may take until all is subscribed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of one read.
const READ: usize = 64 << 10;

/// Subscribes on `stream`; dropping it closes the connection.
///
/// # Errors
///
/// The server refuses, or is silent for ten seconds, in words to show.
pub(super) fn park(
    mut stream: TcpStream,
    listener: &mut dyn Listener,
) -> Result<TcpStream, String> {
    let failed = |error| format!("cannot subscribe: {error}");
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    // Nothing is published yet: there is nothing to be counted.
    let mut tally = Tally::new(Mark::random(), 1);
    let mut out = listener.opening();
    let mut buffer = vec![0; READ];
    loop {
        stream.write_all(&out).map_err(failed)?;
        out.clear();
        if listener.is_ready() {
            return Ok(stream);
        }
        match stream.read(&mut buffer).map_err(failed)? {
            0 => return Err("the server closed a connection".to_owned()),
            size => listener.take(&buffer[..size], &mut out, &mut tally)?,
        }
    }
}
