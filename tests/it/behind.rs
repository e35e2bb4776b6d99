//! A stream that ends because it fell behind claims nothing past its loss.

use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use fanfare::hub::{Chunk, End, Filter, Join, Subscribe, Target};
use fanfare::model::ChannelName;
use fanfare::rpc::client::{SubscribeResponse, subscribe_response::Frame};
use prost::Message;

use crate::support::{send, text};
use crate::wire_support::node_with;

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

fn decoded(mut bytes: Bytes) -> Vec<Frame> {
    let mut frames = Vec::new();
    while bytes.has_remaining() {
        let compressed = bytes.get_u8();
        assert_eq!(compressed, 0);
        let length = bytes.get_u32() as usize;
        let frame = SubscribeResponse::decode(bytes.split_to(length)).unwrap();
        frames.push(frame.frame.unwrap());
    }
    frames
}
