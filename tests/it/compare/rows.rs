//! The rows themselves.

use std::collections::HashSet;

use super::table::figures::{Figures, Finding, Metric};
use super::table::row::Case;
use super::table::rows;

const ALL: [Metric; 10] = [
    Metric::Cpu,
    Metric::Rate,
    Metric::P50,
    Metric::P99,
    Metric::P999,
    Metric::Memory,
    Metric::Stream,
    Metric::Start,
    Metric::Built,
    Metric::Stripped,
];

#[test]
fn every_row_is_found_by_its_name_and_its_checks_by_its_cases() {
    let rows = rows();
    let names: HashSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len());
    for row in rows {
        let cases: HashSet<_> = row.cases.iter().map(Case::name).collect();
        assert_eq!(cases.len(), row.cases.len(), "{}", row.name);
        // With all that a load or a start can tell, every check has a value.
        let all = ALL.iter();
        let all = all.fold(Figures::default(), |all, metric| all.with(*metric, 1.0));
        let run: Vec<Finding> = row.cases.iter().map(|_| Ok(all.clone())).collect();
        for check in &row.checks {
            let runs = [run.clone()];
            assert!(check.spread(&runs).is_ok(), "{}: {}", row.name, check.what);
        }
    }
}
