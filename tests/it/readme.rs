//! The README, pasted: its commands with real grpcurl against a real node.
//!
//! Two things are put in the place of what a user has: the address of a node
//! of the test's own, and the path of the binary just built. In what comes
//! out, ids, epochs and times are taken for equal.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs, iter};

use serde_json::{Deserializer, Value};

use crate::binary::{Running, Serving};

pub(crate) const ADDRESS: &str = "127.0.0.1:50051";
const BINARY: &str = "target/release/fanfare";

/// What differs from run to run, by its key.
const DIFFERS: [&str; 7] = [
    "epoch",
    "memberId",
    "memberToken",
    "id",
    "joinTime",
    "publishTime",
    "seconds",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The part of the README under a heading.
fn section(heading: &str) -> String {
    let text = readme();
    let (_, after) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    after.split("\n## ").next().unwrap().to_owned()
}

/// The fenced blocks of a text: language and content.
pub(crate) fn blocks(text: &str) -> Vec<(String, String)> {
    let fenced = text.split("```").skip(1).step_by(2);
    let halves = fenced.map(|block| block.split_once('\n').unwrap());
    halves
        .map(|(language, content)| (language.to_owned(), content.to_owned()))
        .collect()
}

/// The values of a text of JSON, with what differs put aside.
pub(crate) fn values(text: &str) -> Vec<Value> {
    let values = Deserializer::from_str(text).into_iter::<Value>();
    values
        .map(|value| comparable(value.unwrap_or_else(|error| panic!("{error} in {text}"))))
        .collect()
}

fn comparable(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let value = match (DIFFERS.contains(&key.as_str()), value) {
                    (true, Value::String(_) | Value::Number(_)) => "…".into(),
                    (_, value) => comparable(value),
                };
                (key, value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        other => other,
    }
}

/// grpcurl's folder: where `.ci/run` puts it. Where it is not on the PATH
/// either it is installed there, in the version that `.ci/run` names.
fn grpcurl() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let ours = root().join("target/tools/bin");
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders = iter::once(ours.clone()).chain(env::split_paths(&path));
        if !folders.any(|folder| folder.join("grpcurl").is_file()) {
            install_grpcurl(&ours);
        }
        ours
    })
}

fn install_grpcurl(folder: &Path) {
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let mut lines = ci.lines();
    let version = lines.find_map(|line| line.strip_prefix("grpcurl_version="));
    let module = "github.com/fullstorydev/grpcurl/cmd/grpcurl";
    let module = format!("{module}@{}", version.unwrap());
    let installed = Command::new("go")
        .args(["install", &module])
        .env("GOBIN", folder)
        .status();
    assert!(
        installed.is_ok_and(|status| status.success()),
        "this test needs grpcurl: install it, or Go to let the test do so"
    );
}

/// A block as pasted into a shell, but for the node and the binary.
fn shell(block: &str, node: &Serving) -> Command {
    let script = block
        .replace(ADDRESS, &node.address)
        .replace(BINARY, env!("CARGO_BIN_EXE_fanfare"));
    let mut path = OsString::from(grpcurl());
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    // So that what runs in the background is the command itself.
    let exec = if is_subscription(block) { "exec " } else { "" };
    command
        .args(["-euc", &format!("{exec}{script}")])
        .env("PATH", path)
        .env("FANFARE_ADDRESS", &node.address)
        .stdin(Stdio::null());
    command
}

fn is_subscription(block: &str) -> bool {
    block.contains("/Subscribe") || block.contains("fanfare subscribe")
}

/// Reads what a process prints until it is as much JSON as `wanted`.
fn read(process: &mut Running, wanted: &[Value]) -> Vec<Value> {
    let mut text = String::new();
    loop {
        text += &process.line();
        text.push('\n');
        let whole = Deserializer::from_str(&text).into_iter::<Value>();
        if whole.filter_map(Result::ok).count() >= wanted.len() {
            return values(&text);
        }
    }
}

/// Runs a section's commands in their order, and checks what each prints.
/// Returns the subscription that one of them opened, past its `ready`.
fn paste(heading: &str, node: &Serving) -> Option<(Running, Vec<Value>)> {
    let mut subscription = None;
    let mut printed = Vec::new();
    let mut last = Vec::new();
    for (language, content) in blocks(&section(heading)) {
        match language.as_str() {
            "bash" if is_subscription(&content) => {
                let mut process = Running::start(&mut shell(&content, node));
                let ready = read(&mut process, &[Value::Null]);
                assert!(ready[0].get("ready").is_some(), "{ready:?}");
                subscription = Some((process, ready));
            }
            "bash" => {
                let output = shell(&content, node).output().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{content}{errors}");
                printed = values(&String::from_utf8(output.stdout).unwrap());
            }
            "json" if !printed.is_empty() => {
                assert_eq!(std::mem::take(&mut printed), values(&content));
            }
            "json" => last = values(&content),
            other => panic!("a block of {other}: what is it to be compared with?"),
        }
    }
    assert!(printed.is_empty(), "the README does not show {printed:?}");
    let (mut process, mut seen) = subscription?;
    if !last.is_empty() {
        seen.extend(read(&mut process, &last[1..]));
        assert_eq!(seen, last, "what the subscriber sees");
    }
    Some((process, seen))
}

#[test]
fn the_grpcurl_commands_of_the_readme_work_when_pasted() {
    let node = Serving::start();
    let (_, seen) = paste("Try it with grpcurl", &node).unwrap();
    assert_eq!(seen.len(), 3, "ready, the event and the broadcast");
}

#[test]
fn the_fanfare_commands_of_the_readme_work_when_pasted() {
    let node = Serving::start();
    let (mut process, _) = paste("The same with the command", &node).unwrap();
    let events = read(&mut process, &[Value::Null, Value::Null]);
    assert_eq!(events[0]["event"]["payload"]["json"]["text"], "Hello!");
    assert_eq!(
        events[1]["event"]["payload"]["text"],
        "Back in five minutes"
    );
}

#[test]
fn the_curl_command_of_the_readme_works_when_pasted() {
    let node = Serving::start();
    assert!(paste("The same with curl", &node).is_none());
}

#[test]
fn the_commands_for_many_events_work_when_pasted() {
    let node = Serving::start();
    assert!(paste("Many events, and by hand", &node).is_none());
}

#[test]
fn the_commands_for_coming_back_work_when_pasted() {
    let node = Serving::start();
    let (_, seen) = paste("Coming back", &node).unwrap();
    assert_eq!(seen.len(), 1, "ready: {seen:?}");
}

#[test]
fn the_start_of_the_readme_is_what_a_node_prints() {
    let start = blocks(&section("Start"));
    assert_eq!(
        start[0],
        ("bash".to_owned(), "cargo run --release\n".to_owned())
    );
    let node = Serving::start();
    let address = &node.address;
    let line =
        format!("fanfare is listening on {address}; try: grpcurl -plaintext {address} list\n");
    assert_eq!(start[1].1.replace(ADDRESS, address), line);
    assert_eq!(fanfare::config::Config::default().listen, ADDRESS);
}

#[test]
fn the_readme_has_the_table_of_settings() {
    let table = fanfare::config::table();
    assert!(
        section("Configuration").contains(&format!("\n\n{table}")),
        "Put this table into README.md, under Configuration:\n\n{table}"
    );
}

#[test]
fn the_configuration_of_the_readme_can_be_loaded() {
    let (language, content) = blocks(&section("Configuration")).remove(0);
    assert_eq!(language, "toml");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fanfare.toml");
    fs::write(&path, content).unwrap();
    let sources = fanfare::config::Sources {
        file: Some(path),
        ..Default::default()
    };
    let config = fanfare::config::Config::load(&sources).unwrap();
    assert_eq!(config.hub.rules.len(), 1);
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let test = &blocks(&section("Test"))[0].1;
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let step = format!("step tests {}", test.trim());
    assert!(
        ci.lines().any(|line| line == step),
        "no {step:?} in .ci/run"
    );
}

#[test]
fn every_link_of_the_documents_leads_to_a_file() {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        pages.extend(entries.map(|entry| entry.unwrap().path()));
    }
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.starts_with("http") {
                continue;
            }
            let file = page.parent().unwrap().join(target);
            assert!(file.exists(), "{} links to {target}", page.display());
        }
    }
}
