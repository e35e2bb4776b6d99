//! Streams that fall behind: what they claim when they end, and how they are
//! given what they missed.

use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use fanfare::hub::{Chunk, End, Filter, Join, Subscribe, Target};
use fanfare::model::ChannelName;
use fanfare::rpc::client::{SubscribeResponse, subscribe_response::Frame};
use prost::Message;

use crate::support::{node, send, text, to};
use crate::wire_support::{Wire, framed, node_with, request};

#[tokio::test]
async fn a_stream_that_ends_behind_tells_no_position_past_its_loss() {
    let node = node_with(|config| config.hub.log_events = 2).await;
    let join = |name: &str, strict| Join {
        target: Target::Member(ChannelName::new(name).unwrap()),
        filter: Filter::default(),
        presence: false,
        strict,
    };
    let mut stream = node
        .hub
        .subscribe(Subscribe {
            joins: vec![join("mild", false), join("strict", true)],
            ..Subscribe::default()
        })
        .unwrap();
    // In turn, so that the gap in one goes past the first that the other lost.
    let mut client = node.client().await;
    for channel in ["mild", "strict"].into_iter().cycle().take(20) {
        send(&mut client, text(channel, "", "")).await;
    }
    let mut frames = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    let end = loop {
        match stream.poll_chunk(&mut context) {
            Poll::Ready(Chunk::Frames(bytes)) => frames.extend(decoded(bytes)),
            Poll::Ready(Chunk::End(end)) => break end,
            Poll::Pending => panic!("there is something: {frames:?}"),
        }
    };
    assert_eq!(end, End::SlowConsumer);
    assert!(matches!(frames[..], [Frame::Gap(_)]), "{frames:?}");
    assert_eq!(stream.position(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_on_h2_0_4_18_that_falls_behind_gets_full_chunks_and_lives() {
    const EVENTS: usize = 2_000;
    const WINDOW: u32 = 4 << 10;
    let node = node().await;
    let mut client = node.client().await;
    let fragile = Wire::fragile(&node, WINDOW).await;
    let subscribe = request("Subscribe");
    let mut stream = fragile.subscribe(subscribe, framed(&to(["a"]))).await;
    assert!(matches!(stream.frame().await, Frame::Ready(_)));
    for _ in 0..EVENTS {
        send(&mut client, text("a", "e", "a small one")).await;
    }
    // Room is given back in large pieces: what goes out into little is small.
    let (mut bytes, mut sizes, mut taken) = (Vec::new(), Vec::new(), 0);
    while decoded(bytes.clone().into()).len() < EVENTS {
        let data = stream.body.data().await.expect("no end");
        let data = data.unwrap_or_else(|error| panic!("it should live: {error}: {sizes:?}"));
        taken += data.len();
        if taken > WINDOW as usize * 3 / 4 {
            let released = stream.body.flow_control().release_capacity(taken);
            released.unwrap();
            taken = 0;
        }
        sizes.push(data.len());
        bytes.extend_from_slice(&data);
    }
    let numbers = decoded(bytes.into()).into_iter().map(|frame| match frame {
        Frame::Event(event) => event.sequence,
        other => panic!("not an event: {other:?}"),
    });
    assert!(numbers.eq((1..).take(EVENTS)));
    // What went out one by one filled the window and little more; later there
    // is a small piece at the edge of a window now and then.
    let small = sizes.iter().filter(|size| **size < 256).count();
    assert!(small < EVENTS / 8, "{small} of {}: {sizes:?}", sizes.len());
}

fn decoded(mut bytes: Bytes) -> Vec<Frame> {
    let mut frames = Vec::new();
    // A frame may be there in part only.
    while bytes.len() >= 5 && bytes.len() >= 5 + (&bytes[1..5]).get_u32() as usize {
        let compressed = bytes.get_u8();
        assert_eq!(compressed, 0);
        let length = bytes.get_u32() as usize;
        let frame = SubscribeResponse::decode(bytes.split_to(length)).unwrap();
        frames.push(frame.frame.unwrap());
    }
    frames
}
