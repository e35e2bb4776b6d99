//! What comes with a later version says so, by name, and does nothing.

use bytes::Bytes;
use tonic::{Code, Status};

use crate::support::{PATIENCE, assert_refused, node, text};
use crate::wire_support::{Wire, framed, request};

#[track_caller]
fn assert_not_built(status: &Status, what: &str) {
    assert_refused(status, Code::Unimplemented, "NOT_BUILT", what);
    assert!(status.message().contains(what), "{status:?}");
    assert!(status.message().contains("not built yet"), "{status:?}");
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
