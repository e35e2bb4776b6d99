//! What a node has only so many of, and what who wants more is told.

use fanfare::config::Config;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::bystander::Bystander;
use crate::support::{PATIENCE, assert_refused, node, reason, send, subscribe, text, to};
use crate::wire_support::{node_with, retry_delay};

#[track_caller]
fn assert_limited(status: &Status, what: &str, limit: &str) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(reason(status), "LIMIT_REACHED");
    let quota = status.get_details_quota_failure().expect("QuotaFailure");
    assert_eq!(quota.violations.len(), 1);
    assert_eq!(quota.violations[0].subject, what);
    assert!(status.message().contains(limit), "{status:?}");
    assert!(!retry_delay(status).is_zero());
}

async fn limited(change: impl FnOnce(&mut Config)) -> Bystander {
    Bystander::of(node_with(change).await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_too_many_is_refused() {
    let mut bystander = limited(|config| config.hub.channels = 1).await;
    let mut client = bystander.node.client().await;
    let refused = client.send(text("another", "e", "")).await.unwrap_err();
    assert_limited(&refused, "channels", "1 channels");
    bystander.is_unharmed().await;
    let refused = client
        .subscribe(to(["bystander", "another"]))
        .await
        .unwrap_err();
    assert_limited(&refused, "channels", "1 channels");
    bystander.is_unharmed().await;
    let mut request = to(["another"]);
    request.subscriptions[0].observe = true;
    subscribe(&mut client, request).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_too_many_is_refused_until_another_ends() {
    let bystander = limited(|config| config.hub.streams = 2).await;
    let mut client = bystander.node.client().await;
    let second = subscribe(&mut client, to(["a"])).await;
    let refused = client.subscribe(to(["a"])).await.unwrap_err();
    assert_limited(&refused, "streams", "2 streams");
    drop(second);
    bystander
        .node
        .until("the second ends", |counts| counts.streams == 1)
        .await;
    drop(subscribe(&mut client, to(["bystander"])).await);
    bystander
        .node
        .until("it ends", |counts| counts.streams == 1)
        .await;
    send(&mut client, text("bystander", "e", "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_too_many_is_refused_with_all_of_its_request() {
    let mut bystander = limited(|config| config.hub.members = 3).await;
    let mut client = bystander.node.client().await;
    for observe in [false, true] {
        let mut request = to(["a", "b", "c"]);
        request.subscriptions[2].observe = observe;
        let refused = client.subscribe(request).await.unwrap_err();
        assert_limited(&refused, "subscriptions", "3 subscriptions");
        bystander.is_unharmed().await;
    }
    subscribe(&mut client, to(["bystander", "a"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_most_subscriptions_of_a_request_are_taken() {
    let node = node().await;
    let mut client = node.client().await;
    let names: Vec<_> = (0..10_000)
        .map(|n| format!("{n}.{}", "x".repeat(240)))
        .collect();
    let mut frames = subscribe(&mut client, to(names.iter().map(String::as_str))).await;
    assert_eq!(node.hub.counts().subscriptions, 10_000);
    for name in [&names[0], &names[9_999]] {
        send(&mut client, text(name, "e", "")).await;
        assert_eq!(frames.event().await.channel, *name);
    }
    drop(frames);
    node.until("all are left", |counts| counts.subscriptions == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_too_many_is_told_so() {
    let node = node_with(|config| config.transport.connections = 1).await;
    let mut first = node.client().await;
    let mut frames = subscribe(&mut first, to(["a"])).await;
    for _ in 0..3 {
        let mut second = node.client().await;
        let refused = second.send(text("a", "e", "")).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert_eq!(reason(&refused), "OVERLOADED");
        assert!(!retry_delay(&refused).is_zero());
        let mut third = node.client().await;
        let refused = third.subscribe(to(["a"])).await.unwrap_err();
        assert_eq!(reason(&refused), "OVERLOADED");
    }
    send(&mut first, text("a", "e", "")).await;
    assert_eq!(frames.event().await.sequence, 1);
    drop((first, frames));
    node.until("the first leaves", |counts| counts.streams == 0)
        .await;
    let room = async {
        while let Err(refused) = node.client().await.send(text("a", "e", "")).await {
            assert_eq!(reason(&refused), "OVERLOADED");
        }
    };
    tokio::time::timeout(PATIENCE, room).await.expect("room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_filters_of_one_request_have_a_limit_together() {
    let node = node().await;
    let mut client = node.client().await;
    let names: Vec<_> = (0..1_025).map(|n| format!("c.{n}")).collect();
    let mut request = to(names.iter().map(String::as_str));
    for subscription in &mut request.subscriptions {
        subscription.events = (0..64).map(|n| n.to_string()).collect();
    }
    let refused = client.subscribe(request.clone()).await.unwrap_err();
    assert_refused(
        &refused,
        Code::InvalidArgument,
        "INVALID_SUBSCRIPTION",
        "subscriptions",
    );
    assert!(refused.message().contains("65536"), "{refused:?}");
    request.subscriptions.pop();
    subscribe(&mut client, request).await;
}
