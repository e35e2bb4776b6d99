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
use super::frame::{self, Sent};
use super::service::Service;
use super::status::error_status;
use super::stream::Terms;
use super::wire::reply::Result as Reply;
use super::wire::session_request::Request;
use super::wire::{self, SessionRequest};
use crate::hub::{Moment, Run, Subscription};
use crate::model::{Error, Invalid};
use body::Body;
use messages::Messages;

pub(super) use body::HandIn;

/// Requests that are answered at a time.
const REQUESTS: usize = 256;

/// Bytes of replies after which they go out.
const REPLIES: usize = 16 << 10;

/// A session: requests on their way in.
pub(super) struct Session {
    body: Body,
    messages: Messages,
    clerk: Clerk,
}

/// Who answers requests.
struct Clerk {
    service: Service,
    run: Option<Run>,
    /// When the chunk came that is being answered.
    now: Moment,
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
            clerk: Clerk {
                now: service.hub.clock().moment(),
                service,
                run: None,
            },
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
        let mut left = REQUESTS;
        loop {
            // Once for a chunk: it came at one time.
            self.clerk.now = self.clerk.service.hub.clock().moment();
            while let Some(message) = self.messages.next()? {
                self.clerk.answer(message, stream, terms, into)?;
                left -= 1;
                if left == 0 || into.len() >= REPLIES {
                    // The rest when this has been taken.
                    return Poll::Pending;
                }
            }
            match ready!(self.body.as_mut().poll_chunk(cx)).transpose()? {
                Some(chunk) => self.messages.put(chunk)?,
                None => return Poll::Ready(Ok(self.messages.end()?)),
            }
        }
    }
}

impl Clerk {
    /// Answers one request.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if `message` is none.
    fn answer(
        &mut self,
        message: &[u8],
        stream: &mut Subscription,
        terms: &mut Terms,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match send::plain(message) {
            Some((id, asked)) if id != 0 => self.send(id, asked, stream, into),
            _ => self.answer_any(decode(message)?, stream, terms, into),
        }
        Ok(())
    }

    fn answer_any(
        &mut self,
        SessionRequest { id, request }: SessionRequest,
        stream: &mut Subscription,
        terms: &mut Terms,
        into: &mut Vec<u8>,
    ) {
        let result = match request {
            _ if id == 0 => {
                let flaw = "is 0, by which no reply can be told: number from 1";
                Err(Error::invalid(Invalid::Request, "id", flaw))
            }
            Some(Request::Send(send)) => return self.send(id, (&send).into(), stream, into),
            Some(Request::Broadcast(send)) => {
                return self.broadcast(id, (&send).into(), stream, into);
            }
            Some(Request::Subscribe(asked)) => self.subscribe(asked, stream, terms),
            Some(Request::Unsubscribe(asked)) => unsubscribe(&asked, stream),
            Some(Request::Update(asked)) => self.update(asked, stream),
            None => Err(Error::NotBuilt {
                what: "request: none that this node knows".to_owned(),
            }),
        };
        let result = result.unwrap_or_else(|error| Reply::Error(error_status(&error)));
        frame::reply(id, result, into);
    }

    fn send(&mut self, id: u64, asked: Asked<'_>, stream: &Subscription, into: &mut Vec<u8>) {
        let asked = by_member(asked, stream);
        let sent = self.service.send(&mut self.run, asked, self.now);
        self.sent(id, sent.map(Sent::ToChannel), into);
    }

    fn broadcast(&self, id: u64, asked: Asked<'_>, stream: &Subscription, into: &mut Vec<u8>) {
        let sent = self.service.broadcast(by_member(asked, stream));
        self.sent(id, sent.map(Sent::ToAll), into);
    }

    fn sent(&self, id: u64, sent: Result<Sent, Error>, into: &mut Vec<u8>) {
        match sent {
            Ok(sent) => frame::sent(id, &sent, self.service.hub.epoch(), into),
            Err(error) => frame::reply(id, Reply::Error(error_status(&error)), into),
        }
    }

    fn subscribe(
        &self,
        asked: wire::SubscribeRequest,
        stream: &mut Subscription,
        terms: &mut Terms,
    ) -> Result<Reply, Error> {
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

    fn update(
        &self,
        asked: wire::UpdateProfile,
        stream: &mut Subscription,
    ) -> Result<Reply, Error> {
        let change = convert::change(asked.data, asked.merge, &self.service.limits)?;
        let hub = &self.service.hub;
        hub.update(stream.member(), |profile| change.apply(profile))?;
        Ok(Reply::Done(wire::Done {}))
    }
}

fn unsubscribe(asked: &wire::Unsubscribe, stream: &mut Subscription) -> Result<Reply, Error> {
    stream.leave(&convert::unsubscribe(asked, stream)?);
    Ok(Reply::Done(wire::Done {}))
}

/// A sender that is not named is the session's own member, once it is one.
fn by_member<'a>(asked: Asked<'a>, stream: &'a Subscription) -> Asked<'a> {
    if !asked.sender_id.is_empty() || !stream.is_subscribed() {
        return asked;
    }
    let sender_id = stream.member().as_str();
    Asked { sender_id, ..asked }
}
