//! A hub with frames of a few bytes, and a stream that reads them.
//!
//! A frame is its length, a letter, a number and a text: of an event its name,
//! its sender and its body, of a gap its channel, of a member its id and its
//! profile.

use std::fmt::Write;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::SystemTime;

use bytes::Bytes;
use fanfare::hub::{
    Carrier, Change, Chunk, Clock, End, Filter, Frame, Frames, Gap, GapReason, Hub, Join, Limits,
    Receipt, Subscribe, Subscription, Target,
};
use fanfare::model::{ChannelName, Epoch, EventName, Member, Pattern, Position};

/// What a stream got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Event {
        number: u64,
        body: String,
    },
    Gap {
        channel: String,
        after: u64,
        through: u64,
        reason: GapReason,
    },
    Position(u64),
    /// A change of a member: its channel, its id and its profile.
    Presence {
        number: u64,
        change: Change,
        member: (String, String, String),
    },
    /// Some members of a channel, each with its profile; the last ones or not.
    Members {
        channel: String,
        number: u64,
        members: Vec<(String, String)>,
        last: bool,
    },
    End(End),
}

impl Got {
    pub(super) fn event(number: u64, body: &str) -> Self {
        Self::Event {
            number,
            body: body.to_owned(),
        }
    }

    pub(super) fn gap(channel: &str, after: u64, through: u64) -> Self {
        Self::lost(channel, after, through, GapReason::Overflow)
    }

    pub(crate) fn lost(channel: &str, after: u64, through: u64, reason: GapReason) -> Self {
        Self::Gap {
            channel: channel.to_owned(),
            after,
            through,
            reason,
        }
    }
}

const FIXED: usize = 4 + 1 + 8;

/// Frames of a few bytes.
pub(super) struct Plain;

impl Frames for Plain {
    fn gap(&self, gap: &Gap<'_>, _: &Epoch, into: &mut Vec<u8>) {
        let reason = match gap.reason {
            GapReason::Overflow => 'o',
            GapReason::Expired => 'x',
            GapReason::EpochChanged => 'e',
        };
        let text = format!("{} {reason}{}", gap.after, gap.channel);
        into.extend_from_slice(&encode(b'g', gap.through, &text));
    }

    fn heartbeat(&self, position: &Position, into: &mut Vec<u8>) {
        into.extend_from_slice(&encode(b'h', position.sequence, ""));
    }

    fn presence(&self, channel: &str, change: Change, member: &Member) -> Frame {
        let change = match change {
            Change::Joined => 'j',
            Change::Left => 'l',
            Change::Updated => 'u',
        };
        let text = format!("{change}|{channel}|{}|{}", member.id, profile(member));
        Frame {
            bytes: encode(b'p', 0, &text),
            number_at: 5,
            name: 0..0,
            sender: 0..0,
            published: 0,
        }
    }

    fn members(
        &self,
        channel: &str,
        members: &[Member],
        sequence: u64,
        last: bool,
        into: &mut Vec<u8>,
    ) {
        let mut text = format!("{last}|{channel}");
        for member in members {
            write!(text, "|{}|{}", member.id, profile(member)).unwrap();
        }
        into.extend_from_slice(&encode(b'm', sequence, &text));
    }
}

fn profile(member: &Member) -> &str {
    std::str::from_utf8(&member.profile).unwrap()
}

fn encode(letter: u8, number: u64, text: &str) -> Vec<u8> {
    let mut bytes = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
    bytes.push(letter);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

pub(super) fn decode(mut bytes: &[u8]) -> Vec<Got> {
    let mut got = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at(FIXED);
        let len = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
        let number = u64::from_le_bytes(head[5..].try_into().unwrap());
        let (text, rest) = rest.split_at(len);
        let text = std::str::from_utf8(text).unwrap();
        got.push(match head[4] {
            b'e' => Got::event(number, text.rsplit('|').next().unwrap()),
            b'g' => {
                let (after, channel) = text.split_once(' ').unwrap();
                let (reason, channel) = channel.split_at(1);
                let reason = match reason {
                    "o" => GapReason::Overflow,
                    "x" => GapReason::Expired,
                    _ => GapReason::EpochChanged,
                };
                Got::lost(channel, after.parse().unwrap(), number, reason)
            }
            b'p' => presence(number, text),
            b'm' => members(number, text),
            b'h' => Got::Position(number),
            letter => panic!("a frame of kind {letter}"),
        });
        bytes = rest;
    }
    got
}

fn presence(number: u64, text: &str) -> Got {
    let mut parts = text.split('|').map(str::to_owned);
    let mut part = || parts.next().unwrap();
    let change = match part().as_str() {
        "j" => Change::Joined,
        "l" => Change::Left,
        _ => Change::Updated,
    };
    Got::Presence {
        number,
        change,
        member: (part(), part(), part()),
    }
}

fn members(number: u64, text: &str) -> Got {
    let parts: Vec<_> = text.split('|').map(str::to_owned).collect();
    let pair = |pair: &[String]| (pair[0].clone(), pair[1].clone());
    Got::Members {
        last: parts[0] == "true",
        channel: parts[1].clone(),
        number,
        members: parts[2..].chunks(2).map(pair).collect(),
    }
}

/// An event of this name and sender.
pub(super) fn event(event: &str, sender: &str, body: &str) -> Frame {
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    Frame {
        bytes: encode(b'e', 0, &format!("{event}|{sender}|{body}")),
        number_at: 5,
        name: FIXED..FIXED + event.len(),
        sender: FIXED + event.len() + 1..FIXED + event.len() + 1 + sender.len(),
        published: u64::try_from(since_1970.as_nanos()).unwrap(),
    }
}

pub(crate) fn name(channel: &str) -> ChannelName {
    ChannelName::new(channel).unwrap()
}

pub(super) fn named(names: &[&str]) -> Filter {
    let names = names.iter().map(|n| EventName::new((*n).to_owned()));
    Filter::named(names.map(Result::unwrap).collect())
}

pub(super) fn all() -> Filter {
    Filter::default()
}

pub(super) fn hub(limits: Limits) -> Hub {
    Hub::new(limits, Clock::system(), Plain)
}

/// Sends an event of a body alone, and tells its number.
pub(super) fn send(hub: &Hub, channel: &str, body: &str) -> u64 {
    receipt(hub, channel, event("", "", body)).sequence
}

/// Sends so many of them.
pub(super) fn send_many(hub: &Hub, channel: &str, count: usize, body: &str) {
    for _ in 0..count {
        send(hub, channel, body);
    }
}

pub(super) fn receipt(hub: &Hub, channel: &str, frame: Frame) -> Receipt {
    hub.send(&name(channel), frame, None).unwrap()
}

pub(super) fn join(channel: &str) -> Join {
    to(Target::Member(name(channel)))
}

pub(super) fn observe(channel: &str) -> Join {
    to(Target::Observer(name(channel)))
}

pub(super) fn matching(pattern: &str) -> Join {
    to(Target::Pattern(Pattern::new(pattern).unwrap()))
}

pub(super) fn watching(join: Join) -> Join {
    Join {
        presence: true,
        ..join
    }
}

fn to(target: Target) -> Join {
    Join {
        target,
        filter: all(),
        presence: false,
        strict: false,
    }
}

pub(super) fn subscribe(joins: impl IntoIterator<Item = Join>) -> Subscribe {
    Subscribe {
        joins: joins.into_iter().collect(),
        ..Subscribe::default()
    }
}

/// A stream that is polled by hand, and checks what every stream may expect.
pub(super) struct Stream {
    pub(super) subscription: Subscription,
    wakes: Arc<Wakes>,
    waker: Waker,
    last: u64,
    end: Option<End>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The carrier of a stream of which this tells whether it broke.
pub(super) fn ending(broke: impl Fn() -> bool + Send + Sync + 'static) -> Arc<dyn Carrier> {
    struct Ending<F>(F);
    impl<F: Fn() -> bool + Send + Sync> Carrier for Ending<F> {
        fn evict(&self) {}

        fn broke(&self) -> bool {
            self.0()
        }
    }
    Arc::new(Ending(broke))
}

impl Stream {
    pub(super) fn open(hub: &Hub, request: Subscribe) -> Self {
        let subscription = hub.subscribe(request).unwrap();
        Self::of(subscription)
    }

    pub(super) fn with(hub: &Hub, carrier: Arc<dyn Carrier>, request: Subscribe) -> Self {
        let mut subscription = hub.open(Some(carrier)).unwrap();
        subscription.subscribe(request).unwrap();
        Self::of(subscription)
    }

    pub(super) fn of(subscription: Subscription) -> Self {
        let wakes = Arc::<Wakes>::default();
        Self {
            waker: Arc::clone(&wakes).into(),
            last: subscription.position(),
            wakes,
            subscription,
            end: None,
        }
    }

    /// A stream that joins these channels, and has come to their end.
    pub(super) fn settled(hub: &Hub, joins: impl IntoIterator<Item = Join>) -> Self {
        let mut stream = Self::open(hub, subscribe(joins));
        assert_eq!(stream.read(), []);
        stream
    }

    pub(super) fn id(&self) -> String {
        self.subscription.member().to_string()
    }

    /// How often it was woken so far.
    pub(super) fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::SeqCst)
    }

    /// The next chunk as it is; none if it waits for a waker.
    pub(super) fn chunk(&mut self) -> Option<Bytes> {
        let mut context = Context::from_waker(&self.waker);
        match self.subscription.poll_chunk(&mut context) {
            Poll::Pending => None,
            Poll::Ready(Chunk::End(end)) => {
                self.end = Some(end);
                Some(Bytes::new())
            }
            Poll::Ready(Chunk::Frames(bytes)) => {
                assert!(!bytes.is_empty(), "a chunk is never empty");
                Some(bytes)
            }
        }
    }

    /// The frames of the next chunk; none if it waits.
    pub(super) fn next(&mut self) -> Vec<Got> {
        match self.chunk() {
            None => Vec::new(),
            Some(end) if end.is_empty() => self.end.map(Got::End).into_iter().collect(),
            Some(bytes) => self.checked(&bytes),
        }
    }

    /// The frames of the next chunk, when it comes.
    pub(super) async fn wait(&mut self) -> Vec<Got> {
        match poll_fn(|context| self.subscription.poll_chunk(context)).await {
            Chunk::End(end) => vec![Got::End(end)],
            Chunk::Frames(bytes) => self.checked(&bytes),
        }
    }

    /// Everything that there is to read now; the end, if it comes, is last.
    pub(super) fn read(&mut self) -> Vec<Got> {
        let mut got = Vec::new();
        let mut woken = self.wakes();
        loop {
            let next = self.next();
            // A poll that gave way has woken itself.
            if next.is_empty() && self.wakes() == woken {
                return got;
            }
            woken = self.wakes();
            let end = matches!(next.last(), Some(Got::End(_)));
            got.extend(next);
            assert!(got.len() < 1_000_000, "it comes to an end");
            if end {
                return got;
            }
        }
    }

    pub(super) fn heartbeat(&mut self) -> u64 {
        match decode(&self.subscription.heartbeat())[..] {
            [Got::Position(position)] => position,
            ref other => panic!("a heartbeat is {other:?}"),
        }
    }

    /// Decodes, and checks that all comes in the order of the numbers.
    fn checked(&mut self, bytes: &[u8]) -> Vec<Got> {
        let got = decode(bytes);
        for frame in &got {
            match *frame {
                Got::Event { number, .. } | Got::Presence { number, .. } => {
                    assert!(number > self.last, "{number} after {}", self.last);
                    self.last = number;
                }
                Got::Gap {
                    after,
                    through,
                    reason,
                    ..
                } => assert!(after < through || reason == GapReason::EpochChanged),
                Got::Position(position) => {
                    assert!(position >= self.last);
                    self.last = position;
                }
                Got::Members { .. } | Got::End(_) => {}
            }
        }
        got
    }
}

/// The bodies of the events in `got`, which holds nothing else.
pub(super) fn bodies(got: &[Got]) -> Vec<&str> {
    got.iter().map(body).collect()
}

fn body(got: &Got) -> &str {
    match got {
        Got::Event { body, .. } => body,
        other => panic!("wanted events only, got {other:?}"),
    }
}
