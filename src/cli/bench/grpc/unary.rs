//! A publisher that makes a unary `Send` of each event.
//!
//! Calls that are on their way together may be numbered in any order, so where
//! somebody listens each waits for the one before it.

use super::super::events::Events;
use super::super::link::Publisher;
use super::super::marker::Stamp;
use super::connection::{Connection, Heard};
use super::frames::{self, Head, Requests};
use super::messages::Sends;

/// Calls on their way at a time where nobody listens: fewer than the 10,000
/// streams that a node allows on a connection, so that none is refused.
const CALLS: u64 = 1000;

/// The calls of one connection.
#[derive(Debug)]
pub(in super::super) struct Unary {
    connection: Connection,
    requests: Requests,
    sends: Sends,
    message: Vec<u8>,
    /// Calls on their way at a time, at most.
    together: u64,
    calls: u64,
    /// Calls that have ended, and those of them that had a message as answer.
    ended: u64,
    answered: u64,
}

impl Unary {
    /// One call after the other.
    pub(in super::super) fn in_order(authority: &str, events: Events) -> Self {
        Self::new(authority, events, 1)
    }

    /// Many calls at a time.
    pub(in super::super) fn together(authority: &str, events: Events) -> Self {
        Self::new(authority, events, CALLS)
    }

    fn new(authority: &str, events: Events, together: u64) -> Self {
        Self {
            connection: Connection::new(),
            requests: Requests::new(authority, "Send"),
            sends: Sends::new(events),
            message: Vec::new(),
            together,
            calls: 0,
            ended: 0,
            answered: 0,
        }
    }
}

impl Publisher for Unary {
    fn opening(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        Connection::open(&mut out);
        out
    }

    fn is_ready(&self) -> bool {
        self.connection.is_open
    }

    fn has_room(&self) -> bool {
        let largest = i64::try_from(self.sends.largest()).unwrap_or(i64::MAX);
        self.connection.window >= largest
    }

    fn most(&self) -> u64 {
        self.together
    }

    fn publish(&mut self, stamp: Stamp, out: &mut Vec<u8>) {
        let stream = u32::try_from(self.calls * 2 + 1).expect("at most 2^30 calls");
        self.calls += 1;
        self.requests.write(stream, out);
        self.message.clear();
        self.sends.unary(stamp, &mut self.message);
        let head = Head {
            kind: frames::DATA,
            flags: frames::END_STREAM,
            stream,
        };
        frames::write(head, &self.message, out);
        self.connection.window -= i64::try_from(self.message.len()).expect("a payload is small");
    }

    fn flush(&mut self, _: &mut Vec<u8>) {}

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let Self {
            connection,
            ended,
            answered,
            ..
        } = self;
        connection.take(bytes, out, |_, heard, _| {
            match heard {
                Heard::Data { last, .. } => *answered += u64::from(last),
                Heard::End => *ended += 1,
            }
            Ok(())
        })?;
        // Each answer has one message of one frame, and comes before the end.
        if self.ended > self.answered {
            return Err("the node refused an event; `fanfare send bench.0 bench` says why".into());
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.ended
    }
}
