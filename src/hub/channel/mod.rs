//! One channel: its log, its members, and who waits at its end.
//!
//! Each operation is one step under the channel's lock, of which nobody holds
//! two. Events are encoded before it, readers woken after it.

mod audience;
mod kept;
pub(super) mod lists;
mod members;
mod read;
mod watched;

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::time::Instant;

use super::frames::Frame;
use super::let_go::LetGo;
use super::log::{Log, Rewind};
use super::requests::Known;
use super::stream::select::{Select, bit, kinds};
use super::stream::start::{Lost, Start};
use super::stream::subscription::Mail;
use super::sync::{Arc, Mutex, lock};
use super::waiting::{ALL, Waiting, Wakes};
use super::{Node, Receipt};
use crate::model::{ChannelName, Member, RequestKey};
use audience::Audience;
pub(super) use audience::Listens;

use kept::Kept;
pub use members::Members;
pub(super) use read::{Next, Taken, View, Watch};
pub(super) use watched::Snapshot;
use watched::Watched;

/// A channel; broadcasts are one without a name.
#[derive(Debug)]
pub(super) struct Channel {
    name: Option<ChannelName>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    events: Kept,
    waiting: Waiting<Mail>,
    /// By the order in which they joined.
    members: BTreeMap<u64, Member>,
    audience: Audience,
    /// None while nobody watches the members.
    watched: Option<Box<Watched>>,
    /// The newest number of the node when the channel left it.
    closed: Option<u64>,
}

/// Why an event was not appended.
#[derive(Debug)]
pub(super) enum Refused {
    /// The channel has left the node: look for a new one.
    Closed,
    /// The request id was used for other content.
    Reused,
}

/// What a log holds of a range of numbers.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) frames: Vec<(u64, Bytes)>,
    pub(super) has_more: bool,
    pub(super) let_go: LetGo,
    pub(super) oldest: Option<u64>,
}

impl Channel {
    /// A channel with an empty `log`.
    pub(super) fn new(name: Option<ChannelName>, log: Log) -> Self {
        Self {
            name,
            state: Mutex::new(State {
                events: Kept::new(log),
                waiting: Waiting::new(),
                members: BTreeMap::new(),
                audience: Audience::default(),
                watched: None,
                closed: None,
            }),
        }
    }

    /// Its name, which broadcasts do not have.
    pub(super) fn full_name(&self) -> Option<&ChannelName> {
        self.name.as_ref()
    }

    /// Its name; empty for broadcasts, as on the wire.
    pub(super) fn name(&self) -> &str {
        self.name.as_ref().map_or("", ChannelName::as_str)
    }

    /// Marks who waits, numbers the event, appends it, and wakes them. The log
    /// takes the frame's bytes, or leaves the buffer.
    pub(super) fn append(
        self: &Arc<Self>,
        node: &Node,
        frame: &mut Frame,
        request: Option<RequestKey>,
        now: Instant,
    ) -> Result<Receipt, Refused> {
        let mut wakes = Wakes::default();
        let receipt = {
            let state = &mut *lock(&self.state);
            if state.closed.is_some() {
                return Err(Refused::Closed);
            }
            match request.map_or(Known::New, |request| node.requests.ask(request, now)) {
                Known::New => {}
                Known::Repeat(first) => {
                    return Ok(Receipt {
                        duplicate: true,
                        ..first
                    });
                }
                Known::Reused => return Err(Refused::Reused),
            }
            let recipients = state.audience.count(&frame.bytes[frame.name.clone()]);
            state.mark_watchers(node, &mut wakes);
            let kind = || kinds(bit(&frame.bytes[frame.name.clone()]));
            let sequence = state.waiting.number(&node.counter, kind, &mut wakes);
            state.events.append((self, node), frame, sequence, now);
            let receipt = Receipt {
                sequence,
                recipients,
                duplicate: false,
            };
            if let Some(request) = request {
                node.requests.remember(request, receipt, now);
            }
            receipt
        };
        wakes.wake();
        self.relieve(node);
        Ok(receipt)
    }

    /// Where a subscriber that `select`s begins, and what it has lost by then.
    pub(super) fn begin(
        &self,
        start: Start,
        from: u64,
        select: &Select<'_>,
    ) -> (u64, Option<Lost>) {
        let (place, lost) = {
            let log = &lock(&self.state).events.log;
            (start.place(from, log), start.lost(log.let_go()))
        };
        let place = match start {
            Start::Last(count) => self.rewind(Rewind::new(from, count), select),
            _ => place,
        };
        (lost.map_or(place, |lost| place.max(lost.through)), lost)
    }

    /// Step by step, since a filter may keep little of a long log.
    fn rewind(&self, mut rewind: Rewind, select: &Select<'_>) -> u64 {
        while rewind.step(&mut lock(&self.state).events.log, select) {}
        rewind.place
    }

    /// Events numbered after and before these, from either end: at most `count`
    /// and, past the first, at most `bytes`. O(page).
    pub(super) fn page(
        &self,
        between: (u64, u64),
        descending: bool,
        count: usize,
        bytes: usize,
    ) -> Page {
        let log = &mut lock(&self.state).events.log;
        let (frames, has_more) = log.page(between, descending, count, bytes);
        Page {
            frames,
            has_more,
            let_go: log.let_go(),
            oldest: log.first(),
        }
    }

    /// How many members it has, and the number of its newest event.
    pub(super) fn about(&self) -> (usize, u64) {
        let state = lock(&self.state);
        (state.members.len(), state.events.log.newest())
    }

    /// Lets go what is too old, and tells whether the channel could leave.
    pub(super) fn expire(&self, node: &Node, now: Instant) -> bool {
        let state = &mut *lock(&self.state);
        state.events.expire(node, now);
        if let Some(watched) = &mut state.watched {
            watched.changes.expire(node, now);
        }
        state.is_idle()
    }

    /// Closes the channel if it is idle, for good, and tells what it had let
    /// go. Listeners who wait are marked, to be woken later.
    pub(super) fn close(&self, node: &Node, wakes: &mut Wakes) -> Option<LetGo> {
        let state = &mut *lock(&self.state);
        if !state.is_idle() {
            return None;
        }
        state.closed = Some(node.counter.newest());
        state.mark_watchers(node, wakes);
        state.waiting.mark(&node.counter, ALL, wakes);
        if let Some(watched) = &mut state.watched {
            watched.changes.leave(node);
        }
        Some(state.events.log.let_go())
    }

    /// Places on the lists of those who wait.
    pub(super) fn waiting(&self) -> usize {
        let state = lock(&self.state);
        let watching = state.watched.as_ref();
        state.waiting.len() + watching.map_or(0, |watched| watched.waiting.len())
    }

    /// After an append: brings the node's logs back to their bound.
    fn relieve(self: &Arc<Self>, node: &Node) {
        node.budget.relieve(self, |channel, oldest| {
            let state = &mut *lock(&channel.state);
            if !state.events.let_go(channel, node, oldest)
                && let Some(watched) = &mut state.watched
            {
                watched.changes.let_go(channel, node, oldest);
            }
        });
    }
}

impl State {
    fn mark_watchers(&mut self, node: &Node, wakes: &mut Wakes) {
        if let Some(watched) = &mut self.watched {
            watched.waiting.mark(&node.counter, ALL, wakes);
        }
    }

    fn is_idle(&self) -> bool {
        self.events.log.first().is_none() && self.members.is_empty() && self.closed.is_none()
    }
}
