//! Connections over the limit: told so, then closed.
//!
//! A peer that is merely dropped sees a broken connection and comes back at
//! once; one that reads a refusal can back off. So some of those over the limit
//! are served too, by the refusal alone, and sent GOAWAY after the first one.
//! They are few and short-lived; the rest is dropped.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use super::Limits;
use super::connection;
use super::incoming::Incoming;
use super::pool::Pool;

/// Connections that are refused by an answer at a time.
pub(super) const ANSWERED: usize = 64;

/// How long a refused peer may take to send a request, and again to end it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The least time between two log lines about refused connections.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// The connections that are being refused. `R` makes the answer.
#[derive(Debug)]
pub(super) struct Refused<R> {
    refusal: R,
    pool: Pool,
    log: Log,
}

impl<R> Refused<R> {
    pub(super) fn new(refusal: R) -> Self {
        Self {
            refusal,
            pool: Pool::default(),
            log: Log::default(),
        }
    }

    /// Refuses a connection; drops it where too many are being refused.
    pub(super) fn admit<Io, B>(&mut self, (io, peer): (Io, String), limits: &Limits)
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        R: Fn(&Request<Incoming>) -> Response<B> + Clone + Send + 'static,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display + Send,
    {
        self.log.refused(&peer);
        if self.pool.len() >= ANSWERED {
            return;
        }
        let asked = Arc::new(Notify::new());
        let service = Refusal {
            refusal: self.refusal.clone(),
            asked: Arc::clone(&asked),
        };
        let limits = Limits {
            drain_timeout: limits.drain_timeout.min(PATIENCE),
            ..limits.clone()
        };
        self.pool.spawn(|shutdown| async move {
            let closing = async {
                tokio::select! {
                    () = shutdown => {}
                    () = asked.notified() => {}
                    () = sleep(PATIENCE) => {}
                }
            };
            connection::serve((io, peer), service, limits, closing).await;
        });
    }

    /// See [`Pool::reap`].
    pub(super) async fn reap(&mut self) {
        self.pool.reap().await;
    }

    /// See [`Pool::close`].
    pub(super) async fn close(self) {
        self.pool.close().await;
    }
}

/// The service of a refused connection: one answer to everything.
#[derive(Clone, Debug)]
struct Refusal<R> {
    refusal: R,
    asked: Arc<Notify>,
}

impl<R, B> Service<Request<Incoming>> for Refusal<R>
where
    R: Fn(&Request<Incoming>) -> Response<B>,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Ready<Result<Response<B>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        self.asked.notify_one();
        ready(Ok((self.refusal)(&request)))
    }
}

/// Counts refused connections, and logs them no faster than is readable.
#[derive(Debug, Default)]
struct Log {
    unlogged: u64,
    last: Option<Instant>,
}

impl Log {
    fn refused(&mut self, peer: &str) {
        self.unlogged += 1;
        if self.last.is_some_and(|last| last.elapsed() < LOG_INTERVAL) {
            return;
        }
        tracing::warn!(peer, refused = self.unlogged, "too many connections");
        self.unlogged = 0;
        self.last = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refused_connections_are_counted_in_a_line_a_second() {
        let mut log = Log::default();
        let mut unlogged = || {
            log.refused("peer");
            log.unlogged
        };
        assert_eq!([unlogged(), unlogged(), unlogged()], [0, 1, 2]);
        tokio::time::advance(LOG_INTERVAL).await;
        assert_eq!([unlogged(), unlogged()], [0, 1]);
    }
}
