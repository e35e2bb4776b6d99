//! What the tests share: a service whose every body the test feeds, a listener
//! in memory, and clients that behave or do not.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_service::Service;

use super::{Broken, Cut, Incoming, Limits, Listener, serve};

/// The client preface, empty SETTINGS, and GET / on stream 1, for a client
/// that does nothing more.
pub(super) const REQUEST: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\0\x04\0\0\0\0\0\
    \0\0\x03\x01\x05\0\0\0\x01\x82\x86\x84";

/// Longer than anything here takes, so that a test ends; where the clock is
/// paused, longer than a peer that says nothing is kept.
const PATIENCE: Duration = Duration::from_secs(60);

/// What comes of `waiting`, in time.
pub(super) async fn soon<T>(waiting: impl Future<Output = T>) -> T {
    timeout(PATIENCE, waiting).await.expect("in time")
}

/// A request that has reached the service and been answered with a body.
pub(super) struct Call {
    pub(super) cut: Cut,
    pub(super) broken: Broken,
    /// Feeds the body; closed when the body has been dropped.
    pub(super) body: mpsc::Sender<Frame<Bytes>>,
    /// Whether the connection was broken when the body was dropped.
    pub(super) broke: Arc<AtomicBool>,
}

impl Call {
    /// Feeds the body, 16 KiB at a time, until it is dropped; it takes no more
    /// than all buffers together hold.
    pub(super) async fn flood(self) {
        let chunk = Bytes::from_static(&[7; 16 << 10]);
        for _ in 0..64 {
            if self.body.send(Frame::data(chunk.clone())).await.is_err() {
                return;
            }
        }
        panic!("it takes without end");
    }
}

pub(super) struct Fed {
    frames: mpsc::Receiver<Frame<Bytes>>,
    broken: Broken,
    broke: Arc<AtomicBool>,
}

impl Drop for Fed {
    fn drop(&mut self) {
        self.broke.store((self.broken)(), Ordering::Relaxed);
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.frames.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

/// Answers every request at once and tells the test of it.
#[derive(Clone)]
pub(super) struct Calls(mpsc::Sender<Call>);

pub(super) fn calls() -> (Calls, mpsc::Receiver<Call>) {
    let (sender, receiver) = mpsc::channel(16);
    (Calls(sender), receiver)
}

impl Service<Request<Incoming>> for Calls {
    type Response = Response<Fed>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Fed>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let (body, frames) = mpsc::channel(1);
        let cut = Cut::clone(request.extensions().get().expect("a cut"));
        let broken = Broken::clone(request.extensions().get().expect("a connection"));
        let broke = Arc::<AtomicBool>::default();
        let fed = Fed {
            frames,
            broken: Broken::clone(&broken),
            broke: Arc::clone(&broke),
        };
        let call = Call {
            cut,
            broken,
            body,
            broke,
        };
        // A test that is over does not hear of it.
        let _ = self.0.try_send(call);
        ready(Ok(Response::new(fed)))
    }
}

/// A client whose connection is driven by a task of its own.
pub(super) struct Client {
    pub(super) requests: SendRequest<Bytes>,
    pub(super) connection: JoinHandle<Result<(), h2::Error>>,
}

impl Client {
    pub(super) async fn new(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let mut builder = h2::client::Builder::new();
        builder.initial_connection_window_size(1 << 20);
        let (requests, connection) = soon(builder.handshake(io)).await.expect("handshake");
        Self {
            requests,
            connection: tokio::spawn(connection),
        }
    }

    /// Sends GET / and waits for the headers of the answer.
    pub(super) async fn get(&mut self) -> Result<Response<h2::RecvStream>, h2::Error> {
        let request = Request::get("http://test/").body(()).expect("a request");
        let mut ready = soon(self.requests.clone().ready()).await?;
        let (response, _) = ready.send_request(request, true)?;
        soon(response).await
    }
}

/// A listener of duplex pipes.
pub(super) struct Pipes(mpsc::Receiver<DuplexStream>);

pub(super) fn pipes() -> (mpsc::Sender<DuplexStream>, Pipes) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Pipes(receiver))
}

impl Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, String)> {
        let io = self.0.recv().await.expect("no more pipes");
        Ok((io, "pipe".to_owned()))
    }
}

/// A running [`serve`] over pipes; refusals have status 503.
pub(super) struct Server {
    pipes: mpsc::Sender<DuplexStream>,
    pub(super) calls: mpsc::Receiver<Call>,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) fn start(limits: Limits) -> Self {
        let (pipes, listener) = pipes();
        let (shutdown, asked) = oneshot::channel::<()>();
        let (service, calls) = calls();
        let asked = async move { drop(asked.await) };
        let task = tokio::spawn(serve(listener, service, refuse, limits, asked));
        Self {
            pipes,
            calls,
            shutdown,
            task,
        }
    }

    /// The client's end of a pipe that the server has accepted or soon will.
    pub(super) async fn connect(&self) -> DuplexStream {
        let (client, server) = duplex(64 << 10);
        self.pipes.send(server).await.expect("the listener");
        client
    }

    pub(super) async fn client(&self) -> Client {
        Client::new(self.connect().await).await
    }

    pub(super) async fn call(&mut self) -> Call {
        soon(self.calls.recv()).await.expect("a call")
    }

    /// Begins the shutdown; the task ends with it.
    pub(super) fn stop(self) -> (JoinHandle<()>, mpsc::Sender<DuplexStream>) {
        self.shutdown.send(()).expect("the server");
        (self.task, self.pipes)
    }
}

pub(super) fn refuse(_: &Request<Incoming>) -> Response<Fed> {
    let mut response = Response::new(Fed {
        frames: mpsc::channel(1).1,
        broken: Arc::new(|| false),
        broke: Arc::default(),
    });
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

pub(super) fn limits() -> Limits {
    Limits {
        keepalive_interval: Duration::from_secs(30),
        keepalive_timeout: Duration::from_secs(20),
        drain_timeout: Duration::from_secs(15),
        ..Limits::default()
    }
}
