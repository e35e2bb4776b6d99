//! `bridge` where it is hard: repeats, a target that is away, one that
//! refuses, and what the source has lost.

use std::fs;
use std::path::{Path, PathBuf};

use fanfare::config::Config;
use fanfare::rpc::client::{Event, GetHistoryRequest, Payload};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::bridge::{Bridge, send};
use super::common::{Client, Node, connect, listen_to};
use crate::support::{Frames, PATIENCE, subscribe, until};

/// The file in which a bridge keeps its position, in a folder that goes away
/// with it.
struct Kept {
    path: PathBuf,
    _folder: TempDir,
}

fn kept() -> Kept {
    let folder = tempfile::tempdir().unwrap();
    Kept {
        path: folder.path().join("position"),
        _folder: folder,
    }
}

fn client(node: &Node) -> Client {
    connect(&node.address).unwrap()
}

async fn start(source: &Node, target: &str, kept: &Path) -> JoinHandle<()> {
    let target = connect(target).unwrap();
    let bridge = Bridge::open(client(source), target, "news", kept).await;
    let bridge = bridge.unwrap();
    tokio::spawn(async { bridge.run().await.map(|_| ()).unwrap() })
}

/// Who reads the copies on the target.
async fn reader(target: &str) -> Frames {
    subscribe(&mut connect(target).unwrap(), listen_to("news")).await
}

/// What the next copy says, or else is.
async fn read(copies: &mut Frames) -> String {
    let event = tokio::time::timeout(PATIENCE, copies.event()).await;
    let event = event.expect("a copy in time");
    let payload = event.payload.unwrap_or_default();
    payload.as_text().map_or(event.name, ToOwned::to_owned)
}

async fn log(node: &Node) -> Vec<Event> {
    let history = client(node)
        .get_history(GetHistoryRequest {
            channel: "news".to_owned(),
            ..GetHistoryRequest::default()
        })
        .await;
    history.unwrap().into_inner().events
}

fn texts(events: &[Event]) -> Vec<&str> {
    let payloads = events.iter().filter_map(|event| event.payload.as_ref());
    payloads.filter_map(Payload::as_text).collect()
}

#[tokio::test]
async fn a_bridge_that_dies_before_it_kept_its_position_repeats_nothing() {
    let (source, target) = (Node::start().await.unwrap(), Node::start().await.unwrap());
    let kept = kept();
    let mut publisher = client(&source);
    let mut copies = reader(&target.address).await;
    let bridge = start(&source, &target.address, &kept.path).await;
    let before = fs::read_to_string(&kept.path).unwrap();
    for text in ["one", "two"] {
        send(&mut publisher, text).await.unwrap();
        assert_eq!(read(&mut copies).await, text);
    }
    let moves = || fs::read_to_string(&kept.path).is_ok_and(|now| now != before);
    until("a new position is kept", moves).await;
    bridge.abort();
    bridge.await.unwrap_err();
    fs::write(&kept.path, before).unwrap();
    start(&source, &target.address, &kept.path).await;
    send(&mut publisher, "three").await.unwrap();
    assert_eq!(read(&mut copies).await, "three");
    assert_eq!(texts(&log(&target).await), ["one", "two", "three"]);
}

#[tokio::test]
async fn what_is_sent_while_the_target_is_away_comes_when_it_is_back() {
    let (source, target) = (Node::start().await.unwrap(), Node::start().await.unwrap());
    let kept = kept();
    start(&source, &target.address, &kept.path).await;
    let address = target.crash().await;
    let mut publisher = client(&source);
    for text in ["one", "two"] {
        send(&mut publisher, text).await.unwrap();
    }
    let target = Node::start_at(&address).await.unwrap();
    let mut copies = reader(&target.address).await;
    while texts(&log(&target).await).len() < 2 {
        read(&mut copies).await;
    }
    assert_eq!(texts(&log(&target).await), ["one", "two"]);
}

#[tokio::test]
async fn what_the_source_has_lost_is_told_on_the_target() {
    let (source, target) = (Node::start().await.unwrap(), Node::start().await.unwrap());
    let kept = kept();
    let mut copies = reader(&target.address).await;
    start(&source, &target.address, &kept.path).await.abort();
    let address = source.crash().await;
    let source = Node::start_at(&address).await.unwrap();
    start(&source, &target.address, &kept.path).await;
    assert_eq!(read(&mut copies).await, "bridge-gap");
    let told = log(&target).await.remove(0);
    let bounds = told.payload.and_then(|payload| payload.as_json());
    assert_eq!(bounds, Some(json!({ "after": 0, "through": 0 })));
}

#[tokio::test]
async fn what_the_target_refuses_is_left_out_and_holds_nothing_up() {
    let source = Node::start().await.unwrap();
    let mut config = Config::default();
    config.rpc.payload_bytes = 1024;
    let target = crate::support::Node::start(config).await;
    let kept = kept();
    let mut copies = reader(&target.address).await;
    start(&source, &target.address, &kept.path).await;
    let mut publisher = client(&source);
    send(&mut publisher, &"x".repeat(2000)).await.unwrap();
    send(&mut publisher, "small").await.unwrap();
    assert_eq!(read(&mut copies).await, "small");
}

#[tokio::test]
async fn a_copy_says_all_that_its_original_said() {
    let (source, target) = (Node::start().await.unwrap(), Node::start().await.unwrap());
    let kept = kept();
    let mut copies = reader(&target.address).await;
    start(&source, &target.address, &kept.path).await;
    let original = fanfare::rpc::client::SendRequest {
        channel: "news".to_owned(),
        event: "flash".to_owned(),
        payload: Some(Payload::json(json!({ "n": 1 }))),
        sender_id: "ada".to_owned(),
        headers: [("trace".to_owned(), "7".to_owned())].into(),
        request_id: "its own".to_owned(),
    };
    client(&source).send(original.clone()).await.unwrap();
    assert_eq!(read(&mut copies).await, "flash");
    let (source, target) = (log(&source).await.remove(0), log(&target).await.remove(0));
    assert_eq!(
        (target.name, target.payload, target.sender_id),
        (original.event, original.payload, original.sender_id)
    );
    assert_eq!(target.headers, original.headers);
    assert!(target.id.ends_with(&format!(":{}", source.sequence)));
}
