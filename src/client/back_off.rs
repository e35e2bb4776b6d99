//! How long to wait before the next attempt: full jitter.
//!
//! Those who were cut off together do not come back together: the wait is
//! anywhere below a bound that doubles with each failure in a row. What the
//! node asks for is the least.

use std::time::Duration;

/// The bounds of a wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// The longest first wait.
    pub(super) first: Duration,
    /// The longest of all, unless the node asks for more.
    pub(super) longest: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(10),
        }
    }
}

/// Counts the failures in a row.
#[derive(Debug)]
pub(super) struct BackOff {
    waits: Waits,
    failures: u32,
}

impl BackOff {
    pub(super) fn new(waits: Waits) -> Self {
        Self { waits, failures: 0 }
    }

    /// All is well again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one more failure, and what the node asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        self.thrown(asked, fastrand::f64())
    }

    fn thrown(&mut self, asked: Option<Duration>, dice: f64) -> Duration {
        let Waits { first, longest } = self.waits;
        let bound = first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait = bound.min(longest).mul_f64(dice);
        wait.max(asked.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_bound_until_all_is_well() {
        let mut back_off = BackOff::new(Waits::default());
        let waits: Vec<_> = (0..9)
            .map(|_| back_off.thrown(None, 1.0).as_millis())
            .collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        back_off.failures = u32::MAX;
        assert_eq!(back_off.thrown(None, 1.0), Duration::from_secs(10));
        back_off.reset();
        assert_eq!(back_off.thrown(None, 0.5), Duration::from_millis(50));
    }

    #[test]
    fn the_node_may_ask_to_wait_longer() {
        let mut back_off = BackOff::new(Waits::default());
        let asked = Some(Duration::from_secs(60));
        assert_eq!(back_off.thrown(asked, 1.0), Duration::from_secs(60));
        let asked = Some(Duration::from_millis(1));
        assert_eq!(back_off.thrown(asked, 1.0), Duration::from_millis(200));
    }

    #[test]
    fn chance_spreads_the_waits_over_all_of_the_bound() {
        let waits: Vec<_> = (0..1_000)
            .map(|_| BackOff::new(Waits::default()).next(None))
            .collect();
        let below = |bound| waits.iter().filter(|wait| **wait < bound).count();
        assert_eq!(below(Duration::from_millis(100)), 1_000);
        let half = below(Duration::from_millis(50));
        assert!((300..700).contains(&half), "{half} of 1000");
    }
}
