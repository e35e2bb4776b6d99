//! The command line, end to end: what it prints, and how it ends.

mod bench;
mod follow;
mod lists;
mod send_lines;
mod session;
mod terminal;

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::binary::{PATIENCE, Running, Serving, fanfare};

/// Runs it to its end: exit code, stdout, stderr.
fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("not killed");
    (code, text(output.stdout), text(output.stderr))
}

/// Checks that it fails with this code, and with these words on stderr only.
#[track_caller]
fn assert_fails(command: &mut Command, code: i32, words: &[&str]) {
    let (got, out, err) = outcome(command);
    assert_eq!((got, out.as_str()), (code, ""), "{err}");
    for word in words {
        assert!(err.contains(word), "{word:?} is not in {err:?}");
    }
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn every_client_verb_answers_in_lines_of_json() {
    let node = Serving::start();
    let (ready, mut ada) = node.subscribe(&["technology-chat", "--data", r#"{"name": "Ada"}"#]);
    assert_eq!(ready["heartbeatInterval"], json!("25s"));

    let members = node.ask(&["members", "technology-chat"]);
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["id"], ready["memberId"]);
    assert_eq!(members[0]["data"], json!({"name": "Ada"}));

    // One field: which of several comes first is the encoder's choice.
    let hello = r#"{"text": "Hello!"}"#;
    let options = ["--request-id", "r-1", "--header", "a=b"];
    let send = [
        &["send", "technology-chat", "chat-message", hello],
        &options[..],
    ]
    .concat();
    let answer = &node.ask(&send)[0];
    assert_eq!(answer["recipients"], json!(1));
    assert_eq!(answer["position"]["sequence"], json!("1"));
    let again = &node.ask(&send)[0];
    assert_eq!(
        (&again["duplicate"], &again["position"]),
        (&json!(true), &answer["position"])
    );

    let event = &ada.json()["event"];
    assert_eq!(event["channel"], json!("technology-chat"));
    assert_eq!(event["name"], json!("chat-message"));
    assert_eq!(event["payload"], json!({"json": {"text": "Hello!"}}));
    assert_eq!(
        (&event["id"], &event["headers"]),
        (&json!("r-1"), &json!({"a": "b"}))
    );
    assert_eq!(event["sequence"], json!("1"));

    node.ask(&["broadcast", "notice", "--text", "to all"]);
    let event = &ada.json()["event"];
    assert_eq!(event.get("channel"), None);
    assert_eq!(event["payload"], json!({"text": "to all"}));
}

#[test]
fn a_payload_may_come_from_stdin_and_be_bytes() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let mut send = node.client(&["send", "c", "e", "--binary", "-"]);
    let mut child = send
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"AAH/\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(reader.json()["event"]["payload"], json!({"binary": "AAH/"}));
    assert!(
        node.ask(&["members", "c"]).is_empty(),
        "an observer is no member"
    );
}

#[test]
fn an_any_of_unknown_type_is_printed_as_its_type_and_base64() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c"]);
    let any = r#"{"@type":"example.com/no.Such","value":"AQI="}"#;
    node.ask(&["send", "c", "e", "--any", any]);
    let line = reader.line();
    assert!(
        line.contains(&format!(r#""payload":{{"any":{any}}}"#)),
        "{line}"
    );
}

#[test]
fn an_integer_past_2_53_is_refused_with_its_path_and_not_sent() {
    let node = Serving::start();
    let payload = r#"{"items": [{"id": 9007199254740993}]}"#;
    assert_fails(
        &mut node.client(&["send", "c", "e", payload]),
        2,
        &[
            "payload.items[0].id is 9007199254740993",
            "send it as a string",
        ],
    );
    let next = &node.ask(&["send", "c", "e"])[0];
    assert_eq!(
        next["position"]["sequence"],
        json!("1"),
        "nothing was sent before"
    );
}

#[test]
fn ctrl_c_ends_a_subscription_well() {
    let node = Serving::start();
    let (_, reader) = node.subscribe(&["c"]);
    reader.signal("INT");
    let (status, errors) = reader.ended_within(PATIENCE);
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn a_reader_that_has_enough_ends_a_subscription_well() {
    let node = Serving::start();
    let mut subscribe = node.client(&["subscribe", "c"]);
    let mut child = subscribe.stdout(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + PATIENCE;
    while node.ask(&["members", "c"]).is_empty() {
        assert!(Instant::now() < until, "never a member");
    }
    drop(child.stdout.take());
    node.ask(&["send", "c", "e"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn sigterm_drains_the_node_and_tells_its_subscribers() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c"]);
    node.process.signal("TERM");
    let (status, _) = node.process.ended_within(Duration::from_secs(25));
    assert_eq!(status.code(), Some(0));
    let closing = &reader.json()["closing"];
    assert_eq!(closing["reason"], json!("CLOSING_REASON_SHUTDOWN"));
    assert!(closing["retryAfter"].is_string(), "{closing}");
    let (status, errors) = reader.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(1));
    assert!(errors.contains("UNAVAILABLE (DRAINING)"), "{errors}");
    assert!(errors.contains("hint: try again in "), "{errors}");
}

#[test]
fn ctrl_c_ends_a_node_that_nobody_uses_at_once() {
    let node = Serving::start();
    node.process.signal("INT");
    let (status, _) = node.process.ended_within(Duration::from_secs(5));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_member_is_gone_within_three_seconds_of_its_client_being_killed() {
    let node = Serving::start();
    let (_, reader) = node.subscribe(&["c"]);
    assert_eq!(node.ask(&["members", "c"]).len(), 1);
    reader.signal("KILL");
    let killed = Instant::now();
    while !node.ask(&["members", "c"]).is_empty() {
        assert!(killed.elapsed() < Duration::from_secs(3), "still a member");
        sleep(Duration::from_millis(20));
    }
    drop(reader);
}

#[test]
fn a_wrong_command_line_exits_with_2_and_says_what_would_be_right() {
    for (arguments, words) in [
        (&["send", "c", "e", "--adress", "x"][..], &["--address"][..]),
        (&["send", "c"], &["<EVENT>", "Usage: fanfare send"]),
        (&["sned", "c", "e"], &["send"]),
        (
            &["send", "c", "e", "hello"],
            &["payload is not JSON", "--text sends plain text"],
        ),
        (
            &["members", "c", "--address", "localhost"],
            &["no port: try localhost:50051"],
        ),
        (
            &["members", "c", "--address", "https://a:1"],
            &["https is not built yet; use http://"],
        ),
        (
            &["subscribe", "c", "--data", "[]"],
            &["data is no JSON object"],
        ),
        (
            &["subscribe", "--last", "1", "--since", "5m"],
            &["--last <NUMBER>", "cannot be used with", "--since <TIME>"],
        ),
        (
            &["subscribe", "c", "--since", "yesterday"],
            &["2026-01-02T03:04:05Z", "as 5m"],
        ),
        (&["subscribe", "c", "--resume", "12"], &["EPOCH:SEQUENCE"]),
        (
            &["subscribe", "c", "--overflow", "drop"],
            &["possible values: gap, end"],
        ),
        (
            &["history", "c", "--limit", "0"],
            &["--limit <NUMBER>", "1.."],
        ),
        (
            &["history", "c", "--after", "x"],
            &["--after <EPOCH:SEQUENCE>"],
        ),
        (&["update", "m", "[]"], &["data is no JSON object"]),
        (&["update", "m"], &["<JSON>", "Usage: fanfare update"]),
        (
            &["serve", "--set", "log_evnts=3"],
            &["--set log_evnts", "did you mean `log_events`?"],
        ),
        (&["serve", "--listen", "50051"], &["--listen", "HOST:PORT"]),
        (
            &["serve", "--set", "log_events=0"],
            &["`log_events` is 0, too small; allowed: 1 to 1000000"],
        ),
        (
            &["serve", "--config", "no/such.toml"],
            &["cannot read no/such.toml (named by --config)"],
        ),
    ] {
        assert_fails(&mut fanfare(arguments), 2, words);
    }
}

#[test]
fn a_wrong_setting_in_a_file_or_variable_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fanfare.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:0\"\n\nlog_evnts = 5\n").unwrap();
    assert_fails(
        &mut fanfare(&["serve", "--config", path.to_str().unwrap()]),
        2,
        &["fanfare.toml, line 3: unknown setting `log_evnts`; did you mean `log_events`?"],
    );
    let rule = "[[channel]]\npattern = \"a\"\nbytes = \"1MiB\"\n";
    std::fs::write(&path, rule).unwrap();
    assert_fails(
        &mut fanfare(&["serve", "--config", path.to_str().unwrap()]),
        2,
        &["`channel[0].bytes` is 1MiB (file ", "fanfare.toml, line 3)"],
    );
    assert_fails(
        fanfare(&["serve"]).env("FANFARE_STALL_TIMEOUT", "30"),
        2,
        &[
            "environment variable FANFARE_STALL_TIMEOUT",
            "allowed: 1s to 1h",
        ],
    );
}

#[test]
fn a_port_in_use_exits_with_1_and_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_fails(
        &mut fanfare(&["serve", "--listen", &address]),
        1,
        &[
            &format!("cannot listen on {address}"),
            "choose another port with --listen",
        ],
    );
}

#[test]
fn a_node_that_is_not_there_exits_with_1_and_says_how_to_name_another() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = fanfare(&["members", "c", "--address", &free.to_string()]);
    assert_fails(
        &mut command,
        1,
        &[
            &format!("cannot connect to http://{free}"),
            "--address or FANFARE_ADDRESS",
        ],
    );
}

#[test]
fn what_the_node_refuses_exits_with_1_and_names_the_field_once() {
    let node = Serving::start();
    for (arguments, line) in [
        (
            &["send", "a..b", "e"][..],
            "error: INVALID_ARGUMENT (INVALID_CHANNEL): channel: has an empty segment: \
             no dot first, last or doubled\n",
        ),
        (
            &["subscribe", "c", "c"],
            "error: INVALID_ARGUMENT (INVALID_SUBSCRIPTION): subscriptions[1].channel: \
             is listed before: name each channel once\n",
        ),
        (
            &["channels", "a.>.b"],
            "error: INVALID_ARGUMENT (INVALID_CHANNEL): pattern: \
             > stands for one or more segments and must be the last one\n",
        ),
    ] {
        let (code, out, err) = outcome(&mut node.client(arguments));
        assert_eq!((code, out.as_str(), err.as_str()), (1, "", line));
    }
}

#[test]
fn help_and_version_go_to_stdout_and_exit_with_0() {
    let version = concat!("fanfare ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(
        outcome(&mut fanfare(&["--version"])),
        (0, version.to_owned(), String::new())
    );
    let (code, out, err) = outcome(&mut fanfare(&["--help"]));
    assert_eq!((code, err.as_str()), (0, ""));
    for verb in [
        "serve",
        "send",
        "broadcast",
        "members",
        "update",
        "channels",
        "history",
        "subscribe",
        "session",
    ] {
        assert!(out.contains(&format!("\n  {verb} ")), "{out}");
    }
}

#[test]
fn without_a_verb_it_serves() {
    let mut node = Running::start(&mut fanfare(&["--listen", "127.0.0.1:0"]));
    assert!(
        node.line()
            .starts_with("fanfare is listening on 127.0.0.1:")
    );
}
