//! What the start of a stream promises.

use fanfare::hub::Start;

use super::Judge;
use crate::hub::lives::record::{Sent, Told};
use crate::hub::lives::run::seconds;

impl Judge<'_> {
    /// What the start promises.
    pub(super) fn begin(&mut self) {
        let Told {
            start,
            position,
            before,
            ref kept,
            ..
        } = *self.told;
        let after = match start {
            Start::Live => position,
            Start::After(number) => number,
            Start::Anew => 0,
            Start::Since(_) | Start::Last(_) => before,
        };
        let is_right = match start {
            Start::Live => kept.is_none() || position == before,
            Start::After(_) | Start::Anew => position == after,
            Start::Since(_) | Start::Last(_) => position <= before,
        };
        self.check(is_right, || format!("ready at {position} of {before}"));
        let taken = self.truth.sent.iter().filter(|(_, sent)| self.takes(sent));
        let taken: Vec<_> = taken.map(|(number, sent)| (*number, sent)).collect();
        let later = taken.iter().filter(|(number, _)| *number > after);
        self.due = later.map(|(number, _)| *number).collect();
        for (channel, kept) in kept.iter().flatten() {
            let here = taken
                .iter()
                .filter(|(number, sent)| sent.channel == *channel && *number <= before);
            let here: Vec<_> = here.copied().collect();
            match start {
                Start::Last(count) => self.last(&here, kept, count as usize),
                Start::Since(time) => self.since(&here, kept, seconds(time)),
                Start::Live | Start::After(_) | Start::Anew => {}
            }
        }
    }

    fn last(&mut self, here: &[(u64, &Sent)], kept: &[u64], count: usize) {
        let kept = here.iter().filter(|(number, _)| kept.contains(number));
        let newest: Vec<_> = kept.rev().take(count).map(|(number, _)| *number).collect();
        let first = newest.last().copied().unwrap_or(u64::MAX);
        let position = self.position;
        self.check(position < first, || format!("ready past {first}"));
        self.due.extend(newest);
    }

    fn since(&mut self, here: &[(u64, &Sent)], kept: &[u64], time: u64) {
        let sent = |number: &u64| &self.truth.sent[number];
        let first = kept.iter().find(|number| sent(number).published >= time);
        let first = first.copied().unwrap_or(u64::MAX);
        // A clock that was set back is taken to have stood still.
        let channel = kept.first().map(|number| sent(number).channel);
        let mut late = self
            .truth
            .sent
            .iter()
            .filter(|(_, sent)| Some(sent.channel) == channel && sent.published >= time);
        let late = late.next().map_or(u64::MAX, |(number, _)| *number);
        let position = self.position;
        for (number, sent) in here {
            if !kept.contains(number) {
                self.due.extend((sent.published >= time).then_some(*number));
            } else if *number >= first {
                self.check(position < *number, || format!("ready past {number}"));
                self.due.insert(*number);
            } else if *number >= late {
                self.may.insert(*number);
            }
        }
    }
}
