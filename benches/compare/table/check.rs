//! What a row must show: a number made of its cases, and the bound it keeps.

use super::figures::{Finding, Metric};
use super::number::number;

/// CPU time that skipping an event may take, in µs: 30 ns.
const SKIP: f64 = 0.03;

/// How the number is made. Cases are told by their place in the row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Formula {
    /// Case `of` over case `to`.
    Ratio {
        metric: Metric,
        of: usize,
        to: usize,
    },
    /// As it is measured.
    Value { metric: Metric, of: usize },
    /// CPU of `of`, less what `skipped` events for each delivery may take,
    /// over that of `to`, where nothing is skipped.
    Skipping { of: usize, to: usize, skipped: f64 },
    /// Percent by which fewer are delivered in `of` than in `to`.
    Fall { of: usize, to: usize },
}

/// What the number must keep.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// One line of the table of ratios.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// What the number is, as "CPU to NATS".
    pub(crate) what: &'static str,
    pub(crate) formula: Formula,
    pub(crate) must: Bound,
    /// What would be better still, in the same direction.
    pub(crate) hoped: Option<f64>,
    pub(crate) unit: &'static str,
}

/// The numbers of all runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// How the median stands to what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Hoped,
    Met,
    Missed,
}

impl Check {
    /// A ratio of CPU time, as it must be at most.
    pub(crate) fn cost(what: &'static str, of: usize, to: usize, most: f64) -> Self {
        Self::ratio(what, (Metric::Cpu, of, to), Bound::AtMost(most))
    }

    /// How many times as much case `of` does in a second of CPU time as case
    /// `to`: the ratio of their CPU times the other way round.
    pub(crate) fn gain(what: &'static str, of: usize, to: usize, least: f64) -> Self {
        Self::ratio(what, (Metric::Cpu, to, of), Bound::AtLeast(least))
    }

    /// A ratio of any metric: of one case to another.
    pub(crate) fn ratio(
        what: &'static str,
        (metric, of, to): (Metric, usize, usize),
        must: Bound,
    ) -> Self {
        Self {
            what,
            formula: Formula::Ratio { metric, of, to },
            must,
            hoped: None,
            unit: "×",
        }
    }

    /// A figure that must be small by itself.
    pub(crate) fn value(
        what: &'static str,
        (metric, of): (Metric, usize),
        (most, unit): (f64, &'static str),
    ) -> Self {
        Self {
            what,
            formula: Formula::Value { metric, of },
            must: Bound::AtMost(most),
            hoped: None,
            unit,
        }
    }

    pub(crate) fn hoped(mut self, hoped: f64) -> Self {
        self.hoped = Some(hoped);
        self
    }

    /// The number of each run, together.
    ///
    /// # Errors
    ///
    /// One run has none: then there is no result, and the reason is told.
    pub(crate) fn spread(&self, runs: &[Vec<Finding>]) -> Result<Spread, String> {
        let values: Result<Vec<_>, _> = runs.iter().map(|run| self.formula.value(run)).collect();
        Spread::of(values?).ok_or_else(|| "nothing was run".to_owned())
    }

    pub(crate) fn verdict(&self, median: f64) -> Verdict {
        let keeps = |bound: f64| match self.must {
            Bound::AtLeast(_) => median >= bound,
            Bound::AtMost(_) => median <= bound,
        };
        let (Bound::AtLeast(bound) | Bound::AtMost(bound)) = self.must;
        match self.hoped {
            _ if !keeps(bound) => Verdict::Missed,
            Some(hoped) if keeps(hoped) => Verdict::Hoped,
            _ => Verdict::Met,
        }
    }

    /// What it must be, in words.
    pub(crate) fn must(&self) -> String {
        match self.must {
            Bound::AtLeast(least) => format!("≥ {} {}", number(least), self.unit),
            Bound::AtMost(most) => format!("≤ {} {}", number(most), self.unit),
        }
    }
}

impl Formula {
    /// The number of one run.
    pub(crate) fn value(self, run: &[Finding]) -> Result<f64, String> {
        match self {
            Self::Ratio { metric, of, to } => divide(get(run, of, metric)?, get(run, to, metric)?),
            Self::Value { metric, of } => get(run, of, metric),
            Self::Skipping { of, to, skipped } => {
                let allowed = SKIP * skipped;
                let left = get(run, of, Metric::Cpu)? - allowed;
                divide(left.max(0.0), get(run, to, Metric::Cpu)?)
            }
            Self::Fall { of, to } => {
                let part = divide(get(run, of, Metric::Rate)?, get(run, to, Metric::Rate)?)?;
                Ok(100.0 * (1.0 - part))
            }
        }
    }
}

fn get(run: &[Finding], case: usize, metric: Metric) -> Result<f64, String> {
    let finding = run.get(case).ok_or("not run")?;
    let value = finding.as_ref().map_err(String::clone)?.get(metric);
    value.ok_or_else(|| format!("{} was not measured", metric.title()))
}

/// What no time was measured of cannot be divided by.
fn divide(value: f64, by: f64) -> Result<f64, String> {
    let ratio = value / by;
    let text = "too little was measured: give more --seconds";
    ratio
        .is_finite()
        .then_some(ratio)
        .ok_or_else(|| text.to_owned())
}

impl Spread {
    /// None of no values. Of an even count, the median is the middle of two.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        let lower = values[(values.len() - 1) / 2];
        Some(Self {
            median: f64::midpoint(lower, upper),
            least: *values.first()?,
            most: *values.last()?,
        })
    }
}
