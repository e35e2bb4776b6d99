//! History, channels, profiles and presence as they come over the wire.

use std::collections::BTreeMap;

use fanfare::config::Config;
use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{
    GapReason, GetHistoryRequest, GetHistoryResponse, GetMembersRequest, ListChannelsRequest,
    Position, Presence, PresenceKind, SubscribeRequest, Subscription, UpdateMemberRequest,
};
use prost_types::{Struct, Value, value::Kind};
use tonic::Code;

use super::support::{Client, Node, assert_refused, node, reason, send, subscribe_ready, text, to};

fn of(channel: &str) -> GetHistoryRequest {
    GetHistoryRequest {
        channel: channel.to_owned(),
        ..GetHistoryRequest::default()
    }
}

async fn history(client: &mut Client, request: GetHistoryRequest) -> GetHistoryResponse {
    client.get_history(request).await.unwrap().into_inner()
}

fn numbers(page: &GetHistoryResponse) -> Vec<u64> {
    page.events.iter().map(|event| event.sequence).collect()
}

fn object(fields: &[(&str, Option<&str>)]) -> Struct {
    let value = |text: Option<&str>| Value {
        kind: Some(text.map_or(Kind::NullValue(0), |text| Kind::StringValue(text.into()))),
    };
    let fields = fields
        .iter()
        .map(|(key, text)| ((*key).to_owned(), value(*text)));
    Struct {
        fields: fields.collect::<BTreeMap<_, _>>(),
    }
}

#[tokio::test]
async fn history_gives_the_events_as_they_were_sent() {
    let node = node().await;
    let mut client = node.client().await;
    let mut sent = text("a", "e", "hello");
    sent.headers = [("k".to_owned(), "v".to_owned())].into();
    sent.request_id = "r".into();
    sent.sender_id = "me".into();
    let answer = send(&mut client, sent.clone()).await;
    let page = history(&mut client, of("a")).await;
    let [event] = &page.events[..] else {
        panic!("{page:?}")
    };
    assert_eq!((event.channel.as_str(), event.name.as_str()), ("a", "e"));
    assert_eq!(
        (&event.payload, &event.headers),
        (&sent.payload, &sent.headers)
    );
    assert_eq!((event.id.as_str(), event.sender_id.as_str()), ("r", "me"));
    assert!(event.publish_time.is_some());
    assert_eq!(page.position, answer.position);
    assert_eq!(page.oldest, answer.position);
    assert_eq!((page.gap, page.next_page_token.as_str()), (None, ""));
}

#[tokio::test]
async fn history_pages_go_on_with_their_token_and_with_no_others() {
    let node = node().await;
    let mut client = node.client().await;
    for _ in 0..5 {
        send(&mut client, text("a", "e", "x")).await;
    }
    for (descending, expected) in [(false, [1, 2, 3, 4, 5]), (true, [5, 4, 3, 2, 1])] {
        let mut request = GetHistoryRequest {
            descending,
            page_size: 2,
            ..of("a")
        };
        let mut found = Vec::new();
        loop {
            let page = history(&mut client, request.clone()).await;
            found.extend(numbers(&page));
            if page.next_page_token.is_empty() {
                break;
            }
            let elsewhere = GetHistoryRequest {
                channel: "b".into(),
                page_token: page.next_page_token.clone(),
                ..request.clone()
            };
            let turned = GetHistoryRequest {
                descending: !descending,
                channel: "a".into(),
                ..elsewhere.clone()
            };
            for other in [elsewhere, turned] {
                let status = client.get_history(other).await.unwrap_err();
                let expected = (Code::InvalidArgument, "INVALID_PAGE_TOKEN");
                assert_refused(&status, expected.0, expected.1, "page_token");
            }
            request.page_token = page.next_page_token;
            request.page_size = 1;
        }
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn history_of_another_epoch_or_of_what_is_gone_tells_a_gap() {
    let mut config = Config::default();
    config.hub.log_events = 2;
    let node = Node::start(config).await;
    let mut client = node.client().await;
    for _ in 0..5 {
        send(&mut client, text("a", "e", "x")).await;
    }
    let epoch = node.hub.epoch().to_string();
    let at = |epoch: &str, sequence| {
        Some(Position {
            epoch: epoch.to_owned(),
            sequence,
        })
    };
    for (after, reason, expected) in [
        (at(&epoch, 1), GapReason::Expired, (1, 3)),
        (at("another", 9), GapReason::EpochChanged, (0, 3)),
    ] {
        let page = history(&mut client, GetHistoryRequest { after, ..of("a") }).await;
        assert_eq!(numbers(&page), [4, 5]);
        let gap = page.gap.unwrap();
        assert_eq!((gap.after, gap.through), expected);
        assert_eq!((gap.reason(), gap.channel.as_str()), (reason, "a"));
        assert_eq!(gap.epoch, epoch);
    }
    let before = at("another", 9);
    let page = history(&mut client, GetHistoryRequest { before, ..of("a") }).await;
    assert!(page.events.is_empty() && page.gap.is_some());
}

#[tokio::test]
async fn channels_are_listed_by_pattern_page_by_page() {
    let node = node().await;
    let mut client = node.client().await;
    for channel in ["orders.2", "orders.1", "other"] {
        send(&mut client, text(channel, "e", "x")).await;
    }
    let (_ready, _frames) = subscribe_ready(&mut client, to(["orders.1"])).await;
    let mut request = ListChannelsRequest {
        pattern: "orders.*".into(),
        page_size: 1,
        ..ListChannelsRequest::default()
    };
    let mut found = Vec::new();
    loop {
        let page = client
            .list_channels(request.clone())
            .await
            .unwrap()
            .into_inner();
        found.extend(page.channels);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        let other = ListChannelsRequest {
            pattern: ">".into(),
            ..request.clone()
        };
        let status = client.list_channels(other).await.unwrap_err();
        assert_eq!(reason(&status), "INVALID_PAGE_TOKEN");
    }
    let told: Vec<_> = found
        .iter()
        .map(|about| (about.name.as_str(), about.member_count, about.last_sequence))
        .collect();
    assert_eq!(told, [("orders.1", 1, 2), ("orders.2", 0, 1)]);
    let all = client.list_channels(ListChannelsRequest::default()).await;
    assert_eq!(all.unwrap().into_inner().channels.len(), 3, "empty is all");
}

#[tokio::test]
async fn an_update_replaces_or_merges_and_everyone_who_watches_sees_it() {
    let node = node().await;
    let mut client = node.client().await;
    let member = SubscribeRequest {
        data: Some(object(&[("name", Some("Ada")), ("mood", Some("fine"))])),
        ..to(["a"])
    };
    let (ready, _member) = subscribe_ready(&mut client, member).await;
    let watching = SubscribeRequest {
        subscriptions: vec![Subscription {
            presence: true,
            observe: true,
            ..to(["a"]).subscriptions[0].clone()
        }],
        ..SubscribeRequest::default()
    };
    let (_, mut watcher) = subscribe_ready(&mut client, watching).await;
    let Frame::Members(list) = watcher.next().await.unwrap() else {
        panic!("the list comes first")
    };
    assert!(list.last && list.members.len() == 1);
    assert_eq!(list.members[0].id, ready.member_id);
    let mut update = async |data: Struct, merge, expected: Struct| {
        let request = UpdateMemberRequest {
            member_id: ready.member_id.clone(),
            data: Some(data),
            merge,
            member_token: ready.member_token.clone(),
        };
        let answer = client.update_member(request).await.unwrap().into_inner();
        let member = answer.member.unwrap();
        assert_eq!(
            (&member.data, member.join_time),
            (&Some(expected.clone()), None)
        );
        let Frame::Presence(presence) = watcher.next().await.unwrap() else {
            panic!("a change")
        };
        assert_eq!(presence.kind(), PresenceKind::Updated);
        assert_eq!(presence.member.unwrap().data, Some(expected));
    };
    let patch = object(&[("mood", None), ("room", Some("1"))]);
    let merged = object(&[("name", Some("Ada")), ("room", Some("1"))]);
    update(patch, true, merged).await;
    let new = object(&[("x", Some("y"))]);
    update(new.clone(), false, new).await;
}

#[tokio::test]
async fn who_leaves_is_told_by_its_id_alone() {
    let node = node().await;
    let mut client = node.client().await;
    let mut watching = to(["a"]);
    watching.subscriptions[0].presence = true;
    let (_, mut watcher) = subscribe_ready(&mut client, watching).await;
    watcher.next().await.unwrap();
    let (ready, frames) = subscribe_ready(
        &mut client,
        SubscribeRequest {
            data: Some(object(&[("name", Some("Ada"))])),
            ..to(["a"])
        },
    )
    .await;
    drop(frames);
    let mut change = async || match watcher.next().await.unwrap() {
        Frame::Presence(presence) => presence,
        other => panic!("{other:?}"),
    };
    let (joined, left): (Presence, Presence) = (change().await, change().await);
    assert_eq!(
        (joined.kind(), left.kind()),
        (PresenceKind::Joined, PresenceKind::Left)
    );
    assert!(joined.sequence < left.sequence);
    assert!(joined.member.unwrap().data.is_some());
    let member = left.member.unwrap();
    assert_eq!(
        (member.id, member.data, member.join_time),
        (ready.member_id, None, None)
    );
}

#[tokio::test]
async fn ten_thousand_names_that_are_asked_for_leave_nothing_behind() {
    let node = node().await;
    let mut client = node.client().await;
    let empty = node.hub.counts();
    for n in 0..10_000 {
        let name = format!("probe.{n}");
        match n % 3 {
            0 => {
                let page = history(&mut client, of(&name)).await;
                assert!(page.events.is_empty() && page.position.is_some());
            }
            1 => {
                let request = GetMembersRequest {
                    channel: name,
                    ..GetMembersRequest::default()
                };
                let page = client.get_members(request).await.unwrap().into_inner();
                assert_eq!(page.total_size, 0);
            }
            _ => {
                let request = ListChannelsRequest {
                    pattern: name,
                    ..ListChannelsRequest::default()
                };
                let page = client.list_channels(request).await.unwrap().into_inner();
                assert!(page.channels.is_empty());
            }
        }
    }
    assert_eq!(node.hub.counts(), empty);
}
