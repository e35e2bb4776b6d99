//! `session`: what its commands do, and how it ends.

use std::process::Stdio;

use serde_json::{Value, json};

use super::outcome;
use crate::binary::{PATIENCE, Running, Serving, file};

fn running(node: &Serving) -> Running {
    Running::start(node.client(&["session"]).stdin(Stdio::piped()))
}

/// The next frame, past heartbeats.
#[track_caller]
fn frame(session: &mut Running) -> Value {
    loop {
        let frame = session.json();
        if frame.get("heartbeat").is_none() {
            return frame;
        }
    }
}

/// The reply to a command, which carries this id and this result.
#[track_caller]
fn reply(session: &mut Running, command: &str, id: &str, result: &str) -> Value {
    session.give(command);
    let mut frame = frame(session);
    assert_eq!(frame["reply"]["id"], id, "{frame}");
    assert!(frame["reply"][result].is_object(), "{frame}");
    frame["reply"][result].take()
}

/// Runs it on these commands: exit code, frames, stderr.
#[track_caller]
fn fed(node: &Serving, commands: &str) -> (i32, Vec<Value>, String) {
    let (code, out, err) = outcome(node.client(&["session"]).stdin(file(commands)));
    assert!(!err.contains("panicked"), "{err}");
    let frames = out.lines().map(|line| serde_json::from_str(line).unwrap());
    (code, frames.collect(), err)
}

#[test]
fn a_session_subscribes_sends_and_hears_itself_if_it_asked_for_echo() {
    let node = Serving::start();
    let mut session = running(&node);
    let subscribe = r#"subscribe technology-chat --echo --data '{"name": "Ada"}'"#;
    let ready = reply(&mut session, subscribe, "1", "ready");
    let members = node.ask(&["members", "technology-chat"]);
    assert_eq!(members[0]["id"], ready["memberId"]);
    assert_eq!(members[0]["data"], json!({"name": "Ada"}));

    session.give(r#"send technology-chat greeting {"it's": "a  \"b\""}"#);
    let mut frames = [frame(&mut session), frame(&mut session)];
    frames.sort_by_key(|frame| frame.get("reply").is_some());
    let [event, reply] = frames;
    assert_eq!(
        event["event"]["payload"],
        json!({"json": {"it's": "a  \"b\""}})
    );
    assert_eq!(event["event"]["senderId"], ready["memberId"]);
    assert_eq!(reply["reply"]["id"], "2");
    assert_eq!(
        reply["reply"]["send"]["position"]["sequence"],
        event["event"]["sequence"]
    );

    session.give("quit");
    let (status, said) = session.ended_within(PATIENCE);
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_session_joins_leaves_and_changes_its_profile() {
    let node = Serving::start();
    let (_, mut other) = node.subscribe(&["c", "--no-broadcasts"]);
    let mut session = running(&node);
    let ready = reply(&mut session, "observe c --no-broadcasts", "1", "ready");
    reply(&mut session, "subscribe d", "2", "ready");
    assert_eq!(
        node.ask(&["members", "c"]).len(),
        1,
        "an observer is no member"
    );
    reply(
        &mut session,
        r#"update {"name": "Ada", "age": 36}"#,
        "3",
        "done",
    );
    reply(&mut session, r#"merge {"age": null}"#, "4", "done");
    let members = node.ask(&["members", "d"]);
    assert_eq!(members[0]["id"], ready["memberId"]);
    assert_eq!(members[0]["data"], json!({"name": "Ada"}));

    node.ask(&["send", "c", "e", "1"]);
    assert_eq!(frame(&mut session)["event"]["channel"], "c");
    reply(&mut session, "unsubscribe c d", "5", "done");
    assert!(node.ask(&["members", "d"]).is_empty());
    assert_eq!(other.json()["event"]["channel"], "c");
    let raw = r#"{"id": 40, "send": {"channel": "c", "payload": {"text": "raw"}}}"#;
    reply(&mut session, raw, "40", "send");
    assert_eq!(other.json()["event"]["payload"], json!({"text": "raw"}));
    let answer = reply(&mut session, "broadcast notice [1]", "41", "broadcast");
    assert!(answer["position"].is_object(), "{answer}");
}

#[test]
fn commands_from_a_file_are_all_answered_before_it_ends() {
    let node = Serving::start();
    let commands = "send c e 1\n".repeat(5_000);
    for first in ["\n", "subscribe c\n"] {
        let (code, frames, said) = fed(&node, &format!("{first}{commands}"));
        assert_eq!((code, said.as_str()), (0, ""));
        let replies = frames.iter().filter(|frame| frame.get("reply").is_some());
        let ids: Vec<_> = replies.map(|frame| frame["reply"]["id"].clone()).collect();
        let count = 5_000 + usize::from(first == "subscribe c\n");
        let expected: Vec<_> = (1..=count).map(|id| id.to_string()).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn a_wrong_command_gets_a_hint_and_the_session_goes_on() {
    let node = Serving::start();
    let commands = "sned c e\n\nsend c e hello\nsend a..b e\nhelp\n{\"nothing\": 1}\nsend c e\n";
    let (code, frames, said) = fed(&node, commands);
    assert_eq!(code, 1, "{said}");
    let mut hints = said.lines();
    for hint in [
        "unrecognized command 'sned'; a similar command exists: 'send'; \
         `help` lists the commands",
        "payload is not JSON: expected value at column 1; `help` lists the commands",
    ] {
        assert_eq!(hints.next(), Some(hint));
    }
    assert!(said.contains("\n  unsubscribe "), "{said}");
    assert!(said.contains("this makes no SessionRequest: unrecognized field name 'nothing'"));
    assert!(said.ends_with("error: 4 of 6 commands failed\n"), "{said}");
    assert_eq!(frames.len(), 2, "{frames:?}");
    let error = &frames[0]["reply"]["error"];
    assert_eq!(error["code"], json!(3));
    assert_eq!(error["details"][0]["reason"], "INVALID_CHANNEL", "{error}");
    assert!(frames[1]["reply"]["send"].is_object(), "{frames:?}");
}

#[test]
fn a_lost_node_ends_a_session_and_is_told() {
    let node = Serving::start();
    let mut session = running(&node);
    reply(&mut session, "subscribe c", "1", "ready");
    node.process.signal("TERM");
    let closing = &frame(&mut session)["closing"];
    assert_eq!(closing["reason"], "CLOSING_REASON_SHUTDOWN");
    let (status, said) = session.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("error: UNAVAILABLE (DRAINING): "), "{said}");
}

#[test]
fn ctrl_c_ends_a_session_well() {
    let node = Serving::start();
    let mut session = running(&node);
    reply(&mut session, "subscribe c", "1", "ready");
    session.signal("INT");
    let (status, said) = session.ended_within(PATIENCE);
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}
