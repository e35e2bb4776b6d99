//! docs/http.md, pasted: its curl commands against a real node.

use std::process::{Command, Stdio};

use crate::binary::{Running, Serving};
use crate::readme::{ADDRESS, blocks, values};

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/http.md")).unwrap()
}

/// A block as pasted into a shell, but for the node.
fn shell(block: &str, node: &Serving) -> Command {
    let script = block.replace(ADDRESS, &node.address);
    // So that what runs in the background is the command itself.
    let exec = if block.contains("/v1/events") {
        "exec "
    } else {
        ""
    };
    let mut command = Command::new("bash");
    command
        .args(["-euc", &format!("{exec}{script}")])
        .stdin(Stdio::null());
    command
}

/// Lines of events with what differs from run to run put aside.
fn comparable(line: &str) -> String {
    match line.split_once(": ") {
        Some(("id", id)) => format!("id: …:{}", id.rsplit(':').next().unwrap()),
        Some(("data", data)) => format!("data: {:?}", values(data)),
        _ => line.to_owned(),
    }
}

#[test]
fn the_curl_commands_of_the_page_work_when_pasted() {
    let node = Serving::start();
    let (mut stream, mut printed) = (None, None);
    let (mut ran, mut compared) = (0, 0);
    for (language, content) in blocks(&page()) {
        match language.as_str() {
            "bash" if content.contains("/v1/events") => {
                stream = Some(Running::start(&mut shell(&content, &node)));
                ran += 1;
            }
            "bash" => {
                let output = shell(&content, &node).output().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{content}{errors}");
                printed = Some(String::from_utf8(output.stdout).unwrap());
                ran += 1;
            }
            "json" => {
                let printed = printed.take().expect("a command before it");
                assert_eq!(values(&printed), values(&content));
                compared += 1;
            }
            "text" => {
                let stream: &mut Running = stream.as_mut().expect("a stream before it");
                for line in content.lines() {
                    assert_eq!(comparable(&stream.line()), comparable(line));
                }
                compared += 1;
            }
            "js" => {}
            other => panic!("a block of {other}: what is it to be compared with?"),
        }
    }
    assert!(
        ran >= 8 && compared >= 6,
        "{ran} ran, {compared} were compared"
    );
}
