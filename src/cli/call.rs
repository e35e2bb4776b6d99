//! Calls to a node: the connection, unary and streaming.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use fanfare::client::Address;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use super::codec::DynamicCodec;
use super::failure::root_cause;
use super::{Failure, json};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection silent for this long is pinged: a subscriber has nothing else
/// by which to notice that its node is gone.
const PING: Duration = Duration::from_secs(20);

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

/// A connection to one node.
#[derive(Debug)]
pub(crate) struct Client {
    grpc: Grpc<Channel>,
}

impl Target {
    /// Connects to the node.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let channel = Endpoint::from(self.address.uri())
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(PING)
            .keep_alive_while_idle(true)
            .connect()
            .await
            .map_err(|error| Failure::Failed {
                text: format!("cannot connect to {}: {}", self.address, root_cause(&error)),
                hint: Some(
                    "is fanfare serve running? --address or FANFARE_ADDRESS names another node"
                        .to_owned(),
                ),
            })?;
        Ok(Client {
            grpc: Grpc::new(channel),
        })
    }
}

impl Client {
    /// Makes a unary call, which may take as long as `deadline` says.
    pub(crate) async fn unary(
        &mut self,
        method: &MethodDescriptor,
        request: DynamicMessage,
        deadline: Deadline,
    ) -> Result<DynamicMessage, Failure> {
        let call = async {
            self.ready().await?;
            let codec = DynamicCodec(method.output());
            self.grpc
                .unary(encoded(&request), path(method), codec)
                .await
        };
        let answered = tokio::time::timeout(deadline.timeout, call).await;
        let answer = answered.map_err(|_| late(deadline))??;
        Ok(answer.into_inner())
    }

    /// Opens a stream of answers.
    pub(crate) async fn streaming(
        &mut self,
        method: &MethodDescriptor,
        request: DynamicMessage,
    ) -> Result<Streaming<DynamicMessage>, Status> {
        self.ready().await?;
        let codec = DynamicCodec(method.output());
        let answer = self
            .grpc
            .server_streaming(encoded(&request), path(method), codec)
            .await?;
        Ok(answer.into_inner())
    }

    /// Opens a stream in both directions, of requests that are encoded already.
    /// It is under way once [`Answers::next`] is awaited.
    pub(crate) fn both_ways(
        mut self,
        method: &MethodDescriptor,
        requests: mpsc::Receiver<Vec<u8>>,
    ) -> Answers {
        let (path, codec) = (path(method), DynamicCodec(method.output()));
        Answers::Opening(Box::pin(async move {
            self.ready().await?;
            let requests = Request::new(ReceiverStream::new(requests));
            let answer = self.grpc.streaming(requests, path, codec).await?;
            Ok(answer.into_inner())
        }))
    }

    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.grpc.ready().await;
        ready.map_err(|error| Status::unavailable(root_cause(&error)))
    }
}

fn encoded(request: &DynamicMessage) -> Request<Vec<u8>> {
    Request::new(request.encode_to_vec())
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
