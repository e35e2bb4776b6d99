//! What happened in a run.

use std::collections::HashMap;

/// Everything that was sent and received.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) sent: Vec<Sent>,
    pub(super) streams: Vec<Stream>,
}

/// An event, as acknowledged to its sender or as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Empty: a broadcast.
    pub(super) channel: String,
    pub(super) name: String,
    pub(super) sender: String,
    pub(super) text: String,
    pub(super) sequence: u64,
    /// When the call began and ended, on the run's own clock; of received
    /// events without meaning.
    pub(super) began: u64,
    pub(super) ended: u64,
}

impl Sent {
    /// Whether `other` says the same.
    pub(super) fn same(&self, other: &Self) -> bool {
        let says = |sent: &Self| {
            (
                sent.channel.clone(),
                sent.name.clone(),
                sent.sender.clone(),
                sent.text.clone(),
                sent.sequence,
            )
        };
        says(self) == says(other)
    }
}

/// What a subscription asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// Empty: all.
    pub(super) events: Vec<String>,
    pub(super) echo: bool,
}

/// One stream, from `ready` to its end.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) member: String,
    /// The position that `ready` told.
    pub(super) start: u64,
    pub(super) channels: HashMap<String, Wish>,
    pub(super) broadcasts: Option<Wish>,
    pub(super) frames: Vec<Frame>,
}

/// A frame that a stream received.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Event(Sent),
    Gap {
        channel: String,
        after: u64,
        through: u64,
    },
    Position(u64),
}

impl Stream {
    /// Whether the stream asked for this event; none if not for its channel.
    pub(super) fn wants(&self, sent: &Sent) -> Option<bool> {
        let wish = if sent.channel.is_empty() {
            self.broadcasts.as_ref()
        } else {
            self.channels.get(&sent.channel)
        };
        let wish = wish?;
        let named = wish.events.is_empty() || wish.events.contains(&sent.name);
        Some(named && (wish.echo || sent.sender != self.member))
    }
}

impl History {
    /// Gaps that were told.
    pub(super) fn gaps(&self) -> usize {
        let frames = self.streams.iter().flat_map(|stream| &stream.frames);
        frames
            .filter(|frame| matches!(frame, Frame::Gap { .. }))
            .count()
    }

    /// Events that streams skipped by their own choice.
    pub(super) fn unwanted(&self) -> usize {
        let skipped = |stream: &Stream| {
            self.sent
                .iter()
                .filter(|sent| stream.wants(sent) == Some(false))
                .count()
        };
        self.streams.iter().map(skipped).sum()
    }
}
