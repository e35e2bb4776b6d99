//! What a bad `Subscribe` or `GetMembers` gets.

use std::collections::BTreeMap;

use fanfare::rpc::client::{BroadcastSubscription, SubscribeRequest};
use prost::Message;
use prost_types::value::Kind as Json;
use prost_types::{Duration, Struct};

use crate::bystander::{Case, case, field, listing, refused, second, subscribing};
use crate::payloads::{in_objects, json, list};
use crate::support::{node, subscribe, to};

/// A profile of exactly `size` bytes as encoded.
fn profile(size: usize) -> Struct {
    let around = (12..20).map(|around| {
        let text = json(Json::StringValue("x".repeat(size - around)));
        let fields = BTreeMap::from([("k".into(), text)]);
        Struct { fields }
    });
    let fits = |profile: &Struct| profile.encoded_len() == size;
    around.into_iter().find(fits).expect("some text fits")
}

fn bad_profiles() -> Vec<Case> {
    let bad = "INVALID_PROFILE";
    let of = |fields| subscribing(|request| request.data = Some(Struct { fields }));
    let nan = BTreeMap::from([("k".into(), json(Json::NumberValue(f64::NAN)))]);
    let deep = BTreeMap::from([("k".into(), in_objects(40, &list(Vec::new())))]);
    let over = subscribing(|request| request.data = Some(profile((16 << 10) + 1)));
    let huge = subscribing(|request| request.data = Some(profile(4 << 20)));
    let garbage = ("Subscribe", field(2, b"\x0a\x7f"));
    vec![
        case(
            over,
            bad,
            "data",
            "16385 bytes as encoded, the limit is 16384",
        ),
        case(huge, bad, "data", "the limit is 16384"),
        case(of(nan), bad, "data", "is not finite"),
        case(of(deep), bad, "data", "nests deeper than 100"),
        case(garbage, bad, "data", "underflow"),
    ]
}

#[test]
fn a_bad_profile_is_refused() {
    refused("profiles", bad_profiles);
}

#[tokio::test]
async fn a_profile_of_exactly_the_limit_is_taken() {
    let request = SubscribeRequest {
        data: Some(profile(16 << 10)),
        ..to(["a"])
    };
    subscribe(&mut node().await.client().await, request).await;
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("e{n}")).collect()
}

fn bad_lists() -> Vec<Case> {
    let many = subscribing(|request| {
        let names = names(10_001);
        *request = to(names.iter().map(String::as_str));
    });
    let twice = |observe| {
        second(|subscription| {
            subscription.channel = "a".into();
            subscription.observe = observe;
        })
    };
    let pattern = subscribing(|request| *request = to(["a.*", "a.*"]));
    let (channel, before) = ("subscriptions[1].channel", "is listed before");
    let overflow = "subscriptions[1].overflow";
    let cases = [
        (twice(false), channel, before),
        (twice(true), channel, before),
        (pattern, channel, before),
        (many, "subscriptions", "10001 entries, the limit is 10000"),
        (second(|s| s.overflow = 9), overflow, "9"),
        (second(|s| s.overflow = -1), overflow, "-1"),
    ];
    let refuse = |(message, field, says)| case(message, "INVALID_SUBSCRIPTION", field, says);
    cases.into_iter().map(refuse).collect()
}

fn bad_filters() -> Vec<Case> {
    let lists = [
        (names(65), "", "65 names, the limit is 64"),
        (
            vec!["e".into(), "*".into()],
            "[1]",
            "leave events empty for all",
        ),
        (vec!["x".repeat(129)], "[0]", "the limit is 128"),
        (vec!["e".into(), "e".into(), "\n".into()], "[2]", "control"),
    ];
    let mut cases = Vec::new();
    for (events, at, says) in lists {
        let broadcasts = subscribing(|request| {
            request.broadcasts = Some(BroadcastSubscription {
                events: events.clone(),
                ..BroadcastSubscription::default()
            });
        });
        let subscription = second(|subscription| subscription.events = events);
        for (message, field) in [
            (subscription, format!("subscriptions[1].events{at}")),
            (broadcasts, format!("broadcasts.events{at}")),
        ] {
            cases.push(case(message, "INVALID_SUBSCRIPTION", field, says));
        }
    }
    cases
}

#[test]
fn a_bad_event_filter_is_refused() {
    refused("filters", bad_filters);
}

#[test]
fn a_bad_subscription_is_refused() {
    refused("subscriptions", bad_lists);
}

fn bad_heartbeats() -> Vec<Case> {
    let asked = [
        (0, 0),
        (0, 500_000_000),
        (0, 999_999_999),
        (300, 1),
        (301, 0),
        (-1, 0),
        (0, -1),
        (i64::MAX, i32::MAX),
        (i64::MIN, i32::MIN),
    ];
    let of = |(seconds, nanos)| {
        let asked = Duration { seconds, nanos };
        subscribing(|request| request.heartbeat_interval = Some(asked))
    };
    let refuse = |message| {
        case(
            message,
            "INVALID_HEARTBEAT",
            "heartbeat_interval",
            "1 s to 5 min",
        )
    };
    asked.map(of).into_iter().map(refuse).collect()
}

#[test]
fn a_bad_heartbeat_interval_is_refused() {
    refused("heartbeats", bad_heartbeats);
}

fn bad_pages() -> Vec<Case> {
    let of = |size| {
        listing(|request| {
            request.channel = "bystander".into();
            request.page_size = size;
        })
    };
    let token = |token: String| {
        listing(|request| {
            request.channel = "bystander".into();
            request.page_token = token;
        })
    };
    let (size, bad) = ("INVALID_PAGE_SIZE", "INVALID_PAGE_TOKEN");
    vec![
        case(of(-1), size, "page_size", "1 to 1000"),
        case(of(i32::MIN), size, "page_size", "1 to 1000"),
        case(
            token("?".into()),
            bad,
            "page_token",
            "begin again without one",
        ),
        case(
            token("é".repeat(1 << 20)),
            bad,
            "page_token",
            "begin again without one",
        ),
    ]
}

#[test]
fn a_bad_page_is_refused() {
    refused("pages", bad_pages);
}
