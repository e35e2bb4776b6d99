//! Where a subscription starts, and how it comes back.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::assert_fails;
use crate::binary::{PATIENCE, Running, Serving};

/// The payloads of the next events, past heartbeats.
#[track_caller]
fn texts(reader: &mut Running, count: usize) -> Vec<Value> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let frame = reader.json();
        if frame.get("heartbeat").is_none() {
            let text = &frame["event"]["payload"]["text"];
            assert!(text.is_string(), "{frame}");
            texts.push(text.clone());
        }
    }
    texts
}

fn send(node: &Serving, channel: &str, text: &str) -> Value {
    node.ask(&["send", channel, "e", "--text", text])[0]["position"].take()
}

/// The next frame of this kind, past all others.
#[track_caller]
fn next(reader: &mut Running, kind: &str) -> Value {
    loop {
        let mut frame = reader.json();
        if frame.get(kind).is_some() {
            return frame[kind].take();
        }
    }
}

/// A port for a node that is started twice: below those that a system gives
/// out by itself, so that nobody gets it while the node is away.
fn free_port() -> String {
    let ports = (10_000..20_000).map(|port| port + u16::try_from(std::process::id() % 97).unwrap());
    let mut free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    format!("127.0.0.1:{}", free.next().unwrap())
}

#[test]
fn a_subscription_starts_where_it_is_told_to() {
    let node = Serving::start();
    let first = send(&node, "c", "1");
    let texts_from = |start: &[&str], count| {
        let (_, mut reader) = node.subscribe(&[&["c", "--observe"], start].concat());
        texts(&mut reader, count)
    };
    send(&node, "c", "2");
    send(&node, "c", "3");
    assert_eq!(texts_from(&["--last", "2"], 2), ["2", "3"]);
    assert_eq!(texts_from(&["--since", "1h"], 3), ["1", "2", "3"]);
    assert_eq!(
        texts_from(&["--since", "2026-01-02T03:04:05Z"], 3),
        ["1", "2", "3"]
    );
    let epoch = first["epoch"].as_str().unwrap();
    let sequence = first["sequence"].as_str().unwrap();
    let resume = format!("{epoch}:{sequence}");
    assert_eq!(texts_from(&["--resume", &resume], 2), ["2", "3"]);
}

#[test]
fn patterns_listen_to_what_matches_them() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["orders.>"]);
    send(&node, "invoices.1", "no");
    send(&node, "orders.1", "a");
    send(&node, "orders.1.lines", "b");
    assert_eq!(texts(&mut reader, 2), ["a", "b"]);
}

#[test]
fn presence_shows_who_is_there_and_who_comes_and_leaves() {
    let node = Serving::start();
    let (ada, mut watcher) = node.subscribe(&["c", "--presence"]);
    let snapshot = next(&mut watcher, "members");
    assert_eq!(snapshot["members"][0]["id"], ada["memberId"]);
    assert_eq!(snapshot["last"], json!(true));
    let (eve, member) = node.subscribe(&["c", "--data", r#"{"name": "Eve"}"#]);
    let joined = next(&mut watcher, "presence");
    assert_eq!(joined["kind"], json!("PRESENCE_KIND_JOINED"));
    assert_eq!(joined["member"]["id"], eve["memberId"]);
    assert_eq!(joined["member"]["data"], json!({"name": "Eve"}));
    member.signal("INT");
    let left = next(&mut watcher, "presence");
    assert_eq!(left["kind"], json!("PRESENCE_KIND_LEFT"));
    assert_eq!(left["member"], json!({"id": eve["memberId"]}));
    member.ended_within(PATIENCE);
}

#[test]
fn a_follower_comes_back_to_a_node_that_was_killed() {
    let address = free_port();
    let node = Serving::start_on(&address);
    let (ready, mut reader) = node.subscribe(&["c", "--follow"]);
    send(&node, "c", "before");
    assert_eq!(texts(&mut reader, 1), ["before"]);
    node.process.signal("KILL");
    drop(node);

    let node = Serving::start_on(&address);
    let again = next(&mut reader, "ready");
    assert_eq!(again["position"]["epoch"], ready["position"]["epoch"]);
    assert_ne!(
        again["memberId"], ready["memberId"],
        "a new life knows nobody"
    );
    let gap = next(&mut reader, "gap");
    assert_eq!(gap["reason"], json!("GAP_REASON_EPOCH_CHANGED"));
    let heartbeat = next(&mut reader, "heartbeat");
    assert_eq!(heartbeat["position"]["epoch"], gap["epoch"]);
    send(&node, "c", "after");
    assert_eq!(texts(&mut reader, 1), ["after"]);

    reader.signal("INT");
    let (status, said) = reader.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.starts_with("reconnecting in "), "{said}");
    let position = &ready["position"]["epoch"].as_str().unwrap();
    let resumed = format!("resumed after {position}:");
    assert_eq!(
        said.lines()
            .filter(|line| line.starts_with(&resumed))
            .count(),
        1,
        "{said}"
    );
}

#[test]
fn a_follower_misses_nothing_and_gets_nothing_twice_when_streams_end() {
    // The least age: each stream ends some 10 s after it began.
    let node = Serving::start_with(&["--set", "stream_age=10s", "--set", "leave_grace=5s"]);
    let (ready, mut reader) = node.subscribe(&["c", "--follow"]);
    let (_, mut watcher) = node.subscribe(&["c", "--observe", "--presence", "--follow"]);
    let mut sent = Vec::new();
    let mut again = Value::Null;
    let mut seen = Vec::new();
    while again.is_null() {
        let text = sent.len().to_string();
        send(&node, "c", &text);
        sent.push(text);
        std::thread::sleep(Duration::from_millis(100));
        // One frame for each event, at least.
        while seen.len() < sent.len() {
            let mut frame = reader.json();
            if let Some(text) = frame["event"]["payload"]["text"].as_str() {
                seen.push(text.to_owned());
            }
            if frame.get("ready").is_some() {
                again = frame["ready"].take();
            }
            assert!(frame.get("gap").is_none(), "{frame}");
        }
    }
    assert_eq!(seen, sent);
    assert_eq!(again["memberId"], ready["memberId"], "the same member");
    assert_eq!(again["recovered"], json!(true));
    // The grace bridged it: nobody came or left.
    next(&mut watcher, "members");
    send(&node, "c", "end");
    loop {
        let frame = watcher.json();
        assert!(frame.get("presence").is_none(), "{frame}");
        if frame["event"]["payload"]["text"] == json!("end") {
            break;
        }
    }
    reader.signal("INT");
    let (status, said) = reader.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("UNAVAILABLE (DRAINING)"), "{said}");
}

#[test]
fn a_follower_whose_member_is_on_a_newer_stream_leaves_it_to_that() {
    let node = Serving::start();
    let (ready, older) = node.subscribe(&["c", "--follow"]);
    let token = ready["memberToken"].as_str().unwrap();
    let (again, _newer) = node.subscribe(&["c", "--member-token", token]);
    assert_eq!(again["memberId"], ready["memberId"]);
    let (status, said) = older.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("error: ABORTED (REPLACED): "), "{said}");
    assert!(!said.contains("reconnecting"), "{said}");
}

#[test]
fn a_follower_that_never_began_fails_at_once() {
    let node = Serving::start();
    let bad = ["subscribe", "a..b", "--follow"];
    assert_fails(
        &mut node.client(&bad),
        1,
        &["INVALID_ARGUMENT (INVALID_CHANNEL)"],
    );
    let mut away = node.client(&["subscribe", "c", "--follow"]);
    drop(node);
    assert_fails(&mut away, 1, &["cannot connect to "]);
}
