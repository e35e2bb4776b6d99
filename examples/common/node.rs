//! A node in this process.

use fanfare::config::Config;
use fanfare::hub::Clock;
use fanfare::server;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Result;

/// A node, as `fanfare serve` would run one.
pub(crate) struct Node {
    pub(crate) address: String,
    running: JoinHandle<()>,
}

impl Node {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_at("http://127.0.0.1:0").await
    }

    /// Starts one where another was: it knows nothing of what that one knew.
    pub(crate) async fn start_at(address: &str) -> Result<Self> {
        let listener = TcpListener::bind(address.trim_start_matches("http://")).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let never = std::future::pending();
        let running = server::run(listener, Clock::system(), Config::default(), never);
        Ok(Self {
            address,
            running: tokio::spawn(running),
        })
    }

    /// Ends it as a crash would, and says where it was.
    pub(crate) async fn crash(self) -> String {
        self.running.abort();
        // An error, since it was aborted: nothing of it is left now.
        self.running.await.ok();
        self.address
    }
}
