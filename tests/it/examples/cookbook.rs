//! docs/cookbook.md against the examples: what it quotes is in them, and what
//! it says they print is what they print.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::readme::blocks;

/// Lines of a file that one reads at once, being new here.
const LONGEST: usize = 200;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The part of the cookbook about an example.
pub(super) fn section(example: &str) -> String {
    let text = fs::read_to_string(root().join("docs/cookbook.md")).unwrap();
    let heading = format!("\n## {example}\n");
    let (_, after) = text
        .split_once(&heading)
        .unwrap_or_else(|| panic!("docs/cookbook.md has no heading {example}"));
    after.split("\n## ").next().unwrap().to_owned()
}

/// The blocks of one language in it.
pub(super) fn blocks_of(example: &str, language: &str) -> Vec<String> {
    let blocks = blocks(&section(example)).into_iter();
    blocks
        .filter(|(of, _)| of == language)
        .map(|(_, content)| content)
        .collect()
}

/// The examples by their names, with the files of each.
fn examples() -> Vec<(String, Vec<PathBuf>)> {
    let entries = fs::read_dir(root().join("examples")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let examples = paths.filter(|path| path.is_file() || path.join("main.rs").exists());
    examples
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, files(path))
        })
        .collect()
}

fn files(path: PathBuf) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path];
    }
    let entries = fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Code whatever its indentation.
fn flush(code: &str) -> String {
    let lines = code.lines().map(str::trim);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_cookbook_has_every_example_with_its_command() {
    let examples = examples();
    assert_eq!(examples.len(), 5, "{examples:?}");
    for (name, _) in examples {
        let command = format!("cargo run --example {name}\n");
        assert_eq!(blocks_of(&name, "bash"), [command]);
    }
}

#[test]
fn what_the_cookbook_quotes_is_in_the_example() {
    for (name, files) in examples() {
        let code: Vec<_> = files
            .into_iter()
            .map(|file| flush(&fs::read_to_string(file).unwrap()))
            .collect();
        let quoted = blocks_of(&name, "rust");
        assert!(!quoted.is_empty(), "nothing is quoted of {name}");
        for quote in quoted {
            let quote = flush(&quote);
            assert!(
                code.iter().any(|code| code.contains(&quote)),
                "{name} has no longer:\n{quote}"
            );
        }
    }
}

#[test]
fn an_example_is_short_enough_to_be_read_at_once() {
    for (_, files) in examples() {
        for file in files {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= LONGEST, "{} has {lines} lines", file.display());
        }
    }
}
