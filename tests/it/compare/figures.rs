//! What is read of a load's report.

use serde_json::json;

use super::table::figures::{FAULTS, Figures, Metric};

#[test]
fn a_report_is_read_by_whatever_keys_it_has() {
    let report = json!({
        "target": "nats://a:1", "loss": 0, "rss_kib": 2048.0,
        "seconds": 4.0, "load_cpu_seconds": 3.0,
        "deliveries_per_second": 5.0, "events_per_second": 1.0,
        "server_cpu_us_per_event": 0.5,
    });
    let figures = Figures::of_report(&report, None).unwrap();
    assert_eq!(figures.get(Metric::Rate), Some(5.0));
    assert_eq!(figures.get(Metric::Cpu), Some(0.5));
    assert_eq!(figures.get(Metric::Memory), Some(2.0));
    assert_eq!(figures.get(Metric::Load), Some(75.0));
    assert_eq!(figures.get(Metric::P99), None);
}

#[test]
fn a_report_with_any_fault_is_no_result() {
    for key in FAULTS {
        let mut report = json!({ "server_cpu_us_per_delivery": 1.0 });
        report[*key] = json!(3);
        let reason = Figures::of_report(&report, None).unwrap_err();
        assert!(reason.contains(&format!("{key} 3")), "{reason}");
    }
}

#[test]
fn a_paced_load_that_published_too_little_is_no_result() {
    let paced = |published: f64, asked| {
        let report = json!({ "events_per_second": published });
        Figures::of_report(&report, asked).map(|_| ())
    };
    assert_eq!(paced(196.0, Some(200.0)), Ok(()));
    assert_eq!(paced(195.9, None), Ok(()));
    let reason = "only 196 of 200 events a second were published";
    assert_eq!(paced(195.9, Some(200.0)), Err(reason.to_owned()));
}
