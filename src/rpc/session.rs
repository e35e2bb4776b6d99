//! The requests of a session, applied in order, each answered in its turn.
//!
//! Guarantee: a reply stands behind those of all earlier requests, and before
//! whatever its request brought onto the stream. What is not answered yet is
//! bounded: while the peer takes nothing, nothing is read.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::Stream as _;
use tonic::{Status, Streaming};

use super::convert;
use super::frame::{self, Sent};
use super::service::Service;
use super::status::error_status;
use super::stream::Terms;
use super::wire::reply::Result as Reply;
use super::wire::session_request::Request;
use super::wire::{self, SessionRequest};
use crate::hub::{Run, Subscription};
use crate::model::{Error, Invalid};

/// Requests that are answered at a time.
const REQUESTS: usize = 256;

/// Bytes of replies after which they go out.
const REPLIES: usize = 16 << 10;

/// A session: requests on their way in.
pub(super) struct Session {
    service: Service,
    requests: Streaming<SessionRequest>,
    run: Run,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// A session of these `requests`.
    pub(super) fn new(service: Service, requests: Streaming<SessionRequest>) -> Self {
        Self {
            service,
            requests,
            run: Run::default(),
        }
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
        for _ in 0..REQUESTS {
            match std::task::ready!(Pin::new(&mut self.requests).poll_next(cx)) {
                Some(Ok(request)) => self.answer(request, stream, terms, into),
                Some(Err(status)) => return Poll::Ready(Err(status)),
                None => return Poll::Ready(Ok(())),
            }
            if into.len() >= REPLIES {
                break;
            }
        }
        // The rest when this has been taken: there is something in `into`.
        Poll::Pending
    }

    fn answer(
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
            Some(Request::Send(send)) => return self.send(id, send, stream, into),
            Some(Request::Broadcast(send)) => return self.broadcast(id, send, stream, into),
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

    fn send(
        &mut self,
        id: u64,
        mut request: wire::SendRequest,
        stream: &Subscription,
        into: &mut Vec<u8>,
    ) {
        own(&mut request.sender_id, stream);
        let sent = self.service.send(&mut self.run, request);
        self.sent(id, sent.map(Sent::ToChannel), into);
    }

    fn broadcast(
        &mut self,
        id: u64,
        mut request: wire::BroadcastRequest,
        stream: &Subscription,
        into: &mut Vec<u8>,
    ) {
        own(&mut request.sender_id, stream);
        let sent = self.service.broadcast(request);
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
fn own(sender: &mut String, stream: &Subscription) {
    if sender.is_empty() && stream.is_subscribed() {
        stream.member().as_str().clone_into(sender);
    }
}
