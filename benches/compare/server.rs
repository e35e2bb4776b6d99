//! A server under measurement: on a core and a port of its own, and gone
//! afterwards whatever happens.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use fanfare::rpc::client::SendRequest;
use fanfare::rpc::client::realtime_service_client::RealtimeServiceClient;
use tokio::time::Instant;

use crate::SERVE_PLAIN;
use crate::table::Peer;
use crate::tools::Tools;

/// The cores of the server and of its load.
const SERVER_CORE: &str = "0";
pub(crate) const LOAD_CORE: &str = "1";

/// Longer than any of them takes to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is asked whether it answers.
const LOOK: Duration = Duration::from_millis(5);

/// A process that listens and answers. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    peer: Peer,
    /// `HOST:PORT`.
    address: String,
}

impl Server {
    /// Starts it, and returns as soon as it has answered: a fanfare node, or
    /// plain tonic, to a `Send`.
    ///
    /// # Errors
    ///
    /// Its program is not here, or does not come up.
    pub(crate) fn start(peer: Peer, tools: &Tools) -> Result<Self, String> {
        // With 0 it takes a free one, and says on stdout which.
        let port = match peer {
            Peer::Fanfare | Peer::Plain => 0,
            Peer::Nats | Peer::Redis => free_port()?,
        };
        let mut command = pinned(SERVER_CORE, &tools.get(peer)?.program);
        command.args(arguments(peer, port)).env("GOMAXPROCS", "1");
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.stdout(match port {
            0 => Stdio::piped(),
            _ => Stdio::null(),
        });
        let process = command.spawn();
        let process = process.map_err(|error| format!("cannot run setpriv: {error}"))?;
        let mut server = Self {
            process,
            peer,
            address: format!("127.0.0.1:{port}"),
        };
        let answered = server.wait_for_answer();
        answered.map_err(|reason| format!("{reason}; by hand it is {command:?}"))?;
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How `fanfare bench` is told where it is.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.peer {
            Peer::Fanfare | Peer::Plain => "fanfare",
            Peer::Nats => "nats",
            Peer::Redis => "redis",
        };
        format!("{scheme}://{}", self.address)
    }

    /// MiB of memory that are resident.
    pub(crate) fn memory(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes / 1024.0)
    }

    /// Takes the address from what the process says first, if it is to.
    fn read_address(&mut self) -> Result<(), String> {
        let Some(stdout) = self.process.stdout.take() else {
            return Ok(());
        };
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        read.map_err(|error| error.to_string())?;
        let address = line
            .split_once("listening on ")
            .and_then(|(_, rest)| rest.split([';', '\n']).next());
        let address = address.ok_or("it ended before it listened")?;
        address.clone_into(&mut self.address);
        Ok(())
    }

    fn wait_for_answer(&mut self) -> Result<(), String> {
        self.read_address()?;
        let begin = Instant::now();
        while let Err(reason) = self.ask() {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("it ended at once, with {status}"));
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("it does not answer: {reason}"));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn ask(&self) -> Result<(), String> {
        match self.peer {
            Peer::Fanfare | Peer::Plain => send(&self.address),
            Peer::Nats => exchange(&self.address, b"", b"INFO "),
            Peer::Redis => exchange(&self.address, b"PING\r\n", b"+PONG"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program on this core alone, which ends when this process does, and has
/// none of its user's settings. The process is the program's own.
pub(crate) fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "taskset", "--cpu-list", core]);
    command.arg(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("FANFARE_") {
            command.env_remove(name);
        }
    }
    command
}

fn arguments(peer: Peer, port: u16) -> Vec<String> {
    let line = match peer {
        Peer::Fanfare => format!("serve --listen 127.0.0.1:{port} --log error"),
        Peer::Plain => SERVE_PLAIN.to_owned(),
        Peer::Nats => format!("--addr 127.0.0.1 --port {port}"),
        Peer::Redis => format!("--bind 127.0.0.1 --port {port} --appendonly no --save"),
    };
    let mut arguments: Vec<_> = line.split(' ').map(str::to_owned).collect();
    if peer == Peer::Redis {
        // Never to save is an empty word.
        arguments.push(String::new());
    }
    arguments
}

/// A port that nobody has now; somebody may, before the server does.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    let address = address.map_err(|error| format!("no port is free: {error}"))?;
    Ok(address.port())
}

/// Says `hello`, if anything, and reads what must come first.
fn exchange(address: &str, hello: &[u8], answer: &[u8]) -> Result<(), String> {
    let mut read = vec![0; answer.len()];
    let exchanged = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(hello)?;
        stream.read_exact(&mut read)
    });
    exchanged.map_err(|error| error.to_string())?;
    if read == answer {
        Ok(())
    } else {
        Err(format!("{} comes first", String::from_utf8_lossy(&read)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn send(address: &str) -> Result<(), String> {
    let client = RealtimeServiceClient::connect(format!("http://{address}")).await;
    let mut client = client.map_err(|error| error.to_string())?;
    let hello = SendRequest {
        channel: "hello".to_owned(),
        ..SendRequest::default()
    };
    let sent = client.send(hello).await;
    sent.map_err(|status| status.to_string())?;
    Ok(())
}
