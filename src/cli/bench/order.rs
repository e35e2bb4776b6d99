//! Which events a subscriber is to receive, in which order, and what is amiss.
//!
//! Event number n goes to channel n modulo the number of channels, and who
//! filters by name receives the first of several such rounds. So what is due
//! comes again with each period, each stream knows its next number, and a loss,
//! a repetition or a wrong order is seen at the event after it, at the cost of
//! one comparison.

/// How often one subscriber gets the events of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    channel: u64,
    times: u32,
}

/// What was not as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Places where something is missing.
    pub(super) gaps: u64,
    /// Events that came again, or after a later one, or to the wrong place.
    pub(super) astray: u64,
}

impl Faults {
    pub(super) fn add(&mut self, other: Self) {
        self.gaps += other.gaps;
        self.astray += other.astray;
    }
}

/// What a connection receives of a period.
#[derive(Debug)]
pub(super) struct Round {
    due: Box<[u64]>,
    period: u64,
}

impl Round {
    /// The round of one who listens to the channels `listened`, and receives
    /// one event of each in a `period`; one that is listed twice brings its
    /// events twice.
    pub(super) fn new(listened: impl IntoIterator<Item = u64>, period: u64) -> Self {
        let mut due: Box<[u64]> = listened.into_iter().collect();
        due.sort_unstable();
        Self { due, period }
    }

    /// How many deliveries the first `events` events make.
    pub(super) fn deliveries(&self, events: u64) -> u64 {
        let (rounds, rest) = (events / self.period, events % self.period);
        let begun = self.due.partition_point(|channel| *channel < rest);
        rounds * self.due.len() as u64 + begun as u64
    }

    /// The number of the event that comes after so many deliveries; for one who
    /// listens to nothing, after all there will be.
    pub(super) fn next(&self, deliveries: u64) -> u64 {
        if self.due.is_empty() {
            return u64::MAX;
        }
        let length = self.due.len() as u64;
        let at = usize::try_from(deliveries % length).expect("an index");
        deliveries / length * self.period + self.due[at]
    }
}

/// What one subscriber receives next.
#[derive(Debug)]
pub(super) struct Order {
    turns: Box<[Turn]>,
    period: u64,
    at: usize,
    left: u32,
    next: u64,
}

impl Order {
    /// The order for one who listens to the channels `listened`, and receives
    /// one event of each in a `period`; one that is listed twice brings its
    /// events twice.
    ///
    /// `listened` is not empty, and each is below `period`.
    pub(super) fn new(listened: impl IntoIterator<Item = u64>, period: u64) -> Self {
        let mut listened: Vec<_> = listened.into_iter().collect();
        listened.sort_unstable();
        let turns: Box<[Turn]> = listened
            .chunk_by(|a, b| a == b)
            .map(|same| Turn {
                channel: same[0],
                times: u32::try_from(same.len()).unwrap_or(u32::MAX),
            })
            .collect();
        Self {
            at: 0,
            left: turns[0].times,
            next: turns[0].channel,
            turns,
            period,
        }
    }

    /// Receives event `number`.
    pub(super) fn receive(&mut self, number: u64, faults: &mut Faults) {
        if number == self.next {
            self.advance();
        } else {
            self.amiss(number, faults);
        }
    }

    fn advance(&mut self) {
        self.left -= 1;
        if self.left > 0 {
            return;
        }
        let channel = self.turns[self.at].channel;
        self.at += 1;
        if self.at == self.turns.len() {
            self.at = 0;
            self.next += self.period;
        }
        let turn = self.turns[self.at];
        self.next = self.next - channel + turn.channel;
        self.left = turn.times;
    }

    #[cold]
    fn amiss(&mut self, number: u64, faults: &mut Faults) {
        // Later rounds of the period have names that were not asked for.
        let channel = number % self.period;
        let found = self
            .turns
            .binary_search_by_key(&channel, |turn| turn.channel);
        match found {
            Ok(at) if number > self.next => {
                faults.gaps += 1;
                (self.at, self.left, self.next) = (at, self.turns[at].times, number);
                self.advance();
            }
            _ => faults.astray += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(order: &mut Order, numbers: impl IntoIterator<Item = u64>) -> Faults {
        let mut faults = Faults::default();
        for number in numbers {
            order.receive(number, &mut faults);
        }
        faults
    }

    #[test]
    fn each_event_is_expected_as_often_as_it_is_subscribed() {
        let mut order = Order::new([4, 1, 4], 5);
        let due: Vec<_> = (0..40)
            .flat_map(|round| [1, 4, 4].map(|n| round * 5 + n))
            .collect();
        assert_eq!(faults(&mut order, due.clone()), Faults::default());
        let round = Round::new([4, 1, 4], 5);
        for events in 0..200 {
            let count = due.iter().filter(|number| **number < events).count();
            assert_eq!(round.deliveries(events), count as u64, "{events} events");
        }
        for (deliveries, number) in due.iter().enumerate() {
            assert_eq!(round.next(deliveries as u64), *number);
        }
    }

    #[test]
    fn what_is_missing_is_one_gap_wherever_it_is() {
        for missing in 0..19 {
            let mut order = Order::new([0, 2], 3);
            let due = (0..30).filter(|number| number % 3 != 1);
            let left = due.enumerate().filter(|(at, _)| *at != missing);
            let found = faults(&mut order, left.map(|(_, number)| number));
            assert_eq!(found, Faults { gaps: 1, astray: 0 }, "without {missing}");
        }
    }

    #[test]
    fn what_comes_twice_late_or_to_the_wrong_place_is_astray() {
        for (numbers, gaps, astray) in [
            (vec![0, 2, 2, 4], 0, 1),
            (vec![0, 4, 2, 6], 1, 1),
            (vec![0, 1, 2], 0, 1),
        ] {
            let found = faults(&mut Order::new([0], 2), numbers);
            assert_eq!(found, Faults { gaps, astray });
        }
    }

    #[test]
    fn what_the_filter_should_have_held_back_is_astray() {
        // Three channels and four names: a period of twelve.
        let due = || (0..10).flat_map(|period| [period * 12, period * 12 + 2]);
        let listened = [0, 2];
        assert_eq!(
            faults(&mut Order::new(listened, 12), due()),
            Faults::default()
        );
        let with_another = due().take(4).chain([27]).chain(due().skip(4));
        let found = faults(&mut Order::new(listened, 12), with_another);
        assert_eq!(found, Faults { gaps: 0, astray: 1 });
        assert_eq!(Round::new(listened, 12).deliveries(15), 4);
        assert_eq!(Round::new(listened, 12).next(3), 14);
    }

    #[test]
    fn who_listens_to_nothing_holds_nobody_up() {
        let round = Round::new([], 1);
        assert_eq!((round.deliveries(7), round.next(0)), (0, u64::MAX));
    }
}
