//! One channel: its log, its members, and who waits at its end.
//!
//! Each operation is one step under the channel's lock, of which nobody holds
//! two. Encoding is done before it, waking after it.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::audience::Audience;
use super::chunk::Chunk;
use super::frames::Frame;
use super::log::Log;
use super::ready::{Waiting, Wakes};
use super::requests::Known;
use super::select::{Filter, Select};
use super::subscription::{Mail, Place};
use super::sync::{Arc, Mutex, lock};
use super::{Node, Receipt};
use crate::model::{ChannelName, Member, RequestKey};

/// A channel; broadcasts are one without a name.
#[derive(Debug)]
pub(super) struct Channel {
    name: Option<ChannelName>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    log: Log,
    waiting: Waiting<Mail>,
    /// By the order in which they joined.
    members: BTreeMap<u64, Member>,
    audience: Audience,
    /// The number under which the node's budget knows the log.
    entered: Option<u64>,
    closed: bool,
}

/// Why an event was not appended.
#[derive(Debug)]
pub(super) enum Refused {
    /// The channel has left the node: look for a new one.
    Closed(Frame),
    /// The request id was used for other content.
    Reused,
}

/// What comes next for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An event of this number, or a gap that begins there.
    At(u64),
    /// Nothing: its place is on the list of those who wait.
    Wait,
    /// Nothing, and never will: the channel has left the node.
    Closed,
}

/// What a reader got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// The number up to which it has everything.
    pub(super) cursor: u64,
    /// The number up to which it missed something.
    pub(super) gap: Option<u64>,
    /// What comes then.
    pub(super) next: Next,
}

/// Some of a channel's members, in the order in which they joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The page.
    pub members: Vec<Member>,
    /// From where the next page goes on; none at the end.
    pub next: Option<u64>,
    /// How many there are in all.
    pub total: usize,
}

impl Channel {
    /// A channel with an empty `log`, and the observers that waited for it.
    pub(super) fn new(name: Option<ChannelName>, log: Log, observers: Audience) -> Self {
        Self {
            name,
            state: Mutex::new(State {
                log,
                waiting: Waiting::new(),
                members: BTreeMap::new(),
                audience: observers,
                entered: None,
                closed: false,
            }),
        }
    }

    /// Its name; empty for broadcasts, as on the wire.
    pub(super) fn name(&self) -> &str {
        self.name.as_ref().map_or("", ChannelName::as_str)
    }

    /// Marks who waits, numbers the event, appends it, and wakes them.
    pub(super) fn append(
        self: &Arc<Self>,
        node: &Node,
        frame: Frame,
        request: Option<RequestKey>,
    ) -> Result<Receipt, Refused> {
        let now = Instant::now();
        let mut wakes = Wakes::default();
        let receipt = {
            let state = &mut *lock(&self.state);
            if state.closed {
                return Err(Refused::Closed(frame));
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
            let sequence = state.waiting.number(&node.counter, &mut wakes);
            state.log.append(frame, sequence, now);
            if state.entered.is_none() {
                state.entered = state.log.first();
                node.budget.enter(sequence, Arc::clone(self));
            }
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
        node.budget
            .relieve(self, |channel, oldest| channel.let_go(node, oldest));
        Ok(receipt)
    }

    /// Takes a subscriber in, as `member` if it is one, and tells in which
    /// place of the order it joined. False if the channel has left the node.
    pub(super) fn join(&self, filter: &Filter, member: Option<(u64, Member)>) -> bool {
        let mut state = lock(&self.state);
        if !state.closed {
            state.audience.add(filter);
            state.members.extend(member);
        }
        !state.closed
    }

    /// Lets a subscriber out, which was the `member` that joined in this place.
    pub(super) fn leave(&self, filter: &Filter, member: Option<u64>) {
        let mut state = lock(&self.state);
        state.audience.remove(filter);
        if let Some(member) = member {
            state.members.remove(&member);
        }
        let remaining = state.audience.total();
        state.waiting.forget(remaining);
    }

    /// What comes for a reader that has everything up to `cursor`.
    pub(super) fn look(&self, place: &Place<'_>, cursor: u64) -> Next {
        lock(&self.state).next(place, cursor)
    }

    /// Reads on from `cursor`, up to `upto`, into `chunk`. A gap comes alone.
    pub(super) fn read(
        &self,
        place: &Place<'_>,
        cursor: u64,
        upto: u64,
        select: &Select<'_>,
        chunk: &mut Chunk<'_>,
    ) -> Taken {
        let state = &mut *lock(&self.state);
        let let_go = state.log.let_go();
        let (cursor, gap) = if let_go > cursor {
            (let_go, Some(let_go))
        } else {
            (state.log.read(cursor, upto, select, chunk), None)
        };
        Taken {
            cursor,
            gap,
            next: state.next(place, cursor),
        }
    }

    /// The members that joined after place `after`, at most `count` of them
    /// and, past the first, at most `bytes` of profiles. O(page).
    pub(super) fn members(&self, after: u64, count: usize, bytes: usize) -> Members {
        let state = lock(&self.state);
        let mut page = Members {
            total: state.members.len(),
            ..Members::default()
        };
        let (mut size, mut last) = (0, after);
        for (place, member) in state.members.range(after + 1..) {
            size += member.profile.len() + member.id.as_str().len();
            if page.members.len() == count || (size > bytes && last > after) {
                page.next = Some(last);
                break;
            }
            page.members.push(member.clone());
            last = *place;
        }
        page
    }

    /// Lets go what is too old, and tells whether the channel could leave.
    pub(super) fn expire(&self, node: &Node, now: Instant) -> bool {
        let mut state = lock(&self.state);
        state.log.expire(now);
        if state.log.first().is_none()
            && let Some(number) = state.entered.take()
        {
            node.budget.leave(number);
        }
        state.is_idle()
    }

    /// Closes the channel if it is idle, for good, and tells up to which number
    /// it had let go. Observers who wait are marked, to be woken later.
    pub(super) fn close(&self, wakes: &mut Wakes) -> Option<u64> {
        let mut state = lock(&self.state);
        if !state.is_idle() {
            return None;
        }
        state.closed = true;
        state.waiting.mark(wakes);
        Some(state.log.let_go())
    }

    /// What the log of a channel that has closed let go of at the end.
    pub(super) fn newest_let_go(&self) -> u64 {
        lock(&self.state).log.let_go()
    }

    /// Places on the list of those who wait.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    /// As `Budget::relieve` asks for it.
    fn let_go(self: &Arc<Self>, node: &Node, oldest: u64) {
        let state = &mut *lock(&self.state);
        if state.entered != Some(oldest) {
            return;
        }
        if state.log.first() == Some(oldest) {
            state.log.let_go_segment();
        }
        state.entered = state.log.first();
        if let Some(first) = state.entered {
            node.budget.enter(first, Arc::clone(self));
        }
    }
}

impl State {
    fn next(&mut self, place: &Place<'_>, cursor: u64) -> Next {
        if self.log.let_go() > cursor {
            Next::At(cursor + 1)
        } else if let Some(number) = self.log.first_after(cursor) {
            Next::At(number)
        } else if self.closed {
            Next::Closed
        } else {
            self.waiting.wait(place.reader, place.slot);
            Next::Wait
        }
    }

    fn is_idle(&self) -> bool {
        self.log.first().is_none() && self.members.is_empty() && !self.closed
    }
}
