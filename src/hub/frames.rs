//! Frames: opaque here, encoded by whoever knows the wire.

use std::ops::Range;

use crate::model::{Epoch, Member, Position};

/// An encoded event, as it goes on the wire but for its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The wire bytes, with eight bytes left for the number.
    pub bytes: Vec<u8>,
    /// Where in `bytes` the number goes, little-endian.
    pub number_at: usize,
    /// Where in `bytes` the event's name is.
    pub name: Range<usize>,
    /// Where in `bytes` the sender's id is; empty if it has none.
    pub sender: Range<usize>,
    /// When it was made, as it says itself: in nanoseconds since 1970.
    pub published: u64,
}

/// What the hub needs encoded: whole frames, as they go on the wire.
pub trait Frames: Send + Sync + 'static {
    /// Appends a gap frame.
    fn gap(&self, gap: &Gap<'_>, epoch: &Epoch, into: &mut Vec<u8>);

    /// Appends a heartbeat frame.
    fn heartbeat(&self, position: &Position, into: &mut Vec<u8>);

    /// Encodes a change among the members of `channel`, of which `member` is
    /// told as it is then; of one that left, the id alone.
    fn presence(&self, channel: &str, change: Change, member: &Member) -> Frame;

    /// Appends a frame with some of the members of `channel` as of the number
    /// `sequence`, the `last` ones or not.
    fn members(
        &self,
        channel: &str,
        members: &[Member],
        sequence: u64,
        last: bool,
        into: &mut Vec<u8>,
    );
}

/// What changed about a member of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It joined.
    Joined,
    /// It left.
    Left,
    /// Its profile changed.
    Updated,
}

/// What a subscriber missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap<'a> {
    /// Where: a channel, or a pattern for those of its channels that have left;
    /// empty: broadcasts.
    pub channel: &'a str,
    /// What was lost is numbered after this,
    pub after: u64,
    /// and up to this.
    pub through: u64,
    /// Why.
    pub reason: GapReason,
}

/// Why a subscriber missed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// It fell behind while it was connected.
    Overflow,
    /// It asked for more than is kept.
    Expired,
    /// It asked for what was in another life of the node.
    EpochChanged,
}
