//! The house rules that no compiler holds: who may know whom, and what a file
//! looks like. `docs/architecture.md` says why.

mod source;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use source::{Source, sources, tokens};

/// Each part at the top of `src/` with the parts that it may name, itself
/// among them. `lib` has the modules, and names nobody's insides.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("lib", &[]),
    ("main", &["cli"]),
    (
        "cli",
        &[
            "cli",
            "client",
            "config",
            "hub",
            "json",
            "server",
            "telemetry",
        ],
    ),
    ("client", &["client", "rpc"]),
    (
        "server",
        &["config", "http", "hub", "rpc", "server", "transport"],
    ),
    ("telemetry", &["config", "telemetry"]),
    (
        "config",
        &["config", "http", "hub", "model", "rpc", "transport"],
    ),
    ("http", &["http", "json", "model", "rpc"]),
    ("json", &["json"]),
    ("rpc", &["hub", "model", "rpc"]),
    ("transport", &["transport"]),
    ("hub", &["hub", "model"]),
    ("model", &["model"]),
];

/// What `hub` and `model` must not know of.
const WIRE_CRATES: &[&str] = &[
    "h2",
    "http",
    "http_body",
    "http_body_util",
    "hyper",
    "hyper_util",
    "prost",
    "prost_reflect",
    "prost_types",
    "tonic",
    "tonic_health",
    "tonic_prost",
    "tonic_reflection",
    "tonic_types",
    "tower_service",
];

/// The longest a file may be without its tests.
const LONGEST: usize = 300;

/// Fails with everything `found`, and what to do about it.
#[track_caller]
fn none(found: impl IntoIterator<Item = String>, what_to_do: &str) {
    let found: Vec<_> = found.into_iter().collect();
    assert!(found.is_empty(), "{}\n\n{what_to_do}\n", found.join("\n"));
}

fn named(source: &Source, path: &str) -> String {
    format!("src/{} names {path}", source.path)
}

/// The part of the crate that a path leads to, if it leads to one.
fn part_of(source: &Source, path: &str) -> Option<&'static str> {
    let steps: Vec<_> = path.split("::").collect();
    let supers = steps.iter().take_while(|step| **step == "super").count();
    let part = match steps[0] {
        "crate" | "fanfare" => steps.get(1),
        // A sibling may be called like a part, but not a whole way up.
        "super" if supers >= depth(source) => steps.get(supers),
        _ => None,
    };
    let known = MAY_NAME.iter().map(|(name, _)| *name);
    part.and_then(|part| known.into_iter().find(|known| known == part))
}

/// How many modules a file is below the root of the crate.
fn depth(source: &Source) -> usize {
    let steps = source.path.split('/').count();
    steps - usize::from(source.path.ends_with("/mod.rs"))
}

#[test]
fn each_part_names_only_those_below_it() {
    let mut found = Vec::new();
    for source in &sources() {
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == source.module()) else {
            found.push(format!("src/{} is a part that no rule knows", source.path));
            continue;
        };
        let wrong = source
            .paths()
            .into_iter()
            .filter(|path| part_of(source, path).is_some_and(|part| !allowed.contains(&part)));
        found.extend(wrong.map(|path| named(source, &path)));
    }
    none(
        found,
        "The direction is main > cli > server > {http, transport} > {json, rpc} > hub > model,\n\
         and cli > client > rpc's types for callers.\n\
         Move what is needed down to where both may name it, or hand it in from above\n\
         (as `hub::Frames` is). A new part needs a line in MAY_NAME and in\n\
         docs/architecture.md.",
    );
}

#[test]
fn the_hub_and_the_model_know_nothing_of_the_wire() {
    let sources = sources();
    let inner = sources
        .iter()
        .filter(|source| ["hub", "model"].contains(&source.module()));
    let found = inner.flat_map(|source| {
        let wrong = source.paths().into_iter().filter(|path| {
            let root = path.split("::").next().unwrap_or_default();
            WIRE_CRATES.contains(&root)
        });
        wrong.map(|path| named(source, &path)).collect::<Vec<_>>()
    });
    none(
        found,
        "Frames, payloads and profiles are opaque bytes in there. Convert in `rpc`, or\n\
         add to the trait `hub::Frames` what the hub needs encoded.",
    );
}

#[test]
fn generated_types_stay_in_rpc() {
    let sources = sources();
    let outside = sources.iter().filter(|source| source.module() != "rpc");
    let found = outside.flat_map(|source| {
        let is_client = source.module() == "client";
        let wrong = source.paths().into_iter().filter(move |path| {
            let mut steps = path.split("::").zip(path.split("::").skip(1));
            steps.any(|step| match step {
                ("rpc", "client") => !is_client,
                ("rpc", "wire" | "raw") => true,
                // Of all that `rpc` has, the client knows the types of its side.
                ("rpc", _) => is_client,
                _ => false,
            })
        });
        wrong.map(|path| named(source, &path)).collect::<Vec<_>>()
    });
    none(
        found,
        "Convert to a type of `model` in `rpc::convert`, and pass that. The command line\n\
         reads messages by their descriptors instead (`cli::json`).",
    );
}

#[test]
fn errors_become_codes_in_one_place() {
    let sources = sources();
    let elsewhere = sources
        .iter()
        .filter(|source| source.module() == "rpc" && source.path != "rpc/status.rs");
    let found = elsewhere.flat_map(|source| {
        let wrong = source.paths().into_iter().filter(|path| {
            path.starts_with("Code::")
                || path.ends_with("tonic::Code")
                || path.contains("tonic::Code::")
        });
        wrong.map(|path| named(source, &path)).collect::<Vec<_>>()
    });
    none(
        found,
        "Return a `model::Error`; `rpc::status` gives it its code, reason and details.",
    );
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let mut found = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.module() != "config")
    {
        let reads = |path: &String| path.starts_with("env::") || path.starts_with("std::env");
        found.extend(
            source
                .paths()
                .iter()
                .filter(|path| reads(path))
                .map(|path| named(source, path)),
        );
        // The clients' one variable, which clap reads.
        let tokens = tokens(source.before_tests());
        let by_clap = tokens
            .windows(3)
            .any(|three| three[0] != "let" && three[1] == "env" && three[2] == "=");
        if by_clap && source.path != "cli/call.rs" {
            found.push(named(source, "clap's `env = ...`"));
        }
    }
    none(
        found,
        "Make it a setting in src/config/table.rs: it then has a range, a place in the\n\
         README, and an error that says where a wrong value was written.",
    );
}

#[test]
fn every_file_says_first_what_it_is() {
    let sources = sources();
    let silent = sources
        .iter()
        .filter(|source| !source.text.starts_with("//! ") && !source.is_tests());
    none(
        silent.map(|source| format!("src/{} opens without //!", source.path)),
        "Begin it with a `//!` doc: what it is, what it guarantees, what it leaves out.",
    );
}

#[test]
fn no_file_is_too_long_to_read_at_once() {
    let lengths = sources().into_iter().map(|source| {
        let lines = source.before_tests().lines().count();
        (source.path, lines)
    });
    let long = lengths.filter(|(_, lines)| *lines > LONGEST);
    none(
        long.map(|(path, lines)| format!("src/{path} has {lines} lines, at most {LONGEST}")),
        "Find the second idea in it and give that a file of its own.",
    );
}

#[test]
fn what_is_cited_of_the_docs_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for source in sources() {
        for rest in source.text.split("`docs/").skip(1) {
            let (page, after) = rest.split_once('`').unwrap_or_default();
            let text = fs::read_to_string(root.join("docs").join(page));
            let heading = after
                .strip_prefix(", \"")
                .and_then(|after| after.split('"').next());
            let is_there = text.is_ok_and(|text| {
                heading.is_none_or(|heading| {
                    text.lines()
                        .any(|line| line.starts_with('#') && line.ends_with(heading))
                })
            });
            if !is_there {
                let heading = heading.unwrap_or_default();
                found.push(format!("src/{} cites docs/{page} {heading:?}", source.path));
            }
        }
    }
    none(found, "Correct the name of the page or of its heading.");
}

#[test]
fn every_guarantee_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut functions = HashSet::new();
    for folder in ["src", "tests"] {
        for text in texts(&root.join(folder)) {
            let names = text.split("fn ").skip(1);
            functions.extend(names.filter_map(|after| after.split('(').next().map(str::to_owned)));
        }
    }
    let page = fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let quoted = page.split('`').skip(1).step_by(2);
    // A test's name is a sentence; nothing else in that page has as many words.
    let tests: Vec<_> = quoted
        .filter(|name| name.matches('_').count() >= 4 && !name.contains(' '))
        .collect();
    assert!(tests.len() >= 9, "no tests found in docs/guarantees.md");
    none(
        tests
            .into_iter()
            .filter(|name| !functions.contains(*name))
            .map(|name| format!("docs/guarantees.md names {name}")),
        "Name the test that holds the guarantee now.",
    );
}

fn texts(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                texts(&path)
            } else {
                vec![fs::read_to_string(&path).unwrap_or_default()]
            }
        })
        .collect()
}
