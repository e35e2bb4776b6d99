//! What a bad `GetHistory`, `ListChannels` or `UpdateMember` gets.

use std::collections::BTreeMap;

use fanfare::rpc::client::{
    GetHistoryRequest, GetMembersRequest, ListChannelsRequest, Position, UpdateMemberRequest,
};
use prost_types::Struct;
use prost_types::value::Kind as Json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::bad_subscriptions::{assert_token_refused, profile};
use crate::bystander::{Bystander, Case, case, field, finding, reading, refused, updating};
use crate::payloads::{in_objects, json, list};
use crate::support::{assert_refused, node, reason, subscribe, subscribe_ready, to};

fn bad_pages() -> Vec<Case> {
    let (size, token) = ("INVALID_PAGE_SIZE", "INVALID_PAGE_TOKEN");
    let mut cases = Vec::new();
    for asked in [-1, i32::MIN] {
        for message in [
            reading(|request| request.page_size = asked),
            finding(|request| request.page_size = asked),
        ] {
            cases.push(case(message, size, "page_size", "1 to 1000"));
        }
    }
    for text in ["?", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA", &"é".repeat(1 << 20)] {
        for message in [
            reading(|request| request.page_token = text.into()),
            finding(|request| request.page_token = text.into()),
        ] {
            cases.push(case(
                message,
                token,
                "page_token",
                "begin again without one",
            ));
        }
    }
    cases
}

#[test]
fn a_bad_page_of_events_or_channels_is_refused() {
    refused("later pages", bad_pages);
}

fn bad_positions() -> Vec<Case> {
    let nowhere = |sequence| {
        let epoch = String::new();
        Some(Position { epoch, sequence })
    };
    let (bad, says) = ("INVALID_POSITION", "is empty");
    let mut cases = Vec::new();
    for sequence in [0, u64::MAX] {
        let after = reading(|request| request.after = nowhere(sequence));
        cases.push(case(after, bad, "after.epoch", says));
        let before = reading(|request| request.before = nowhere(sequence));
        cases.push(case(before, bad, "before.epoch", says));
    }
    cases
}

#[test]
fn a_bad_position_is_refused() {
    refused("positions", bad_positions);
}

#[tokio::test]
async fn an_end_of_the_range_that_its_epoch_has_not_reached_is_refused() {
    let mut bystander = Bystander::of(node().await).await;
    let ahead = Some(Position {
        epoch: bystander.node.hub.epoch().as_str().to_owned(),
        sequence: 1 << 52,
    });
    let (bad, says) = ("INVALID_POSITION", "this epoch has not reached");
    let after = reading(|request| request.after.clone_from(&ahead));
    let before = reading(|request| request.before.clone_from(&ahead));
    let cases = vec![
        case(after, bad, "after.sequence", says),
        case(before, bad, "before.sequence", says),
    ];
    bystander.sees_refused(cases).await;
}

#[track_caller]
fn assert_no_token(refused: &Status) {
    let bad = "INVALID_PAGE_TOKEN";
    assert_refused(refused, Code::InvalidArgument, bad, "page_token");
}

#[tokio::test]
async fn a_token_leads_into_no_other_list() {
    let mut bystander = Bystander::of(node().await).await;
    let mut client = bystander.node.client().await;
    let another = subscribe(&mut client, to(["bystander"])).await;
    let request = GetMembersRequest {
        channel: "bystander".into(),
        page_size: 1,
        ..GetMembersRequest::default()
    };
    let page = client.get_members(request.clone()).await.unwrap();
    let page_token = page.into_inner().next_page_token;
    assert_ne!(page_token, "");
    let members = GetMembersRequest {
        channel: "another".into(),
        page_token: page_token.clone(),
        ..request
    };
    assert_no_token(&client.get_members(members).await.unwrap_err());
    let history = GetHistoryRequest {
        channel: "bystander".into(),
        page_token: page_token.clone(),
        ..GetHistoryRequest::default()
    };
    assert_no_token(&client.get_history(history).await.unwrap_err());
    let channels = ListChannelsRequest {
        pattern: "bystander".into(),
        page_token,
        ..ListChannelsRequest::default()
    };
    assert_no_token(&client.list_channels(channels).await.unwrap_err());
    drop(another);
    bystander.is_unharmed().await;
}

fn bad_updates() -> Vec<Case> {
    let bad = "INVALID_PROFILE";
    let nan = BTreeMap::from([("k".into(), json(Json::NumberValue(f64::NAN)))]);
    let deep = BTreeMap::from([("k".into(), in_objects(40, &list(Vec::new())))]);
    let over = "16385 bytes as encoded, the limit is 16384";
    let unnamed = updating(|request| request.member_id.clear());
    let garbage = ("UpdateMember", field(2, b"\x0a\x7f"));
    let mut cases = vec![
        case(unnamed, "INVALID_REQUEST", "member_id", "is empty"),
        case(garbage, bad, "data", "underflow"),
    ];
    for merge in [false, true] {
        for (data, says) in [
            (profile((16 << 10) + 1), over),
            (profile(4 << 20), "the limit is 16384"),
            (
                Struct {
                    fields: nan.clone(),
                },
                "is not finite",
            ),
            (
                Struct {
                    fields: deep.clone(),
                },
                "nests deeper than 100",
            ),
        ] {
            let update = updating(|request| {
                request.data = Some(data);
                request.merge = merge;
            });
            cases.push(case(update, bad, "data", says));
        }
    }
    cases
}

#[test]
fn a_bad_update_is_refused() {
    refused("updates", bad_updates);
}

#[tokio::test]
async fn a_member_that_nobody_is_is_not_found() {
    let mut bystander = Bystander::of(node().await).await;
    let mut client = bystander.node.client().await;
    for id in ["m", "\n", &"x".repeat(129), &"é".repeat(1 << 20)] {
        let request = UpdateMemberRequest {
            member_id: id.into(),
            ..UpdateMemberRequest::default()
        };
        let refused = client.update_member(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
        assert_eq!(reason(&refused), "MEMBER_NOT_FOUND");
        let resource = refused.get_details_resource_info().expect("ResourceInfo");
        let named: String = id.chars().take(100).collect();
        assert!(resource.resource_name.starts_with(&named), "{resource:?}");
        assert!(refused.details().len() < 4096, "{refused:?}");
        bystander.is_unharmed().await;
    }
}

#[tokio::test]
async fn an_update_with_another_member_s_token_is_refused() {
    let mut bystander = Bystander::of(node().await).await;
    let mut client = bystander.node.client().await;
    let (one, first) = subscribe_ready(&mut client, to(["a"])).await;
    let (other, second) = subscribe_ready(&mut client, to(["a"])).await;
    for token in [&*other.member_token, "elsewhere.id.code", "x"] {
        let request = UpdateMemberRequest {
            member_id: one.member_id.clone(),
            member_token: token.into(),
            ..UpdateMemberRequest::default()
        };
        let refused = client.update_member(request).await.unwrap_err();
        assert_token_refused(&refused, &format!("token: {token:?}"));
    }
    drop((first, second));
    bystander.is_unharmed().await;
}
