//! Who is in a channel: true, in order, page by page.

use std::collections::BTreeMap;
use std::time::SystemTime;

use fanfare::rpc::client::{GetMembersRequest, GetMembersResponse, Member, SubscribeRequest};
use prost::Message;
use prost_types::Struct;
use prost_types::value::Kind as Json;
use tonic::{Code, Status};

use crate::payloads::{json, list, object};
use crate::support::{Client, Frames, Node, assert_refused, node, subscribe, subscribe_ready, to};
use crate::wire_support::{Wire, framed, request};

async fn page(client: &mut Client, channel: &str, size: i32, token: &str) -> GetMembersResponse {
    let request = asking(channel, size, token);
    client.get_members(request).await.unwrap().into_inner()
}

fn asking(channel: &str, size: i32, token: &str) -> GetMembersRequest {
    GetMembersRequest {
        channel: channel.into(),
        page_size: size,
        page_token: token.into(),
    }
}

fn profile(name: &str) -> Struct {
    let tags = list(vec![json(Json::BoolValue(true)), json(Json::NullValue(0))]);
    let name = json(Json::StringValue(name.into()));
    let inner = object(BTreeMap::from([("tags".into(), tags)]));
    Struct {
        fields: BTreeMap::from([("name".into(), name), ("inner".into(), inner)]),
    }
}

fn with_profile(channel: &str, data: Struct) -> SubscribeRequest {
    SubscribeRequest {
        data: Some(data),
        ..to([channel])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_in_the_order_of_joining_as_they_described_themselves() {
    let node = node().await;
    let started = SystemTime::now();
    let mut open = Vec::new();
    for name in ["zoe", "ada", "日本"] {
        let request = with_profile("a", profile(name));
        let (ready, frames) = subscribe_ready(&mut node.client().await, request).await;
        open.push((ready.member_id, profile(name), frames));
    }
    let mut client = node.client().await;
    let page = page(&mut client, "a", 0, "").await;
    assert_eq!((page.total_size, page.next_page_token.as_str()), (3, ""));
    let mut last = started;
    for (member, (id, data, _)) in page.members.into_iter().zip(&open) {
        let Member {
            id: listed,
            data: described,
            join_time,
            subject,
        } = member;
        assert_eq!((&listed, described.as_ref()), (id, Some(data)));
        assert_eq!(subject, "");
        let joined = SystemTime::try_from(join_time.unwrap()).unwrap();
        assert!(last <= joined && joined <= SystemTime::now());
        last = joined;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stream_is_the_same_member_in_each_of_its_channels() {
    let node = node().await;
    let mut client = node.client().await;
    let (ready, _open) = subscribe_ready(&mut client, to(["a", "b"])).await;
    for channel in ["a", "b"] {
        let page = page(&mut client, channel, 0, "").await;
        assert_eq!(page.total_size, 1);
        assert_eq!(page.members[0].id, ready.member_id);
    }
}

/// Every page of `channel`, one after the other.
async fn pages(client: &mut Client, channel: &str, size: i32) -> Vec<GetMembersResponse> {
    let mut pages = vec![page(client, channel, size, "").await];
    loop {
        let token = pages.last().unwrap().next_page_token.clone();
        if token.is_empty() {
            return pages;
        }
        pages.push(page(client, channel, size, &token).await);
    }
}

fn ids(pages: &[GetMembersResponse]) -> Vec<&str> {
    let members = pages.iter().flat_map(|page| &page.members);
    members.map(|member| member.id.as_str()).collect()
}

async fn crowd(client: &mut Client, count: usize, data: &Struct) -> (Vec<String>, Vec<Frames>) {
    let (mut ids, mut open) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let request = with_profile("a", data.clone());
        let (ready, frames) = subscribe_ready(client, request).await;
        ids.push(ready.member_id);
        open.push(frames);
    }
    (ids, open)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_go_through_everyone_once_and_in_order() {
    let node = node().await;
    let mut client = node.client().await;
    let (joined, _open) = crowd(&mut client, 2_500, &Struct::default()).await;
    for (size, sizes) in [
        (1_000, vec![1_000, 1_000, 500]),
        (5_000, vec![1_000, 1_000, 500]),
        (i32::MAX, vec![1_000, 1_000, 500]),
        (0, vec![100; 25]),
        (1_250, vec![1_000, 1_000, 500]),
        (500, vec![500; 5]),
    ] {
        let pages = pages(&mut client, "a", size).await;
        assert!(pages.iter().all(|page| page.total_size == 2_500));
        let got: Vec<_> = pages.iter().map(|page| page.members.len()).collect();
        assert_eq!(got, sizes, "page_size {size}");
        assert_eq!(ids(&pages), joined);
    }
    for size in [-1, i32::MIN] {
        let refused = client.get_members(asking("a", size, "")).await.unwrap_err();
        assert_refused(
            &refused,
            Code::InvalidArgument,
            "INVALID_PAGE_SIZE",
            "page_size",
        );
        assert!(refused.message().contains("1000"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stays_is_listed_once_whoever_leaves_between_pages() {
    let node = node().await;
    let mut client = node.client().await;
    let (joined, mut open) = crowd(&mut client, 30, &Struct::default()).await;
    let first = page(&mut client, "a", 10, "").await;
    // The last of the first page, by whom the token might have gone, and the
    // first of the next.
    drop(open.drain(9..=10));
    node.until("two leave", |counts| counts.streams == 28).await;
    let second = page(&mut client, "a", 10, &first.next_page_token).await;
    assert_eq!(ids(&[second]), joined[11..21]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_ends_at_a_mebibyte() {
    let largest = Struct {
        fields: BTreeMap::from([("k".into(), json(Json::StringValue("x".repeat(16_372))))]),
    };
    assert_eq!(largest.encoded_len(), 16 << 10);
    // A thousand of these are a little more than a page, ids and all.
    let small = Struct {
        fields: BTreeMap::from([("k".into(), json(Json::StringValue("x".repeat(985))))]),
    };
    for (data, count) in [(largest, 200), (small, 1_000)] {
        let node = node().await;
        let mut client = node.client().await;
        let (joined, _open) = crowd(&mut client, count, &data).await;
        let pages = pages(&mut client, "a", 1_000).await;
        assert_eq!(ids(&pages), joined);
        let sizes: Vec<_> = pages.iter().map(Message::encoded_len).collect();
        assert!(sizes.iter().all(|size| *size <= 1 << 20), "{sizes:?}");
        let full = &sizes[..sizes.len() - 1];
        assert!(full.iter().all(|size| *size > 900 << 10), "{sizes:?}");
    }
}

#[track_caller]
fn assert_bad_token(refused: &Status) {
    let invalid = Code::InvalidArgument;
    assert_refused(refused, invalid, "INVALID_PAGE_TOKEN", "page_token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_good_only_as_given_and_where_it_was_given() {
    let node = node().await;
    let mut client = node.client().await;
    let (joined, _open) = crowd(&mut client, 3, &Struct::default()).await;
    let _other = subscribe(&mut client, to(["b"])).await;
    let token = page(&mut client, "a", 1, "").await.next_page_token;
    let second = page(&mut client, "a", 1, &token).await;
    assert_eq!(ids(&[second]), joined[1..2]);
    for channel in ["b", "A", "nowhere"] {
        let refused = client.get_members(asking(channel, 1, &token)).await;
        assert_bad_token(&refused.unwrap_err());
    }
    let mut bad = vec![
        "!".into(),
        "AAAA".into(),
        " ".into(),
        "é".into(),
        "x".repeat(1 << 20),
    ];
    bad.extend([
        format!("{token}="),
        format!("{token}A"),
        format!(" {token}"),
    ]);
    for (at, old) in token.char_indices() {
        let new = if old == 'A' { "B" } else { "A" };
        let mut altered = token.clone();
        altered.replace_range(at..=at, new);
        bad.push(altered);
        bad.push(token[..at].to_owned());
    }
    for token in bad.iter().filter(|token| !token.is_empty()) {
        let refused = client.get_members(asking("a", 1, token)).await;
        assert_bad_token(&refused.expect_err(token));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_another_node_is_no_token() {
    let (here, there) = (node().await, node().await);
    let (mut client, mut other) = (here.client().await, there.client().await);
    let (_, _open) = crowd(&mut client, 2, &Struct::default()).await;
    let (_, _open_there) = crowd(&mut other, 2, &Struct::default()).await;
    let token = page(&mut client, "a", 1, "").await.next_page_token;
    let refused = other.get_members(asking("a", 1, &token)).await;
    assert_bad_token(&refused.unwrap_err());
}

pub(super) async fn total(client: &mut Client, channel: &str) -> i32 {
    page(client, channel, 0, "").await.total_size
}

async fn nobody_is_left(node: &Node, client: &mut Client) {
    node.until("the member leaves", |counts| {
        (counts.streams, counts.subscriptions, counts.waiting) == (0, 0, 0)
    })
    .await;
    assert_eq!(total(client, "a").await, 0);
    assert_eq!(node.hub.counts().pinned_bytes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_listed_before_its_ready_is_read_and_until_its_stream_ends() {
    let node = node().await;
    let mut client = node.client().await;
    let stream = node.client().await.subscribe(to(["a"])).await.unwrap();
    assert_eq!(total(&mut client, "a").await, 1);
    drop(stream);
    nobody_is_left(&node, &mut client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_leaves_when_its_stream_is_reset() {
    let node = node().await;
    let mut client = node.client().await;
    let wire = Wire::new(&node).await;
    let (response, mut stream) = wire.open(request("Subscribe")).await.unwrap();
    stream.send_data(framed(&to(["a"])), true).unwrap();
    let response = response.await.unwrap();
    assert_eq!(total(&mut client, "a").await, 1);
    stream.send_reset(h2::Reason::CANCEL);
    nobody_is_left(&node, &mut client).await;
    drop(response);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_leave_when_their_connection_is_cut() {
    let node = node().await;
    let mut client = node.client().await;
    let wire = Wire::new(&node).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(
            wire.subscribe(request("Subscribe"), framed(&to(["a"])))
                .await,
        );
    }
    assert_eq!(total(&mut client, "a").await, 10);
    wire.cut();
    nobody_is_left(&node, &mut client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_a_channel_that_does_not_exist_makes_none() {
    let node = node().await;
    let mut client = node.client().await;
    for n in 0..100 {
        let page = page(&mut client, &format!("nowhere.{n}"), 0, "").await;
        assert_eq!(page, GetMembersResponse::default());
    }
    assert_eq!(node.hub.counts().channels, 0);
}
