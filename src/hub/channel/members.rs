//! A channel's members: who joins, leaves and changes, and who is told.

use std::mem;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::Node;
use super::super::frames::Change;
use super::super::sync::{Arc, Weak, lock};
use super::super::waiting::{ALL, Wakes};
use super::watched::Snapshot;
use super::{Channel, State};
use crate::model::Member;

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
    /// Takes a member in, in this place of the order of joining. False if the
    /// channel has left the node.
    pub(in crate::hub) fn admit(
        self: &Arc<Self>,
        node: &Node,
        place: u64,
        member: &Member,
    ) -> bool {
        self.change(node, Change::Joined, |state| {
            if state.closed.is_some() {
                return None;
            }
            state.members.insert(place, member.clone());
            Some(member.clone())
        })
    }

    /// Lets the member of this place out.
    pub(in crate::hub) fn dismiss(self: &Arc<Self>, node: &Node, place: u64) {
        self.change(node, Change::Left, |state| state.members.remove(&place));
    }

    /// Gives the member of this place another profile.
    pub(in crate::hub) fn alter(self: &Arc<Self>, node: &Node, place: u64, profile: &Bytes) {
        self.change(node, Change::Updated, |state| {
            let member = state.members.get_mut(&place)?;
            let before = mem::replace(&mut member.profile, profile.clone());
            (before != *profile).then(|| member.clone())
        });
    }

    /// Applies a change, tells it to those who watch, and tells whether there
    /// was one. Frame and number are made in the same step, since only then is
    /// it known what became of whom and whether anybody wants to know.
    fn change(
        self: &Arc<Self>,
        node: &Node,
        change: Change,
        apply: impl FnOnce(&mut State) -> Option<Member>,
    ) -> bool {
        let mut wakes = Wakes::default();
        {
            let state = &mut *lock(&self.state);
            let Some(member) = apply(state) else {
                return false;
            };
            let Some(watched) = &mut state.watched else {
                return true;
            };
            let mut frame = node.frames.presence(self.name(), change, &member);
            let number = watched.waiting.number(&node.counter, || ALL, &mut wakes);
            let now = Instant::now();
            watched
                .changes
                .append((self, node), &mut frame, number, now);
            watched.snapshot = Weak::new();
        }
        wakes.wake();
        self.relieve(node);
        true
    }

    /// The members as of one number: whatever changed up to it is in the list,
    /// and nothing later. Encoded after the channel's lock.
    pub(in crate::hub) fn snapshot(&self, node: &Node) -> Arc<Snapshot> {
        let (number, members) = {
            let state = &mut *lock(&self.state);
            let cached = state.watched.as_ref().and_then(|w| w.snapshot.upgrade());
            if let Some(snapshot) = cached {
                return snapshot;
            }
            // A channel made again may be past the newest number already.
            let number = state.closed.unwrap_or_else(|| node.counter.newest());
            let members: Vec<_> = state.members.values().cloned().collect();
            (number, members)
        };
        let snapshot = Arc::new(Snapshot::new(node, self.name(), &members, number));
        node.lists.keep(&snapshot);
        if let Some(watched) = &mut lock(&self.state).watched
            && watched.changes.log.newest() <= number
        {
            watched.snapshot = Arc::downgrade(&snapshot);
        }
        snapshot
    }

    /// The members that joined after place `after`, at most `count` of them
    /// and, past the first, at most `bytes` of profiles. O(page).
    pub(in crate::hub) fn members(&self, after: u64, count: usize, bytes: usize) -> Members {
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
}
