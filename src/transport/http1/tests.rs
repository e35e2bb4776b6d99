use bytes::Bytes;
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use super::*;
use crate::transport::peer::TURN;
use crate::transport::testing::{Server, limits, soon};

const GET: &str = "GET / HTTP/1.1\r\nhost: node\r\n\r\n";

/// How long a connection may say nothing.
fn patience() -> Duration {
    limits().keepalive_interval + limits().keepalive_timeout
}

async fn say(io: &mut DuplexStream, text: &str) {
    io.write_all(text.as_bytes()).await.unwrap();
}

/// What comes, up to and with `end`.
async fn until(io: &mut DuplexStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        text.push(soon(io.read_u8()).await.expect(end));
    }
    String::from_utf8(text).unwrap()
}

/// What comes, to the end of the connection.
async fn rest(io: &mut DuplexStream) -> String {
    let mut text = Vec::new();
    soon(io.read_to_end(&mut text)).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn requests_of_http_1_are_answered_one_after_the_other() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    for _ in 0..3 {
        say(&mut io, GET).await;
        let call = server.call().await;
        let head = until(&mut io, "\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for part in ["first", "later"] {
            soon(call.body.send(Frame::data(part.into())))
                .await
                .unwrap();
            assert_eq!(until(&mut io, "\r\n").await, "5\r\n");
            assert_eq!(until(&mut io, "\r\n").await, format!("{part}\r\n"));
        }
        drop(call);
        assert_eq!(until(&mut io, "0\r\n\r\n").await, "0\r\n\r\n");
    }
}

#[tokio::test]
async fn many_small_requests_are_more_than_is_heard_at_once() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    for _ in 0..2 * TURN / GET.len() {
        say(&mut io, GET).await;
        drop(server.call().await);
        until(&mut io, "0\r\n\r\n").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_may_come_byte_by_byte() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    for byte in GET.bytes() {
        io.write_u8(byte).await.unwrap();
        tokio::task::yield_now().await;
    }
    server.call().await;
    until(&mut io, "200 OK").await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_nothing_more_ends() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    drop(server.call().await);
    until(&mut io, "0\r\n\r\n").await;
    let start = Instant::now();
    assert_eq!(rest(&mut io).await, "");
    assert_eq!(start.elapsed(), patience());
}

#[tokio::test(start_paused = true)]
async fn headers_that_trickle_end_their_connection() {
    let server = Server::start(limits());
    let (mut hearing, mut saying) = tokio::io::split(server.connect().await);
    let start = Instant::now();
    saying.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let trickle = tokio::spawn(async move {
        while saying.write_all(b"a: b\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    });
    soon(hearing.read_to_end(&mut Vec::new())).await.unwrap();
    assert_eq!(start.elapsed(), patience());
    drop(hearing);
    soon(trickle).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn headers_beyond_their_limits_are_refused() {
    let large = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(17 << 10));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    for request in [large, many] {
        let server = Server::start(limits());
        let mut io = server.connect().await;
        say(&mut io, &request).await;
        let answer = rest(&mut io).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_off_ends_its_connection() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let call = server.call().await;
    until(&mut io, "\r\n\r\n").await;
    (call.cut)();
    assert_eq!(rest(&mut io).await, "");
    soon(call.body.closed()).await;
    assert!((call.broken)());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_off_while_its_peer_takes_nothing_ends_at_once() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let call = server.call().await;
    let cut = Cut::clone(&call.cut);
    let flood = tokio::spawn(call.flood());
    // Until all else waits: there is no more room.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let start = Instant::now();
    cut();
    soon(flood).await.unwrap();
    let (task, _listening) = server.stop();
    soon(task).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stream_can_be_cut_off_during_the_drain() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let call = server.call().await;
    until(&mut io, "\r\n\r\n").await;
    let start = Instant::now();
    let (task, listening) = server.stop();
    soon(listening.closed()).await;
    // Until all else waits: the connection drains.
    tokio::time::sleep(Duration::from_millis(1)).await;
    (call.cut)();
    soon(task).await.unwrap();
    assert!(start.elapsed() < limits().drain_timeout);
}

#[tokio::test]
async fn a_request_may_be_larger_than_is_heard_at_once() {
    let mut server = Server::start(limits());
    let (mut hearing, mut saying) = tokio::io::split(server.connect().await);
    let length = 10 << 20;
    let post = format!("POST / HTTP/1.1\r\nhost: node\r\ncontent-length: {length}\r\n\r\n");
    let said = tokio::spawn(async move {
        saying.write_all(post.as_bytes()).await?;
        saying.write_all(&vec![7; length]).await
    });
    // Answered, and the rest of it heard out.
    drop(server.call().await);
    soon(said).await.unwrap().unwrap();
    let mut answer = String::new();
    soon(hearing.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn a_request_without_end_is_not_heard_out() {
    let mut server = Server::start(limits());
    let (mut hearing, mut saying) = tokio::io::split(server.connect().await);
    let said = tokio::spawn(async move {
        let head = "POST / HTTP/1.1\r\nhost: node\r\ncontent-length: 1000000000000\r\n\r\n";
        saying.write_all(head.as_bytes()).await.unwrap();
        let (mut said, chunk) = (0, vec![7; 64 << 10]);
        while said < 3 * HEARD && saying.write_all(&chunk).await.is_ok() {
            said += 64 << 10;
        }
        said
    });
    drop(server.call().await);
    hearing.read_to_end(&mut Vec::new()).await.ok();
    assert!(soon(said).await.unwrap() < 2 * HEARD);
}

#[tokio::test(start_paused = true)]
async fn a_cut_that_comes_late_harms_no_later_stream() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let first = server.call().await;
    let late = Cut::clone(&first.cut);
    drop(first);
    until(&mut io, "0\r\n\r\n").await;
    say(&mut io, GET).await;
    let second = server.call().await;
    until(&mut io, "\r\n\r\n").await;
    late();
    tokio::time::sleep(Duration::from_millis(1)).await;
    soon(second.body.send(Frame::data("on".into())))
        .await
        .unwrap();
    assert_eq!(until(&mut io, "on\r\n").await, "2\r\non\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_leaves_has_its_body_dropped() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let call = server.call().await;
    until(&mut io, "\r\n\r\n").await;
    assert!(!(call.broken)());
    drop(io);
    soon(call.body.closed()).await;
    assert!((call.broken)());
    assert!(call.broke.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_holds_little_and_is_cut_off() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let call = server.call().await;
    let start = Instant::now();
    let chunk = Bytes::from_static(&[7; 16 << 10]);
    let mut taken = 0;
    while soon(call.body.send(Frame::data(chunk.clone())))
        .await
        .is_ok()
    {
        taken += chunk.len();
    }
    assert_eq!(start.elapsed(), patience());
    // The pipe, both buffers, and what is on the way between them.
    let most = (64 << 10) + limits().gather_buffer + limits().send_buffer + 3 * chunk.len();
    assert!(taken <= most, "{taken}");
    drop(io);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_the_answer_end_and_closes() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    let mut idle = server.connect().await;
    for io in [&mut io, &mut idle] {
        say(io, GET).await;
    }
    let (call, other) = (server.call().await, server.call().await);
    drop(other);
    until(&mut io, "\r\n\r\n").await;
    until(&mut idle, "0\r\n\r\n").await;
    let start = Instant::now();
    let (task, _listening) = server.stop();
    assert_eq!(rest(&mut idle).await, "");
    soon(call.body.send(Frame::data("last".into())))
        .await
        .unwrap();
    drop(call);
    assert_eq!(rest(&mut io).await, "4\r\nlast\r\n0\r\n\r\n");
    soon(task).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_being_asked_at_a_shutdown_is_answered_and_nothing_after_it() {
    let server = Server::start(limits());
    let mut io = server.connect().await;
    io.write_all(&GET.as_bytes()[..3]).await.unwrap();
    // Until all else waits: it has been accepted.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let (task, listening) = server.stop();
    soon(listening.closed()).await;
    io.write_all(&GET.as_bytes()[3..]).await.unwrap();
    let answer = rest(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    soon(task).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_outlasts_the_drain_is_cut() {
    let mut server = Server::start(limits());
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let call = server.call().await;
    let start = Instant::now();
    let (task, _listening) = server.stop();
    soon(task).await.unwrap();
    assert_eq!(start.elapsed(), limits().drain_timeout);
    assert!(call.body.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_http_1_over_the_limit_is_refused() {
    let server = Server::start(Limits {
        connections: 0,
        ..limits()
    });
    let mut io = server.connect().await;
    say(&mut io, GET).await;
    let answer = rest(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}
