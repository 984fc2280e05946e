//! Rules over series by `promtool test rules`: which alerts began to fire, and when.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::calendar::HOUR;

/// An alert that began to fire.
#[derive(Clone, Debug, PartialEq)]
pub struct Began {
    /// The minute of it; the first of an hour counts.
    pub minute: usize,
    /// All its labels.
    pub labels: BTreeMap<String, String>,
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
}

/// When an alert began to fire within an hour, as a query in quotes.
fn starts(step: usize) -> String {
    let firing = r#"ALERTS{alertstate=\"firing\",severity!=\"info\"}"#;
    format!("\"min_over_time((timestamp({firing}) unless {firing} offset {step}m)[1h:1m])\"")
}

/// Evaluates a file of rules every `step` minutes, and says what began between two minutes; `None` where promtool is not
/// installed.
pub fn evaluate(
    directory: &Path,
    rules: &str,
    input: &str,
    step: usize,
    (from, until): (usize, usize),
) -> Option<Vec<Began>> {
    let mut content = format!(
        "rule_files: [{rules}]\nevaluation_interval: {step}m\ntests:\n  - interval: 1m\n    input_series:\n{input}    promql_expr_test:\n"
    );
    for hour in (from / HOUR + 1)..=(until / HOUR) {
        let (time, expr) = (hour * HOUR - 1, starts(step));
        write!(content, "      - eval_time: {time}m\n        expr: {expr}\n").expect("a string");
    }
    let file = directory.join(format!("{rules}.test.yml"));
    std::fs::write(&file, content).expect("a file");
    let output = match Command::new("promtool").args(["test", "rules"]).arg(&file).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("promtool: {error}"),
    };
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() || said.contains("got:"), "{rules}: {said}");
    Some(began(&said))
}

/// Reads what promtool got where it was told to expect nothing.
fn began(text: &str) -> Vec<Began> {
    let got = text.lines().filter_map(|line| line.trim_start().strip_prefix("got:"));
    let mut found: Vec<Began> = got.flat_map(samples).collect();
    found.sort_by_key(|began| began.minute);
    found
}

/// `{a="b", …} 1.2E+05, {…} …`
fn samples(text: &str) -> Vec<Began> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((labels, after)) = after.split_once("} ") else { break };
        let (value, after) =
            after.split_once(", {").map_or((after, ""), |(value, _)| (value, &after[value.len()..]));
        let seconds: f64 =
            value.trim().trim_end_matches(',').parse().unwrap_or_else(|_| panic!("{value:?} of {text}"));
        let labels = labels.split(", ").filter_map(|label| {
            let (name, value) = label.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('"').to_owned()))
        });
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of weeks")]
        found.push(Began { minute: (seconds / 60.0) as usize, labels: labels.collect() });
        rest = after;
    }
    found
}

#[test]
fn what_promtool_got_is_read() {
    let text = "    expr: \"x\", time: 5h,\n        exp: nil\n        got: {alertname=\"A\", severity=\"critical\"} 1.86E+04, \
                {alertname=\"B\", channel=\"c\"} 60\n";
    let found: Vec<_> = began(text).iter().map(|began| (began.minute, began.shown())).collect();
    assert_eq!(found, [(1, "B c".to_owned()), (310, "A".to_owned())]);
}
