//! One thread of a load: it waits for sockets, reads them, and counts.
//!
//! All protocols run in this one loop, over one buffer. The first thread also
//! publishes, between its reads.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use tokio::time::Instant;

use super::board::{Board, Phase};
use super::link::{Listener, Tally};
use super::order::Round;
use super::publishing::Publishing;

/// Bytes of one read: so many that a busy connection is a few calls.
const READ: usize = 256 << 10;

/// Sockets looked at before the publisher has its turn again.
const READY: usize = 256;

/// How long a thread sleeps with nothing to do: then it looks for a new phase.
const SLEEP: Duration = Duration::from_millis(20);

/// A token that is no connection's: the publisher is woken.
pub(super) const WAKE: Token = Token(usize::MAX);

/// A socket, and what is still to be written to it.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    pub(super) out: Vec<u8>,
}

/// A subscribing connection.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) socket: Socket,
    listener: Box<dyn Listener>,
    lane: usize,
    round: Round,
    delivered: u64,
    was_ready: bool,
}

/// A thread's connections, and what came on them.
#[derive(Debug)]
pub(super) struct Worker {
    poll: Poll,
    board: Arc<Board>,
    began: Instant,
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) publishing: Option<Publishing>,
    pub(super) tally: Tally,
    buffer: Vec<u8>,
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

    /// Reads all there is and hands it to `take`, with what is to be written.
    ///
    /// A read that does not fill the buffer was the last: the next bytes bring
    /// a new event. At the end of a connection it goes on until it is told so.
    pub(super) fn read(
        &mut self,
        event: &Event,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the server closed a connection".to_owned()),
                Ok(size) => {
                    take(&buffer[..size], &mut self.out)?;
                    if size < buffer.len() && !event.is_read_closed() {
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

impl Subscriber {
    /// `lane` is where its deliveries are counted on the board.
    pub(super) fn new(
        socket: Socket,
        listener: Box<dyn Listener>,
        (lane, round): (usize, Round),
    ) -> Self {
        Self {
            socket,
            listener,
            lane,
            round,
            delivered: 0,
            was_ready: false,
        }
    }

    /// How many deliveries the first `events` events make here.
    pub(super) fn due(&self, events: u64) -> u64 {
        self.round.deliveries(events)
    }

    fn read(
        &mut self,
        event: &Event,
        (buffer, tally, began): (&mut [u8], &mut Tally, Instant),
        board: &Board,
    ) -> Result<(), String> {
        let before = tally.counts.delivered;
        let listener = &mut self.listener;
        self.socket.read(event, buffer, |bytes, out| {
            tally.counts.now = nanoseconds(began);
            listener.take(bytes, out, tally)
        })?;
        if !self.socket.out.is_empty() {
            self.socket.write()?;
        }
        self.delivered += tally.counts.delivered - before;
        board.set_delivered(self.lane, self.delivered, self.round.next(self.delivered));
        if !self.was_ready && self.listener.is_ready() {
            self.was_ready = true;
            board.add_ready();
        }
        Ok(())
    }
}

impl Worker {
    pub(super) fn new(poll: Poll, board: Arc<Board>, began: Instant, tally: Tally) -> Self {
        Self {
            poll,
            board,
            began,
            subscribers: Vec::new(),
            publishing: None,
            tally,
            buffer: vec![0; READ],
        }
    }

    /// Runs until the load is over, or says on the board why it cannot.
    pub(super) fn run(mut self) -> Self {
        if let Err(reason) = self.begin().and_then(|()| self.turns()) {
            self.board.fail(reason);
        }
        self
    }

    fn begin(&mut self) -> Result<(), String> {
        let publishers = self.publishing.iter_mut().flat_map(Publishing::sockets);
        let subscribers = self.subscribers.iter_mut();
        let sockets = subscribers.map(|subscriber| &mut subscriber.socket);
        for (token, socket) in sockets.chain(publishers).enumerate() {
            let both = Interest::READABLE | Interest::WRITABLE;
            let registered = self
                .poll
                .registry()
                .register(&mut socket.stream, Token(token), both);
            registered.map_err(|error| format!("cannot wait for a socket: {error}"))?;
            socket.write()?;
        }
        Ok(())
    }

    fn turns(&mut self) -> Result<(), String> {
        let mut events = Events::with_capacity(READY);
        loop {
            let waits = self.publishing.as_ref().map(|publishing| {
                let now = nanoseconds(self.began);
                publishing.patience(self.board.phase(), now)
            });
            let polled = self
                .poll
                .poll(&mut events, Some(waits.unwrap_or(SLEEP).min(SLEEP)));
            match polled {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled.map_err(|error| format!("cannot wait for sockets: {error}"))?,
            }
            let phase = self.board.phase();
            if phase == Phase::Over || self.board.failure().is_some() {
                return Ok(());
            }
            self.turn(phase, &events)?;
        }
    }

    fn turn(&mut self, phase: Phase, events: &Events) -> Result<(), String> {
        self.tally.counts.is_recording = phase == Phase::Measured;
        let before = self.tally.counts.delivered;
        for event in events {
            self.serve(event)?;
        }
        match &mut self.publishing {
            Some(publishing) => publishing.turn(phase, self.began, &self.board)?,
            None if self.tally.counts.delivered > before => self.board.progressed(),
            None => {}
        }
        Ok(())
    }

    fn serve(&mut self, event: &Event) -> Result<(), String> {
        let Token(token) = event.token();
        if let Some(subscriber) = self.subscribers.get_mut(token) {
            if event.is_readable() {
                let with = (&mut self.buffer[..], &mut self.tally, self.began);
                subscriber.read(event, with, &self.board)?;
            }
            if event.is_writable() && !subscriber.socket.out.is_empty() {
                subscriber.socket.write()?;
            }
        } else if let Some(publishing) = &mut self.publishing
            && event.token() != WAKE
        {
            let index = token - self.subscribers.len();
            let with = (&mut self.buffer[..], self.began);
            publishing.serve(index, event, with, &self.board)?;
        }
        Ok(())
    }
}

/// Nanoseconds since the load began.
pub(super) fn nanoseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
