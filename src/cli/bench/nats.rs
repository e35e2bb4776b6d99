//! NATS, as far as a load needs it: CONNECT, SUB, PUB, PING and PONG.
//!
//! All streams of a connection are subscriptions on it. The lines around the
//! messages are not read; a PONG that nobody asked for keeps the server from
//! taking us for dead, and an event is acknowledged by the PONG after it.

use std::collections::VecDeque;
use std::fmt::Write as _;

use memchr::memmem;

use super::events::Events;
use super::link::{self, Tally};
use super::marker::{Scanner, Stamp, Stride};
use super::order::Order;
use super::plan::{Audience, channel_name};

const CONNECT: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"fanfare bench\",\"lang\":\"rust\"}\r\n";

/// How often an unasked PONG goes out, in nanoseconds: the server pings every
/// two minutes and gives up at the third.
const SIGN_OF_LIFE: u64 = 20_000_000_000;

/// After how many events a publisher asks whether they have arrived; fewer, if
/// its window is small.
const ASK_AFTER: u64 = 64;

/// All subscriptions of one connection.
#[derive(Debug)]
pub(super) struct Listener {
    opening: Vec<u8>,
    /// What came before it was ready.
    begun: Vec<u8>,
    is_ready: bool,
    scanner: Scanner,
    stride: Stride,
    order: Order,
    alive: u64,
}

impl Listener {
    /// The `index`th connection of the audience.
    pub(super) fn new(audience: Audience, index: usize) -> Self {
        let mut opening = CONNECT.to_owned();
        for (id, channel) in (1..).zip(audience.of_connection(index)) {
            let id: u32 = id;
            // Writing to a string cannot fail.
            let _ = write!(opening, "SUB {} {id}\r\n", channel_name(channel));
        }
        opening += "PING\r\n";
        Self {
            opening: opening.into_bytes(),
            begun: Vec::new(),
            is_ready: false,
            scanner: Scanner::default(),
            stride: Stride::new(),
            order: Order::new(audience.of_connection(index), audience.turns().period()),
            alive: 0,
        }
    }
}

impl link::Listener for Listener {
    fn opening(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.opening)
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>, tally: &mut Tally) -> Result<(), String> {
        let order = &mut self.order;
        let (mark, counts) = tally.parts();
        let before = counts.delivered;
        self.scanner.feed((mark, &mut self.stride), bytes, |stamp| {
            counts.deliver(stamp, order);
        });
        if counts.delivered == before {
            refused(bytes)?;
        }
        if !self.is_ready {
            self.begun.extend_from_slice(bytes);
            self.is_ready = memmem::find(&self.begun, b"PONG\r\n").is_some();
        }
        if counts.now >= self.alive + SIGN_OF_LIFE {
            self.alive = counts.now;
            out.extend_from_slice(b"PONG\r\n");
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }
}

/// Finds the error that a server sends before it closes a connection.
fn refused(bytes: &[u8]) -> Result<(), String> {
    let Some(begin) = memmem::find(bytes, b"-ERR ") else {
        return Ok(());
    };
    let words = String::from_utf8_lossy(&bytes[begin..]);
    let line = words.lines().next().unwrap_or_default();
    Err(format!("the NATS server answers {line}"))
}

/// A publisher on a connection of its own.
#[derive(Debug)]
pub(super) struct Publisher {
    events: Events,
    heads: Vec<String>,
    published: u64,
    acknowledged: u64,
    /// What was published before each PING that is not answered yet; `asked` is
    /// the last of them.
    pings: VecDeque<u64>,
    asked: u64,
    ask_after: u64,
    is_ready: bool,
    begun: Vec<u8>,
}

impl Publisher {
    /// At most `window` events are on their way, at least 4.
    pub(super) fn new(events: Events, window: u64) -> Self {
        let size = events.payload();
        let head = |channel| format!("PUB {} {size}\r\n", channel_name(channel));
        Self {
            heads: (0..events.turns().channels).map(head).collect(),
            events,
            published: 0,
            acknowledged: 0,
            pings: VecDeque::new(),
            asked: 0,
            ask_after: ASK_AFTER.min(window / 4),
            is_ready: false,
            begun: Vec::new(),
        }
    }

    fn ask(&mut self, out: &mut Vec<u8>) {
        self.asked = self.published;
        self.pings.push_back(self.published);
        out.extend_from_slice(b"PING\r\n");
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        match line {
            b"PONG" => {
                self.is_ready = true;
                self.acknowledged = self.pings.pop_front().unwrap_or(self.acknowledged);
            }
            b"PING" => out.extend_from_slice(b"PONG\r\n"),
            _ => refused(line)?,
        }
        Ok(())
    }
}

impl link::Publisher for Publisher {
    fn opening(&mut self) -> Vec<u8> {
        let mut out = CONNECT.as_bytes().to_vec();
        self.ask(&mut out);
        out
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn publish(&mut self, stamp: Stamp, out: &mut Vec<u8>) {
        let channel = self.events.turns().channel(stamp.number);
        let head = &self.heads[usize::try_from(channel).expect("an index")];
        out.extend_from_slice(head.as_bytes());
        self.events.write(stamp, out);
        out.extend_from_slice(b"\r\n");
        self.published += 1;
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if self.published >= self.asked + self.ask_after {
            self.ask(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.ask(out);
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(length) = memmem::find(&begun[at..], b"\r\n") {
            self.line(&begun[at..at + length], out)?;
            at += length + 2;
        }
        begun.drain(..at);
        self.begun = begun;
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.acknowledged
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::{Listener as _, Publisher as _};
    use super::super::marker::Mark;
    use super::*;

    fn events(mark: &Mark) -> Events {
        Events::new(mark.clone(), ALL.turns(), 40)
    }

    const ALL: Audience = Audience {
        connections: 1,
        streams: 2,
        channels: 1,
        listened: 1,
        kept: None,
        is_quiet: false,
    };

    #[test]
    fn each_subscription_of_a_connection_counts() {
        let mark = Mark::random();
        let mut tally = Tally::new(mark.clone(), 1);
        let mut listener = Listener::new(ALL, 0);
        let opening = String::from_utf8(listener.opening()).unwrap();
        assert!(opening.ends_with("SUB bench.0 1\r\nSUB bench.0 2\r\nPING\r\n"));
        let mut out = Vec::new();
        listener.take(b"PONG\r\n", &mut out, &mut tally).unwrap();
        assert!(listener.is_ready());

        let mut read = Vec::new();
        for (number, id) in [(0, 1), (0, 2), (1, 1), (1, 2)] {
            read.extend_from_slice(format!("MSG bench.0 {id} 40\r\n").as_bytes());
            events(&mark).write(Stamp { sent: 0, number }, &mut read);
            read.extend_from_slice(b"\r\n");
        }
        listener.take(&read, &mut out, &mut tally).unwrap();
        assert_eq!(tally.counts.delivered, 4);
        assert_eq!(tally.counts.faults, super::super::order::Faults::default());
    }

    #[test]
    fn a_pong_acknowledges_what_was_published_before_its_ping() {
        let mut publisher = Publisher::new(events(&Mark::random()), 1000);
        let mut out = publisher.opening();
        for number in 0..=ASK_AFTER {
            publisher.publish(Stamp { sent: 0, number }, &mut out);
            publisher.flush(&mut out);
        }
        publisher.take(b"PONG\r\nPO", &mut out).unwrap();
        assert_eq!((publisher.is_ready(), publisher.acknowledged()), (true, 0));
        publisher.take(b"NG\r\n", &mut out).unwrap();
        assert_eq!(publisher.acknowledged(), ASK_AFTER);
        publisher.finish(&mut out);
        publisher.take(b"PONG\r\n", &mut out).unwrap();
        assert_eq!(publisher.acknowledged(), ASK_AFTER + 1);
    }

    #[test]
    fn an_error_of_the_server_is_told_in_its_words() {
        let mut publisher = Publisher::new(events(&Mark::random()), 1000);
        let error = publisher.take(b"-ERR 'no'\r\n", &mut Vec::new());
        assert_eq!(error.unwrap_err(), "the NATS server answers -ERR 'no'");
    }
}
