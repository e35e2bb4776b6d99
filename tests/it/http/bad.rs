//! What is wrong over HTTP, and what it is told.

use super::client::{Http, JSON, MERGE};
use crate::bystander::Bystander;
use crate::support::node;
use crate::wire_support::{node_with, without_panics};

/// A request, its body, and what it gets: status, reason, and field.
type Wrong = (&'static str, &'static str, u16, &'static str, &'static str);

const WRONG: &[Wrong] = &[
    ("POST /v1:send", "", 400, "INVALID_REQUEST", ""),
    ("POST /v1:send", "{", 400, "INVALID_REQUEST", ""),
    ("POST /v1:send", "[1]", 400, "INVALID_REQUEST", ""),
    (
        "POST /v1:send",
        r#"{"chanel":"a"}"#,
        400,
        "INVALID_REQUEST",
        "chanel",
    ),
    (
        "POST /v1:send",
        r#"{"channel":""}"#,
        400,
        "INVALID_CHANNEL",
        "channel",
    ),
    (
        "POST /v1:send",
        r#"{"channel":7}"#,
        400,
        "INVALID_CHANNEL",
        "channel",
    ),
    (
        "POST /v1:send",
        r#"{"channel":"a","event":["x"]}"#,
        400,
        "INVALID_EVENT",
        "event",
    ),
    (
        "POST /v1:send",
        r#"{"channel":"a","payload":{"json":{"n":[9007199254740993]}}}"#,
        400,
        "INVALID_PAYLOAD",
        "payload.json.n[0]",
    ),
    (
        "POST /v1:send",
        r#"{"channel":"a","payload":{"jsn":1}}"#,
        400,
        "INVALID_PAYLOAD",
        "payload.jsn",
    ),
    (
        "POST /v1:send",
        r#"{"channel":"a","payload":{"binary":"!"}}"#,
        400,
        "INVALID_PAYLOAD",
        "payload.binary",
    ),
    (
        "POST /v1:sendBatch",
        r#"{"requests":[{},{"headers":{"a":1}}]}"#,
        400,
        "INVALID_HEADERS",
        "requests[1].headers.a",
    ),
    (
        "POST /v1/channels/%FF:send",
        "{}",
        400,
        "INVALID_CHANNEL",
        "channel",
    ),
    (
        "POST /v1/channels/a..b:send",
        "{}",
        400,
        "INVALID_CHANNEL",
        "channel",
    ),
    (
        "POST /v1/channels/%00:send",
        "{}",
        400,
        "INVALID_CHANNEL",
        "channel",
    ),
    ("GET /v1/members", "", 400, "INVALID_CHANNEL", "channel"),
    (
        "GET /v1/members?chanel=a",
        "",
        400,
        "INVALID_REQUEST",
        "chanel",
    ),
    (
        "GET /v1/members?channel=a&channel=b",
        "",
        400,
        "INVALID_CHANNEL",
        "channel",
    ),
    (
        "GET /v1/members?channel=a&page_size=-1",
        "",
        400,
        "INVALID_PAGE_SIZE",
        "page_size",
    ),
    (
        "GET /v1/members?channel=a&page_size=x",
        "",
        400,
        "INVALID_PAGE_SIZE",
        "pageSize",
    ),
    (
        "GET /v1/members?channel=a&page_token=x",
        "",
        400,
        "INVALID_PAGE_TOKEN",
        "page_token",
    ),
    (
        "GET /v1/history?channel=a&after=x",
        "",
        400,
        "INVALID_POSITION",
        "after",
    ),
    (
        "GET /v1/history?channel=a&after.sequence=1",
        "",
        400,
        "INVALID_POSITION",
        "after.epoch",
    ),
    (
        "GET /v1/history?channel=a&descending=1",
        "",
        400,
        "INVALID_REQUEST",
        "descending",
    ),
    (
        "GET /v1/events?chanel=a",
        "",
        400,
        "INVALID_REQUEST",
        "chanel",
    ),
    (
        "GET /v1/events?channel=a&presence=yes",
        "",
        400,
        "INVALID_SUBSCRIPTION",
        "subscriptions[0].presence",
    ),
    (
        "GET /v1/events?channel=a&channel=a",
        "",
        400,
        "INVALID_SUBSCRIPTION",
        "subscriptions[1].channel",
    ),
    (
        "GET /v1/events?last=1&since=2026-01-01T00:00:00Z",
        "",
        400,
        "INVALID_REQUEST",
        "since",
    ),
    (
        "GET /v1/events?heartbeat_interval=1ms",
        "",
        400,
        "INVALID_HEARTBEAT",
        "heartbeatInterval",
    ),
    (
        "GET /v1/events?heartbeat_interval=0.1s",
        "",
        400,
        "INVALID_HEARTBEAT",
        "heartbeat_interval",
    ),
    (
        "GET /v1/events?data={%22a%22:9007199254740993}",
        "",
        400,
        "INVALID_PROFILE",
        "data.a",
    ),
    (
        "GET /v1/events?last_event_id=7",
        "",
        400,
        "INVALID_POSITION",
        "last_event_id",
    ),
    // It would come back as lines of the stream.
    (
        "GET /v1/events?channel=a&last_event_id=x%0Aevent:%20event%0A%0A:0",
        "",
        400,
        "INVALID_POSITION",
        "last_event_id",
    ),
    ("GET /nothing", "", 404, "INVALID_REQUEST", "path"),
    (
        "GET /v1/channels/a/b:send",
        "",
        404,
        "INVALID_REQUEST",
        "path",
    ),
    ("GET /v1:send", "", 405, "INVALID_REQUEST", "method"),
    ("DELETE /v1/members/x", "", 405, "INVALID_REQUEST", "method"),
    ("OPTIONS /v1:send", "", 405, "INVALID_REQUEST", "method"),
];

#[test]
fn what_is_wrong_is_told_with_the_path_of_the_field() {
    without_panics("bad-json", async {
        let mut bystander = Bystander::of(node().await).await;
        for (request, body, status, reason, field) in WRONG {
            let mut http = Http::new(&bystander.node).await;
            http.ask(request, JSON, body)
                .await
                .refused(*status, reason, field);
            bystander.is_unharmed().await;
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_cannot_ask_for_more_filters_than_it_may_have() {
    let node = node().await;
    let many = |name: &str| format!("&{name}=x").repeat(300);
    let request = format!("GET /v1/events?{}{}", many("channel"), many("event"));
    let reply = Http::new(&node).await.ask(&request, "", "").await;
    assert_eq!(reply.status, 400);
    let told = String::from_utf8(reply.body).unwrap();
    assert!(told.contains("65536"), "{told}");
}

#[test]
fn a_wrong_type_or_method_is_told_what_would_be_right() {
    without_panics("bad-type", async {
        let mut bystander = Bystander::of(node().await).await;
        for (request, kind, expected) in [
            ("POST /v1:send", "", "application/json"),
            (
                "POST /v1:send",
                "content-type: text/plain\r\n",
                "application/json",
            ),
            ("POST /v1:send", MERGE, "application/json"),
            ("PATCH /v1/members/x", JSON, "application/merge-patch+json"),
            (
                "POST /fanfare.v1.RealtimeService/Send",
                JSON,
                "application/grpc",
            ),
        ] {
            let mut http = Http::new(&bystander.node).await;
            let reply = http.ask(request, kind, "{}").await;
            let says = reply.refused(415, "INVALID_REQUEST", "content-type");
            assert!(
                says.ends_with(&format!("content-type: {expected}")),
                "{says}"
            );
            let name = if request.starts_with("PATCH") {
                "accept-patch"
            } else {
                "accept-post"
            };
            assert_eq!(reply.header(name), Some(expected));
            bystander.is_unharmed().await;
        }
        let mut http = Http::new(&bystander.node).await;
        let parameters = "content-type: Application/JSON; charset=utf-8\r\n";
        http.ask("POST /v1/channels/a:send", parameters, "{}")
            .await
            .ok();
        for (request, allowed) in [
            ("PUT /v1/channels/a:send", "POST"),
            ("POST /v1/members?channel=a", "GET"),
            ("GET /v1/members/a", "PATCH"),
        ] {
            let reply = http.ask(request, "", "").await;
            reply.refused(405, "INVALID_REQUEST", "method");
            assert_eq!(reply.header("allow"), Some(allowed));
        }
    });
}

#[test]
fn native_grpc_over_http_1_is_told_what_it_needs() {
    without_panics("grpc-http-1", async {
        let mut bystander = Bystander::of(node().await).await;
        let mut http = Http::new(&bystander.node).await;
        let request = "POST /fanfare.v1.RealtimeService/Send";
        for kind in ["application/grpc", "application/grpc+proto"] {
            let headers = format!("content-type: {kind}\r\n");
            let reply = http.ask(request, &headers, "\0\0\0\0\0").await;
            let says = reply.refused(505, "INVALID_REQUEST", "version");
            assert!(says.contains("gRPC needs HTTP/2"), "{says}");
            http = Http::new(&bystander.node).await;
        }
        bystander.is_unharmed().await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_http_1_too_many_is_told_so() {
    let node = node_with(|config| config.transport.connections = 1).await;
    let mut first = Http::new(&node).await;
    first.get("/v1/channels").await.ok();
    let mut second = Http::new(&node).await;
    let refused = second.get("/v1/channels").await;
    let says = refused.refused(503, "OVERLOADED", "");
    assert!(!says.is_empty());
    assert!(refused.header("retry-after").is_some());
    first.get("/v1/channels").await.ok();
}
