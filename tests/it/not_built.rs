//! What comes with a later version says so, by name, and does nothing.

use bytes::Bytes;
use fanfare::rpc::client::subscribe_request::Start;
use fanfare::rpc::client::{
    GetHistoryRequest, ListChannelsRequest, OverflowPolicy, Position, SendBatchRequest,
    SessionRequest, SubscribeRequest, Subscription, UpdateMemberRequest,
};
use prost_types::Timestamp;
use tonic::{Code, Status};

use crate::support::{PATIENCE, assert_refused, node, text, to};
use crate::wire_support::{Wire, framed, request};

#[track_caller]
fn assert_not_built(status: &Status, what: &str) {
    assert_refused(status, Code::Unimplemented, "NOT_BUILT", what);
    assert!(status.message().contains(what), "{status:?}");
    assert!(status.message().contains("not built yet"), "{status:?}");
}

#[tokio::test]
async fn calls_of_later_versions_are_not_built() {
    let node = node().await;
    let mut client = node.client().await;
    let refused = [
        (
            "UpdateMember",
            client
                .update_member(UpdateMemberRequest::default())
                .await
                .err(),
        ),
        (
            "GetHistory",
            client.get_history(GetHistoryRequest::default()).await.err(),
        ),
        (
            "ListChannels",
            client
                .list_channels(ListChannelsRequest::default())
                .await
                .err(),
        ),
        (
            "SendBatch",
            client.send_batch(SendBatchRequest::default()).await.err(),
        ),
    ];
    for (call, refused) in refused {
        assert_not_built(&refused.expect(call), call);
    }
    let requests = tokio_stream::iter([SessionRequest::default()]);
    let refused = client.session(requests).await.unwrap_err();
    assert_not_built(&refused, "Session");
    let refused = client.session(tokio_stream::pending()).await.unwrap_err();
    assert_not_built(&refused, "Session");
}

fn starting(start: Start) -> SubscribeRequest {
    SubscribeRequest {
        start: Some(start),
        ..to(["a"])
    }
}

/// Subscribes to `a` and, second, to what `change` makes of it.
fn second(change: impl FnOnce(&mut Subscription)) -> SubscribeRequest {
    let mut request = to(["a", "b"]);
    change(&mut request.subscriptions[1]);
    request
}

#[tokio::test]
async fn fields_of_later_versions_are_not_built() {
    let position = Position {
        epoch: "e".into(),
        sequence: 1,
    };
    let token = SubscribeRequest {
        member_token: "t".into(),
        ..to(["a"])
    };
    let named = |channel: &'static str| second(|s| s.channel = channel.into());
    let cases = [
        ("resume", starting(Start::Resume(position))),
        ("resume", starting(Start::Resume(Position::default()))),
        ("since", starting(Start::Since(Timestamp::default()))),
        ("last", starting(Start::Last(1))),
        ("last", starting(Start::Last(0))),
        ("member_token", token),
        ("subscriptions[1].presence", second(|s| s.presence = true)),
        (
            "subscriptions[1].overflow",
            second(|s| s.overflow = OverflowPolicy::End.into()),
        ),
        ("subscriptions[1].channel", named("a.*")),
        ("subscriptions[1].channel", named("a.>")),
        ("subscriptions[1].channel", named("*")),
        ("subscriptions[1].channel", named(">")),
        ("subscriptions[1].channel", named("*.b.*.>")),
    ];
    let node = node().await;
    let mut client = node.client().await;
    for (field, request) in cases {
        let refused = client.subscribe(request).await.unwrap_err();
        assert_not_built(&refused, field);
        let counts = node.hub.counts();
        assert_eq!(
            (counts.streams, counts.subscriptions, counts.channels),
            (0, 0, 0)
        );
    }
}

#[tokio::test]
async fn overflow_that_is_named_gap_is_what_there_is() {
    let node = node().await;
    let mut client = node.client().await;
    let request = second(|s| s.overflow = OverflowPolicy::Gap.into());
    client.subscribe(request).await.unwrap();
}

#[tokio::test]
async fn a_method_that_nobody_knows_is_not_built() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    for method in ["SendNothing", "send"] {
        let answer = wire
            .call(request(method), framed(&text("a", "e", "")))
            .await;
        assert_not_built(&answer.status(), "method");
    }
}

#[tokio::test]
async fn a_service_that_nobody_knows_is_not_built() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    for path in ["/other.v1.OtherService/Do", "/"] {
        let mut request = request("Send");
        *request.uri_mut() = format!("http://node{path}").parse().unwrap();
        let (response, mut body) = wire.open(request).await.unwrap();
        // Refused by its headers, perhaps before its body is sent.
        body.send_data(Bytes::new(), true).ok();
        let response = tokio::time::timeout(PATIENCE, response).await;
        let response = response.expect("an answer in time").unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_not_built(&status, "service");
    }
}
