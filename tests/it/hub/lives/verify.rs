//! The rules by which a stream is judged: order, each once, nothing lost
//! without a word, no gap without a loss, no seam where it turns.

mod start;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use fanfare::hub::{End, GapReason, Start};

use super::presence::Watching;
use super::record::{Entry, Note, Sent, Told, Truth, Wish};
use crate::hub::support::Got;

/// What is wrong with what a stream was told; nothing if it was all true.
pub(crate) fn verify(told: &Told, truth: &Truth) -> Vec<String> {
    let mut judge = Judge::new(told, truth);
    for note in &told.notes {
        judge.hear(note);
    }
    judge.recovered();
    judge.wrong
}

struct Judge<'a> {
    told: &'a Told,
    truth: &'a Truth,
    /// What it listens to, and what it did before.
    wish: &'a Wish,
    before: Vec<&'a Wish>,
    /// Up to where nothing of a channel comes any more.
    floors: BTreeMap<&'a str, u64>,
    /// What is to be delivered, or told as lost.
    due: BTreeSet<u64>,
    /// What may come, and need not.
    may: BTreeSet<u64>,
    /// The one number that the client keeps.
    position: u64,
    /// It is told what it asked for and cannot get.
    opens: bool,
    /// Gaps of the start, by what they are told of.
    lost: Vec<&'a str>,
    /// It was told where in this life of the node it is.
    placed: bool,
    /// Gaps through this number were told, and no position past it.
    owed: u64,
    watching: Watching<'a>,
    wrong: Vec<String>,
}

impl<'a> Judge<'a> {
    fn new(told: &'a Told, truth: &'a Truth) -> Self {
        let mut judge = Self {
            told,
            truth,
            wish: &told.wish,
            before: Vec::new(),
            floors: BTreeMap::new(),
            due: BTreeSet::new(),
            may: BTreeSet::new(),
            position: told.position,
            opens: true,
            lost: Vec::new(),
            placed: false,
            owed: 0,
            watching: Watching::new(&told.wish, truth),
            wrong: Vec::new(),
        };
        judge.begin();
        judge
    }

    fn takes(&self, sent: &Sent) -> bool {
        let entry = self.wish.decides(sent.channel);
        entry.is_some_and(|entry| entry.takes(sent, &self.told.member))
    }

    fn hear(&mut self, note: &'a Note) {
        match note {
            Note::Gap { got, knows, oldest } => self.gap(got, *knows, *oldest),
            Note::Quiet { newest, members } => {
                self.opened();
                self.settled(*newest);
                let (owed, position) = (self.owed, self.position);
                self.check(owed <= position, || format!("no position past {owed}"));
                let wrong = self.watching.quiet(members);
                self.wrong.extend(wrong);
            }
            Note::Slow(oldest) => self.slow(oldest.as_ref()),
            Note::Turned(turned) => self.turn(turned),
            Note::Got(got) => self.got(got),
        }
    }

    fn got(&mut self, got: &'a Got) {
        if let Got::Members { .. } = got {
            // Who is told that nobody is there has perhaps not heard all yet.
            return self.watched(got);
        }
        // Who is replaced hears no more, not even what its start has lost.
        self.opens &= !matches!(got, Got::End(End::Replaced));
        self.opened();
        match *got {
            Got::Event { number, .. } => self.event(number),
            Got::Presence { number, .. } => {
                self.reach(number, true);
                self.watched(got);
            }
            Got::Position(number) => self.reach(number, false),
            Got::End(end) => {
                let replaced = self.told.replaced && end == End::Replaced;
                self.check(replaced, || format!("ended by {end:?}"));
            }
            Got::Gap { .. } | Got::Members { .. } => {}
        }
    }

    fn watched(&mut self, got: &'a Got) {
        let wrong = self.watching.hear(got);
        self.wrong.extend(wrong);
    }

    fn event(&mut self, number: u64) {
        let sent = self.truth.sent.get(&number);
        let takes = sent.is_some_and(|sent| self.takes(sent));
        let expected = self.due.remove(&number) || self.may.remove(&number);
        self.check(expected || takes, || {
            format!("{number} was not asked for: {sent:?}")
        });
        self.check(expected || !takes, || {
            format!("{number} came, twice or told as lost")
        });
        let anew = self.told.start == Start::Anew && !self.placed;
        self.check(!anew, || "another life, and no place in it".to_owned());
        self.reach(number, true);
    }

    /// The client's number rises.
    fn reach(&mut self, number: u64, strictly: bool) {
        let position = self.position;
        let rises = number > position || (number == position && !strictly);
        self.check(rises, || format!("{number} after {position}"));
        self.position = number.max(position);
        if !strictly {
            self.placed = true;
            self.owed = if self.owed <= number { 0 } else { self.owed };
        }
        self.settled(self.position);
    }

    /// The position claims no more than what was told.
    fn settled(&mut self, position: u64) {
        let first = self.due.first().copied().unwrap_or(u64::MAX);
        let sent = self.truth.sent.get(&first);
        self.check(position < first, || {
            format!("{first} is lost without a word at {position}: {sent:?}")
        });
        self.due = self.due.split_off(&(position + 1));
    }

    fn gap(&mut self, got: &'a Got, knows: u64, oldest: u64) {
        let Got::Gap {
            channel,
            after,
            through,
            reason,
        } = got
        else {
            return;
        };
        let (after, through, start) = (*after, *through, self.told.start);
        let anew = *reason == GapReason::EpochChanged;
        if *reason == GapReason::Overflow {
            let strict = self.wish.decides(channel).is_some_and(|e| e.strict);
            self.check(!strict, || format!("not to be told: {got:?}"));
        } else {
            self.lost.push(channel);
            let of_start = match start {
                Start::Anew => anew,
                Start::After(_) | Start::Since(_) => !anew,
                Start::Live | Start::Last(_) => false,
            };
            let opens = self.opens && of_start;
            self.check(opens, || format!("out of place: {got:?} of {start:?}"));
        }
        let position = self.position;
        self.check(through > position || anew, || {
            format!("passed at {position}: {got:?}")
        });
        let pattern = channel.contains(['*', '>']);
        let listed = |wish: &Wish| wish.0.iter().any(|entry| entry.text == channel);
        let decided = |wish: &Wish| wish.decides(channel).is_some();
        let asked = (self.wishes()).any(|wish| if pattern { listed(wish) } else { decided(wish) });
        self.check(asked, || format!("not asked for: {got:?}"));
        self.check(pattern || through < oldest, || {
            format!("{oldest} is kept: {got:?}")
        });
        let lost = |(number, sent): (&u64, &Sent)| {
            self.is_of(sent, channel) && *number > position.max(after)
        };
        let real = (after < through) && self.truth.sent.range(after + 1..=through).any(lost);
        self.check(anew || real || through <= knows, || {
            format!("false: {got:?}")
        });
        self.owed = self.owed.max(through);
        self.watching.gap(channel);
        self.excuse(channel, after, through, pattern);
    }

    fn is_of(&self, sent: &Sent, text: &str) -> bool {
        sent.channel == text
            || (self.wishes())
                .filter_map(|wish| wish.decides(sent.channel))
                .any(|entry| entry.text == text)
    }

    fn excuse(&mut self, text: &'a str, after: u64, through: u64, pattern: bool) {
        if !pattern {
            let floor = self.floors.entry(text).or_default();
            *floor = through.max(*floor);
        }
        let due: Vec<_> = self.due.iter().copied().collect();
        for number in due
            .into_iter()
            .filter(|n| (after + 1..=through).contains(n))
        {
            let sent = &self.truth.sent[&number];
            let kept = self.told.kept.as_ref();
            let kept = kept.is_some_and(|kept| kept[sent.channel].contains(&number));
            if self.is_of(sent, text) && !(pattern && kept) {
                self.due.remove(&number);
                self.may.extend(pattern.then_some(number));
            }
        }
    }

    /// What left the node while the stream joined may have been of any channel:
    /// a strict stream is not to guess. Only in steps is it known what left.
    fn slow(&mut self, oldest: Option<&BTreeMap<&'static str, u64>>) {
        let strict = |sent: &Sent| {
            let entries = self.wishes().filter_map(|wish| wish.decides(sent.channel));
            entries.into_iter().any(|entry| entry.strict)
        };
        let mut rest = self.truth.sent.range(self.position + 1..);
        let behind = if let Some(oldest) = oldest {
            rest.any(|(number, sent)| strict(sent) && *number < oldest[sent.channel])
        } else {
            let mut entries = self.wishes().flat_map(|wish| &wish.0);
            entries.any(|entry| entry.strict) && rest.next().is_some()
        };
        self.check(behind, || "ended as slow, and was not".to_owned());
    }

    /// The start is over.
    fn opened(&mut self) {
        if !std::mem::take(&mut self.opens) {
            return;
        }
        if self.told.start == Start::Anew {
            let texts: Vec<_> = self
                .told
                .wish
                .0
                .iter()
                .map(|entry: &Entry| entry.text)
                .collect();
            for text in texts {
                let gaps = self.lost.iter().filter(|lost| **lost == text).count();
                self.check(gaps == 1, || {
                    format!("{gaps} gaps of another life in {text:?}")
                });
            }
        }
        let whole = self.lost.is_empty() && self.told.start != Start::Live;
        let recovered = self.told.recovered;
        self.check(recovered == whole, || format!("recovered: {recovered}"));
        self.settled(self.position);
    }

    fn recovered(&mut self) {
        let wrong = self.told.recovered && !self.lost.is_empty();
        self.check(!wrong, || "recovered, and was told of a loss".to_owned());
    }

    fn check(&mut self, is_right: bool, say: impl FnOnce() -> String) {
        if !is_right {
            self.wrong.push(say());
        }
    }
}
