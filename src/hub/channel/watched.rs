//! What those get who watch a channel's members: a list of them as of some
//! number, and the changes after it from a log of their own.
//!
//! There is one of these only while somebody watches. A list is encoded once
//! for all who ask for it before the next change.

use bytes::Bytes;

use super::super::Node;
use super::super::budget::block;
use super::super::log::Log;
use super::super::stream::subscription::Mail;
use super::super::sync::Weak;
use super::super::waiting::Waiting;
use super::kept::Kept;
use crate::model::Member;

/// Bytes of members in one frame, by the hub's count.
const FRAME: usize = 64 << 10;

/// Bytes that a member counts beside its id and its profile.
const MEMBER: usize = 64;

/// The watchers of a channel's members, and what they read.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) changes: Kept,
    pub(super) waiting: Waiting<Mail>,
    /// How many there are.
    pub(super) watchers: usize,
    /// The members as they are, if somebody asked since the last change.
    pub(super) snapshot: Weak<Snapshot>,
}

/// The members of a channel as of one number: frames, the last one marked.
#[derive(Debug)]
pub(in crate::hub) struct Snapshot {
    pub(in crate::hub) number: u64,
    pub(in crate::hub) frames: Vec<Bytes>,
}

impl Watched {
    /// Nobody yet, and the empty log of what will change.
    pub(super) fn new(changes: Log) -> Box<Self> {
        Box::new(Self {
            changes: Kept::new(changes),
            waiting: Waiting::new(),
            watchers: 0,
            snapshot: Weak::new(),
        })
    }
}

impl Snapshot {
    /// Encodes the `members` of `channel` as of `number`. O(members).
    pub(in crate::hub) fn new(node: &Node, channel: &str, members: &[Member], number: u64) -> Self {
        let mut frames = Vec::new();
        let mut rest = members;
        loop {
            let (part, more) = rest.split_at(fitting(rest));
            let mut frame = Vec::new();
            let last = more.is_empty();
            node.frames.members(channel, part, number, last, &mut frame);
            frames.push(block(frame, node.budget.account()));
            if last {
                return Self { number, frames };
            }
            rest = more;
        }
    }
}

impl Snapshot {
    /// What it holds.
    pub(in crate::hub) fn bytes(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }
}

/// How many of the first members fit into a frame: one at least, if any.
fn fitting(members: &[Member]) -> usize {
    let mut size = 0;
    let fits = members.iter().take_while(|member| {
        size += MEMBER + member.id.as_str().len() + member.profile.len();
        size <= FRAME
    });
    fits.count().max(1).min(members.len())
}
