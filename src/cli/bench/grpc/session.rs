//! A publisher that pipelines its events over one `Session`.
//!
//! It may be a member of its channels as well: then each event has a sender,
//! for whom the node leaves it out.

use super::super::events::Events;
use super::super::link::Publisher;
use super::super::marker::Stamp;
use super::connection::{Connection, Heard, WINDOW, widen};
use super::frames::{self, Head, Requests};
use super::messages::{self, Answers, Sends, is_reply};

/// The session's stream, the first of its connection.
const STREAM: u32 = 1;

/// Bytes of requests that wait for the node's windows, at most, and one more
/// event.
const QUEUE: usize = 256 << 10;

/// A session on a connection of its own.
#[derive(Debug)]
pub(in super::super) struct Session {
    connection: Connection,
    authority: String,
    sends: Sends,
    answers: Answers,
    queue: Vec<u8>,
    /// Requests before the first event, and replies to all.
    ahead: u64,
    replies: u64,
    taken: u32,
}

impl Session {
    /// One that only publishes.
    pub(in super::super) fn new(authority: &str, events: Events) -> Self {
        Self {
            connection: Connection::new(),
            authority: authority.to_owned(),
            sends: Sends::new(events),
            answers: Answers::default(),
            queue: Vec::new(),
            ahead: 0,
            replies: 0,
            taken: 0,
        }
    }

    /// One that subscribes to all channels first.
    pub(in super::super) fn member(authority: &str, events: Events) -> Self {
        let subscribe = messages::subscribe(0..events.turns().channels, None, None);
        let request = messages::session_subscribe(&subscribe);
        Self {
            queue: messages::framed(&request),
            ahead: 1,
            ..Self::new(authority, events)
        }
    }
}

impl Publisher for Session {
    fn opening(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        Connection::open(&mut out);
        Requests::new(&self.authority, "Session").write(STREAM, &mut out);
        out
    }

    fn is_ready(&self) -> bool {
        self.connection.is_open && self.replies >= self.ahead
    }

    fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }

    fn publish(&mut self, stamp: Stamp, _: &mut Vec<u8>) {
        self.sends.session(stamp, &mut self.queue);
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        let mut at = 0;
        while at < self.queue.len() {
            let window = self.connection.window.min(self.connection.first_window);
            let window = usize::try_from(window).unwrap_or(0);
            let size = (self.queue.len() - at).min(frames::LARGEST).min(window);
            if size == 0 {
                break;
            }
            let head = Head {
                kind: frames::DATA,
                flags: 0,
                stream: STREAM,
            };
            frames::write(head, &self.queue[at..at + size], out);
            at += size;
            let size = i64::try_from(size).expect("at most LARGEST");
            self.connection.window -= size;
            self.connection.first_window -= size;
        }
        self.queue.drain(..at);
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let Self {
            connection,
            answers,
            replies,
            taken,
            ..
        } = self;
        connection.take(bytes, out, |_, heard, _| match heard {
            Heard::Data { bytes, .. } => {
                *taken += u32::try_from(bytes.len()).expect("a read is small");
                answers.feed(bytes, |message| {
                    *replies += u64::from(is_reply(message)?);
                    Ok(())
                })
            }
            Heard::End => Err("the node ended the session".to_owned()),
        })?;
        if self.taken > WINDOW / 2 {
            widen(STREAM, std::mem::take(&mut self.taken), out);
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.replies.saturating_sub(self.ahead)
    }
}
