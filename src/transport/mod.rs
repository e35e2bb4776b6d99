//! Connections: accept, serve, gather writes, drain.
//!
//! [`serve`] runs one service on every connection of a [`Listener`]. It keeps
//! the number of connections within its limits, tells each of them when it
//! shuts down, and when it returns nothing of it is left: no connection, no
//! stream's task, no body.
//!
//! Knows HTTP/2 and nothing of what is served; a stream is cut off from
//! outside by the [`TaskHandle`] in its request, and told by the [`Broken`] beside
//! it from one whose connection was lost. TLS is a listener's affair.

mod connection;
mod gather;
mod limits;
mod listener;
mod peer;
mod pool;
mod refusal;

use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tower_service::Service;

pub use connection::TaskHandle;
pub use limits::Limits;
pub use listener::Listener;
pub use peer::Broken;

use pool::Pool;
use refusal::Refused;

/// Serves `service` on the connections of `listener` until `shutdown`.
///
/// Each stream is a task with its own clone of `service`, asked for readiness
/// before the call. A connection over [`Limits::connections`] gets `refusal`
/// as its only answer, and GOAWAY; when there are too many of those as well,
/// it is dropped. Accept errors are logged and waited out.
///
/// After `shutdown` the listener is dropped and every connection, one in its
/// handshake too, is told GOAWAY. Streams may end by themselves for
/// [`Limits::drain_timeout`]; then the connections are cut, with one more
/// second for what was gathered to be written. When this returns, every future
/// and body that it was given has been dropped.
///
/// Dropping the future aborts all connections, and waits for nothing.
pub async fn serve<L, S, B>(
    mut listener: L,
    service: S,
    refusal: impl Fn() -> Response<B> + Clone + Send + Sync + 'static,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (alive, mut gone) = mpsc::channel(1);
    let mut served = Pool::default();
    let mut refused = Refused::new(refusal);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = served.reap() => continue,
            () = refused.reap() => continue,
            accepted = listener::next(&mut listener) => accepted,
        };
        if served.len() < limits.connections {
            let (service, limits, alive) = (service.clone(), limits.clone(), alive.clone());
            served.spawn(|closing| connection::serve(accepted, service, limits, alive, closing));
        } else {
            refused.admit(accepted, &limits, &alive);
        }
    }
    drop((listener, service, alive));
    tracing::info!(connections = served.len(), "draining");
    tokio::join!(served.close(), refused.close());
    gone.recv().await;
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
