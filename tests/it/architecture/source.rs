//! Source files as text: their code without comments, strings and tests, and
//! the paths that it names.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of `src/`.
pub(crate) struct Source {
    /// Below `src/`: `hub/log/mod.rs`.
    pub(crate) path: String,
    /// As it stands.
    pub(crate) text: String,
}

/// Everything in `src/`, sorted by path.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(&root).unwrap().display().to_string(),
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

impl Source {
    /// The module at the top that it belongs to: `hub`.
    pub(crate) fn module(&self) -> &str {
        let top = self.path.split('/').next().unwrap_or_default();
        top.trim_end_matches(".rs")
    }

    /// Whether the whole file is for tests.
    pub(crate) fn is_tests(&self) -> bool {
        let mut steps = self.path.split('/');
        steps.any(|step| ["tests", "tests.rs", "testing.rs"].contains(&step))
    }

    /// Its text before the tests at its end; nothing of a file of tests.
    pub(crate) fn before_tests(&self) -> &str {
        if self.is_tests() {
            return "";
        }
        let tests = self.text.find("#[cfg(test)]\nmod tests");
        &self.text[..tests.unwrap_or(self.text.len())]
    }

    /// The paths in its code apart from tests, each from its first name on, as
    /// `crate::hub::Hub`; those of a `use` with braces are written out.
    pub(crate) fn paths(&self) -> Vec<String> {
        let tokens = tokens(self.before_tests());
        let mut paths = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let after_path = at > 0 && tokens[at - 1] == "::";
            let used = at > 0 && tokens[at - 1] == "use";
            let leads = tokens.get(at + 1).is_some_and(|next| next == "::");
            if is_name(&tokens[at]) && !after_path && (leads || used) {
                at = path(&tokens, at, "", &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }
}

/// Reads the path at `at`, puts it behind `prefix` into `paths`, and returns
/// where it ends.
fn path(tokens: &[String], mut at: usize, prefix: &str, paths: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    loop {
        if tokens.get(at).is_some_and(|token| token == "{") {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                at = match tokens[at].as_str() {
                    "," => at + 1,
                    _ => self::path(tokens, at, &path, paths),
                };
            }
            return at + 1;
        }
        path.push_str(tokens.get(at).map_or("", String::as_str));
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            paths.push(path);
            // An `as` and its name.
            return at + 2 * usize::from(tokens.get(at).is_some_and(|token| token == "as"));
        }
        path.push_str("::");
        at += 1;
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::`, and every other character by itself; no comments, no strings.
pub(crate) fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let name = rest.len() - rest.trim_start_matches(is_part_of_name).len();
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            string(rest)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            start + rest[start..].find(&end).map_or(0, |at| at + end.len())
        } else if let Some(literal) = character(rest) {
            literal
        } else if name > 0 {
            tokens.push(rest[..name].to_owned());
            name
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[taken.min(rest.len())..];
    }
    tokens
}

fn is_part_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The length of the string literal that `text` begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == '"' && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// How many `#` the raw string has that `text` begins with.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let quoted = after.trim_start_matches('#');
    quoted
        .starts_with('"')
        .then_some(after.len() - quoted.len())
}

/// The length of the character literal that `text` begins with; a lifetime is
/// none.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return Some(3 + inner[2..].find('\'')? + 1);
    }
    let letter = inner.chars().next()?.len_utf8();
    inner[letter..].starts_with('\'').then_some(letter + 2)
}

#[test]
fn the_reader_of_sources_sees_code_and_nothing_else() {
    let source = Source {
        path: "hub/mod.rs".to_owned(),
        text: "//! tonic::Status\nuse crate::{hub::{self, Hub}, rpc as r};\nuse http;\n\
               fn f<'a>(x: &'a str) -> prost::Any { let _ = ('\"', '\\'', \"http::A\"); \
               a.b::<C>(r#\"hyper::\"B\"#); super::x() }\n#[cfg(test)]\nmod tests { use h2::A; }"
            .to_owned(),
    };
    assert_eq!(
        source.paths(),
        [
            "crate::hub::self",
            "crate::hub::Hub",
            "crate::rpc",
            "http",
            "prost::Any",
            "b::<",
            "super::x"
        ]
    );
}
