//! An event as the frame that its subscribers get, and back.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::SystemTime;

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use prost::encoding::{WireType, encode_key, encoded_len_varint, key_len};
use prost_types::Timestamp;

use super::{PREFIX, key, prefix, varint};
use crate::hub::{Frame, nanos};
use crate::model::Event;
use crate::rpc::wire::subscribe_response::Frame as Kind;
use crate::rpc::wire::{self, SubscribeResponse};

/// `SubscribeResponse.event`.
const EVENT: u8 = 2;

/// The fields of `Event`.
mod field {
    pub(super) const CHANNEL: u8 = 1;
    pub(super) const NAME: u8 = 2;
    pub(super) const PAYLOAD: u8 = 3;
    pub(super) const SEQUENCE: u32 = 4;
    pub(super) const PUBLISH_TIME: u32 = 5;
    pub(super) const SENDER_ID: u8 = 6;
    pub(super) const HEADERS: u8 = 7;
    pub(super) const ID: u8 = 8;
    pub(super) const KEY: u8 = 1;
    pub(super) const VALUE: u8 = 2;
}

/// When events are published: encoded once for all that come at once.
#[derive(Clone, Copy, Debug)]
pub(in crate::rpc) struct Published {
    nanos: u64,
    /// The number, which is not known yet, and the time.
    fields: [u8; Self::LONGEST],
    len: usize,
}

impl Published {
    /// A key and the number; a key and a length, and in it two keys and the
    /// longest numbers.
    const LONGEST: usize = 1 + 8 + 2 + 2 + 10 + 10;

    /// At this time.
    pub(in crate::rpc) fn at(time: SystemTime) -> Self {
        let mut fields = [0; Self::LONGEST];
        let mut rest = &mut fields[..];
        encode_key(field::SEQUENCE, WireType::SixtyFourBit, &mut rest);
        rest.put_u64_le(0);
        prost::encoding::message::encode(field::PUBLISH_TIME, &Timestamp::from(time), &mut rest);
        let len = Self::LONGEST - rest.len();
        Self {
            nanos: nanos(time),
            fields,
            len,
        }
    }

    fn fields(&self) -> &[u8] {
        &self.fields[..self.len]
    }
}

/// Encodes `event` for `channel`, empty for a broadcast, in a `buffer` that was
/// used before.
pub(in crate::rpc) fn event(
    channel: &str,
    event: &Event<'_>,
    published: &Published,
    buffer: Vec<u8>,
) -> Frame {
    let inner = event_len(channel, event, published);
    let body = len_of(inner);
    let mut bytes = buffer;
    bytes.clear();
    bytes.reserve_exact(PREFIX + body);
    prefix(body, &mut bytes);
    open(EVENT, inner, &mut bytes);
    text(field::CHANNEL, channel, &mut bytes);
    let name = text(field::NAME, event.name.as_str(), &mut bytes);
    if !event.payload.is_empty() {
        block(field::PAYLOAD, event.payload, &mut bytes);
    }
    let number_at = bytes.len() + key_len(field::SEQUENCE);
    bytes.extend_from_slice(published.fields());
    let sender = text(field::SENDER_ID, event.sender.as_str(), &mut bytes);
    if !event.headers.is_empty() {
        headers(event.headers, &mut bytes);
    }
    text(field::ID, event.request_id.as_str(), &mut bytes);
    debug_assert_eq!(bytes.len(), PREFIX + body, "counted as written");
    Frame {
        bytes,
        number_at,
        name,
        sender,
        published: published.nanos,
    }
}

fn headers(headers: &BTreeMap<String, String>, into: &mut Vec<u8>) {
    for (key, value) in headers {
        open(field::HEADERS, header_len(key, value), into);
        text(field::KEY, key, into);
        text(field::VALUE, value, into);
    }
}

/// The event of a whole frame, as a log holds it.
pub(in crate::rpc) fn decode(mut frame: Bytes) -> Option<wire::Event> {
    frame.advance(PREFIX.min(frame.len()));
    match SubscribeResponse::decode(frame).ok()?.frame? {
        Kind::Event(event) => Some(event),
        _ => None,
    }
}

fn event_len(channel: &str, event: &Event<'_>, published: &Published) -> usize {
    let payload = match event.payload.len() {
        0 => 0,
        len => len_of(len),
    };
    text_len(channel)
        + text_len(event.name.as_str())
        + payload
        + published.fields().len()
        + text_len(event.sender.as_str())
        + headers_len(event.headers)
        + text_len(event.request_id.as_str())
}

/// Nearly all events have none, which an empty map does not tell at once.
fn headers_len(headers: &BTreeMap<String, String>) -> usize {
    if headers.is_empty() {
        return 0;
    }
    let headers = headers
        .iter()
        .map(|(key, value)| len_of(header_len(key, value)));
    headers.sum()
}

fn header_len(key: &str, value: &str) -> usize {
    text_len(key) + text_len(value)
}

/// Bytes of a field that holds `len` bytes.
fn len_of(len: usize) -> usize {
    1 + encoded_len_varint(len as u64) + len
}

/// Bytes of a text field; an empty one is left out, as proto3 has it.
fn text_len(text: &str) -> usize {
    if text.is_empty() {
        0
    } else {
        len_of(text.len())
    }
}

#[inline]
fn open(field: u8, len: usize, into: &mut Vec<u8>) {
    // One write for both: nearly all are as short as this.
    if let Ok(short @ ..0x80) = u8::try_from(len) {
        into.put_slice(&[key(field), short]);
    } else {
        into.push(key(field));
        varint(len as u64, into);
    }
}

#[inline]
fn block(field: u8, bytes: &[u8], into: &mut Vec<u8>) -> Range<usize> {
    open(field, bytes.len(), into);
    let start = into.len();
    into.put_slice(bytes);
    start..into.len()
}

/// Appends a text field, and tells where its bytes are; an empty one is left out.
#[inline]
fn text(field: u8, text: &str, into: &mut Vec<u8>) -> Range<usize> {
    if text.is_empty() {
        return into.len()..into.len();
    }
    block(field, text.as_bytes(), into)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Text;
    use crate::rpc::raw::Raw;

    fn headers() -> BTreeMap<String, String> {
        BTreeMap::from([("a".into(), "1".into()), ("b".into(), String::new())])
    }

    fn sample(headers: &BTreeMap<String, String>) -> Event<'_> {
        Event {
            name: Text::new("chat-message").unwrap(),
            payload: b"\x12\x02hi",
            sender: Text::new("ada").unwrap(),
            headers,
            request_id: Text::new("r-1").unwrap(),
        }
    }

    #[test]
    fn an_event_decodes_as_the_message_it_is() {
        let at = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 7);
        let mut frame = event("news", &sample(&headers()), &Published::at(at), Vec::new());
        frame.bytes[frame.number_at..frame.number_at + 8].copy_from_slice(&42_u64.to_le_bytes());
        assert_eq!(&frame.bytes[frame.name.clone()], b"chat-message");
        assert_eq!(&frame.bytes[frame.sender.clone()], b"ada");
        assert_eq!(frame.published, 1_700_000_000_000_000_007);
        let length = u32::from_be_bytes(frame.bytes[1..5].try_into().unwrap()) as usize;
        assert_eq!((frame.bytes[0], length), (0, frame.bytes.len() - PREFIX));
        let expected = wire::Event {
            channel: "news".into(),
            name: "chat-message".into(),
            payload: Some(Raw::from(b"\x12\x02hi".to_vec())),
            sequence: 42,
            publish_time: Some(at.into()),
            sender_id: "ada".into(),
            headers: headers(),
            id: "r-1".into(),
        };
        let decoded = SubscribeResponse::decode(&frame.bytes[PREFIX..]).unwrap();
        assert_eq!(decoded.frame, Some(Kind::Event(expected.clone())));
        assert_eq!(decode(frame.bytes.into()), Some(expected));
    }

    #[test]
    fn an_event_of_any_size_is_written_as_prost_writes_it() {
        let (none, at) = (BTreeMap::new(), Published::at(SystemTime::UNIX_EPOCH));
        let around = |size: usize| size.saturating_sub(70)..size + 9;
        for size in [0, 1 << 7, 1 << 8, 1 << 14, 1 << 21]
            .into_iter()
            .flat_map(around)
        {
            let mut payload = Vec::new();
            prost::encoding::bytes::encode(2, &vec![7; size], &mut payload);
            let event = Event {
                payload: &payload,
                ..sample(&none)
            };
            let mut frame = self::event("news", &event, &at, Vec::new());
            frame.bytes[frame.number_at] = 42;
            let message = &frame.bytes[PREFIX..];
            let decoded = SubscribeResponse::decode(message).unwrap();
            assert!(decoded.encode_to_vec() == message, "{size} bytes");
        }
    }

    #[test]
    fn an_event_of_nothing_is_only_its_number_and_time() {
        let empty = Event {
            name: Text::default(),
            payload: b"",
            sender: Text::default(),
            headers: &BTreeMap::new(),
            request_id: Text::default(),
        };
        let frame = event(
            "",
            &empty,
            &Published::at(SystemTime::UNIX_EPOCH),
            b"used".to_vec(),
        );
        let decoded = SubscribeResponse::decode(&frame.bytes[PREFIX..]).unwrap();
        let Some(Kind::Event(event)) = decoded.frame else {
            panic!("not an event")
        };
        assert_eq!(event.publish_time, Some(Timestamp::default()));
        assert!(frame.name.is_empty() && frame.sender.is_empty());
    }

    #[test]
    fn what_is_no_event_s_frame_decodes_as_none() {
        let mut heartbeat = Vec::new();
        crate::rpc::frame::put(Kind::Heartbeat(wire::Heartbeat::default()), &mut heartbeat);
        for bytes in [&heartbeat[..], b"", b"\0\0", b"\0\0\0\0\x01\xff"] {
            assert_eq!(decode(bytes.to_vec().into()), None);
        }
    }
}
