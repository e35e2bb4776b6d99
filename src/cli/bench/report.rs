//! What a load found: a table for people, a line of JSON for programs.
//!
//! Both are made of the same rows, so they say the same.

use serde_json::{Map, Value, json};

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
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Row>);

impl Report {
    /// Adds what was found to the end.
    pub(super) fn add(
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

/// A count divided, to four digits.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn ratio(count: u64, by: f64) -> f64 {
    rounded(count as f64 / by)
}

/// Four digits, or all before the point: nothing here is known any better.
pub(super) fn rounded(value: f64) -> f64 {
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
        let mut report = Report::default();
        report.add("loss", "lost", 0, "of all");
        report.add("p50_us", "latency p50", 1.5, "µs");
        assert_eq!(report.json(), r#"{"loss":0,"p50_us":1.5}"#);
        assert_eq!(report.table(), "lost         0 of all\nlatency p50  1.5 µs");
    }
}
