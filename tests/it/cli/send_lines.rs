//! `send --stdin`: many events over one session, and what is told of them.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{assert_fails, outcome};
use crate::binary::{PATIENCE, Running, Serving, fanfare, file};

/// Runs it on this input: exit code, counts, stderr.
#[track_caller]
fn fed(command: &mut Command, input: &str) -> (i32, Value, String) {
    let (code, out, err) = outcome(command.stdin(file(input)));
    assert!(!err.contains("panicked"), "{err}");
    let mut counts: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert!(counts["seconds"].take().is_f64(), "{counts}");
    (code, counts, err)
}

fn counts(sent: u64, duplicates: u64, failed: u64, recipients: u64) -> Value {
    json!({
        "sent": sent, "duplicates": duplicates, "failed": failed, "unanswered": 0,
        "recipients": recipients, "seconds": null,
    })
}

/// It, running, with its input open.
fn running(node: &Serving, arguments: &[&str]) -> Running {
    let mut command = node.client(&[&["send", "--stdin"], arguments].concat());
    Running::start(command.stdin(Stdio::piped()))
}

#[track_caller]
fn event(reader: &mut Running) -> Value {
    let mut frame = reader.json();
    assert!(frame["event"].is_object(), "{frame}");
    frame["event"].take()
}

/// Checks that it says of all lines up to `last` what became of them.
#[track_caller]
fn assert_tells_how_far(mut ended: Running, last: u64, reason: &str) {
    let counts = ended.json();
    let (status, said) = ended.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains(reason), "{said}");
    let number = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(number("sent") + number("unanswered"), last, "{counts}");
    let place = match number("unanswered") {
        0 => format!("all up to line {last} is answered, and nothing after it was sent"),
        _ => format!(
            "all before line {} is answered, \
             what became of it and the others up to line {last} is not known",
            number("sent") + 1
        ),
    };
    assert!(said.contains(&place), "{place:?} is not in {said:?}");
}

#[test]
fn send_stdin_sends_ten_thousand_lines_in_order_and_counts_them() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let line = |number| {
        let payload = json!({"json": {"number": number}});
        json!({"channel": "c", "event": "e", "payload": payload}).to_string() + "\n"
    };
    let input: String = (0..10_000).map(line).collect();
    let (code, told, said) = fed(&mut node.client(&["send", "--stdin"]), &input);
    assert_eq!(
        (code, said.as_str()),
        (0, ""),
        "no bar where no terminal is"
    );
    assert_eq!(told, counts(10_000, 0, 0, 10_000));
    for number in 0..10_000 {
        let event = event(&mut reader);
        assert_eq!(event["payload"], json!({"json": {"number": number}}));
    }
}

#[test]
fn a_bad_line_is_told_by_its_number_and_stops_nothing() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let large = "x".repeat(1 << 20);
    let larger = "x".repeat(6 << 20);
    let too_long = "x".repeat(9 << 20);
    let input = [
        r#"{"channel": "c", "event": "first"}"#,
        "{",
        "",
        r#"{"channel": "a..b"}"#,
        r#"{"channel": "c", "evnt": "e"}"#,
        &format!(r#"{{"channel": "c", "payload": {{"text": "{large}"}}}}"#),
        &too_long,
        r#"{"channel": "c", "payload": {"json": [9007199254740993]}}"#,
        &format!(r#"{{"channel": "c", "payload": {{"text": "{larger}"}}}}"#),
        r#"{"channel": "c", "event": "last"}"#,
    ];
    let (code, told, said) = fed(&mut node.client(&["send", "--stdin"]), &input.join("\n"));
    assert_eq!((code, told), (1, counts(2, 0, 7, 2)), "{said}");
    for words in [
        "line 2: request is not JSON: EOF while parsing an object at column 1\n",
        "line 4: INVALID_ARGUMENT (INVALID_CHANNEL): channel: has an empty segment: \
         no dot first, last or doubled\n",
        "line 5: this makes no SendRequest: unrecognized field name 'evnt'",
        "line 6: INVALID_ARGUMENT (PAYLOAD_TOO_LARGE): payload: ",
        "line 7: is 9437184 bytes long, at most 8388608 are read",
        "line 8: request.payload.json[0] is 9007199254740993; ",
        "line 9: makes a request of 6291476 bytes, at most 4194304 are sent",
        "error: 7 of 9 lines failed\n",
    ] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert_eq!(said.lines().count(), 8, "{said}");
    assert_eq!(event(&mut reader)["name"], "first");
    assert_eq!(event(&mut reader)["name"], "last");
}

#[test]
fn what_a_line_leaves_out_is_taken_from_the_arguments() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&[">"]);
    for (form, line, payload) in [
        (
            "--stdin",
            r#"{"payload": {"binary": "AQ=="}}"#,
            json!({"binary": "AQ=="}),
        ),
        (
            "--stdin=json",
            r#"{"channel": "x"}"#,
            json!({"json": {"channel": "x"}}),
        ),
        (
            "--stdin=text",
            r#"{"channel": "x"}"#,
            json!({"text": r#"{"channel": "x"}"#}),
        ),
    ] {
        let arguments = [
            "send",
            "c",
            "e",
            form,
            "--header",
            "a=b",
            "--sender-id",
            "s",
        ];
        let (code, told, said) = fed(&mut node.client(&arguments), line);
        assert_eq!((code, said.as_str()), (0, ""));
        assert_eq!(told, counts(1, 0, 0, 1));
        let event = event(&mut reader);
        assert_eq!(event["payload"], payload);
        for (field, value) in [
            ("channel", json!("c")),
            ("name", json!("e")),
            ("senderId", json!("s")),
            ("headers", json!({"a": "b"})),
        ] {
            assert_eq!(event[field], value);
        }
    }
    let line = r#"{"channel": "d", "event": "f"}"#;
    fed(&mut node.client(&["send", "c", "e", "--stdin"]), line);
    let event = event(&mut reader);
    assert_eq!(
        (&event["channel"], &event["name"]),
        (&json!("d"), &json!("f"))
    );
}

#[test]
fn an_input_that_is_repeated_with_its_request_id_sends_nothing_twice() {
    let node = Serving::start();
    let arguments = ["send", "c", "e", "--stdin=text", "--request-id", "import"];
    let (code, told, _) = fed(&mut node.client(&arguments), "a\nb\n");
    assert_eq!((code, told), (0, counts(2, 0, 0, 0)));
    let (code, told, _) = fed(&mut node.client(&arguments), "a\nb\nc\n");
    assert_eq!((code, told), (0, counts(1, 2, 0, 0)));
    let (code, told, said) = fed(&mut node.client(&arguments), "a\nx\n");
    assert_eq!((code, told), (1, counts(0, 1, 1, 0)));
    assert!(
        said.contains("line 2: ALREADY_EXISTS (REQUEST_ID_REUSED): "),
        "{said}"
    );
    let ids: Vec<_> = node.ask(&["history", "c"]);
    let ids: Vec<_> = ids.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, ["import-1", "import-2", "import-3"]);
}

#[test]
fn arguments_that_do_not_go_with_lines_are_a_wrong_command_line() {
    for (arguments, words) in [
        (
            &["send", "c", "e", "1", "--stdin"][..],
            &["[PAYLOAD]", "cannot be used with", "--stdin"][..],
        ),
        (
            &["send", "--stdin=json"],
            &["--stdin=json and --stdin=text need a CHANNEL"],
        ),
        (
            &["send", "c", "--stdin=xml"],
            &["possible values: request, json, text"],
        ),
    ] {
        assert_fails(&mut fanfare(arguments), 2, words);
    }
}

#[test]
fn an_empty_input_is_no_failure() {
    let node = Serving::start();
    let (code, told, said) = fed(&mut node.client(&["send", "--stdin"]), "\n\n");
    assert_eq!((code, told, said.as_str()), (0, counts(0, 0, 0, 0), ""));
}

#[test]
fn a_line_is_sent_before_the_next_one_is_written() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let mut sending = running(&node, &["c"]);
    for name in ["1", "2", "3"] {
        sending.give(&json!({"event": name}).to_string());
        assert_eq!(event(&mut reader)["name"], name);
    }
}

#[test]
fn ctrl_c_ends_the_input_and_the_counts_are_told() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let mut sending = running(&node, &["c"]);
    sending.give("{}");
    event(&mut reader);
    sending.signal("INT");
    let told = sending.json();
    assert_eq!((&told["sent"], &told["unanswered"]), (&json!(1), &json!(0)));
    let (status, said) = sending.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(said, "interrupted: no further line is read\n");
}

#[test]
fn a_lost_node_is_told_with_how_far_it_came() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let mut sending = running(&node, &["c"]);
    for _ in 0..3 {
        sending.give("{}");
        event(&mut reader);
    }
    node.process.signal("KILL");
    assert_tells_how_far(sending, 3, "error: U");
}

#[test]
fn a_node_that_does_not_answer_is_told_with_how_far_it_came() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let mut sending = running(&node, &["c", "--timeout", "500ms"]);
    sending.give("{}");
    event(&mut reader);
    node.process.freeze();
    for _ in 0..2 {
        sending.give("{}");
    }
    assert_tells_how_far(sending, 3, "no answer within 500ms");
}

#[test]
fn a_node_that_shuts_down_is_told_with_how_far_it_came() {
    let node = Serving::start();
    let (_, mut reader) = node.subscribe(&["c", "--observe"]);
    let mut sending = running(&node, &["c"]);
    sending.give("{}");
    event(&mut reader);
    node.process.signal("TERM");
    assert_tells_how_far(sending, 1, "UNAVAILABLE (DRAINING)");
}
