//! Whatever the walk accepts, Python parses too, and reads the same in it.
//!
//! Python's package has two parsers that share no code with prost: upb, which
//! PHP and Ruby have as well, and one in Python alone.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fanfare::rpc::payload::{check_payload, check_profile};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use prost::Message;

use crate::payloads::{
    Read, damaged, deepest_payloads, deepest_profile, event_frame, members_frame, sound_payloads,
    sound_profiles, wild_payloads,
};

/// A frame, and what the walk says of what it carries.
struct Sample {
    frame: Vec<u8>,
    accepted: bool,
}

fn of_payload(payload: &[u8]) -> Sample {
    Sample {
        frame: event_frame(payload),
        accepted: check_payload(payload).is_ok(),
    }
}

fn of_profile(profile: &[u8]) -> Sample {
    Sample {
        frame: members_frame(profile),
        accepted: check_profile(profile).is_ok(),
    }
}

/// The same in every run: the seed is fixed.
fn samples() -> Vec<Sample> {
    let mut runner = TestRunner::deterministic();
    let mut take = |count: usize, strategy: &dyn Fn(&mut TestRunner) -> Vec<u8>| {
        (0..count)
            .map(|_| strategy(&mut runner))
            .collect::<Vec<_>>()
    };
    let payloads = [
        deepest_payloads().to_vec(),
        take(300, &|runner| one_of(&sound_payloads(), runner)),
        take(600, &|runner| one_of(&damaged(sound_payloads), runner)),
        take(900, &|runner| one_of(&wild_payloads(), runner)),
    ];
    let profiles = [
        vec![deepest_profile()],
        take(100, &|runner| one_of(&sound_profiles(), runner)),
        take(300, &|runner| one_of(&damaged(sound_profiles), runner)),
    ];
    let payloads = payloads.iter().flatten().map(|payload| of_payload(payload));
    let profiles = profiles.iter().flatten().map(|profile| of_profile(profile));
    payloads.chain(profiles).collect()
}

fn one_of(strategy: &impl Strategy<Value = Vec<u8>>, runner: &mut TestRunner) -> Vec<u8> {
    strategy.new_tree(runner).unwrap().current()
}

fn run(command: &mut Command) {
    let status = command.status().expect("python3 is installed");
    assert!(status.success(), "{command:?}: {status}");
}

/// A Python with the package; nothing is fetched once it is there.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = root.join("target/venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(venv));
    }
    let quietly = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let requirements = root.join("tests/it/requirements.txt");
    run(Command::new(&python)
        .args(quietly)
        .arg("-r")
        .arg(requirements));
    python
}

/// What `parser` reads of each frame, written again by it; `None`: refused.
fn read_by(parser: &str, python: &Path, samples: &[Sample]) -> Vec<Option<Vec<u8>>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/second_parser.py");
    let mut child = Command::new(python)
        .arg(script)
        .env("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", parser)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = samples.iter().map(|sample| hex(&sample.frame) + "\n");
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(lines.collect::<String>().as_bytes())
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{parser}: {}", output.status);
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut lines = answers.lines();
    assert_eq!(lines.next(), Some(parser), "the parser that answers");
    lines.map(unless_refused).collect()
}

fn unless_refused(line: &str) -> Option<Vec<u8>> {
    let byte = |at| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
    (line != "refused").then(|| (0..line.len()).step_by(2).map(byte).collect())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap();
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(digits).collect()
}

#[test]
fn what_the_walk_accepts_reads_the_same_in_python() {
    let python = python();
    let samples = samples();
    let accepted = samples.iter().filter(|sample| sample.accepted).count();
    assert!(accepted > 700, "{accepted} of {} accepted", samples.len());
    for parser in ["upb", "python"] {
        let answers = read_by(parser, &python, &samples);
        assert_eq!(answers.len(), samples.len(), "{parser}");
        let accepted = samples
            .iter()
            .zip(answers)
            .filter(|(sample, _)| sample.accepted);
        for (Sample { frame, .. }, answer) in accepted {
            let Some(answer) = answer else {
                panic!("{parser} refuses {}", hex(frame));
            };
            let (ours, theirs) = (Read::decode(&**frame), Read::decode(&*answer));
            assert_eq!(ours, theirs, "{parser} reads otherwise: {}", hex(frame));
        }
    }
}
