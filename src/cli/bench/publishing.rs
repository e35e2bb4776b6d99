//! The publishing half of the loop: which event goes out when, and where.
//!
//! Never more than a window of events is on its way: to the slowest connection
//! where there are subscribers, and to the server on each publishing one. So
//! nothing is lost by overload, and what a server cannot take shows as events
//! that are published later.

use std::collections::VecDeque;
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::event::Event;
use tokio::time::Instant;

use super::board::{Board, Phase};
use super::link::{Publisher, histogram};
use super::marker::Stamp;
use super::plan;
use super::socket::{Socket, Until};
use super::worker::nanoseconds;

/// Bytes that may wait for one socket before it gets no further event.
const QUEUE: usize = 256 << 10;

/// A window is filled up again once this part of it is free: a publisher that
/// is not held up publishes in batches too.
const PART: u64 = 4;

/// A publishing connection.
#[derive(Debug)]
pub(super) struct Source {
    socket: Socket,
    publisher: Box<dyn Publisher>,
    published: u64,
    /// When each event was published that is not acknowledged yet, the oldest
    /// first.
    sent: VecDeque<u64>,
    /// Whether its window was full, and is not yet free enough.
    is_full: bool,
    was_ready: bool,
}

/// The publishing connections.
#[derive(Debug)]
pub(super) struct Publishing {
    sources: Vec<Source>,
    rate: Option<f64>,
    window: u64,
    /// Events in all.
    events: u64,
    /// The number of the next event.
    next: u64,
    /// When the first event was due.
    first: Option<u64>,
    /// The number that may not be published yet for lack of deliveries.
    bound: u64,
    /// Since when events are due that have no room, in nanoseconds: something
    /// will wake it.
    held: Option<u64>,
    is_finished: bool,
    answers: Histogram<u64>,
}

impl Publishing {
    pub(super) fn new(sources: Vec<Source>, plan: &plan::Publishing) -> Self {
        Self {
            sources,
            rate: plan.rate,
            window: plan.window,
            events: plan.events.unwrap_or(u64::MAX),
            next: 0,
            first: None,
            bound: 0,
            held: None,
            is_finished: false,
            answers: histogram(),
        }
    }

    pub(super) fn sockets(&mut self) -> impl Iterator<Item = &mut Socket> {
        self.sources.iter_mut().map(|source| &mut source.socket)
    }

    /// Nanoseconds to the acknowledgement of each event that was measured.
    pub(super) fn answers(&self) -> &Histogram<u64> {
        &self.answers
    }

    /// How long nothing has to be published. A socket's event may come before.
    pub(super) fn patience(&self, phase: Phase, now: u64) -> Duration {
        let waits = match self.next_due() {
            Some(due) if publishes(phase) && self.held.is_none() => due.saturating_sub(now),
            _ => u64::MAX,
        };
        Duration::from_nanos(waits)
    }

    /// When the next event is due, if events are paced.
    fn next_due(&self) -> Option<u64> {
        let (rate, first) = (self.rate?, self.first?);
        Some(first.saturating_add(due_after(self.next, rate)))
    }

    /// When the next event is taken to be sent if it is `now`. One that was held
    /// up has waited since it could have been: that is in its latency.
    fn sent(&self, now: u64) -> u64 {
        match self.held.zip(self.next_due()) {
            Some((since, due)) => due.max(since),
            None => now,
        }
    }

    /// Publishes what may be published now.
    pub(super) fn turn(
        &mut self,
        phase: Phase,
        began: Instant,
        board: &Board,
    ) -> Result<(), String> {
        if phase >= Phase::Draining && !self.is_finished {
            self.is_finished = true;
            for source in &mut self.sources {
                source.publisher.finish(&mut source.socket.out);
            }
            board.finish_publishing();
        }
        if publishes(phase) {
            self.publish(nanoseconds(began), board);
        }
        for source in &mut self.sources {
            source.publisher.flush(&mut source.socket.out);
            if !source.socket.out.is_empty() {
                source.socket.write()?;
            }
        }
        Ok(())
    }

    fn publish(&mut self, now: u64, board: &Board) {
        let first = *self.first.get_or_insert(now);
        if self.next + self.window / PART >= self.bound {
            // Before it looks: a delivery after that wakes it.
            board.publisher_waits();
            let reached = board.reached();
            self.bound = reached.map_or(u64::MAX, |reached| reached.saturating_add(self.window));
        }
        let bound = match self.rate {
            Some(rate) => self.bound.min(due(now - first, rate)),
            // In batches: a free place alone is not worth a write.
            None if self.bound < self.next + self.window / PART => return,
            None => self.bound,
        };
        let bound = bound.min(self.events);
        let before = self.next;
        while self.next < bound && self.publish_one(now) {}
        let is_held = self.next < due(now - first, self.rate.unwrap_or(0.0));
        self.held = is_held.then(|| self.held.unwrap_or(now));
        if self.next > before {
            board.set_published(self.next);
        }
    }

    /// Publishes the next event on the next connection that has room.
    fn publish_one(&mut self, now: u64) -> bool {
        let count = self.sources.len();
        let from = usize::try_from(self.next % count as u64).expect("an index");
        let sent = self.sent(now);
        let window = self.window;
        let (before, after) = self.sources.split_at_mut(from);
        let mut sources = after.iter_mut().chain(before);
        let Some(source) = sources.find_map(|source| source.has_room(window).then_some(source))
        else {
            return false;
        };
        let stamp = Stamp {
            sent,
            number: self.next,
        };
        source.publisher.publish(stamp, &mut source.socket.out);
        source.published += 1;
        source.sent.push_back(sent);
        self.next += 1;
        true
    }

    /// Reads answers on the `index`th connection.
    pub(super) fn serve(
        &mut self,
        index: usize,
        event: &Event,
        (buffer, began): (&mut [u8], Instant),
        board: &Board,
    ) -> Result<(), String> {
        let source = &mut self.sources[index];
        if event.is_readable() {
            let publisher = &mut source.publisher;
            source.socket.read(Until::of(event), buffer, |bytes, out| {
                publisher.take(bytes, out)
            })?;
            if !source.was_ready && source.publisher.is_ready() {
                source.was_ready = true;
                board.add_ready();
            }
            let is_measured = board.phase() == Phase::Measured;
            for latency in source.answered(nanoseconds(began)) {
                if is_measured {
                    self.answers.saturating_record(latency);
                }
            }
            let acknowledged = self
                .sources
                .iter()
                .map(|source| source.publisher.acknowledged());
            board.set_acknowledged(acknowledged.sum());
        }
        Ok(())
    }
}

impl Source {
    pub(super) fn new(socket: Socket, publisher: Box<dyn Publisher>) -> Self {
        Self {
            socket,
            publisher,
            published: 0,
            sent: VecDeque::new(),
            is_full: false,
            was_ready: false,
        }
    }

    /// How long each event took that has been acknowledged since the last time.
    ///
    /// Answers are taken to come in the order of the events. Where they do not,
    /// as with many calls at a time, they take as long in all.
    fn answered(&mut self, now: u64) -> impl Iterator<Item = u64> {
        let left = self.published - self.publisher.acknowledged();
        let left = usize::try_from(left).expect("no more than were sent");
        let answered = self.sent.len().saturating_sub(left);
        let sent = self.sent.drain(..answered);
        sent.map(move |sent| now.saturating_sub(sent))
    }

    fn has_room(&mut self, window: u64) -> bool {
        let window = window.min(self.publisher.most());
        let on_way = self.published - self.publisher.acknowledged();
        if on_way >= window {
            self.is_full = true;
        } else if on_way + (window / PART).max(1) <= window {
            self.is_full = false;
        }
        !self.is_full && self.socket.out.len() < QUEUE && self.publisher.has_room()
    }
}

fn publishes(phase: Phase) -> bool {
    matches!(phase, Phase::Warmup | Phase::Measured)
}

/// Events that are due after `elapsed` nanoseconds.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an hour of nanoseconds is below 2^53"
)]
fn due(elapsed: u64, rate: f64) -> u64 {
    (elapsed as f64 * rate / 1e9) as u64 + 1
}

/// Nanoseconds after which event `number` is due.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an hour of nanoseconds is below 2^53"
)]
fn due_after(number: u64, rate: f64) -> u64 {
    (number as f64 * 1e9 / rate).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::plan::Form;

    const SECOND: u64 = 1_000_000_000;

    /// Five events a second from the first second on, the tenth of which is next.
    fn paced(held: Option<u64>) -> Publishing {
        let plan = plan::Publishing {
            connections: 1,
            form: Form::Unary,
            is_member: false,
            echo: false,
            payload: 128,
            rate: Some(5.0),
            window: 1000,
            events: None,
        };
        Publishing {
            next: 10,
            first: Some(SECOND),
            held,
            ..Publishing::new(Vec::new(), &plan)
        }
    }

    #[test]
    fn an_event_that_was_held_up_counts_from_when_it_could_have_gone() {
        let now = 5 * SECOND;
        assert_eq!(paced(None).sent(now), now);
        assert_eq!(paced(Some(2 * SECOND)).sent(now), 3 * SECOND);
        assert_eq!(paced(Some(4 * SECOND)).sent(now), 4 * SECOND);
    }

    #[test]
    fn a_publisher_that_is_held_up_sleeps_until_it_is_woken() {
        let patience = |held, now| paced(held).patience(Phase::Measured, now);
        assert_eq!(patience(None, 2 * SECOND), Duration::from_secs(1));
        assert_eq!(patience(None, 4 * SECOND), Duration::ZERO);
        let held = patience(Some(2 * SECOND), 4 * SECOND);
        assert_eq!(held, Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn an_event_is_due_when_its_time_has_come() {
        for rate in [0.5, 3.0, 200.0, 1e6] {
            for number in [0, 1, 2, 1000] {
                let time = due_after(number, rate);
                assert_eq!(due(time + 1, rate), number + 1, "{number} at {rate}");
            }
        }
    }
}
