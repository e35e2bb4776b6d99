//! What one stream has been told, frame by frame, and whether it may be so.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::iter::Peekable;
use std::vec::IntoIter;

use fanfare::rpc::client::GapReason;

use super::record::{Frame, Gap, Place, Reader, Sent, Stream};
use super::verify::Facts;

/// What a stream has been told so far.
pub(super) struct Told<'a> {
    reader: &'a Reader,
    stream: &'a Stream,
    facts: &'a Facts<'a>,
    epoch: &'a str,
    /// The number of the newest event or change, or the newest position.
    passed: u64,
    /// What it wants and has not been told of, the next first.
    due: Peekable<IntoIter<&'a Sent>>,
    got: HashSet<u64>,
    gaps: Vec<&'a Gap>,
    /// What was told to be lost with another epoch, before a position in it.
    anew: BTreeSet<&'a str>,
}

impl<'a> Told<'a> {
    pub(super) fn new(reader: &'a Reader, stream: &'a Stream, facts: &'a Facts<'a>) -> Self {
        let mut told = Self {
            reader,
            stream,
            facts,
            epoch: &stream.start.epoch,
            passed: stream.start.sequence,
            due: Vec::new().into_iter().peekable(),
            got: HashSet::new(),
            gaps: Vec::new(),
            anew: BTreeSet::new(),
        };
        told.due = told.wanted();
        told
    }

    /// What a client comes back with.
    pub(super) fn kept(&self) -> Place {
        Place {
            epoch: self.epoch.to_owned(),
            sequence: self.passed,
        }
    }

    /// Takes a frame, and says what is wrong with it.
    pub(super) fn hear(&mut self, frame: &'a Frame) -> Vec<String> {
        let elsewhere = !self.anew.is_empty();
        match frame {
            Frame::Event(event) => {
                let number = event.at.sequence;
                let mut wrong: Vec<_> = self.judge_event(event).into_iter().collect();
                if elsewhere {
                    wrong.push(format!("{number} came before a position of its epoch"));
                }
                if self.gaps.iter().any(|gap| names(gap, event)) {
                    wrong.push(format!("{number} came after a gap over it"));
                }
                self.got.insert(number);
                wrong.extend(self.rise(number));
                wrong
            }
            Frame::Presence { sequence, .. } => self.rise(*sequence),
            Frame::Gap(gap) => self.lose(gap).into_iter().collect(),
            Frame::Position(place) if place.epoch != self.epoch => self.enter(place),
            Frame::Position(_) if elsewhere => vec!["a position of an epoch that is gone".into()],
            Frame::Position(place) if place.sequence < self.passed => {
                let (place, passed) = (place.sequence, self.passed);
                vec![format!("position {place} came after {passed}")]
            }
            Frame::Position(place) => self.pass(place.sequence),
            Frame::Members { .. } => Vec::new(),
        }
    }

    fn lose(&mut self, gap: &'a Gap) -> Option<String> {
        let is_new = gap.reason == GapReason::EpochChanged;
        self.gaps.push(gap);
        if is_new {
            self.anew.insert(&gap.channel);
        }
        if is_new == (gap.epoch == self.epoch) || (is_new && gap.after != 0) {
            return Some(format!("{gap:?} in epoch {}", self.epoch));
        }
        None
    }

    /// Another epoch begins, in which everything is due.
    fn enter(&mut self, place: &'a Place) -> Vec<String> {
        let mut wrong = Vec::new();
        let told = std::mem::take(&mut self.anew);
        if told != self.reader.choice.texts() {
            wrong.push(format!("of another epoch only {told:?} were told"));
        }
        (self.epoch, self.passed) = (&place.epoch, 0);
        self.got.clear();
        self.due = self.wanted();
        wrong.extend(self.pass(place.sequence));
        wrong
    }

    /// What it is to get of the epoch that it is in, after where it is.
    fn wanted(&self) -> Peekable<IntoIter<&'a Sent>> {
        let epoch = self.facts.get(self.epoch);
        let later = epoch
            .into_iter()
            .flat_map(|epoch| epoch.range(self.passed + 1..));
        let events = later.map(|(_, sent)| *sent);
        let wanted = events.filter(|sent| self.wants(sent) == Some(true));
        wanted.collect::<Vec<_>>().into_iter().peekable()
    }

    fn wants(&self, sent: &Sent) -> Option<bool> {
        self.reader.choice.wants(sent, &self.stream.member)
    }

    fn rise(&mut self, number: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        if number <= self.passed {
            wrong.push(format!("{number} came after {}", self.passed));
        }
        wrong.extend(self.pass(number));
        wrong
    }

    /// Everything up to `number` has come, or a gap has told that it will not.
    fn pass(&mut self, number: u64) -> Vec<String> {
        self.passed = self.passed.max(number);
        let mut wrong = Vec::new();
        while let Some(event) = self.due.next_if(|event| event.at.sequence <= number) {
            let (at, channel) = (event.at.sequence, &event.channel);
            if !self.got.contains(&at) && !self.is_in_gap(event) {
                wrong.push(format!("{at} was lost in {channel:?} at {number}"));
            }
        }
        wrong
    }

    /// Whether a gap of its channel, or of the pattern that brings it, is over
    /// an event.
    fn is_in_gap(&self, event: &Sent) -> bool {
        let deciding = self.reader.choice.deciding(&event.channel);
        let text = deciding.map_or("", |(text, _)| text);
        let covers = |gap: &&Gap| names(gap, event) || (gap.channel == text && spans(gap, event));
        self.gaps.iter().copied().any(|gap| covers(&gap))
    }

    fn judge_event(&self, event: &Sent) -> Option<String> {
        let number = event.at.sequence;
        let facts: Option<&BTreeMap<_, _>> = self.facts.get(self.epoch);
        match facts.and_then(|facts| facts.get(&number)) {
            None => Some(format!("{number} was never sent")),
            Some(sent) if !sent.same(event) => Some(format!("{number} is not what was sent")),
            Some(sent) if self.wants(sent) != Some(true) => {
                Some(format!("{number} was not asked for"))
            }
            Some(_) => None,
        }
    }

    /// Gaps where nothing is missing. Of a position that is too old only the
    /// numbers are judged: the node remembers how far channels that have left
    /// it had come, and not which.
    pub(super) fn false_gaps(&self) -> Vec<String> {
        let is_false = |gap: &&&Gap| {
            let facts = self.facts.get(gap.epoch.as_str());
            let lost = |sent: &&Sent| match gap.reason {
                GapReason::Overflow => {
                    sent.channel == gap.channel && !self.got.contains(&sent.at.sequence)
                }
                _ => true,
            };
            let within = |facts: &BTreeMap<u64, &Sent>| {
                let mut range = facts.range(gap.after + 1..=gap.through.max(gap.after + 1));
                range.any(|(number, sent)| *number <= gap.through && lost(sent))
            };
            gap.reason != GapReason::EpochChanged && !facts.is_some_and(within)
        };
        let false_gaps = self.gaps.iter().filter(is_false);
        false_gaps
            .map(|gap| format!("{gap:?}, and nothing was lost"))
            .collect()
    }
}

/// Whether a gap speaks of this very event.
fn names(gap: &Gap, event: &Sent) -> bool {
    gap.channel == event.channel && spans(gap, event)
}

fn spans(gap: &Gap, event: &Sent) -> bool {
    let numbers = gap.after + 1..=gap.through;
    gap.epoch == event.at.epoch && numbers.contains(&event.at.sequence)
}
