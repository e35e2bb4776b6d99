//! The server that everybody would write in an afternoon, to compare with.
//!
//! tonic and prost as their guides have it: the generated service, a
//! `tokio::sync::broadcast` for each channel, a copy of the event encoded for
//! each stream, and nothing but defaults. It speaks the same proto, so the
//! same load runs on it.
//!
//! Leaves out all that Fanfare promises: no resume, no gaps, no members, no
//! filters, one channel a stream, and a stream that lags is ended.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{
    Event, Position, Ready, Reply, SendRequest, SendResponse, SessionRequest, SessionResponse,
    SubscribeRequest, SubscribeResponse, reply, session_request, session_response,
};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Sender};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;
use tonic::codegen::BoxStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use generated::realtime_service_server::{RealtimeService, RealtimeServiceServer};

/// Events that a channel keeps for streams that are behind: more than a load's
/// window, so that none of them lags.
const KEPT: usize = 4096;

#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    missing_docs,
    reason = "generated"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/plain/fanfare.v1.rs"));
}

/// Serves on a free port, and says on stdout which, until the process is killed.
#[tokio::main]
pub(crate) async fn serve() -> Result<(), String> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(anywhere)
        .await
        .map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    writeln!(io::stdout(), "plain tonic is listening on {address}")
        .map_err(|error| error.to_string())?;
    Server::builder()
        .add_service(RealtimeServiceServer::new(Plain::default()))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .map_err(|error| error.to_string())
}

#[derive(Clone, Default)]
struct Plain {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The number of the last event.
    last: u64,
    channels: HashMap<String, Sender<Event>>,
}

impl Plain {
    /// Numbers an event and hands it to those who listen.
    fn publish(&self, request: SendRequest) -> SendResponse {
        let mut event = Event {
            channel: request.channel,
            name: request.event,
            payload: request.payload,
            publish_time: Some(SystemTime::now().into()),
            sender_id: request.sender_id,
            headers: request.headers,
            id: request.request_id,
            ..Event::default()
        };
        let mut state = self.state.lock().expect("nobody panics with it");
        state.last += 1;
        event.sequence = state.last;
        let listeners = state.channels.get(&event.channel);
        // Fails if the last of them has just left.
        let sent = listeners.map_or(0, |channel| channel.send(event).unwrap_or(0));
        SendResponse {
            position: Some(position(state.last)),
            recipients: u32::try_from(sent).unwrap_or(u32::MAX),
            duplicate: false,
        }
    }
}

#[tonic::async_trait]
impl RealtimeService for Plain {
    async fn send(&self, request: Request<SendRequest>) -> Result<Response<SendResponse>, Status> {
        Ok(Response::new(self.publish(request.into_inner())))
    }

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<BoxStream<SubscribeResponse>>, Status> {
        let [subscription] = &request.get_ref().subscriptions[..] else {
            return Err(Status::invalid_argument("one channel for each stream"));
        };
        let name = subscription.channel.clone();
        let mut state = self.state.lock().expect("nobody panics with it");
        let channel = state
            .channels
            .entry(name)
            .or_insert_with(|| broadcast::channel(KEPT).0);
        let events = BroadcastStream::new(channel.subscribe()).map(|event| match event {
            Ok(event) => Ok(response(Frame::Event(event))),
            Err(lagged) => Err(Status::data_loss(lagged.to_string())),
        });
        let ready = Frame::Ready(Ready {
            position: Some(position(state.last)),
            ..Ready::default()
        });
        let stream = tokio_stream::once(Ok(response(ready))).chain(events);
        Ok(Response::new(Box::pin(stream)))
    }

    async fn session(
        &self,
        requests: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<BoxStream<SessionResponse>>, Status> {
        let plain = self.clone();
        let replies = requests.into_inner().map(move |request| {
            let SessionRequest { id, request } = request?;
            let Some(session_request::Request::Send(send)) = request else {
                return Err(Status::unimplemented("a session sends, and no more"));
            };
            let result = Some(reply::Result::Send(plain.publish(send)));
            let reply = session_response::Frame::Reply(Reply { id, result });
            Ok(SessionResponse { frame: Some(reply) })
        });
        Ok(Response::new(Box::pin(replies)))
    }
}

fn position(sequence: u64) -> Position {
    Position {
        epoch: "plain".to_owned(),
        sequence,
    }
}

fn response(frame: Frame) -> SubscribeResponse {
    SubscribeResponse { frame: Some(frame) }
}
