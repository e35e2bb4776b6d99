//! The key of a request id, by which a repeat is known.

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
        event: &Event<'_>,
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
fn canonical(payload: &[u8]) -> Vec<u8> {
    let parsed = Payload::decode(payload);
    parsed.map_or_else(|_| payload.to_vec(), |payload| payload.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Text;

    static NO_HEADERS: BTreeMap<String, String> = BTreeMap::new();

    fn event(payload: &[u8]) -> Event<'_> {
        Event {
            name: Text::default(),
            payload,
            sender: Text::default(),
            headers: &NO_HEADERS,
            request_id: Text::new("r-1").unwrap(),
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
            [&[0x0a, length + 2, 0x2a, length], &fields[..]].concat()
        };
        let key = |payload: &[u8]| keys.request(None, &event(payload)).unwrap();
        assert_eq!(key(&object([a, b])), key(&object([b, a])));
        assert_ne!(key(&object([a, b])).content, key(&object([a, a])).content);
    }
}
