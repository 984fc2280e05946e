//! What the exporter of the site shows in a minute, and by how much its counters grew: what is lived through is the same for the
//! rules, which are asked by Prometheus, and for the exporter that finds by itself.

use std::collections::BTreeMap;

use crate::weeks::series::Page;

/// All of it.
#[derive(Debug, Default)]
pub struct Shown {
    /// By metric and labels.
    series: BTreeMap<String, BTreeMap<String, Value>>,
    minute: usize,
}

/// A series.
#[derive(Clone, Copy, Debug, Default)]
struct Value {
    now: f64,
    /// The last minute but the present one in which it was shown; counters begin at 0.
    before: f64,
    minute: usize,
}

impl Page for Shown {
    fn put(&mut self, metric: &str, labels: &str, value: f64) {
        if !self.series.contains_key(metric) {
            self.series.insert(metric.to_owned(), BTreeMap::new());
        }
        let of = self.series.get_mut(metric).expect("it is there");
        if !of.contains_key(labels) {
            of.insert(labels.to_owned(), Value::default());
        }
        let of = of.get_mut(labels).expect("it is there");
        *of = Value { now: value, before: of.now, minute: self.minute };
    }
}

/// A count of a metric.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are whole and not negative"
)]
pub fn count(value: f64) -> u64 {
    value as u64
}

/// The value of a label; empty where there is none.
pub fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    let of = |label: &'a str| Some(label.strip_prefix(name)?.strip_prefix("=\"")?.trim_end_matches('"'));
    labels.split(',').find_map(of).unwrap_or_default()
}

impl Shown {
    /// A minute begins, and nothing is shown yet.
    pub fn begin(&mut self, minute: usize) {
        self.minute = minute;
    }

    /// The series of a metric that are shown now: their labels and values.
    pub fn of(&self, metric: &str) -> impl Iterator<Item = (&str, f64)> {
        self.present(metric).map(|(labels, value)| (labels, value.now))
    }

    /// The value of one of them.
    pub fn get(&self, metric: &str, labels: &str) -> Option<f64> {
        let value = self.series.get(metric)?.get(labels)?;
        (value.minute == self.minute).then_some(value.now)
    }

    /// By how much the counters of a metric grew since they were last shown.
    pub fn grew(&self, metric: &str) -> impl Iterator<Item = (&str, u64)> {
        self.present(metric).map(|(labels, value)| (labels, count(value.now - value.before)))
    }

    fn present(&self, metric: &str) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.series.get(metric).into_iter().flatten();
        all.filter(|(_, value)| value.minute == self.minute).map(|(labels, value)| (labels.as_str(), value))
    }
}

#[test]
fn counters_grow_from_what_was_shown_last() {
    let mut shown = Shown::default();
    for (minute, value) in [(1, Some(5.0)), (2, Some(7.0)), (3, None), (4, Some(10.0))] {
        shown.begin(minute);
        if let Some(value) = value {
            shown.put("m", "a=\"b\",source_a=\"c\"", value);
        }
        let grew: Vec<_> = shown.grew("m").map(|(labels, grew)| (label(labels, "a"), grew)).collect();
        let expected = [vec![("b", 5)], vec![("b", 2)], vec![], vec![("b", 3)]];
        assert_eq!(grew, expected[minute - 1]);
    }
}
