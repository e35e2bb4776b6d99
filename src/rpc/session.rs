//! The requests of a session, applied in order, each answered in its turn.
//!
//! Guarantee: a reply stands behind those of all earlier requests, and before
//! whatever its request brought onto the stream. What is not answered yet is
//! bounded: while the peer takes nothing, nothing is read.

mod body;
mod messages;
mod send;

use std::task::{Context, Poll, ready};

use tonic::{Extensions, Status};

use super::codec::decode;
use super::convert::{self, Asked};
use super::frame::{self, To};
use super::service::{Sends, Service};
use super::status::error_status;
use super::stream::Terms;
use super::wire::reply::Result as Reply;
use super::wire::session_request::Request;
use super::wire::{self, SessionRequest};
use crate::hub::{Receipt, Run, Subscription};
use crate::model::{ChannelName, Error, Invalid};
use body::Body;
use messages::Messages;

pub(super) use body::HandIn;

/// Requests that are answered at a time.
const REQUESTS: usize = 256;

/// Bytes of replies after which they go out.
const REPLIES: usize = 16 << 10;

/// A session: requests on their way in.
pub(super) struct Session {
    service: Service,
    body: Body,
    messages: Messages,
    run: Option<Run>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// A session of the requests in the body that was handed in.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if none was.
    pub(super) fn new(service: Service, extensions: &Extensions) -> Result<Self, Error> {
        let missing = || Error::invalid(Invalid::Request, "", "has no body");
        Ok(Self {
            body: HandIn::take(extensions).ok_or_else(missing)?,
            messages: Messages::new(service.limits.request_bytes()),
            run: None,
            service,
        })
    }

    /// Applies what has arrived to `stream`, as far as its answers fit into one
    /// chunk, and adds those to `into`. Ready when no more will come, with what
    /// was wrong with the last one.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        (stream, terms): (&mut Subscription, &mut Terms),
        into: &mut Vec<u8>,
    ) -> Poll<Result<(), Status>> {
        let clock = self.service.hub.clock();
        let likely = self.run.as_ref().map(|run| run.name().clone());
        let mut answers = Answers {
            service: &self.service,
            likely: likely.as_ref().map_or("", ChannelName::as_str),
            sends: Sends::of(&mut self.run, clock),
            stream,
            terms,
            into,
        };
        let mut left = REQUESTS;
        loop {
            while let Some(message) = self.messages.next()? {
                answers.answer(message)?;
                left -= 1;
                if left == 0 || answers.into.len() >= REPLIES {
                    // The rest when this has been taken: there is something in it.
                    return Poll::Pending;
                }
            }
            match ready!(self.body.as_mut().poll_chunk(cx)).transpose()? {
                Some(chunk) => self.messages.put(chunk)?,
                None => return Poll::Ready(Ok(self.messages.end()?)),
            }
            answers.sends.look_at(clock);
        }
    }
}

/// Answers to requests that come at once.
struct Answers<'a> {
    service: &'a Service,
    /// The channel that was last sent to before these.
    likely: &'a str,
    sends: Sends<'a>,
    stream: &'a mut Subscription,
    terms: &'a mut Terms,
    into: &'a mut Vec<u8>,
}

impl Answers<'_> {
    /// Answers one request.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if `message` is none.
    fn answer(&mut self, message: &[u8]) -> Result<(), Error> {
        match send::plain(message, self.likely) {
            Some((id, asked)) if id != 0 => self.send(id, asked),
            _ => self.answer_any(decode(message)?),
        }
        Ok(())
    }

    fn answer_any(&mut self, SessionRequest { id, request }: SessionRequest) {
        let result = match request {
            _ if id == 0 => {
                let flaw = "is 0, by which no reply can be told: number from 1";
                Err(Error::invalid(Invalid::Request, "id", flaw))
            }
            Some(Request::Send(asked)) => return self.send(id, (&asked).into()),
            Some(Request::Broadcast(asked)) => return self.broadcast(id, (&asked).into()),
            Some(Request::Subscribe(asked)) => self.subscribe(asked),
            Some(Request::Unsubscribe(asked)) => unsubscribe(&asked, self.stream),
            Some(Request::Update(asked)) => self.update(asked),
            None => Err(Error::NotBuilt {
                what: "request: none that this node knows".to_owned(),
            }),
        };
        let result = result.unwrap_or_else(|error| Reply::Error(error_status(&error)));
        frame::reply(id, result, self.into);
    }

    #[inline]
    fn send(&mut self, id: u64, asked: Asked<'_>) {
        let mut asked = asked;
        asked.sender_id = own(asked.sender_id, self.stream);
        let sent = self.service.send(&mut self.sends, &asked);
        self.sent(id, To::Channel, sent);
    }

    fn broadcast(&mut self, id: u64, asked: Asked<'_>) {
        let mut asked = asked;
        asked.sender_id = own(asked.sender_id, self.stream);
        let sent = self.service.broadcast(&asked);
        self.sent(id, To::All, sent);
    }

    #[inline]
    fn sent(&mut self, id: u64, to: To, sent: Result<Receipt, Error>) {
        match sent {
            Ok(receipt) => frame::sent(id, to, receipt, self.service.hub.epoch(), self.into),
            Err(error) => frame::reply(id, Reply::Error(error_status(&error)), self.into),
        }
    }

    fn subscribe(&mut self, asked: wire::SubscribeRequest) -> Result<Reply, Error> {
        let Self { stream, terms, .. } = self;
        if !stream.is_subscribed() {
            let ready = self.service.begin(stream, asked, terms)?;
            return Ok(Reply::Ready(ready));
        }
        let joins = convert::subscribe_more(asked, &self.service.limits, stream)?;
        let from = stream.join(joins)?;
        let position = frame::position(&self.service.hub.position(from));
        let ready = wire::Ready {
            recovered: false,
            ..self.service.ready(stream, position, terms)
        };
        Ok(Reply::Ready(ready))
    }

    fn update(&self, asked: wire::UpdateProfile) -> Result<Reply, Error> {
        let change = convert::change(asked.data, asked.merge, &self.service.limits)?;
        let hub = &self.service.hub;
        hub.update(self.stream.member(), |profile| change.apply(profile))?;
        Ok(Reply::Done(wire::Done {}))
    }
}

fn unsubscribe(asked: &wire::Unsubscribe, stream: &mut Subscription) -> Result<Reply, Error> {
    stream.leave(&convert::unsubscribe(asked, stream)?);
    Ok(Reply::Done(wire::Done {}))
}

/// A sender that is not named is the session's own member, once it is one.
fn own<'a>(sender: &'a str, stream: &'a Subscription) -> &'a str {
    if sender.is_empty() && stream.is_subscribed() {
        stream.member().as_str()
    } else {
        sender
    }
}
