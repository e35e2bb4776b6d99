//! The node and its clients on turmoil's network.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use fanfare::transport::Listener;
use http::Uri;
use hyper_util::rt::TokioIo;
use tonic::Status;
use tonic::transport::Endpoint;
use tower_service::Service;
use turmoil::net::{TcpListener, TcpStream};

use crate::client_rule::follower::Connect;
use crate::support::Client;

/// The host that the node runs on.
pub(super) const NODE: &str = "node";

const PORT: u16 = 50051;

/// A listening socket of a simulated host.
pub(super) struct Bound(TcpListener);

impl Bound {
    pub(super) async fn new() -> io::Result<Self> {
        Ok(Self(TcpListener::bind(("0.0.0.0", PORT)).await?))
    }
}

impl Listener for Bound {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, String)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((stream, peer.to_string()))
    }
}

/// Makes connections to the node.
#[derive(Clone)]
struct Dial;

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(async { Ok(TokioIo::new(TcpStream::connect((NODE, PORT)).await?)) })
    }
}

/// A client on a connection of its own.
pub(super) async fn client() -> Result<Client, Status> {
    let endpoint = Endpoint::from_static("http://node:50051");
    let channel = endpoint.connect_with_connector(Dial).await;
    let channel = channel.map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(Client::new(channel))
}

/// A new connection every time.
pub(super) fn connect() -> Connect {
    Box::new(|| Box::pin(client()))
}
