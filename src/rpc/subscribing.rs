//! How a stream begins: a `Subscribe`, a `Session`, and the first subscribe in
//! one.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Request;

use super::convert::{self, Begin};
use super::ending::Ending;
use super::service::Service;
use super::session::Session;
use super::stream::{Stream, Terms};
use super::wire::subscribe_response::Frame as Kind;
use super::{frame, wire};
use crate::hub::{Subscribe, Subscription};
use crate::model::Error;

impl Service {
    /// The body of a `Subscribe`.
    pub(super) fn subscribe(
        &self,
        request: Request<wire::SubscribeRequest>,
    ) -> Result<Stream, Error> {
        let mut terms = self.terms(&request);
        let ending = Ending::of(request.extensions());
        let mut subscription = self.open(&ending)?;
        let ready = self.begin(&mut subscription, request.into_inner(), &mut terms)?;
        let mut frame = Vec::new();
        frame::put(Kind::Ready(ready), &mut frame);
        Ok(Stream::new(subscription, ending, terms).saying(frame.into()))
    }

    /// The body of a `Session`, whose requests do not come through tonic.
    pub(super) fn session(
        &self,
        request: &Request<tonic::Streaming<wire::SessionRequest>>,
    ) -> Result<Stream, Error> {
        let terms = self.terms(request);
        let ending = Ending::of(request.extensions());
        let subscription = self.open(&ending)?;
        let session = Session::new(self.clone(), request.extensions())?;
        Ok(Stream::new(subscription, ending, terms).answering(session))
    }

    fn open(&self, ending: &Ending) -> Result<Subscription, Error> {
        self.hub.open(Some(ending.carrier()))
    }

    /// Subscribes for the first time in the life of a stream.
    pub(super) fn begin(
        &self,
        stream: &mut Subscription,
        request: wire::SubscribeRequest,
        terms: &mut Terms,
    ) -> Result<wire::Ready, Error> {
        let asked = convert::subscribe(request, &self.limits, self.here())?;
        let Begin { start, position } = asked.begin;
        stream.subscribe(Subscribe {
            joins: asked.joins,
            broadcasts: asked.broadcasts,
            start,
            profile: asked.profile,
            member: asked.member,
        })?;
        terms.heartbeat = asked.heartbeat;
        let begun = || frame::position(&self.hub.position(stream.position()));
        // The position asked for stays what the client has until something comes.
        Ok(self.ready(stream, position.unwrap_or_else(begun), terms))
    }

    /// The answer to a subscribe after which its channels run from `position`.
    pub(super) fn ready(
        &self,
        stream: &Subscription,
        position: wire::Position,
        terms: &Terms,
    ) -> wire::Ready {
        wire::Ready {
            member_id: stream.member().as_str().to_owned(),
            member_token: self.keys.member_token(self.hub.epoch(), stream.member()),
            position: Some(position),
            recovered: stream.recovered(),
            heartbeat_interval: terms.heartbeat.try_into().ok(),
        }
    }

    fn terms<T>(&self, request: &Request<T>) -> Terms {
        Terms {
            heartbeat: self.limits.heartbeat,
            deadline: deadline(request),
            age: self.age(),
        }
    }

    /// ±10 %, so that streams which began together do not end together.
    fn age(&self) -> Option<Instant> {
        let age = self.limits.stream_age;
        (!age.is_zero()).then(|| Instant::now() + age.mul_f64(0.9 + fastrand::f64() / 5.0))
    }
}

/// When the client gives up, as it said in `grpc-timeout`.
///
/// Source: "PROTOCOL-HTTP2.md" of gRPC, "Timeout".
fn deadline<T>(request: &Request<T>) -> Option<Instant> {
    let text = request.metadata().get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    };
    Instant::now().checked_add(timeout)
}
