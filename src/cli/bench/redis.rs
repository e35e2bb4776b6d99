//! Redis, as far as a load needs it: SUBSCRIBE, PUBLISH and PING in RESP.

use memchr::memmem;

use super::events::Events;
use super::link::{self, Tally};
use super::marker::{Scanner, Stamp, Stride};
use super::order::Order;
use super::plan::{Audience, channel_name};

/// Appends the beginning of a command of several words.
fn words(words: &[&str], count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{count}\r\n").as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// Finds the error that a server answers.
fn refused(bytes: &[u8]) -> Result<(), String> {
    if bytes.first() != Some(&b'-') {
        return Ok(());
    }
    let words = String::from_utf8_lossy(bytes);
    let line = words.lines().next().unwrap_or_default();
    Err(format!("the Redis server answers {line}"))
}

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
}

impl Listener {
    /// The `index`th connection of the audience, which has one stream.
    pub(super) fn new(audience: Audience, index: usize) -> Self {
        let names: Vec<_> = audience.of_connection(index).map(channel_name).collect();
        let mut opening = Vec::new();
        let mut command = vec!["SUBSCRIBE"];
        command.extend(names.iter().map(String::as_str));
        words(&command, command.len(), &mut opening);
        words(&["PING"], 1, &mut opening);
        Self {
            opening,
            begun: Vec::new(),
            is_ready: false,
            scanner: Scanner::default(),
            stride: Stride::new(),
            order: Order::new(audience.of_connection(index), audience.turns().period()),
        }
    }
}

impl link::Listener for Listener {
    fn opening(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.opening)
    }

    fn take(&mut self, bytes: &[u8], _: &mut Vec<u8>, tally: &mut Tally) -> Result<(), String> {
        if !self.is_ready {
            refused(bytes)?;
            self.begun.extend_from_slice(bytes);
            self.is_ready = memmem::find(&self.begun, b"pong\r\n").is_some();
        }
        let order = &mut self.order;
        let (mark, counts) = tally.parts();
        self.scanner.feed((mark, &mut self.stride), bytes, |stamp| {
            counts.deliver(stamp, order);
        });
        Ok(())
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }
}

/// A publisher on a connection of its own.
#[derive(Debug)]
pub(super) struct Publisher {
    events: Events,
    heads: Vec<Vec<u8>>,
    acknowledged: u64,
    is_ready: bool,
    /// Whether the next byte begins an answer.
    at_start: bool,
}

impl Publisher {
    pub(super) fn new(events: Events) -> Self {
        let size = events.payload();
        let head = |channel| {
            let mut head = Vec::new();
            words(&["PUBLISH", &channel_name(channel)], 3, &mut head);
            head.extend_from_slice(format!("${size}\r\n").as_bytes());
            head
        };
        Self {
            heads: (0..events.turns().channels).map(head).collect(),
            events,
            acknowledged: 0,
            is_ready: false,
            at_start: true,
        }
    }
}

impl link::Publisher for Publisher {
    fn opening(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        words(&["PING"], 1, &mut out);
        out
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn publish(&mut self, stamp: Stamp, out: &mut Vec<u8>) {
        let channel = self.events.turns().channel(stamp.number);
        let head = &self.heads[usize::try_from(channel).expect("an index")];
        out.extend_from_slice(head);
        self.events.write(stamp, out);
        out.extend_from_slice(b"\r\n");
    }

    fn flush(&mut self, _: &mut Vec<u8>) {}

    /// Each answer is a line; the first is that to the PING.
    fn take(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(), String> {
        let mut at = 0;
        while at < bytes.len() {
            if self.at_start {
                refused(&bytes[at..])?;
            }
            let end = memchr::memchr(b'\n', &bytes[at..]);
            self.at_start = end.is_some();
            let Some(end) = end else { break };
            at += end + 1;
            if self.is_ready {
                self.acknowledged += 1;
            }
            self.is_ready = true;
        }
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

    #[test]
    fn a_subscriber_is_ready_at_the_pong_after_its_channels() {
        let audience = Audience {
            connections: 1,
            streams: 1,
            channels: 2,
            listened: 2,
            kept: None,
            is_quiet: false,
        };
        let mark = Mark::random();
        let mut listener = Listener::new(audience, 0);
        let opening = b"*3\r\n$9\r\nSUBSCRIBE\r\n$7\r\nbench.0\r\n$7\r\nbench.1\r\n\
                        *1\r\n$4\r\nPING\r\n";
        assert_eq!(listener.opening(), opening);
        let mut tally = Tally::new(mark.clone(), 1);
        let mut take = |bytes: &[u8]| {
            listener.take(bytes, &mut Vec::new(), &mut tally).unwrap();
            listener.is_ready()
        };
        assert!(!take(b"*3\r\n$9\r\nsubscribe\r\n$7\r\nbench.0\r\n:1\r\n"));
        assert!(take(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"));
    }

    #[test]
    fn each_line_acknowledges_an_event_and_an_error_is_told() {
        let mut publisher =
            Publisher::new(Events::new(Mark::random(), Audience::nobody(1).turns(), 40));
        let mut take = |bytes: &[u8]| {
            let taken = publisher.take(bytes, &mut Vec::new());
            (taken, publisher.acknowledged())
        };
        assert_eq!(take(b"+PONG\r\n"), (Ok(()), 0));
        assert_eq!(take(b":1\r\n:1000\r"), (Ok(()), 1));
        assert_eq!(take(b"\n:1"), (Ok(()), 2));
        let error = "the Redis server answers -ERR no".to_owned();
        assert_eq!(take(b"\r\n-ERR no\r\n").0, Err(error));
    }
}
