//! Order and completeness, with many threads at work.

use std::collections::HashMap;

use fanfare::rpc::client::{SubscribeRequest, Subscription};
use tokio::task::JoinSet;

use crate::support::{Frames, PATIENCE, node, send, sequence, subscribe, text, to};

/// The numbers that a stream gets until it has had `last`.
async fn numbers_until(mut frames: Frames, last: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.last().is_none_or(|number| *number < last) {
        numbers.push(frames.event().await.sequence);
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_events_reach_fifty_subscribers_complete_and_in_order() {
    const EVENTS: u64 = 100_000;
    const WINDOW: u64 = 20_000;
    let node = node().await;
    let mut readers = JoinSet::new();
    let (progress, mut slowest) = tokio::sync::watch::channel([0_u64; 50]);
    for reader in 0..50 {
        let mut frames = subscribe(&mut node.client().await, to(["busy"])).await;
        let progress = progress.clone();
        readers.spawn(async move {
            for number in 1..=EVENTS {
                assert_eq!(frames.event().await.sequence, number);
                if number % 1_000 == 0 {
                    progress.send_modify(|read| read[reader] = number);
                }
            }
        });
    }
    let mut publishers = JoinSet::new();
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    for _ in 0..16 {
        let (mut client, mut slowest) = (node.client().await, slowest.clone());
        let sent = sent.clone();
        publishers.spawn(async move {
            loop {
                let number = sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                if number > EVENTS {
                    return;
                }
                let behind = |read: &[u64; 50]| read.iter().all(|read| read + WINDOW > number);
                slowest.wait_for(behind).await.unwrap();
                send(&mut client, text("busy", "e", "")).await;
            }
        });
    }
    slowest.borrow_and_update();
    publishers.join_all().await;
    tokio::time::timeout(PATIENCE, readers.join_all())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_rise_across_a_hundred_channels_and_none_is_missed() {
    const CHANNELS: usize = 100;
    const EACH: usize = 100;
    let node = node().await;
    let names: Vec<_> = (0..CHANNELS).map(|n| format!("c.{n}")).collect();
    let mut readers = Vec::new();
    for _ in 0..20 {
        let mut client = node.client().await;
        let mine: Vec<_> = names.iter().filter(|_| fastrand::bool()).cloned().collect();
        let request = SubscribeRequest {
            subscriptions: mine
                .iter()
                .map(|channel| Subscription {
                    channel: channel.clone(),
                    observe: fastrand::bool(),
                    ..Subscription::default()
                })
                .collect(),
            ..SubscribeRequest::default()
        };
        readers.push((mine, subscribe(&mut client, request).await));
    }
    let mut senders = JoinSet::new();
    for name in names.clone() {
        let mut client = node.client().await;
        senders.spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..EACH {
                numbers.push(sequence(&send(&mut client, text(&name, "e", "")).await));
            }
            (name, numbers)
        });
    }
    let sent: HashMap<_, _> = senders.join_all().await.into_iter().collect();
    for (mine, frames) in readers {
        let mut expected: Vec<_> = mine.iter().flat_map(|name| sent[name].clone()).collect();
        expected.sort_unstable();
        let got = numbers_until(frames, *expected.last().unwrap()).await;
        assert_eq!(got, expected, "in order, each once, none missed");
    }
}
