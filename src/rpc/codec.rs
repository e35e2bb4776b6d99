//! Messages in and out, where bytes that are no message are the sender's
//! mistake, told with the field.

use bytes::Buf;
use prost::{DecodeError, Message};
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

use super::status::status;
use crate::model::{Error, Invalid};

/// Room made for each response before it is known; most are small.
const RESPONSE: usize = 256;

/// Bytes at which a response is passed on; there is one message only.
const YIELD: usize = 32 << 10;

/// As tonic's own, but for what a broken request is answered.
#[derive(Clone, Debug)]
pub(crate) struct Codec<T, U>(std::marker::PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = RequestDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(RESPONSE, YIELD))
    }

    fn decoder(&mut self) -> Self::Decoder {
        RequestDecoder(std::marker::PhantomData)
    }
}

/// Decodes a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestDecoder<U>(std::marker::PhantomData<U>);

impl<U: Message + Default> Decoder for RequestDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        decode(buf).map(Some).map_err(|error| status(&error))
    }
}

/// A message from its bytes.
pub(super) fn decode<U: Message + Default>(buf: impl Buf) -> Result<U, Error> {
    U::decode(buf).map_err(|error| malformed(&error))
}

/// Says which field is wrong, in the words of the request.
fn malformed(error: &DecodeError) -> Error {
    // The text is "…: Inner.field: Request.field: what is wrong".
    let text = error.to_string();
    let mut parts: Vec<_> = text.split(": ").skip(1).collect();
    let fields = parts.iter().take_while(|part| is_field(part)).count();
    let (mut path, mut inner) = (Vec::new(), "");
    for (message, field) in parts
        .drain(..fields)
        .filter_map(|part| part.split_once('.'))
    {
        path.insert(0, alternative(field, inner));
        inner = message;
    }
    invalid(&path.join("."), parts.join(": "))
}

/// Says what is wrong with the field of a request whose path is `field`.
pub fn invalid(field: &str, flaw: String) -> Error {
    let mut names = field.rsplit('.').map(|step| step.split('[').next());
    let subject = names.find_map(|name| subject(name?));
    Error::invalid(subject.unwrap_or(Invalid::Request), field, flaw)
}

/// What is set of a oneof, which the error tells by the oneof's own name and
/// by the type of what is in it.
fn alternative<'a>(field: &'a str, inner: &str) -> &'a str {
    match (field, inner) {
        ("start", "Position") => "resume",
        ("start", "Timestamp") => "since",
        ("request", "SubscribeRequest") => "subscribe",
        ("request", "Unsubscribe") => "unsubscribe",
        ("request", "UpdateProfile") => "update",
        ("request", "SendRequest") => "send",
        ("request", "BroadcastRequest") => "broadcast",
        _ => field,
    }
}

fn is_field(part: &str) -> bool {
    part.split_once('.')
        .is_some_and(|(message, _)| !message.contains(' '))
}

fn subject(field: &str) -> Option<Invalid> {
    Some(match field {
        "channel" | "pattern" => Invalid::Channel,
        "event" => Invalid::Event,
        "payload" => Invalid::Payload,
        "headers" => Invalid::Headers,
        "data" => Invalid::Profile,
        "subscriptions" | "broadcasts" => Invalid::Subscription,
        "resume" | "after" | "before" | "last_event_id" => Invalid::Position,
        "page_token" | "pageToken" => Invalid::PageToken,
        "page_size" | "pageSize" => Invalid::PageSize,
        "request_id" | "requestId" => Invalid::RequestId,
        "heartbeat_interval" | "heartbeatInterval" => Invalid::Heartbeat,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::wire::{SendRequest, SubscribeRequest};

    fn refused<M: Message + Default + std::fmt::Debug>(bytes: &[u8]) -> Error {
        malformed(&M::decode(bytes).unwrap_err())
    }

    #[test]
    fn a_name_that_is_not_utf8_is_that_name_s_error() {
        let error = refused::<SendRequest>(b"\x0a\x02\xff\xfe");
        let Error::Invalid {
            subject,
            field,
            flaw,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((subject, field.as_str()), (Invalid::Channel, "channel"));
        assert!(flaw.to_string().contains("UTF-8"), "{flaw}");
    }

    #[test]
    fn the_path_leads_into_inner_messages() {
        let error = refused::<SubscribeRequest>(b"\x0a\x04\x0a\x02\xff\xfe");
        assert!(
            error.to_string().starts_with("subscriptions.channel: "),
            "{error}"
        );
    }

    #[test]
    fn a_start_is_told_by_what_was_asked_for() {
        for (bytes, path, expected) in [
            (
                &b"\x1a\x04\x0a\x02\xff\xfe"[..],
                "resume.epoch",
                Invalid::Position,
            ),
            (b"\x1a\x02\x0d\x00", "resume.epoch", Invalid::Position),
            (b"\x22\x02\x0a\x00", "since.seconds", Invalid::Request),
            (b"\x2a\x00", "start", Invalid::Request),
        ] {
            let Error::Invalid { subject, field, .. } = refused::<SubscribeRequest>(bytes) else {
                panic!("{path}")
            };
            assert_eq!((subject, field.as_str()), (expected, path));
        }
    }

    #[test]
    fn what_is_no_message_at_all_is_an_invalid_request() {
        let error = refused::<SendRequest>(b"\x07garbage");
        let Error::Invalid { subject, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(subject, Invalid::Request);
    }
}
