//! The patterns by which a stream listens, in the order in which they came.

use std::collections::BTreeMap;

use super::slot::Listening;
use crate::model::Pattern;

/// Patterns by rank: the lowest of those that match decides. Most streams have
/// none, which takes no room.
#[derive(Debug, Default)]
pub(super) struct Patterns(Option<Box<Ranked>>);

#[derive(Debug, Default)]
struct Ranked {
    all: BTreeMap<u64, Listening>,
    /// How many ranks were given, of which 0 is that of a name.
    ranks: u64,
}

impl Patterns {
    /// Takes in a pattern, and gives its rank.
    pub(super) fn add(&mut self, listening: Listening) -> u64 {
        let ranked = self.0.get_or_insert_default();
        ranked.ranks += 1;
        ranked.all.insert(ranked.ranks, listening);
        ranked.ranks
    }

    /// Lets go of a pattern, of which this was the rank.
    pub(super) fn remove(&mut self, pattern: &Pattern) -> Option<u64> {
        let all = &mut self.0.as_mut()?.all;
        let found = all.iter().find(|(_, known)| known.pattern == *pattern);
        let rank = *found?.0;
        all.remove(&rank).map(|_| rank)
    }

    /// The pattern of this rank, if there still is one.
    pub(super) fn get(&self, rank: u64) -> Option<&Listening> {
        self.0.as_ref()?.all.get(&rank)
    }

    /// All of them with their ranks, in that order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Listening)> {
        let all = self.0.iter().flat_map(|ranked| &ranked.all);
        all.map(|(rank, listening)| (*rank, listening))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |ranked| ranked.all.len())
    }
}
