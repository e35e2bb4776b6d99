//! A connection with subscriptions on it, one stream each.

use super::super::link::{self, Tally};
use super::super::marker::{Scanner, Stride};
use super::super::order::Order;
use super::super::plan::Audience;
use super::connection::{Connection, Heard, WINDOW, widen};
use super::frames::{self, Head, Requests};
use super::messages;

/// One stream of `Subscribe`.
#[derive(Debug)]
struct Stream {
    scanner: Scanner,
    order: Order,
    taken: u32,
    is_ready: bool,
}

/// All streams of one connection.
#[derive(Debug)]
pub(in super::super) struct Listener {
    connection: Connection,
    streams: Vec<Stream>,
    stride: Stride,
    ready: usize,
    opening: Vec<u8>,
}

impl Listener {
    /// The `index`th connection of the audience.
    pub(in super::super) fn new(authority: &str, audience: Audience, index: usize) -> Self {
        let mut opening = Vec::new();
        Connection::open(&mut opening);
        let mut requests = Requests::new(authority, "Subscribe");
        let filter = audience.filter();
        let mut streams = Vec::with_capacity(audience.streams);
        for (id, stream) in (1..).step_by(2).zip(audience.on_connection(index)) {
            let channels = || audience.channels_of(stream);
            requests.write(id, &mut opening);
            let request = messages::subscribe(channels(), filter.as_deref());
            write_data(id, &messages::framed(&request), &mut opening);
            streams.push(Stream {
                scanner: Scanner::default(),
                order: Order::new(channels(), audience.turns().period()),
                taken: 0,
                is_ready: false,
            });
        }
        Self {
            connection: Connection::new(),
            streams,
            stride: Stride::new(),
            ready: 0,
            opening,
        }
    }
}

/// Appends a request's whole body, in as many frames as it takes.
fn write_data(stream: u32, body: &[u8], out: &mut Vec<u8>) {
    let mut rest = body;
    while !rest.is_empty() {
        let (bytes, after) = rest.split_at(rest.len().min(frames::LARGEST));
        rest = after;
        let head = Head {
            kind: frames::DATA,
            flags: if rest.is_empty() {
                frames::END_STREAM
            } else {
                0
            },
            stream,
        };
        frames::write(head, bytes, out);
    }
}

impl link::Listener for Listener {
    fn opening(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.opening)
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>, tally: &mut Tally) -> Result<(), String> {
        let Self {
            connection,
            streams,
            stride,
            ready,
            ..
        } = self;
        connection.take(bytes, out, |id, heard, out| {
            let stream = usize::try_from(id / 2)
                .ok()
                .and_then(|at| streams.get_mut(at));
            let Some(stream) = stream else { return Ok(()) };
            let bytes = match heard {
                Heard::Data { bytes, .. } => bytes,
                Heard::End => return Err(ended(stream.is_ready)),
            };
            if !stream.is_ready {
                stream.is_ready = true;
                *ready += 1;
            }
            stream.take(bytes, stride, tally);
            if stream.taken > WINDOW / 2 {
                widen(id, std::mem::take(&mut stream.taken), out);
            }
            Ok(())
        })
    }

    fn is_ready(&self) -> bool {
        self.ready == self.streams.len()
    }
}

impl Stream {
    fn take(&mut self, bytes: &[u8], stride: &mut Stride, tally: &mut Tally) {
        self.taken += u32::try_from(bytes.len()).expect("a read is small");
        let order = &mut self.order;
        let (mark, counts) = tally.parts();
        self.scanner.feed((mark, stride), bytes, |stamp| {
            counts.deliver(stamp, order);
        });
    }
}

fn ended(was_ready: bool) -> String {
    let did = if was_ready { "ended" } else { "refused" };
    format!("the node {did} a subscription; `fanfare subscribe bench.0` says why")
}
