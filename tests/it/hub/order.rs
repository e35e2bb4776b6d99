//! Order: on a stream everything comes by number, each thing once.

use std::collections::BTreeMap;

use fanfare::hub::{Hub, Limits};

use super::support::{Got, Stream, bodies, hub, join, send, send_many, subscribe};

#[test]
fn channels_are_merged_in_the_order_of_the_numbers() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, ["a", "b", "c"].map(join));
    for round in ["cab", "aab", "bcc", "a"] {
        for channel in round.split("").filter(|c| !c.is_empty()) {
            send(&hub, channel, channel);
        }
    }
    let got = stream.read();
    assert_eq!(bodies(&got).concat(), "cabaabbcca");
    assert_eq!(got[9], Got::event(10, "a"));
}

#[test]
fn what_came_meanwhile_in_one_channel_is_one_chunk() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    send_many(&hub, "a", 10, "x");
    assert_eq!(stream.next().len(), 10);
    assert_eq!(stream.next(), []);
}

#[test]
fn a_stream_is_woken_once_for_many_events() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    send_many(&hub, "a", 10, "x");
    send_many(&hub, "b", 10, "x");
    assert_eq!(stream.wakes(), 1);
    stream.read();
    send(&hub, "b", "x");
    assert_eq!(stream.wakes(), 2);
}

#[test]
fn nothing_from_before_the_start_is_delivered() {
    let hub = hub(Limits::default());
    send(&hub, "a", "before");
    let mut stream = Stream::open(&hub, subscribe([join("a")]));
    assert_eq!(stream.subscription.position(), 1);
    send(&hub, "a", "after");
    assert_eq!(stream.read(), [Got::event(2, "after")]);
}

#[test]
fn a_spurious_poll_adds_nothing() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    let before = (hub.counts(), hub.waiting_places());
    for _ in 0..1_000 {
        assert_eq!(stream.next(), []);
    }
    assert_eq!((hub.counts(), hub.waiting_places()), before);
    assert_eq!((before.1, stream.wakes()), (2, 0));
    send(&hub, "a", "x");
    assert_eq!(stream.read().len(), 1, "and nothing twice");
}

#[test]
fn a_heartbeat_promises_what_was_read_and_no_more() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, ["a", "b"].map(join));
    send(&hub, "elsewhere", "x");
    assert_eq!(stream.heartbeat(), 0, "it has not looked yet");
    assert_eq!(stream.read(), []);
    assert_eq!(stream.heartbeat(), 1);
    send(&hub, "a", &"x".repeat(5_000));
    send(&hub, "b", &"y".repeat(5_000));
    assert_eq!(stream.next().len(), 1, "the chunk was enough");
    assert_eq!(stream.heartbeat(), 2, "b holds the next number");
    assert_eq!(stream.read().len(), 1);
    assert_eq!(stream.heartbeat(), 3);
}

#[test]
fn a_stream_may_have_ten_thousand_channels() {
    let hub = hub(Limits::default());
    let names: Vec<_> = (0..10_000).map(|at| format!("channel-{at}")).collect();
    let mut stream = Stream::settled(&hub, names.iter().map(|name| join(name)));
    for round in 0..3_u64 {
        for at in 0..10_000 {
            send(&hub, &names[(at * 7_919 + 13) % 10_000], "x");
        }
        let got = stream.read();
        assert_eq!(got.len(), 10_000);
        assert_eq!(got[0], Got::event(round * 10_000 + 1, "x"));
    }
    assert_eq!(stream.heartbeat(), 30_000);
    assert_eq!(hub.waiting_places(), 10_000);
}

const CHANNELS: usize = 100;
const SENDERS: u64 = 6;
const EVENTS: usize = 1_500;
const STREAMS: usize = 500;

/// Sends to channels at random, and tells which numbers went where.
async fn send_at_random(hub: &Hub, seed: u64) -> Vec<(u64, usize)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut sent = Vec::new();
    for _ in 0..EVENTS {
        let at = random.usize(..CHANNELS);
        sent.push((send(hub, &at.to_string(), &at.to_string()), at));
        // Readers settle in between, and wait on long lists.
        tokio::task::yield_now().await;
    }
    sent
}

/// Reads until the hub drains, and tells which numbers came.
async fn read_to_the_end(mut stream: Stream) -> Vec<(u64, usize)> {
    let mut got = Vec::new();
    loop {
        for frame in stream.wait().await {
            match frame {
                Got::Event { number, body } => got.push((number, body.parse().unwrap())),
                Got::End(_) => return got,
                other => panic!("within the log there is no {other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn senders_on_a_hundred_channels_at_once_are_merged_in_order_without_loss() {
    let hub = hub(Limits::default());
    let mut random = fastrand::Rng::with_seed(7);
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let count = random.usize(30..CHANNELS);
        let subset = random.choose_multiple(0..CHANNELS, count);
        let joins = subset.iter().map(|at| join(&at.to_string()));
        let stream = Stream::open(&hub, subscribe(joins));
        streams.push((subset, tokio::spawn(read_to_the_end(stream))));
    }
    let senders: Vec<_> = (0..SENDERS)
        .map(|seed| {
            let hub = hub.clone();
            tokio::spawn(async move { send_at_random(&hub, seed).await })
        })
        .collect();
    let mut sent = BTreeMap::new();
    for sender in senders {
        sent.extend(sender.await.unwrap());
    }
    hub.drain();
    assert!(sent.keys().copied().eq(1..=SENDERS * EVENTS as u64));
    for (subset, stream) in streams {
        let got = stream.await.unwrap();
        let due = sent.iter().filter(|(_, at)| subset.contains(at));
        assert!(due.map(|(number, at)| (*number, *at)).eq(got));
    }
}
