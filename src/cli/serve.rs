//! `fanfare serve`: run a node until it is told to stop.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use fanfare::config::{self, Config, Flag, Sources};
use fanfare::hub::Clock;
use fanfare::{server, telemetry};
use tokio::net::TcpListener;

use super::Failure;
use super::output::Output;
use super::payload::name_and_value;

/// The arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to listen on [default: 127.0.0.1:50051; port 0: any free one].
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    // Not clap's `env`: only `config` reads the environment, and an empty
    // variable is to count as unset.
    #[arg(
        long,
        value_name = "FILE",
        help = "TOML file with settings [env: FANFARE_CONFIG]"
    )]
    config: Option<PathBuf>,
    /// Change any setting; may be repeated. `fanfare serve --help` lists them.
    #[arg(long, value_name = "KEY=VALUE", value_parser = name_and_value)]
    set: Vec<(String, String)>,
    /// What to log to stderr [default: info], as `info,fanfare=debug`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// The settings and how to set them, for the end of `--help`.
pub(crate) fn settings_help() -> String {
    format!(
        "\
Examples:
  fanfare serve --listen 0.0.0.0:50051
  fanfare serve --config fanfare.toml --set log_age=5m --log info,fanfare=debug

Settings, with default and range:
{}
Each is set by its key in the TOML file, by FANFARE_ and its key in capitals in
the environment, or by --set; the later of these wins over the earlier.

Some channels may keep something else than log_events, log_bytes and log_age
say. This is for the TOML file only, and the first match counts:
  [[channel]]
  pattern = \"orders.>\"
  events = 100000
  bytes = \"32MiB\"
  age = \"10m\"
A table takes what it leaves out of the three from the settings.",
        config::help()
    )
}

impl Args {
    /// Reads the configuration and runs the node.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let config = self
            .config()
            .map_err(|error| Failure::Usage(error.to_string()))?;
        telemetry::init(&config).map_err(|error| Failure::Usage(error.to_string()))?;
        run(config).await
    }

    fn config(self) -> Result<Config, config::Error> {
        Config::load(&Sources {
            flags: self.flags(),
            file: self.config,
            environment: config::environment(),
        })
    }

    /// A flag of its own wins over `--set` of the same key.
    fn flags(&self) -> Vec<Flag> {
        let set = self
            .set
            .iter()
            .map(|(key, value)| (format!("--set {key}"), key.as_str(), value));
        let listen = self
            .listen
            .iter()
            .map(|value| ("--listen".to_owned(), "listen", value));
        let log = self
            .log
            .iter()
            .map(|value| ("--log".to_owned(), "log", value));
        set.chain(listen)
            .chain(log)
            .map(|(name, key, value)| Flag {
                name,
                key: key.to_owned(),
                value: value.clone(),
            })
            .collect()
    }
}

/// Binds, says so on stdout, and serves. The first SIGTERM or Ctrl-C begins to
/// drain; the second ends the process at once.
async fn run(config: Config) -> Result<(), Failure> {
    let stop = signals(1)?;
    let stop_at_once = signals(2)?;
    let listener = bind(&config.listen).await?;
    announce(&listener).await;
    let served = server::run(listener, Clock::system(), config, stop);
    tokio::select! {
        () = served => Ok(()),
        () = stop_at_once => Err(Failure::failed(
            "a second signal cut the shutdown short".to_owned(),
        )),
    }
}

async fn bind(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "something listens there already: stop it, or choose another port with --listen"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; 0.0.0.0 stands for all it has"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a privilege: choose a higher one"
            }
            _ => "--listen takes HOST:PORT, as 127.0.0.1:50051",
        };
        Failure::Failed {
            text: format!("cannot listen on {address}: {error}"),
            hint: Some(hint.to_owned()),
        }
    })
}

/// Prints where the node listens and what to try. That nobody reads it is no
/// reason not to serve.
async fn announce(listener: &TcpListener) {
    if let Ok(address) = listener.local_addr() {
        let try_it = format!("grpcurl -plaintext {} list", reachable(address));
        let line = format!("fanfare is listening on {address}; try: {try_it}");
        let _ = Output::stdout().line(line).await;
    }
}

/// An address to connect to: listening on all of them is not one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Completes at the `count`th SIGTERM or Ctrl-C from now on.
#[cfg(unix)]
fn signals(count: usize) -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| {
        signal(kind).map_err(|error| Failure::failed(format!("cannot wait for signals: {error}")))
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        for _ in 0..count {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
    })
}

/// Completes at the `count`th Ctrl-C from now on.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
fn signals(count: usize) -> Result<impl Future<Output = ()>, Failure> {
    Ok(async move {
        for _ in 0..count {
            let _ = tokio::signal::ctrl_c().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn flags(line: &str) -> Vec<(String, String, String)> {
        let line = Line::try_parse_from(line.split(' ')).unwrap();
        let flags = line.args.flags().into_iter();
        flags
            .map(|flag| (flag.name, flag.key, flag.value))
            .collect()
    }

    #[test]
    fn a_flag_of_its_own_comes_after_set() {
        let owned = |name: &str, key: &str, value: &str| {
            (name.to_owned(), key.to_owned(), value.to_owned())
        };
        assert_eq!(
            flags("x --listen a:1 --log debug --set listen=b:2 --set log_age=5m"),
            [
                owned("--set listen", "listen", "b:2"),
                owned("--set log_age", "log_age", "5m"),
                owned("--listen", "listen", "a:1"),
                owned("--log", "log", "debug"),
            ]
        );
    }

    #[test]
    fn what_to_try_can_be_connected_to() {
        for (listening, connect) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.1:1", "10.0.0.1:1"),
        ] {
            let address = reachable(listening.parse().unwrap());
            assert_eq!(address.to_string(), connect);
        }
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        match bind(&address).await {
            Err(Failure::Failed { text, hint }) => {
                assert!(text.starts_with(&format!("cannot listen on {address}: ")));
                assert!(hint.unwrap().contains("--listen"));
            }
            other => panic!("{other:?}"),
        }
    }
}
