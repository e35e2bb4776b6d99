//! A network between a client and its node that can be cut, held up, and led
//! to another node.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::support::Node;

/// Connections are forwarded to a node, if there is one.
pub(crate) struct Proxy {
    pub(crate) address: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    /// Where connections lead; none: nowhere, they are closed at once.
    target: Mutex<Option<String>>,
    open: Mutex<JoinSet<()>>,
    /// Of the connections from now on: whether answers are held up.
    frozen: Mutex<watch::Sender<bool>>,
    accepted: watch::Sender<usize>,
}

impl Proxy {
    /// One that leads to `node`.
    pub(crate) async fn to(node: &Node) -> Self {
        let proxy = Self::to_nowhere().await;
        proxy.lead_to(node);
        proxy
    }

    pub(crate) async fn to_nowhere() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            target: Mutex::default(),
            open: Mutex::default(),
            frozen: Mutex::new(watch::Sender::new(false)),
            accepted: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            accepting,
        }
    }

    /// New connections lead to `node` from now on.
    pub(crate) fn lead_to(&self, node: &Node) {
        let target = node.address.trim_start_matches("http://").to_owned();
        *self.shared.target.lock().unwrap() = Some(target);
    }

    /// Closes all connections there are.
    pub(crate) fn cut(&self) {
        self.shared.open.lock().unwrap().abort_all();
    }

    /// Lets nothing of the node through any more on the connections there are,
    /// and leaves them open.
    pub(crate) fn freeze(&self) {
        let mut frozen = self.shared.frozen.lock().unwrap();
        frozen.send_replace(true);
        *frozen = watch::Sender::new(false);
    }

    /// How many connections have come.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.accepted.borrow()
    }

    /// Waits until so many connections have come.
    pub(crate) async fn accepted(&self, count: usize) {
        let mut accepted = self.shared.accepted.subscribe();
        accepted.wait_for(|have| *have >= count).await.unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let target = shared.target.lock().unwrap().clone();
        if let Some(target) = target {
            let frozen = shared.frozen.lock().unwrap().subscribe();
            let forwarding = forward(client, target, frozen);
            shared.open.lock().unwrap().spawn(forwarding);
        }
        shared.accepted.send_modify(|count| *count += 1);
    }
}

async fn forward(client: TcpStream, target: String, frozen: watch::Receiver<bool>) {
    let Ok(node) = TcpStream::connect(target).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_node, to_node) = node.into_split();
    // The end of either is the end of both.
    tokio::select! {
        () = copy(from_client, to_node, watch::channel(false).1) => {}
        () = copy(from_node, to_client, frozen) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut frozen: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if *frozen.borrow_and_update() {
            std::future::pending::<()>().await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
