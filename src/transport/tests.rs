use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::refusal::ANSWERED;
use super::testing::{Client, REQUEST, Server, calls, limits, pipes, refuse, soon};
use super::*;

fn at_most(connections: usize) -> Limits {
    Limits {
        connections,
        ..limits()
    }
}

fn trailers() -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "14".parse().unwrap());
    Frame::trailers(trailers)
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_streams_end_and_then_ends_each_connection() {
    let mut server = Server::start(limits());
    let mut client = server.client().await;
    let mut body = client.get().await.unwrap().into_body();
    let call = server.call().await;
    let (task, listening) = server.stop();
    soon(listening.closed()).await;
    assert!(!task.is_finished());

    soon(call.body.send(Frame::data("last".into())))
        .await
        .unwrap();
    soon(call.body.send(trailers())).await.unwrap();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "last");
    assert_eq!(
        soon(body.trailers()).await.unwrap().unwrap()["grpc-status"],
        "14"
    );
    soon(task).await.unwrap();
    soon(client.connection).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_tells_idle_connections_and_waits_for_none_of_them() {
    let mut server = Server::start(limits());
    let mut client = server.client().await;
    let mut body = client.get().await.unwrap().into_body();
    drop(server.call().await);
    assert!(soon(body.data()).await.unwrap().unwrap().is_empty());
    let start = Instant::now();
    let (task, _listening) = server.stop();
    soon(task).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    soon(client.connection).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn streams_that_outlast_the_drain_are_cut_and_gone_when_serve_returns() {
    let mut server = Server::start(limits());
    let mut client = server.client().await;
    let mut body = client.get().await.unwrap().into_body();
    let call = server.call().await;
    let mut other = server.client().await;
    let _unread = other.get().await.unwrap();
    let flood = tokio::spawn(server.call().await.flood());
    let start = Instant::now();
    let (task, _listening) = server.stop();
    soon(task).await.unwrap();
    assert!(call.body.is_closed());
    assert_eq!(start.elapsed(), limits().drain_timeout);
    assert!(soon(body.data()).await.unwrap().is_err());
    soon(flood).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_body_that_is_being_polled_is_waited_for() {
    let (polled, mut is_polled) = mpsc::channel(1);
    let (release, held) = std::sync::mpsc::channel();
    let held = Arc::new(Mutex::new(held));
    let service = Bodies(move || {
        Response::new(Stuck {
            polled: polled.clone(),
            held: Arc::clone(&held),
        })
    });
    let respond = service.0.clone();
    let refusal = move |_: &Request<Incoming>| respond();
    let (pipes, listener) = pipes();
    let (shutdown, asked) = oneshot::channel::<()>();
    let asked = async move { drop(asked.await) };
    let brief = Limits {
        drain_timeout: Duration::from_millis(1),
        ..limits()
    };
    let mut task = tokio::spawn(serve(listener, service, refusal, brief, asked));
    let (io, far) = duplex(64 << 10);
    pipes.send(far).await.unwrap();
    let mut client = Client::new(io).await;
    // The body holds up its connection, so the answer does not come.
    let _asking = tokio::spawn(async move { client.get().await });
    soon(is_polled.recv()).await.unwrap();
    shutdown.send(()).unwrap();
    let while_held = tokio::time::timeout(Duration::from_millis(200), &mut task).await;
    assert!(while_held.is_err());
    drop(release);
    soon(task).await.unwrap();
}

/// A body whose first poll does not return until the test lets it.
struct Stuck {
    polled: mpsc::Sender<()>,
    held: Arc<Mutex<std::sync::mpsc::Receiver<()>>>,
}

impl Body for Stuck {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // Polls after the first find nobody who listens, or holds them up.
        let _ = self.polled.try_send(());
        let held = self.held.lock().unwrap();
        let _ = tokio::task::block_in_place(|| held.recv());
        drop(held);
        Poll::Pending
    }
}

/// Answers every request with what the closure makes.
#[derive(Clone)]
struct Bodies<F>(F);

impl<F: Fn() -> Response<Stuck>> Service<Request<Incoming>> for Bodies<F> {
    type Response = Response<Stuck>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Stuck>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        ready(Ok((self.0)()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_in_its_handshake_is_told_of_the_shutdown_too() {
    let server = Server::start(limits());
    let mut io = server.connect().await;
    io.write_all(&REQUEST[..10]).await.unwrap();
    // Until all else waits: it has been accepted.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let (task, listening) = server.stop();
    soon(listening.closed()).await;
    io.write_all(&REQUEST[10..24 + 9]).await.unwrap();
    let mut answer = Vec::new();
    let read = io.read_to_end(&mut answer);
    // Nobody answers the ping that goes with GOAWAY, so the drain runs out.
    soon(read).await.unwrap();
    let goaway = [
        0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0,
    ];
    assert!(answer.windows(goaway.len()).any(|bytes| bytes == goaway));
    soon(task).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_listener_that_fails() {
    struct Failing;
    impl Listener for Failing {
        type Io = DuplexStream;
        async fn accept(&mut self) -> io::Result<(DuplexStream, String)> {
            Err(io::Error::other("no descriptors"))
        }
    }
    let start = Instant::now();
    let due = Duration::from_millis(2_500);
    let shutdown = tokio::time::sleep(due);
    soon(serve(Failing, calls().0, refuse, limits(), shutdown)).await;
    assert_eq!(start.elapsed(), due);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_does_not_hold_up_a_shutdown() {
    let server = Server::start(limits());
    let _io = server.connect().await;
    let _second = server.connect().await;
    let start = Instant::now();
    let (task, _listening) = server.stop();
    soon(task).await.unwrap();
    assert_eq!(start.elapsed(), connection::LATE_HANDSHAKE);
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_the_limit_is_refused_and_told_to_go() {
    let mut server = Server::start(at_most(1));
    let mut first = server.client().await;
    let mut second = server.client().await;
    let refusal = second.get().await.unwrap();
    assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
    let start = Instant::now();
    soon(second.connection).await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);

    assert_eq!(first.get().await.unwrap().status(), StatusCode::OK);
    server.call().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_makes_room_for_another() {
    let mut server = Server::start(at_most(1));
    let mut first = server.client().await;
    first.get().await.unwrap();
    server.call().await;
    first.connection.abort();
    let mut tries = 0;
    loop {
        let mut next = server.client().await;
        if next.get().await.unwrap().status() == StatusCode::OK {
            break;
        }
        tries += 1;
        assert!(tries < 50, "no room");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_that_asks_nothing_is_told_to_go_as_well() {
    let server = Server::start(at_most(0));
    let client = server.client().await;
    let start = Instant::now();
    soon(client.connection).await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn connections_beyond_those_that_are_refused_are_dropped() {
    let server = Server::start(at_most(0));
    let mut refused = Vec::new();
    for _ in 0..ANSWERED {
        refused.push(server.client().await);
    }
    let mut dropped = server.connect().await;
    assert_eq!(soon(dropped.read(&mut [0])).await.unwrap(), 0);
    for mut client in refused {
        let status = client.get().await.unwrap().status();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_connections_that_have_gone_make_room_for_others() {
    let server = Server::start(at_most(0));
    for _ in 0..=ANSWERED {
        let mut client = server.client().await;
        let status = client.get().await.unwrap().status();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        soon(client.connection).await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_drained_for_less_long() {
    let server = Server::start(at_most(0));
    let mut io = server.connect().await;
    io.write_all(REQUEST).await.unwrap();
    let start = Instant::now();
    // Nobody answers the ping that goes with GOAWAY, so the drain runs out.
    soon(io.read_to_end(&mut Vec::new())).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_told_of_the_shutdown_too() {
    let server = Server::start(at_most(0));
    let _io = server.connect().await;
    let _second = server.connect().await;
    let start = Instant::now();
    let (task, _listening) = server.stop();
    soon(task).await.unwrap();
    assert_eq!(start.elapsed(), connection::LATE_HANDSHAKE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_tcp_serves_many_streams_and_shuts_down() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (service, mut calls) = calls();
    let (shutdown, asked) = oneshot::channel::<()>();
    let asked = async move { drop(asked.await) };
    let task = tokio::spawn(serve(listener, service, refuse, limits(), asked));
    let mut client = Client::new(TcpStream::connect(address).await.unwrap()).await;
    let mut bodies = Vec::new();
    for number in 0..100 {
        let body = client.get().await.unwrap().into_body();
        let call = soon(calls.recv()).await.unwrap();
        let chunk = Bytes::from(vec![number; 3_000]);
        soon(call.body.send(Frame::data(chunk.clone())))
            .await
            .unwrap();
        bodies.push((body, call, chunk));
    }
    shutdown.send(()).unwrap();
    for (mut body, call, chunk) in bodies {
        let mut got = Vec::new();
        while got.len() < chunk.len() {
            got.extend(soon(body.data()).await.unwrap().unwrap());
        }
        assert_eq!(got, chunk);
        soon(call.body.send(trailers())).await.unwrap();
        assert!(soon(body.trailers()).await.unwrap().is_some());
    }
    soon(task).await.unwrap();
    soon(client.connection).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
