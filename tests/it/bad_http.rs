//! Requests that are wrong before any message is read.

use bytes::Bytes;
use fanfare::rpc::client::GetMembersRequest;
use http::{Method, Request, StatusCode};
use tonic::Code;

use crate::bystander::Bystander;
use crate::support::{PATIENCE, assert_refused, node, reason, text};
use crate::wire_support::{Wire, framed, prefixed, request, without_panics};

fn message() -> Bytes {
    framed(&text("a", "e", "hello"))
}

/// A Send whose body is `body`, refused as a whole; it says `says`.
async fn refused(bystander: &mut Bystander, body: Bytes, says: &str) {
    let answer = bystander.wire.call(request("Send"), body).await;
    let status = answer.status();
    assert_refused(&status, Code::InvalidArgument, "INVALID_REQUEST", "");
    assert!(status.message().contains(says), "{says:?}: {status:?}");
    bystander.is_unharmed().await;
}

#[test]
fn a_body_that_is_not_one_message_is_refused() {
    without_panics("bodies", async {
        let mut bystander = Bystander::of(node().await).await;
        let whole = message();
        refused(&mut bystander, Bytes::new(), "").await;
        for length in [1, 4, 5, whole.len() - 1] {
            refused(&mut bystander, whole.slice(..length), "").await;
        }
        for flag in [2, 0x80, 0xff] {
            let body = prefixed(flag, &whole[5..]);
            refused(&mut bystander, body, "").await;
        }
        let trailing = [&whole[..], b"\0\0\0"].concat();
        refused(&mut bystander, trailing.into(), "").await;
    });
}

#[test]
fn a_compressed_request_is_refused() {
    without_panics("compressed", async {
        let mut bystander = Bystander::of(node().await).await;
        refused(&mut bystander, prefixed(1, b"\x0a\x01a"), "compressed").await;
        for encoding in ["gzip", "deflate", "zstd", "unheard-of"] {
            let mut request = request("Send");
            let value = encoding.parse().unwrap();
            request.headers_mut().insert("grpc-encoding", value);
            let answer = bystander.wire.call(request, prefixed(1, b"\x1f\x8b")).await;
            let status = answer.status();
            assert_refused(&status, Code::Unimplemented, "NOT_BUILT", "grpc-encoding");
            bystander.is_unharmed().await;
        }
    });
}

#[test]
fn a_message_beyond_all_limits_is_refused() {
    without_panics("oversize", async {
        let mut bystander = Bystander::of(node().await).await;
        let limit = (5 << 20).to_string();
        let huge = prefixed(0, &vec![0; (5 << 20) + 1]);
        refused(&mut bystander, huge, &limit).await;
        // What announces more than it sends is refused before it does.
        let lie = Bytes::from_static(b"\0\xff\xff\xff\xff");
        let (response, mut stream) = bystander.wire.open(request("Send")).await.unwrap();
        stream.send_data(lie, false).unwrap();
        let response = tokio::time::timeout(PATIENCE, response).await;
        let status = tonic::Status::from_header_map(response.unwrap().unwrap().headers());
        assert_eq!(reason(&status.expect("a status")), "INVALID_REQUEST");
        drop(stream);
        bystander.is_unharmed().await;
    });
}

#[test]
fn http_that_is_not_grpc_harms_nobody() {
    without_panics("plain-http", async {
        let mut bystander = Bystander::of(node().await).await;
        let send = "/fanfare.v1.RealtimeService/";
        for method in [Method::GET, Method::OPTIONS, Method::PUT, Method::DELETE] {
            for path in [
                "/",
                "/favicon.ico",
                "/%00",
                "/fanfare.v1.RealtimeService",
                send,
            ] {
                let request = Request::builder()
                    .method(method.clone())
                    .uri(format!("http://node{path}"))
                    .body(())
                    .unwrap();
                let answer = bystander.wire.call(request, Bytes::new()).await;
                assert!(answer.http.as_u16() < 500, "{answer:?}");
                bystander.is_unharmed().await;
            }
        }
    });
}

#[test]
fn another_content_type_is_refused_and_harms_nobody() {
    without_panics("content-type", async {
        let mut bystander = Bystander::of(node().await).await;
        let list = framed(&GetMembersRequest {
            channel: "a".into(),
            ..GetMembersRequest::default()
        });
        for content_type in ["text/plain", "application/json", ""] {
            let mut request = request("GetMembers");
            let value = content_type.parse().unwrap();
            request.headers_mut().insert("content-type", value);
            let (response, mut body) = bystander.wire.open(request).await.unwrap();
            // Refused by its headers, perhaps before its body is sent.
            body.send_data(list.clone(), true).ok();
            let response = tokio::time::timeout(PATIENCE, response).await;
            assert_eq!(response.unwrap().unwrap().status(), 415, "{content_type}");
            bystander.is_unharmed().await;
        }
    });
}

/// A Send with about so many KiB of headers.
async fn with_headers(wire: &Wire, kibibytes: usize) -> Result<StatusCode, h2::Error> {
    let mut request = request("Send");
    for n in 0..kibibytes {
        let name: http::HeaderName = format!("x-{n}").parse().unwrap();
        let value = "v".repeat(1_000).parse().unwrap();
        request.headers_mut().insert(name, value);
    }
    let response = wire.send(request, message()).await?;
    let response = tokio::time::timeout(PATIENCE, response).await;
    Ok(response.expect("an answer or a reset")?.status())
}

#[test]
fn headers_beyond_all_limits_harm_nobody() {
    without_panics("headers-size", async {
        let mut bystander = Bystander::of(node().await).await;
        let status = with_headers(&bystander.wire, 17).await.unwrap();
        assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        bystander.is_unharmed().await;
        // HTTP/2 gives such a connection up, and only it.
        let wire = Wire::new(&bystander.node).await;
        with_headers(&wire, 100).await.unwrap_err();
        bystander.is_unharmed().await;
    });
}
