//! The open streams of the node: how many, which have stalled, and all of
//! them when it drains.

use slab::Slab;
use tokio::time::{Duration, Instant};

use super::super::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};
use super::super::waiting::Wakes;
use super::subscription::{End, Mail, StreamReader};
use crate::model::{Error, Limit};

/// Who carries a stream to its client.
pub trait Carrier: Send + Sync {
    /// Cancels the stream from outside, since a stalled one is not polled.
    fn evict(&self);

    /// Tells, when the stream was dropped, whether it was not its client that
    /// left: its member then has the grace to come back.
    fn broke(&self) -> bool;
}

/// The table of open streams.
#[derive(Debug)]
pub(in crate::hub) struct Streams {
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
    carrier: Option<Arc<dyn Carrier>>,
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
    pub(in crate::hub) fn new(limit: usize) -> Self {
        Self {
            limit,
            evicted: AtomicUsize::new(0),
            table: Mutex::default(),
        }
    }

    /// Takes in a stream and gives it a key.
    pub(in crate::hub) fn open(
        &self,
        reader: &Arc<StreamReader>,
        carrier: Option<Arc<dyn Carrier>>,
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
            carrier,
            progress: 0,
            since: now,
        }))
    }

    /// Whether whoever carries a stream says that it broke.
    pub(in crate::hub) fn broke(&self, key: usize) -> bool {
        let carrier = lock(&self.table).open[key].carrier.clone();
        carrier.is_some_and(|carrier| carrier.broke())
    }

    /// Takes a stream out.
    pub(in crate::hub) fn close(&self, key: usize) {
        let mut table = lock(&self.table);
        let closed = table.open.remove(key);
        if table.open.is_empty() {
            table.open.shrink_to_fit();
        }
        drop(table);
        // Who carried it may ask for more when it goes.
        drop(closed);
    }

    /// Lets no stream in any more and tells each that it should end.
    pub(in crate::hub) fn drain(&self) {
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
            let drain = |mail: &mut Mail| {
                mail.get_or_insert_default().end.get_or_insert(End::Drain);
            };
            wakes.add(reader.post(drain));
        }
        wakes.wake();
    }

    /// Evicts the streams that have had something to take for `timeout` and
    /// took nothing, and returns how many. O(streams).
    pub(in crate::hub) fn evict_stalled(&self, timeout: Duration, now: Instant) -> usize {
        let stalled = lock(&self.table).stalled(timeout, now);
        stalled.iter().flatten().for_each(|carrier| carrier.evict());
        self.evicted.fetch_add(stalled.len(), Ordering::Relaxed);
        stalled.len()
    }

    /// How many were evicted so far.
    pub(in crate::hub) fn evicted(&self) -> usize {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How many are open.
    pub(in crate::hub) fn len(&self) -> usize {
        lock(&self.table).open.len()
    }
}

impl Table {
    fn stalled(&mut self, timeout: Duration, now: Instant) -> Vec<Option<Arc<dyn Carrier>>> {
        let mut stalled = Vec::new();
        for (_, open) in &mut self.open {
            let progress = open.reader.progress();
            if progress != open.progress || open.reader.is_idle() {
                (open.progress, open.since) = (progress, now);
            } else if now.duration_since(open.since) >= timeout {
                open.since = now;
                stalled.push(open.carrier.clone());
            }
        }
        stalled
    }
}
