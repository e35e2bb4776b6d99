//! The methods: convert, call the hub, convert back.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::keys::Keys;
use super::limits::Limits;
use super::raw::Raw;
use super::status::status;
use super::stream::{Stream, Times};
use super::wire::subscribe_response::Frame as Kind;
use super::wire::{self, realtime_service_server};
use super::{convert, frame};
use crate::hub::{Evict, Hub, Receipt, Subscribe, Subscription};
use crate::model::{self, Error};

/// Bytes of members on a page, by the hub's count of profiles and ids: it ends
/// at 1 MiB as encoded, where each of a thousand has tags, lengths and a time.
const PAGE_BYTES: usize = (1 << 20) - 1_000 * 32;

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

    fn get_members(
        &self,
        request: &wire::GetMembersRequest,
    ) -> Result<wire::GetMembersResponse, Error> {
        let channel = convert::channel(&request.channel)?;
        let size = convert::page_size(request.page_size)?;
        let after = self.keys.place(&channel, &request.page_token)?;
        let page = self.hub.members(&channel, after, size, PAGE_BYTES);
        let token = |place| self.keys.token(&channel, place);
        Ok(wire::GetMembersResponse {
            members: page.members.into_iter().map(member).collect(),
            next_page_token: page.next.map(token).unwrap_or_default(),
            total_size: i32::try_from(page.total).unwrap_or(i32::MAX),
        })
    }

    fn subscribe(&self, request: Request<wire::SubscribeRequest>) -> Result<Stream, Error> {
        let deadline = deadline(&request);
        let evict = evict(&request);
        let asked = convert::subscribe(request.into_inner(), &self.limits)?;
        let subscription = self.hub.subscribe(Subscribe {
            joins: asked.joins,
            broadcasts: asked.broadcasts,
            profile: asked.profile,
            evict,
        })?;
        let ready = self.ready(&subscription, asked.heartbeat);
        let times = Times {
            heartbeat: asked.heartbeat,
            deadline,
            age: self.age(),
        };
        Ok(Stream::new(subscription, ready.into(), times))
    }

    fn ready(&self, subscription: &Subscription, heartbeat: Duration) -> Vec<u8> {
        let ready = wire::Ready {
            member_id: subscription.member().as_str().to_owned(),
            member_token: String::new(),
            position: Some(frame::position(&self.hub.position(subscription.position()))),
            recovered: false,
            heartbeat_interval: heartbeat.try_into().ok(),
        };
        let mut bytes = Vec::new();
        frame::put(Kind::Ready(ready), &mut bytes);
        bytes
    }

    /// ±10 %, so that streams which began together do not end together.
    fn age(&self) -> Option<Instant> {
        let age = self.limits.stream_age;
        (!age.is_zero()).then(|| Instant::now() + age.mul_f64(0.9 + fastrand::f64() / 5.0))
    }
}

fn member(member: model::Member) -> wire::Member {
    wire::Member {
        id: member.id.as_str().to_owned(),
        data: (!member.profile.is_empty()).then(|| Raw::from(member.profile)),
        join_time: Some(member.join_time.into()),
        subject: String::new(),
    }
}

/// Cancels the stream's task, which the transport put into the request.
fn evict<T>(request: &Request<T>) -> Option<Evict> {
    let task = request
        .extensions()
        .get::<Arc<OnceLock<AbortHandle>>>()?
        .clone();
    Some(Arc::new(move || {
        task.get().into_iter().for_each(AbortHandle::abort);
    }))
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
        answer(self.get_members(request.get_ref()))
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
        _: Request<wire::UpdateMemberRequest>,
    ) -> Answer<wire::UpdateMemberResponse> {
        not_built("UpdateMember")
    }

    async fn get_history(
        &self,
        _: Request<wire::GetHistoryRequest>,
    ) -> Answer<wire::GetHistoryResponse> {
        not_built("GetHistory")
    }

    async fn list_channels(
        &self,
        _: Request<wire::ListChannelsRequest>,
    ) -> Answer<wire::ListChannelsResponse> {
        not_built("ListChannels")
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
