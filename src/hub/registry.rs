//! Name to channel: making, finding, and leaving when idle.
//!
//! Whoever sends finds a channel in one of many shards by its hash. Beside
//! them stands one directory: the names in order, and who is interested in
//! which. A channel comes and goes under both locks, its shard's and then the
//! directory's, so that one which comes to be finds all who wait for it, and
//! one that leaves does so in one step with a new one of its name. Looking up
//! or probing makes nothing.
//!
//! Guarantee: what a channel let go before it left is not forgotten: the
//! highest such number of the node is where channels made later begin. Knows
//! nothing of what a channel is; model-checked in `tests/it/models`.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, RandomState};
use std::ops::Bound;

use super::interest::Interest;
use super::let_go::LetGo;
use super::sync::{Arc, RwLock, read, write};

type Shard<K, C> = RwLock<HashMap<K, Arc<C>>>;

/// The channels `C` of a node by name `K`, and the interest `I` in names.
#[derive(Debug)]
pub(crate) struct Registry<K, C, I> {
    shards: Box<[Shard<K, C>]>,
    directory: RwLock<Directory<K, C, I>>,
    hasher: RandomState,
    limit: usize,
}

#[derive(Debug)]
struct Directory<K, C, I> {
    channels: BTreeMap<K, Arc<C>>,
    interest: Interest<I>,
    dropped: LetGo,
}

/// There are as many channels as there may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<K: Borrow<str> + Clone + Hash + Ord, C, I> Registry<K, C, I> {
    /// No channels, and at most `limit` of them later.
    pub(crate) fn new(shards: usize, limit: usize) -> Self {
        let shard = || RwLock::new(HashMap::new());
        Self {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            directory: RwLock::new(Directory {
                channels: BTreeMap::new(),
                interest: Interest::new(),
                dropped: LetGo::default(),
            }),
            hasher: RandomState::new(),
            limit,
        }
    }

    /// The channel of this name, if there is one.
    pub(crate) fn get(&self, name: &K) -> Option<Arc<C>> {
        read(self.shard(name)).get::<K>(name).cloned()
    }

    /// The channel of this name, made if there is none. `make` is given what
    /// is gone where it begins, and whoever is interested in it; nobody else
    /// sees the channel before it returns.
    pub(crate) fn get_or_make(
        &self,
        name: &K,
        make: impl FnOnce(LetGo, Vec<(usize, &I)>) -> Arc<C>,
    ) -> Result<Arc<C>, Full> {
        if let Some(channel) = self.get(name) {
            return Ok(channel);
        }
        let mut shard = write(self.shard(name));
        if let Some(channel) = shard.get::<K>(name) {
            return Ok(Arc::clone(channel));
        }
        let directory = &mut *write(&self.directory);
        if directory.channels.len() >= self.limit {
            return Err(Full);
        }
        let interested = directory.interest.matching(name.borrow());
        let channel = make(directory.dropped, interested);
        shard.insert(name.clone(), Arc::clone(&channel));
        directory
            .channels
            .insert(name.clone(), Arc::clone(&channel));
        Ok(channel)
    }

    /// Notes that `who` is interested in a name or in all that match a pattern:
    /// in the channels that are made from now on. Look for the others then.
    pub(crate) fn watch(&self, text: &str, who: usize, interest: I) {
        write(&self.directory).interest.insert(text, who, interest);
    }

    /// Forgets the interest of `who` in a text.
    pub(crate) fn unwatch(&self, text: &str, who: usize) {
        write(&self.directory).interest.remove(text, who);
    }

    /// Removes the channel of this name if `close` closes it, which tells what
    /// it let go.
    pub(crate) fn remove_if(&self, name: &K, close: impl FnOnce(&C) -> Option<LetGo>) {
        let mut shard = write(self.shard(name));
        let Some(channel) = shard.get::<K>(name) else {
            return;
        };
        let directory = &mut *write(&self.directory);
        if let Some(let_go) = close(channel) {
            directory.dropped = directory.dropped.and(let_go);
            directory.channels.remove::<K>(name);
            shard.remove::<K>(name);
            if shard.capacity() > 64 + 4 * shard.len() {
                shard.shrink_to_fit();
            }
        }
    }

    /// What is gone of the channels that have left.
    pub(crate) fn dropped(&self) -> LetGo {
        read(&self.directory).dropped
    }

    /// The names in one of the shards whose channel is `idle`.
    pub(crate) fn find(&self, shard: usize, idle: impl Fn(&Arc<C>) -> bool) -> Vec<K> {
        let shard = read(&self.shards[shard % self.shards.len()]);
        let found = shard.iter().filter(|(_, channel)| idle(channel));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// Visits channels in the order of their names: of those that begin with
    /// `prefix` and come after `after`, up to `most`, and none after one for
    /// which `visit` is false. Gives the last one visited if there are more.
    pub(crate) fn visit(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
        mut visit: impl FnMut(&K, &Arc<C>) -> bool,
    ) -> Option<K> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let directory = read(&self.directory);
        let mut channels = directory
            .channels
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(name, _)| (*name).borrow().starts_with(prefix))
            .peekable();
        let (mut visited, mut goes_on) = (0, most > 0);
        let mut last = None;
        while goes_on && let Some((name, channel)) = channels.next() {
            visited += 1;
            goes_on = visit(name, channel) && visited < most;
            last = Some(name);
        }
        channels.peek().and(last).cloned()
    }

    /// How many channels there are.
    pub(crate) fn len(&self) -> usize {
        read(&self.directory).channels.len()
    }

    /// In how many names and patterns somebody is interested.
    pub(crate) fn watched(&self) -> usize {
        read(&self.directory).interest.texts()
    }

    fn shard(&self, name: &K) -> &Shard<K, C> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of the hash will do"
        )]
        let hash = self.hasher.hash_one(name) as usize;
        &self.shards[hash % self.shards.len()]
    }
}
