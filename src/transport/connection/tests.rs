use std::future::pending;
use std::task::Waker;

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::testing::{Call, Client, Fed, REQUEST, calls, limits};
use super::*;

/// One connection, served as by the accept loop.
struct Served {
    calls: mpsc::Receiver<Call>,
    task: JoinHandle<()>,
    gone: mpsc::Receiver<Infallible>,
}

impl Served {
    fn new(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, limits: Limits) -> Self {
        let (service, calls) = calls();
        let (alive, gone) = mpsc::channel(1);
        let accepted = (io, "test".to_owned());
        let task = tokio::spawn(serve(accepted, service, limits, alive, pending()));
        Self { calls, task, gone }
    }

    async fn call(&mut self) -> Call {
        self.calls.recv().await.expect("a call")
    }

    /// Waits until nothing of the connection is left.
    async fn ended(mut self) {
        let ended = async {
            self.task.await.expect("the connection's task");
            assert!(self.gone.recv().await.is_none());
        };
        let hour = Duration::from_secs(3_600);
        tokio::time::timeout(hour, ended).await.expect("an end");
    }
}

fn pipe(limits: Limits) -> (Served, DuplexStream) {
    let (client, server) = duplex(64 << 10);
    (Served::new(server, limits), client)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_stream_is_reset_and_its_siblings_live_on() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let mut cut = client.get().await.unwrap().into_body();
    let call = served.call().await;
    let mut sibling = client.get().await.unwrap().into_body();
    let other = served.call().await;

    call.cut();
    let error = cut.data().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    call.body.closed().await;

    let data = http_body::Frame::data(Bytes::from_static(b"alive"));
    other.body.send(data).await.unwrap();
    assert_eq!(sibling.data().await.unwrap().unwrap(), "alive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_blocked_on_the_peers_window_can_be_cut() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let mut blocked = client.get().await.unwrap().into_body();
    let call = served.call().await;
    let handle = TaskHandle::clone(&call.handle);
    let flood = tokio::spawn(call.flood());
    let mut window = 65_535;
    while window > 0 {
        window -= blocked.data().await.unwrap().unwrap().len();
    }

    handle.get().unwrap().abort();
    let error = blocked.data().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    flood.await.unwrap();
    assert!(client.get().await.is_ok());
}

#[tokio::test]
async fn a_connect_request_leaves_the_handles_of_others_right() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let connect = Request::builder()
        .method(Method::CONNECT)
        .uri("test:80")
        .body(())
        .unwrap();
    let (response, _tunnel) = client.requests.send_request(connect, false).unwrap();
    response.await.unwrap();
    let _connected = served.call().await;

    let mut body = client.get().await.unwrap().into_body();
    served.call().await.cut();
    let error = body.data().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
}

#[tokio::test]
async fn only_the_task_that_made_a_call_executes_it() {
    let streams = Streams::new(mpsc::channel(1).0);
    let handle = streams.announce();
    let elsewhere = streams.clone();
    let stolen = tokio::spawn(async move { elsewhere.announced() });
    assert!(stolen.await.unwrap().is_none());
    assert!(Arc::ptr_eq(&streams.announced().unwrap(), &handle));
    assert!(streams.announced().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_of_a_client_that_leaves_end_and_drop_their_bodies() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let io = TcpStream::connect(listener.local_addr().unwrap()).await;
    let mut served = Served::new(listener.accept().await.unwrap().0, limits());
    let mut client = Client::new(io.unwrap()).await;
    let idle = client.get().await.unwrap();
    let idle_call = served.call().await;
    let busy = client.get().await.unwrap();
    let flood = tokio::spawn(served.call().await.flood());

    // Closes the socket with data unread in it, which is a RST.
    client.connection.abort();
    idle_call.body.closed().await;
    flood.await.unwrap();
    served.ended().await;
    drop((idle, busy));
}

#[tokio::test(start_paused = true)]
async fn the_streams_of_a_client_that_hangs_up_end_and_drop_their_bodies() {
    let (mut served, mut io) = pipe(limits());
    io.write_all(REQUEST).await.unwrap();
    let call = served.call().await;
    let start = Instant::now();
    assert!(!(call.broken)());
    drop(io);
    call.body.closed().await;
    assert!((call.broken)());
    served.ended().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_stream_leaves_its_connection_whole_however_late() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let kept = client.get().await.unwrap();
    let kept_call = served.call().await;
    let cancelled = client.get().await.unwrap();
    let call = served.call().await;
    tokio::time::sleep(Duration::from_secs(3_629)).await;
    drop(cancelled);
    call.body.closed().await;
    assert!(!(call.broken)());
    drop((client, kept));
    kept_call.body.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanished_is_found_within_interval_and_timeout() {
    let (mut served, mut io) = pipe(limits());
    io.write_all(REQUEST).await.unwrap();
    let call = served.call().await;
    let start = Instant::now();
    call.body.closed().await;
    assert!((call.broken)());
    served.ended().await;
    assert!(start.elapsed() <= Duration::from_secs(50) + LINGER);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanished_with_its_socket_full_is_found_as_soon() {
    let (mut io, far) = duplex(1 << 10);
    let small = Limits {
        gather_buffer: 4 << 10,
        ..limits()
    };
    let mut served = Served::new(far, small);
    io.write_all(REQUEST).await.unwrap();
    let call = served.call().await;
    let broken = Broken::clone(&call.broken);
    let flood = tokio::spawn(call.flood());
    let start = Instant::now();
    flood.await.unwrap();
    assert!(broken());
    served.ended().await;
    assert!(start.elapsed() <= Duration::from_secs(50) + LINGER);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_written_to_ends_at_once() {
    let (mut io, far) = duplex(64);
    let served = Served::new(Unwritable(far), limits());
    io.write_all(&REQUEST[..10]).await.unwrap();
    let start = Instant::now();
    served.ended().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Reads as ever, and fails to write.
struct Unwritable(DuplexStream);

impl AsyncRead for Unwritable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Unwritable {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_is_kept_for_ever() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let _body = client.get().await.unwrap();
    let call = served.call().await;
    let day = Duration::from_secs(86_400);
    let closed = tokio::time::timeout(day, call.body.closed()).await;
    assert!(closed.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peer_without_a_whole_preface_is_cut_after_the_handshakes_time() {
    let (served, mut io) = pipe(limits());
    io.write_all(&REQUEST[..23]).await.unwrap();
    let start = Instant::now();
    served.ended().await;
    assert_eq!(start.elapsed(), HANDSHAKE);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_silent_after_the_preface_is_found_by_keepalive() {
    let (served, mut io) = pipe(limits());
    io.write_all(&REQUEST[..24]).await.unwrap();
    let start = Instant::now();
    served.ended().await;
    assert_eq!(start.elapsed(), Duration::from_secs(50));
}

#[tokio::test]
async fn the_limits_are_advertised() {
    let few = Limits {
        connection_streams: 77,
        ..limits()
    };
    let (_served, mut io) = pipe(few);
    io.write_all(REQUEST).await.unwrap();
    let mut head = [0; 9];
    io.read_exact(&mut head).await.unwrap();
    let mut settings = vec![0; usize::from(head[2])];
    io.read_exact(&mut settings).await.unwrap();
    let advertised = |id: u8, value: [u8; 4]| {
        let setting = [0, id, value[0], value[1], value[2], value[3]];
        settings.chunks(6).any(|chunk| chunk == setting)
    };
    assert!(advertised(3, [0, 0, 0, 77]), "MAX_CONCURRENT_STREAMS");
    assert!(advertised(6, [0, 0, 0x40, 0]), "MAX_HEADER_LIST_SIZE");
}

/// A future that ends at once, and one that notes in which order it is dropped.
#[tokio::test]
async fn a_stream_lets_go_of_its_server_after_its_future_is_dropped() {
    struct Last(Arc<Shared>);
    impl Drop for Last {
        fn drop(&mut self) {
            assert_eq!(
                Arc::strong_count(&self.0),
                2,
                "the server's hold went first"
            );
        }
    }
    impl Future for Last {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
    let streams = Streams::new(mpsc::channel(1).0);
    let future = Last(Arc::clone(&streams.0));
    let mut stream = Box::pin(Stream {
        future,
        _streams: streams,
    });
    let waiting = stream
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(waiting.is_pending());
}

#[tokio::test]
async fn a_service_is_asked_for_readiness_before_it_is_called() {
    #[derive(Clone)]
    struct Gate(bool, super::super::testing::Calls);
    impl Service<Request<Incoming>> for Gate {
        type Response = Response<Fed>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Fed>, Infallible>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.0 = true;
            self.1.poll_ready(cx)
        }

        fn call(&mut self, request: Request<Incoming>) -> Self::Future {
            assert!(self.0);
            self.1.call(request)
        }
    }
    let (service, mut calls) = calls();
    let (io, server) = duplex(64 << 10);
    let accepted = (server, String::new());
    let alive = mpsc::channel(1).0;
    tokio::spawn(serve(
        accepted,
        Gate(false, service),
        limits(),
        alive,
        pending(),
    ));
    Client::new(io).await.get().await.unwrap();
    assert!(calls.recv().await.is_some());
}
