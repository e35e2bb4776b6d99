//! The open streams of the node: how many, which have stalled, and all of
//! them when it drains.

use slab::Slab;
use tokio::time::{Duration, Instant};

use super::ready::Wakes;
use super::subscription::{End, StreamReader};
use super::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};
use crate::model::{Error, Limit};

/// Cancels a stream from outside, since a stalled one is not polled.
pub type Evict = Arc<dyn Fn() + Send + Sync>;

/// The table of open streams.
#[derive(Debug)]
pub(super) struct Streams {
    limit: usize,
    evicted: AtomicUsize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: Slab<Open>,
    draining: bool,
}

struct Open {
    reader: Arc<StreamReader>,
    evict: Option<Evict>,
    progress: u64,
    since: Instant,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Streams {
    /// No streams, and at most `limit` of them later.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            evicted: AtomicUsize::new(0),
            table: Mutex::default(),
        }
    }

    /// Takes in a stream and gives it a key.
    pub(super) fn open(
        &self,
        reader: &Arc<StreamReader>,
        evict: Option<Evict>,
        now: Instant,
    ) -> Result<usize, Error> {
        let mut table = lock(&self.table);
        if table.draining {
            return Err(Error::Draining);
        }
        if table.open.len() >= self.limit {
            return Err(Error::LimitReached {
                what: Limit::Streams,
                limit: self.limit,
            });
        }
        Ok(table.open.insert(Open {
            reader: Arc::clone(reader),
            evict,
            progress: 0,
            since: now,
        }))
    }

    /// Takes a stream out.
    pub(super) fn close(&self, key: usize) {
        let mut table = lock(&self.table);
        table.open.remove(key);
        if table.open.is_empty() {
            table.open.shrink_to_fit();
        }
    }

    /// Lets no stream in any more and tells each that it should end.
    pub(super) fn drain(&self) {
        let mut table = lock(&self.table);
        table.draining = true;
        let readers: Vec<_> = table
            .open
            .iter()
            .map(|(_, open)| Arc::clone(&open.reader))
            .collect();
        drop(table);
        let mut wakes = Wakes::default();
        for reader in readers {
            wakes.add(reader.post(|mail| mail.end = Some(End::Drain)));
        }
        wakes.wake();
    }

    /// Evicts the streams that have had something to take for `timeout` and
    /// took nothing, and returns how many. O(streams).
    pub(super) fn evict_stalled(&self, timeout: Duration, now: Instant) -> usize {
        let stalled = lock(&self.table).stalled(timeout, now);
        stalled.iter().flatten().for_each(|evict| evict());
        self.evicted.fetch_add(stalled.len(), Ordering::Relaxed);
        stalled.len()
    }

    /// How many were evicted so far.
    pub(super) fn evicted(&self) -> usize {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        lock(&self.table).open.len()
    }
}

impl Table {
    fn stalled(&mut self, timeout: Duration, now: Instant) -> Vec<Option<Evict>> {
        let mut stalled = Vec::new();
        for (_, open) in &mut self.open {
            let progress = open.reader.progress();
            if progress != open.progress || open.reader.is_idle() {
                (open.progress, open.since) = (progress, now);
            } else if now.duration_since(open.since) >= timeout {
                open.since = now;
                stalled.push(open.evict.clone());
            }
        }
        stalled
    }
}
