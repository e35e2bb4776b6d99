//! `fanfare bench` against a real node, short and slow: what it counts.

use serde_json::{Value, json};

use super::{assert_fails, outcome};
use crate::binary::{Serving, fanfare};

/// Runs a load for a second, and returns its report.
fn report(node: &Serving, arguments: &[&str]) -> Value {
    let to = format!("fanfare://{}", node.address);
    let pid = node.process.id().to_string();
    let always = ["--to", &to, "--seconds", "1", "--warmup", "0", "--json"];
    let mut arguments = [&["bench"], arguments, &always].concat();
    if cfg!(target_os = "linux") {
        arguments.extend(["--pid", &pid]);
    }
    let [report] = &node.ask(&arguments)[..] else {
        panic!("one line, with {arguments:?}");
    };
    report.clone()
}

fn count(report: &Value, key: &str) -> u64 {
    let count = report[key].as_u64();
    count.unwrap_or_else(|| panic!("no {key} in {report}"))
}

#[test]
fn a_load_counts_every_delivery_of_every_event_once() {
    let node = Serving::start();
    for (publisher, channel) in [("session", "bench.0"), ("unary", "bench.1")] {
        let shape = ["--connections", "3", "--streams", "4", "--channels", "2"];
        let pace = ["--listen", "2", "--rate", "300", "--publisher", publisher];
        let before = node.ask(&["history", channel, "--limit", "1000"]).len();
        let report = report(&node, &[&["fanout"][..], &shape, &pace].concat());
        let (published, delivered) = (count(&report, "published"), count(&report, "delivered"));
        assert_eq!(delivered, published * 12, "{report}");
        for key in ["loss", "gaps", "astray"] {
            assert_eq!(count(&report, key), 0, "{key} in {report}");
        }
        assert!(report["p99_us"].as_f64().unwrap() > 0.0, "{report}");
        // The node's own word for it: events go to the two channels in turn.
        let history = node.ask(&["history", channel, "--limit", "1000"]);
        let half = (history.len() - before) as u64;
        assert!(published / 2 <= half && half <= published.div_ceil(2));
        assert!(published > 100, "{report}");
    }
}

#[test]
fn a_saturated_load_loses_nothing() {
    let node = Serving::start();
    let shape = ["fanout", "--connections", "4", "--streams", "5"];
    let report = report(
        &node,
        &[&shape[..], &["--threads", "2", "--window", "100"]].concat(),
    );
    let delivered = count(&report, "delivered");
    assert_eq!(delivered, count(&report, "published") * 20, "{report}");
    assert_eq!(count(&report, "loss") + count(&report, "gaps"), 0);
    assert!(count(&report, "deliveries") > 0, "{report}");
}

#[test]
fn publishers_and_idle_connections_are_measured_too() {
    let node = Serving::start();
    for publisher in ["session", "unary"] {
        let report = report(&node, &["publish", "--publisher", publisher]);
        assert!(count(&report, "events") > 0, "{report}");
        assert_eq!(count(&report, "loss"), 0, "{report}");
    }
    let report = report(&node, &["idle", "--connections", "2", "--streams", "3"]);
    assert_eq!(report["streams"], json!(6), "{report}");
}

#[test]
fn every_key_of_a_report_is_explained_in_the_help() {
    let node = Serving::start();
    let (_, help, _) = outcome(&mut fanfare(&["bench", "--help"]));
    for load in ["fanout", "publish", "latency", "idle"] {
        let report = report(&node, &[load]);
        let keys = report.as_object().unwrap().keys();
        let silent: Vec<_> = keys.filter(|key| !help.contains(*key)).collect();
        assert!(silent.is_empty(), "{silent:?} of {load}");
        if cfg!(target_os = "linux") {
            let used = report["server_cpu_seconds"].as_f64().unwrap();
            assert!(used > 0.0, "{report}");
        }
    }
}

#[test]
fn a_load_that_cannot_be_says_why() {
    for (line, words) in [
        (
            "fanout --to http://a:1",
            &["http:// is unknown", "nats://HOST:PORT"][..],
        ),
        ("fanout --to nats://a", &["no port: try nats://a:4222"]),
        ("fanout --payload 31", &["31 is not in 32..=16000"]),
        ("fanout --rate 0", &["a rate is above 0"]),
        (
            "fanout --listen 3 --channels 2",
            &["--listen 3", "--channels 3 or more"],
        ),
        (
            "fanout --threads 2 --connections 1",
            &["--threads 2 is more than"],
        ),
        (
            "latency --to redis://a:1 --streams 2",
            &["--streams 2", "one subscription"],
        ),
    ] {
        let line: Vec<_> = ["bench"].into_iter().chain(line.split(' ')).collect();
        assert_fails(&mut fanfare(&line), 2, words);
    }
    let nobody = ["bench", "fanout", "--to", "fanfare://127.0.0.1:1"];
    assert_fails(
        &mut fanfare(&nobody),
        1,
        &["cannot connect to fanfare://127.0.0.1:1"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_is_not_there_is_not_measured() {
    let line = ["bench", "idle", "--pid", "4294967295"];
    assert_fails(&mut fanfare(&line), 1, &["there is no such process"]);
}
