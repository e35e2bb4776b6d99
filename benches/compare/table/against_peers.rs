//! What a delivery and a publish cost beside other servers.

use super::check::{Bound, Check};
use super::figures::Metric;
use super::row::Peer::{Fanfare, Nats, Plain, Redis};
use super::row::Row;

/// The rows in the order of the page.
pub(super) fn rows() -> Vec<Row> {
    vec![
        saturated(),
        saturated_shared(),
        paced_shared(),
        paced(),
        many_channels(),
        session(),
        unary(),
        large(),
    ]
}

fn saturated() -> Row {
    let load = "fanout --connections 1000";
    Row {
        name: "saturated, 1,000 connections",
        setup: "A stream on each connection, as many events as go, from one publisher that \
                pipelines: over a session with Fanfare and plain tonic.",
        cases: vec![
            Nats.under(load),
            Fanfare.under(load),
            Redis.under(load),
            Plain.under(load),
        ],
        checks: vec![Check::gain("deliveries per CPU-second to NATS", 1, 0, 1.4).hoped(2.0)],
    }
}

fn saturated_shared() -> Row {
    let load = "fanout --connections 10 --streams 100";
    Row {
        name: "saturated, 10 connections × 100 streams",
        setup: "As before, with 100 subscriptions on each of 10 connections.",
        cases: vec![Nats.under(load), Fanfare.under(load), Plain.under(load)],
        checks: vec![Check::gain("deliveries per CPU-second to NATS", 1, 0, 3.0).hoped(6.0)],
    }
}

fn paced_shared() -> Row {
    let load = "fanout --connections 10 --streams 100 --rate 200 --publisher unary";
    Row {
        name: "paced 200/s, 10 connections × 100 streams",
        setup: "200 events a second, each a unary call: few sends for many deliveries. NATS \
                has but one way to publish.",
        cases: vec![Nats.under(load), Fanfare.under(load), Plain.under(load)],
        checks: vec![
            Check::cost("CPU per delivery to NATS", 1, 0, 1.1).hoped(0.7),
            Check::ratio("p99 to NATS", (Metric::P99, 1, 0), Bound::AtMost(1.1)).hoped(0.7),
        ],
    }
}

fn paced() -> Row {
    let load = "fanout --connections 1000 --rate 200 --publisher unary";
    Row {
        name: "paced 200/s, 1,000 connections",
        setup: "As before, with a connection for each stream: one write to a socket for each \
                delivery, whoever the server is.",
        cases: vec![Nats.under(load), Fanfare.under(load)],
        checks: vec![Check::cost("CPU per delivery to NATS", 1, 0, 1.05).hoped(0.8)],
    }
}

fn many_channels() -> Row {
    let load = "fanout --connections 10 --channels 1000 --listen 1000";
    let backlog = "backlog --connections 10 --channels 1000 --listen 1000 --events 500000";
    Row {
        name: "10 streams × 1,000 channels",
        setup: "Each of 10 streams, on a connection of its own, listens to the same 1,000 \
                channels; one pipelined publisher sends to them in turn. Then the same streams \
                come back to a backlog of 500,000 events over all channels.",
        cases: vec![
            Nats.under(load),
            Fanfare.under(load),
            Fanfare.doing("resumed", backlog),
        ],
        checks: vec![
            Check::cost("CPU per delivery to NATS", 1, 0, 1.2).hoped(0.5),
            Check::cost("CPU per delivery, resumed to live", 2, 1, 1.5).hoped(1.0),
        ],
    }
}

fn session() -> Row {
    Row {
        name: "Session: pipelined sends, no subscribers",
        setup: "One publisher with up to 1,000 events on their way. Fanfare answers each, \
                NATS a PING after every 64.",
        cases: vec![Nats.under("publish"), Fanfare.under("publish")],
        checks: vec![Check::gain("publishes per CPU-second to NATS", 1, 0, 0.7).hoped(1.0)],
    }
}

fn unary() -> Row {
    // tonic allows 200 streams on a connection where nobody says otherwise.
    let load = "publish --publisher unary --window 100";
    Row {
        name: "unary Send, no subscribers",
        setup: "100 calls at a time on one connection. With nobody listening plain tonic's \
                `Send` numbers the event and answers, and keeps nothing.",
        cases: vec![Plain.under(load), Fanfare.under(load)],
        checks: vec![Check::gain("calls per CPU-second to plain tonic", 1, 0, 1.0).hoped(1.2)],
    }
}

fn large() -> Row {
    let load = "fanout --connections 100 --payload 4096";
    Row {
        name: "payload 4 KiB, 100 connections",
        setup: "A stream on each of 100 connections, as many events as go.",
        cases: vec![Nats.under(load), Fanfare.under(load)],
        checks: vec![Check::gain("deliveries per CPU-second to NATS", 1, 0, 1.2).hoped(2.0)],
    }
}
