//! The methods: convert, call the hub, convert back.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tonic::codegen::http;
use tonic::{Request, Response, Status};

use super::convert::{Asked, Here};
use super::frame::Published;
use super::keys::Keys;
use super::limits::Limits;
use super::status::{error_status, status};
use super::stream::Stream;
use super::wire::send_batch_result::Result as BatchResult;
use super::wire::{self, realtime_service_server};
use super::{convert, frame, queries};
use crate::hub::{Clock, Hub, Receipt, Run};
use crate::model::Error;

type Answer<T> = Result<Response<T>, Status>;

/// What the generated server calls.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) hub: Hub,
    pub(super) limits: Arc<Limits>,
    pub(super) keys: Keys,
}

/// A body on its way past tonic, which would encode it item by item.
#[derive(Clone, Debug)]
pub(super) struct Handover(Arc<Mutex<Option<Stream>>>);

impl Handover {
    fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    /// The body that came with `response`, if it is a stream's.
    pub(super) fn take_from<T>(response: &mut http::Response<T>) -> Option<Stream> {
        let Self(stream) = response.extensions_mut().remove()?;
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.take()
    }
}

/// What sends share that come at once.
#[derive(Debug)]
pub(super) struct Sends<'a> {
    /// Of those to the same channel, since before these.
    run: &'a mut Option<Run>,
    published: Published,
    now: Instant,
    /// In which each is encoded.
    buffer: Vec<u8>,
}

impl<'a> Sends<'a> {
    /// The largest buffer that is used again: a log may keep it for one event.
    const BUFFER: usize = 1 << 10;

    /// Sends that come now, behind those of `run`.
    pub(super) fn of(run: &'a mut Option<Run>, clock: Clock) -> Self {
        Self {
            run,
            published: Published::at(clock.now()),
            now: Instant::now(),
            buffer: Vec::new(),
        }
    }

    /// Those that come next come at another time.
    pub(super) fn look_at(&mut self, clock: Clock) {
        self.published = Published::at(clock.now());
        self.now = Instant::now();
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

    /// Sends one event, `among` others.
    pub(super) fn send(&self, among: &mut Sends<'_>, asked: &Asked<'_>) -> Result<Receipt, Error> {
        let run = match &mut *among.run {
            Some(run) if run.name().as_str() == asked.channel => run,
            run => run.insert(Run::to(convert::channel(asked.channel)?)),
        };
        let event = convert::event(asked, &self.limits)?;
        let key = self.keys.request(Some(run.name()), &event);
        let buffer = std::mem::take(&mut among.buffer);
        let mut frame = frame::event(run.name().as_str(), &event, &among.published, buffer);
        let sent = self.hub.send_in(run, &mut frame, key, among.now);
        if frame.bytes.capacity() <= Sends::BUFFER {
            among.buffer = frame.bytes;
        }
        sent
    }

    pub(super) fn broadcast(&self, asked: &Asked<'_>) -> Result<Receipt, Error> {
        let event = convert::event(asked, &self.limits)?;
        let key = self.keys.request(None, &event);
        let published = Published::at(self.hub.clock().now());
        let frame = frame::event("", &event, &published, Vec::new());
        self.hub.broadcast(frame, key)
    }

    fn batch(&self, request: &wire::SendBatchRequest) -> Result<wire::SendBatchResponse, Error> {
        convert::check_batch(request)?;
        let mut run = None;
        let mut sends = Sends::of(&mut run, self.hub.clock());
        let send = |request| match self.send(&mut sends, &Asked::from(request)) {
            Ok(receipt) => BatchResult::Response(self.sent(receipt)),
            Err(error) => BatchResult::Error(error_status(&error)),
        };
        let results = request.requests.iter().map(send);
        let results = results.map(|result| wire::SendBatchResult {
            result: Some(result),
        });
        Ok(wire::SendBatchResponse {
            results: results.collect(),
        })
    }

    fn sent(&self, receipt: Receipt) -> wire::SendResponse {
        wire::SendResponse {
            position: Some(frame::position(&self.hub.position(receipt.sequence))),
            recipients: receipt.recipients,
            duplicate: receipt.duplicate,
        }
    }

    pub(super) fn here(&self) -> Here<'_> {
        Here {
            hub: &self.hub,
            keys: &self.keys,
        }
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
}

fn answer<T>(result: Result<T, Error>) -> Answer<T> {
    result.map(Response::new).map_err(|error| status(&error))
}

/// Has a stream's body passed on as it is.
fn hand_over<T>(stream: Result<Stream, Error>) -> Answer<tokio_stream::Empty<T>> {
    let mut response = answer(stream.map(Handover::new))?;
    let handover = response.get_ref().clone();
    response.extensions_mut().insert(handover);
    Ok(response.map(|_| tokio_stream::empty()))
}

#[tonic::async_trait]
impl realtime_service_server::RealtimeService for Service {
    type SubscribeStream = tokio_stream::Empty<Result<wire::SubscribeResponse, Status>>;
    type SessionStream = tokio_stream::Empty<Result<wire::SessionResponse, Status>>;

    async fn send(&self, request: Request<wire::SendRequest>) -> Answer<wire::SendResponse> {
        let mut run = None;
        let mut alone = Sends::of(&mut run, self.hub.clock());
        let receipt = self.send(&mut alone, &request.get_ref().into());
        answer(receipt.map(|receipt| self.sent(receipt)))
    }

    async fn broadcast(
        &self,
        request: Request<wire::BroadcastRequest>,
    ) -> Answer<wire::BroadcastResponse> {
        let receipt = self.broadcast(&request.get_ref().into());
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
        hand_over(self.subscribe(request))
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
        request: Request<wire::SendBatchRequest>,
    ) -> Answer<wire::SendBatchResponse> {
        answer(self.batch(request.get_ref()))
    }

    async fn session(
        &self,
        request: Request<tonic::Streaming<wire::SessionRequest>>,
    ) -> Answer<Self::SessionStream> {
        hand_over(self.session(&request))
    }
}
