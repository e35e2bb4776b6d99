//! How streams end, and that they live until then.

use std::time::Duration;

use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{Closing, ClosingReason, Position, Ready, SubscribeRequest};
use http::Request;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::support::{node, reason, send, sequence, subscribe_ready, text, to};
use crate::wire_support::{Stream, Wire, framed, node_with, request, retry_delay};

/// More than a busy machine takes to wake a task.
const SLACK: Duration = Duration::from_millis(400);

fn with_timeout(timeout: &str) -> Request<()> {
    let mut request = request("Subscribe");
    let timeout = timeout.parse().unwrap();
    request.headers_mut().insert("grpc-timeout", timeout);
    request
}

/// The frames until `closing`, which is the last, and the status after it.
async fn closing(stream: &mut Stream) -> (Vec<Frame>, Closing, Status) {
    let mut frames = Vec::new();
    loop {
        match stream.frame().await {
            Frame::Closing(closing) => return (frames, closing, stream.status().await),
            frame => frames.push(frame),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_s_deadline_ends_a_stream_with_its_reason() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    for timeout in ["300m", "300000u", "300000n"] {
        let start = Instant::now();
        let mut stream = wire
            .subscribe(with_timeout(timeout), framed(&to(["a"])))
            .await;
        let (frames, closing, status) = closing(&mut stream).await;
        assert!(matches!(frames[..], [Frame::Ready(_)]), "{frames:?}");
        assert_eq!(closing.reason(), ClosingReason::Deadline);
        assert_eq!(closing.retry_after, None);
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        let patient = timeout == "300000n" || start.elapsed() >= Duration::from_millis(300);
        assert!(patient && start.elapsed() < Duration::from_millis(300) + SLACK);
        node.until("the member leaves", |counts| counts.streams == 0)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_far_away_or_unreadable_ends_nothing() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let mut client = node.client().await;
    for timeout in ["99999999H", "1M", "123456789S", "m", "abc", "-1S", ""] {
        let mut stream = wire
            .subscribe(with_timeout(timeout), framed(&to(["a"])))
            .await;
        assert!(matches!(stream.frame().await, Frame::Ready(_)));
        let sent = send(&mut client, text("a", "e", "")).await;
        let Frame::Event(event) = stream.frame().await else {
            panic!("an event, not the end: {timeout}")
        };
        assert_eq!(event.sequence, sequence(&sent));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_closed_at_its_age_and_told_when_to_come_back() {
    let age = Duration::from_millis(300);
    let node = node_with(|config| config.rpc.stream_age = age).await;
    let wire = Wire::new(&node).await;
    let start = Instant::now();
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(
            wire.subscribe(request("Subscribe"), framed(&to(["a"])))
                .await,
        );
    }
    let mut delays = Vec::new();
    for stream in &mut streams {
        let (_, closing, status) = closing(stream).await;
        assert_eq!(closing.reason(), ClosingReason::MaxAge);
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "DRAINING")
        );
        let delay = Duration::try_from(closing.retry_after.unwrap()).unwrap();
        assert_eq!(delay, retry_delay(&status), "one hint, told twice");
        delays.push(delay);
    }
    let taken = start.elapsed();
    assert!(
        age.mul_f64(0.9) <= taken && taken < age.mul_f64(1.1) + SLACK,
        "{taken:?}"
    );
    delays.dedup();
    assert!(delays.len() > 1, "not all at once: {delays:?}");
    node.until("the members leave", |counts| counts.streams == 0)
        .await;
}

fn position(frame: Frame) -> Position {
    match frame {
        Frame::Heartbeat(heartbeat) => {
            assert!(heartbeat.time.is_some());
            heartbeat.position.expect("a position")
        }
        other => panic!("not a heartbeat: {other:?}"),
    }
}

fn beating(seconds: i64, request: SubscribeRequest) -> SubscribeRequest {
    let interval = prost_types::Duration { seconds, nanos: 0 };
    SubscribeRequest {
        heartbeat_interval: Some(interval),
        ..request
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_come_in_time_and_tell_a_position_that_is_true() {
    let node = node().await;
    let mut client = node.client().await;
    let mut open = Vec::new();
    for channels in [&["a"][..], &[]] {
        let request = beating(1, to(channels.iter().copied()));
        open.push(subscribe_ready(&mut client, request).await);
    }
    let mut last = 0;
    for channel in ["a", "elsewhere", "a", "elsewhere"] {
        last = sequence(&send(&mut client, text(channel, "e", "")).await);
    }
    let beats = open.into_iter().map(|(ready, mut frames)| async move {
        let interval = ready.heartbeat_interval.unwrap();
        assert_eq!((interval.seconds, interval.nanos), (1, 0));
        let epoch = ready.position.unwrap().epoch;
        let mut beats = 0;
        while beats < 3 {
            let start = Instant::now();
            let frame = frames.next().await.unwrap();
            assert!(start.elapsed() < Duration::from_secs(1) + SLACK);
            if matches!(frame, Frame::Event(_)) {
                continue;
            }
            let expected = Position {
                epoch: epoch.clone(),
                sequence: last,
            };
            assert_eq!(position(frame), expected, "settled");
            beats += 1;
        }
    });
    let mut beating = tokio::task::JoinSet::new();
    beats.for_each(|beats| drop(beating.spawn(beats)));
    beating.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_told_while_events_come_is_never_past_one_to_come() {
    let node = node().await;
    let mut client = node.client().await;
    let (_, mut frames) = subscribe_ready(&mut client, beating(1, to(["a"]))).await;
    let mut sender = node.client().await;
    let sending = tokio::spawn(async move {
        let end = Instant::now() + Duration::from_secs(3);
        let mut last = 0;
        while Instant::now() < end {
            // Mostly elsewhere, so that heartbeats are due between events.
            let channel = if last % 50 == 0 { "a" } else { "elsewhere" };
            last = sequence(&send(&mut sender, text(channel, "e", "")).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        send(&mut sender, text("a", "e", "")).await;
    });
    let (mut told, mut heartbeats) = (0, 0);
    while !sending.is_finished() {
        match frames.next().await.unwrap() {
            Frame::Event(event) => {
                assert!(event.sequence > told, "told to be past it");
                told = event.sequence;
            }
            beat => {
                let position = position(beat).sequence;
                assert!(position >= told, "a position only rises");
                (told, heartbeats) = (position, heartbeats + 1);
            }
        }
    }
    assert!(heartbeats > 0, "there were some to look at");
    sending.await.unwrap();
}

#[tokio::test]
async fn ready_tells_the_heartbeat_interval_in_force() {
    let node = node_with(|config| config.rpc.heartbeat = Duration::from_secs(7)).await;
    let mut client = node.client().await;
    let asked = [
        (to(["a"]), 7),
        (beating(1, to(["a"])), 1),
        (beating(300, to(["a"])), 300),
    ];
    for (request, seconds) in asked {
        let (ready, _) = subscribe_ready(&mut client, request).await;
        let Ready {
            heartbeat_interval, ..
        } = ready;
        assert_eq!(heartbeat_interval.unwrap().seconds, seconds);
    }
}
