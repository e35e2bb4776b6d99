//! What Fanfare's own features, crowds and slow readers cost, beside Fanfare
//! without them.

use super::check::{Bound, Check, Formula};
use super::row::Peer::Fanfare;
use super::row::Row;

/// The rows in the order of the page.
pub(super) fn rows() -> Vec<Row> {
    vec![skipped(), one_channel(), crowd(), slow(), stalled()]
}

/// Less than 1.3 times the CPU where nothing is skipped.
fn skipping(what: &'static str, of: usize, to: usize, skipped: f64) -> Check {
    Check {
        what,
        formula: Formula::Skipping { of, to, skipped },
        must: Bound::AtMost(1.3),
        hoped: None,
        unit: "×",
    }
}

fn skipped() -> Row {
    Row {
        name: "filters, and echo off",
        setup: "10 connections × 100 streams, so that a delivery is cheap and skipping shows. \
                A filter keeps 1 event in 10, and each delivery may cost 30 ns more for each of \
                the 9 skipped. Echo: a session that listens sends, and skips its own events or \
                gets them too, which are not counted; that they name a sender makes them longer \
                than those of the others. Saturated, skipping happens \
                in bulk; at 200 events a second each skipped one may wake a stream for nothing.",
        cases: vec![
            Fanfare.doing("all", "fanout --connections 10 --streams 100"),
            Fanfare.doing("1 in 10", "fanout --connections 10 --streams 100 --keep 10"),
            Fanfare.doing("echo off", "fanout --connections 10 --streams 100 --own"),
            Fanfare.doing(
                "echo on",
                "fanout --connections 10 --streams 100 --own --echo",
            ),
            Fanfare.doing(
                "all, paced",
                "fanout --connections 10 --streams 100 --rate 200 --publisher unary",
            ),
            Fanfare.doing(
                "1 in 10, paced",
                "fanout --connections 10 --streams 100 --rate 200 --publisher unary --keep 10",
            ),
        ],
        checks: vec![
            skipping("filtered to not, saturated, less 30 ns a skip", 1, 0, 9.0),
            skipping("filtered to not, paced, less 30 ns a skip", 5, 4, 9.0),
            skipping("echo off to on", 2, 3, 0.0),
        ],
    }
}

fn one_channel() -> Row {
    Row {
        name: "one channel with 10,000 streams",
        setup: "10,000 streams on 100 connections, against 1,000 on as many; saturated.",
        cases: vec![
            Fanfare.doing("10,000", "fanout --connections 100 --streams 100"),
            Fanfare.doing("1,000", "fanout --connections 100 --streams 10"),
        ],
        checks: vec![Check::cost("CPU per delivery, 10,000 to 1,000", 0, 1, 1.2).hoped(1.0)],
    }
}

fn crowd() -> Row {
    Row {
        name: "10,000 subscribers and 100",
        setup: "10 streams on each connection in both cases, on 1,000 connections and on 10: \
                how many streams share a write decides the cost of a delivery more than all \
                else, so 100 × 100 against 100 × 1 would show that and flatter. Saturated.",
        cases: vec![
            Fanfare.doing("10,000", "fanout --connections 1000 --streams 10"),
            Fanfare.doing("100", "fanout --connections 10 --streams 10"),
        ],
        checks: vec![Check::cost("CPU per delivery, 10,000 to 100", 0, 1, 1.2).hoped(1.0)],
    }
}

fn slow() -> Row {
    Row {
        name: "one prompt reader, 999 slow ones",
        setup: "1,000 connections, of which 999 are read every 100 ms only, against 1,000 that \
                are all read at once. Both at 2,000 events a second, of which 200 come in a \
                pause: the window of 1,000 holds nobody up. Latencies are those of the prompt.",
        cases: vec![
            Fanfare.doing("equal", "fanout --connections 1000 --rate 2000"),
            Fanfare.doing(
                "999 slow",
                "fanout --connections 1000 --rate 2000 --slow 999 --pause 100",
            ),
        ],
        checks: vec![Check::cost("CPU per delivery, slow to equal", 1, 0, 1.2).hoped(1.0)],
    }
}

fn stalled() -> Row {
    Row {
        name: "10 % stalled",
        setup: "900 connections that read, with and without 100 more that never do; saturated. \
                What the 900 get is counted. It takes 12 seconds of it until the kernel's \
                buffers of the 100 are full, some 3 MB each: up to then the server writes for \
                1,000. After 30 more it would cut them off.",
        cases: vec![
            Fanfare.doing("none stalled", "fanout --connections 900 --warmup 12"),
            Fanfare.doing(
                "100 stalled",
                "fanout --connections 900 --stalled 100 --warmup 12",
            ),
        ],
        checks: vec![Check {
            what: "deliveries that the others lose",
            formula: Formula::Fall { of: 1, to: 0 },
            must: Bound::AtMost(5.0),
            hoped: Some(0.0),
            unit: "%",
        }],
    }
}
