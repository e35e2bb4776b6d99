//! What is sent, and what the node answers.

use bytes::Bytes;
use prost::Name;
use prost_types::Any;
use serde::Serialize;
use uuid::Uuid;

use super::error::Reason;
use super::{Error, Headers, Position, exact};
use crate::rpc::client as proto;
use proto::payload::Kind;

/// An event to send: its name, its content, and what goes with it.
///
/// ```
/// use fanfare::client::Message;
///
/// # fn main() -> Result<(), fanfare::client::Error> {
/// #[derive(serde::Serialize)]
/// struct Order { id: u32 }
///
/// Message::json("created", Order { id: 17 })?;
/// Message::text("note", "by hand").header("lang", "en");
/// Message::binary("image", vec![0xff, 0xd8]);
/// Message::empty("ping");
///
/// let refused = Message::json("created", serde_json::json!({"id": u64::MAX}));
/// assert!(refused.unwrap_err().message().starts_with("payload.json.id: is 1844"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Message {
    event: String,
    payload: Option<proto::Payload>,
    request_id: String,
    sender_id: String,
    headers: Headers,
}

impl Message {
    /// An event without content.
    pub fn empty(event: impl Into<String>) -> Self {
        Self {
            event: event.into(),
            payload: None,
            request_id: String::new(),
            sender_id: String::new(),
            headers: Headers::new(),
        }
    }

    /// An event whose content is JSON.
    ///
    /// # Errors
    ///
    /// `content` makes no JSON, or has an integer beyond 2^53, which would
    /// arrive as another one; the error names its path.
    pub fn json(event: impl Into<String>, content: impl Serialize) -> Result<Self, Error> {
        let json = exact::json("payload.json", Reason::InvalidPayload, content)?;
        Ok(Self::with(event, proto::Payload::json(json)))
    }

    /// An event whose content is text.
    pub fn text(event: impl Into<String>, content: impl Into<String>) -> Self {
        Self::with(event, proto::Payload::text(content))
    }

    /// An event whose content is bytes.
    pub fn binary(event: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self::with(event, proto::Payload::binary(content))
    }

    /// An event whose content is a protobuf message, with its type's name.
    pub fn any<M: Name>(event: impl Into<String>, content: &M) -> Self {
        Self::with(event, proto::Payload::any(content))
    }

    /// An event whose content is a message that is packed already.
    pub fn packed(event: impl Into<String>, content: Any) -> Self {
        Self::with(event, Kind::Any(content).into())
    }

    fn with(event: impl Into<String>, payload: proto::Payload) -> Self {
        Self {
            payload: Some(payload),
            ..Self::empty(event)
        }
    }

    /// Adds a header for the subscribers.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Says which member speaks; its own stream does not get the event back.
    #[must_use]
    pub fn sender(mut self, member_id: impl Into<String>) -> Self {
        self.sender_id = member_id.into();
        self
    }

    /// Sets the id by which a repeat is known. Without one each send gets an id
    /// of its own, so set it where you may repeat a send yourself, as after a
    /// crash.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = id.into();
        self
    }

    /// The request that sends it to a channel.
    pub(super) fn into_request(self, channel: String) -> proto::SendRequest {
        proto::SendRequest {
            channel,
            event: self.event,
            payload: self.payload,
            request_id: identified(self.request_id),
            sender_id: self.sender_id,
            headers: self.headers,
        }
    }

    /// The request that sends it to everyone.
    pub(super) fn into_broadcast(self) -> proto::BroadcastRequest {
        proto::BroadcastRequest {
            event: self.event,
            payload: self.payload,
            request_id: identified(self.request_id),
            sender_id: self.sender_id,
            headers: self.headers,
        }
    }
}

/// The id given, or a new one: 122 random bits.
fn identified(id: String) -> String {
    if id.is_empty() {
        Uuid::new_v4().to_string()
    } else {
        id
    }
}

/// An event is numbered and in the log of its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its place: a stream that resumes from here gets what came after it.
    pub position: Position,
    /// How many listened at that moment, as a hint; nothing if `duplicate`.
    pub recipients: u32,
    /// An earlier request with this id had sent it, and this one sent nothing.
    pub duplicate: bool,
}

impl From<proto::SendResponse> for Receipt {
    fn from(answer: proto::SendResponse) -> Self {
        Self {
            position: answer.position.unwrap_or_default().into(),
            recipients: answer.recipients,
            duplicate: answer.duplicate,
        }
    }
}

impl From<proto::BroadcastResponse> for Receipt {
    fn from(answer: proto::BroadcastResponse) -> Self {
        Self {
            position: answer.position.unwrap_or_default().into(),
            recipients: answer.recipients,
            duplicate: answer.duplicate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_send_has_an_id_of_its_own_unless_it_was_given_one() {
        let message = Message::text("e", "t");
        let [one, two] = [0, 1].map(|_| message.clone().into_request("c".to_owned()).request_id);
        assert!(!one.is_empty() && one != two, "{one} {two}");
        let given = message.request_id("mine");
        assert_eq!(
            given.clone().into_request("c".to_owned()).request_id,
            "mine"
        );
        assert_eq!(given.into_broadcast().request_id, "mine");
    }
}
