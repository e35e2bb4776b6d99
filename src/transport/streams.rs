//! The streams of a connection, polled in its one task.
//!
//! A task for each of them would be woken by itself, and wake the connection's
//! once more to have its bytes written. Here the task is woken once for all
//! that were, and not at all by what its streams do while it runs; HTTP/2 is
//! woken as one among them, and polled after those that are awake with it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use slab::Slab;
use tokio::task::coop::unconstrained;

use super::turns::{Key, Told, Turn, Turns};

/// Cuts off the stream whose request carries it, among its extensions: its
/// future and its body are dropped, the peer sees `RST_STREAM(CANCEL)`, and
/// the connection's other streams live on.
///
/// A stream whose bytes wait for the peer's window is not polled, so it cannot
/// end itself.
pub type Cut = Arc<dyn Fn() + Send + Sync>;

/// The key that is not a stream's.
const HTTP: Key = Key::MAX;

/// Turns in one poll, after which other connections get theirs: a stream that
/// has much to say says 64 KiB in one.
const TURNS: usize = 256;

/// The streams, and who of them is to be polled.
pub(super) struct Streams<F> {
    open: Slab<Stream<F>>,
    turns: Arc<Turns>,
    http: (Arc<Turn>, Waker),
    /// Whose turn it is, in order, and how many have had it.
    woken: Vec<Key>,
    had: usize,
}

struct Stream<F> {
    turn: Arc<Turn>,
    waker: Waker,
    future: F,
}

impl<F: Future<Output = ()> + Unpin> Streams<F> {
    /// No streams; HTTP/2 is to be polled.
    pub(super) fn new() -> Self {
        let turns = Arc::<Turns>::default();
        let turn = Turn::new(HTTP, &turns);
        let waker = Waker::from(Arc::clone(&turn));
        waker.wake_by_ref();
        Self {
            open: Slab::new(),
            http: (turn, waker),
            turns,
            woken: Vec::new(),
            had: 0,
        }
    }

    /// Has HTTP/2 polled, after something was asked of it.
    pub(super) fn wake_http(&self) {
        self.http.1.wake_by_ref();
    }

    /// Takes in the stream that `begin` makes, to be polled.
    pub(super) fn open(&mut self, begin: impl FnOnce(Cut, Told) -> F) {
        let entry = self.open.vacant_entry();
        // HTTP/2 numbers the streams of a connection in 31 bits.
        let key = Key::try_from(entry.key()).unwrap_or(HTTP);
        let turn = Turn::new(key, &self.turns);
        let waker = Waker::from(Arc::clone(&turn));
        waker.wake_by_ref();
        let cut = Arc::clone(&turn);
        let future = begin(Arc::new(move || cut.cut()), Told::new(&turn));
        entry.insert(Stream {
            turn,
            waker,
            future,
        });
    }

    /// Drops each stream that `has_ended`.
    pub(super) fn remove(&mut self, mut has_ended: impl FnMut(&mut F) -> bool) {
        self.open.retain(|_, stream| !has_ended(&mut stream.future));
    }

    /// Polls each stream that was woken, and `http` when it was, until it is
    /// ready or nobody is awake. What a stream says wakes `http`.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut http: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        for _ in 0..TURNS {
            let Some(key) = self.next(cx.waker()) else {
                return Poll::Pending;
            };
            if key != HTTP {
                self.poll_stream(key as usize);
                continue;
            }
            let (turn, waker) = self.http.clone();
            turn.begin();
            let polled = http(self, &mut Context::from_waker(&waker));
            Turn::end();
            if polled.is_ready() {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whose turn it is; nobody's when `task` is to park.
    fn next(&mut self, task: &Waker) -> Option<Key> {
        if self.had == self.woken.len() {
            self.woken.clear();
            self.had = 0;
            if self.turns.take(&mut self.woken, task).is_pending() {
                return None;
            }
        }
        if self.woken[self.had] == HTTP {
            // Has its turn after the streams that are awake with it: what it
            // would take in meanwhile, it would have to keep for them.
            self.woken.push(HTTP);
            self.had += 1;
        }
        self.had += 1;
        Some(self.woken[self.had - 1])
    }

    /// Nothing, where a waker has outlived its stream.
    fn poll_stream(&mut self, key: usize) {
        let Some(Stream {
            future,
            turn,
            waker,
        }) = self.open.get_mut(key)
        else {
            return;
        };
        if turn.begin() {
            self.open.remove(key);
            return;
        }
        // Its timers do not count against what the socket may be read: what it
        // does at a time is bounded by its window.
        let mut polling = unconstrained(poll_fn(|cx| Pin::new(&mut *future).poll(cx)));
        let cx = &mut Context::from_waker(waker);
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut polling).poll(cx)));
        Turn::end();
        match polled {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) => drop(self.open.remove(key)),
            // Its siblings are none the worse for it.
            Err(_) => {
                tracing::error!("a stream panicked");
                self.open.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A stream that counts its turns.
    struct Counting(Arc<AtomicUsize>);

    impl Future for Counting {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Poll::Pending
        }
    }

    #[test]
    fn a_connection_with_many_streams_to_poll_lets_others_have_their_turn() {
        const STREAMS: usize = TURNS + TURNS / 2;
        let (turns, task) = (Arc::<AtomicUsize>::default(), Arc::<Task>::default());
        let mut streams = Streams::new();
        for _ in 0..STREAMS {
            streams.open(|_, _| Counting(Arc::clone(&turns)));
        }
        let waker = Waker::from(Arc::clone(&task));
        let mut poll = || {
            let cx = &mut Context::from_waker(&waker);
            assert!(streams.poll(cx, |_, _| Poll::<()>::Pending).is_pending());
            (
                turns.load(Ordering::Relaxed),
                task.0.load(Ordering::Relaxed),
            )
        };
        // The task is woken for the rest, of which one turn is that of HTTP/2.
        assert_eq!(poll(), (TURNS, 1));
        assert_eq!(poll(), (STREAMS, 1));
        assert_eq!(poll(), (STREAMS, 1), "nobody is awake");
    }

    #[test]
    fn http_takes_in_no_more_before_the_streams_that_it_opened_have_had_their_turn() {
        let turns = Arc::<AtomicUsize>::default();
        let mut streams = Streams::new();
        let mut opened = 0;
        let cx = &mut Context::from_waker(Waker::noop());
        let polled = streams.poll(cx, |streams, cx| {
            assert_eq!(turns.load(Ordering::Relaxed), opened);
            if opened == 30 {
                return Poll::Ready(());
            }
            // It has heard enough for one turn, and then opens what it heard.
            cx.waker().wake_by_ref();
            for _ in 0..10 {
                streams.open(|_, _| Counting(Arc::clone(&turns)));
            }
            opened += 10;
            Poll::Pending
        });
        assert!(polled.is_ready());
    }
}
