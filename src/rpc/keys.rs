//! Hashes under the node's own secret: of request ids, and of page tokens.

use std::hash::{Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use prost::Message;
use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher128};

use super::client::Payload;
use crate::model::{ChannelName, Error, Event, Invalid, RequestKey};

/// The secret; it lives as long as the epoch.
///
/// SipHash-2-4 is a keyed function that cannot be aimed at without the key
/// (Aumasson and Bernstein, 2012).
#[derive(Clone)]
pub(super) struct Keys([u8; 16]);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(secret)")
    }
}

impl Keys {
    /// A new secret.
    pub(super) fn new() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    /// The key of `event` in `channel`, none for a broadcast; none if the
    /// event has no request id.
    pub(super) fn request(
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
            id: self.hash128(&(channel, request_id)),
            content: self.hash128(&(name, payload, sender, headers)),
        })
    }

    /// A page token: the place where the next page of `channel` goes on.
    pub(super) fn token(&self, channel: &ChannelName, place: u64) -> String {
        let mut token = place.to_le_bytes().to_vec();
        token.extend(self.seal(channel, place).to_le_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The place that a page token of `channel` holds, none for an empty one.
    pub(super) fn place(&self, channel: &ChannelName, token: &str) -> Result<Option<u64>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let read = || {
            let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
            let (place, seal) = bytes.split_first_chunk()?;
            let place = u64::from_le_bytes(*place);
            (self.seal(channel, place).to_le_bytes() == seal).then_some(place)
        };
        let place = read().ok_or_else(|| {
            let flaw = "is not a token of this channel and of this start of the node: begin again without one";
            Error::invalid(Invalid::PageToken, "page_token", flaw)
        })?;
        Ok(Some(place))
    }

    fn seal(&self, channel: &ChannelName, place: u64) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        (channel, place).hash(&mut hasher);
        hasher.finish()
    }

    fn hash128(&self, value: &impl Hash) -> u128 {
        let mut hasher = SipHasher128::new_with_key(&self.0);
        value.hash(&mut hasher);
        hasher.finish128().as_u128()
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
