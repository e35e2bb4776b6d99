//! Who waits, and who has something to read: mark, then number.
//!
//! A channel keeps the places of the readers that have read to its end. A
//! sender, under the channel's lock, marks those of them that may take its
//! event, takes the number and appends, and wakes them when it has let go of
//! the lock. A reader loads the newest number, takes its marks, and reads each
//! marked channel, under its lock, up to the number loaded. So no lower number
//! can still be on its way to it, and the number loaded is what it may promise
//! once all is read.
//!
//! Who does not take an event stays on the list, and nobody tells its reader;
//! a mark brings the number up to which nothing was for it, and past which the
//! event is that it tells of.
//!
//! Guarantee: a place is on a channel's list or with its reader, marked or in
//! line to be read, never both, never neither; a reader that parks has no marks
//! and will be woken by the next. Model-checked in `tests/it/models`.

use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;

use super::sequence::Counter;
use super::sync::{AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// Says that there is something to read in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// No event is left there up to this number.
    pub(crate) passed: u64,
    pub(crate) slot: u32,
}

/// Marks, at most one of a slot; a single one is no allocation.
pub(crate) type Marks = SmallVec<[Mark; 1]>;

/// One who reads from several channels: a stream.
///
/// `M` is what else it may be told, such as that it should end.
#[derive(Debug)]
pub(crate) struct Reader<M> {
    inbox: Mutex<Inbox<M>>,
    /// Twice the polls so far, and one more when the last of them parked.
    progress: AtomicU64,
    gone: AtomicBool,
}

#[derive(Debug)]
struct Inbox<M> {
    marked: Marks,
    mail: M,
    waker: Option<Waker>,
}

/// How a round of reading ended.
#[derive(Debug)]
pub(crate) enum Round<T> {
    /// With something to hand over.
    Yield(T),
    /// With something still to read: another round must follow.
    Left,
    /// With nothing left to read.
    Settled,
}

impl<M: Default> Reader<M> {
    /// Rounds of one poll, after which others get their turn.
    const ROUNDS: usize = 8;

    /// A reader with no marks.
    pub(crate) fn new() -> Self {
        Self {
            inbox: Mutex::new(Inbox {
                marked: Marks::new(),
                mail: M::default(),
                waker: None,
            }),
            progress: AtomicU64::new(0),
            gone: AtomicBool::new(false),
        }
    }

    /// Leaves a mark. The waker, if any, must be woken when no lock is held; so
    /// with [`Reader::post`].
    pub(crate) fn mark(&self, mark: Mark) -> Option<Waker> {
        let mut inbox = lock(&self.inbox);
        inbox.marked.push(mark);
        inbox.waker.take()
    }

    /// Leaves a message, unless the reader has left.
    pub(crate) fn post(&self, write: impl FnOnce(&mut M)) -> Option<Waker> {
        let mut inbox = lock(&self.inbox);
        if self.is_gone() {
            return None;
        }
        write(&mut inbox.mail);
        inbox.waker.take()
    }

    /// Looks at the messages before the next poll does, as the reader itself.
    pub(crate) fn mail<R>(&self, look: impl FnOnce(&mut M) -> R) -> R {
        look(&mut lock(&self.inbox).mail)
    }

    /// Takes the marks before the next poll does.
    pub(crate) fn take_marks(&self) -> Marks {
        std::mem::take(&mut lock(&self.inbox).marked)
    }

    /// Reads in rounds, and parks only when one of them has settled.
    ///
    /// Each round is given the newest number, and the messages; what was marked
    /// before that number was loaded is in `marked` by then, and stays there
    /// until the round takes it.
    pub(crate) fn poll<T>(
        &self,
        counter: &Counter,
        cx: &mut Context<'_>,
        marked: &mut Marks,
        mut round: impl FnMut(u64, &mut Marks, M) -> Round<T>,
    ) -> Poll<T> {
        self.hand_over();
        for _ in 0..Self::ROUNDS {
            let newest = counter.newest();
            let mail = self.collect(cx.waker(), marked);
            match round(newest, marked, mail) {
                Round::Yield(out) => return Poll::Ready(out),
                Round::Left => {}
                Round::Settled => {
                    self.progress.store(self.progress() | 1, Ordering::Relaxed);
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// In one step registers the waker and takes what is there: what comes
    /// later wakes.
    fn collect(&self, waker: &Waker, marked: &mut Marks) -> M {
        let mut inbox = lock(&self.inbox);
        if !inbox
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            inbox.waker = Some(waker.clone());
        }
        if marked.is_empty() {
            std::mem::swap(marked, &mut inbox.marked);
        } else {
            marked.append(&mut inbox.marked);
        }
        std::mem::take(&mut inbox.mail)
    }

    /// Says that something was handed over beside what was polled, or a part of
    /// it: only the next poll shows that it was taken.
    pub(crate) fn hand_over(&self) {
        let polls = (self.progress.load(Ordering::Relaxed) | 1) + 1;
        self.progress.store(polls, Ordering::Relaxed);
    }

    /// A number that stays the same while the reader is not polled.
    pub(crate) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Whether the last poll left nothing to hand over, and nothing came since.
    pub(crate) fn is_idle(&self) -> bool {
        self.progress() & 1 == 1 && lock(&self.inbox).waker.is_some()
    }

    /// Says that it will not read again, and takes the last messages. Who is
    /// not tidied away yet holds nobody's task.
    pub(crate) fn leave(&self) -> M {
        let mut inbox = lock(&self.inbox);
        self.gone.store(true, Ordering::Relaxed);
        let (waker, mail) = (inbox.waker.take(), std::mem::take(&mut inbox.mail));
        drop(inbox);
        drop(waker);
        mail
    }

    /// Whether it will not read again.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}
