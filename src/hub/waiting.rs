//! A channel's list of the readers that wait at its end, and who of them is
//! to be woken. How it and [`Reader`] play together is told in `ready.rs`.

use std::task::Waker;

use super::ready::{Mark, Reader};
use super::sequence::Counter;
use super::sync::Arc;

/// The places in a channel whose readers have read to its end, or have nothing
/// to take of what is left.
#[derive(Debug)]
pub(crate) struct Waiting<M> {
    places: Vec<Waits<M>>,
    gone: usize,
}

#[derive(Debug)]
struct Waits<M> {
    reader: Arc<Reader<M>>,
    slot: u32,
    takes: Kinds,
}

/// Kinds of events, a bit for each; two kinds may share one. As small as the
/// place in a list that has room for it anyway.
pub(crate) type Kinds = u32;

pub(crate) const ALL: Kinds = Kinds::MAX;

impl<M: Default> Waiting<M> {
    /// Nobody.
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            gone: 0,
        }
    }

    /// Takes in a place that is not on the list, under the channel's lock, when
    /// nothing is left to read there. It `takes` events of some kinds.
    pub(crate) fn wait(&mut self, reader: &Arc<Reader<M>>, slot: u32, takes: Kinds) {
        self.places.push(Waits {
            reader: Arc::clone(reader),
            slot,
            takes,
        });
    }

    /// Marks who takes an event of this `kind`, and then takes its number, under
    /// the channel's lock.
    pub(crate) fn number(
        &mut self,
        counter: &Counter,
        kind: impl FnOnce() -> Kinds,
        wakes: &mut Wakes,
    ) -> u64 {
        if !self.places.is_empty() {
            self.mark(counter, kind(), wakes);
        }
        counter.take()
    }

    /// Marks who takes any of these `kinds`, under the channel's lock. O(places).
    pub(crate) fn mark(&mut self, counter: &Counter, kinds: Kinds, wakes: &mut Wakes) {
        let passed = counter.newest();
        self.places.retain(
            |Waits {
                 reader,
                 slot,
                 takes,
             }| {
                let stays = takes & kinds == 0;
                if !stays {
                    wakes.add(reader.mark(Mark {
                        slot: *slot,
                        passed,
                    }));
                }
                stays
            },
        );
        if self.places.is_empty() {
            self.gone = 0;
        }
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
            self.places.retain(|place| !place.reader.is_gone());
            self.gone = 0;
        }
    }

    /// Takes a place off the list, if it is there. O(places).
    pub(crate) fn withdraw(&mut self, reader: &Arc<Reader<M>>, slot: u32) -> bool {
        let is_it = |it: &Waits<M>| it.slot == slot && Arc::ptr_eq(&it.reader, reader);
        let found = self.places.iter().rposition(is_it);
        found.map(|at| self.places.swap_remove(at)).is_some()
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
    #[inline]
    pub(crate) fn wake(self) {
        // Where nobody listens, this is all.
        if !self.0.is_empty() {
            self.0.into_iter().for_each(Waker::wake);
        }
    }
}
