//! The methods: convert, call the hub, convert back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::convert::{Begin, Here};
use super::ending::Ending;
use super::keys::Keys;
use super::limits::Limits;
use super::status::status;
use super::stream::{Stream, Terms};
use super::wire::subscribe_response::Frame as Kind;
use super::wire::{self, realtime_service_server};
use super::{convert, frame, queries};
use crate::hub::{Hub, Receipt, Subscribe, Subscription};
use crate::model::Error;

type Answer<T> = Result<Response<T>, Status>;

/// What the generated server calls.
#[derive(Clone, Debug)]
pub(super) struct Service {
    hub: Hub,
    limits: Arc<Limits>,
    keys: Keys,
}

/// A body on its way past tonic, which would encode it item by item.
#[derive(Clone, Debug)]
pub(super) struct Handover(Arc<Mutex<Option<Stream>>>);

impl Handover {
    fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    /// The body, for the first who asks.
    pub(super) fn take(&self) -> Option<Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Service {
    pub(super) fn new(hub: Hub, limits: Limits) -> Self {
        Self {
            hub,
            limits: Arc::new(limits),
            keys: Keys::new(),
        }
    }

    fn send(&self, request: wire::SendRequest) -> Result<Receipt, Error> {
        let (channel, event) = convert::send(request, &self.limits)?;
        let key = self.keys.request(Some(&channel), &event);
        let frame = frame::event(channel.as_str(), &event, self.hub.clock().now());
        self.hub.send(&channel, frame, key)
    }

    fn broadcast(&self, request: wire::BroadcastRequest) -> Result<Receipt, Error> {
        let event = convert::broadcast(request, &self.limits)?;
        let key = self.keys.request(None, &event);
        let frame = frame::event("", &event, self.hub.clock().now());
        self.hub.broadcast(frame, key)
    }

    fn here(&self) -> Here<'_> {
        Here {
            hub: &self.hub,
            keys: &self.keys,
        }
    }

    fn subscribe(&self, request: Request<wire::SubscribeRequest>) -> Result<Stream, Error> {
        let deadline = deadline(&request);
        let ending = Ending::of(request.extensions());
        let asked = convert::subscribe(request.into_inner(), &self.limits, self.here())?;
        let Begin { start, position } = asked.begin;
        let subscription = self.hub.subscribe(Subscribe {
            joins: asked.joins,
            broadcasts: asked.broadcasts,
            start,
            profile: asked.profile,
            member: asked.member,
            broke: Some(ending.broke()),
            evict: ending.evict(),
        })?;
        let ready = self.ready(&subscription, position, asked.heartbeat);
        let terms = Terms {
            heartbeat: asked.heartbeat,
            deadline,
            age: self.age(),
        };
        Ok(Stream::new(subscription, ending, ready.into(), terms))
    }

    /// The first frame; `resumed` is the position asked for, which stays what
    /// the client has until something comes.
    fn ready(
        &self,
        subscription: &Subscription,
        resumed: Option<wire::Position>,
        heartbeat: Duration,
    ) -> Vec<u8> {
        let member = subscription.member();
        let position =
            resumed.unwrap_or_else(|| frame::position(&self.hub.position(subscription.position())));
        let ready = wire::Ready {
            member_id: member.as_str().to_owned(),
            member_token: self.keys.member_token(self.hub.epoch(), member),
            position: Some(position),
            recovered: subscription.recovered(),
            heartbeat_interval: heartbeat.try_into().ok(),
        };
        let mut bytes = Vec::new();
        frame::put(Kind::Ready(ready), &mut bytes);
        bytes
    }

    fn update_member(
        &self,
        request: wire::UpdateMemberRequest,
    ) -> Result<wire::UpdateMemberResponse, Error> {
        let (id, change) = convert::update(request, &self.limits, self.here())?;
        let profile = self.hub.update(&id, |profile| change.apply(profile))?;
        let member = wire::Member {
            id: id.as_str().to_owned(),
            data: frame::profile(&profile),
            ..wire::Member::default()
        };
        Ok(wire::UpdateMemberResponse {
            member: Some(member),
        })
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

fn answer<T>(result: Result<T, Error>) -> Answer<T> {
    result.map(Response::new).map_err(|error| status(&error))
}

fn not_built<T>(call: &str) -> Answer<T> {
    answer(Err(Error::NotBuilt {
        what: call.to_owned(),
    }))
}

#[tonic::async_trait]
impl realtime_service_server::RealtimeService for Service {
    type SubscribeStream = tokio_stream::Empty<Result<wire::SubscribeResponse, Status>>;
    type SessionStream = tokio_stream::Empty<Result<wire::SessionResponse, Status>>;

    async fn send(&self, request: Request<wire::SendRequest>) -> Answer<wire::SendResponse> {
        let receipt = self.send(request.into_inner());
        answer(receipt.map(|receipt| wire::SendResponse {
            position: Some(frame::position(&self.hub.position(receipt.sequence))),
            recipients: receipt.recipients,
            duplicate: receipt.duplicate,
        }))
    }

    async fn broadcast(
        &self,
        request: Request<wire::BroadcastRequest>,
    ) -> Answer<wire::BroadcastResponse> {
        let receipt = self.broadcast(request.into_inner());
        answer(receipt.map(|receipt| wire::BroadcastResponse {
            position: Some(frame::position(&self.hub.position(receipt.sequence))),
            recipients: receipt.recipients,
            duplicate: receipt.duplicate,
        }))
    }

    async fn get_members(
        &self,
        request: Request<wire::GetMembersRequest>,
    ) -> Answer<wire::GetMembersResponse> {
        answer(queries::members(self.here(), request.get_ref()))
    }

    async fn subscribe(
        &self,
        request: Request<wire::SubscribeRequest>,
    ) -> Answer<Self::SubscribeStream> {
        let mut response = answer(self.subscribe(request).map(Handover::new))?;
        let handover = response.get_ref().clone();
        response.extensions_mut().insert(handover);
        Ok(response.map(|_| tokio_stream::empty()))
    }

    async fn update_member(
        &self,
        request: Request<wire::UpdateMemberRequest>,
    ) -> Answer<wire::UpdateMemberResponse> {
        answer(self.update_member(request.into_inner()))
    }

    async fn get_history(
        &self,
        request: Request<wire::GetHistoryRequest>,
    ) -> Answer<wire::GetHistoryResponse> {
        answer(queries::history(self.here(), request.get_ref()))
    }

    async fn list_channels(
        &self,
        request: Request<wire::ListChannelsRequest>,
    ) -> Answer<wire::ListChannelsResponse> {
        answer(queries::channels(self.here(), request.get_ref()))
    }

    async fn send_batch(
        &self,
        _: Request<wire::SendBatchRequest>,
    ) -> Answer<wire::SendBatchResponse> {
        not_built("SendBatch")
    }

    async fn session(
        &self,
        _: Request<tonic::Streaming<wire::SessionRequest>>,
    ) -> Answer<Self::SessionStream> {
        not_built("Session")
    }
}
