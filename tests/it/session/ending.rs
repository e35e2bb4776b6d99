//! How a session ends, and what it never does.

use std::future::poll_fn;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fanfare::rpc::client::{
    ClosingReason, Reply, SessionRequest, SessionResponse, SubscribeRequest, Unsubscribe, reply,
    session_request::Request, session_response::Frame,
};
use h2::{RecvStream, SendStream};
use http::HeaderMap;
use prost::Message;
use tonic::{Code, Status};

use super::Session;
use crate::support::{assert_refused, node, reason, sequence, text, to, until};
use crate::wire_support::{Wire, framed, node_with, prefixed, request};

/// For so long a peer that could take something would.
const STILL: Duration = Duration::from_millis(500);

fn asking(id: u64, request: Request) -> SessionRequest {
    SessionRequest {
        id,
        request: Some(request),
    }
}

#[tokio::test]
async fn a_session_that_has_subscribed_goes_on_when_it_has_no_more_requests() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    session.subscribe(to(["a"])).await;
    session.finish();
    crate::support::send(&mut client, text("a", "e", "x")).await;
    assert_eq!(session.event().await.channel, "a");
}

#[tokio::test]
async fn a_ready_comes_before_what_comes_at_once_with_it() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let mut all = to(["a"]);
    all.subscriptions[0].echo = true;
    let requests = [
        asking(1, Request::Subscribe(all)),
        asking(2, Request::Send(text("a", "e", "x"))),
        asking(3, Request::Unsubscribe(Unsubscribe::default())),
    ];
    let body = requests.map(|request| framed(&request)).concat().into();
    let response = wire.send(request("Session"), body).await.unwrap();
    let mut answers = response.await.unwrap().into_body();
    let mut bytes = Vec::new();
    let mut kinds = Vec::new();
    while kinds.len() < 4 {
        bytes.extend_from_slice(&answers.data().await.unwrap().unwrap());
        kinds = frames(&bytes)
            .map(|frame| match frame {
                Frame::Reply(reply) => reply.id,
                Frame::Event(_) => 0,
                other => panic!("{other:?}"),
            })
            .collect();
    }
    let place = |kind| kinds.iter().position(|other| *other == kind).unwrap();
    assert!(place(1) < place(0), "{kinds:?}");
    assert!(place(1) < place(2) && place(2) < place(3), "{kinds:?}");
}

/// The first whole message of a body that holds an event.
async fn event_of(mut body: RecvStream) -> Bytes {
    let mut bytes = BytesMut::new();
    loop {
        while let Some(len) = bytes.get(1..5) {
            let len = 5 + u32::from_be_bytes(len.try_into().unwrap()) as usize;
            if bytes.len() < len {
                break;
            }
            let message = bytes.split_to(len).freeze();
            let frame = SessionResponse::decode(&message[5..]).unwrap().frame;
            if let Some(Frame::Event(_)) = frame {
                return message;
            }
        }
        bytes.extend_from_slice(&body.data().await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn an_event_is_the_same_bytes_on_a_session_as_on_a_subscription() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let asked = framed(&to(["a"]));
    let subscription = wire.send(request("Subscribe"), asked).await.unwrap();
    let subscription = subscription.await.unwrap().into_body();
    let asked = framed(&asking(1, Request::Subscribe(to(["a"]))));
    let session = wire.send(request("Session"), asked).await.unwrap();
    let session = session.await.unwrap().into_body();
    node.until("both are there", |counts| counts.subscriptions == 2)
        .await;
    crate::support::send(&mut node.client().await, text("a", "e", "x")).await;
    assert_eq!(event_of(session).await, event_of(subscription).await);
}

#[tokio::test]
async fn a_request_of_a_later_version_is_answered_by_its_id() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    // Its id is 7, and it holds field 9.
    let body = prefixed(0, b"\x08\x07\x4a\x00");
    let response = wire.send(request("Session"), body).await.unwrap();
    let (replies, trailers) = read_whole(response.await.unwrap().into_body()).await;
    let [reply] = &replies[..] else {
        panic!("{replies:?}")
    };
    let Some(reply::Result::Error(error)) = &reply.result else {
        panic!("{reply:?}")
    };
    assert_eq!(
        (reply.id, error.code),
        (7, i32::from(Code::Unimplemented)),
        "{error:?}"
    );
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn what_is_not_protobuf_ends_a_session_after_its_replies() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let good = framed(&asking(1, Request::Send(text("a", "e", "x"))));
    let bad = prefixed(0, b"\x08\x02\x2a\x04\x0a\x02\xff\xfe");
    let body: Bytes = [good, bad].concat().into();
    let response = wire.send(request("Session"), body).await.unwrap();
    let response = response.await.unwrap();
    let (replies, trailers) = read_whole(response.into_body()).await;
    let status = Status::from_header_map(&trailers).unwrap();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert_eq!(reason(&status), "INVALID_CHANNEL");
    assert!(status.message().starts_with("send.channel: "), "{status:?}");
    assert_eq!(
        replies.iter().map(|reply| reply.id).collect::<Vec<_>>(),
        [1]
    );
}

#[tokio::test]
async fn a_body_that_is_no_messages_ends_a_session_after_its_replies() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let good = framed(&asking(1, Request::Send(text("a", "e", "x"))));
    for (bad, says) in [
        (prefixed(1, &good[5..]), "compressed"),
        (prefixed(2, &good[5..]), "compression flag 2"),
        (Bytes::from_static(b"\0\xff\xff\xff\xff"), "the limit is "),
        (good.slice(..3), "ends after 3 bytes"),
        (good.slice(..5), "ends after 5 bytes"),
        (good.slice(..good.len() - 1), "ends after "),
    ] {
        let body = [&good[..], &bad].concat().into();
        let response = wire.send(request("Session"), body).await.unwrap();
        let (replies, trailers) = read_whole(response.await.unwrap().into_body()).await;
        let status = Status::from_header_map(&trailers).unwrap();
        assert_refused(&status, Code::InvalidArgument, "INVALID_REQUEST", "");
        assert!(status.message().contains(says), "{says:?}: {status:?}");
        assert_eq!(replies.len(), 1, "{says}");
    }
}

#[tokio::test]
async fn requests_are_the_same_wherever_the_frames_that_bring_them_are_cut() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let (response, mut body) = wire.open(request("Session")).await.unwrap();
    let requests = (1..=9).map(|id| framed(&asking(id, Request::Send(text("a", "e", "x")))));
    let bytes: Bytes = requests.collect::<Vec<_>>().concat().into();
    for (at, size) in (0..bytes.len()).step_by(7).zip((1..=7).cycle()) {
        let end = bytes.len().min(at + 7);
        body.send_data(bytes.slice(at..end.min(at + size)), false)
            .unwrap();
        body.send_data(bytes.slice(end.min(at + size)..end), false)
            .unwrap();
    }
    body.send_data(Bytes::new(), true).unwrap();
    let (replies, trailers) = read_whole(response.await.unwrap().into_body()).await;
    let ids: Vec<_> = replies.iter().map(|reply| reply.id).collect();
    assert_eq!(ids, (1..=9).collect::<Vec<_>>());
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn a_session_is_told_why_it_ends() {
    let mut node = node().await;
    let mut client = node.client().await;
    let mut older = Session::open(&mut client).await;
    let ready = older.subscribe(to(["a"])).await;
    let mut newer = Session::open(&mut client).await;
    let again = SubscribeRequest {
        member_token: ready.member_token,
        ..to(["a"])
    };
    newer.subscribe(again).await;
    let mut idle = Session::open(&mut client).await;
    let ends = async |session: &mut Session| {
        let mut last = None;
        loop {
            match session.next().await {
                Ok(frame) => last = Some(frame.expect("never OK")),
                Err(status) => return (last, status),
            }
        }
    };
    let (last, status) = ends(&mut older).await;
    assert!(
        matches!(&last, Some(Frame::Closing(closing)) if closing.reason() == ClosingReason::Replaced),
        "{last:?}"
    );
    assert_eq!(status.code(), Code::Aborted);
    node.stop();
    for session in [&mut newer, &mut idle] {
        let (last, status) = ends(session).await;
        assert!(
            matches!(&last, Some(Frame::Closing(closing)) if closing.reason() == ClosingReason::Shutdown),
            "{last:?}"
        );
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "DRAINING")
        );
    }
}

/// Requests that are sent while nothing is read, until none can be for a while.
async fn pour(body: &mut SendStream<Bytes>, requests: impl Iterator<Item = Bytes>) -> usize {
    let mut taken = 0;
    for request in requests {
        body.reserve_capacity(request.len());
        let room = async {
            while body.capacity() < request.len() {
                poll_fn(|cx| body.poll_capacity(cx)).await.unwrap().unwrap();
            }
        };
        if tokio::time::timeout(STILL, room).await.is_err() {
            break;
        }
        body.send_data(request, false).unwrap();
        taken += 1;
    }
    taken
}

/// The frames that `bytes` hold whole.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = Frame> {
    std::iter::from_fn(move || {
        let len = u32::from_be_bytes(bytes.get(1..5)?.try_into().unwrap()) as usize;
        let frame = bytes.get(5..5 + len)?;
        bytes = &bytes[5 + len..];
        Some(SessionResponse::decode(frame).unwrap().frame.unwrap())
    })
}

/// All replies and how the session ended.
async fn read_whole(mut answers: RecvStream) -> (Vec<Reply>, HeaderMap) {
    let mut bytes = Vec::new();
    while let Some(data) = answers.data().await {
        let data = data.unwrap();
        let flow = answers.flow_control();
        flow.release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    let replies = frames(&bytes).filter_map(|frame| match frame {
        Frame::Reply(reply) => Some(reply),
        _ => None,
    });
    let replies = replies.collect();
    (replies, answers.trailers().await.unwrap().unwrap())
}

#[tokio::test]
async fn who_sends_and_reads_nothing_is_stopped_and_what_was_answered_is_true() {
    let node = node().await;
    let wire = Wire::with_window(&node, 16 << 10).await;
    let (response, mut body) = wire.open(request("Session")).await.unwrap();
    let response = response.await.unwrap();
    let all = 1_000_000;
    let requests = (1..=all).map(|id| framed(&asking(id, Request::Send(text("a", "", "")))));
    let taken = pour(&mut body, requests).await;
    assert!(
        taken < 50_000,
        "{taken} requests were taken in with no reader"
    );
    let appended = node.hub.counts();
    assert!(appended.log_bytes < 8 << 20, "{appended:?}");
    // Now it reads: every reply is there, once and in order, and true.
    body.send_data(Bytes::new(), true).unwrap();
    let (replies, trailers) = read_whole(response.into_body()).await;
    let number = |reply: &Reply| match &reply.result {
        Some(reply::Result::Send(send)) => (reply.id, sequence(send)),
        other => panic!("{other:?}"),
    };
    let numbers: Vec<_> = replies.iter().map(number).collect();
    let expected: Vec<_> = (1..=taken as u64).map(|id| (id, id)).collect();
    assert_eq!(numbers, expected);
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn a_session_whose_peer_takes_no_replies_is_evicted() {
    let node = node_with(|config| {
        config.hub.stall_timeout = Duration::from_secs(1);
    })
    .await;
    let wire = Wire::with_window(&node, 1 << 10).await;
    let (response, mut body) = wire.open(request("Session")).await.unwrap();
    let mut answers = response.await.unwrap().into_body();
    let requests = (1..).map(|id| framed(&asking(id, Request::Send(text("a", "", "")))));
    pour(&mut body, requests).await;
    until("the session is evicted", || node.hub.evicted() == 1).await;
    until("nothing is left of it", || node.hub.counts().streams == 0).await;
    let ended = loop {
        match answers.data().await {
            Some(Ok(data)) => answers.flow_control().release_capacity(data.len()).unwrap(),
            Some(Err(error)) => break error,
            None => panic!("a stream that is reset does not end well"),
        }
    };
    assert!(ended.is_reset(), "{ended}");
}

#[tokio::test]
async fn a_session_whose_peer_takes_no_last_replies_is_evicted() {
    let node = node_with(|config| {
        config.hub.stall_timeout = Duration::from_secs(1);
    })
    .await;
    let wire = Wire::with_window(&node, 1 << 10).await;
    let (response, mut body) = wire.open(request("Session")).await.unwrap();
    let _answers = response.await.unwrap();
    let requests = (1..=200).map(|id| framed(&asking(id, Request::Send(text("a", "", "")))));
    let all: Vec<u8> = requests.flatten().collect();
    body.send_data(all.into(), true).unwrap();
    until("the session is evicted", || node.hub.evicted() == 1).await;
    until("nothing is left of it", || node.hub.counts().streams == 0).await;
}

#[tokio::test]
async fn sessions_that_are_cut_leave_nothing_behind() {
    let node = node().await;
    for _ in 0..20 {
        let mut client = node.client().await;
        let mut session = Session::open(&mut client).await;
        session.subscribe(to(["a", "b.*"])).await;
        for at in 0..20 {
            let channel = format!("c.{at}");
            session.subscribe(to([channel.as_str()])).await;
            if at % 2 == 0 {
                session.unsubscribe(&[channel.as_str()]).await;
            }
        }
    }
    node.until("nobody is there", |counts| {
        (
            counts.streams,
            counts.members,
            counts.subscriptions,
            counts.observed,
        ) == (0, 0, 0, 0)
    })
    .await;
    assert_eq!(node.hub.waiting_places(), 0);
}
