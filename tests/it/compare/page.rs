//! The page that is written.

use super::table::check::Check;
use super::table::figures::{Figures, Metric};
use super::table::page::{BY_HAND, NO_NOTES, page};
use super::table::row::{Peer, Row};
use super::table::{Machine, Measured};

fn row() -> Row {
    Row {
        name: "saturated",
        setup: "As many as go. Or more.",
        cases: vec![Peer::Nats.under("fanout"), Peer::Fanfare.under("fanout")],
        checks: vec![Check::gain("to NATS", 1, 0, 1.4).hoped(2.0)],
    }
}

fn measured(fanfare: &[Result<f64, &str>]) -> Measured {
    let nats = || Ok(Figures::default().with(Metric::Cpu, 0.3));
    let run = |fanfare: &Result<f64, &str>| {
        let figures = fanfare.map(|cpu| Figures::default().with(Metric::Cpu, cpu));
        vec![nats(), figures.map_err(str::to_owned)]
    };
    Measured {
        row: row(),
        runs: fanfare.iter().map(run).collect(),
    }
}

fn machine() -> Machine {
    vec![("CPU", "two cores".to_owned())]
}

#[test]
fn a_page_has_the_ratio_its_bounds_and_the_figures_beside_the_machine() {
    let page = page(&[measured(&[Ok(0.2), Ok(0.1), Ok(0.3)])], &machine(), "");
    for text in [
        "| case | what | must be | hoped for | median | runs | met |\n\
         |---|---|---|---|---|---|---|\n\
         | saturated | to NATS | ≥ 1.4 × | 2 × | 1.5 × | 1 – 3 | yes |\n",
        "- CPU: two cores\n\n### Saturated\n\nAs many as go.\nOr more.\n\n\
         - NATS: `fanfare bench fanout`\n- Fanfare: `fanfare bench fanout`\n\n\
         | server | CPU each, µs |\n|---|---|\n| NATS | 0.3 |\n| Fanfare | 0.2 |\n\n",
    ] {
        assert!(page.contains(text), "no\n{text}\nin\n{page}");
    }
}

#[test]
fn a_saturated_row_says_whose_load_was_short_of_its_core() {
    let note = "\n\nThe load had more than 95 % of its core with Fanfare: ";
    for (load, used, is_told) in [
        ("fanout", 95.1, true),
        ("fanout", 95.0, false),
        ("fanout --rate 200", 99.0, false),
    ] {
        let mut measured = measured(&[Ok(0.1)]);
        measured.row.cases[1] = Peer::Fanfare.under(load);
        let fanfare = measured.runs[0][1].clone().unwrap();
        measured.runs[0][1] = Ok(fanfare.with(Metric::Load, used));
        let page = page(&[measured], &machine(), "");
        assert_eq!(page.contains(note), is_told, "{load} {used}: {page}");
    }
}

#[test]
fn a_run_that_lost_something_is_no_result_and_says_why() {
    let lost = [measured(&[Ok(0.1), Err("loss 3 | gaps 0")])];
    let page = page(&lost, &machine(), "");
    for line in [
        "| saturated | to NATS | ≥ 1.4 × | 2 × |  |  | no result: loss 3 / gaps 0 |\n",
        "| NATS | 0.3 |\n| Fanfare (no result: loss 3 / gaps 0) |  |\n",
    ] {
        assert!(page.contains(line), "no\n{line}\nin\n{page}");
    }
}

#[test]
fn what_is_by_hand_is_kept_to_the_byte_and_the_rest_is_made_anew() {
    let first = page(&[measured(&[Ok(0.1)])], &machine(), "");
    assert!(first.ends_with(NO_NOTES));
    let edited = first.replace("Nothing is written yet.", "  NATS is good.\n\n");
    let second = page(&[measured(&[Ok(0.3)])], &machine(), &edited);
    assert!(second.ends_with("\n## What falls short, and why\n\n  NATS is good.\n\n\n"));
    assert!(second.contains("| 1 × | 1 – 1 | **no** |"), "{second}");
    assert_eq!(second.matches(BY_HAND).count(), 1);
}
