//! The cursors of one stream: what its channels hold past them, merged into
//! one order.
//!
//! Of each channel that has something, a number is known before which nothing
//! comes there; the lowest is taken first, with all that follows it in the same
//! channel up to the next lowest. A mark brings that number, and nearly always
//! it is the event's own, so that a channel is visited once for it. Channels with
//! nothing are not visited.
//!
//! Guarantee: everything comes in the order of the numbers, each event once,
//! and what is not delivered was skipped by choice or is told as a gap, before
//! anything that is numbered after it (`docs/decisions/0008-gaps-first.md`).

use std::collections::HashSet;

use bytes::Bytes;

use super::super::channel::{Next, Taken, Watch};
use super::super::observer::Attached;
use super::super::ready::{Mark, Marks, Round};
use super::super::sync::Arc;
use super::super::{Gap, GapReason, Node};
use super::chunk::Chunk;
use super::line::{self, Head, Line};
use super::opening::Opening;
use super::slot::By;
use super::slots::Slots;
use super::subscription::{End, StreamReader};
use crate::model::{MemberId, Position};

/// Visits to channels in one round.
const VISITS: usize = 1024;

/// The cursors of one stream, with what a delivery looks at first.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Cursors {
    /// The number up to which everything is delivered, skipped or told.
    pub(super) position: u64,
    /// Gaps through this number were told, and no position past it.
    owes_position: Option<u64>,
    line: Line,
    pub(super) opening: Opening,
    /// Why nothing more is to be read, if so.
    pub(super) end: Option<End>,
    pub(super) own: MemberId,
    pub(super) slots: Slots,
}

impl Cursors {
    /// No cursors yet, for the member `own`, at `position`.
    pub(super) fn new(own: MemberId, position: u64) -> Self {
        Self {
            slots: Slots::default(),
            own,
            opening: Opening::default(),
            line: Line::default(),
            position,
            owes_position: None,
            end: None,
        }
    }

    /// Sees to it that nothing more is read, since something is missing.
    pub(super) fn fail(&mut self, end: End) {
        self.end = Some(end);
    }

    /// Reads no more of these slots, which are gone.
    pub(super) fn pass_over(&mut self, slots: &HashSet<u32>) {
        self.line.pass_over(slots);
    }

    /// Has the marked slots pass what was not for them.
    pub(super) fn pass(&mut self, marked: &[Mark]) {
        for Mark { slot, passed } in marked {
            let view = &mut self.slots.get_mut(*slot).view;
            view.cursor = view.cursor.max(*passed);
        }
    }

    /// Takes in a channel that came to be.
    pub(super) fn attach(&mut self, node: &Node, attached: Attached, marked: &mut Marks) {
        if let Err(reached) = self.slots.attach(node, attached, marked) {
            self.fail(node.ends(reached));
        }
    }

    /// One round: takes what comes up to the number `newest`, in order, and
    /// gathers it into a chunk. Of the `marked` those stay to which it does not
    /// come. O(marked), where they are in order, and O(log channels) where
    /// something was left.
    pub(super) fn round(
        &mut self,
        node: &Node,
        reader: &Arc<StreamReader>,
        newest: u64,
        marked: &mut Marks,
    ) -> Round<Bytes> {
        let mut chunk = Chunk::new(node.budget.account());
        if !self.opening.is_told() {
            self.open(node, &mut chunk);
            return chunk.finish().map_or(Round::Left, Round::Yield);
        }
        line::order(marked);
        let mut rest = marked.as_slice();
        let mut visits = VISITS;
        while let Some(first) = self.line.first(rest)
            && first.number <= newest
            && visits > 0
            && !chunk.is_full()
            && self.end.is_none()
        {
            self.reach(first.number.saturating_sub(1), node, &mut chunk);
            let mark = self.line.take(first, &mut rest);
            self.pass(mark.as_slice());
            let limit = self.dealt_with(newest, rest);
            // A search by name looks at many events in one visit.
            let searches = !self.slots.get(first.slot).filter.names().is_empty();
            visits = visits.saturating_sub(if searches { 16 } else { 1 });
            // A gap may begin at the number of another channel's event.
            let limit = limit.max(first.number);
            self.take(node, reader, first.slot, limit, &mut chunk);
        }
        // A list of members that is found below is behind what has come already.
        let dealt_with = self.dealt_with(newest, rest);
        while let [mark, more @ ..] = rest
            && mark.passed >= newest
            && visits > 0
        {
            // What comes there was numbered since, if anything does.
            rest = more;
            self.pass(&[*mark]);
            self.look(node, reader, mark.slot);
            visits -= 1;
        }
        if self.end.is_none() {
            // Else there is a loss that was not told.
            self.reach(dealt_with, node, &mut chunk);
        }
        marked.drain(..marked.len() - rest.len());
        match chunk.finish() {
            Some(bytes) => Round::Yield(bytes),
            None if self.line.is_empty() && marked.is_empty() => Round::Settled,
            None => Round::Left,
        }
    }

    /// Writes the stream's position as a frame of its own.
    pub(super) fn tell_position(&mut self, node: &Node, into: &mut Vec<u8>) {
        let position = Position {
            epoch: node.epoch.clone(),
            sequence: self.position,
        };
        self.owes_position = self.owes_position.filter(|owed| *owed > self.position);
        node.frames.heartbeat(&position, into);
    }

    /// Up to where nothing is left but what is `marked`.
    fn dealt_with(&self, newest: u64, marked: &[Mark]) -> u64 {
        self.line
            .first(marked)
            .map_or(newest, |first| newest.min(first.number.saturating_sub(1)))
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

    /// Tells what comes before anything else. A position follows at once if the
    /// client's is of another life of the node.
    fn open(&mut self, node: &Node, chunk: &mut Chunk<'_>) {
        self.opening.tell(node, chunk);
        if self.opening.takes_position() {
            self.tell_position(node, chunk.buffer());
        }
        if self.opening.is_told() {
            let owed = self.opening.through();
            let owed = owed.filter(|through| *through > self.position);
            self.owes_position = self.owes_position.max(owed);
        }
    }

    fn look(&mut self, node: &Node, reader: &Arc<StreamReader>, slot: u32) {
        let at = self.slots.get(slot);
        let place = at.place(reader, slot);
        if let Some(channel) = &at.channel {
            let next = channel.look(&place, &at.view);
            self.note(node, slot, next);
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
        let at = self.slots.get_mut(slot);
        let place = at.place(reader, slot);
        if at.sending.is_some() {
            return self.send_members(node, reader, slot, chunk);
        }
        let Some(channel) = &at.channel else {
            return;
        };
        // What the stream has passed, this channel has not lost.
        let after = at.view.cursor.max(self.position);
        let select = at.filter.select(self.own.as_str());
        match channel.read(&place, &mut at.view, upto, &select, chunk) {
            Taken::Frames(next) => self.note(node, slot, next),
            Taken::Gap(..) if at.strict => self.fail(End::SlowConsumer),
            Taken::Gap(through, next) => {
                let gap = Gap {
                    channel: channel.name(),
                    after,
                    through,
                    reason: GapReason::Overflow,
                };
                node.frames.gap(&gap, &node.epoch, chunk.buffer());
                self.owes_position = self.owes_position.max(Some(through));
                self.note(node, slot, next);
            }
            Taken::Behind => {
                let snapshot = channel.snapshot(node);
                at.view.watch = Some(Watch::At(snapshot.number));
                at.sending = Some((Arc::downgrade(&snapshot), 0));
                self.send_members(node, reader, slot, chunk);
            }
        }
    }

    /// Hands over the list of members that a slot is sending, as far as there
    /// is room; the rest comes before anything else. If the list is gone, a new
    /// one begins.
    fn send_members(
        &mut self,
        node: &Node,
        reader: &Arc<StreamReader>,
        slot: u32,
        chunk: &mut Chunk<'_>,
    ) {
        let at = self.slots.get_mut(slot);
        let Some((list, sent)) = &mut at.sending else {
            return;
        };
        let list = list.upgrade();
        let frames = list.as_ref().map_or(&[][..], |list| &list.frames[*sent..]);
        for frame in frames {
            if !chunk.is_empty() && frame.len() > chunk.room() {
                chunk.close();
                let number = self.position;
                return self.line.push(Head { number, slot });
            }
            chunk.put(frame.clone());
            *sent += 1;
        }
        at.sending = None;
        if list.is_none() {
            at.view.watch = Some(Watch::Behind);
        }
        self.look(node, reader, slot);
    }

    fn note(&mut self, node: &Node, slot: u32, next: Next) {
        match next {
            Next::At(number) => self.line.push(Head { number, slot }),
            Next::Wait => {}
            Next::Closed => {
                // A member holds its channels: this one has another stream.
                if let By::Membership = self.slots.get(slot).by {
                    self.end = self.end.or(Some(End::Replaced));
                }
                self.slots.close(node, slot);
            }
        }
    }
}
