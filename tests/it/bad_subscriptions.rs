//! What a bad `Subscribe` or `GetMembers` gets.

use std::collections::BTreeMap;

use fanfare::rpc::client::subscribe_request::Start;
use fanfare::rpc::client::{BroadcastSubscription, OverflowPolicy, Position, SubscribeRequest};
use prost::Message;
use prost_types::value::Kind as Json;
use prost_types::{Duration, Struct, Timestamp};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::bystander::{Bystander, Case, case, field, listing, refused, second, subscribing};
use crate::payloads::{in_objects, json, list};
use crate::support::{node, reason, subscribe, subscribe_ready, to};

/// A profile of exactly `size` bytes as encoded.
pub(crate) fn profile(size: usize) -> Struct {
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

fn watched_patterns() -> Vec<Case> {
    let of = |(pattern, observe): (&str, bool)| {
        second(|subscription| {
            subscription.channel = pattern.into();
            subscription.observe = observe;
            subscription.presence = true;
        })
    };
    let refuse = |message| {
        let field = "subscriptions[1].presence";
        case(message, "INVALID_SUBSCRIPTION", field, "not for a pattern")
    };
    let patterns = [
        ("a.*", false),
        ("a.*", true),
        (">", false),
        ("*.b.>", false),
    ];
    patterns.map(of).into_iter().map(refuse).collect()
}

#[test]
fn presence_of_a_pattern_is_refused() {
    refused("watched patterns", watched_patterns);
}

#[tokio::test]
async fn a_policy_that_is_named_gap_is_taken() {
    let mut request = to(["a", "b"]);
    request.subscriptions[1].overflow = OverflowPolicy::Gap.into();
    subscribe(&mut node().await.client().await, request).await;
}

fn from(start: Start) -> (&'static str, Vec<u8>) {
    subscribing(|request| request.start = Some(start))
}

fn bad_starts() -> Vec<Case> {
    let nowhere = |sequence| {
        let epoch = String::new();
        from(Start::Resume(Position { epoch, sequence }))
    };
    let at = |(seconds, nanos)| from(Start::Since(Timestamp { seconds, nanos }));
    let no_times = [
        (0, -1),
        (0, 1_000_000_000),
        (-62_135_596_801, 0),
        (253_402_300_800, 0),
        (i64::MIN, i32::MIN),
        (i64::MAX, i32::MAX),
    ];
    let positions = [0, 1, u64::MAX].map(nowhere).into_iter();
    let positions =
        positions.map(|message| case(message, "INVALID_POSITION", "resume.epoch", "is empty"));
    let times = no_times.map(at).into_iter();
    let times = times.map(|message| case(message, "INVALID_REQUEST", "since", "years 1 to 9999"));
    positions.chain(times).collect()
}

#[test]
fn a_bad_start_is_refused() {
    refused("starts", bad_starts);
}

#[tokio::test]
async fn a_position_that_its_epoch_has_not_reached_is_refused() {
    let mut bystander = Bystander::of(node().await).await;
    let epoch = bystander.node.hub.epoch().as_str().to_owned();
    for sequence in [1 << 52, u64::MAX] {
        let ahead = from(Start::Resume(Position {
            epoch: epoch.clone(),
            sequence,
        }));
        let says = "this epoch has not reached";
        let case = case(ahead, "INVALID_POSITION", "resume.sequence", says);
        bystander.sees_refused(vec![case]).await;
    }
}

/// Checks that a token is refused, and that nothing of it is told.
#[track_caller]
pub(crate) fn assert_token_refused(status: &Status, token: &str) {
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    assert_eq!(reason(status), "MEMBER_TOKEN_INVALID");
    assert!(status.message().starts_with("member_token: "), "{status:?}");
    assert!(!format!("{status:?}").contains(token));
    assert!(status.get_details_retry_info().is_none());
    assert!(status.get_details_bad_request().is_none());
}

#[tokio::test]
async fn a_token_of_this_epoch_that_was_not_given_is_refused() {
    let mut bystander = Bystander::of(node().await).await;
    let mut client = bystander.node.client().await;
    let (ready, frames) = subscribe_ready(&mut client, to(["a"])).await;
    drop(frames);
    let (member, code) = ready.member_token.rsplit_once('.').unwrap();
    let (epoch, id) = member.split_once('.').unwrap();
    assert_eq!(
        (epoch, id),
        (bystander.node.hub.epoch().as_str(), &*ready.member_id)
    );
    for forged in [
        format!("{member}.{}", "A".repeat(code.len())),
        format!("{member}.{}", &code[1..]),
        format!("{member}."),
        format!("{epoch}.another.{code}"),
    ] {
        let request = SubscribeRequest {
            member_token: forged.clone(),
            ..to(["a"])
        };
        let refused = client.subscribe(request).await.unwrap_err();
        assert_token_refused(&refused, &forged);
        bystander.is_unharmed().await;
    }
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
