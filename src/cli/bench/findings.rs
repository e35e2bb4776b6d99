//! What each load reports: the same keys for the same things.
//!
//! [`KEYS`] is what a program may rely on.

use hdrhistogram::Histogram;

use super::plan::{Audience, Plan};
use super::report::{Report, ratio, rounded};
use super::run::Outcome;

/// The keys of `--json`, for the help.
pub(super) const KEYS: &str = "\
Keys of --json, for every load:
  target, seconds           the server, and how long was measured
  rss_before_kib, rss_kib   memory of the server before the first connection,
                            and at the end of what is measured (KiB)
  server_cpu_seconds        CPU time of the server in what is measured
  load_cpu_seconds          the same of the load itself
of deliveries (fanout, latency, backlog):
  deliveries, deliveries_per_second, deliveries_per_server_cpu_second
  server_cpu_us_per_delivery, load_cpu_us_per_delivery
  events_per_second         published in what is measured; not of backlog
  published, delivered      in all, warm-up and the end too
  loss                      deliveries that never came
  gaps                      places where something is missing
  astray                    what came twice, out of order or to the wrong place
  p50_us, p99_us, p99_9_us  from the publishing to the delivery (µs), or from
                            when an event was due that had to wait for the one
                            before; not of backlog, nor of --slow connections
of acknowledgements (publish), and of answers (members):
  events, events_per_second, events_per_server_cpu_second
  server_cpu_us_per_event, load_cpu_us_per_event, published
  calls, calls_per_second, calls_per_server_cpu_second
  server_cpu_us_per_call, load_cpu_us_per_call, calls_in_all
  members, connections      who is listed, and on how many connections
  loss                      what was never acknowledged, or answered
  p50_us, p99_us, p99_9_us  from the publishing to the acknowledgement, or of a
                            call (µs)
of idle:
  connections, streams, rss_kib_per_connection, rss_kib_per_stream
  server_cpu_percent        of one CPU

What is measured of the server is there with --pid only.";

/// What a load counts, by its keys.
struct Work {
    count: &'static str,
    per_second: &'static str,
    per_server_second: &'static str,
    server_each: &'static str,
    load_each: &'static str,
    /// In all, warm-up and the end too.
    all: &'static str,
}

const DELIVERIES: Work = Work {
    count: "deliveries",
    per_second: "deliveries_per_second",
    per_server_second: "deliveries_per_server_cpu_second",
    server_each: "server_cpu_us_per_delivery",
    load_each: "load_cpu_us_per_delivery",
    all: "delivered",
};

const CALLS: Work = Work {
    count: "calls",
    per_second: "calls_per_second",
    per_server_second: "calls_per_server_cpu_second",
    server_each: "server_cpu_us_per_call",
    load_each: "load_cpu_us_per_call",
    all: "calls_in_all",
};

const EVENTS: Work = Work {
    count: "events",
    per_second: "events_per_second",
    per_server_second: "events_per_server_cpu_second",
    server_each: "server_cpu_us_per_event",
    load_each: "load_cpu_us_per_event",
    all: "published",
};

impl Report {
    /// What the subscribers of events found.
    pub(super) fn of_deliveries(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::begin(plan, outcome);
        let deliveries = outcome.end.delivered - outcome.begin.delivered;
        report.work(&DELIVERIES, outcome, deliveries);
        let events = outcome.end.published - outcome.begin.published;
        let rate = ratio(events, outcome.seconds());
        report.add("events_per_second", "events", rate, "/s");
        report.wholeness(outcome);
        report.quantiles(&outcome.latency);
        report
    }

    /// What the publishers found.
    pub(super) fn of_publishing(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::begin(plan, outcome);
        report.acknowledged(&EVENTS, outcome);
        report
    }

    /// What subscribers that came back found.
    pub(super) fn of_backlog(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::begin(plan, outcome);
        let deliveries = outcome.end.delivered - outcome.begin.delivered;
        report.work(&DELIVERIES, outcome, deliveries);
        report.wholeness(outcome);
        report
    }

    /// What it took to list members.
    pub(super) fn of_members(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::begin(plan, outcome);
        let connections = plan.audience.connections;
        report.add("members", "members", plan.audience.all(), "");
        report.add("connections", "connections", connections, "");
        report.acknowledged(&CALLS, outcome);
        report
    }

    /// What connections cost that are left alone.
    pub(super) fn of_idleness(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::begin(plan, outcome);
        let Audience {
            connections,
            streams,
            ..
        } = plan.audience;
        let streams = connections * streams;
        report.add("connections", "connections", connections, "");
        report.add("streams", "streams", streams, "");
        if let Some((before, after)) = outcome.before.zip(outcome.end.server) {
            let grown = after.resident.saturating_sub(before.resident);
            let each = |count: usize| ratio(grown, 1024.0 * ratio(count as u64, 1.0));
            let (connection, stream) = (each(connections), each(streams));
            report.add("rss_kib_per_connection", "a connection", connection, "KiB");
            report.add("rss_kib_per_stream", "a stream", stream, "KiB");
        }
        if let Some(used) = outcome.server_cpu() {
            let share = ratio(used, outcome.seconds() * 1e7);
            report.add("server_cpu_percent", "server CPU", share, "%");
        }
        report
    }

    /// The server, the time, and what both processes used.
    fn begin(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::default();
        report.add("target", "server", plan.target.to_string(), "");
        report.add("seconds", "measured", rounded(outcome.seconds()), "s");
        let memory = [
            ("rss_before_kib", "server memory before", outcome.before),
            ("rss_kib", "server memory", outcome.end.server),
        ];
        for (key, label, usage) in memory {
            if let Some(usage) = usage {
                report.add(key, label, ratio(usage.resident, 1024.0), "KiB");
            }
        }
        let times = [
            ("server_cpu_seconds", "server CPU", outcome.server_cpu()),
            ("load_cpu_seconds", "load's own CPU", outcome.load_cpu()),
        ];
        for (key, label, used) in times {
            if let Some(used) = used {
                report.add(key, label, ratio(used, 1e9), "s");
            }
        }
        report
    }

    /// How much was done, and what one of it took.
    fn work(&mut self, work: &Work, outcome: &Outcome, count: u64) {
        let rate = ratio(count, outcome.seconds());
        self.add(work.per_second, work.count, rate, "/s");
        self.add(work.count, "measured", count, "");
        if count == 0 {
            return;
        }
        let each = |used: u64| ratio(used, 1e3 * ratio(count, 1.0));
        if let Some(used) = outcome.server_cpu() {
            self.add(work.server_each, "server CPU for each", each(used), "µs");
            let rate = ratio(count, ratio(used, 1e9));
            self.add(work.per_server_second, "a second of it does", rate, "");
        }
        if let Some(used) = outcome.load_cpu() {
            self.add(work.load_each, "load's own CPU for each", each(used), "µs");
        }
    }

    /// What was acknowledged, and how soon.
    fn acknowledged(&mut self, work: &Work, outcome: &Outcome) {
        let count = outcome.end.acknowledged - outcome.begin.acknowledged;
        self.work(work, outcome, count);
        self.add(work.all, "in all", outcome.published, "");
        let loss = outcome.published - outcome.acknowledged;
        self.add("loss", "never acknowledged", loss, "");
        self.quantiles(&outcome.answers);
    }

    /// Whether all arrived, once and in order.
    fn wholeness(&mut self, outcome: &Outcome) {
        let faults = outcome.faults;
        self.add("published", "events in all", outcome.published, "");
        self.add(DELIVERIES.all, "deliveries in all", outcome.delivered, "");
        self.add("loss", "lost", outcome.loss(), "of all deliveries");
        self.add("gaps", "gaps", faults.gaps, "");
        self.add("astray", "twice or out of order", faults.astray, "");
    }

    /// How long it took, if that was recorded.
    fn quantiles(&mut self, latency: &Histogram<u64>) {
        for (key, label, quantile) in [
            ("p50_us", "latency p50", 0.5),
            ("p99_us", "latency p99", 0.99),
            ("p99_9_us", "latency p99.9", 0.999),
        ] {
            if !latency.is_empty() {
                let nanoseconds = latency.value_at_quantile(quantile);
                self.add(key, label, ratio(nanoseconds, 1e3), "µs");
            }
        }
    }
}
