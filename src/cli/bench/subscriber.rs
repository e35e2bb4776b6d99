//! A subscribing connection: when it is read, and what has come on it.

use std::time::Duration;

use mio::Interest;
use tokio::time::Instant;

use super::board::Board;
use super::link::{Listener, Tally};
use super::order::Round;
use super::socket::{Socket, Until};
use super::worker::nanoseconds;

/// When a connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As soon as something comes.
    AtOnce,
    /// All that is there whenever a pause is over.
    Slow,
}

/// When the slow connections of a thread are read, all together.
#[derive(Debug)]
pub(super) struct Pauses {
    pause: Duration,
    last: Instant,
}

/// A subscribing connection.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) socket: Socket,
    listener: Box<dyn Listener>,
    pace: Pace,
    lane: usize,
    round: Round,
    delivered: u64,
    was_ready: bool,
}

impl Pace {
    /// What a socket is waited for: nobody is woken for a slow one's bytes.
    pub(super) fn interest(self) -> Interest {
        match self {
            Self::AtOnce => Interest::READABLE | Interest::WRITABLE,
            Self::Slow => Interest::WRITABLE,
        }
    }
}

impl Pauses {
    pub(super) fn new(pause: Duration) -> Self {
        Self {
            pause,
            last: Instant::now(),
        }
    }

    /// How long the pause still takes.
    pub(super) fn left(&self) -> Duration {
        self.pause.saturating_sub(self.last.elapsed())
    }

    /// Begins the next pause.
    pub(super) fn begin(&mut self) {
        self.last = Instant::now();
    }
}

impl Subscriber {
    /// `lane` is where its deliveries are counted on the board.
    pub(super) fn new(
        socket: Socket,
        listener: Box<dyn Listener>,
        pace: Pace,
        (lane, round): (usize, Round),
    ) -> Self {
        Self {
            socket,
            listener,
            pace,
            lane,
            round,
            delivered: 0,
            was_ready: false,
        }
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// How many deliveries the first `events` events make here.
    pub(super) fn due(&self, events: u64) -> u64 {
        self.round.deliveries(events)
    }

    /// Reads, and counts what came.
    pub(super) fn read(
        &mut self,
        until: Until,
        (buffer, tally, began): (&mut [u8], &mut Tally, Instant),
        board: &Board,
    ) -> Result<(), String> {
        let before = tally.counts.delivered;
        let listener = &mut self.listener;
        self.socket.read(until, buffer, |bytes, out| {
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
