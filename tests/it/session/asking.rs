//! What a session asks for and cannot get: answered, and nothing ends.

use fanfare::config::Config;
use fanfare::rpc::client::{
    BroadcastSubscription, ErrorStatus, Position, SessionRequest, SubscribeRequest, Subscription,
    UpdateProfile, reply, session_request::Request, subscribe_request::Start,
};
use prost::Message;
use tonic::Code;
use tonic_types::{ErrorInfo, StatusExt};

use super::{Session, unsubscribe};
use crate::support::{Node, node, send, text, to};

/// The error as the status of a call would be.
fn status(error: &ErrorStatus) -> tonic::Status {
    let details = tonic_types::Status {
        code: error.code,
        message: error.message.clone(),
        details: error.details.clone(),
    };
    let details = details.encode_to_vec().into();
    tonic::Status::with_details(Code::from(error.code), error.message.clone(), details)
}

impl Session {
    /// Asks for what is refused, and is told so, with the field.
    async fn refused(&mut self, request: Request, reason: &str, field: &str) {
        let reply::Result::Error(error) = self.answered(request).await else {
            panic!("not refused: {reason} {field}")
        };
        check(&error, reason, field);
    }
}

#[track_caller]
fn check(error: &ErrorStatus, reason: &str, field: &str) {
    let status = status(error);
    let details = status.get_error_details();
    let info = details
        .error_info()
        .map(|info: &ErrorInfo| info.reason.as_str());
    assert_eq!(info, Some(reason), "{status:?}");
    let wrong = details
        .bad_request()
        .map(|wrong| &wrong.field_violations[0]);
    let wrong = wrong.map(|wrong| wrong.field.as_str());
    assert_eq!(wrong, Some(field), "{status:?}");
}

#[tokio::test]
async fn what_only_the_first_subscribe_may_set_is_refused_later() {
    let node = node().await;
    let mut session = Session::open(&mut node.client().await).await;
    session.subscribe(to(["a"])).await;
    let plain = || to(["b"]);
    let start = |start| SubscribeRequest {
        start: Some(start),
        ..plain()
    };
    for (field, request) in [
        ("last", start(Start::Last(0))),
        (
            "since",
            start(Start::Since(prost_types::Timestamp::default())),
        ),
        ("resume", start(Start::Resume(Position::default()))),
        (
            "data",
            SubscribeRequest {
                data: Some(prost_types::Struct::default()),
                ..plain()
            },
        ),
        (
            "heartbeat_interval",
            SubscribeRequest {
                heartbeat_interval: Some(prost_types::Duration::default()),
                ..plain()
            },
        ),
        (
            "broadcasts",
            SubscribeRequest {
                broadcasts: Some(BroadcastSubscription::default()),
                ..plain()
            },
        ),
        (
            "member_token",
            SubscribeRequest {
                member_token: "x".into(),
                ..plain()
            },
        ),
    ] {
        let request = Request::Subscribe(request);
        session.refused(request, "INVALID_REQUEST", field).await;
    }
    assert_eq!(
        send(&mut node.client().await, text("b", "", ""))
            .await
            .recipients,
        0
    );
    session.subscribe(plain()).await;
}

#[tokio::test]
async fn a_bad_request_is_answered_by_its_id_and_the_session_goes_on() {
    let node = node().await;
    let mut session = Session::open(&mut node.client().await).await;
    let update = Request::Update(UpdateProfile::default());
    let early = session.answered(update).await;
    let reply::Result::Error(early) = early else {
        panic!("{early:?}")
    };
    assert_eq!(early.code, i32::from(Code::NotFound), "no member yet");
    let bad = Request::Send(text("", "e", "x"));
    session.refused(bad, "INVALID_CHANNEL", "channel").await;
    let bad = Request::Subscribe(to(["a", ""]));
    session
        .refused(bad, "INVALID_CHANNEL", "subscriptions[1].channel")
        .await;
    session.subscribe(to(["a", "p.*"])).await;
    for (bad, reason, field) in [
        (unsubscribe(&["b"]), "INVALID_SUBSCRIPTION", "channels[0]"),
        (
            unsubscribe(&["a", "p.1"]),
            "INVALID_SUBSCRIPTION",
            "channels[1]",
        ),
        (
            unsubscribe(&["a", "a"]),
            "INVALID_SUBSCRIPTION",
            "channels[1]",
        ),
        (unsubscribe(&[""]), "INVALID_CHANNEL", "channels[0]"),
        (
            Request::Subscribe(to(["b", "a"])),
            "INVALID_SUBSCRIPTION",
            "subscriptions[1].channel",
        ),
        (
            Request::Subscribe(to(["p.*"])),
            "INVALID_SUBSCRIPTION",
            "subscriptions[0].channel",
        ),
        (
            Request::Subscribe(to(["b", "b"])),
            "INVALID_SUBSCRIPTION",
            "subscriptions[1].channel",
        ),
    ] {
        session.refused(bad, reason, field).await;
    }
    let mut client = node.client().await;
    for (channel, recipients) in [("a", 1), ("b", 0), ("p.1", 1)] {
        let sent = send(&mut client, text(channel, "e", "x")).await;
        assert_eq!(sent.recipients, recipients, "{channel}: as it was");
    }
}

#[tokio::test]
async fn no_id_and_no_known_request_are_answered_as_such() {
    let node = node().await;
    let mut session = Session::open(&mut node.client().await).await;
    let request = SessionRequest {
        id: 0,
        request: Some(Request::Send(text("a", "e", "x"))),
    };
    session.send(request).await;
    let reply = session.reply().await;
    assert_eq!(reply.id, 0);
    let Some(reply::Result::Error(error)) = reply.result else {
        panic!("{reply:?}")
    };
    check(&error, "INVALID_REQUEST", "id");
    let request = SessionRequest {
        id: 7,
        request: None,
    };
    session.send(request).await;
    let reply = session.reply().await;
    assert_eq!(reply.id, 7);
    let Some(reply::Result::Error(error)) = reply.result else {
        panic!("{reply:?}")
    };
    assert_eq!(error.code, i32::from(Code::Unimplemented));
    check(&error, "NOT_BUILT", "request");
    for _ in 0..2 {
        let request = SessionRequest {
            id: 7,
            request: Some(Request::Send(text("a", "e", "x"))),
        };
        session.send(request).await;
        let reply = session.reply().await;
        assert!(
            matches!(reply.result, Some(reply::Result::Send(_))),
            "{reply:?}"
        );
        assert_eq!(reply.id, 7, "an id may come again");
    }
}

#[tokio::test]
async fn a_subscribe_over_a_limit_changes_nothing() {
    let mut config = Config::default();
    config.hub.stream_channels = 4;
    config.hub.channels = 6;
    let node = Node::start(config).await;
    let mut client = node.client().await;
    for at in 0..4 {
        send(&mut client, text(&format!("p.{at}"), "e", "x")).await;
    }
    let mut session = Session::open(&mut client).await;
    let limited = |result: reply::Result| {
        let reply::Result::Error(error) = result else {
            panic!("{result:?}")
        };
        assert_eq!(error.code, i32::from(Code::ResourceExhausted), "{error:?}");
    };
    limited(
        session
            .answered(Request::Subscribe(to(["a", "b", "p.*"])))
            .await,
    );
    assert_eq!(node.hub.counts().subscriptions, 0, "nothing of the first");
    session.subscribe(to(["a"])).await;
    let before = node.hub.counts();
    for (what, request) in [
        ("too many for the stream", to(["b", "c", "d", "e"])),
        ("a pattern of too many", to(["b", "p.*"])),
        ("too many for the node", to(["c", "d"])),
    ] {
        limited(session.answered(Request::Subscribe(request)).await);
        let now = node.hub.counts();
        assert_eq!(now.subscriptions, before.subscriptions, "{what}");
        assert_eq!(now.observed, before.observed, "{what}");
    }
    assert_eq!(send(&mut client, text("p.1", "e", "x")).await.recipients, 0);
    assert_eq!(send(&mut client, text("a", "e", "x")).await.recipients, 1);
    assert_eq!(session.event().await.channel, "a");
    session.subscribe(to(["p.*.x"])).await;
}

#[tokio::test]
async fn what_is_left_and_joined_at_once_counts_once() {
    let mut config = Config::default();
    config.hub.stream_channels = 4;
    let node = Node::start(config).await;
    let mut session = Session::open(&mut node.client().await).await;
    session.subscribe(to([])).await;
    let names = ["a", "b", "c", "d"];
    for _ in 0..10 {
        for _ in 0..50 {
            session.ask(Request::Subscribe(to(names))).await;
            session.ask(unsubscribe(&names)).await;
        }
        for _ in 0..100 {
            let result = session.reply().await.result;
            assert!(
                !matches!(result, Some(reply::Result::Error(_))),
                "{result:?}"
            );
        }
    }
    assert_eq!(node.hub.counts().subscriptions, 0);
    assert_eq!(node.hub.waiting_places(), 1, "for broadcasts");
}

#[tokio::test]
async fn the_filters_of_a_session_are_bounded_together() {
    let node = node().await;
    let mut session = Session::open(&mut node.client().await).await;
    let named = |channel: String, names: usize| Subscription {
        channel,
        events: (0..names).map(|at| at.to_string()).collect(),
        ..Subscription::default()
    };
    let full = SubscribeRequest {
        subscriptions: (0..1_024).map(|at| named(format!("a.{at}"), 64)).collect(),
        ..SubscribeRequest::default()
    };
    session.subscribe(full).await;
    let more = || SubscribeRequest {
        subscriptions: vec![named("b".into(), 1)],
        ..SubscribeRequest::default()
    };
    let refused = Request::Subscribe(more());
    session
        .refused(refused, "INVALID_SUBSCRIPTION", "subscriptions")
        .await;
    session.unsubscribe(&["a.7"]).await;
    session.subscribe(more()).await;
}
