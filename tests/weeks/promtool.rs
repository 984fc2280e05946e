//! Rules over series by `promtool test rules`: which alerts began to fire, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex};

use super::calendar::{DAY, HOUR, MINUTE};

/// An alert that began to fire.
#[derive(Clone, Debug, PartialEq)]
pub struct Began {
    /// The second of it; of an hour the first time counts.
    pub at: usize,
    /// All its labels.
    pub labels: BTreeMap<String, String>,
    /// What it tells people, where that was asked for.
    pub summary: String,
}

impl Began {
    /// The value of a label; empty where there is none, as for Alertmanager.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    pub fn alert(&self) -> &str {
        self.label("alertname")
    }

    pub fn pages(&self) -> bool {
        self.label("severity") == "critical"
    }

    /// The alert and what it is about, for people.
    pub fn shown(&self) -> String {
        let about = ["channel", "process", "path", "log", "class", "port", "service"];
        let about = about.iter().map(|label| self.label(label)).filter(|value| !value.is_empty());
        std::iter::once(self.alert()).chain(about).collect::<Vec<_>>().join(" ")
    }

    /// The same, and when.
    pub fn shown_when(&self) -> String {
        format!("{} ({})", self.shown(), when(self.at / MINUTE))
    }
}

/// A minute as people say it.
pub fn when(minute: usize) -> String {
    let (day, minute) = (minute / DAY, minute % DAY);
    format!("day {day} {:02}:{:02}", minute / HOUR, minute % HOUR)
}

/// When an alert began to fire within an hour, as a query in quotes.
fn starts(step: usize) -> String {
    let firing = r#"ALERTS{alertstate=\"firing\",severity!=\"info\"}"#;
    format!("\"min_over_time((timestamp({firing}) unless {firing} offset {step}m)[1h:1m])\"")
}

/// Some rules over some series.
#[derive(Debug)]
pub struct Evaluation<'a> {
    pub rules: &'a str,
    /// As `input_series`.
    pub input: String,
    /// Minutes between two evaluations.
    pub step: usize,
    /// The minutes of them that are asked about.
    pub from: usize,
    pub until: usize,
}

/// A series' name, its labels and its value at a minute.
pub type Recorded = (usize, String, BTreeMap<String, String>, f64);

impl Evaluation<'_> {
    /// What began, with the summaries of some alerts at some minutes; `None` where promtool is not installed.
    pub fn began(&self, summaries: &[(usize, &str)]) -> Option<Vec<Began>> {
        let mut asked = "    promql_expr_test:\n".to_owned();
        for hour in (self.from / HOUR + 1)..=(self.until / HOUR) {
            let (time, expr) = (hour * HOUR - 1, starts(self.step));
            write!(asked, "      - eval_time: {time}m\n        expr: {expr}\n").expect("a string");
        }
        asked.push_str("    alert_rule_test:\n");
        for (minute, alert) in summaries {
            writeln!(asked, "      - {{eval_time: {minute}m, alertname: {alert}}}").expect("a string");
        }
        let said = self.run(&asked)?;
        let (told, mut began) = (told(&said), began(&said));
        for began in &mut began {
            let key = (began.at / MINUTE, began.labels.clone());
            began.summary = told.get(&key).cloned().unwrap_or_default();
        }
        Some(began)
    }

    /// What is recorded under some names at each evaluation; `None` where promtool is not installed.
    pub fn recorded(&self, names: &BTreeSet<String>) -> Option<Vec<Recorded>> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let expr = format!("{{__name__=~\"{}\"}}", names.join("|"));
        let mut asked = "    promql_expr_test:\n".to_owned();
        for time in (self.from..self.until).filter(|minute| minute.is_multiple_of(self.step)) {
            write!(asked, "      - eval_time: {time}m\n        expr: '{expr}'\n").expect("a string");
        }
        Some(recorded(&self.run(&asked)?))
    }

    /// What promtool says of it.
    fn run(&self, asked: &str) -> Option<String> {
        let directory = tempfile::tempdir().expect("a directory");
        let (rules, test) =
            (directory.path().join("weeks.rules.yml"), directory.path().join("weeks.test.yml"));
        let content = format!(
            "rule_files: [weeks.rules.yml]\nevaluation_interval: {}m\ntests:\n  - interval: 1m\n    input_series:\n{}{asked}",
            self.step, self.input
        );
        std::fs::write(&rules, self.rules).expect("a file");
        std::fs::write(&test, content).expect("a file");
        let output = match promtool(&test) {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("promtool: {error}"),
        };
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() || said.contains("got:"), "{}: {said}", output.status);
        Some(said)
    }
}

/// Runs a test, when there is a place for it: each takes a gigabyte of memory and a processor, so there are two at a time,
/// whichever tests wait for them.
fn promtool(test: &Path) -> std::io::Result<Output> {
    static PLACES: (Mutex<usize>, Condvar) = (Mutex::new(2), Condvar::new());
    let (free, freed) = &PLACES;
    let mut places = freed.wait_while(free.lock().expect("a number"), |free| *free == 0).expect("a number");
    *places -= 1;
    drop(places);
    // Memory is there, and time is not: garbage is collected when there is four times as much as what is in use.
    let output = Command::new("promtool").env("GOGC", "400").args(["test", "rules"]).arg(test).output();
    *free.lock().expect("a number") += 1;
    freed.notify_one();
    output
}

/// Reads series that promtool got where it was told to expect none.
fn recorded(text: &str) -> Vec<Recorded> {
    let (mut found, mut minute) = (Vec::new(), 0);
    for line in text.lines().map(str::trim) {
        if let Some((_, time)) = line.strip_prefix("expr: ").and_then(|line| line.rsplit_once(", time: ")) {
            minute = minutes(time.trim_end_matches([',', ' ']));
        } else if let Some(got) = line.strip_prefix("got:") {
            for (mut labels, value) in samples(got) {
                let name = labels.remove("__name__").unwrap_or_default();
                found.push((minute, name, labels, value));
            }
        }
    }
    found
}

/// The summaries that promtool got where it was told to expect no alert, by minute and labels.
fn told(text: &str) -> BTreeMap<(usize, BTreeMap<String, String>), String> {
    let (mut found, mut minute, mut labels) = (BTreeMap::new(), 0, BTreeMap::new());
    for line in text.lines().map(str::trim) {
        let inner =
            |start: &str| line.strip_prefix(start)?.split_once('{')?.1.rsplit_once('}').map(|(text, _)| text);
        if let Some((_, time)) = line.strip_prefix("alertname: ").and_then(|line| line.split_once(", time: "))
        {
            minute = minutes(time.trim_end_matches([',', ' ']));
        } else if let Some(text) = inner("Labels:") {
            labels = pairs(text);
        } else if let Some(text) = inner("Annotations:") {
            let summary = text.split_once("summary=\"").map_or("", |(_, summary)| summary);
            let end = summary.find('"').unwrap_or(summary.len());
            found.insert((minute, std::mem::take(&mut labels)), summary[..end].to_owned());
        }
    }
    found
}

/// `3w2d1h5m` as minutes.
fn minutes(text: &str) -> usize {
    let mut found = 0;
    for part in text.split_inclusive(|letter: char| letter.is_ascii_alphabetic()) {
        let (number, unit) = part.split_at(part.len() - 1);
        let unit = match unit {
            "w" => 7 * DAY,
            "d" => DAY,
            "h" => HOUR,
            "m" => 1,
            _ => panic!("{text}: a time that is not known"),
        };
        found += number.parse::<usize>().unwrap_or_else(|_| panic!("{text}")) * unit;
    }
    found
}

/// `a="b", c="d"`
fn pairs(text: &str) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    text.split(", ").filter_map(pair).collect()
}

/// Reads what promtool got where it was told to expect nothing.
fn began(text: &str) -> Vec<Began> {
    let got = text.lines().filter_map(|line| line.trim_start().strip_prefix("got:"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of weeks")]
    let second = |seconds: f64| seconds as usize;
    let began = |(mut labels, at): (BTreeMap<String, String>, f64)| {
        labels.remove("alertstate");
        Began { at: second(at), labels, summary: String::new() }
    };
    let mut found: Vec<Began> = got.flat_map(samples).map(began).collect();
    found.sort_by_key(|began| began.at);
    found
}

/// `{a="b", …} 1.2E+05, {…} …`
fn samples(text: &str) -> Vec<(BTreeMap<String, String>, f64)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((labels, after)) = after.split_once("} ") else { break };
        let (value, after) =
            after.split_once(", {").map_or((after, ""), |(value, _)| (value, &after[value.len()..]));
        let value =
            value.trim().trim_end_matches(',').parse().unwrap_or_else(|_| panic!("{value:?} of {text}"));
        found.push((pairs(labels), value));
        rest = after;
    }
    found
}

#[test]
fn what_promtool_got_is_read() {
    let text = "    expr: \"x\", time: 5h,\n        exp: nil\n        got: {alertname=\"A\", severity=\"critical\"} 1.86E+04, \
                {alertname=\"B\", channel=\"c\"} 60\n";
    let found: Vec<_> = began(text).iter().map(|began| (began.at, began.shown())).collect();
    assert_eq!(found, [(60, "B c".to_owned()), (18_600, "A".to_owned())]);
}

#[test]
fn what_promtool_got_of_alerts_is_read() {
    let text = "    alertname: A, time: 1w1d2h3m, \n        exp:[], \n        got:[\n            0:\n              \
                Labels:{alertname=\"A\", channel=\"c\"}\n              Annotations:{description=\"d\", summary=\"mx1 c: {it}.\"}\n";
    let labels = pairs("alertname=\"A\", channel=\"c\"");
    assert_eq!(told(text), BTreeMap::from([((8 * DAY + 123, labels), "mx1 c: {it}.".to_owned())]));
}

#[test]
fn what_promtool_got_of_series_is_read() {
    let text = "    expr: \"{__name__=~\\\"a|b\\\"}\", time: 1h4m,\n        exp: nil\n        \
                got: {__name__=\"a\", c=\"d\"} 1.5E+00, {__name__=\"b\"} 2\n";
    let labels = BTreeMap::from([("c".to_owned(), "d".to_owned())]);
    assert_eq!(
        recorded(text),
        [(64, "a".to_owned(), labels, 1.5), (64, "b".to_owned(), BTreeMap::new(), 2.0)]
    );
}
