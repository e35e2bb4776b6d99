//! A socket of the loop: it reads and writes what can be, and never waits.

use std::io::{ErrorKind, Read as _, Write as _};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// A socket, and what is still to be written to it.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    pub(super) out: Vec<u8>,
}

/// Where reading ends for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// At a read that does not fill the buffer: for what comes after it there is
    /// another event, or another time.
    Short,
    /// At the end of the connection, of which it is told only once.
    End,
}

impl Until {
    pub(super) fn of(event: &Event) -> Self {
        if event.is_read_closed() {
            Self::End
        } else {
            Self::Short
        }
    }
}

impl Socket {
    pub(super) fn new(stream: std::net::TcpStream, opening: Vec<u8>) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            out: opening,
        })
    }

    /// Begins to wait for it, and writes what comes first.
    pub(super) fn begin(
        &mut self,
        registry: &Registry,
        (token, interest): (Token, Interest),
    ) -> Result<(), String> {
        let registered = registry.register(&mut self.stream, token, interest);
        registered.map_err(|error| format!("cannot wait for a socket: {error}"))?;
        self.write()
    }

    /// Writes what there is, as far as it can be.
    pub(super) fn write(&mut self) -> Result<(), String> {
        let mut at = 0;
        while at < self.out.len() {
            match self.stream.write(&self.out[at..]) {
                Ok(size) => at += size,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("a connection broke: {error}")),
            }
        }
        self.out.drain(..at);
        Ok(())
    }

    /// Reads what there is and hands it to `take`, with what is to be written.
    pub(super) fn read(
        &mut self,
        until: Until,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the server closed a connection".to_owned()),
                Ok(size) => {
                    take(&buffer[..size], &mut self.out)?;
                    if size < buffer.len() && until == Until::Short {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("a connection broke: {error}")),
            }
        }
    }
}
