//! What is sent.

use std::collections::BTreeMap;

use prost::Message;

use crate::model::{Error, Event, Flaw, Invalid, Text};
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

/// What somebody asks to send, before it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rpc) struct Asked<'a> {
    /// Where to; of a broadcast, nothing.
    pub(in crate::rpc) channel: &'a str,
    pub(in crate::rpc) event: &'a str,
    /// The encoded payload; empty: none.
    pub(in crate::rpc) payload: &'a [u8],
    pub(in crate::rpc) request_id: &'a str,
    pub(in crate::rpc) sender_id: &'a str,
    pub(in crate::rpc) headers: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a wire::SendRequest> for Asked<'a> {
    fn from(request: &'a wire::SendRequest) -> Self {
        Self {
            channel: &request.channel,
            event: &request.event,
            payload: request.payload.as_ref().map_or(&[], Raw::bytes),
            request_id: &request.request_id,
            sender_id: &request.sender_id,
            headers: &request.headers,
        }
    }
}

impl<'a> From<&'a wire::BroadcastRequest> for Asked<'a> {
    fn from(request: &'a wire::BroadcastRequest) -> Self {
        Self {
            channel: "",
            event: &request.event,
            payload: request.payload.as_ref().map_or(&[], Raw::bytes),
            request_id: &request.request_id,
            sender_id: &request.sender_id,
            headers: &request.headers,
        }
    }
}

/// The event that is asked for, wherever it goes.
#[inline]
pub(in crate::rpc) fn event<'a>(asked: &Asked<'a>, limits: &Limits) -> Result<Event<'a>, Error> {
    let wrong = |subject, field| move |flaw: Flaw| Error::invalid(subject, field, flaw);
    let text = |text, subject, field| Text::new(text).map_err(wrong(subject, field));
    Ok(Event {
        name: text(asked.event, Invalid::Event, "event")?,
        payload: payload(asked.payload, limits)?,
        sender: text(asked.sender_id, Invalid::Request, "sender_id")?,
        headers: headers(asked.headers, limits)?,
        request_id: text(asked.request_id, Invalid::RequestId, "request_id")?,
    })
}

fn payload<'a>(payload: &'a [u8], limits: &Limits) -> Result<&'a [u8], Error> {
    if payload.len() > limits.payload_bytes {
        return Err(Error::PayloadTooLarge {
            field: "payload".to_owned(),
            size: payload.len(),
            limit: limits.payload_bytes,
        });
    }
    check_payload(payload)
        .map_err(|poison| Error::invalid(Invalid::Payload, "payload", poison.to_string()))?;
    Ok(payload)
}

fn headers<'a>(
    headers: &'a BTreeMap<String, String>,
    limits: &Limits,
) -> Result<&'a BTreeMap<String, String>, Error> {
    if headers.is_empty() {
        return Ok(headers);
    }
    let wrong = |flaw: String| Error::invalid(Invalid::Headers, "headers", flaw);
    if headers.len() > limits.headers {
        return Err(wrong(format!(
            "has {} entries, the limit is {}",
            headers.len(),
            limits.headers
        )));
    }
    for (name, value) in headers {
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
