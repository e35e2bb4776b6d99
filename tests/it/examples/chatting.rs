//! `chat` where it is hard: cuts, and what was said into them.

use fanfare::rpc::client::GetHistoryRequest;
use tokio::io::{AsyncWriteExt, BufReader, duplex};

use super::chat::{Member, converse};
use super::common::{Node, connect};
use crate::support::PATIENCE;

fn member(node: &Node, name: &str) -> Member {
    Member::new(connect(&node.address).unwrap(), name, "room")
}

/// A member that is in the room.
async fn entered(node: &Node, name: &str) -> Member {
    let mut member = member(node, name);
    let line = next(&mut member).await;
    assert!(line.starts_with("* in the room: "), "{line}");
    member
}

async fn next(member: &mut Member) -> String {
    let next = tokio::time::timeout(PATIENCE, member.next()).await;
    next.expect("a line in time").unwrap()
}

async fn said(node: &Node) -> usize {
    let history = connect(&node.address)
        .unwrap()
        .get_history(GetHistoryRequest {
            channel: "room".to_owned(),
            ..GetHistoryRequest::default()
        })
        .await;
    history.unwrap().into_inner().events.len()
}

#[tokio::test]
async fn what_is_said_into_a_cut_is_said_once_and_not_lost() {
    let node = Node::start().await.unwrap();
    let mut ada = entered(&node, "Ada").await;
    for round in 0..30 {
        let text = round.to_string();
        if round % 3 == 0 {
            ada.cut();
        }
        ada.say(&text).await;
        if round % 3 == 1 {
            // It has arrived, and its reply is not read.
            while said(&node).await <= round {
                tokio::task::yield_now().await;
            }
        }
        ada.cut();
        while next(&mut ada).await != format!("Ada: {text}") {}
    }
    assert_eq!(said(&node).await, 30);
}

#[tokio::test]
async fn a_member_comes_back_to_a_node_that_began_anew() {
    let node = Node::start().await.unwrap();
    let mut ada = entered(&node, "Ada").await;
    ada.change_status("away").await;
    assert_eq!(next(&mut ada).await, "* Ada is away");
    let node = Node::start_at(&node.crash().await).await.unwrap();
    let _bob = entered(&node, "Bob").await;
    let mut lines = Vec::new();
    while !lines.iter().any(|line| line == "* something was missed")
        || !lines
            .iter()
            .any(|line| line == "* in the room: Ada (away), Bob (here)")
    {
        lines.push(next(&mut ada).await);
    }
}

#[tokio::test]
async fn what_is_typed_is_said_changes_the_status_or_leaves() {
    let node = Node::start().await.unwrap();
    let mut bob = entered(&node, "Bob").await;
    let (mut keys, input) = duplex(1024);
    let ada = member(&node, "Ada");
    let ada = tokio::spawn(async {
        let mut out = Vec::new();
        let ended = converse(ada, BufReader::new(input), &mut out).await;
        ended.unwrap();
        String::from_utf8(out).unwrap()
    });
    keys.write_all(b"Hello!\n").await.unwrap();
    assert_eq!(next(&mut bob).await, "* Ada came");
    assert_eq!(next(&mut bob).await, "Ada: Hello!");
    keys.write_all(b"/status tired\n").await.unwrap();
    assert_eq!(next(&mut bob).await, "* Ada is tired");
    keys.write_all(b"/quit\n").await.unwrap();
    assert_eq!(next(&mut bob).await, "* Ada left");
    let shown = ada.await.unwrap();
    assert!(
        shown.starts_with("* in the room: Ada (here), Bob (here)\n"),
        "{shown}"
    );
}
