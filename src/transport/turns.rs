//! Who of a connection is to be polled, and the waker of its task.
//!
//! Guarantee: who was woken since its turn last began is in the list, and who
//! is in the list will be polled: the task runs, or is woken.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

thread_local! {
    /// Whose turn it is on this thread, by its address.
    static CURRENT: Cell<*const Turn> = const { Cell::new(ptr::null()) };
}

/// What a stream is called in the list; small, since each is held while idle.
pub(super) type Key = u32;

/// The list of a connection.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    woken: Vec<Key>,
    /// The connection's task, while it is parked.
    task: Option<Waker>,
}

/// One who can be woken.
#[derive(Debug)]
pub(super) struct Turn {
    key: Key,
    listed: AtomicBool,
    cut: AtomicBool,
    /// HTTP/2 has its waker; it lets go of one that it has woken.
    asked: AtomicBool,
    turns: Arc<Turns>,
}

impl Turns {
    /// Moves the list into `woken`. Pending when it was empty: then the next
    /// who is woken wakes `task`.
    pub(super) fn take(&self, woken: &mut Vec<Key>, task: &Waker) -> Poll<()> {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if list.woken.is_empty() {
            list.task = Some(task.clone());
            return Poll::Pending;
        }
        std::mem::swap(&mut list.woken, woken);
        list.task = None;
        Poll::Ready(())
    }

    fn push(&self, key: Key) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.woken.push(key);
        let task = list.task.take();
        drop(list);
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Turn {
    /// One who is called `key` in the list.
    pub(super) fn new(key: Key, turns: &Arc<Turns>) -> Arc<Self> {
        Arc::new(Self {
            key,
            listed: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            turns: Arc::clone(turns),
        })
    }

    /// Its turn begins: who wakes it from now on lists it anew. True if it has
    /// been cut off.
    pub(super) fn begin(&self) -> bool {
        CURRENT.set(self);
        // Reads what its waker wrote, so that the poll sees why it was woken.
        self.listed.swap(false, Ordering::AcqRel);
        self.cut.load(Ordering::Relaxed)
    }

    /// The turn on this thread is over.
    pub(super) fn end() {
        CURRENT.set(ptr::null());
    }

    /// Has it ended when its turn comes.
    pub(super) fn cut(self: &Arc<Self>) {
        self.cut.store(true, Ordering::Relaxed);
        self.wake_by_ref();
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.listed.swap(true, Ordering::AcqRel) {
            self.turns.push(self.key);
        }
    }
}

/// What HTTP/2 wakes a stream by. It also wakes a stream of what that does
/// itself in its turn, which is none the wiser for it.
#[derive(Debug)]
pub(super) struct Told {
    turn: Arc<Turn>,
    waker: Waker,
}

#[derive(Debug)]
struct Bell(Arc<Turn>);

impl Told {
    /// For the stream whose turn this is.
    pub(super) fn new(turn: &Arc<Turn>) -> Self {
        Self {
            turn: Arc::clone(turn),
            waker: Waker::from(Arc::new(Bell(Arc::clone(turn)))),
        }
    }

    /// Has `poll` ask HTTP/2, unless it was asked and has nothing to tell yet.
    pub(super) fn ask<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        if self.turn.asked.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.turn.asked.store(true, Ordering::Relaxed);
        let told = poll(&mut Context::from_waker(&self.waker));
        if told.is_ready() {
            self.turn.asked.store(false, Ordering::Relaxed);
        }
        told
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Self(turn) = &**self;
        turn.asked.store(false, Ordering::Relaxed);
        if CURRENT.get() != Arc::as_ptr(turn) {
            turn.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize};
    use std::thread;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn taken(turns: &Turns, task: &Arc<Task>) -> Option<Vec<Key>> {
        let mut woken = Vec::new();
        let taken = turns.take(&mut woken, &Waker::from(Arc::clone(task)));
        taken.is_ready().then_some(woken)
    }

    #[test]
    fn a_parked_task_is_woken_once_for_all_who_are_each_listed_once() {
        let (turns, task) = (Arc::<Turns>::default(), Arc::<Task>::default());
        let (first, second) = (Turn::new(1, &turns), Turn::new(2, &turns));
        assert_eq!(taken(&turns, &task), None);
        for turn in [&first, &second, &first, &second] {
            turn.wake_by_ref();
        }
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        assert_eq!(taken(&turns, &task), Some(vec![1, 2]));
        first.begin();
        first.wake_by_ref();
        assert_eq!(task.0.load(Ordering::Relaxed), 1, "the task runs");
        assert_eq!(taken(&turns, &task), Some(vec![1]));
    }

    #[test]
    fn who_is_cut_off_learns_it_at_its_turn() {
        let turns = Arc::<Turns>::default();
        let (cut, other) = (Turn::new(1, &turns), Turn::new(2, &turns));
        cut.cut();
        other.wake_by_ref();
        assert_eq!(taken(&turns, &Arc::default()), Some(vec![1, 2]));
        assert!(cut.begin());
        assert!(!other.begin());
    }

    #[test]
    fn what_a_stream_does_itself_does_not_wake_it() {
        let turns = Arc::<Turns>::default();
        let turn = Turn::new(1, &turns);
        let told = Told::new(&turn);
        let mut waker = None;
        let mut ask = || {
            told.ask(|cx| {
                waker = Some(cx.waker().clone());
                Poll::<()>::Pending
            })
        };
        assert!(ask().is_pending());
        turn.begin();
        waker.take().expect("it was asked").wake();
        Turn::end();
        assert_eq!(taken(&turns, &Arc::default()), None);
        let mut ask = || {
            told.ask(|cx| {
                waker = Some(cx.waker().clone());
                Poll::<()>::Pending
            })
        };
        assert!(ask().is_pending());
        waker.take().expect("it is asked anew").wake();
        assert_eq!(taken(&turns, &Arc::default()), Some(vec![1]));
        assert!(told.ask(|_| Poll::Ready(())).is_ready());
        assert!(
            told.ask(|_| Poll::Ready(())).is_ready(),
            "what is told is not out"
        );
    }

    #[test]
    fn no_wake_up_is_lost_among_threads() {
        const WAKERS: usize = 3;
        const TIMES: u64 = 20_000;
        let turns = Arc::<Turns>::default();
        let all: Vec<_> = (0..)
            .map(|key| Turn::new(key, &turns))
            .take(WAKERS)
            .collect();
        let counts: Arc<[AtomicU64; WAKERS]> = Arc::default();
        let threads: Vec<_> = all
            .iter()
            .map(|turn| (Arc::clone(turn), Arc::clone(&counts)))
            .map(|(turn, counts)| {
                thread::spawn(move || {
                    for _ in 0..TIMES {
                        counts[turn.key as usize].fetch_add(1, Ordering::Relaxed);
                        turn.wake_by_ref();
                    }
                })
            })
            .collect();
        let parked = thread::current();
        let waker = Waker::from(Arc::new(Unpark(parked)));
        let (mut seen, mut woken) = ([0; WAKERS], Vec::new());
        let begin = tokio::time::Instant::now();
        while seen != [TIMES; WAKERS] {
            while turns.take(&mut woken, &waker).is_pending() {
                thread::park_timeout(std::time::Duration::from_secs(10));
                assert!(begin.elapsed().as_secs() < 60, "{seen:?}");
            }
            for key in woken.drain(..) {
                let key = key as usize;
                all[key].begin();
                seen[key] = counts[key].load(Ordering::Relaxed);
            }
        }
        for thread in threads {
            thread.join().unwrap();
        }
    }

    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
}
