//! A send in a session, read where it stands.
//!
//! What fast publishers ask for is read without an allocation or a copy: plain
//! fields, in any order. Whatever else a request may be, prost reads: other
//! requests, headers, fields of later versions, and all that is wrong, so that
//! there is one place that says what is.

use std::collections::BTreeMap;

use crate::rpc::convert::Asked;

static NO_HEADERS: BTreeMap<String, String> = BTreeMap::new();

/// The keys of length-delimited fields, and of the one that is not.
mod key {
    /// `SessionRequest.id`, a varint.
    pub(super) const ID: u8 = 1 << 3;
    /// `SessionRequest.send`.
    pub(super) const SEND: u8 = 5 << 3 | 2;
    /// The fields of `SendRequest`.
    pub(super) const CHANNEL: u8 = 1 << 3 | 2;
    pub(super) const EVENT: u8 = 2 << 3 | 2;
    pub(super) const PAYLOAD: u8 = 3 << 3 | 2;
    pub(super) const REQUEST_ID: u8 = 4 << 3 | 2;
    pub(super) const SENDER_ID: u8 = 5 << 3 | 2;
    /// The last kind of a `Payload`; the first is `json`.
    pub(super) const JSON: u8 = 1 << 3 | 2;
    pub(super) const ANY: u8 = 4 << 3 | 2;
}

/// The id and the send of an encoded `SessionRequest`, if it is a plain one.
/// That the `likely` name of its channel is a text need not be found out again.
#[inline]
pub(super) fn plain<'a>(mut message: &'a [u8], likely: &'a str) -> Option<(u64, Asked<'a>)> {
    let (mut id, mut send) = (0, None);
    while let Some(key) = next(&mut message) {
        match key {
            key::ID => id = varint(&mut message)?,
            key::SEND if send.is_none() => send = Some(fields(block(&mut message)?, likely)?),
            _ => return None,
        }
    }
    Some((id, send?))
}

/// Texts that come twice are replaced, as protobuf has it; payloads are merged.
#[inline]
fn fields<'a>(mut message: &'a [u8], likely: &'a str) -> Option<Asked<'a>> {
    let mut asked = Asked {
        channel: "",
        event: "",
        payload: b"",
        request_id: "",
        sender_id: "",
        headers: &NO_HEADERS,
    };
    while let Some(key) = next(&mut message) {
        let field = block(&mut message)?;
        match key {
            key::CHANNEL if field == likely.as_bytes() => asked.channel = likely,
            key::CHANNEL => asked.channel = text(field)?,
            key::EVENT => asked.event = text(field)?,
            key::PAYLOAD if asked.payload.is_empty() => asked.payload = one_kind(field)?,
            key::REQUEST_ID => asked.request_id = text(field)?,
            key::SENDER_ID => asked.sender_id = text(field)?,
            _ => return None,
        }
    }
    Some(asked)
}

/// A payload that is one kind, and nothing padded: `Raw` would keep its bytes.
fn one_kind(payload: &[u8]) -> Option<&[u8]> {
    let mut rest = payload;
    let key = next(&mut rest)?;
    let is_kind = (key::JSON..=key::ANY).contains(&key) && key & 7 == 2;
    let content = block(&mut rest)?;
    let padded = payload.len() > 1 + length_of(content.len()) + content.len();
    (is_kind && rest.is_empty() && !padded).then_some(payload)
}

/// Bytes of a varint that is not padded.
fn length_of(value: usize) -> usize {
    prost::encoding::encoded_len_varint(value as u64)
}

fn next(message: &mut &[u8]) -> Option<u8> {
    let (key, rest) = message.split_first()?;
    *message = rest;
    Some(*key)
}

#[inline]
fn block<'a>(message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(message)?).ok()?;
    let (block, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(block)
}

/// A number of up to nine bytes; one of ten is not plain.
#[inline]
fn varint(message: &mut &[u8]) -> Option<u64> {
    // Nearly all are lengths, of one byte or two.
    match **message {
        [byte @ ..0x80, ..] => {
            *message = &message[1..];
            return Some(byte.into());
        }
        [low, high @ ..0x80, ..] => {
            *message = &message[2..];
            return Some(u64::from(low & 0x7f) | u64::from(high) << 7);
        }
        _ => {}
    }
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = next(message)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn text(field: &[u8]) -> Option<&str> {
    str::from_utf8(field).ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::rpc::raw::Raw;
    use crate::rpc::wire::session_request::Request;
    use crate::rpc::wire::{BroadcastRequest, SendRequest, SessionRequest};

    fn encoded(id: u64, send: SendRequest) -> Vec<u8> {
        let request = Some(Request::Send(send));
        SessionRequest { id, request }.encode_to_vec()
    }

    fn sample() -> SendRequest {
        SendRequest {
            channel: "news".into(),
            event: "e".into(),
            payload: Some(Raw::from(b"\x12\x02hi".to_vec())),
            request_id: "r-1".into(),
            sender_id: "ada".into(),
            ..SendRequest::default()
        }
    }

    /// What is read here is what prost reads.
    fn agrees(message: &[u8]) -> Result<(), TestCaseError> {
        let Some((id, asked)) = plain(message, "") else {
            return Ok(());
        };
        for likely in [asked.channel, "news"] {
            prop_assert_eq!(plain(message, likely), Some((id, asked)));
        }
        let decoded = SessionRequest::decode(message);
        let Ok(Some(Request::Send(send))) = decoded.as_ref().map(|it| it.request.as_ref()) else {
            return Err(TestCaseError::fail(format!("{asked:?}, but {decoded:?}")));
        };
        prop_assert_eq!((id, asked), (decoded.as_ref().unwrap().id, send.into()));
        Ok(())
    }

    /// A send of any texts, and of any one kind of payload.
    fn sends() -> impl Strategy<Value = Vec<u8>> {
        let payload = (1..=4_u32, vec(any::<u8>(), 0..200)).prop_map(|(kind, content)| {
            let mut payload = Vec::new();
            prost::encoding::bytes::encode(kind, &content, &mut payload);
            Some(Raw::from(payload))
        });
        let texts = (".{0,9}", ".{0,9}", ".{0,9}", ".{0,9}");
        (0..1_u64 << 63, texts, payload).prop_map(|(id, texts, payload)| {
            let (channel, event, request_id, sender_id) = texts;
            let send = SendRequest {
                channel,
                event,
                payload,
                request_id,
                sender_id,
                ..SendRequest::default()
            };
            encoded(id, send)
        })
    }

    /// What any parser must be asked about: a few keys, lengths and numbers,
    /// padded ones too.
    fn wild() -> impl Strategy<Value = Vec<u8>> {
        let bytes = [
            0, 1, 2, 3, 5, 8, 10, 18, 26, 34, 42, 50, 58, 127, 128, 138, 255,
        ];
        vec(proptest::sample::select(bytes.to_vec()), 0..24)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_plain_send_is_read_without_prost(message in sends()) {
            prop_assert!(plain(&message, "").is_some());
            agrees(&message)?;
        }

        #[test]
        fn a_damaged_send_is_read_as_prost_reads_it(
            mut message in sends(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let at = at.index(message.len().max(1));
            if let Some(damaged) = message.get_mut(at) {
                *damaged = byte;
            }
            agrees(&message)?;
            agrees(&message[..at])?;
        }

        #[test]
        fn any_bytes_are_read_as_prost_reads_them(inside in wild(), around in wild()) {
            agrees(&around)?;
            let length = u8::try_from(inside.len()).unwrap();
            agrees(&[&[42, length], &inside[..], &around].concat())?;
            agrees(&[&[8, 1, 42, length + 2, 26, length], &inside[..]].concat())?;
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_prost() {
        let headers = SendRequest {
            headers: BTreeMap::from([("a".into(), "b".into())]),
            ..sample()
        };
        let broadcast = SessionRequest {
            id: 1,
            request: Some(Request::Broadcast(BroadcastRequest::default())),
        };
        let once = encoded(1, sample());
        let later = [&once[..], b"\xfa\x01\x00"].concat();
        for message in [
            encoded(1, headers),
            broadcast.encode_to_vec(),
            [&once[..], &once].concat(),
            later,
            Vec::new(),
        ] {
            assert!(SessionRequest::decode(&*message).is_ok());
            assert_eq!(plain(&message, "news"), None, "{message:?}");
        }
    }

    #[test]
    fn a_payload_that_raw_would_write_anew_is_left_to_prost() {
        for payload in [
            &b"\x8a\x00\x01x"[..],
            b"\x0a\x81\x00x",
            b"\x0a\x01x\x0a\x01x",
            b"\x08\x01",
            b"",
        ] {
            let length = u8::try_from(payload.len()).unwrap();
            let send = [&[26, length], payload].concat();
            let message = [&[8, 1, 42, length + 2], &send[..]].concat();
            assert!(SessionRequest::decode(&*message).is_ok());
            assert_eq!(plain(&message, "news"), None, "{payload:?}");
        }
    }
}
