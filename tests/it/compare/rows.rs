//! The rows themselves.

use std::collections::HashSet;

use super::table::figures::{Figures, Finding, Metric};
use super::table::row::{Case, Load, Peer, Time};
use super::table::rows;
use crate::binary::fanfare;

const ALL: [Metric; 11] = [
    Metric::Cpu,
    Metric::Rate,
    Metric::P50,
    Metric::P99,
    Metric::P999,
    Metric::Memory,
    Metric::Stream,
    Metric::Load,
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

#[test]
fn a_load_takes_its_own_time_to_warm_up_where_it_has_one() {
    let time = Time {
        warmup: 1,
        seconds: 5,
    };
    for (load, words) in [
        ("fanout", "bench fanout --json --seconds 5 --warmup 1"),
        (
            "fanout --warmup 9",
            "bench fanout --warmup 9 --json --seconds 5",
        ),
        ("backlog", "bench backlog --json"),
    ] {
        assert_eq!(Load::Bench(load).arguments(time).join(" "), words);
    }
    let rate = |load| Load::Bench(load).rate();
    assert_eq!(rate("fanout --rate 200 --own"), Some(200.0));
    assert_eq!(rate("fanout"), None);
}

#[test]
fn every_load_is_one_that_fanfare_bench_takes() {
    let time = Time {
        warmup: 0,
        seconds: 1,
    };
    for case in rows().iter().flat_map(|row| &row.cases) {
        let to = match case.peer {
            Peer::Fanfare | Peer::Plain => "fanfare://127.0.0.1:1",
            Peer::Nats => "nats://127.0.0.1:1",
            Peer::Redis => "redis://127.0.0.1:1",
        };
        let words = case.load.arguments(time);
        if words.is_empty() {
            continue;
        }
        // It gets as far as to connect, where nobody is.
        let output = fanfare(&[]).args(&words).args(["--to", to]).output();
        let output = output.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let reason = format!("cannot connect to {to}");
        assert!(errors.contains(&reason), "{words:?}: {errors}");
    }
}
