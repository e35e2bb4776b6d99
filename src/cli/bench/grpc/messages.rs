//! The few messages of a load, in protobuf by hand: requests are written so
//! that only the record and the request's id change from event to event.

use super::super::events::Events;
use super::super::marker::Stamp;
use super::super::plan::channel_name;
use super::fields::{self, fields};

/// Bytes of gRPC before a message: whether it is compressed, and its length.
pub(super) const PREFIX: usize = 5;

/// Appends a field that has a length: text, bytes or a message.
fn field(number: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends what comes before a message of `length` bytes.
fn prefix(length: usize, out: &mut Vec<u8>) {
    out.push(0);
    let length = u32::try_from(length).expect("a payload is small");
    out.extend_from_slice(&length.to_be_bytes());
}

/// A message with its prefix.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(PREFIX + message.len());
    prefix(message.len(), &mut out);
    out.extend_from_slice(message);
    out
}

/// A place in the life of a node, as the node wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Position(Box<[u8]>);

/// The answer to a subscription: where it begins, and whether all that it asked
/// for is still kept. None if `message` is another.
pub(super) fn ready(message: &[u8]) -> Option<(Position, bool)> {
    let ready = fields::bytes(message, 1)?;
    let position = fields::bytes(ready, 3)?;
    let recovered = fields::number(ready, 4) == 1;
    Some((Position(position.into()), recovered))
}

/// What a `Subscription` has besides that asks for the events of this name.
pub(super) fn named(name: &str) -> Vec<u8> {
    let mut choice = Vec::new();
    field(2, name.as_bytes(), &mut choice);
    choice
}

/// The same that asks for the stream's own events too.
pub(super) const ECHO: &[u8] = &[4 << 3, 1];

/// A `SubscribeRequest` for these channels; for the events of some choice, all
/// of others if it is empty; from this position, or from now on.
pub(super) fn subscribe(
    channels: impl Iterator<Item = u64>,
    choice: &[u8],
    resume: Option<&Position>,
) -> Vec<u8> {
    let mut message = Vec::new();
    for channel in channels {
        let mut subscription = Vec::new();
        field(1, channel_name(channel).as_bytes(), &mut subscription);
        subscription.extend_from_slice(choice);
        field(1, &subscription, &mut message);
    }
    if let Some(Position(position)) = resume {
        field(3, position, &mut message);
    }
    message
}

/// What a `SubscribeRequest` has besides that asks for the fewest heartbeats: one
/// in 300 s.
pub(super) const QUIET: &[u8] = &[6 << 3 | 2, 3, 1 << 3, 0xac, 2];

/// A `SessionRequest` that subscribes.
pub(super) fn session_subscribe(subscribe: &[u8]) -> Vec<u8> {
    let mut message = vec![1 << 3];
    // No event's.
    varint(u64::MAX, &mut message);
    field(2, subscribe, &mut message);
    message
}

/// A `GetMembersRequest` for the first `page` members of a channel.
pub(super) fn get_members(channel: u64, page: u64) -> Vec<u8> {
    let mut message = Vec::new();
    field(1, channel_name(channel).as_bytes(), &mut message);
    message.push(2 << 3);
    varint(page, &mut message);
    message
}

/// How many members a `GetMembersResponse` lists, and how many there are.
pub(super) fn members(message: &[u8]) -> (u64, u64) {
    let listed = fields(message).filter(|(number, _)| *number == 1).count();
    (listed as u64, fields::number(message, 3))
}

/// Writes `SendRequest`s.
#[derive(Debug)]
pub(super) struct Sends {
    /// For each event of a period, all of its request but the payload's content.
    heads: Vec<Vec<u8>>,
    events: Events,
}

impl Sends {
    pub(super) fn new(events: Events) -> Self {
        let turns = events.turns();
        let head = |number| {
            let mut head = Vec::new();
            field(1, channel_name(turns.channel(number)).as_bytes(), &mut head);
            field(2, turns.name(number).as_bytes(), &mut head);
            let mut binary = vec![3 << 3 | 2];
            varint(events.payload() as u64, &mut binary);
            // The payload is the last field: its content goes behind the head.
            head.push(3 << 3 | 2);
            varint((binary.len() + events.payload()) as u64, &mut head);
            head.extend_from_slice(&binary);
            head
        };
        Self {
            heads: (0..turns.period()).map(head).collect(),
            events,
        }
    }

    /// The most bytes that one request has, with everything.
    pub(super) fn largest(&self) -> usize {
        let longest = self.heads.iter().map(Vec::len).max();
        longest.unwrap_or_default() + self.events.payload() + 32
    }

    fn head(&self, stamp: Stamp) -> &[u8] {
        let turn = stamp.number % self.heads.len() as u64;
        &self.heads[usize::try_from(turn).expect("an index")]
    }

    /// Appends a `SendRequest` with its prefix.
    pub(super) fn unary(&self, stamp: Stamp, out: &mut Vec<u8>) {
        let head = self.head(stamp);
        prefix(head.len() + self.events.payload(), out);
        out.extend_from_slice(head);
        self.events.write(stamp, out);
    }

    /// Appends a `SessionRequest` with its prefix; its id is one more than the
    /// event's number.
    pub(super) fn session(&self, stamp: Stamp, out: &mut Vec<u8>) {
        let head = self.head(stamp);
        let size = head.len() + self.events.payload();
        let begin = out.len();
        prefix(0, out);
        out.push(1 << 3);
        varint(stamp.number + 1, out);
        out.push(5 << 3 | 2);
        varint(size as u64, out);
        out.extend_from_slice(head);
        self.events.write(stamp, out);
        let length = u32::try_from(out.len() - begin - PREFIX).expect("a payload is small");
        out[begin + 1..begin + PREFIX].copy_from_slice(&length.to_be_bytes());
    }
}

/// The gRPC messages of a stream of small answers.
#[derive(Debug, Default)]
pub(super) struct Answers {
    begun: Vec<u8>,
}

impl Answers {
    /// Calls `each` for the messages that end in `bytes`.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        self.begun.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(length) = self.begun[at..].first_chunk::<PREFIX>() {
            let [_, length @ ..] = *length;
            let end = at + PREFIX + u32::from_be_bytes(length) as usize;
            let Some(message) = self.begun.get(at + PREFIX..end) else {
                break;
            };
            each(message)?;
            at = end;
        }
        self.begun.drain(..at);
        Ok(())
    }
}

/// Whether a `SessionResponse` is a reply; not, if it is a heartbeat, say.
///
/// # Errors
///
/// The request failed, in the node's words; or it is an event, which nobody
/// sends but the session itself, and that did not ask for an `echo`.
pub(super) fn is_reply(message: &[u8], echo: bool) -> Result<bool, String> {
    if message.first() == Some(&(2 << 3 | 2)) && !echo {
        return Err("an event came back to the session that published it, without echo".into());
    }
    let Some(reply) = message.strip_prefix(&[15 << 3 | 2]) else {
        return Ok(false);
    };
    // The length, the id's tag, the id, then the outcome.
    let outcome = past_varint(past_varint(reply).get(1..).unwrap_or_default());
    let Some(error) = outcome.strip_prefix(&[2 << 3 | 2]) else {
        return Ok(true);
    };
    // The status: its length, the code, the message.
    let status = past_varint(error);
    let words = match status {
        [8, rest @ ..] => past_varint(rest),
        _ => status,
    };
    let text = match words {
        [18, length, text @ ..] => text.get(..usize::from(*length)).unwrap_or(text),
        _ => words,
    };
    let text = String::from_utf8_lossy(text);
    Err(format!("the node refused an event: {text}"))
}

fn past_varint(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().position(|byte| *byte < 0x80);
    &bytes[length.map_or(bytes.len(), |at| at + 1)..]
}

#[cfg(test)]
mod tests {
    use super::super::super::marker::Mark;
    use super::super::super::plan::Turns;
    use super::super::fields::Content;
    use super::*;

    fn sends() -> Sends {
        let turns = Turns {
            channels: 2,
            names: 3,
        };
        Sends::new(Events::new(Mark::random(), turns, 200))
    }

    #[test]
    fn a_request_has_its_length_wherever_its_id_takes_more_bytes() {
        for number in [0, 126, 127, 1 << 14, u64::MAX - 1] {
            let (mut out, stamp) = (Vec::new(), Stamp { sent: 1, number });
            sends().session(stamp, &mut out);
            let length = u32::from_be_bytes(out[1..PREFIX].try_into().unwrap());
            assert_eq!(out.len(), PREFIX + length as usize);
            assert!(out.len() <= sends().largest());
            let mut id = vec![8];
            varint(number + 1, &mut id);
            assert!(out[PREFIX..].starts_with(&id));
            let name = format!("\x07bench.{}\x12\x02e{}", number % 2, number / 2 % 3);
            assert!(memchr::memmem::find(&out, name.as_bytes()).is_some());
        }
    }

    #[test]
    fn answers_are_the_same_wherever_they_are_cut() {
        let stream = [&[0, 0, 0, 0, 2, 1, 2][..], &[0; 5], &[0, 0, 0, 0, 1, 3]].concat();
        for cut in 0..=stream.len() {
            let (mut answers, mut found) = (Answers::default(), Vec::new());
            for read in [&stream[..cut], &stream[cut..]] {
                let each = |message: &[u8]| {
                    found.push(message.to_vec());
                    Ok(())
                };
                answers.feed(read, each).unwrap();
            }
            assert_eq!(found, [vec![1, 2], vec![], vec![3]], "cut at {cut}");
        }
    }

    #[test]
    fn a_reply_counts_a_heartbeat_does_not_and_an_error_is_told() {
        let reply = |outcome: u8, content: &[u8]| {
            let (mut inner, mut message) = (vec![8, 0x80, 1], Vec::new());
            field(outcome, content, &mut inner);
            field(15, &inner, &mut message);
            is_reply(&message, false)
        };
        assert_eq!(reply(4, b"sent"), Ok(true));
        assert_eq!(is_reply(&[5 << 3 | 2, 0], false), Ok(false));
        let event = [2 << 3 | 2, 0];
        assert_eq!(is_reply(&event, true), Ok(false));
        let event = is_reply(&event, false).unwrap_err();
        assert!(event.starts_with("an event came back"), "{event}");
        let mut status = vec![8, 3];
        field(2, b"no such thing", &mut status);
        let error = "the node refused an event: no such thing".to_owned();
        assert_eq!(reply(2, &status), Err(error));
    }

    #[test]
    fn a_ready_gives_back_the_position_to_resume_from() {
        let position = [&[10, 2][..], b"ep", &[16, 9]].concat();
        let (mut ready_frame, mut message) = (Vec::new(), Vec::new());
        field(1, b"member", &mut ready_frame);
        field(3, &position, &mut ready_frame);
        field(1, &ready_frame, &mut message);
        let (found, recovered) = ready(&message).unwrap();
        assert_eq!((&*found.0, recovered), (&position[..], false));
        let request = subscribe(0..1, &[], Some(&found));
        assert_eq!(fields::bytes(&request, 3), Some(&position[..]));

        ready_frame.extend([4 << 3, 1]);
        message.clear();
        field(1, &ready_frame, &mut message);
        assert_eq!(ready(&message), Some((found, true)));
        assert_eq!(ready(&[2 << 3 | 2, 0]), None);
    }

    #[test]
    fn a_filter_is_asked_for_with_each_channel() {
        let count = |request: &[u8]| memchr::memmem::find_iter(request, b"\x12\x02e0").count();
        assert_eq!(count(&subscribe(0..3, &named("e0"), None)), 3);
        assert_eq!(count(&subscribe(0..3, &[], None)), 0);
    }

    #[test]
    fn an_echo_is_asked_for_with_each_channel() {
        let request = subscribe(0..3, ECHO, None);
        let asked = fields(&request).filter(|(number, content)| match content {
            Content::Bytes(subscription) => *number == 1 && fields::number(subscription, 4) == 1,
            Content::Number(_) => false,
        });
        assert_eq!(asked.count(), 3);
    }

    #[test]
    fn who_is_quiet_asks_for_a_heartbeat_in_five_minutes() {
        let interval = fields::bytes(QUIET, 6).unwrap();
        assert_eq!(fields::number(interval, 1), 5 * 60);
    }

    #[test]
    fn a_page_of_members_is_counted() {
        let mut page = Vec::new();
        for id in ["a", "b", "c"] {
            field(1, id.as_bytes(), &mut page);
        }
        field(2, b"next", &mut page);
        page.extend([3 << 3, 7]);
        assert_eq!(members(&page), (3, 7));
        assert_eq!(members(&[]), (0, 0));
    }
}
