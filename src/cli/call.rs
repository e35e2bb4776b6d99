//! Calls to a node, of messages known by their descriptors.
//!
//! The library connects, repeats and reads errors; a stream in both directions
//! is opened here, since what is asked and answered on it is printed as it is.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use fanfare::client::{Address, Builder, Error};
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Request, Status, Streaming};

use super::codec::DynamicCodec;
use super::{Failure, json};

/// A connection silent for this long is pinged: a subscriber has nothing else
/// by which to notice that its node is gone.
const PING: Duration = Duration::from_secs(20);

/// How long a stream may take to begin.
const OPENING: Duration = Duration::from_secs(10);

/// Where a client verb finds its node.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// Node to talk to: http://HOST:PORT or HOST:PORT.
    #[arg(
        long,
        value_name = "URL",
        env = "FANFARE_ADDRESS",
        default_value = "http://127.0.0.1:50051"
    )]
    address: Address,
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Deadline {
    /// How long to wait for an answer: 500ms, 10s, 1m.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,
}

/// A client of one node.
#[derive(Debug)]
pub(crate) struct Client(fanfare::Client);

impl Target {
    /// Connects to the node; a call may take as long as `deadline` says.
    pub(crate) async fn connect(&self, deadline: Deadline) -> Result<Client, Failure> {
        let builder = Builder::at(&self.address).timeout(deadline.timeout);
        let client = builder.connect().await;
        client.map(Client).map_err(|error| self.failure(error))
    }

    /// A client for one stream, which connects by itself.
    pub(crate) fn lazy(&self) -> Result<fanfare::Client, Failure> {
        let builder = Builder::at(&self.address).timeout(OPENING);
        Ok(builder.without_repeats().lazy()?)
    }

    /// What to tell of an error before anything has come of the node.
    pub(crate) fn failure(&self, error: Error) -> Failure {
        if !error.is_cut() {
            return error.into();
        }
        Failure::Failed {
            text: format!("cannot connect to {}: {}", self.address, error.message()),
            hint: Some(
                "is fanfare serve running? --address or FANFARE_ADDRESS names another node"
                    .to_owned(),
            ),
        }
    }

    /// Opens a stream in both directions, of requests that are encoded already.
    /// It is under way once [`Answers::next`] is awaited.
    pub(crate) async fn both_ways(
        &self,
        method: &MethodDescriptor,
        requests: mpsc::Receiver<Vec<u8>>,
    ) -> Result<Answers, Failure> {
        let endpoint = Endpoint::from(self.address.uri())
            .connect_timeout(OPENING)
            .http2_keep_alive_interval(PING)
            .keep_alive_while_idle(true);
        let channel = endpoint.connect().await;
        let mut grpc = Grpc::new(channel.map_err(|error| self.failure(error.into()))?);
        let (path, codec) = (path(method), DynamicCodec(method.output()));
        Ok(Answers::Opening(Box::pin(async move {
            let ready = grpc.ready().await;
            ready.map_err(|error| Status::unavailable(error.to_string()))?;
            let requests = Request::new(ReceiverStream::new(requests));
            let answer = grpc.streaming(requests, path, codec).await?;
            Ok(answer.into_inner())
        })))
    }
}

impl Client {
    /// Makes a unary call, which is repeated while the node is unavailable.
    pub(crate) async fn unary(
        &self,
        method: &MethodDescriptor,
        request: &DynamicMessage,
    ) -> Result<DynamicMessage, Failure> {
        let answer = self.0.call(method.name(), request.encode_to_vec()).await?;
        decoded(method, answer)
    }
}

/// The answer, or one of the answers, that a method gives.
pub(crate) fn decoded(method: &MethodDescriptor, answer: Bytes) -> Result<DynamicMessage, Failure> {
    DynamicMessage::decode(method.output(), answer)
        .map_err(|error| Failure::failed(format!("cannot decode the answer: {error}")))
}

/// What comes back on a stream in both directions.
pub(crate) enum Answers {
    /// A node may want to read a request before it says that it answers.
    Opening(Pin<Box<dyn Future<Output = Result<Streaming<DynamicMessage>, Status>> + Send>>),
    /// They come.
    Open(Box<Streaming<DynamicMessage>>),
}

impl Answers {
    /// Whether the node has not said yet that it answers.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self, Self::Opening(_))
    }

    /// The next answer; none once the node has ended the stream well. Nothing
    /// is lost if this is dropped before it is done.
    pub(crate) async fn next(&mut self) -> Result<Option<DynamicMessage>, Status> {
        if let Self::Opening(opening) = self {
            *self = Self::Open(Box::new(opening.await?));
        }
        match self {
            Self::Opening(_) => Ok(None),
            Self::Open(answers) => answers.message().await,
        }
    }
}

/// An answer took longer than it may.
pub(crate) fn late(deadline: Deadline) -> Failure {
    let waited = humantime::format_duration(deadline.timeout);
    Failure::Failed {
        text: format!("no answer within {waited}; the node may have done it all the same"),
        hint: Some("--timeout waits longer".to_owned()),
    }
}

fn path(method: &MethodDescriptor) -> PathAndQuery {
    let service = json::service();
    let path = format!("/{}/{}", service.full_name(), method.name());
    // Names in a descriptor are identifiers: they need no escaping.
    PathAndQuery::try_from(path).expect("identifiers make a path")
}
