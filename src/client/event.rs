//! What comes of a channel: its events, and what is missing of them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use prost::Name;
use serde::de::DeserializeOwned;

use super::{Payload, PayloadError};
use crate::rpc::client as proto;

/// The headers of an event.
pub type Headers = BTreeMap<String, String>;

/// Something that was sent to a channel or to everyone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The channel that it was sent to; empty: a broadcast.
    pub channel: String,
    /// What happened, in the sender's words; may be empty.
    pub name: String,
    /// The content, if the sender gave any.
    pub payload: Option<Payload>,
    /// Its number on the node, in the epoch of the stream or page.
    pub sequence: u64,
    /// When the node numbered it, by the node's clock.
    pub publish_time: Option<SystemTime>,
    /// Which member sent it, as the sender said; empty: none.
    pub sender_id: String,
    /// The sender's headers.
    pub headers: Headers,
    /// The `request_id` of its sender; may be empty.
    pub id: String,
}

impl Event {
    /// Whether it was sent to everyone.
    pub fn is_broadcast(&self) -> bool {
        self.channel.is_empty()
    }

    /// What its JSON says: [`Payload::json`].
    ///
    /// # Errors
    ///
    /// It has none, or JSON of another form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.read("JSON", Payload::json)
    }

    /// Its text: [`Payload::text`].
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn text(&self) -> Result<&str, PayloadError> {
        self.read("text", Payload::text)
    }

    /// Its bytes: [`Payload::binary`].
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn binary(&self) -> Result<&Bytes, PayloadError> {
        self.read("binary", Payload::binary)
    }

    /// Its message: [`Payload::any`].
    ///
    /// # Errors
    ///
    /// It has none, or one of another type.
    pub fn any<M: Name + Default>(&self) -> Result<M, PayloadError> {
        self.read("a message", Payload::any)
    }

    fn read<'a, T>(
        &'a self,
        expected: &'static str,
        read: impl FnOnce(&'a Payload) -> Result<T, PayloadError>,
    ) -> Result<T, PayloadError> {
        let payload = self.payload.as_ref();
        payload.map_or_else(|| Err(Payload::none(expected)), read)
    }
}

impl From<proto::Event> for Event {
    fn from(event: proto::Event) -> Self {
        Self {
            channel: event.channel,
            name: event.name,
            payload: event.payload.map(Into::into),
            sequence: event.sequence,
            publish_time: event.publish_time.and_then(|time| time.try_into().ok()),
            sender_id: event.sender_id,
            headers: event.headers,
            id: event.id,
        }
    }
}

/// Something is missing, and the stream goes on.
///
/// Nothing in `channel` up to and including `through` will come any more; what
/// was lost lies after `after`. Load anew what it stood for, if that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The channel, or the pattern as subscribed where its channels cannot be
    /// named; empty: broadcasts.
    pub channel: String,
    /// Up to here nothing is missing.
    pub after: u64,
    /// From here on nothing is missing either.
    pub through: u64,
    /// How it came about.
    pub reason: GapReason,
    /// The epoch of both numbers.
    pub epoch: String,
}

/// How a gap came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapReason {
    /// This side read too slowly.
    Overflow,
    /// It starts before what is kept.
    Expired,
    /// The position is of another run of the node, or of another node.
    EpochChanged,
    /// One of a later version: a loss like the others.
    Unknown,
}

impl From<proto::Gap> for Gap {
    fn from(gap: proto::Gap) -> Self {
        use proto::GapReason as Told;
        let reason = match gap.reason() {
            Told::Overflow => GapReason::Overflow,
            Told::Expired => GapReason::Expired,
            Told::EpochChanged => GapReason::EpochChanged,
            Told::Unspecified => GapReason::Unknown,
        };
        Self {
            channel: gap.channel,
            after: gap.after,
            through: gap.through,
            reason,
            epoch: gap.epoch,
        }
    }
}
