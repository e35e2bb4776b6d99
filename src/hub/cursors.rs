//! The cursors of one stream: what its channels hold past them, merged into
//! one order.
//!
//! A heap holds the number of what comes next in each channel that has
//! something; the lowest is taken first, with all that follows it in the same
//! channel up to the next lowest. Channels with nothing are not visited.
//!
//! Guarantee: everything comes in the order of the numbers, each event once,
//! and what is not delivered was skipped by choice or is told as a gap, before
//! anything that is numbered after it (`docs/decisions/0008-gaps-first.md`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bytes::Bytes;

use super::channel::{Channel, Next, Taken};
use super::chunk::Chunk;
use super::observer::Attached;
use super::ready::Round;
use super::select::Filter;
use super::subscription::{Place, StreamReader};
use super::sync::Arc;
use super::{Gap, GapReason, Node};
use crate::model::{ChannelName, MemberId, Position};

/// Visits to channels in one round.
const VISITS: usize = 1024;

/// A stream's cursor in one channel.
#[derive(Debug)]
pub(super) struct Slot {
    /// None while the channel does not exist, which only observers see.
    pub(super) channel: Option<Arc<Channel>>,
    /// The number up to which it has everything.
    pub(super) cursor: u64,
    pub(super) filter: Filter,
    pub(super) holds: Hold,
}

/// By what a slot is in its channel.
#[derive(Debug)]
pub(super) enum Hold {
    /// As a member, in this place of the order of joining.
    Member(u64),
    /// As one who only listens, and waits for the channel to come back.
    Observer(ChannelName),
    /// As everybody is for broadcasts.
    Broadcasts,
}

/// What comes next in a slot's channel: an event of this number, or a gap that
/// begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    number: u64,
    slot: u32,
}

/// The cursors of one stream.
#[derive(Debug)]
pub(super) struct Cursors {
    pub(super) slots: Vec<Slot>,
    own: MemberId,
    heads: BinaryHeap<Reverse<Head>>,
    /// The number up to which everything is delivered, skipped or told.
    position: u64,
    /// Gaps through this number were told, and no position past it.
    owes_position: Option<u64>,
}

impl Cursors {
    /// No cursors yet, for the member `own`, at `position`.
    pub(super) fn new(own: MemberId, position: u64) -> Self {
        Self {
            slots: Vec::new(),
            own,
            heads: BinaryHeap::new(),
            position,
            owes_position: None,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Adds a cursor at the stream's position, in a place yet to be looked at.
    pub(super) fn add(&mut self, channel: Option<Arc<Channel>>, filter: Filter, holds: Hold) {
        self.slots.push(Slot {
            channel,
            cursor: self.position,
            filter,
            holds,
        });
    }

    /// Moves a slot to a channel that came to be after the number `from`.
    ///
    /// Nothing can have been missed while there was none. If the slot has not
    /// yet read what an earlier one of the name let go at its end, its cursor
    /// stays, and the new channel, which begins past that, tells the gap.
    ///
    /// A slot without a channel is neither on a list nor marked, so it is
    /// marked here; one whose channel has closed is marked already.
    pub(super) fn attach(&mut self, attached: Attached, marked: &mut Vec<u32>) {
        let slot = &mut self.slots[attached.slot as usize];
        let before = slot.channel.replace(attached.channel);
        if before.is_none() {
            marked.push(attached.slot);
        }
        let behind = before.is_some_and(|old| old.newest_let_go() > slot.cursor);
        if !behind {
            slot.cursor = slot.cursor.max(attached.from);
        }
    }

    /// One round: looks at the `marked`, takes what comes up to the number
    /// `newest`, in order, and gathers it into a chunk.
    pub(super) fn round(
        &mut self,
        node: &Node,
        reader: &Arc<StreamReader>,
        newest: u64,
        marked: &mut Vec<u32>,
    ) -> Round<Bytes> {
        let mut chunk = Chunk::new(node.budget.account());
        let mut visits = VISITS;
        if let ([slot], true, false) = (
            marked.as_slice(),
            self.heads.is_empty(),
            self.owes_position.is_some(),
        ) {
            let slot = *slot;
            marked.clear();
            self.take(node, reader, slot, newest, &mut chunk);
        }
        while let Some(slot) = marked.pop() {
            self.look(reader, slot);
            visits -= 1;
            if visits == 0 {
                return Round::Left;
            }
        }
        while let Some(head) = self.next_up_to(newest)
            && visits > 0
            && !chunk.is_full()
        {
            self.reach(head.number - 1, node, &mut chunk);
            self.heads.pop();
            let limit = self
                .heads
                .peek()
                .map_or(newest, |Reverse(next)| newest.min(next.number - 1));
            // A gap may begin at the number of another channel's event.
            self.take(node, reader, head.slot, limit.max(head.number), &mut chunk);
            visits = visits.saturating_sub(self.cost(head.slot));
        }
        self.reach(self.dealt_with(newest), node, &mut chunk);
        match chunk.finish() {
            Some(bytes) => Round::Yield(bytes),
            None if self.heads.is_empty() => Round::Settled,
            None => Round::Left,
        }
    }

    /// Writes the stream's position as a frame of its own.
    pub(super) fn tell_position(&mut self, node: &Node, into: &mut Vec<u8>) {
        self.owes_position = None;
        let position = Position {
            epoch: node.epoch.clone(),
            sequence: self.position,
        };
        node.frames.heartbeat(&position, into);
    }

    /// Up to where nothing is left, when nothing is marked.
    fn dealt_with(&self, newest: u64) -> u64 {
        let next = self.heads.peek();
        next.map_or(newest, |Reverse(head)| newest.min(head.number - 1))
    }

    fn next_up_to(&self, newest: u64) -> Option<Head> {
        let Reverse(head) = self.heads.peek()?;
        (head.number <= newest).then_some(*head)
    }

    /// Everything up to `position` is dealt with; says so if gaps before it
    /// were told.
    fn reach(&mut self, position: u64, node: &Node, chunk: &mut Chunk<'_>) {
        self.position = self.position.max(position);
        if self
            .owes_position
            .is_some_and(|through| through <= self.position)
            && !chunk.is_full()
        {
            self.tell_position(node, chunk.buffer());
        }
    }

    /// A search by name looks at many events in one visit.
    fn cost(&self, slot: u32) -> usize {
        let searches = !self.slots[slot as usize].filter.names().is_empty();
        if searches { 16 } else { 1 }
    }

    fn look(&mut self, reader: &Arc<StreamReader>, slot: u32) {
        let place = Place { reader, slot };
        let Slot {
            channel, cursor, ..
        } = &self.slots[slot as usize];
        if let Some(next) = channel
            .as_ref()
            .map(|channel| channel.look(&place, *cursor))
        {
            self.note(slot, next);
        }
    }

    fn take(
        &mut self,
        node: &Node,
        reader: &Arc<StreamReader>,
        slot: u32,
        upto: u64,
        chunk: &mut Chunk<'_>,
    ) {
        let place = Place { reader, slot };
        let own = self.own.as_str();
        let at = &mut self.slots[slot as usize];
        let Some(channel) = &at.channel else {
            return;
        };
        let Taken { cursor, gap, next } =
            channel.read(&place, at.cursor, upto, &at.filter.select(own), chunk);
        // What the stream has passed, this channel has not lost.
        let after = std::mem::replace(&mut at.cursor, cursor).max(self.position);
        if let Some(through) = gap {
            self.owes_position = self.owes_position.max(Some(through));
            let gap = Gap {
                channel: channel.name(),
                after,
                through,
                reason: GapReason::Overflow,
            };
            node.frames.gap(&gap, &node.epoch, chunk.buffer());
        }
        self.note(slot, next);
    }

    fn note(&mut self, slot: u32, next: Next) {
        match next {
            Next::At(number) => self.heads.push(Reverse(Head { number, slot })),
            Next::Wait => {}
            Next::Closed => self.slots[slot as usize].channel = None,
        }
    }
}
