//! A subscription as server-sent events.
//!
//! Each frame is an event that has the frame's name and its message in JSON.
//! `id` is a position to come back with, on every frame that brings one: a gap
//! and a list of members do not. Source: HTML, "Server-sent events".

use std::pin::Pin;
use std::sync::Arc;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame};
use prost_reflect::{Kind, MessageDescriptor};
use tonic::Status;

use super::Node;
use super::call::PREFIX;
use crate::json::{self, Encoded};
use crate::rpc;

/// Bytes that are passed on at a time, each a sign of life of a slow peer.
const SLICE: usize = 16 << 10;

static RESPONSE: LazyLock<MessageDescriptor> = LazyLock::new(|| json::method("Subscribe").output());

/// The body of an answer that is a stream of events.
///
/// Holds one frame, or one piece of what came at once; nothing is asked for
/// before that has been taken.
#[derive(Debug)]
pub(super) struct Events {
    frames: rpc::Answer,
    node: Arc<Node>,
    /// What came, not all of a frame.
    came: BytesMut,
    /// What is to be said.
    rest: Bytes,
}

impl Events {
    /// Those of the gRPC stream `frames`.
    pub(super) fn of(frames: rpc::Answer, node: &Arc<Node>) -> Self {
        Self {
            frames,
            node: Arc::clone(node),
            came: BytesMut::new(),
            rest: Bytes::new(),
        }
    }

    /// What comes next. What ends the stream has said so in a frame.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.frames).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.take(&data),
                    Err(_trailers) => return Poll::Ready(None),
                },
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
        let slice = self.rest.split_to(self.rest.len().min(SLICE));
        if !self.rest.is_empty() {
            self.frames.hand_over();
        }
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    /// Writes the frames that are whole with `data`.
    fn take(&mut self, data: &[u8]) {
        self.came.extend_from_slice(data);
        let mut several = BytesMut::new();
        while let Some(frame) = next(&mut self.came) {
            let said = say(&frame, &self.node);
            if !self.rest.is_empty() {
                several.extend_from_slice(&std::mem::take(&mut self.rest));
            }
            if several.is_empty() {
                self.rest = said;
            } else {
                several.extend_from_slice(&said);
            }
        }
        if !several.is_empty() {
            self.rest = several.freeze();
        }
    }
}

/// Takes the next whole frame.
fn next(came: &mut BytesMut) -> Option<Bytes> {
    let length = came.get(1..PREFIX)?.try_into().ok()?;
    let length = u32::from_be_bytes(length) as usize;
    if came.len() < PREFIX + length {
        return None;
    }
    came.advance(PREFIX);
    Some(came.split_to(length).freeze())
}

/// A frame as an event; one that is not known is not said.
fn say(frame: &[u8], node: &Node) -> Bytes {
    let Some((number, Encoded::Bytes(message))) = json::fields(frame).next() else {
        return Bytes::new();
    };
    let Some(field) = RESPONSE.get_field(number) else {
        return Bytes::new();
    };
    let Kind::Message(of) = field.kind() else {
        return Bytes::new();
    };
    let sequence = match field.name() {
        "event" | "presence" => of
            .get_field_by_name("sequence")
            .and_then(|field| json::number(message, field.number())),
        _ => None,
    };
    let Some(sequence) = sequence else {
        let id = position(&of, message);
        return write(field.name(), id.as_deref(), &of, message);
    };
    node.shared.frame(sequence, frame.len(), || {
        let id = format!("{}:{sequence}", node.epoch);
        write(field.name(), Some(&id), &of, message)
    })
}

fn write(name: &str, id: Option<&str>, of: &MessageDescriptor, message: &[u8]) -> Bytes {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    let retry = retry_after(of, message);
    let retry = retry.map_or_else(String::new, |delay| format!("retry: {delay}\n"));
    let mut text = format!("{id}{retry}event: {name}\ndata: ").into_bytes();
    text.append(&mut json::write(of, message));
    text.extend_from_slice(b"\n\n");
    text.into()
}

/// The position in a message that has one.
fn position(of: &MessageDescriptor, message: &[u8]) -> Option<String> {
    let field = of.get_field_by_name("position")?;
    let Encoded::Bytes(position) = find(message, field.number())? else {
        return None;
    };
    let Encoded::Bytes(epoch) = find(position, 1)? else {
        return None;
    };
    let sequence = json::number(position, 2).unwrap_or_default();
    Some(format!("{}:{sequence}", String::from_utf8_lossy(epoch)))
}

/// When to come back, in milliseconds, as a message says that has it.
fn retry_after(of: &MessageDescriptor, message: &[u8]) -> Option<u64> {
    let field = of.get_field_by_name("retry_after")?;
    let Encoded::Bytes(delay) = find(message, field.number())? else {
        return None;
    };
    let part = |number| json::number(delay, number).unwrap_or_default();
    Some(part(1) * 1_000 + part(2) / 1_000_000)
}

fn find(message: &[u8], field: u32) -> Option<Encoded<'_>> {
    let mut fields = json::fields(message);
    fields.find_map(|(number, value)| (number == field).then_some(value))
}
