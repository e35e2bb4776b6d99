//! Calls: each repeated while that may help, within one deadline.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use prost::Message as _;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Streaming};

use super::back_off::BackOff;
use super::builder::{Attempts, Settings};
use super::codec::Encoded;
use super::error::Reason;
use super::{Builder, Error, Following, Member, Message, Receipt, Session, SessionFrames};
use super::{ChannelInfo, History, Pages, Subscribe, Update};
use crate::rpc::client as proto;
use proto::send_batch_result::Result as Sent;

/// The largest answer: a page has 1 MiB and one item more, an event 3 MiB.
pub(super) const LARGEST: usize = 8 << 20;

/// A client of one node. A clone is a handle to the same.
#[derive(Clone, Debug)]
pub struct Client {
    settings: Arc<Settings>,
    /// Made in the first call, since it needs a runtime.
    channel: Arc<OnceLock<Channel>>,
}

impl Client {
    pub(super) fn new(settings: Settings, channel: Option<Channel>) -> Self {
        let channel = channel.map_or_else(OnceLock::new, OnceLock::from);
        Self {
            settings: settings.into(),
            channel: channel.into(),
        }
    }

    /// A client of the node at `address`, `HOST:PORT` or `http://HOST:PORT`,
    /// which is connected to now. It connects again by itself whenever it must.
    ///
    /// # Errors
    ///
    /// The address is none, or the node cannot be reached.
    pub async fn connect(address: &str) -> Result<Self, Error> {
        Self::builder(address)?.connect().await
    }

    /// As [`connect`](Self::connect), but connects when it is first used.
    ///
    /// # Errors
    ///
    /// The address is none.
    pub fn lazy(address: &str) -> Result<Self, Error> {
        Self::builder(address)?.lazy()
    }

    /// A client to be set up.
    ///
    /// # Errors
    ///
    /// The address is none.
    pub fn builder(address: &str) -> Result<Builder, Error> {
        Builder::new(address)
    }

    /// Sends to a channel. When this returns the event is numbered and in the
    /// log; it does not say that somebody has read it.
    ///
    /// # Errors
    ///
    /// The node refuses it, or cannot be reached in time. If the error
    /// [`is_cut`](Error::is_cut) it may have been sent.
    pub async fn send(
        &self,
        channel: impl Into<String>,
        message: Message,
    ) -> Result<Receipt, Error> {
        let request = message.into_request(channel.into());
        let answer: proto::SendResponse = self.ask("Send", &request).await?;
        Ok(answer.into())
    }

    /// Sends to everyone who is connected, whatever their channels.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn broadcast(&self, message: Message) -> Result<Receipt, Error> {
        let request = message.into_broadcast();
        let answer: proto::BroadcastResponse = self.ask("Broadcast", &request).await?;
        Ok(answer.into())
    }

    /// Sends up to 1,000 messages to their channels, in order, each with a
    /// result of its own: one that fails stops none of the others.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for all of it: it is over 1,000 or 4 MiB.
    pub async fn send_batch(
        &self,
        messages: impl IntoIterator<Item = (impl Into<String>, Message)>,
    ) -> Result<Vec<Result<Receipt, Error>>, Error> {
        let messages = messages.into_iter();
        let requests = messages.map(|(channel, message)| message.into_request(channel.into()));
        let request = proto::SendBatchRequest {
            requests: requests.collect(),
        };
        let answer: proto::SendBatchResponse = self.ask("SendBatch", &request).await?;
        let results = answer.results.into_iter();
        Ok(results
            .map(|result| match result.result {
                Some(Sent::Response(sent)) => Ok(sent.into()),
                Some(Sent::Error(error)) => Err(error.into()),
                None => Err(proto::ErrorStatus::default().into()),
            })
            .collect())
    }

    /// Who is in a channel.
    pub fn members(&self, channel: impl Into<String>) -> Pages<Member> {
        Pages::members(self.clone(), channel.into())
    }

    /// What the log of a channel still holds.
    pub fn history(&self, channel: impl Into<String>) -> History {
        History::of(self.clone(), channel.into())
    }

    /// The active channels that a name or a pattern stands for; empty: all.
    pub fn channels(&self, pattern: impl Into<String>) -> Pages<ChannelInfo> {
        Pages::channels(self.clone(), pattern.into())
    }

    /// Changes the profile of a member that is connected to the node, and
    /// returns it as it is now, without the time at which it joined a channel.
    ///
    /// # Errors
    ///
    /// The member is not there, the profile is refused, or the node cannot be
    /// reached in time.
    pub async fn update_member(
        &self,
        member_id: impl Into<String>,
        update: Update,
    ) -> Result<Member, Error> {
        let request = proto::UpdateMemberRequest {
            member_id: member_id.into(),
            data: Some(update.data),
            merge: update.merge,
            member_token: update.member_token,
        };
        let answer: proto::UpdateMemberResponse = self.ask("UpdateMember", &request).await?;
        Ok(answer.member.unwrap_or_default().into())
    }

    /// A subscription to be set up, which [`open`](Subscribe::open) begins.
    pub fn subscribe(&self) -> Subscribe {
        Subscribe::new(Arc::clone(&self.settings))
    }

    /// One stream for everything, on a connection of its own.
    ///
    /// # Errors
    ///
    /// The node cannot be reached, or refuses.
    pub async fn session(&self) -> Result<(Session, SessionFrames), Error> {
        super::session::open(&self.settings).await
    }

    /// Makes a call of the service by its method's name, of a request that is
    /// encoded, for those who know the messages otherwise than this library. It
    /// is repeated as any call is: let it be one that may be.
    ///
    /// # Errors
    ///
    /// There is no such method, or as any call.
    pub async fn call(&self, method: &str, request: impl Into<Bytes>) -> Result<Bytes, Error> {
        let (path, request) = (path(method)?, request.into());
        let until = Instant::now() + self.settings.timeout;
        let mut back_off = BackOff::new(self.settings.waits);
        let mut last = None;
        loop {
            let attempt = timeout_at(until, self.attempt(path.clone(), request.clone()));
            let Ok(answer) = attempt.await else {
                return Err(Error::late(self.settings.timeout, last));
            };
            let Err(error) = answer else {
                return answer;
            };
            let wait = back_off.next(error.retry_after());
            let again = self.settings.attempts == Attempts::InTime && error.is_worth_a_repeat();
            if !again || wait >= until.saturating_duration_since(Instant::now()) {
                return Err(error);
            }
            last = Some(error);
            sleep(wait).await;
        }
    }

    /// The frames of a subscription as they come on the wire, for a
    /// `SubscribeRequest` that is encoded; else as [`subscribe`](Self::subscribe).
    ///
    /// # Errors
    ///
    /// The request is not one.
    pub fn follow(&self, request: impl Into<Bytes>) -> Result<Following, Error> {
        let request = proto::SubscribeRequest::decode(request.into());
        let request = request.map_err(|error| {
            Error::invalid(Reason::InvalidRequest, "request", error.to_string())
        })?;
        Ok(Following::new(Arc::clone(&self.settings), request))
    }

    pub(super) async fn ask<Q: prost::Message, A: prost::Message + Default>(
        &self,
        method: &str,
        request: &Q,
    ) -> Result<A, Error> {
        let answer = self.call(method, request.encode_to_vec()).await?;
        A::decode(answer).map_err(|error| Error::unreadable(&error))
    }

    async fn attempt(&self, path: PathAndQuery, request: Bytes) -> Result<Bytes, Error> {
        let connect = || self.settings.endpoint().connect_lazy();
        let channel = self.channel.get_or_init(connect).clone();
        let mut grpc = grpc(channel);
        grpc.ready().await?;
        let answer = grpc.unary(Request::new(request), path, Encoded).await?;
        Ok(answer.into_inner())
    }
}

/// Opens a stream of answers on a connection of its own.
pub(super) async fn stream(channel: Channel, request: Bytes) -> Result<Streaming<Bytes>, Error> {
    let mut grpc = grpc(channel);
    grpc.ready().await?;
    let path = path("Subscribe")?;
    let answer = grpc
        .server_streaming(Request::new(request), path, Encoded)
        .await?;
    Ok(answer.into_inner())
}

fn grpc(channel: Channel) -> Grpc<Channel> {
    Grpc::new(channel).max_decoding_message_size(LARGEST)
}

fn path(method: &str) -> Result<PathAndQuery, Error> {
    let path = format!("/fanfare.v1.RealtimeService/{method}");
    PathAndQuery::try_from(path).map_err(|error| {
        Error::invalid(
            Reason::InvalidRequest,
            "method",
            format!("is no name: {error}"),
        )
    })
}
