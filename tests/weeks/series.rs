//! Series in promtool's notation, written down minute by minute.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What the target's labels are in all of them.
const TARGET: &str = "job=\"imsimta\",instance=\"mx1:9797\"";

/// Whoever is told what the exporter shows in a minute.
pub trait Page {
    /// The value of a series at the present minute.
    fn put(&mut self, metric: &str, labels: &str, value: f64);
}

/// All series of a host.
#[derive(Debug, Default)]
pub struct Series {
    /// By metric and labels.
    lines: BTreeMap<String, BTreeMap<String, Line>>,
    minutes: usize,
}

/// One of them, up to the present.
#[derive(Debug, Default)]
struct Line {
    text: String,
    /// Values that go on by the same step: the first, the step, how many.
    run: Option<(f64, f64, usize)>,
    /// Minutes without a value that are not written yet.
    absent: usize,
    /// Minutes that are known.
    minutes: usize,
}

impl Line {
    fn push(&mut self, value: f64) {
        self.minutes += 1;
        self.end_absence();
        self.run = Some(match self.run {
            None => (value, 0.0, 1),
            Some((first, _, 1)) => (first, value - first, 2),
            Some((first, step, count)) if is_next(first, step, count, value) => (first, step, count + 1),
            Some(_) => {
                self.end_run();
                (value, 0.0, 1)
            }
        });
    }

    fn skip(&mut self) {
        self.minutes += 1;
        self.end_run();
        self.absent += 1;
    }

    fn end_run(&mut self) {
        let Some((first, step, count)) = self.run.take() else { return };
        let more = count - 1;
        let text = match (more, step) {
            (0, _) => format!("{first} "),
            (1, _) => format!("{first} {} ", first + step),
            (_, 0.0) => format!("{first}x{more} "),
            (_, ..0.0) => format!("{first}{step}x{more} "),
            _ => format!("{first}+{step}x{more} "),
        };
        self.text.push_str(&text);
    }

    /// A target that does not answer makes its series stale at once.
    fn end_absence(&mut self) {
        let absent = std::mem::take(&mut self.absent);
        let stale = if self.text.is_empty() { "_ " } else { "stale " };
        match absent {
            0 => {}
            1 => self.text.push_str(stale),
            _ => write!(self.text, "{stale}_x{} ", absent - 1).expect("a string"),
        }
    }
}

/// Only numbers that a sum does not round are counted on.
#[expect(clippy::cast_precision_loss, reason = "minutes")]
fn is_next(first: f64, step: f64, count: usize, value: f64) -> bool {
    let exact = |number: f64| number.fract() == 0.0;
    let next = if step == 0.0 { first } else { first + step * count as f64 };
    (step == 0.0 || (exact(first) && exact(step))) && next.total_cmp(&value).is_eq()
}

impl Page for Series {
    fn put(&mut self, metric: &str, labels: &str, value: f64) {
        let minutes = self.minutes;
        if !self.lines.get(metric).is_some_and(|of| of.contains_key(labels)) {
            let of = self.lines.entry(metric.to_owned()).or_default();
            of.insert(labels.to_owned(), Line::default());
        }
        let line = self.lines.get_mut(metric).and_then(|of| of.get_mut(labels)).expect("it is there");
        while line.minutes < minutes {
            line.skip();
        }
        if line.minutes == minutes {
            line.push(value);
        }
    }
}

impl Series {
    /// The minute is over: what has got no value is absent in it.
    pub fn end_minute(&mut self) {
        self.minutes += 1;
        let lines = self.lines.values_mut().flat_map(BTreeMap::values_mut);
        lines.filter(|line| line.minutes < self.minutes).for_each(Line::skip);
    }

    /// The metrics that there are.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(String::as_str)
    }

    /// All is lived through.
    pub fn end(&mut self) {
        self.lines.values_mut().flat_map(BTreeMap::values_mut).for_each(Line::end_run);
    }

    /// As `input_series` of a test, those that some rules name: of all channels, or of some, by the source where there are two,
    /// and of the host.
    pub fn input(&self, of: Option<&[&str]>, rules: &str) -> String {
        let mut text = String::new();
        let is_of = |labels: &str| {
            let channel = labels.split_once("channel=\"").and_then(|(_, rest)| rest.split('"').next());
            of.zip(channel).is_none_or(|(of, channel)| of.contains(&channel))
        };
        let named = self.lines.iter().filter(|(metric, _)| rules.contains(metric.as_str()));
        let all = named.flat_map(|(metric, of)| of.iter().map(move |(labels, line)| (metric, labels, line)));
        for (metric, labels, line) in all.filter(|(_, labels, _)| is_of(labels)) {
            let comma = if labels.is_empty() { "" } else { "," };
            let values = line.text.trim_end();
            let series = format!(
                "      - series: '{metric}{{{labels}{comma}{TARGET}}}'\n        values: '{values}'\n"
            );
            text.push_str(&series);
        }
        text
    }
}

#[test]
fn runs_and_absences_are_written_short() {
    let mut series = Series::default();
    for value in
        [Some(1.0), Some(1.0), Some(1.0), Some(3.0), Some(5.0), Some(7.0), None, None, Some(0.5), None]
    {
        if let Some(value) = value {
            series.put("m", "a=\"b\"", value);
        }
        series.end_minute();
    }
    let expected = "      - series: 'm{a=\"b\",job=\"imsimta\",instance=\"mx1:9797\"}'\n        values: '1x2 3+2x2 stale _x1 0.5'\n";
    series.end();
    assert_eq!(series.input(None, "m > 0"), expected);
    assert_eq!(series.input(Some(&["c"]), "m > 0"), expected);
    assert_eq!(series.input(None, "n > 0"), "");
}
