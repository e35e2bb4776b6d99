//! `fanfare bench` against a real node, short and slow: what it counts.

use serde_json::{Value, json};

use tokio::time::Instant;

use super::{assert_fails, outcome};
use crate::binary::{PATIENCE, Running, Serving, fanfare};

/// Runs a load, for a second if it does not end by itself, and returns its
/// report.
fn report(node: &Serving, arguments: &[&str]) -> Value {
    let to = format!("fanfare://{}", node.address);
    let pid = node.process.id().to_string();
    let mut arguments = [&["bench"], arguments, &["--to", &to, "--json"]].concat();
    if arguments[1] != "backlog" {
        arguments.extend(["--seconds", "1", "--warmup", "0"]);
    }
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

/// Checks that nothing was lost, told twice or out of order.
#[track_caller]
fn assert_whole(report: &Value) {
    for key in ["loss", "gaps", "astray"] {
        assert_eq!(count(report, key), 0, "{key} in {report}");
    }
}

#[test]
fn a_filter_lets_one_event_in_so_many_through() {
    let node = Serving::start();
    let shape = ["--connections", "3", "--streams", "2", "--channels", "2"];
    let pace = ["--listen", "2", "--rate", "300", "--keep", "4"];
    let report = report(&node, &[&["fanout"][..], &shape, &pace].concat());
    let kept = (0..count(&report, "published")).filter(|number| number / 2 % 4 == 0);
    assert_eq!(count(&report, "delivered"), kept.count() as u64 * 6);
    assert_whole(&report);
    // The node's own word for it: the names take turns in each channel.
    let history = node.ask(&["history", "bench.1", "--limit", "1000"]);
    for (event, name) in history.iter().zip(["e0", "e1", "e2", "e3"].iter().cycle()) {
        assert_eq!(event["name"], json!(name));
    }
}

#[test]
fn a_publisher_that_is_a_member_hears_nothing_of_its_own() {
    let node = Serving::start();
    let shape = ["fanout", "--own", "--connections", "2", "--channels", "3"];
    let report = report(&node, &[&shape[..], &["--listen", "3"]].concat());
    let delivered = count(&report, "delivered");
    assert_eq!(delivered, count(&report, "published") * 2, "{report}");
    assert_whole(&report);
    let history = node.ask(&["history", "bench.2", "--limit", "5"]);
    assert!(history.iter().all(|event| event["senderId"].is_string()));
}

#[test]
fn a_publisher_that_hears_its_own_counts_what_the_others_get() {
    let node = Serving::start();
    let shape = ["fanout", "--own", "--echo", "--connections", "2"];
    let report = report(&node, &shape);
    let delivered = count(&report, "delivered");
    assert_eq!(delivered, count(&report, "published") * 2, "{report}");
    assert_whole(&report);
}

#[test]
fn connections_that_nobody_reads_hold_up_no_others() {
    let node = Serving::start();
    let to = format!("fanfare://{}", node.address);
    let load = "bench fanout --connections 2 --stalled 3 --streams 2 --payload 16000 \
                --seconds 2 --warmup 0 --json --to";
    let load: Vec<_> = load.split_whitespace().chain([to.as_str()]).collect();
    let mut running = Running::start(&mut fanfare(&load));
    // They do subscribe, and all streams are there while the load runs.
    let begin = Instant::now();
    while node.ask(&["members", "bench.0"]).len() < 10 {
        assert!(begin.elapsed() < PATIENCE, "not all have joined");
    }
    let report = running.json();
    let delivered = count(&report, "delivered");
    assert_eq!(delivered, count(&report, "published") * 4, "{report}");
    assert!(running.ended_within(PATIENCE).0.success());
}

#[test]
fn slow_connections_are_read_once_in_a_pause_and_miss_nothing() {
    let node = Serving::start();
    let shape = ["fanout", "--connections", "3", "--slow", "1"];
    let pace = ["--pause", "250", "--window", "4"];
    let report = report(&node, &[&shape[..], &pace].concat());
    let published = count(&report, "published");
    assert_eq!(count(&report, "delivered"), published * 3, "{report}");
    assert_whole(&report);
    // A window for each pause, and for the first and the last.
    assert!((4..=4 * 8).contains(&published), "{report}");
}

#[test]
fn the_latency_of_slow_connections_is_left_out() {
    let node = Serving::start();
    let slow = ["fanout", "--slow", "2", "--pause", "50"];
    let pace = ["--connections", "2", "--rate", "200"];
    let report = report(&node, &[&slow[..], &pace].concat());
    assert!(count(&report, "deliveries") > 0, "{report}");
    assert!(report.get("p50_us").is_none(), "{report}");
}

#[test]
fn all_streams_that_a_node_allows_open_on_one_connection() {
    let node = Serving::start();
    let report = report(&node, &["members", "--members", "10000"]);
    assert_eq!(count(&report, "connections"), 1, "{report}");
    assert!(count(&report, "calls") > 0, "{report}");
}

#[test]
fn streams_that_come_back_get_all_they_missed() {
    let node = Serving::start();
    let shape = "backlog --connections 2 --streams 3 --channels 3 --listen 2 --events 3000";
    let shape: Vec<_> = shape.split(' ').collect();
    for _ in 0..2 {
        let report = report(&node, &shape);
        assert_eq!(count(&report, "deliveries"), 6 * 2000, "{report}");
        assert_eq!(count(&report, "published"), 3000, "{report}");
        assert_whole(&report);
    }
}

#[test]
fn streams_that_come_back_too_late_fail_the_load() {
    let node = Serving::start_with(&["--set", "log_events=100"]);
    let mut load = node.client(&["bench", "backlog", "--events", "101", "--connections", "1"]);
    load.args(["--to", &format!("fanfare://{}", node.address)]);
    assert_fails(&mut load, 1, &["a gap: the node has let go", "--events"]);
}

#[test]
fn each_page_of_members_is_counted() {
    let node = Serving::start();
    let load = ["members", "--members", "250", "--connections", "2"];
    let report = report(&node, &load);
    assert!(count(&report, "calls") > 0, "{report}");
    assert_eq!(count(&report, "loss"), 0, "{report}");
    assert!(report["p99_us"].as_f64() > Some(0.0), "{report}");

    let (_, _stranger) = node.subscribe(&["bench.0"]);
    let mut load = node.client(&[&["bench"], &load[..]].concat());
    load.args(["--to", &format!("fanfare://{}", node.address)]);
    let words = ["lists 100 members of 251", "100 of 250 are due"];
    assert_fails(&mut load, 1, &words);
}

#[test]
fn every_key_of_a_report_is_explained_in_the_help() {
    let node = Serving::start();
    let (_, help, _) = outcome(&mut fanfare(&["bench", "--help"]));
    for load in ["fanout", "publish", "latency", "idle", "backlog", "members"] {
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

/// Checks that a load is refused before it connects, with these words.
#[track_caller]
fn assert_refused(load: &str, words: &[&str]) {
    let line: Vec<_> = ["bench"].into_iter().chain(load.split(' ')).collect();
    assert_fails(&mut fanfare(&line), 2, words);
}

#[test]
fn a_load_that_cannot_be_says_why() {
    for (load, words) in [
        (
            "fanout --to http://a:1",
            ["http:// is unknown", "nats://HOST:PORT"],
        ),
        ("fanout --to nats://a", ["no port", "try nats://a:4222"]),
        ("fanout --payload 31", ["31 is not in", "32..=16000"]),
        ("fanout --rate 0", ["a rate is above 0", "10000000"]),
        (
            "fanout --listen 3 --channels 2",
            ["--listen 3", "--channels 3 or more"],
        ),
        (
            "fanout --threads 2 --connections 1",
            ["--threads 2 is more than", "connections, 1"],
        ),
        (
            "latency --to redis://a:1 --streams 2",
            ["--streams 2", "one subscription"],
        ),
    ] {
        assert_refused(load, &words);
    }
    let nobody = ["bench", "fanout", "--to", "fanfare://127.0.0.1:1"];
    let words = ["cannot connect to fanfare://127.0.0.1:1"];
    assert_fails(&mut fanfare(&nobody), 1, &words);
}

#[test]
fn flags_that_do_not_go_together_are_refused_by_name() {
    for (load, words) in [
        (
            "fanout --keep 1000 --channels 1000",
            ["--keep 1000 with --channels 1000", "--keep 100 or less"],
        ),
        (
            "fanout --own --publisher unary",
            ["--own", "give --publisher session"],
        ),
        (
            "fanout --own --channels 10001",
            ["--own with --channels 10001", "10000 or less"],
        ),
        (
            "fanout --slow 3 --connections 2",
            ["--slow 3 is more", "--connections 3 or more"],
        ),
        (
            "members --members 7 --connections 5",
            ["--members 7 do not share 5", "--members 10"],
        ),
        (
            "members --members 20000 --connections 1",
            ["10000 streams on each", "--connections 2 or more"],
        ),
    ] {
        assert_refused(load, &words);
    }
}

#[test]
fn what_only_a_fanfare_node_has_is_refused_elsewhere() {
    for (load, needed) in [
        ("fanout --keep 2 --to nats://a:1", "--keep needs a filter"),
        ("fanout --own --to redis://a:1", "--own needs senders"),
        ("backlog --to nats://a:1", "backlog needs positions"),
        ("members --to redis://a:1", "members needs lists"),
    ] {
        assert_refused(load, &[needed, "give --to fanfare://HOST:PORT"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_is_not_there_is_not_measured() {
    let line = ["bench", "idle", "--pid", "4294967295"];
    assert_fails(&mut fanfare(&line), 1, &["there is no such process"]);
}
