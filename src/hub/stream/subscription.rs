//! A stream's subscription: is polled for chunks, and leaves when it is
//! dropped.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::super::Node;
use super::super::identity::Turn;
use super::super::observer::Attached;
use super::super::ready::{Marks, Reader, Round};
use super::super::sync::Arc;
use super::super::waiting::Kinds;
use super::cursors::Cursors;
use crate::model::{Limit, MemberId};

/// Why a subscription ends from within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The node drains; all that was numbered before is delivered first.
    Drain,
    /// It fell behind where it was not to be told a gap.
    SlowConsumer,
    /// Its member came back on a newer stream.
    Replaced,
    /// It may listen to no more channels, and another one came to be.
    LimitReached {
        /// Of what there are as many as there may be.
        what: Limit,
        /// At most so many.
        limit: usize,
    },
}

/// What a stream is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Whole frames, one after the other; never empty.
    Frames(Bytes),
    /// Nothing will come any more.
    End(End),
}

/// The reader of a stream.
pub(in crate::hub) type StreamReader = Reader<Mail>;

/// What a stream is told beside marks, which is rarely anything.
pub(in crate::hub) type Mail = Option<Box<Letter>>;

/// Channels that it has come to, and that it is to end.
#[derive(Debug, Default)]
pub(in crate::hub) struct Letter {
    pub(in crate::hub) attached: Vec<Attached>,
    pub(in crate::hub) end: Option<End>,
}

/// Where a channel's mark goes.
#[derive(Debug)]
pub(in crate::hub) struct Place<'a> {
    pub(in crate::hub) reader: &'a Arc<StreamReader>,
    pub(in crate::hub) slot: u32,
    /// The kinds of events that it takes.
    pub(in crate::hub) takes: Kinds,
}

/// A stream that is subscribed until this is dropped.
///
/// In this order, what a delivery looks at is together.
#[repr(C)]
pub struct Subscription {
    pub(super) reader: Arc<StreamReader>,
    pub(super) node: Arc<Node>,
    pub(super) marked: Marks,
    end: Option<End>,
    pub(super) cursors: Cursors,
    pub(super) key: usize,
    /// None until it subscribes.
    pub(super) turn: Option<Turn>,
    pub(super) recovered: bool,
    /// Places that it holds, whatever its patterns bring.
    pub(super) reserved: usize,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("turn", &self.turn)
            .field("cursors", &self.cursors)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// A stream that listens to nothing yet, at the node's newest number.
    pub(in crate::hub) fn new(node: Arc<Node>, key: usize, reader: Arc<StreamReader>) -> Self {
        Self {
            key,
            reader,
            marked: Marks::new(),
            cursors: Cursors::new(MemberId::new(), node.counter.newest()),
            turn: None,
            recovered: false,
            end: None,
            reserved: 0,
            node,
        }
    }

    /// Whether it has subscribed, and is a member.
    pub fn is_subscribed(&self) -> bool {
        self.turn.is_some()
    }

    /// The member that the stream is, or is to be.
    pub fn member(&self) -> &MemberId {
        &self.cursors.own
    }

    /// Whether a start other than live was asked for and no gap comes of it.
    pub fn recovered(&self) -> bool {
        self.recovered
    }

    /// The number up to which everything on this stream was delivered, skipped
    /// by its choice, or told as a gap.
    pub fn position(&self) -> u64 {
        self.cursors.position
    }

    /// The next frames, in the order of their numbers.
    ///
    /// O(frames), and O(1) for a slice of one channel's log. Ready with
    /// [`Chunk::End`] again and again once it has ended.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Chunk> {
        let Self {
            node,
            reader,
            marked,
            cursors,
            end,
            ..
        } = self;
        reader.poll(&node.counter, cx, marked, |newest, marked, mail| {
            if let Some(letter) = mail {
                cursors.pass(marked);
                match letter.end {
                    Some(End::Drain) => *end = letter.end,
                    Some(at_once) => cursors.fail(at_once),
                    None => {}
                }
                for attached in letter.attached {
                    cursors.attach(node, attached, marked);
                }
            }
            if let Some(end) = cursors.end {
                return Round::Yield(Chunk::End(end));
            }
            match (cursors.round(node, reader, newest, marked), *end) {
                (Round::Yield(frames), _) => Round::Yield(Chunk::Frames(frames)),
                (Round::Settled, Some(end)) if cursors.end.is_none() => {
                    Round::Yield(Chunk::End(end))
                }
                (Round::Settled, None) if cursors.end.is_none() => Round::Settled,
                (Round::Settled | Round::Left, _) => Round::Left,
            }
        })
    }

    /// A frame that tells the position, for when there is nothing else to say.
    pub fn heartbeat(&mut self) -> Bytes {
        self.hand_over();
        let mut frame = Vec::new();
        self.cursors.tell_position(&self.node, &mut frame);
        frame.into()
    }

    /// Says that the stream was handed something that did not come from a poll,
    /// or a part of what did, so that it counts as stalled if it takes no more.
    pub fn hand_over(&self) {
        self.reader.hand_over();
    }
}

impl Subscription {
    /// Leaves all that it has joined; `attached` was not fitted in yet. Its
    /// member has the grace to come back if it `may_return`.
    pub(super) fn part(&mut self, attached: Vec<Attached>, may_return: bool) {
        let node = &self.node;
        std::mem::take(&mut self.cursors.slots).leave(node, attached);
        if let Some(turn) = self.turn.take() {
            turn.end(node, may_return);
        }
        node.release(std::mem::take(&mut self.reserved));
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // Nothing attaches to it from here on: while its texts are taken out one
        // by one, another one than before could decide for a new channel.
        let mail = self.reader.leave();
        self.cursors.slots.unwatch(&self.node, self.key);
        let attached = mail.map(|letter| letter.attached).unwrap_or_default();
        let broke = self.node.streams.broke(self.key);
        self.part(attached, broke);
        self.node.streams.close(self.key);
    }
}
