//! A publisher that pipelines its events over one `Session`.
//!
//! It may be a member of its channels as well: then each event has a sender,
//! for whom the node leaves it out.

use super::super::events::Events;
use super::super::link::Publisher;
use super::super::marker::Stamp;
use super::connection::{Connection, Heard, WINDOW, widen};
use super::frames::{self, Head, Requests};
use super::messages::{self, Answers, ECHO, Sends, is_reply};

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
    /// Whether its own events come back to it.
    echo: bool,
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
            echo: false,
            ahead: 0,
            replies: 0,
            taken: 0,
        }
    }

    /// One that subscribes to all channels first, with an `echo` of its own
    /// events or not.
    pub(in super::super) fn member(authority: &str, events: Events, echo: bool) -> Self {
        let choice = if echo { ECHO } else { &[] };
        let subscribe = messages::subscribe(0..events.turns().channels, choice, None);
        let request = messages::session_subscribe(&subscribe);
        Self {
            queue: messages::framed(&request),
            ahead: 1,
            echo,
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
            echo,
            ..
        } = self;
        connection.take(bytes, out, |_, heard, _| match heard {
            Heard::Data { bytes, .. } => {
                *taken += u32::try_from(bytes.len()).expect("a read is small");
                answers.feed(bytes, |message| {
                    *replies += u64::from(is_reply(message, *echo)?);
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

#[cfg(test)]
mod tests {
    use super::super::super::marker::Mark;
    use super::super::super::plan::Audience;
    use super::*;

    #[test]
    fn a_member_asks_for_an_echo_if_it_is_to_hear_its_own() {
        let turns = Audience::nobody(1).turns();
        let events = || Events::new(Mark::random(), turns, 40);
        let asks = |echo| Session::member("a", events(), echo).queue;
        assert!(asks(true).windows(ECHO.len()).any(|bytes| bytes == ECHO));
        assert!(!asks(false).windows(ECHO.len()).any(|bytes| bytes == ECHO));
    }
}
