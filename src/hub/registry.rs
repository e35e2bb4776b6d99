//! Name to channel: making, finding, and leaving when idle.
//!
//! A name and those who are interested in it share one lock, so that a channel
//! which comes to be finds all who wait for it, and one that leaves does so in
//! one step with a new one of its name. Looking up or probing makes nothing.
//!
//! Guarantee: what a channel let go before it left is not forgotten: the
//! highest such number of the node is where channels made later begin. Knows
//! nothing of what a channel is; model-checked in `tests/it/models`.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use super::sync::{Arc, AtomicU64, AtomicUsize, Ordering, RwLock, read, write};

/// The channels `C` of a node by name `K`, and the interest `I` in names.
#[derive(Debug)]
pub(crate) struct Registry<K, C, I> {
    shards: Box<[RwLock<Shard<K, C, I>>]>,
    hasher: RandomState,
    count: AtomicUsize,
    limit: usize,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Shard<K, C, I> {
    channels: HashMap<K, Arc<C>>,
    /// By name, and by who is interested.
    interest: HashMap<K, HashMap<usize, I>>,
}

/// There are as many channels as there may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<K: Clone + Eq + Hash, C, I> Registry<K, C, I> {
    /// No channels, and at most `limit` of them later.
    pub(crate) fn new(shards: usize, limit: usize) -> Self {
        let shard = || {
            RwLock::new(Shard {
                channels: HashMap::new(),
                interest: HashMap::new(),
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            hasher: RandomState::new(),
            count: AtomicUsize::new(0),
            limit,
            dropped: AtomicU64::new(0),
        }
    }

    /// The channel of this name, if there is one.
    pub(crate) fn get(&self, name: &K) -> Option<Arc<C>> {
        read(self.shard(name)).channels.get(name).cloned()
    }

    /// The channel of this name, made if there is none. `make` is given the
    /// number where it begins and whoever is interested in it; nobody else
    /// sees the channel before it returns.
    pub(crate) fn get_or_make(
        &self,
        name: &K,
        make: impl FnOnce(u64, Vec<&I>) -> Arc<C>,
    ) -> Result<Arc<C>, Full> {
        if let Some(channel) = self.get(name) {
            return Ok(channel);
        }
        let mut shard = write(self.shard(name));
        if let Some(channel) = shard.channels.get(name) {
            return Ok(Arc::clone(channel));
        }
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(Full);
        }
        let interested = shard
            .interest
            .get(name)
            .into_iter()
            .flat_map(HashMap::values);
        let channel = make(self.dropped.load(Ordering::Acquire), interested.collect());
        shard.channels.insert(name.clone(), Arc::clone(&channel));
        Ok(channel)
    }

    /// Notes that `who` is interested in a name, and hands over the channel if
    /// there is one, in one step.
    pub(crate) fn watch(&self, name: &K, who: usize, interest: I, found: impl FnOnce(&Arc<C>)) {
        let mut shard = write(self.shard(name));
        shard
            .interest
            .entry(name.clone())
            .or_default()
            .insert(who, interest);
        if let Some(channel) = shard.channels.get(name) {
            found(channel);
        }
    }

    /// Forgets the interest of `who` in a name.
    pub(crate) fn unwatch(&self, name: &K, who: usize) {
        let mut shard = write(self.shard(name));
        if let Some(interested) = shard.interest.get_mut(name) {
            interested.remove(&who);
            if interested.is_empty() {
                shard.interest.remove(name);
            }
        }
    }

    /// Removes the channel of this name if `close` closes it, which tells the
    /// number of the newest event that it let go.
    pub(crate) fn remove_if(&self, name: &K, close: impl FnOnce(&C) -> Option<u64>) {
        let mut shard = write(self.shard(name));
        if let Some(let_go) = shard.channels.get(name).and_then(|channel| close(channel)) {
            self.dropped.fetch_max(let_go, Ordering::AcqRel);
            self.count.fetch_sub(1, Ordering::Relaxed);
            shard.channels.remove(name);
            if shard.channels.capacity() > 64 + 4 * shard.channels.len() {
                shard.channels.shrink_to_fit();
            }
        }
    }

    /// The names in one of the shards whose channel is `idle`.
    pub(crate) fn find(&self, shard: usize, idle: impl Fn(&Arc<C>) -> bool) -> Vec<K> {
        let shard = read(&self.shards[shard % self.shards.len()]);
        let found = shard.channels.iter().filter(|(_, channel)| idle(channel));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// How many channels there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// In how many names somebody is interested. O(shards).
    pub(crate) fn watched(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| read(shard).interest.len())
            .sum()
    }

    fn shard(&self, name: &K) -> &RwLock<Shard<K, C, I>> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of the hash will do"
        )]
        let hash = self.hasher.hash_one(name) as usize;
        &self.shards[hash % self.shards.len()]
    }
}
