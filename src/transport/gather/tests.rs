use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::*;

const STALL: Duration = Duration::from_secs(50);
const NOT_YET: Duration = Duration::from_secs(49);

/// Gathers in a buffer of `limit`, for a peer that has [`STALL`].
fn gather<Io>(io: Io, limit: usize) -> (Gather<Io>, Writer<Io>) {
    gather_for(&Arc::new(Peer::new()), io, limit)
}

fn gather_for<Io>(peer: &Arc<Peer>, io: Io, limit: usize) -> (Gather<Io>, Writer<Io>) {
    let limits = Limits {
        gather_buffer: limit,
        keepalive_interval: STALL / 2,
        keepalive_timeout: STALL / 2,
        ..Limits::default()
    };
    super::gather(io, &limits, peer)
}

/// An io that takes `room` bytes, at most `chunk` at a time, and notes what
/// was done with it.
#[derive(Clone, Debug, Default)]
struct Mock(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    room: usize,
    chunk: usize,
    error: Option<io::ErrorKind>,
    flush_blocked: bool,
    writes: Vec<Vec<u8>>,
    log: Vec<&'static str>,
}

impl Mock {
    fn with(room: usize) -> Self {
        let mock = Self::default();
        *mock.script() = Script {
            room,
            chunk: usize::MAX,
            ..Script::default()
        };
        mock
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }
}

impl AsyncWrite for Mock {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut script = self.script();
        if let Some(kind) = script.error {
            return Poll::Ready(Err(kind.into()));
        }
        let len = buf.len().min(script.room).min(script.chunk);
        if len == 0 {
            return Poll::Pending;
        }
        script.room -= len;
        script.writes.push(buf[..len].to_vec());
        script.log.push("write");
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut script = self.script();
        if script.flush_blocked {
            return Poll::Pending;
        }
        script.log.push("flush");
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.script().log.push("shutdown");
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn write(gather: &mut Gather<Mock>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    Pin::new(gather).poll_write(&mut context(), bytes)
}

fn kind<T: std::fmt::Debug>(result: Poll<io::Result<T>>) -> io::ErrorKind {
    match result {
        Poll::Ready(Err(error)) => error.kind(),
        other => panic!("{other:?}"),
    }
}

fn is_ok<T: std::fmt::Debug>(result: &Poll<io::Result<T>>) -> bool {
    matches!(result, Poll::Ready(Ok(_)))
}

#[tokio::test]
async fn what_is_written_in_one_poll_goes_out_as_one_write_and_one_flush() {
    let mock = Mock::with(usize::MAX);
    let (mut gather, writer) = gather(mock.clone(), 4 << 10);
    for part in [b"one ", b"two ", b"tri "] {
        assert!(is_ok(&write(&mut gather, part)));
        assert!(is_ok(&Pin::new(&mut gather).poll_flush(&mut context())));
    }
    let slices = [IoSlice::new(b"vec"), IoSlice::new(b"tored")];
    let vectored = Pin::new(&mut gather).poll_write_vectored(&mut context(), &slices);
    assert!(matches!(vectored, Poll::Ready(Ok(8))));
    assert!(mock.script().log.is_empty());

    assert!(is_ok(&writer.poll_write_out(&mut context())));
    assert_eq!(mock.script().writes, [b"one two tri vectored"]);
    assert!(is_ok(&writer.poll_write_out(&mut context())));
    assert_eq!(mock.script().log, ["write", "flush"]);
}

#[tokio::test]
async fn a_write_error_is_kept_and_returned_by_every_later_call() {
    let mock = Mock::with(0);
    let (mut gather, writer) = gather(mock.clone(), 4 << 10);
    assert!(is_ok(&write(&mut gather, b"lost")));
    mock.script().error = Some(io::ErrorKind::BrokenPipe);
    let broken = io::ErrorKind::BrokenPipe;
    assert_eq!(kind(writer.poll_write_out(&mut context())), broken);

    mock.script().error = None;
    assert_eq!(kind(write(&mut gather, b"more")), broken);
    let mut gather = Pin::new(&mut gather);
    assert_eq!(kind(gather.as_mut().poll_flush(&mut context())), broken);
    assert_eq!(kind(gather.as_mut().poll_shutdown(&mut context())), broken);
    assert_eq!(writer.drain(STALL).await.unwrap_err().kind(), broken);
    assert!(mock.script().log.is_empty());
}

#[tokio::test]
async fn an_error_wakes_who_waits_for_room() {
    let mock = Mock::with(0);
    let (mut gather, writer) = gather(mock.clone(), KEPT);
    assert!(is_ok(&write(&mut gather, &[1; KEPT])));
    let woken = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&woken));
    let blocked = Pin::new(&mut gather).poll_write(&mut Context::from_waker(&waker), b"x");
    assert!(blocked.is_pending());
    mock.script().error = Some(io::ErrorKind::BrokenPipe);
    kind(writer.poll_write_out(&mut context()));
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_full_buffer_is_pending_and_room_wakes_who_waits_for_it() {
    let mock = Mock::with(0);
    let (mut gather, writer) = gather(mock.clone(), KEPT);
    let taken = write(&mut gather, &[1; KEPT + 5]);
    assert!(matches!(taken, Poll::Ready(Ok(KEPT))));
    let woken = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&woken));
    let blocked = Pin::new(&mut gather).poll_write(&mut Context::from_waker(&waker), b"x");
    assert!(blocked.is_pending());
    assert!(writer.poll_write_out(&mut context()).is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);

    mock.script().room = 1;
    assert!(writer.poll_write_out(&mut context()).is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(matches!(write(&mut gather, b"xy"), Poll::Ready(Ok(1))));
}

#[tokio::test]
async fn a_full_buffer_is_written_out_where_the_peer_takes_it() {
    let mock = Mock::with(usize::MAX);
    let (mut gather, _writer) = gather(mock.clone(), KEPT);
    assert!(is_ok(&write(&mut gather, &[1; KEPT])));
    assert!(is_ok(&write(&mut gather, &[2; KEPT])));
    assert_eq!(mock.script().writes, [[1; KEPT]]);
}

#[tokio::test]
async fn taking_no_bytes_of_some_is_an_error() {
    struct Zero;
    impl AsyncWrite for Zero {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(0))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let (mut gather, writer) = gather(Zero, KEPT);
    gather.write_all(b"x").await.unwrap();
    let zero = writer.poll_write_out(&mut context());
    assert_eq!(kind(zero), io::ErrorKind::WriteZero);
}

#[tokio::test]
async fn draining_writes_then_flushes_then_shuts_down() {
    let mock = Mock::with(usize::MAX);
    let (mut gather, writer) = gather(mock.clone(), KEPT);
    assert!(is_ok(&write(&mut gather, b"GOAWAY")));
    assert!(is_ok(&Pin::new(&mut gather).poll_shutdown(&mut context())));
    assert!(mock.script().log.is_empty());
    drop(gather);
    writer.drain(STALL).await.unwrap();
    assert_eq!(mock.script().log, ["write", "flush", "shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_the_peer_no_longer_than_its_limit() {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let (mut gather, writer) = gather(Mock::with(3), KEPT);
    assert!(is_ok(&write(&mut gather, b"GOAWAY")));
    let error = writer.drain(second).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), second);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up_after_the_stall() {
    let start = Instant::now();
    let (mut gather, writer) = gather(Mock::with(0), KEPT);
    assert!(is_ok(&write(&mut gather, b"event")));
    let written = poll_fn(|cx| writer.poll_write_out(cx));
    let given_up = tokio::time::timeout(2 * STALL, written).await;
    let error = given_up.expect("an end").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), STALL);
    assert_eq!(kind(write(&mut gather, b"x")), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_never_ends_is_a_stall_too() {
    let mock = Mock::with(usize::MAX);
    mock.script().flush_blocked = true;
    let (mut gather, writer) = gather(mock, KEPT);
    assert!(is_ok(&write(&mut gather, b"event")));
    let written = poll_fn(|cx| writer.poll_write_out(cx));
    let given_up = tokio::time::timeout(2 * STALL, written).await;
    let error = given_up.expect("an end").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_stall_that_is_over_does_not_count_for_the_next() {
    let mock = Mock::with(5);
    mock.script().flush_blocked = true;
    let (mut gather, writer) = gather(mock.clone(), KEPT);
    assert!(is_ok(&write(&mut gather, b"event")));
    let stalled = async || {
        let waiting = poll_fn(|cx| writer.poll_write_out(cx));
        tokio::time::timeout(NOT_YET, waiting).await.is_err()
    };
    assert!(stalled().await);
    mock.script().flush_blocked = false;
    assert!(is_ok(&writer.poll_write_out(&mut context())));
    assert!(is_ok(&write(&mut gather, b"event")));
    assert!(stalled().await);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_a_byte_now_and_then_is_not_given_up() {
    let mock = Mock::with(0);
    let (mut gather, writer) = gather(mock.clone(), KEPT);
    assert!(is_ok(&write(&mut gather, b"0123")));
    for left in (0..4).rev() {
        let waiting = poll_fn(|cx| writer.poll_write_out(cx));
        let waited = tokio::time::timeout(NOT_YET, waiting).await;
        assert!(waited.is_err(), "{left} bytes left");
        mock.script().room = 1;
    }
    assert!(is_ok(&writer.poll_write_out(&mut context())));
}

#[tokio::test]
async fn a_large_buffer_is_kept_while_busy_and_given_back_when_quiet() {
    let limit = 64 << 10;
    let (mut gather, writer) = gather(Mock::with(usize::MAX), limit);
    let capacity = |gather: &Gather<Mock>| lock(&gather.0).buffer.capacity();
    for _ in 0..3 {
        assert!(is_ok(&write(&mut gather, &vec![1; 48 << 10])));
        assert!(is_ok(&writer.poll_write_out(&mut context())));
        assert_eq!(capacity(&gather), limit);
    }
    assert!(is_ok(&write(&mut gather, b"ping")));
    assert!(is_ok(&writer.poll_write_out(&mut context())));
    assert!(capacity(&gather) <= KEPT);
}

#[tokio::test]
async fn a_peer_that_cannot_be_written_to_is_lost() {
    let mock = Mock::with(0);
    let peer = Arc::new(Peer::new());
    let (mut gather, writer) = gather_for(&peer, mock.clone(), KEPT);
    assert!(is_ok(&write(&mut gather, b"lost")));
    assert!(writer.poll_write_out(&mut context()).is_pending());
    assert!(!peer.broken()());
    mock.script().error = Some(io::ErrorKind::BrokenPipe);
    assert!(!is_ok(&writer.poll_write_out(&mut context())));
    assert!(peer.broken()());
}

proptest! {
    #[test]
    fn bytes_go_out_whole_and_in_order_within_the_bound(
        steps in prop::collection::vec((0..3 * KEPT, 0..3 * KEPT, 1..KEPT), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let mock = Mock::with(0);
        let (mut gather, writer) = gather(mock.clone(), KEPT);
        let mut sent: Vec<u8> = Vec::new();
        let mut next = 0_u8;
        for (len, room, chunk) in steps {
            mock.script().room = room;
            mock.script().chunk = chunk;
            let bytes: Vec<u8> = (0..len).map(|_| { next = next.wrapping_add(7) ^ 3; next }).collect();
            if let Poll::Ready(taken) = write(&mut gather, &bytes) {
                sent.extend_from_slice(&bytes[..taken.unwrap()]);
            }
            let _ = writer.poll_write_out(&mut context());
            let state = lock(&gather.0);
            prop_assert!(state.buffer.capacity() <= KEPT);
            let got = mock.script().writes.concat();
            prop_assert_eq!(got.len() + state.buffer.len() - state.written, sent.len());
        }
        mock.script().room = usize::MAX;
        prop_assert!(is_ok(&writer.poll_write_out(&mut context())));
        prop_assert_eq!(mock.script().writes.concat(), sent);
    }
}
