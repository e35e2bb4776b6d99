//! The naive list: whole frames, from which each read chooses anew.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::super::super::let_go::LetGo;
use super::super::super::stream::select::Filter;
use super::super::{Frame, Retention, SEGMENT};
use crate::model::EventName;

pub(super) const NAMES: [&str; 3] = ["", "message", "typing"];
pub(super) const SENDERS: [&str; 3] = ["", "me", "somebody-else"];

/// Bytes before the number, as a prefix has on the wire.
const PREFIX: usize = 5;

/// A frame of `size` bytes, or as many as it needs, with bytes of its own.
pub(super) fn frame(size: usize, name: &str, sender: &str) -> Frame {
    let mut bytes = vec![0xfa; PREFIX + 8];
    let name_at = bytes.len()..bytes.len() + name.len();
    bytes.extend_from_slice(name.as_bytes());
    let sender_at = bytes.len()..bytes.len() + sender.len();
    bytes.extend_from_slice(sender.as_bytes());
    while bytes.len() < size {
        bytes.push(u8::try_from(bytes.len() * 7 % 251).unwrap());
    }
    Frame {
        bytes,
        number_at: PREFIX,
        name: name_at,
        sender: sender_at,
        published: 0,
    }
}

/// The same, published so many nanoseconds after 1970.
pub(super) fn published(frame: Frame, nanos: u64) -> Frame {
    Frame {
        published: nanos,
        ..frame
    }
}

/// What a reader takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) names: &'static [&'static str],
    pub(super) own: &'static str,
    pub(super) echo: bool,
}

impl Choice {
    pub(super) const ALL: Self = Self {
        names: &[],
        own: "me",
        echo: true,
    };

    pub(super) fn of(reader: usize) -> Self {
        let (names, echo): (&[&str], _) = match reader {
            0 | 1 => (&[], true),
            2 => (&["typing", "message"], true),
            3 => (&[], false),
            _ => (&["message"], false),
        };
        Self {
            names,
            echo,
            ..Self::ALL
        }
    }

    pub(super) fn filter(&self) -> Filter {
        let names = self.names.iter();
        let names = names.map(|name| EventName::new((*name).to_owned()).unwrap());
        let filter = Filter::named(names.collect());
        if self.echo {
            filter.with_echo()
        } else {
            filter
        }
    }

    fn takes(&self, kept: &Kept) -> bool {
        let named = self.names.is_empty() || self.names.contains(&kept.name.as_str());
        named && (self.echo || kept.sender != self.own)
    }
}

struct Kept {
    number: u64,
    at: Instant,
    published: u64,
    bytes: Vec<u8>,
    name: String,
    sender: String,
}

/// The list.
pub(super) struct Naive {
    retention: Retention,
    kept: VecDeque<Kept>,
    pub(super) let_go: LetGo,
}

impl Naive {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            kept: VecDeque::new(),
            let_go: LetGo::default(),
        }
    }

    pub(super) fn append(&mut self, frame: &Frame, number: u64, at: Instant) {
        let text = |range: &std::ops::Range<usize>| {
            String::from_utf8(frame.bytes[range.clone()].to_vec()).unwrap()
        };
        let mut bytes = frame.bytes.clone();
        bytes[PREFIX..PREFIX + 8].copy_from_slice(&number.to_le_bytes());
        self.kept.push_back(Kept {
            number,
            at,
            published: frame.published,
            bytes,
            name: text(&frame.name),
            sender: text(&frame.sender),
        });
        self.trim(1, at);
    }

    /// Lets go what is over the bounds, but for the newest `keep`.
    pub(super) fn trim(&mut self, keep: usize, now: Instant) {
        while self.kept.len() > keep
            && (self.kept.len() > self.retention.events
                || self.bytes() > self.retention.bytes
                || now - self.kept[0].at >= self.retention.age)
        {
            self.pop();
        }
    }

    /// Lets go what is before `first`: some of it, and a segment at most.
    pub(super) fn let_go_before(&mut self, first: Option<u64>) {
        let (before, frames) = (self.bytes(), self.kept.len());
        while self
            .kept
            .front()
            .is_some_and(|kept| Some(kept.number) != first)
        {
            self.pop();
        }
        let gone = frames - self.kept.len();
        assert!(gone >= frames.min(1), "something went");
        assert!(gone <= 1 || before - self.bytes() <= SEGMENT);
    }

    fn pop(&mut self) {
        let gone = self.kept.pop_front().unwrap();
        self.let_go.number = gone.number;
        self.let_go.published = self.let_go.published.max(gone.published);
    }

    /// The number of the first that was published then or later.
    pub(super) fn since(&self, time: u64) -> Option<u64> {
        let mut kept = self.kept.iter();
        let first = kept.find(|kept| kept.published >= time);
        first.map(|kept| kept.number)
    }

    /// The number before the newest `count` up to `from` that are taken.
    pub(super) fn rewind(&self, from: u64, count: usize, choice: &Choice) -> u64 {
        let upto = self.kept.iter().rev().filter(|kept| kept.number <= from);
        let taken = upto.filter(|kept| choice.takes(kept)).take(count);
        taken.last().map_or(from, |kept| kept.number - 1)
    }

    /// The frames between two numbers, from either end.
    pub(super) fn between(
        &self,
        (after, before): (u64, u64),
        descending: bool,
    ) -> Vec<(u64, Vec<u8>)> {
        let within = |kept: &&Kept| after < kept.number && kept.number < before;
        let kept = self.kept.iter().filter(within);
        let mut frames: Vec<_> = kept.map(|kept| (kept.number, kept.bytes.clone())).collect();
        if descending {
            frames.reverse();
        }
        frames
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.kept.iter().map(|kept| kept.number)
    }

    pub(super) fn senders(&self) -> usize {
        let kept = self.kept.iter();
        kept.filter(|kept| !kept.sender.is_empty()).count()
    }

    pub(super) fn bytes(&self) -> usize {
        self.kept.iter().map(|kept| kept.bytes.len()).sum()
    }

    /// Checks one read after `after` up to `upto` that told `cursor`.
    pub(super) fn check_read(
        &self,
        after: u64,
        upto: u64,
        choice: &Choice,
        cursor: u64,
        bytes: Option<&[u8]>,
    ) {
        assert!(cursor >= after, "a cursor never goes back");
        assert!(cursor <= upto.max(after));
        let from = self.kept.iter().filter(|kept| kept.number > after);
        let range: Vec<_> = from.filter(|kept| kept.number <= upto).collect();
        let mut given = Vec::new();
        let mut frames = 0;
        for kept in range
            .iter()
            .filter(|k| k.number <= cursor && choice.takes(k))
        {
            given.extend_from_slice(&kept.bytes);
            frames += 1;
        }
        assert!(bytes.unwrap_or_default() == given, "exactly what is due");
        assert_eq!(bytes.is_some(), frames > 0, "a chunk is never empty");
        assert!(frames <= 1 || given.len() <= SEGMENT);
        let next = range.iter().find(|k| k.number > cursor && choice.takes(k));
        if cursor < upto && after < upto {
            let next = next.expect("what stops a read is a frame that it takes");
            let fits = given.len() + next.bytes.len() <= SEGMENT && given.len() < 4 << 10;
            assert!(frames > 0 && !fits, "there was no room for the next");
        } else {
            assert!(next.is_none());
        }
    }
}
