//! What is shown only to somebody who sits at a terminal.

use std::process::Command;

use crate::binary::{Serving, file};

/// Python has a terminal in its library; Rust has none.
const AT_TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";

/// What a terminal shows of a shell's command, with this typed.
#[track_caller]
fn shown(node: &Serving, command: &str, typed: &str) -> String {
    let output = Command::new("python3")
        .args(["-c", AT_TERMINAL, "sh", "-c", command])
        .env("FANFARE", env!("CARGO_BIN_EXE_fanfare"))
        .env("FANFARE_ADDRESS", &node.address)
        .env("TERM", "xterm")
        .stdin(file(typed))
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    shown
}

#[test]
fn a_session_shows_where_to_type() {
    let node = Serving::start();
    let typed = "\nsned\nsend c e 1\nquit\n";
    let shown = shown(&node, r#""$FANFARE" session"#, typed);
    assert!(shown.contains("fanfare> "), "{shown}");
    assert!(shown.contains("unrecognized command 'sned'"), "{shown}");
    assert!(shown.contains(r#"{"reply":{"id":"1","send":"#), "{shown}");
}

#[test]
fn a_bar_shows_how_far_a_long_input_has_come() {
    let node = Serving::start();
    let command = r#"yes | head -20000 | "$FANFARE" send c e --stdin=text"#;
    let shown = shown(&node, command, "");
    assert!(shown.contains(" sent, 0 duplicates, 0 failed, "), "{shown}");
    assert!(shown.contains(r#"{"sent":20000,"#), "{shown}");
}
