//! A connection with subscriptions on it, one stream each.

use super::super::link::{self, Tally};
use super::super::marker::{Scanner, Stride};
use super::super::order::Order;
use super::super::plan::Audience;
use super::asking::Asking;
use super::connection::{Connection, Heard, WINDOW, widen};
use super::frames::Requests;
use super::messages::{self, Answers, Position};

/// One stream of `Subscribe`.
#[derive(Debug)]
struct Stream {
    scanner: Scanner,
    order: Order,
    taken: u32,
    place: Place,
}

/// Where a stream is.
#[derive(Debug)]
enum Place {
    /// Before its first message is all there.
    Ahead { resumes: bool, begun: Answers },
    /// Behind it: that says where the stream began.
    Begun(Position),
}

/// All streams of one connection.
#[derive(Debug)]
pub(in super::super) struct Listener {
    connection: Connection,
    asking: Asking,
    streams: Vec<Stream>,
    stride: Stride,
    ready: usize,
}

impl Listener {
    /// The `index`th connection of the audience; its streams begin where those
    /// of `resume` did, or now if that is empty.
    pub(in super::super) fn new(
        authority: &str,
        audience: Audience,
        index: usize,
        resume: &[Position],
    ) -> Self {
        let mut asking = Asking::new(Requests::new(authority, "Subscribe"));
        let choice = audience.filter().map(|name| messages::named(&name));
        let choice = choice.unwrap_or_default();
        let mut streams = Vec::with_capacity(audience.streams);
        for (at, stream) in audience.on_connection(index).enumerate() {
            let resume = resume.get(at);
            let channels = || audience.channels_of(stream);
            let mut request = messages::subscribe(channels(), &choice, resume);
            if audience.is_quiet {
                request.extend_from_slice(messages::QUIET);
            }
            asking.push(messages::framed(&request));
            streams.push(Stream {
                scanner: Scanner::default(),
                order: Order::new(channels(), audience.turns().period()),
                taken: 0,
                place: Place::Ahead {
                    resumes: resume.is_some(),
                    begun: Answers::default(),
                },
            });
        }
        Self {
            connection: Connection::new(),
            asking,
            streams,
            stride: Stride::new(),
            ready: 0,
        }
    }

    /// Where its streams began, as far as they have.
    pub(in super::super) fn positions(self) -> Vec<Position> {
        let begun = |stream: Stream| match stream.place {
            Place::Begun(position) => Some(position),
            Place::Ahead { .. } => None,
        };
        self.streams.into_iter().filter_map(begun).collect()
    }
}

impl link::Listener for Listener {
    fn opening(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        Connection::open(&mut out);
        self.asking.send(&mut self.connection.window, &mut out);
        out
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>, tally: &mut Tally) -> Result<(), String> {
        let Self {
            connection,
            asking,
            streams,
            stride,
            ready,
        } = self;
        connection.take(bytes, out, |id, heard, out| {
            let stream = usize::try_from(id / 2)
                .ok()
                .and_then(|at| streams.get_mut(at));
            let Some(stream) = stream else { return Ok(()) };
            let bytes = match heard {
                Heard::Data { bytes, .. } => bytes,
                Heard::End => return Err(ended(&stream.place)),
            };
            if stream.begins(bytes)? {
                *ready += 1;
            }
            stream.take(bytes, stride, tally);
            if stream.taken > WINDOW / 2 {
                widen(id, std::mem::take(&mut stream.taken), out);
            }
            Ok(())
        })?;
        asking.send(&mut connection.window, out);
        Ok(())
    }

    fn is_ready(&self) -> bool {
        self.ready == self.streams.len()
    }
}

impl Stream {
    /// Whether the stream's first message ends in `bytes`.
    ///
    /// # Errors
    ///
    /// The node no longer keeps all that was to be resumed, in words to show.
    fn begins(&mut self, bytes: &[u8]) -> Result<bool, String> {
        let Place::Ahead { resumes, begun } = &mut self.place else {
            return Ok(false);
        };
        let mut first = None;
        begun.feed(bytes, |message| {
            first = first.take().or_else(|| messages::ready(message));
            Ok(())
        })?;
        let Some((position, recovered)) = first else {
            return Ok(false);
        };
        if *resumes && !recovered {
            return Err("a gap: the node has let go of what a stream missed; \
                        give fewer --events, or a node with larger logs"
                .to_owned());
        }
        self.place = Place::Begun(position);
        Ok(true)
    }

    fn take(&mut self, bytes: &[u8], stride: &mut Stride, tally: &mut Tally) {
        self.taken += u32::try_from(bytes.len()).expect("a read is small");
        let order = &mut self.order;
        let (mark, counts) = tally.parts();
        self.scanner.feed((mark, stride), bytes, |stamp| {
            counts.deliver(stamp, order);
        });
    }
}

fn ended(place: &Place) -> String {
    let did = match place {
        Place::Begun(_) => "ended",
        Place::Ahead { .. } => "refused",
    };
    format!("the node {did} a subscription; `fanfare subscribe bench.0` says why")
}
