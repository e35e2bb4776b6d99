//! Calls to a node: the connection, unary and streaming.

use std::time::Duration;

use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use super::address::Address;
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

/// How long a unary call may take.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Deadline {
    /// How long to wait for an answer: 500ms, 10s, 1m.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = humantime::parse_duration
    )]
    timeout: Duration,
}

/// A connection to one node.
#[derive(Debug)]
pub(crate) struct Client {
    grpc: Grpc<Channel>,
}

impl Target {
    /// Connects to the node.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let channel = Endpoint::from(self.address.0.clone())
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
                .unary(Request::new(request), path(method), codec)
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
            .server_streaming(Request::new(request), path(method), codec)
            .await?;
        Ok(answer.into_inner())
    }

    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.grpc.ready().await;
        ready.map_err(|error| Status::unavailable(root_cause(&error)))
    }
}

fn late(deadline: Deadline) -> Failure {
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
