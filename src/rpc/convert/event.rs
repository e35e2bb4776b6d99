//! What is sent.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

use super::channel;
use crate::model::{ChannelName, Error, Event, EventName, Flaw, Invalid, Text};
use crate::rpc::limits::Limits;
use crate::rpc::payload::check_payload;
use crate::rpc::raw::Raw;
use crate::rpc::wire;

/// Bytes of a `SendBatchRequest`.
const BATCH_BYTES: usize = 4 << 20;

/// Entries of a `SendBatchRequest`.
const BATCH: usize = 1_000;

/// Checks what holds for a `SendBatch` as a whole.
pub(in crate::rpc) fn check_batch(request: &wire::SendBatchRequest) -> Result<(), Error> {
    let wrong = |flaw: String| Error::invalid(Invalid::Request, "requests", flaw);
    let (count, size) = (request.requests.len(), request.encoded_len());
    if count > BATCH {
        let flaw = format!("has {count} entries, the limit is {BATCH}: send another batch");
        return Err(wrong(flaw));
    }
    if size > BATCH_BYTES {
        let flaw = format!("is {size} bytes, the limit is {BATCH_BYTES}: send another batch");
        return Err(wrong(flaw));
    }
    Ok(())
}

/// What `Send` sends, and where; perhaps to the channel that is `known`.
pub(in crate::rpc) fn send(
    request: wire::SendRequest,
    known: Option<&ChannelName>,
    limits: &Limits,
) -> Result<(ChannelName, Event), Error> {
    let channel = match known.filter(|known| known.as_str() == request.channel) {
        Some(known) => known.clone(),
        None => channel(&request.channel)?,
    };
    let event = event(
        request.event,
        request.payload,
        request.sender_id,
        request.headers,
        request.request_id,
        limits,
    )?;
    Ok((channel, event))
}

/// What `Broadcast` sends.
pub(in crate::rpc) fn broadcast(
    request: wire::BroadcastRequest,
    limits: &Limits,
) -> Result<Event, Error> {
    event(
        request.event,
        request.payload,
        request.sender_id,
        request.headers,
        request.request_id,
        limits,
    )
}

fn event(
    name: String,
    payload: Option<Raw>,
    sender: String,
    headers: BTreeMap<String, String>,
    request_id: String,
    limits: &Limits,
) -> Result<Event, Error> {
    let wrong = |subject, field| move |flaw: Flaw| Error::invalid(subject, field, flaw);
    Ok(Event {
        name: EventName::new(name).map_err(wrong(Invalid::Event, "event"))?,
        payload: self::payload(payload, limits)?,
        sender: Text::new(sender).map_err(wrong(Invalid::Request, "sender_id"))?,
        headers: self::headers(headers, limits)?,
        request_id: Text::new(request_id).map_err(wrong(Invalid::RequestId, "request_id"))?,
    })
}

fn payload(payload: Option<Raw>, limits: &Limits) -> Result<Bytes, Error> {
    let payload = Bytes::from(payload.unwrap_or_default());
    if payload.len() > limits.payload_bytes {
        return Err(Error::PayloadTooLarge {
            field: "payload".to_owned(),
            size: payload.len(),
            limit: limits.payload_bytes,
        });
    }
    check_payload(&payload)
        .map_err(|poison| Error::invalid(Invalid::Payload, "payload", poison.to_string()))?;
    Ok(payload)
}

fn headers(
    headers: BTreeMap<String, String>,
    limits: &Limits,
) -> Result<BTreeMap<String, String>, Error> {
    let wrong = |flaw: String| Error::invalid(Invalid::Headers, "headers", flaw);
    if headers.len() > limits.headers {
        return Err(wrong(format!(
            "has {} entries, the limit is {}",
            headers.len(),
            limits.headers
        )));
    }
    for (name, value) in &headers {
        let size = name.len() + value.len();
        if name.is_empty() {
            return Err(wrong("has an entry without a name".to_owned()));
        }
        if size > limits.header_bytes {
            let limit = limits.header_bytes;
            return Err(wrong(format!(
                "{name:?} is {size} bytes with its value, the limit is {limit}"
            )));
        }
    }
    Ok(headers)
}
