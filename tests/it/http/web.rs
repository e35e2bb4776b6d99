//! gRPC-Web, and which pages may call at all.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use fanfare::rpc::client::{SendResponse, SubscribeResponse, subscribe_response::Frame};
use prost::Message;

use super::client::{Http, JSON, Reply};
use crate::support::{Node, node, send, text, to};
use crate::wire_support::{Wire, framed, node_with};

const SERVICE: &str = "/fanfare.v1.RealtimeService";
const WEB: &str = "content-type: application/grpc-web+proto\r\n";
const TEXT: &str =
    "content-type: application/grpc-web-text\r\naccept: application/grpc-web-text\r\n";

/// The parts of a body: whether each is the trailers, and what is in it.
fn parts(mut body: &[u8]) -> Vec<(bool, Vec<u8>)> {
    let mut parts = Vec::new();
    while let Some((head, rest)) = body.split_at_checked(5) {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        parts.push((head[0] == 0x80, rest[..length].to_vec()));
        body = &rest[length..];
    }
    assert!(body.is_empty());
    parts
}

/// The message of a unary answer, whose trailers say that all is well.
fn unary(reply: &Reply) -> SendResponse {
    assert_eq!(reply.status, 200);
    let parts = parts(&reply.body);
    assert_eq!(parts.len(), 2, "{parts:?}");
    let trailers = String::from_utf8(parts[1].1.clone()).unwrap();
    assert!(
        parts[1].0 && trailers.contains("grpc-status:0"),
        "{trailers}"
    );
    SendResponse::decode(parts[0].1.as_slice()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_sends_by_grpc_web() {
    let node = node().await;
    let mut http = Http::new(&node).await;
    let message = framed(&text("a", "e", "hello"));
    let post = format!("POST {SERVICE}/Send");
    let reply = http.ask(&post, WEB, &message).await;
    assert_eq!(
        reply.header("content-type"),
        Some("application/grpc-web+proto")
    );
    assert_eq!(unary(&reply).position.unwrap().sequence, 1);

    let encoded = BASE64_STANDARD.encode(&message);
    let mut reply = http.ask(&post, TEXT, encoded).await;
    // Each part of the body is encoded by itself.
    let padded = String::from_utf8(reply.body.clone()).unwrap();
    reply.body = padded
        .split_inclusive('=')
        .collect::<String>()
        .as_bytes()
        .chunks(4)
        .flat_map(|four| BASE64_STANDARD.decode(four).unwrap())
        .collect();
    assert_eq!(unary(&reply).position.unwrap().sequence, 2);

    let refused = http.ask(&post, WEB, framed(&text("", "e", ""))).await;
    let status = refused.header("grpc-status").map(str::to_owned);
    let trailers = parts(&refused.body)
        .pop()
        .map(|(_, text)| String::from_utf8(text).unwrap());
    let told = status.or(trailers).unwrap();
    assert!(told.contains('3'), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_subscribes_by_grpc_web() {
    let mut node = node().await;
    let mut http = Http::new(&node).await;
    let body = framed(&to(["a"]));
    let headers = format!("{WEB}content-length: {}\r\n", body.len());
    http.say(&format!("POST {SERVICE}/Subscribe"), &headers)
        .await;
    tokio::io::AsyncWriteExt::write_all(&mut http.stream, &body)
        .await
        .unwrap();
    assert_eq!(http.head().await.status, 200);
    let mut came = http.chunk().await.unwrap();
    let ready = SubscribeResponse::decode(&came[5..]).unwrap();
    assert!(matches!(ready.frame, Some(Frame::Ready(_))));
    send(&mut node.client().await, text("a", "e", "hello")).await;
    came = http.chunk().await.unwrap();
    let event = SubscribeResponse::decode(&came[5..]).unwrap();
    assert!(matches!(event.frame, Some(Frame::Event(_))));
    node.stop();
    let mut rest = Vec::new();
    while let Some(chunk) = http.chunk().await {
        rest.extend(chunk);
    }
    let parts = parts(&rest);
    let closing = SubscribeResponse::decode(parts[0].1.as_slice()).unwrap();
    assert!(matches!(closing.frame, Some(Frame::Closing(_))));
    let trailers = String::from_utf8_lossy(&parts[1].1);
    assert!(
        parts[1].0 && trailers.contains("grpc-status:14"),
        "{trailers}"
    );
    node.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_web_is_spoken_over_http_2_too() {
    let node = node().await;
    let wire = Wire::new(&node).await;
    let request = http::Request::post(format!("http://node{SERVICE}/Send"))
        .header("content-type", "application/grpc-web+proto")
        .body(())
        .unwrap();
    let body: Bytes = framed(&text("a", "e", "hello"));
    let response = wire.send(request, body).await.unwrap().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/grpc-web+proto"
    );
    let mut body = response.into_body();
    let mut came = Vec::new();
    while let Some(data) = body.data().await {
        came.extend(data.unwrap());
    }
    let parts = parts(&came);
    assert_eq!(
        SendResponse::decode(parts[0].1.as_slice())
            .unwrap()
            .position
            .unwrap()
            .sequence,
        1
    );
    assert!(parts[1].0);
}

const PAGE: &str = "https://page.example";

async fn open_to(origins: &str) -> Node {
    node_with(|config| origins.clone_into(&mut config.http.cors_origins)).await
}

/// Asks for leave as a browser does before it lets a page call.
async fn leave(node: &Node, origin: &str, method: &str, header: &str) -> Reply {
    let asking = format!(
        "origin: {origin}\r\naccess-control-request-method: {method}\r\n\
         access-control-request-headers: {header}\r\n"
    );
    let mut http = Http::new(node).await;
    http.ask("OPTIONS /v1:send", &asking, "").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_may_call_unless_its_origin_is_allowed() {
    let closed = node().await;
    let open = open_to("https://other.example, https://page.example").await;
    for (node, origin) in [
        (&closed, PAGE),
        (&open, "https://evil.example"),
        (&open, "null"),
    ] {
        let reply = leave(node, origin, "POST", "content-type").await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
        let from = format!("origin: {origin}\r\n");
        let reply = Http::new(node)
            .await
            .ask("GET /v1/channels", &from, "")
            .await;
        assert_eq!(reply.header("access-control-allow-origin"), None);
        // A browser would throw the answer away, and the member be listed.
        let events = "GET /v1/events?channel=a&data=%7B%7D";
        let reply = Http::new(node).await.ask(events, &from, "").await;
        assert_eq!(reply.status, 403, "{origin}");
        let told = String::from_utf8(reply.body).unwrap();
        assert!(told.contains("cors_origins"), "{told}");
        let members = Http::new(node)
            .await
            .ask("GET /v1/members?channel=a", "", "")
            .await;
        assert_eq!(members.body, b"{}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_does_not_ask_for_the_answer_is_refused_too() {
    let node = node().await;
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("none", 200)] {
        let from = format!("sec-fetch-site: {site}\r\n");
        let reply = Http::new(&node)
            .await
            .ask("GET /v1/channels", &from, "")
            .await;
        assert_eq!(reply.status, status, "{site}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_the_nodes_own_origin_may_call() {
    let node = node().await;
    let asking = "origin: https://node\r\n";
    let reply = Http::new(&node)
        .await
        .ask("GET /v1/channels", asking, "")
        .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_origin_is_allowed_may_call_in_every_way() {
    let node = open_to("https://other.example, https://page.example").await;
    for (method, header) in [
        ("POST", "content-type"),
        ("GET", "last-event-id"),
        ("PATCH", "fanfare-member-token"),
        ("POST", "x-grpc-web"),
    ] {
        let reply = leave(&node, PAGE, method, header).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("access-control-allow-origin"), Some(PAGE));
        for (name, wanted) in [
            ("access-control-allow-methods", method),
            ("access-control-allow-headers", header),
        ] {
            let allowed = reply.header(name).unwrap();
            assert!(
                allowed.split(',').any(|one| one == wanted),
                "{name}: {allowed}"
            );
        }
    }
    let from = format!("origin: {PAGE}\r\n");
    let message = framed(&text("a", "e", "hello"));
    for (request, headers, body) in [
        ("GET /v1/channels", "", Bytes::new()),
        ("POST /v1/channels/a:send", JSON, "{}".into()),
        ("POST /v1:send", JSON, "not json".into()),
        ("POST /fanfare.v1.RealtimeService/Send", WEB, message),
    ] {
        let mut http = Http::new(&node).await;
        let reply = http.ask(request, &format!("{from}{headers}"), body).await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some(PAGE),
            "{request}"
        );
        let exposed = reply.header("access-control-expose-headers").unwrap();
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            assert!(exposed.split(',').any(|one| one == name), "{exposed}");
        }
    }
    let mut http = Http::new(&node).await;
    http.say("GET /v1/events?channel=a", &from).await;
    assert_eq!(
        http.head().await.header("access-control-allow-origin"),
        Some(PAGE)
    );

    let any = open_to("*").await;
    let reply = leave(&any, "https://anyone.example", "POST", "content-type").await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn an_origin_that_no_browser_sends_is_refused_at_the_start() {
    use fanfare::http::check_origins;
    for good in [
        "none",
        "*",
        "https://a.example",
        "http://localhost:3000, https://b.example:8443",
    ] {
        check_origins(good).unwrap_or_else(|flaw| panic!("{good} {flaw}"));
    }
    for (bad, says) in [
        ("", "is no origin"),
        ("a.example", "is no origin"),
        ("ftp://a.example", "is no origin"),
        ("https://", "is no origin"),
        ("https://a.example/", "leave out what comes after"),
        ("https://a.example/page", "leave out what comes after"),
        ("https://me@a.example", "leave out what comes after"),
        ("https://A.example", "lower case"),
        ("https://a.example, *", "stands alone"),
        ("https://a.example,,", "is no origin"),
    ] {
        let flaw = check_origins(bad).unwrap_err();
        assert!(flaw.contains(says), "{bad}: {flaw}");
    }
}
