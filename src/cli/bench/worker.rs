//! One thread of a load: it waits for sockets, reads them, and counts.
//!
//! All protocols run in this one loop, over one buffer. The first thread also
//! publishes, between its reads.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use tokio::time::Instant;

use super::board::{Board, Phase};
use super::link::Tally;
use super::publishing::Publishing;
use super::socket::Until;
use super::subscriber::{Pace, Pauses, Subscriber};

/// Bytes of one read: so many that a busy connection is a few calls.
const READ: usize = 256 << 10;

/// Sockets looked at before the publisher has its turn again.
const READY: usize = 256;

/// How long a thread sleeps with nothing to do: then it looks for a new phase.
const SLEEP: Duration = Duration::from_millis(20);

/// A token that is no connection's: the publisher is woken.
pub(super) const WAKE: Token = Token(usize::MAX);

/// A thread's connections, and what came on them.
#[derive(Debug)]
pub(super) struct Worker {
    poll: Poll,
    board: Arc<Board>,
    began: Instant,
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) publishing: Option<Publishing>,
    pub(super) tally: Tally,
    pauses: Pauses,
    buffer: Vec<u8>,
}

impl Worker {
    pub(super) fn new(
        poll: Poll,
        board: Arc<Board>,
        began: Instant,
        (tally, pauses): (Tally, Pauses),
    ) -> Self {
        Self {
            poll,
            board,
            began,
            subscribers: Vec::new(),
            publishing: None,
            tally,
            pauses,
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
        let registry = self.poll.registry();
        let subscribers = self.subscribers.iter_mut();
        let subscribers = subscribers.map(|one| (one.pace().interest(), &mut one.socket));
        let publishers = self.publishing.iter_mut().flat_map(Publishing::sockets);
        let both = Interest::READABLE | Interest::WRITABLE;
        let publishers = publishers.map(|socket| (both, socket));
        for (token, (interest, socket)) in subscribers.chain(publishers).enumerate() {
            socket.begin(registry, (Token(token), interest))?;
        }
        Ok(())
    }

    fn turns(&mut self) -> Result<(), String> {
        let mut events = Events::with_capacity(READY);
        loop {
            let sleep = self.patience();
            match self.poll.poll(&mut events, Some(sleep)) {
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

    /// How long nothing has to be done that no socket tells of.
    fn patience(&self) -> Duration {
        let publishing = self.publishing.as_ref().map_or(SLEEP, |publishing| {
            publishing.patience(self.board.phase(), nanoseconds(self.began))
        });
        publishing.min(self.pauses.left()).min(SLEEP)
    }

    fn turn(&mut self, phase: Phase, events: &Events) -> Result<(), String> {
        self.tally.counts.is_recording = phase == Phase::Measured;
        let before = self.tally.counts.delivered;
        for event in events {
            self.serve(event)?;
        }
        if self.pauses.left().is_zero() {
            self.read_slow()?;
        }
        match &mut self.publishing {
            Some(publishing) => publishing.turn(phase, self.began, &self.board)?,
            None if self.tally.counts.delivered > before => self.board.progressed(),
            None => {}
        }
        Ok(())
    }

    /// Reads the slow connections. Their latencies are left out: they would only
    /// tell of the pause.
    fn read_slow(&mut self) -> Result<(), String> {
        self.pauses.begin();
        self.tally.counts.is_recording = false;
        let subscribers = self.subscribers.iter_mut();
        for subscriber in subscribers.filter(|one| one.pace() == Pace::Slow) {
            let with = (&mut self.buffer[..], &mut self.tally, self.began);
            subscriber.read(Until::Short, with, &self.board)?;
        }
        Ok(())
    }

    fn serve(&mut self, event: &Event) -> Result<(), String> {
        let Token(token) = event.token();
        if let Some(subscriber) = self.subscribers.get_mut(token) {
            if event.is_readable() {
                let with = (&mut self.buffer[..], &mut self.tally, self.began);
                subscriber.read(Until::of(event), with, &self.board)?;
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
