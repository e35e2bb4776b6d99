//! What can be asked of a node: history, channels; and a member's update.

use serde_json::{Value, json};

use super::{assert_fails, outcome};
use crate::binary::Serving;

/// The sequences of the events in a history.
fn sequences(events: &[Value]) -> Vec<u64> {
    let number = |event: &Value| event["sequence"].as_str().unwrap().parse().unwrap();
    events.iter().map(number).collect()
}

/// Sends so many events, and returns their numbers.
fn sent(node: &Serving, channel: &str, count: usize) -> Vec<u64> {
    let send = |_| node.ask(&["send", channel, "e"])[0]["position"].clone();
    sequences(&(0..count).map(send).collect::<Vec<_>>())
}

/// Runs a history, and returns its numbers and what it says on stderr.
fn history(node: &Serving, arguments: &[&str]) -> (Vec<u64>, String) {
    let arguments = [&["history", "c"], arguments].concat();
    let (code, out, err) = outcome(&mut node.client(&arguments));
    assert_eq!(code, 0, "{err}");
    let events: Vec<_> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (sequences(&events), err)
}

/// The position that a history ends with.
fn resume_from(said: &str) -> &str {
    let last = said.lines().last().unwrap();
    last.strip_prefix("resume from ").unwrap()
}

#[test]
fn history_goes_through_all_pages_and_ends_with_a_position() {
    let node = Serving::start();
    let all = sent(&node, "c", 5);
    sent(&node, "other", 2);
    let (listed, said) = history(&node, &["--page-size", "2"]);
    assert_eq!(listed, all);
    assert_eq!(said.lines().count(), 1, "{said}");

    let from = resume_from(&said).to_owned();
    let later = sent(&node, "c", 1);
    let (_, mut reader) = node.subscribe(&["c", "--resume", &from]);
    assert_eq!(sequences(&[reader.json()["event"].take()]), later);
    assert_eq!(history(&node, &["--after", &from]).0, later);

    let (mut reversed, said) = history(&node, &["--descending", "--page-size", "2"]);
    reversed.reverse();
    assert_eq!(reversed, [all, later].concat());
    resume_from(&said);
}

#[test]
fn history_cut_short_can_be_resumed_where_it_ended() {
    let node = Serving::start();
    let all = sent(&node, "c", 5);
    let (listed, said) = history(&node, &["--limit", "3", "--page-size", "2"]);
    assert_eq!(listed, all[..3]);
    let (rest, _) = history(&node, &["--after", resume_from(&said)]);
    assert_eq!(rest, all[3..]);
    let (newest, _) = history(&node, &["--limit", "2", "--descending"]);
    assert_eq!(newest, [all[4], all[3]]);
    let epoch = resume_from(&said).rsplit_once(':').unwrap().0;
    let before = format!("{epoch}:{}", all[2]);
    assert_eq!(history(&node, &["--before", &before]).0, all[..2]);
}

#[test]
fn history_says_what_is_missing_on_stderr() {
    let node = Serving::start();
    let all = sent(&node, "c", 2);
    let (listed, said) = history(&node, &["--after", "another:7"]);
    assert_eq!(listed, all, "all that is kept");
    let gap = said.lines().next().unwrap();
    assert!(gap.starts_with("gap: {"), "{said}");
    assert!(gap.contains("GAP_REASON_EPOCH_CHANGED"), "{said}");
    resume_from(&said);
}

#[test]
fn channels_are_listed_by_pattern_on_any_number_of_pages() {
    let node = Serving::start();
    for channel in ["orders.1", "orders.2", "orders.2.lines", "invoices"] {
        sent(&node, channel, 1);
    }
    let (_, _reader) = node.subscribe(&["orders.2"]);
    let list = |arguments: &[&str]| {
        let mut channels = node.ask(&[&["channels"], arguments].concat());
        channels.sort_by_key(|channel| channel["name"].to_string());
        channels
    };
    let names = |channels: Vec<Value>| -> Vec<_> {
        let names = channels.iter().map(|channel| channel["name"].clone());
        names.collect()
    };
    let two = list(&["orders.*", "--page-size", "1"]);
    assert_eq!(two[1]["memberCount"], json!(1));
    assert!(two[1]["lastSequence"].is_string(), "{two:?}");
    assert_eq!(names(two), ["orders.1", "orders.2"]);
    let more = names(list(&["orders.>"]));
    assert_eq!(more, ["orders.1", "orders.2", "orders.2.lines"]);
    assert_eq!(names(list(&["invoices"])), ["invoices"]);
    assert_eq!(list(&[]).len(), 4);
}

#[test]
fn update_replaces_a_profile_or_merges_into_it() {
    let node = Serving::start();
    let (ready, _reader) = node.subscribe(&["c", "--data", r#"{"name": "Ada", "age": 36}"#]);
    let id = ready["memberId"].as_str().unwrap();
    let token = ready["memberToken"].as_str().unwrap();

    let merge = [
        "update",
        id,
        r#"{"age": null, "status": "away"}"#,
        "--merge",
    ];
    let member = &node.ask(&merge)[0];
    let merged = json!({"name": "Ada", "status": "away"});
    assert_eq!((&member["id"], &member["data"]), (&json!(id), &merged));
    assert_eq!(node.ask(&["members", "c"])[0]["data"], merged);

    let replace = ["update", id, r#"{"name": "Eve"}"#, "--member-token", token];
    assert_eq!(node.ask(&replace)[0]["data"], json!({"name": "Eve"}));

    let forged = format!("{token}x");
    let forged = ["update", id, "{}", "--member-token", &forged];
    assert_fails(&mut node.client(&forged), 1, &["PERMISSION_DENIED"]);
    let nobody = ["update", "nobody", "{}"];
    let words = ["NOT_FOUND (MEMBER_NOT_FOUND)"];
    assert_fails(&mut node.client(&nobody), 1, &words);
}
