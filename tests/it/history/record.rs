//! What happened in a run.

use std::collections::HashMap;

use fanfare::rpc::client::{
    Event, GapReason, Member, Position, PresenceKind, payload::Kind,
    subscribe_response::Frame as Received,
};

use super::choice::Choice;

/// Everything that was sent and received.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) sent: Vec<Sent>,
    /// What was asked to be sent and never answered: it may have happened.
    pub(crate) tried: Vec<Sent>,
    pub(crate) readers: Vec<Reader>,
    /// Who was in which channel at the end, when all was quiet.
    pub(crate) listed: HashMap<String, Vec<Member>>,
}

/// A place in some life of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) epoch: String,
    pub(crate) sequence: u64,
}

impl From<Position> for Place {
    fn from(Position { epoch, sequence }: Position) -> Self {
        Self { epoch, sequence }
    }
}

/// An event, as acknowledged to its sender or as received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Empty: a broadcast.
    pub(crate) channel: String,
    pub(crate) name: String,
    pub(crate) sender: String,
    pub(crate) text: String,
    pub(crate) at: Place,
    /// When the call began and ended, on the run's own clock; of received
    /// events without meaning.
    pub(crate) began: u64,
    pub(crate) ended: u64,
}

impl Sent {
    /// Whether `other` says the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.says() == other.says()
    }

    /// What it says, wherever it was numbered.
    pub(crate) fn says(&self) -> (&str, &str, &str, &str) {
        (&self.channel, &self.name, &self.sender, &self.text)
    }
}

/// One who follows what it chose, through all cuts.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) choice: Choice,
    pub(crate) streams: Vec<Stream>,
    /// Whether it had all that was sent before the members were listed.
    pub(crate) is_at_the_end: bool,
}

/// One stream, from `ready` to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    pub(crate) member: String,
    /// The position that `ready` told.
    pub(crate) start: Place,
    pub(crate) recovered: bool,
    pub(crate) frames: Vec<Frame>,
}

/// A frame that a stream received.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Event(Sent),
    Gap(Gap),
    Position(Place),
    Members {
        channel: String,
        members: Vec<Member>,
        sequence: u64,
        last: bool,
    },
    Presence {
        channel: String,
        kind: PresenceKind,
        member: Member,
        sequence: u64,
    },
}

/// What a stream was told to have lost.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    pub(crate) channel: String,
    pub(crate) after: u64,
    pub(crate) through: u64,
    pub(crate) epoch: String,
    pub(crate) reason: GapReason,
}

impl Reader {
    pub(crate) fn new(choice: Choice) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }

    /// Records a frame; a `ready` begins a stream.
    pub(crate) fn hear(&mut self, frame: Received) {
        let frame = match frame {
            Received::Ready(ready) => {
                self.streams.push(Stream {
                    member: ready.member_id,
                    start: ready.position.expect("a position").into(),
                    recovered: ready.recovered,
                    frames: Vec::new(),
                });
                return;
            }
            Received::Closing(_) => return,
            Received::Event(event) => Frame::Event(self.event(event)),
            Received::Gap(gap) => Frame::Gap(Gap {
                reason: gap.reason(),
                channel: gap.channel,
                after: gap.after,
                through: gap.through,
                epoch: gap.epoch,
            }),
            Received::Heartbeat(beat) => Frame::Position(beat.position.expect("one").into()),
            Received::Members(list) => Frame::Members {
                channel: list.channel,
                members: list.members,
                sequence: list.sequence,
                last: list.last,
            },
            Received::Presence(change) => Frame::Presence {
                kind: change.kind(),
                channel: change.channel,
                member: change.member.expect("a member"),
                sequence: change.sequence,
            },
        };
        let stream = self.streams.last_mut().expect("ready comes first");
        stream.frames.push(frame);
    }

    fn event(&self, event: Event) -> Sent {
        let Some(Kind::Text(text)) = event.payload.and_then(|payload| payload.kind) else {
            panic!("not the text that was sent")
        };
        Sent {
            channel: event.channel,
            name: event.name,
            sender: event.sender_id,
            text,
            at: Place {
                epoch: self.epoch().to_owned(),
                sequence: event.sequence,
            },
            began: 0,
            ended: 0,
        }
    }

    /// The epoch that a client takes the next event to be of.
    fn epoch(&self) -> &str {
        let stream = self.streams.last().expect("ready comes first");
        let told = stream.frames.iter().rev().find_map(|frame| match frame {
            Frame::Position(place) => Some(&place.epoch),
            _ => None,
        });
        told.unwrap_or(&stream.start.epoch)
    }
}

impl History {
    /// Every frame of every stream.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        let streams = self.readers.iter().flat_map(|reader| &reader.streams);
        streams.flat_map(|stream| &stream.frames)
    }

    /// How many gaps of this reason were told.
    pub(crate) fn gaps(&self, reason: GapReason) -> usize {
        let is_one = |frame: &&Frame| matches!(frame, Frame::Gap(gap) if gap.reason == reason);
        self.frames().filter(is_one).count()
    }

    /// How many streams were begun.
    pub(crate) fn streams(&self) -> usize {
        self.readers.iter().map(|reader| reader.streams.len()).sum()
    }

    /// Events that streams skipped by their own choice.
    pub(crate) fn unwanted(&self) -> usize {
        let skipped = |reader: &Reader| {
            let wants = |sent: &&Sent| reader.choice.wants(sent, "") == Some(false);
            self.sent.iter().filter(wants).count()
        };
        self.readers.iter().map(skipped).sum()
    }
}
