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
    /// Whether events are due that have no room: something will wake it.
    is_held: bool,
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
            is_held: false,
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
        let waits = match (self.rate, self.first) {
            (Some(rate), Some(first)) if publishes(phase) => first
                .saturating_add(due_after(self.next, rate))
                .saturating_sub(now),
            _ => u64::MAX,
        };
        Duration::from_nanos(waits)
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
        self.is_held = self.next < due(now - first, self.rate.unwrap_or(0.0));
        if self.next > before {
            board.set_published(self.next);
        }
    }

    /// Publishes the next event on the next connection that has room.
    fn publish_one(&mut self, now: u64) -> bool {
        let count = self.sources.len();
        let from = usize::try_from(self.next % count as u64).expect("an index");
        let window = self.window;
        let (before, after) = self.sources.split_at_mut(from);
        let mut sources = after.iter_mut().chain(before);
        let Some(source) = sources.find_map(|source| source.has_room(window).then_some(source))
        else {
            return false;
        };
        let stamp = Stamp {
            sent: now,
            number: self.next,
        };
        source.publisher.publish(stamp, &mut source.socket.out);
        source.published += 1;
        source.sent.push_back(now);
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
