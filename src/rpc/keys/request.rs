//! The key of a request id, by which a repeat is known.

use bytes::Bytes;
use prost::Message;

use super::Keys;
use crate::model::{ChannelName, Event, RequestKey};
use crate::rpc::client::Payload;

impl Keys {
    /// The key of `event` in `channel`, none for a broadcast; none if the
    /// event has no request id.
    pub(in crate::rpc) fn request(
        &self,
        channel: Option<&ChannelName>,
        event: &Event,
    ) -> Option<RequestKey> {
        if event.request_id.is_empty() {
            return None;
        }
        let Event {
            name,
            payload,
            sender,
            headers,
            request_id,
        } = event;
        let payload = canonical(payload);
        Some(RequestKey {
            id: self.hash128("request", &(channel, request_id)),
            content: self.hash128("content", &(name, payload, sender, headers)),
        })
    }
}

/// The payload as it is compared with that of a repeat.
///
/// Stubs write the fields of a JSON object in any order, another at each try;
/// prost in the order of their names. What is in an `Any` is opaque.
fn canonical(payload: &Bytes) -> Bytes {
    let parsed = Payload::decode(payload.clone());
    parsed.map_or_else(
        |_| payload.clone(),
        |payload| payload.encode_to_vec().into(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{EventName, Text};

    fn event(payload: &[u8]) -> Event {
        Event {
            name: EventName::default(),
            payload: payload.to_vec().into(),
            sender: Text::default(),
            headers: BTreeMap::new(),
            request_id: Text::new("r-1".into()).unwrap(),
        }
    }

    #[test]
    fn an_object_s_fields_may_come_in_any_order() {
        let keys = Keys::new();
        let (a, b) = (
            b"\x0a\x07\x0a\x01a\x12\x02\x20\x01",
            b"\x0a\x07\x0a\x01b\x12\x02\x20\x00",
        );
        let object = |fields: [&[u8]; 2]| {
            let fields = fields.concat();
            let length = u8::try_from(fields.len()).unwrap();
            event(&[&[0x0a, length + 2, 0x2a, length], &fields[..]].concat())
        };
        let key = |event: &Event| keys.request(None, event).unwrap();
        assert_eq!(key(&object([a, b])), key(&object([b, a])));
        assert_ne!(key(&object([a, b])).content, key(&object([a, a])).content);
    }
}
