//! What a client asks for on its session, good and bad.

use fanfare::rpc::client::{
    BroadcastRequest, SubscribeRequest, UpdateProfile, reply, session_request::Request,
    subscribe_request::Start,
};
use fastrand::Rng;

use super::frames::subscription;
use crate::hub::lives::record::{CHANNELS, Entry, Wish};
use crate::session::unsubscribe;
use crate::support::text;

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) enum Asked {
    /// The first one, which lists everything.
    First,
    Join(Wish),
    Leave(Wish),
    Update,
    Send(Send),
    /// It is refused, and nothing changes.
    Bad,
}

/// An event on its way, until it is acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Send {
    pub(super) channel: &'static str,
    pub(super) noise: bool,
    pub(super) text: String,
    pub(super) request_id: String,
}

impl Send {
    pub(super) fn random(rng: &mut Rng, request_id: String) -> Self {
        let size = if rng.u8(..4) == 0 { 6_000 } else { 200 };
        Self {
            channel: rng.choice(CHANNELS).unwrap(),
            noise: rng.bool(),
            text: format!("{request_id} {}", "x".repeat(rng.usize(..size))),
            request_id,
        }
    }

    pub(super) fn request(&self) -> Request {
        let event = if self.noise { "noise" } else { "signal" };
        let mut request = text(self.channel, event, &self.text);
        request.request_id.clone_from(&self.request_id);
        if !self.channel.is_empty() {
            return Request::Send(request);
        }
        Request::Broadcast(BroadcastRequest {
            event: request.event,
            payload: request.payload,
            request_id: request.request_id,
            ..BroadcastRequest::default()
        })
    }
}

pub(super) fn join(entries: &[Entry]) -> SubscribeRequest {
    SubscribeRequest {
        subscriptions: entries.iter().map(subscription).collect(),
        ..SubscribeRequest::default()
    }
}

pub(super) fn leave(entries: &[Entry]) -> Request {
    let texts: Vec<_> = entries.iter().map(|entry| entry.text).collect();
    unsubscribe(&texts)
}

pub(super) fn update(rng: &mut Rng) -> Request {
    let profile = prost_types::value::Kind::StringValue("p".repeat(rng.usize(..2_000)));
    let profile = prost_types::Value {
        kind: Some(profile),
    };
    Request::Update(UpdateProfile {
        data: Some(prost_types::Struct {
            fields: [("profile".to_owned(), profile)].into(),
        }),
        merge: rng.bool(),
    })
}

/// A request that is wrong for who listens to `wish`, whatever its id.
pub(super) fn bad(rng: &mut Rng, wish: &Wish, fresh: &Wish) -> Option<Request> {
    let known: Vec<_> = wish.0.iter().filter(|e| !e.text.is_empty()).collect();
    let known = rng.choice(known);
    Some(match rng.u8(..7) {
        0 => Request::Send(text("a.*", "signal", "to a pattern")),
        1 => Request::Send(text("a..b", "signal", "to no channel")),
        2 => Request::Subscribe(SubscribeRequest {
            start: Some(Start::Last(3)),
            ..join(&fresh.0)
        }),
        3 => {
            let mut request = join(&fresh.0);
            request.subscriptions.push(wrong());
            Request::Subscribe(request)
        }
        4 => {
            let mut request = join(&fresh.0);
            request.subscriptions.push(subscription(known?));
            Request::Subscribe(request)
        }
        5 => {
            let listed = known.map(|entry| entry.text);
            let texts: Vec<_> = listed.into_iter().chain(["not.subscribed"]).collect();
            unsubscribe(&texts)
        }
        _ => return None,
    })
}

fn wrong() -> fanfare::rpc::client::Subscription {
    fanfare::rpc::client::Subscription {
        channel: "a.>.b".into(),
        ..fanfare::rpc::client::Subscription::default()
    }
}

/// Whether it is answered like that.
pub(super) fn fits(asked: &Asked, result: &reply::Result) -> bool {
    match (asked, result) {
        (Asked::First | Asked::Join(_), reply::Result::Ready(_))
        | (Asked::Leave(_) | Asked::Update, reply::Result::Done(_))
        | (Asked::Bad, reply::Result::Error(_)) => true,
        (Asked::Send(send), reply::Result::Send(_)) => !send.channel.is_empty(),
        (Asked::Send(send), reply::Result::Broadcast(_)) => send.channel.is_empty(),
        _ => false,
    }
}
