//! Where connections come from: a TCP socket, or anything in memory.
//!
//! [`Listener`] is all that the accept loop asks for, so that tests serve
//! duplex pipes or a simulated network by the same code. No error of it ends
//! the server: [`next`] logs it and goes on.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// How long the loop rests after an error that is not one connection's, as
/// `EMFILE`: long enough to be no load, short enough not to be an outage.
const PAUSE: Duration = Duration::from_secs(1);

/// Hands out connections. Dropping it stops listening.
pub trait Listener: Send + 'static {
    /// A connection: bytes in order, both ways.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection and names its peer, for the log.
    ///
    /// Must be cancel safe: dropping the future loses no connection.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted`, `ConnectionReset` and the like are taken to be of
    /// one connection, and the next is asked for at once; after any other the
    /// loop rests for a second.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, String)>> + Send;
}

impl Listener for TcpListener {
    type Io = TcpStream;

    /// Sets `TCP_NODELAY`: what is written has been gathered already.
    async fn accept(&mut self) -> io::Result<(TcpStream, String)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        stream
            .set_nodelay(true)
            .map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
        Ok((stream, peer.to_string()))
    }
}

/// The next connection and its peer, however many errors come before it.
///
/// Cancel safe. Who calls it anew cuts a pause short; the accept loop does so
/// when a connection has ended, which is when a descriptor is free again.
pub(super) async fn next<L: Listener>(listener: &mut L) -> (L::Io, String) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "connection was gone before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, pause = ?PAUSE, "cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Linux reports what went wrong on a connection at the accept of it.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tokio::io::{DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    struct Failing(VecDeque<io::Error>);

    impl Listener for Failing {
        type Io = DuplexStream;

        async fn accept(&mut self) -> io::Result<(DuplexStream, String)> {
            match self.0.pop_front() {
                Some(error) => Err(error),
                None => Ok((duplex(1).0, String::new())),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn errors_of_one_connection_cost_the_next_one_no_time() {
        let start = Instant::now();
        let errors = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionReset,
        ];
        next(&mut Failing(errors.map(io::Error::from).into())).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn each_error_of_the_host_costs_a_second_and_ends_nothing() {
        const EMFILE: i32 = 24;
        let start = Instant::now();
        let errors = [
            io::Error::from_raw_os_error(EMFILE),
            io::Error::other("unheard of"),
        ];
        next(&mut Failing(errors.into())).await;
        assert_eq!(start.elapsed(), 2 * PAUSE);
    }

    #[tokio::test]
    async fn an_accepted_socket_does_not_wait_for_more_to_send() {
        let mut listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let (socket, peer) = next(&mut listener).await;
        assert!(socket.nodelay().unwrap());
        assert_eq!(peer, client.local_addr().unwrap().to_string());
    }
}
