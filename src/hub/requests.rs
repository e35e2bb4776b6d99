//! The request ids that the node remembers, so that a repeat is known.
//!
//! One table of fixed-size entries for the whole node, bounded by number and
//! age; what is forgotten first is the oldest. It is asked and written under
//! the lock of the channel that the id is for, so that of two equal requests
//! one is first.

use std::collections::{HashMap, VecDeque};

use tokio::time::{Duration, Instant};

use super::Receipt;
use super::sync::{Mutex, lock};
use crate::model::RequestKey;

/// What the table knows of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing.
    New,
    /// It was sent, and this was the answer.
    Repeat(Receipt),
    /// Its id was used for other content.
    Reused,
}

/// The table.
#[derive(Debug)]
pub(super) struct Requests {
    limit: usize,
    age: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<u128, Entry>,
    order: VecDeque<(Instant, u128)>,
}

#[derive(Debug)]
struct Entry {
    content: u128,
    answer: Receipt,
    at: Instant,
}

impl Requests {
    /// An empty table of at most `limit` ids, each for at most `age`.
    pub(super) fn new(limit: usize, age: Duration) -> Self {
        Self {
            limit,
            age,
            table: Mutex::default(),
        }
    }

    /// What is known of `request`.
    pub(super) fn ask(&self, request: RequestKey, now: Instant) -> Known {
        match lock(&self.table).entries.get(&request.id) {
            Some(entry) if now.duration_since(entry.at) >= self.age => Known::New,
            Some(entry) if entry.content != request.content => Known::Reused,
            Some(entry) => Known::Repeat(entry.answer),
            None => Known::New,
        }
    }

    /// Remembers the first answer to `request`.
    pub(super) fn remember(&self, request: RequestKey, answer: Receipt, now: Instant) {
        let mut table = lock(&self.table);
        let entry = Entry {
            content: request.content,
            answer,
            at: now,
        };
        table.entries.insert(request.id, entry);
        table.order.push_back((now, request.id));
        while table.order.len() > self.limit {
            table.forget_oldest();
        }
    }

    /// Forgets what is too old.
    pub(super) fn expire(&self, now: Instant) {
        let mut table = lock(&self.table);
        while table
            .order
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= self.age)
        {
            table.forget_oldest();
        }
        if table.order.is_empty() {
            *table = Table::default();
        }
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        lock(&self.table).entries.len()
    }
}

impl Table {
    fn forget_oldest(&mut self) {
        let Some((at, id)) = self.order.pop_front() else {
            return;
        };
        // An id that was used again after its time stands further back too.
        if self.entries.get(&id).is_some_and(|entry| entry.at == at) {
            self.entries.remove(&id);
        }
    }
}
