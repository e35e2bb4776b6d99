//! Connections: accept, serve, gather writes, drain.
//!
//! [`serve`] runs one service on every connection of a [`Listener`]. It keeps
//! the number of connections within its limits, tells each of them when it
//! shuts down, and when it returns nothing of it is left: no connection, no
//! stream's task, no body.
//!
//! Knows HTTP/2 and HTTP/1.1, told apart by their first bytes, and nothing of
//! what is served; a stream is cut off from
//! outside by the [`Cut`] in its request, and told by the [`Broken`] beside
//! it from one whose connection was lost. TLS is a listener's affair.

mod limits;
mod listener;
mod pool;
mod refusal;

mod connection;
mod gather;
mod hearing;
mod http1;
mod peer;
mod preface;

mod answer;
mod incoming;
mod streams;
mod turns;

use std::convert::Infallible;
use std::fmt::Display;
use std::pin::pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

pub use incoming::Incoming;
pub use limits::Limits;
pub use listener::Listener;
pub use peer::Broken;
pub use streams::Cut;

use pool::Pool;
use refusal::Refused;

/// Serves `service` on the connections of `listener` until `shutdown`.
///
/// Each stream has its own clone of `service`, asked for readiness before the
/// call; those of a connection are polled in one task. A connection over [`Limits::connections`] gets `refusal`
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
    refusal: impl Fn(&Request<Incoming>) -> Response<B> + Clone + Send + Sync + 'static,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Display + Send,
{
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
            let (service, limits) = (service.clone(), limits.clone());
            served.spawn(|closing| connection::serve(accepted, service, limits, closing));
        } else {
            refused.admit(accepted, &limits);
        }
    }
    drop((listener, service));
    tracing::info!(connections = served.len(), "draining");
    tokio::join!(served.close(), refused.close());
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
