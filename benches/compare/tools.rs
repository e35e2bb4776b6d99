//! The programs of the other servers: found, or installed.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::table::Peer;
use crate::{root, say};

/// The module of nats-server, and the release that is compared with.
const NATS: &str = "github.com/nats-io/nats-server/v2";
const NATS_VERSION: &str = "v2.15.2";

/// A server's program, and how it calls itself.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) program: PathBuf,
    pub(crate) version: String,
}

/// The programs by server, or why one is not there.
#[derive(Debug)]
pub(crate) struct Tools(BTreeMap<Peer, Result<Tool, String>>);

impl Tools {
    /// Finds the programs of `peers`, and installs those that are missing.
    pub(crate) fn of(peers: impl Iterator<Item = Peer>) -> Self {
        let mut tools = BTreeMap::new();
        for peer in peers {
            tools.entry(peer).or_insert_with(|| find(peer));
        }
        Self(tools)
    }

    pub(crate) fn get(&self, peer: Peer) -> Result<&Tool, String> {
        match self.0.get(&peer) {
            Some(tool) => tool.as_ref().map_err(String::clone),
            None => Err(format!("{} was not looked for", peer.name())),
        }
    }

    /// The versions of what is there, and the reasons of what is not.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (&'static str, String)> {
        let version = |tool: &Result<Tool, String>| match tool {
            Ok(tool) => tool.version.clone(),
            Err(reason) => reason.clone(),
        };
        let tools = self.0.iter();
        tools.map(move |(peer, tool)| (peer.name(), version(tool)))
    }
}

fn find(peer: Peer) -> Result<Tool, String> {
    match peer {
        Peer::Fanfare => Ok(Tool {
            program: env!("CARGO_BIN_EXE_fanfare").into(),
            version: commit(),
        }),
        Peer::Plain => Ok(Tool {
            program: env::current_exe().map_err(|error| error.to_string())?,
            version: tonic()?,
        }),
        Peer::Nats => nats(),
        Peer::Redis => redis(),
    }
}

/// This repository's commit, and whether something is not committed.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        output(git.arg("-C").arg(root()).args(arguments))
    };
    let Ok(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return format!("{}, of no known commit", env!("CARGO_PKG_VERSION"));
    };
    match git(&["status", "--porcelain"]) {
        Ok(changes) if changes.is_empty() => format!("commit {commit}"),
        _ => format!("commit {commit}, with changes that are not committed"),
    }
}

/// The version of tonic, of which plain tonic is made, in `Cargo.lock`.
fn tonic() -> Result<String, String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"));
    let lock = lock.map_err(|error| format!("cannot read Cargo.lock: {error}"))?;
    let after = lock.split_once("name = \"tonic\"\nversion = \"");
    let version = after.and_then(|(_, rest)| rest.split('"').next());
    Ok(version.map_or_else(String::new, |version| format!("tonic {version}")))
}

fn nats() -> Result<Tool, String> {
    let folder = root().join("target/tools/bin");
    let program = folder.join("nats-server");
    let version = || output(Command::new(&program).arg("--version"));
    if !version().is_ok_and(|version| version.contains(NATS_VERSION)) {
        let module = format!("{NATS}@{NATS_VERSION}");
        say(&format!("go install {module}"));
        let mut go = Command::new("go");
        output(go.args(["install", &module]).env("GOBIN", &folder))
            .map_err(|reason| format!("Go installs nats-server, and did not: {reason}"))?;
    }
    Ok(Tool {
        version: version()?,
        program,
    })
}

fn redis() -> Result<Tool, String> {
    let version = || output(Command::new("redis-server").arg("--version"));
    if version().is_err() {
        let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0");
        if !is_root || !Path::new("/etc/debian_version").exists() {
            return Err("redis-server is not here: install it so that PATH has it".to_owned());
        }
        say("apt-get install -y redis-server");
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        output(apt.args(["install", "-y", "redis-server"]))?;
    }
    let version = version()?;
    Ok(Tool {
        program: "redis-server".into(),
        // Its build and checksums come after.
        version: version.split(" sha=").next().unwrap_or_default().to_owned(),
    })
}

/// What a command prints, without the end of its last line.
///
/// # Errors
///
/// It is not there, or fails: with the last line of what it says.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.trim_end().lines().next_back();
    Err(format!("{program}: {}", last.unwrap_or("failed")))
}
