//! The built binary, run as a user runs it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// Longer than anything here takes, so that a test ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// `fanfare` with these arguments, and nothing of the caller's settings.
pub(crate) fn fanfare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FANFARE_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A file with this text, to be read from its start.
pub(crate) fn file(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

/// A process with its output as it comes. Killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Option<thread::JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (line, lines) = channel();
        // Ends at the end of the output, or when nobody wants it any more.
        thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|text| line.send(text))
        });
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            err.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            child,
            lines,
            errors: Some(errors),
        }
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("no further line in {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("no further line: {}", self.errors()),
        }
    }

    /// The next line, which is JSON.
    #[track_caller]
    pub(crate) fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Gives it a line to read; its stdin was piped.
    #[track_caller]
    pub(crate) fn give(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a piped stdin");
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Stops it where it is. The signal is sent long before a busy machine has
    /// stopped every thread, and until then it answers.
    #[track_caller]
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
        let id = self.child.id().to_string();
        let start = Instant::now();
        loop {
            let asked = Command::new("ps").args(["-o", "stat=", "-p", &id]).output();
            if asked.unwrap().stdout.starts_with(b"T") {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end, and returns what it wrote to stderr too.
    #[track_caller]
    pub(crate) fn ended_within(mut self, time: Duration) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.errors());
            }
            assert!(start.elapsed() < time, "still runs after {time:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn errors(&mut self) -> String {
        let errors = self.errors.take();
        errors.map_or_else(String::new, |errors| errors.join().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `fanfare serve` on a free port.
pub(crate) struct Serving {
    pub(crate) process: Running,
    /// `HOST:PORT`.
    pub(crate) address: String,
}

impl Serving {
    pub(crate) fn start() -> Self {
        Self::start_on("127.0.0.1:0")
    }

    pub(crate) fn start_on(address: &str) -> Self {
        Self::run(&["serve", "--listen", address])
    }

    /// With more arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::run(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
    }

    fn run(arguments: &[&str]) -> Self {
        let mut process = Running::start(&mut fanfare(arguments));
        let line = process.line();
        let after = line.strip_prefix("fanfare is listening on ");
        let (address, hint) = after.and_then(|after| after.split_once("; try: ")).unwrap();
        assert_eq!(hint, format!("grpcurl -plaintext {address} list"));
        Self {
            address: address.to_owned(),
            process,
        }
    }

    /// A client verb of this node.
    pub(crate) fn client(&self, arguments: &[&str]) -> Command {
        let mut command = fanfare(arguments);
        command.env("FANFARE_ADDRESS", &self.address);
        command
    }

    /// Runs a client verb that succeeds, and returns its lines.
    #[track_caller]
    pub(crate) fn ask(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.client(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// `fanfare subscribe`, past its `ready`, which is returned too.
    #[track_caller]
    pub(crate) fn subscribe(&self, arguments: &[&str]) -> (Value, Running) {
        let arguments = [&["subscribe"], arguments].concat();
        let mut process = Running::start(&mut self.client(&arguments));
        let mut ready = process.json();
        (ready["ready"].take(), process)
    }
}
