//! What is held for those who wait, what a list costs, and how a node starts.

use super::check::Check;
use super::figures::Metric;
use super::row::Peer::{Fanfare, Nats};
use super::row::{Case, Load, Row};

/// The rows in the order of the page.
pub(super) fn rows() -> Vec<Row> {
    vec![idle_stream(), idle_connection(), members(), start()]
}

fn idle_stream() -> Row {
    let load = "idle --connections 10 --streams 1000 --warmup 28";
    Row {
        name: "idle stream on a shared connection",
        setup: "1,000 streams on each of 10 connections, nothing sent: what the server's \
                process has more of, for each stream, after half a minute: by then an allocator \
                has given back what it took to open them. The 10 connections are in it, and are \
                0.04 KiB a stream.",
        cases: vec![Nats.under(load), Fanfare.under(load)],
        checks: vec![Check::value("memory", (Metric::Stream, 1), (3.0, "KiB")).hoped(0.75)],
    }
}

fn idle_connection() -> Row {
    let load = "idle --connections 1000";
    Row {
        name: "idle connection with one stream",
        setup: "1,000 connections with a stream on each, nothing sent: the two together.",
        cases: vec![Nats.under(load), Fanfare.under(load)],
        checks: vec![Check::value("memory", (Metric::Stream, 1), (38.0, "KiB")).hoped(26.0)],
    }
}

fn members() -> Row {
    Row {
        name: "GetMembers, first page of 100",
        setup: "A channel with so many members, on 10 connections, and one caller after its \
                first page again and again.",
        cases: vec![
            Fanfare.doing("100,000", "members --members 100000 --connections 10"),
            Fanfare.doing("1,000", "members --members 1000 --connections 10"),
        ],
        checks: vec![
            Check::value("CPU per call, of 100,000", (Metric::Cpu, 0), (200.0, "µs")),
            Check::cost("CPU per call, 100,000 to 1,000", 0, 1, 1.2),
        ],
    }
}

fn start() -> Row {
    Row {
        name: "release binary",
        setup: "From the start of the process until a first unary `Send` is answered to a \
                client that is told the address, and what it holds a second after. The size is \
                that of a copy without symbols, made by `strip`.",
        cases: vec![Case {
            peer: Fanfare,
            what: "",
            load: Load::Start,
        }],
        checks: vec![
            Check::value("size", (Metric::Stripped, 0), (15.0, "MiB")),
            Check::value("start to first answer", (Metric::Start, 0), (50.0, "ms")),
            Check::value("idle memory", (Metric::Memory, 0), (10.0, "MiB")),
        ],
    }
}
