//! How many of a channel's subscribers take events of which name.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::super::stream::select::Filter;

/// How many would get an event of which name.
#[derive(Debug, Default)]
pub(super) struct Audience {
    all: usize,
    filtered: usize,
    by_name: HashMap<Listed, u32>,
}

/// A name in some subscriber's filter, which all its channels share.
#[derive(Debug)]
struct Listed {
    filter: Filter,
    at: usize,
}

impl Borrow<str> for Listed {
    fn borrow(&self) -> &str {
        self.filter.names()[self.at].as_str()
    }
}

impl Hash for Listed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<str>::borrow(self).hash(state);
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        Borrow::<str>::borrow(self) == Borrow::<str>::borrow(other)
    }
}

impl Eq for Listed {}

impl Audience {
    /// Counts one subscriber in.
    pub(super) fn add(&mut self, filter: &Filter) {
        if filter.names().is_empty() {
            self.all += 1;
            return;
        }
        self.filtered += 1;
        for at in 0..filter.names().len() {
            let filter = filter.clone();
            *self.by_name.entry(Listed { filter, at }).or_default() += 1;
        }
    }

    /// Counts one subscriber out.
    pub(super) fn remove(&mut self, filter: &Filter) {
        if filter.names().is_empty() {
            self.all -= 1;
            return;
        }
        self.filtered -= 1;
        for name in filter.names() {
            if let Some(count) = self.by_name.get_mut(name.as_str()) {
                *count -= 1;
                if *count == 0 {
                    self.by_name.remove(name.as_str());
                }
            }
        }
    }

    /// How many there are.
    pub(super) fn total(&self) -> usize {
        self.all + self.filtered
    }

    /// How many take an event of this name.
    pub(super) fn count(&self, name: &[u8]) -> u32 {
        let filtered = if self.filtered == 0 {
            None
        } else {
            std::str::from_utf8(name).ok()
        };
        let filtered = filtered
            .and_then(|name| self.by_name.get(name))
            .copied()
            .unwrap_or(0);
        u32::try_from(self.all)
            .unwrap_or(u32::MAX)
            .saturating_add(filtered)
    }
}
