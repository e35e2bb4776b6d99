//! The arithmetic of the ratios, and what is made of it.

use super::table::check::{Check, Formula, Spread, Verdict};
use super::table::figures::{Figures, Finding, Metric};

fn cpu(values: &[f64]) -> Vec<Finding> {
    let case = |value: &f64| Ok(Figures::default().with(Metric::Cpu, *value));
    values.iter().map(case).collect()
}

#[test]
fn the_median_is_the_middle_run_or_between_the_two() {
    let spread = Spread::of(vec![9.0, 1.0, 2.0]).unwrap();
    assert_eq!((spread.median, spread.least, spread.most), (2.0, 1.0, 9.0));
    assert_eq!(
        Spread::of(vec![4.0, 1.0, 2.0, 9.0]).map(|s| s.median),
        Some(3.0)
    );
    assert_eq!(Spread::of(Vec::new()), None);
}

#[test]
fn the_median_is_that_of_the_ratios_not_of_the_figures() {
    let runs = [cpu(&[1.0, 1.0]), cpu(&[2.0, 8.0]), cpu(&[9.0, 3.0])];
    let spread = Check::cost("", 0, 1, 1.0).spread(&runs).unwrap();
    assert_eq!((spread.least, spread.median, spread.most), (0.25, 1.0, 3.0));
}

#[test]
fn a_gain_is_more_where_less_cpu_is_used() {
    let runs = [cpu(&[0.1, 0.3])];
    let gain = Check::gain("", 0, 1, 1.4).spread(&runs).unwrap();
    let cost = Check::cost("", 0, 1, 1.4).spread(&runs).unwrap();
    assert!((gain.median - 3.0).abs() < 1e-9, "{gain:?}");
    assert!((cost.median - 1.0 / 3.0).abs() < 1e-9, "{cost:?}");
}

#[test]
fn skipping_is_allowed_thirty_nanoseconds_each() {
    let formula = Formula::Skipping {
        of: 1,
        to: 0,
        skipped: 9.0,
    };
    let value = formula.value(&cpu(&[0.1, 0.37])).unwrap();
    assert!((value - 1.0).abs() < 1e-9, "{value}");
    assert_eq!(formula.value(&cpu(&[0.1, 0.2])), Ok(0.0));
}

#[test]
fn a_fall_is_in_percent_of_what_was_before() {
    let rate = |value| Ok(Figures::default().with(Metric::Rate, value));
    let fall = Formula::Fall { of: 1, to: 0 };
    let value = fall.value(&[rate(200.0), rate(190.0)]).unwrap();
    assert!((value - 5.0).abs() < 1e-9, "{value}");
}

#[test]
fn one_run_without_a_result_leaves_none() {
    let check = Check::cost("", 0, 1, 1.0);
    let mut runs = vec![cpu(&[1.0, 1.0]), cpu(&[1.0, 1.0])];
    runs[1][1] = Err("loss 3".to_owned());
    assert_eq!(check.spread(&runs), Err("loss 3".to_owned()));
    runs[1][1] = Ok(Figures::default());
    let reason = check.spread(&runs).unwrap_err();
    assert_eq!(reason, "CPU each, µs was not measured");
    assert!(check.spread(&[cpu(&[1.0, 0.0])]).is_err());
    assert!(check.spread(&[]).is_err());
}

#[test]
fn a_bound_is_kept_up_to_itself() {
    let least = Check::gain("", 0, 1, 1.4).hoped(2.0);
    let most = Check::cost("", 0, 1, 1.1).hoped(0.7);
    for (check, median, verdict) in [
        (&least, 1.39, Verdict::Missed),
        (&least, 1.4, Verdict::Met),
        (&least, 2.0, Verdict::Hoped),
        (&most, 1.11, Verdict::Missed),
        (&most, 1.1, Verdict::Met),
        (&most, 0.7, Verdict::Hoped),
    ] {
        assert_eq!(check.verdict(median), verdict, "{median} of {check:?}");
    }
    assert_eq!(least.must(), "≥ 1.4 ×");
    assert_eq!(most.must(), "≤ 1.1 ×");
}
