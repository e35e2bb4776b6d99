//! What is asked and sent as JSON.

use fanfare::rpc::client::payload::Kind;
use fanfare::rpc::client::{GetMembersRequest, Subscription};
use serde_json::{Value, json};

use super::client::{Http, JSON, MERGE};
use crate::support::{node, send, subscribe, subscribe_ready, text, to};
use crate::wire_support::Wire;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_as_json_reaches_a_subscriber_of_grpc() {
    let node = node().await;
    let mut frames = subscribe(&mut node.client().await, to(["a"])).await;
    let mut http = Http::new(&node).await;
    let request = json!({
        "channel": "a", "event": "e", "requestId": "r", "senderId": "s", "headers": {"k": "v"},
        "payload": {"json": {"list": [1, 2.5, null, "x"]}},
    });
    let answer = http.post("/v1:send", &request).await.ok();
    assert_eq!(
        (&answer["position"]["sequence"], &answer["recipients"]),
        (&json!("1"), &json!(1))
    );
    let event = frames.event().await;
    assert_eq!((event.name.as_str(), event.id.as_str()), ("e", "r"));
    assert_eq!(
        (event.sender_id.as_str(), event.headers["k"].as_str()),
        ("s", "v")
    );
    assert!(matches!(event.payload.unwrap().kind, Some(Kind::Json(_))));
    let again = http.post("/v1:send", &request).await.ok();
    assert_eq!(again["duplicate"], true);

    for (kind, value) in [
        ("text", json!("hé")),
        ("binary", json!("AP8=")),
        ("any", json!({"@type": "x/no.Such", "value": "AQI="})),
        ("json", Value::Null),
    ] {
        let payload = json!({"payload": {(kind): value}});
        http.post("/v1/channels/a:send", &payload).await.ok();
        let listed = http
            .get("/v1/history?channel=a&page_size=1&descending=true")
            .await;
        assert_eq!(listed.ok()["events"][0]["payload"], json!({(kind): value}));
        frames.event().await;
    }

    http.post("/v1:broadcast", &json!({"event": "all"}))
        .await
        .ok();
    let event = frames.event().await;
    assert_eq!((event.channel.as_str(), event.name.as_str()), ("", "all"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_a_batch_has_its_own_result() {
    let node = node().await;
    let mut http = Http::new(&node).await;
    let batch = json!({"requests": [{"channel": "a"}, {"channel": ""}, {"channel": "b"}]});
    let results = http.post("/v1:sendBatch", &batch).await.ok()["results"].clone();
    assert_eq!(results[0]["response"]["position"]["sequence"], "1");
    assert_eq!(results[1]["error"]["code"], 3);
    assert_eq!(
        results[1]["error"]["details"][0]["reason"],
        "INVALID_CHANNEL"
    );
    assert_eq!(results[2]["response"]["position"]["sequence"], "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_in_the_path_is_decoded_once() {
    let node = node().await;
    let mut http = Http::new(&node).await;
    for (path, channel) in [
        ("a%2Fb%20c", "a/b c"),
        ("%2561", "%61"),
        ("a+b", "a+b"),
        ("%C3%A9:send", "é:send"),
    ] {
        let path = format!("/v1/channels/{path}:send");
        http.post(&path, &json!({})).await.ok();
        let listed = http.get("/v1/channels").await.ok();
        let listed = listed["channels"].as_array().unwrap();
        assert!(
            listed.iter().any(|found| found["name"] == channel),
            "{channel}: {listed:?}"
        );
    }
    http.post("/v1/channels/a:send", &json!({"channel": "a"}))
        .await
        .ok();
    let differs = http
        .post("/v1/channels/a:send", &json!({"channel": "b"}))
        .await;
    let says = differs.refused(400, "INVALID_CHANNEL", "channel");
    assert!(
        says.contains("another in the body than \"a\" in the path"),
        "{says}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages() {
    let node = node().await;
    let mut client = node.client().await;
    for number in 0..5 {
        send(&mut client, text("a.1", "e", &number.to_string())).await;
        send(&mut client, text(&format!("b.{number}"), "e", "")).await;
    }
    let mut http = Http::new(&node).await;
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let path = format!("/v1/history?channel=a.1&pageSize=2&page_token={token}");
        let page = http.get(&path).await.ok();
        let events = page["events"].as_array().unwrap().clone();
        seen.extend(
            events
                .into_iter()
                .map(|event| event["payload"]["text"].clone()),
        );
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);

    let all = http.get("/v1/history?channel=a.1").await.ok();
    let epoch = all["position"]["epoch"].as_str().unwrap();
    for after in [
        format!("after={epoch}:7"),
        format!("after.epoch={epoch}&after.sequence=7"),
    ] {
        let rest = http
            .get(&format!("/v1/history?channel=a.1&{after}"))
            .await
            .ok();
        assert_eq!(rest["events"].as_array().unwrap().len(), 1, "{rest}");
    }

    let found = http
        .get("/v1/channels?pattern=b.%3E&page_size=3")
        .await
        .ok();
    assert_eq!(found["channels"].as_array().unwrap().len(), 3);
    assert!(found["nextPageToken"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_is_merged_into_the_profile_of_who_may() {
    let node = node().await;
    let mut client = node.client().await;
    let (ready, _frames) = subscribe_ready(&mut client, to(["a"])).await;
    let mut http = Http::new(&node).await;
    let patch = format!("PATCH /v1/members/{}", ready.member_id);
    let first = http
        .ask(&patch, MERGE, r#"{"name":"Ada","age":36}"#)
        .await
        .ok();
    assert_eq!(first["member"]["data"], json!({"name": "Ada", "age": 36}));
    let token = format!("{MERGE}fanfare-member-token: {}\r\n", ready.member_token);
    let second = http
        .ask(&patch, &token, r#"{"age":null,"status":"away"}"#)
        .await
        .ok();
    let expected = json!({"name": "Ada", "status": "away"});
    assert_eq!(second["member"]["data"], expected);
    let listed = http.get("/v1/members?channel=a").await.ok();
    assert_eq!(
        (&listed["members"][0]["data"], &listed["totalSize"]),
        (&expected, &json!(1))
    );

    let forged = format!("{MERGE}fanfare-member-token: {}x\r\n", ready.member_token);
    let refused = http.ask(&patch, &forged, "{}").await;
    refused.refused(403, "MEMBER_TOKEN_INVALID", "");
    let gone = http.ask("PATCH /v1/members/nobody", MERGE, "{}").await;
    gone.refused(404, "MEMBER_NOT_FOUND", "");
    let list = http.ask(&patch, MERGE, "[]").await;
    list.refused(400, "INVALID_REQUEST", "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_http_2_has_the_same_door() {
    let node = node().await;
    let mut client = node.client().await;
    send(&mut client, text("a", "e", "hello")).await;
    let wire = Wire::new(&node).await;
    let request = http::Request::get("http://node/v1/history?channel=a");
    let response = wire
        .send(request.body(()).unwrap(), bytes::Bytes::new())
        .await;
    let response = response.unwrap().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let mut body = response.into_body();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        text.extend(data.unwrap());
    }
    let json: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(json["events"][0]["payload"]["text"], "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_grpc_goes_on_beside_it() {
    let node = node().await;
    let mut http = Http::new(&node).await;
    let mut client = node.client().await;
    let mut request = to(["a"]);
    request.subscriptions.push(Subscription {
        channel: "b".into(),
        ..Subscription::default()
    });
    let mut frames = subscribe(&mut client, request).await;
    for number in 1..=20 {
        http.post("/v1/channels/a:send", &json!({})).await.ok();
        send(&mut client, text("b", "e", "")).await;
        assert_eq!(frames.event().await.sequence, 2 * number - 1);
        assert_eq!(frames.event().await.sequence, 2 * number);
    }
    let of = GetMembersRequest {
        channel: "a".into(),
        ..GetMembersRequest::default()
    };
    let members = client.get_members(of).await.unwrap().into_inner();
    assert_eq!(members.total_size, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_answers_one_request_after_the_other() {
    let node = node().await;
    let mut http = Http::new(&node).await;
    // All at once, before the first is answered.
    for _ in 0..20 {
        let headers = format!("{JSON}content-length: 2\r\n");
        http.say("POST /v1/channels/a:send", &headers).await;
        tokio::io::AsyncWriteExt::write_all(&mut http.stream, b"{}")
            .await
            .unwrap();
    }
    for number in 1..=20 {
        let answer = http.reply().await.ok();
        assert_eq!(answer["position"]["sequence"], number.to_string());
    }
}
