//! A publisher of no events: it lists the members of a channel, one call after
//! the other, and checks each answer.

use super::super::link::Publisher;
use super::super::marker::Stamp;
use super::connection::{Connection, Heard};
use super::frames::{self, Head, Requests};
use super::messages::{self, Answers};

/// Members of a page.
const PAGE: u64 = 100;

/// The calls of one connection.
#[derive(Debug)]
pub(in super::super) struct Listing {
    connection: Connection,
    requests: Requests,
    request: Vec<u8>,
    /// Bytes of the request.
    size: i64,
    answers: Answers,
    /// Members that there are.
    members: u64,
    calls: u32,
    answered: u64,
    ended: u64,
}

impl Listing {
    /// Lists the first channel, which has so many members.
    pub(in super::super) fn new(authority: &str, members: u64) -> Self {
        let request = messages::framed(&messages::get_members(0, PAGE));
        Self {
            connection: Connection::new(),
            requests: Requests::new(authority, "GetMembers"),
            size: i64::try_from(request.len()).expect("a name and a number"),
            request,
            answers: Answers::default(),
            members,
            calls: 0,
            answered: 0,
            ended: 0,
        }
    }
}

impl Publisher for Listing {
    fn opening(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        Connection::open(&mut out);
        out
    }

    fn is_ready(&self) -> bool {
        self.connection.is_open
    }

    fn has_room(&self) -> bool {
        self.connection.window >= self.size
    }

    fn most(&self) -> u64 {
        1
    }

    fn publish(&mut self, _: Stamp, out: &mut Vec<u8>) {
        let stream = self.calls * 2 + 1;
        self.calls += 1;
        self.requests.write(stream, out);
        let head = Head {
            kind: frames::DATA,
            flags: frames::END_STREAM,
            stream,
        };
        frames::write(head, &self.request, out);
        self.connection.window -= self.size;
    }

    fn flush(&mut self, _: &mut Vec<u8>) {}

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let Self {
            connection,
            answers,
            members,
            answered,
            ended,
            ..
        } = self;
        connection.take(bytes, out, |_, heard, _| match heard {
            Heard::Data { bytes, .. } => answers.feed(bytes, |message| {
                *answered += 1;
                check(messages::members(message), *members)
            }),
            Heard::End => {
                *ended += 1;
                Ok(())
            }
        })?;
        if self.ended > self.answered {
            return Err("the node refused a call; `fanfare members bench.0` says why".to_owned());
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.ended
    }
}

/// Whether a page is full, and all are counted that there are.
fn check((listed, total): (u64, u64), members: u64) -> Result<(), String> {
    let due = members.min(PAGE);
    if (listed, total) == (due, members) {
        return Ok(());
    }
    Err(format!(
        "the node lists {listed} members of {total}, where {due} of {members} are due"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_lacks_a_member_or_counts_them_wrong_is_refused() {
        for (page, members) in [((100, 250), 250), ((3, 3), 3), ((100, 100), 100)] {
            assert_eq!(check(page, members), Ok(()));
        }
        for (page, members) in [((99, 250), 250), ((100, 249), 250), ((0, 0), 3)] {
            assert!(check(page, members).is_err(), "{page:?}");
        }
    }
}
