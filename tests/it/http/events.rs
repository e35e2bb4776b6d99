//! Server-sent events: what a browser's `EventSource` and `curl -N` get.

use std::time::Duration;

use serde_json::json;

use super::client::{EventSource, Http, JSON};
use crate::support::{Node, node, send, subscribe, text, to};
use crate::wire_support::node_with;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_in_order_and_each_has_an_id_to_come_back_with() {
    let node = node().await;
    let mut client = node.client().await;
    let mut source = EventSource::open(&node, "channel=a&channel=b.*", "").await;
    let ready = source.expect("ready").await;
    let epoch = ready.data["position"]["epoch"].as_str().unwrap().to_owned();
    let mut id = ready.id.unwrap();
    assert_eq!(id, format!("{epoch}:0"));
    // Cut off again and again, it misses nothing and gets nothing twice.
    for round in 0..10 {
        for channel in ["a", "b.1", "other"] {
            send(&mut client, text(channel, "e", &round.to_string())).await;
        }
        for (channel, sequence) in [("a", 3 * round + 1), ("b.1", 3 * round + 2)] {
            let event = source.expect("event").await;
            assert_eq!(event.data["channel"], channel);
            assert_eq!(event.data["sequence"], sequence.to_string());
            assert_eq!(event.data["payload"], json!({"text": round.to_string()}));
            id = event.id.unwrap();
            assert_eq!(id, format!("{epoch}:{sequence}"));
            let header = format!("Last-Event-ID: {id}\r\n");
            source = EventSource::open(&node, "channel=a&channel=b.*", &header).await;
            let ready = source.expect("ready").await;
            assert_eq!(
                (ready.id.as_ref(), &ready.data["recovered"]),
                (Some(&id), &json!(true))
            );
        }
    }
    let by_query = format!("channel=a&last_event_id={epoch}:25");
    let mut source = EventSource::open(&node, &by_query, "").await;
    source.expect("ready").await;
    assert_eq!(source.expect("event").await.data["sequence"], "28");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_browser_says_of_itself_counts_before_its_url() {
    let node = node().await;
    let mut client = node.client().await;
    for _ in 0..5 {
        send(&mut client, text("a", "e", "")).await;
    }
    let epoch = node.hub.epoch().as_str().to_owned();
    let query = format!("channel=a&last=5&last_event_id={epoch}:1");
    let header = format!("last-event-id: {epoch}:4\r\n");
    let mut source = EventSource::open(&node, &query, &header).await;
    source.expect("ready").await;
    assert_eq!(source.expect("event").await.data["sequence"], "5");
    let mut source = EventSource::open(&node, "channel=a&last=2", "last-event-id: \r\n").await;
    source.expect("ready").await;
    assert_eq!(source.expect("event").await.data["sequence"], "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_the_gap_comes_first_and_then_an_id_of_the_new_epoch() {
    let before = node().await;
    let id = format!("{}:7", before.hub.epoch().as_str());
    before.stopped().await;
    let node = node().await;
    let header = format!("last-event-id: {id}\r\n");
    let mut source = EventSource::open(&node, "channel=a", &header).await;
    let ready = source.expect("ready").await;
    assert_eq!(
        ready.id.as_deref(),
        Some(id.as_str()),
        "so that a cut here loses nothing"
    );
    for channel in ["a", ""] {
        let gap = source.expect("gap").await;
        assert_eq!(gap.id, None, "a gap is no place to come back to");
        assert_eq!(gap.data["channel"].as_str().unwrap_or_default(), channel);
        assert_eq!(gap.data["reason"], "GAP_REASON_EPOCH_CHANGED");
    }
    let heartbeat = source.expect("heartbeat").await;
    assert_eq!(
        heartbeat.id,
        Some(format!("{}:0", node.hub.epoch().as_str()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_and_their_changes_come_when_asked_for() {
    let node = node().await;
    let query = "channel=a&channel=b.*&presence=true&data=%7B%22name%22%3A%22Ada%22%7D";
    let mut source = EventSource::open(&node, query, "").await;
    let ready = source.expect("ready").await;
    let members = source.expect("members").await;
    assert_eq!(
        members.id, None,
        "a list of members is no place to come back to"
    );
    assert_eq!(
        (&members.data["channel"], &members.data["last"]),
        (&json!("a"), &json!(true))
    );
    let oneself = &members.data["members"][0];
    assert_eq!(
        (&oneself["id"], &oneself["data"]["name"]),
        (&ready.data["memberId"], &json!("Ada"))
    );
    let other = subscribe(&mut node.client().await, to(["a"])).await;
    let joined = source.expect("presence").await;
    assert_eq!(joined.data["kind"], "PRESENCE_KIND_JOINED");
    let id = format!(
        "{}:{}",
        node.hub.epoch().as_str(),
        joined.data["sequence"].as_str().unwrap()
    );
    assert_eq!(joined.id, Some(id));
    drop(other);
    let left = source.expect("presence").await;
    assert_eq!(left.data["kind"], "PRESENCE_KIND_LEFT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_what_comes() {
    let node = node().await;
    let mut client = node.client().await;
    let query = "channel=a&event=x&event=y&observe=true&broadcasts=false&heartbeat_interval=5s";
    let mut source = EventSource::open(&node, query, "").await;
    let ready = source.expect("ready").await;
    assert_eq!(ready.data["heartbeatInterval"], "5s");
    assert_eq!(node.hub.counts().subscriptions, 1);
    let mut http = Http::new(&node).await;
    let members = http.get("/v1/members?channel=a").await.ok();
    assert_eq!(members, json!({}), "who observes is no member");
    for event in ["z", "x"] {
        http.post("/v1:broadcast", &json!({"event": event}))
            .await
            .ok();
        send(&mut client, text("a", event, event)).await;
    }
    let event = source.expect("event").await;
    assert_eq!(
        (&event.data["channel"], &event.data["name"]),
        (&json!("a"), &json!("x"))
    );

    let mut both = EventSource::open(&node, "channel=a&event=x", "").await;
    both.expect("ready").await;
    for event in ["z", "x"] {
        http.post("/v1:broadcast", &json!({"event": event}))
            .await
            .ok();
    }
    let event = both.expect("event").await;
    assert_eq!(
        (&event.data["channel"], &event.data["name"]),
        (&json!(null), &json!("x"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_with_its_token_is_the_same_member() {
    let node = node_with(|config| config.hub.leave_grace = Duration::from_secs(60)).await;
    let mut source = EventSource::open(&node, "channel=a", "").await;
    let ready = source.expect("ready").await;
    let token = ready.data["memberToken"].as_str().unwrap();
    let header = format!("fanfare-member-token: {token}\r\n");
    let mut again = EventSource::open(&node, "channel=a", &header).await;
    assert_eq!(
        again.expect("ready").await.data["memberId"],
        ready.data["memberId"]
    );
    let closing = source.expect("closing").await;
    assert_eq!(closing.data["reason"], "CLOSING_REASON_REPLACED");
    assert_eq!(source.next().await, None);
    let mut own = Http::new(&node).await;
    let sender = json!({"senderId": ready.data["memberId"], "payload": {"text": "mine"}});
    own.post("/v1/channels/a:send", &sender).await.ok();
    own.post("/v1/channels/a:send", &json!({})).await.ok();
    assert_eq!(
        again.expect("event").await.data["sequence"],
        "2",
        "not its own"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_that_is_not_known_is_no_error() {
    let node = node().await;
    let mut source = EventSource::open(&node, "channel=a", "").await;
    source.expect("ready").await;
    let mut http = Http::new(&node).await;
    let any = json!({"any": {"@type": "x/no.Such", "value": "AQI="}});
    let request = json!({"payload": any});
    http.post("/v1/channels/a:send", &request).await.ok();
    assert_eq!(source.expect("event").await.data["payload"], any);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_is_an_event_with_an_id() {
    let node = node().await;
    let mut source = EventSource::open(&node, "channel=a&heartbeat_interval=1s", "").await;
    source.expect("ready").await;
    send(&mut node.client().await, text("other", "e", "")).await;
    let heartbeat = source.expect("heartbeat").await;
    assert_eq!(
        heartbeat.id,
        Some(format!("{}:1", node.hub.epoch().as_str()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_says_when_to_come_back() {
    let mut node: Node = node().await;
    let mut source = EventSource::open(&node, "channel=a", "").await;
    source.expect("ready").await;
    node.stop();
    let closing = source.expect("closing").await;
    assert_eq!(closing.data["reason"], "CLOSING_REASON_SHUTDOWN");
    assert_eq!(closing.id, None);
    assert!(
        (100..=2_000).contains(&closing.retry.unwrap()),
        "{closing:?}"
    );
    assert_eq!(source.next().await, None);
    node.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_dropped_drops_its_subscription() {
    let node = node().await;
    let source = EventSource::open(&node, "channel=a", "").await;
    node.until("it is open", |counts| counts.subscriptions == 1)
        .await;
    drop(source);
    node.until("it is gone", |counts| {
        (counts.streams, counts.subscriptions) == (0, 0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_the_largest_payload_comes_whole() {
    let node = node().await;
    let mut source = EventSource::open(&node, "channel=a", "").await;
    source.expect("ready").await;
    let mut http = Http::new(&node).await;
    let large = "é".repeat((1 << 19) - 16);
    let body = json!({"payload": {"text": large}}).to_string();
    for _ in 0..2 {
        http.ask("POST /v1/channels/a:send", JSON, &body).await.ok();
        let event = source.expect("event").await;
        assert!(event.data["payload"]["text"] == large.as_str());
    }
}
