//! What a load found: a table for people, a line of JSON for programs.
//!
//! Both are made of the same rows, so they say the same.

use serde_json::{Map, Value, json};

use super::plan::{Audience, Plan};
use super::run::{Moment, Outcome};

/// One thing found.
#[derive(Debug)]
struct Row {
    /// Its name in JSON, with the unit.
    key: &'static str,
    /// Its name for people.
    label: &'static str,
    value: Value,
    unit: &'static str,
}

/// All that was found, in the order of reading.
#[derive(Debug)]
pub(super) struct Report(Vec<Row>);

impl Report {
    /// What the subscribers of events found.
    pub(super) fn of_deliveries(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::begin(plan, outcome);
        let deliveries = outcome.end.delivered - outcome.begin.delivered;
        let rate = ratio(deliveries, outcome.seconds());
        report.add("deliveries_per_second", "deliveries", rate, "/s");
        report.add("deliveries", "deliveries measured", deliveries, "");
        let events = outcome.end.published - outcome.begin.published;
        let rate = ratio(events, outcome.seconds());
        report.add("events_per_second", "events", rate, "/s");
        report.cpu(
            ("server_cpu_us_per_delivery", "load_cpu_us_per_delivery"),
            outcome,
            deliveries,
        );
        report.add("published", "events in all", outcome.published, "");
        report.add("delivered", "deliveries in all", outcome.delivered, "");
        report.add("loss", "lost", outcome.loss(), "of all deliveries");
        report.add("gaps", "gaps", outcome.faults.gaps, "");
        report.add("astray", "twice or out of order", outcome.faults.astray, "");
        for (key, label, quantile) in [
            ("p50_us", "latency p50", 0.5),
            ("p99_us", "latency p99", 0.99),
            ("p99_9_us", "latency p99.9", 0.999),
        ] {
            if !outcome.latency.is_empty() {
                let nanoseconds = outcome.latency.value_at_quantile(quantile);
                report.add(key, label, ratio(nanoseconds, 1e3), "µs");
            }
        }
        report
    }

    /// What the publishers found.
    pub(super) fn of_publishing(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self::begin(plan, outcome);
        let events = outcome.end.acknowledged - outcome.begin.acknowledged;
        let rate = ratio(events, outcome.seconds());
        report.add("events_per_second", "events", rate, "/s");
        report.add("events", "events measured", events, "");
        report.cpu(
            ("server_cpu_us_per_event", "load_cpu_us_per_event"),
            outcome,
            events,
        );
        report.add("published", "events in all", outcome.published, "");
        let loss = outcome.published - outcome.acknowledged;
        report.add("loss", "never acknowledged", loss, "of all events");
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
        report.add("connections", "connections", connections, "");
        report.add("streams", "streams", connections * streams, "");
        let Some((before, after)) = outcome.before.zip(outcome.end.server) else {
            return report;
        };
        let grown = after.resident.saturating_sub(before.resident);
        let each = |count: usize| ratio(grown, 1024.0 * ratio(count as u64, 1.0));
        let resident = ratio(before.resident, 1024.0);
        report.add("rss_before_kib", "server memory before", resident, "KiB");
        report.add(
            "rss_kib_per_connection",
            "a connection",
            each(connections),
            "KiB",
        );
        let streams = connections * streams;
        report.add("rss_kib_per_stream", "a stream", each(streams), "KiB");
        let used = cpu(outcome, |moment| moment.server.map(|usage| usage.cpu));
        if let Some(used) = used {
            let share = ratio(used, outcome.seconds() * 1e7);
            report.add("server_cpu_percent", "server CPU", share, "%");
        }
        report
    }

    fn begin(plan: &Plan, outcome: &Outcome) -> Self {
        let mut report = Self(Vec::new());
        report.add("target", "server", plan.target.to_string(), "");
        report.add("seconds", "measured", rounded(outcome.seconds()), "s");
        if let Some(server) = outcome.end.server {
            let resident = ratio(server.resident, 1024.0);
            report.add("rss_kib", "server memory", resident, "KiB");
        }
        report
    }

    /// CPU time of the server and of the load, each for one of `count`.
    fn cpu(&mut self, keys: (&'static str, &'static str), outcome: &Outcome, count: u64) {
        let server = cpu(outcome, |moment| moment.server.map(|usage| usage.cpu));
        let load = cpu(outcome, |moment| moment.load.map(|usage| usage.cpu));
        let rows = [
            (keys.0, "server CPU for each", server),
            (keys.1, "load's own CPU for each", load),
        ];
        for (key, label, used) in rows {
            if let Some(used) = used.filter(|_| count > 0) {
                let each = ratio(used, 1e3 * ratio(count, 1.0));
                self.add(key, label, each, "µs");
            }
        }
    }

    fn add(
        &mut self,
        key: &'static str,
        label: &'static str,
        value: impl Into<Value>,
        unit: &'static str,
    ) {
        let value = value.into();
        self.0.push(Row {
            key,
            label,
            value,
            unit,
        });
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        let rows = self.0.iter();
        let object: Map<_, _> = rows
            .map(|row| (row.key.to_owned(), row.value.clone()))
            .collect();
        json!(object).to_string()
    }

    /// A line for each thing, without the end of the last.
    pub(super) fn table(&self) -> String {
        let labels = self.0.iter().map(|row| row.label.len());
        let width = labels.max().unwrap_or(0);
        let line = |row: &Row| {
            let value = match &row.value {
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            let line = format!("{:width$}  {value} {}", row.label, row.unit);
            line.trim_end().to_owned()
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Nanoseconds of CPU time while it was measured, if that is known.
fn cpu(outcome: &Outcome, of: impl Fn(&Moment) -> Option<u64>) -> Option<u64> {
    let (begin, end) = (of(&outcome.begin)?, of(&outcome.end)?);
    Some(end.saturating_sub(begin))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn ratio(count: u64, by: f64) -> f64 {
    rounded(count as f64 / by)
}

/// Four digits, or all before the point: nothing here is known any better.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = 3.0 - value.abs().log10().floor();
    let scale = 10_f64.powf(digits.max(0.0));
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_four_digits_or_all_before_the_point() {
        for (value, shown) in [
            (0.045_678, "0.04568"),
            (1.0, "1.0"),
            (12.345_6, "12.35"),
            (1_234_567.8, "1234568.0"),
            (0.0, "0.0"),
        ] {
            assert_eq!(json!(rounded(value)).to_string(), shown);
        }
    }

    #[test]
    fn the_table_and_the_json_have_the_same_rows() {
        let mut report = Report(Vec::new());
        report.add("loss", "lost", 0, "of all");
        report.add("p50_us", "latency p50", 1.5, "µs");
        assert_eq!(report.json(), r#"{"loss":0,"p50_us":1.5}"#);
        assert_eq!(report.table(), "lost         0 of all\nlatency p50  1.5 µs");
    }
}
