use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;

use http::Method;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::Broken;
use super::super::testing::{Call, Client, Fed, REQUEST, calls, limits, soon};
use super::*;

/// One connection, served as by the accept loop.
struct Served {
    calls: mpsc::Receiver<Call>,
    task: JoinHandle<()>,
}

impl Served {
    fn new(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, limits: Limits) -> Self {
        let (service, calls) = calls();
        let accepted = (io, "test".to_owned());
        let task = tokio::spawn(serve(accepted, service, limits, pending()));
        Self { calls, task }
    }

    async fn call(&mut self) -> Call {
        soon(self.calls.recv()).await.expect("a call")
    }

    /// Waits until nothing of the connection is left.
    async fn ended(self) {
        soon(self.task).await.expect("the connection's task");
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

    (call.cut)();
    let error = soon(cut.data()).await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    soon(call.body.closed()).await;

    let data = http_body::Frame::data(Bytes::from_static(b"alive"));
    soon(other.body.send(data)).await.unwrap();
    assert_eq!(soon(sibling.data()).await.unwrap().unwrap(), "alive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_blocked_on_the_peers_window_can_be_cut() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let mut blocked = client.get().await.unwrap().into_body();
    let call = served.call().await;
    let cut = Cut::clone(&call.cut);
    let flood = tokio::spawn(call.flood());
    let mut window = 65_535;
    while window > 0 {
        window -= soon(blocked.data()).await.unwrap().unwrap().len();
    }

    cut();
    let error = soon(blocked.data()).await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    soon(flood).await.unwrap();
    assert!(client.get().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_stream_blocked_on_the_peers_window_can_be_cancelled() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let blocked = client.get().await.unwrap();
    let flood = tokio::spawn(served.call().await.flood());
    // Until all else waits: there is no more room.
    sleep(Duration::from_millis(1)).await;
    assert!(!flood.is_finished());
    drop(blocked);
    soon(flood).await.unwrap();
    assert!(client.get().await.is_ok());
}

#[tokio::test]
async fn a_connect_request_is_a_request_like_others() {
    let (mut served, io) = pipe(limits());
    let mut client = Client::new(io).await;
    let connect = Request::builder()
        .method(Method::CONNECT)
        .uri("test:80")
        .body(())
        .unwrap();
    let (response, _tunnel) = client.requests.send_request(connect, false).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    (served.call().await.cut)();
    let error = soon(body.data()).await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    assert!(client.get().await.is_ok());
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
    soon(idle_call.body.closed()).await;
    soon(flood).await.unwrap();
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
    soon(call.body.closed()).await;
    assert!(call.broke.load(Ordering::Relaxed));
    served.ended().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_cancels_and_hangs_up_in_one_breath_has_cancelled() {
    const CANCEL: &[u8] = b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08";
    const GOAWAY: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for last in [CANCEL.to_vec(), [CANCEL, GOAWAY].concat()] {
        let (mut served, mut io) = pipe(limits());
        io.write_all(REQUEST).await.unwrap();
        let call = served.call().await;
        io.write_all(&last).await.unwrap();
        drop(io);
        soon(call.body.closed()).await;
        assert!(!call.broke.load(Ordering::Relaxed));
        served.ended().await;
    }
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
    soon(call.body.closed()).await;
    assert!(!(call.broken)());
    drop((client, kept));
    soon(kept_call.body.closed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanished_is_found_within_interval_and_timeout() {
    let (mut served, mut io) = pipe(limits());
    io.write_all(REQUEST).await.unwrap();
    let call = served.call().await;
    sleep(Duration::from_secs(29)).await;
    io.write_all(&word()).await.unwrap();
    let start = Instant::now();
    soon(call.body.closed()).await;
    assert!((call.broken)());
    assert_eq!(start.elapsed().as_secs(), 50);
    served.ended().await;
}

/// What a peer can always say: here is some more room.
fn word() -> Vec<u8> {
    frame(8, 0, 0, &[0, 0, 0, 1])
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_during_the_drain_is_found_as_soon() {
    let patient = Limits {
        drain_timeout: Duration::from_secs(3_600),
        ..limits()
    };
    let (service, mut calls) = calls();
    let (mut io, far) = duplex(64 << 10);
    let accepted = (far, String::new());
    tokio::spawn(serve(accepted, service, patient, std::future::ready(())));
    io.write_all(REQUEST).await.unwrap();
    let call = soon(calls.recv()).await.expect("a call");
    soon(call.body.closed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_other_things_than_a_pong_is_kept() {
    let (mut served, mut io) = pipe(limits());
    io.write_all(REQUEST).await.unwrap();
    let call = served.call().await;
    for _ in 0..100 {
        // Pinged by then, and not given up.
        sleep(Duration::from_secs(35)).await;
        io.write_all(&word()).await.unwrap();
    }
    assert!(!call.body.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_speaks_is_not_pinged() {
    let (mut served, mut io) = pipe(limits());
    io.write_all(REQUEST).await.unwrap();
    let _call = served.call().await;
    for _ in 0..100 {
        sleep(Duration::from_secs(25)).await;
        io.write_all(&word()).await.unwrap();
    }
    let mut said = vec![0; 1 << 10];
    let len = soon(io.read(&mut said)).await.unwrap();
    let ping = [0, 0, 8, 6, 0];
    assert!(!said[..len].windows(ping.len()).any(|bytes| bytes == ping));
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
    soon(flood).await.unwrap();
    assert!(broken());
    served.ended().await;
    assert!(start.elapsed() <= Duration::from_secs(50) + LINGER);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_written_to_ends_at_once() {
    let (mut io, far) = duplex(64);
    let served = Served::new(Unwritable(far), limits());
    io.write_all(&REQUEST[..24]).await.unwrap();
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
    // Before all its pongs are more than is heard in a turn.
    let long = Duration::from_secs(7_200);
    let closed = timeout(long, call.body.closed()).await;
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
    soon(io.read_exact(&mut head)).await.unwrap();
    let mut settings = vec![0; usize::from(head[2])];
    soon(io.read_exact(&mut settings)).await.unwrap();
    let advertised = |id: u8, value: [u8; 4]| {
        let setting = [0, id, value[0], value[1], value[2], value[3]];
        settings.chunks(6).any(|chunk| chunk == setting)
    };
    assert!(advertised(3, [0, 0, 0, 77]), "MAX_CONCURRENT_STREAMS");
    assert!(advertised(4, [0, 4, 0, 0]), "INITIAL_WINDOW_SIZE");
    assert!(advertised(6, [0, 0, 0x40, 0]), "MAX_HEADER_LIST_SIZE");
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
    tokio::spawn(serve(accepted, Gate(false, service), limits(), pending()));
    Client::new(io).await.get().await.unwrap();
    assert!(soon(calls.recv()).await.is_some());
}

/// What `peer` says gets this answer, and then the end.
async fn told(peer: &[u8]) -> String {
    let (served, mut io) = pipe(limits());
    soon(io.write_all(peer)).await.unwrap();
    io.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(io.read_to_string(&mut answer)).await.unwrap();
    served.ended().await;
    answer
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_left_without_a_word() {
    for hello in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"\0",
        b"get / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/3.0\r\n\r\n",
        b" ",
        b"NOMETHODHASALONGNAMEASTHISONE",
    ] {
        assert_eq!(told(hello).await, "");
    }
}

#[tokio::test(start_paused = true)]
async fn a_preface_may_come_in_pieces() {
    let (mut served, mut io) = pipe(limits());
    for byte in REQUEST {
        io.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    served.call().await;
}

/// A body that is as the closure says.
struct Bad<F>(F);

impl<F: FnMut() -> Option<Result<Frame<Bytes>, &'static str>> + Unpin> Body for Bad<F> {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready((self.0)())
    }
}

/// Answers with what the closure makes of the path.
#[derive(Clone)]
struct ByPath<F>(F);

impl<F, A, B> Service<Request<Incoming>> for ByPath<F>
where
    F: Fn(&str) -> A,
    A: Future<Output = Result<Response<B>, Infallible>>,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = A;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> A {
        (self.0)(request.uri().path())
    }
}

fn with_path(path: &str) -> Request<()> {
    let uri = format!("http://test{path}");
    Request::get(uri).body(()).expect("a request")
}

#[tokio::test]
async fn a_stream_that_fails_or_panics_leaves_its_siblings_whole() {
    let service = ByPath(|path: &str| {
        let path = path.to_owned();
        assert_ne!(path, "/call");
        let body = Bad(move || match &*path {
            "/panic" => panic!("on purpose"),
            "/fail" => Some(Err("on purpose")),
            _ => None,
        });
        std::future::ready(Ok(Response::new(body)))
    });
    let (io, far) = duplex(64 << 10);
    tokio::spawn(serve((far, String::new()), service, limits(), pending()));
    let mut client = Client::new(io).await;
    for (path, reason) in [
        ("/panic", h2::Reason::CANCEL),
        ("/call", h2::Reason::CANCEL),
        ("/fail", h2::Reason::INTERNAL_ERROR),
    ] {
        let (response, _) = client.requests.send_request(with_path(path), true).unwrap();
        let error = match soon(response).await {
            Ok(response) => soon(response.into_body().data())
                .await
                .unwrap()
                .unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.reason(), Some(reason), "{path}");
    }
    assert!(client.get().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_client_gives_up_is_dropped() {
    struct Held(#[expect(dead_code, reason = "told by its end")] mpsc::Sender<Infallible>);
    let (held, mut dropped) = mpsc::channel(1);
    let held = std::sync::Mutex::new(Some(Held(held)));
    let held = Arc::new(held);
    let service = ByPath(move |_: &str| {
        let held = held.lock().unwrap().take();
        async move {
            let _held = held;
            pending::<Result<Response<Fed>, Infallible>>().await
        }
    });
    let (io, far) = duplex(64 << 10);
    tokio::spawn(serve((far, String::new()), service, limits(), pending()));
    let mut client = Client::new(io).await;
    let (response, mut request) = client.requests.send_request(with_path("/"), true).unwrap();
    // Until all else waits: the call has begun.
    sleep(Duration::from_millis(1)).await;
    assert!(
        dropped
            .try_recv()
            .is_err_and(|error| error == mpsc::error::TryRecvError::Empty)
    );
    request.send_reset(h2::Reason::CANCEL);
    drop(response);
    assert!(soon(dropped.recv()).await.is_none());
}

/// A client that gives each stream this many bytes.
async fn with_window(io: DuplexStream, window: u32) -> Client {
    let (requests, connection) = h2::client::Builder::new()
        .initial_window_size(window)
        .handshake(io)
        .await
        .unwrap();
    Client {
        requests,
        connection: tokio::spawn(connection),
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_not_asked_for_more_while_the_peer_has_no_room() {
    const CHUNK: usize = 1_000;
    let (mut served, io) = pipe(limits());
    let mut client = with_window(io, 10_000).await;
    let mut body = client.get().await.unwrap().into_body();
    let call = served.call().await;
    let mut taken = 0;
    let chunk = || Frame::data(Bytes::from_static(&[7; CHUNK]));
    let minute = Duration::from_secs(60);
    while let Ok(sent) = timeout(minute, call.body.send(chunk())).await {
        sent.unwrap();
        taken += CHUNK;
        // The window, what goes unasked, the piece that waits, one in the channel.
        assert!(
            taken <= 10_000 + super::super::answer::TRUST + 2 * CHUNK,
            "{taken}"
        );
    }
    let mut got = 0;
    while got < taken {
        let data = soon(body.data()).await.unwrap().unwrap();
        got += data.len();
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    timeout(minute, call.body.send(chunk()))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_holds_little_however_large_its_window() {
    const LARGEST: [u8; 4] = [0x7f, 0xff, 0, 0];
    let (mut served, mut io) = pipe(limits());
    let hello = [
        PREFACE.as_slice(),
        &frame(4, 0, 0, &[[0, 4].as_slice(), &LARGEST].concat()),
        &frame(8, 0, 0, &LARGEST),
        &frame(1, 5, 1, &[0x82, 0x86, 0x84]),
    ];
    soon(io.write_all(&hello.concat())).await.unwrap();
    let call = served.call().await;
    let chunk = Bytes::from_static(&[7; 16 << 10]);
    // The pipe, both buffers, and what is on the way between them.
    let most = (64 << 10) + limits().gather_buffer + limits().send_buffer + 3 * chunk.len();
    let moment = Duration::from_secs(1);
    let mut taken = 0;
    while let Ok(sent) = timeout(moment, call.body.send(Frame::data(chunk.clone()))).await {
        sent.unwrap();
        taken += chunk.len();
        assert!(taken <= most, "{taken}");
    }
}

/// Tells the peer and the test how long the body of a request was; answers one
/// to `/hold` never.
#[derive(Clone)]
struct Reading(mpsc::Sender<Result<usize, String>>);

impl Service<Request<Incoming>> for Reading {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let teller = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            if head.uri.path() == "/hold" {
                let _body = body;
                return pending().await;
            }
            let body = body.collect().await;
            let trailers = body.as_ref().map_or(0, |body| body.trailers().iter().len());
            let length = body.map(|body| body.to_bytes().len());
            let length = length.map_err(|error| error.to_string());
            // A test may not want to know.
            let _ = teller.try_send(length.clone());
            let told = format!("{length:?} bytes, {trailers} trailers");
            Ok(Response::new(told.into()))
        })
    }
}

/// The bytes of a stream's window.
const WINDOW: usize = STREAM_WINDOW as usize;

/// A peer of [`Reading`], and what that has heard.
fn reader() -> (
    DuplexStream,
    mpsc::Receiver<Result<usize, String>>,
    JoinHandle<()>,
) {
    let (io, far) = duplex(64 << 10);
    let (teller, heard) = mpsc::channel(1);
    let serving = serve((far, String::new()), Reading(teller), limits(), pending());
    (io, heard, tokio::spawn(serving))
}

/// Sends so many bytes to a path, and has what comes of the answer.
fn post(client: &mut Client, path: &str, bytes: usize) -> impl Future<Output = Bytes> + use<> {
    let request = with_path(path);
    let (response, mut body) = client.requests.send_request(request, false).unwrap();
    body.send_data(vec![7; bytes].into(), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("sum", "7".parse().unwrap());
    body.send_trailers(trailers).unwrap();
    async {
        let mut body = soon(response).await.unwrap().into_body();
        soon(body.data())
            .await
            .map_or_else(Bytes::new, Result::unwrap)
    }
}

#[tokio::test]
async fn a_request_many_times_its_window_is_heard_whole() {
    let (io, _heard, _) = reader();
    let mut client = Client::new(io).await;
    let told = post(&mut client, "/", 20 * WINDOW).await;
    assert_eq!(told, format!("Ok({}) bytes, 1 trailers", 20 * WINDOW));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_has_ended_and_one_that_failed_has_not() {
    for (reason, is_ended) in [
        (h2::Reason::CANCEL, true),
        (h2::Reason::NO_ERROR, true),
        (h2::Reason::INTERNAL_ERROR, false),
    ] {
        let (io, mut heard, _) = reader();
        let mut client = Client::new(io).await;
        let (_response, mut body) = client.requests.send_request(with_path("/"), false).unwrap();
        body.send_data("7".into(), false).unwrap();
        // Until all else waits: it is heard.
        sleep(Duration::from_millis(1)).await;
        body.send_reset(reason);
        let heard = soon(heard.recv()).await.unwrap();
        assert_eq!(heard == Ok(1), is_ended, "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_request_of_http_1_that_was_read_the_connection_ends_at_once() {
    let (mut io, _heard, serving) = reader();
    let start = Instant::now();
    let post = b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 3\r\n\r\nall";
    io.write_all(post).await.unwrap();
    let mut answer = String::new();
    soon(io.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.contains("\r\ncontent-length: 23\r\n"), "{answer}");
    assert!(answer.ends_with("Ok(3) bytes, 0 trailers"), "{answer}");
    soon(serving).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn requests_whose_bodies_wait_leave_room_for_others() {
    let (io, _heard, _) = reader();
    let mut client = Client::new(io).await;
    let held: Vec<_> = (0..40)
        .map(|_| tokio::spawn(post(&mut client, "/hold", 2 * WINDOW)))
        .collect();
    assert_eq!(post(&mut client, "/", 1).await, "Ok(1) bytes, 1 trailers");
    held.iter().for_each(JoinHandle::abort);
}

/// Whether a connection lives on which a stream's window is full of messages of
/// so many bytes that nobody reads.
async fn outlives(message: usize) -> bool {
    let (mut io, _heard, _) = reader();
    let hello = [PREFACE.as_slice(), &frame(4, 0, 0, &[])].concat();
    soon(io.write_all(&hello)).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(io);
    // Its settings, after which a stream has the window that they say.
    soon(heard_frame(&mut reader)).await;
    let held = [&[0x83, 0x86, 4, 5], b"/hold".as_slice()].concat();
    let mut bytes = [frame(4, 1, 0, &[]), frame(1, 4, 1, &held)].concat();
    for _ in 0..WINDOW / message {
        bytes.extend(frame(0, 0, 1, &vec![7; message]));
    }
    bytes.extend(frame(1, 5, 3, &[0x82, 0x86, 0x84]));
    tokio::spawn(async move { writer.write_all(&bytes).await });
    loop {
        match soon(heard_frame(&mut reader)).await {
            (7, _) => return false,
            (1, 3) => return true,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_stream_s_window_of_the_smallest_messages_may_wait_unread() {
    assert!(outlives(12).await);
    assert!(!outlives(6).await, "of what says nothing there is a bound");
}

/// The type and the stream of the next frame.
async fn heard_frame(io: &mut (impl AsyncRead + Unpin)) -> (u8, u32) {
    let mut head = [0; 9];
    io.read_exact(&mut head).await.unwrap();
    let [a, b, c, kind, _, stream @ ..] = head;
    let length = u32::from_be_bytes([0, a, b, c]) as usize;
    io.read_exact(&mut vec![0; length]).await.unwrap();
    (kind, u32::from_be_bytes(stream))
}

#[tokio::test(start_paused = true)]
async fn trailers_need_no_room() {
    let (mut served, io) = pipe(limits());
    let mut client = with_window(io, 10).await;
    let mut body = client.get().await.unwrap().into_body();
    let call = served.call().await;
    let data = Frame::data(Bytes::from_static(b"ten bytes!"));
    soon(call.body.send(data)).await.unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    soon(call.body.send(Frame::trailers(trailers)))
        .await
        .unwrap();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "ten bytes!");
    assert!(soon(body.trailers()).await.unwrap().is_some());
}

/// A frame of this type and these flags, on a stream.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Whether a peer that does `misdeed` on one stream after the other, so often,
/// loses its connection for it.
async fn is_sent_away(times: u32, misdeed: impl Fn(u32) -> Vec<u8>) -> bool {
    let (served, io) = pipe(limits());
    let mut bytes = [PREFACE.as_slice(), &frame(4, 0, 0, &[])].concat();
    for stream in (1..).step_by(2).take(times as usize) {
        bytes.extend(frame(1, 5, stream, &[0x82, 0x86, 0x84]));
        bytes.extend(misdeed(stream));
    }
    let (mut reader, mut writer) = tokio::io::split(io);
    tokio::spawn(async move {
        writer.write_all(&bytes).await?;
        writer.shutdown().await
    });
    let mut answer = Vec::new();
    soon(reader.read_to_end(&mut answer)).await.unwrap();
    served.ended().await;
    // GOAWAY with ENHANCE_YOUR_CALM.
    answer.windows(17).any(|bytes| {
        bytes[3] == 7 && bytes[..3] == [0, 0, bytes[2]] && bytes[13..17] == [0, 0, 0, 11]
    })
}

#[tokio::test]
async fn a_peer_that_resets_what_was_not_accepted_is_sent_away() {
    let reset = |stream| frame(3, 0, stream, &[0, 0, 0, 8]);
    assert!(!is_sent_away(200, reset).await);
    assert!(is_sent_away(400, reset).await);
}

#[tokio::test]
async fn a_peer_that_makes_many_streams_fail_is_sent_away() {
    // A window beyond what one may be is an error of its stream.
    let excess = |stream| frame(8, 0, stream, &[0x7f, 0xff, 0xff, 0xff]);
    assert!(!is_sent_away(100, excess).await);
    assert!(is_sent_away(1_200, excess).await);
}

/// Counts the streams that wait for their first turn, and how many did at most.
#[derive(Default)]
struct Waiting {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Each stream that is opened is given one, and calls it at its first turn.
struct Turned(Arc<Waiting>);

impl Clone for Turned {
    fn clone(&self) -> Self {
        let now = self.0.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most.fetch_max(now, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Service<Request<Incoming>> for Turned {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn a_peer_that_opens_many_streams_is_one_read_ahead_of_their_turns() {
    const READ: usize = 8 << 10;
    let request = |stream| frame(1, 5, stream, &[0x82, 0x86, 0x84]);
    let most = READ / request(1).len() + 1;
    let mut bytes = [PREFACE.as_slice(), &frame(4, 0, 0, &[])].concat();
    for stream in (1..).step_by(2).take(4 * most) {
        bytes.extend(request(stream));
    }
    let (io, far) = duplex(bytes.len());
    let waiting = Arc::<Waiting>::default();
    let limits = Limits {
        connection_streams: 10_000,
        ..limits()
    };
    let service = Turned(Arc::clone(&waiting));
    let serving = tokio::spawn(serve((far, String::new()), service, limits, pending()));
    let (mut reader, mut writer) = tokio::io::split(io);
    writer.write_all(&bytes).await.unwrap();
    writer.shutdown().await.unwrap();
    soon(reader.read_to_end(&mut Vec::new())).await.unwrap();
    soon(serving).await.unwrap();
    let waited = waiting.most.load(Ordering::Relaxed);
    assert!(most / 2 < waited && waited <= most, "{waited}");
}
