//! Who waits, and who has something to read: mark, then number.
//!
//! A channel keeps the places of the readers that have read to its end. A
//! sender, under the channel's lock, marks exactly those, takes the number and
//! appends, and wakes them when it has let go of the lock. A reader loads the
//! newest number, takes its marks, and reads each marked channel, under its
//! lock, up to the number loaded. So no lower number can still be on its way
//! to it, and the number loaded is what it may promise once all is read.
//!
//! Guarantee: a place is on a channel's list or with its reader, marked or in
//! line to be read, never both, never neither; a reader that parks has no marks and will be woken by the next.
//! Model-checked in `tests/it/models`. Knows nothing of logs or of streams.

use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;

use super::sequence::Counter;
use super::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// The slots that have something to read; mostly one, which is no allocation.
pub(crate) type Marks = SmallVec<[u32; 4]>;

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

    /// Says that there is something to read in `slot`. The waker, if it was
    /// there, must be woken when no lock is held; so with [`Reader::post`].
    pub(crate) fn mark(&self, slot: u32) -> Option<Waker> {
        let mut inbox = lock(&self.inbox);
        inbox.marked.push(slot);
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
    pub(crate) fn take_marks(&self, marked: &mut Marks) {
        marked.append(&mut lock(&self.inbox).marked);
    }

    /// Reads in rounds, and parks only when one of them has settled.
    ///
    /// Each round is given the newest number; what was marked before that was
    /// loaded is in `marked` by then, and stays there until the round takes it.
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

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// The places in a channel whose readers have read to its end.
#[derive(Debug)]
pub(crate) struct Waiting<M> {
    places: Vec<(Arc<Reader<M>>, u32)>,
    gone: usize,
}

impl<M: Default> Waiting<M> {
    /// Nobody.
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            gone: 0,
        }
    }

    /// Takes in a place that is not on the list, under the channel's lock and
    /// only when nothing is left to read there.
    pub(crate) fn wait(&mut self, reader: &Arc<Reader<M>>, slot: u32) {
        self.places.push((Arc::clone(reader), slot));
    }

    /// Marks everyone and then takes the number, under the channel's lock.
    pub(crate) fn number(&mut self, counter: &Counter, wakes: &mut Wakes) -> u64 {
        self.mark(wakes);
        counter.take()
    }

    /// Marks everyone, under the channel's lock.
    pub(crate) fn mark(&mut self, wakes: &mut Wakes) {
        self.gone = 0;
        if self.places.is_empty() {
            return;
        }
        wakes.0.reserve(self.places.len());
        let marked = self
            .places
            .drain(..)
            .filter_map(|(reader, slot)| reader.mark(slot));
        wakes.0.extend(marked);
    }

    /// Makes room after a reader has left, of which `attached` remain.
    pub(crate) fn forget(&mut self, attached: usize) {
        self.gone += 1;
        self.tidy(attached);
    }

    /// Makes room when only so many remain `attached`: the list never holds
    /// more of the gone than of those who stay.
    pub(crate) fn tidy(&mut self, attached: usize) {
        if self.gone > attached {
            self.places.retain(|(reader, _)| !reader.is_gone());
            self.gone = 0;
        }
    }

    /// Takes a place off the list, if it is there. O(places).
    pub(crate) fn withdraw(&mut self, reader: &Arc<Reader<M>>, slot: u32) -> bool {
        let is_it = |(other, at): &(_, u32)| *at == slot && Arc::ptr_eq(other, reader);
        let found = self.places.iter().rposition(is_it);
        found
            .inspect(|at| _ = self.places.swap_remove(*at))
            .is_some()
    }

    /// Places on the list.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }
}

/// Who must be woken once no lock is held.
#[derive(Debug, Default)]
#[must_use = "readers sleep until they are woken"]
pub(crate) struct Wakes(Vec<Waker>);

impl Wakes {
    /// Adds one, if there is one.
    pub(crate) fn add(&mut self, waker: Option<Waker>) {
        self.0.extend(waker);
    }

    /// Wakes them.
    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}
