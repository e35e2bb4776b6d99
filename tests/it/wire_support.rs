//! What reaches under the generated client: HTTP/2 by hand, statuses in full,
//! and a runtime whose panics are counted.

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use fanfare::config::Config;
use fanfare::rpc::client::{SubscribeResponse, subscribe_response::Frame};
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode};
use prost::Message;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic_types::StatusExt;

use crate::support::{Node, PATIENCE};

/// A node whose settings a test changes.
pub(crate) async fn node_with(change: impl FnOnce(&mut Config)) -> Node {
    let mut config = Config::default();
    change(&mut config);
    Node::start(config).await
}

/// A bare connection to a node.
pub(crate) async fn connect(node: &Node) -> TcpStream {
    let address = node.address.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// A connection for a generated client.
pub(crate) async fn channel(node: &Node) -> tonic::transport::Channel {
    let endpoint = tonic::transport::Endpoint::from_shared(node.address.clone());
    endpoint.unwrap().connect().await.unwrap()
}

/// `bytes` as a message with its gRPC prefix, whatever they are.
pub(crate) fn prefixed(compressed: u8, bytes: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(5 + bytes.len());
    message.put_u8(compressed);
    message.put_u32(u32::try_from(bytes.len()).unwrap());
    message.put_slice(bytes);
    message.freeze()
}

/// A message with its gRPC prefix.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    prefixed(0, &message.encode_to_vec())
}

/// A request for a method of the service, as gRPC has it.
pub(crate) fn request(method: &str) -> Request<()> {
    Request::post(format!("http://node/fanfare.v1.RealtimeService/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap()
}

/// An HTTP/2 connection, without gRPC on it.
pub(crate) struct Wire {
    pub(crate) requests: SendRequest<Bytes>,
    pub(crate) connection: JoinHandle<Result<(), h2::Error>>,
}

impl Wire {
    /// Streams take all that comes.
    pub(crate) async fn new(node: &Node) -> Self {
        Self::with_window(node, 16 << 20).await
    }

    /// Streams take `window` bytes, and more only when those are released.
    pub(crate) async fn with_window(node: &Node, window: u32) -> Self {
        let mut builder = Builder::new();
        builder.initial_window_size(window);
        Self::built(node, &mut builder).await
    }

    /// As [`with_window`](Self::with_window), and the connection ends when its
    /// unread DATA frames under 256 bytes are as much short of that as h2 0.4.16
    /// to 0.4.18 bear.
    pub(crate) async fn fragile(node: &Node, window: u32) -> Self {
        let mut builder = Builder::new();
        builder
            .initial_window_size(window)
            .data_frame_budget(25_600);
        Self::built(node, &mut builder).await
    }

    async fn built(node: &Node, builder: &mut Builder) -> Self {
        let (requests, connection) = builder
            .initial_connection_window_size(64 << 20)
            .handshake(connect(node).await)
            .await
            .unwrap();
        Self {
            requests,
            connection: tokio::spawn(connection),
        }
    }

    /// Opens a stream; its request goes on.
    pub(crate) async fn open(
        &self,
        request: Request<()>,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut ready = self.requests.clone().ready().await?;
        ready.send_request(request, false)
    }

    /// Sends a whole request. One that is refused by its headers may be answered
    /// and closed before its body is sent: that is told by the answer.
    pub(crate) async fn send(
        &self,
        request: Request<()>,
        body: Bytes,
    ) -> Result<ResponseFuture, h2::Error> {
        let (response, mut stream) = self.open(request).await?;
        stream.send_data(body, true).ok();
        Ok(response)
    }

    /// The whole answer to a whole request.
    pub(crate) async fn call(&self, request: Request<()>, body: Bytes) -> Answer {
        let answer = async { Answer::read(self.send(request, body).await.unwrap()).await };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.expect("an answer in time")
    }

    /// Opens a subscription.
    pub(crate) async fn subscribe(&self, request: Request<()>, body: Bytes) -> Stream {
        let response = self.send(request, body).await.unwrap().await.unwrap();
        assert!(!response.headers().contains_key("grpc-status"));
        Stream {
            body: response.into_body(),
            buffer: BytesMut::new(),
        }
    }

    /// Ends the connection with no word to the peer.
    pub(crate) fn cut(self) {
        self.connection.abort();
    }
}

/// How one request was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) http: StatusCode,
    /// The headers that the status is in.
    pub(crate) last: HeaderMap,
}

impl Answer {
    async fn read(response: ResponseFuture) -> Self {
        let response = response.await.unwrap();
        let (head, mut body) = response.into_parts();
        while let Some(data) = body.data().await {
            let length = data.unwrap().len();
            body.flow_control().release_capacity(length).unwrap();
        }
        let trailers = body.trailers().await.unwrap();
        Self {
            http: head.status,
            last: trailers.unwrap_or(head.headers),
        }
    }

    /// The gRPC status, which every answer of ours has.
    pub(crate) fn status(&self) -> Status {
        Status::from_header_map(&self.last).unwrap_or_else(|| panic!("no status: {self:?}"))
    }

    /// Bytes of the headers that tell the status: names, values, and what
    /// HPACK counts for each.
    pub(crate) fn status_size(&self) -> usize {
        let size = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            name.as_str().len() + value.len() + 32
        };
        self.last.iter().map(size).sum()
    }
}

/// A subscription, of which nothing is read but on demand.
pub(crate) struct Stream {
    pub(crate) body: RecvStream,
    buffer: BytesMut,
}

impl Stream {
    /// The next frame; none at the trailers.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, h2::Error> {
        let next = async {
            while !self.is_whole() {
                let Some(data) = self.body.data().await else {
                    return Ok(None);
                };
                let data = data?;
                self.body.flow_control().release_capacity(data.len())?;
                self.buffer.extend_from_slice(&data);
            }
            let length = self.length();
            self.buffer.advance(5);
            let message = SubscribeResponse::decode(self.buffer.split_to(length)).unwrap();
            Ok(message.frame)
        };
        let next = tokio::time::timeout(PATIENCE, next).await;
        next.expect("a frame in time")
    }

    /// The next frame, which is there.
    pub(crate) async fn frame(&mut self) -> Frame {
        self.next().await.unwrap().expect("a frame, not the end")
    }

    /// The status in the trailers.
    pub(crate) async fn status(&mut self) -> Status {
        assert_eq!(self.next().await.unwrap(), None, "the end");
        let trailers = self.body.trailers().await.unwrap().expect("trailers");
        Status::from_header_map(&trailers).expect("a status")
    }

    fn length(&self) -> usize {
        u32::from_be_bytes(self.buffer[1..5].try_into().unwrap()) as usize
    }

    fn is_whole(&self) -> bool {
        self.buffer.len() >= 5 && self.buffer.len() >= 5 + self.length()
    }
}

/// When to come back, as the status says.
pub(crate) fn retry_delay(status: &Status) -> Duration {
    let info = status.get_details_retry_info().expect("RetryInfo");
    info.retry_delay.expect("a delay")
}

/// Panics on the threads of runtimes of [`without_panics`], with their names.
static PANICS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn panics_on(thread: &str) -> Vec<String> {
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let here = panics.iter().filter(|(name, _)| name == thread);
    here.map(|(_, panic)| panic.clone()).collect()
}

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or_default().to_owned();
            let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
            panics.push((name, panic.to_string()));
            drop(panics);
            before(panic);
        }));
    });
}

/// Runs `test`, which spawns its node, and fails if a task of the node's
/// panics: a stream's panic would otherwise end that stream alone.
pub(crate) fn without_panics(name: &'static str, test: impl Future<Output = ()>) {
    watch_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
    drop(runtime);
    assert_eq!(panics_on(name), Vec::<String>::new());
}
