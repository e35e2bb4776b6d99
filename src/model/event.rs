//! What a sender says.

use std::collections::BTreeMap;

use super::Text;

/// An event as its sender gave it, checked; the hub gives it its number.
///
/// It borrows from the request, since it lives until its frame is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What happened; subscribers filter by it. May be empty.
    pub name: Text<'a>,
    /// The encoded payload, already walked; opaque here. Empty: none.
    pub payload: &'a [u8],
    /// Who says so; a stream with this member id skips it unless it echoes.
    pub sender: Text<'a>,
    /// Free names and values, at most a few.
    pub headers: &'a BTreeMap<String, String>,
    /// The sender's own id of the event, by which a repeat is known. May be
    /// empty: then it is not idempotent.
    pub request_id: Text<'a>,
}

/// A request id under which an event may be sent once.
///
/// Both are 128-bit keyed hashes, so that a table of them has a fixed size
/// whatever its users send, and nobody can aim at a collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// Of the channel (or broadcasts) and the request id.
    pub id: u128,
    /// Of everything else in the request.
    pub content: u128,
}
