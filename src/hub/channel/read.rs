//! What a reader gets of a channel: events and, if it watches, changes among
//! the members, in the order of their numbers.

use super::super::log::Near;
use super::super::stream::chunk::Chunk;
use super::super::stream::select::{Filter, Select};
use super::super::stream::subscription::Place;
use super::super::sync::lock;
use super::{Channel, State};

/// How far a reader has come in a channel.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct View {
    /// The number up to which it has every event.
    pub(in crate::hub) cursor: u64,
    /// About where in the log that is.
    pub(in crate::hub) near: Near,
    /// How far it has come in the changes among the members, if it watches.
    pub(in crate::hub) watch: Option<Watch>,
}

/// How far a reader has come in the changes among a channel's members.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) enum Watch {
    /// It has every change up to this number.
    At(u64),
    /// It needs a new list of the members first.
    Behind,
}

/// What comes next for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Next {
    /// Something of this number, or a gap or a list that begins there.
    At(u64),
    /// Nothing: its place is on the list of those who wait.
    Wait,
    /// Nothing, and never will: the channel has left the node.
    Closed,
}

/// What a reader got.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) enum Taken {
    /// What was put into the chunk, if anything, and what comes then.
    Frames(Next),
    /// It missed something up to this number; and what comes then.
    Gap(u64, Next),
    /// It is to ask for a list of the members, and then to look again.
    Behind,
}

impl Channel {
    /// What comes for a reader.
    pub(in crate::hub) fn look(&self, place: &Place<'_>, view: &View) -> Next {
        lock(&self.state).next(place, view)
    }

    /// Reads on, up to the number `upto`, into `chunk`. A gap comes alone.
    pub(in crate::hub) fn read(
        &self,
        place: &Place<'_>,
        view: &mut View,
        upto: u64,
        select: &Select<'_>,
        chunk: &mut Chunk<'_>,
    ) -> Taken {
        let state = &mut *lock(&self.state);
        let change = state.change(view);
        let event = change.and_then(|_| state.event(view));
        if let Some(change) = change
            && event.is_none_or(|event| change <= event)
        {
            // A gap may begin at the number of a change.
            let before = event.map_or(upto, |event| upto.min(event - 1));
            let upto = before.max(change.min(upto));
            if !state.read_changes(view, upto, chunk) {
                return Taken::Behind;
            }
            return Taken::Frames(state.next(place, view));
        }
        let let_go = state.events.log.let_go().number;
        if let_go > view.cursor {
            view.cursor = let_go;
            view.watch = view.watch.map(|_| Watch::Behind);
            return Taken::Gap(let_go, state.next(place, view));
        }
        let upto = change.map_or(upto, |change| upto.min(change - 1));
        let (cursor, near) = (view.cursor, &mut view.near);
        view.cursor = state.events.log.read(cursor, upto, near, select, chunk);
        Taken::Frames(state.next(place, view))
    }

    /// Whether it is still of this node: then it is the newest of its name.
    pub(in crate::hub) fn is_open(&self) -> bool {
        lock(&self.state).closed.is_none()
    }

    /// Where a reader of this channel, which has closed, goes on in the next
    /// one of its name, which came to be after `from`: there, unless it has
    /// still to be told of what this one let go.
    pub(in crate::hub) fn succeed(&self, cursor: u64, from: u64) -> u64 {
        let is_behind = lock(&self.state).events.log.let_go().number > cursor;
        if is_behind { cursor } else { cursor.max(from) }
    }
}

impl State {
    fn next(&mut self, place: &Place<'_>, view: &View) -> Next {
        let heads = [self.event(view), self.change(view)];
        if let Some(first) = heads.into_iter().flatten().min() {
            return Next::At(first);
        }
        if self.closed.is_some() {
            return Next::Closed;
        }
        let waiting = self.waiting(view.watch.is_some());
        waiting.wait(place.reader, place.slot, place.takes);
        Next::Wait
    }

    /// Where the reader's next event is, or its next gap begins.
    fn event(&self, view: &View) -> Option<u64> {
        if self.events.log.let_go().number > view.cursor {
            return Some(view.cursor + 1);
        }
        self.events.log.first_after(view.cursor, view.near)
    }

    /// Where its next change among the members is; a list comes at once, even
    /// of a channel that has closed, which does not count who watches it then.
    fn change(&self, view: &View) -> Option<u64> {
        let Watch::At(cursor) = view.watch? else {
            return Some(view.cursor);
        };
        let changes = &self.watched.as_ref()?.changes.log;
        if changes.let_go().number > cursor {
            return Some(cursor + 1);
        }
        changes.first_after(cursor, Near::END)
    }

    /// False if the reader has missed some.
    fn read_changes(&mut self, view: &mut View, upto: u64, chunk: &mut Chunk<'_>) -> bool {
        let (Some(Watch::At(cursor)), Some(watched)) = (&mut view.watch, &mut self.watched) else {
            return false;
        };
        let changes = &mut watched.changes.log;
        if changes.let_go().number > *cursor {
            return false;
        }
        let all = Filter::default();
        *cursor = changes.read(*cursor, upto, &mut { Near::END }, &all.select(""), chunk);
        true
    }
}
