//! The rules as promtool judges weeks by them: what looks at two weeks each time is recorded first, now and then, and the
//! alerts are judged with that at each minute.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::alerts::files::yaml;

const EXPORTER: &str = env!("CARGO_BIN_EXE_imsimta-exporter");
/// Sums of many hosts, which alert of nothing.
const NOT_JUDGED: &str = "fleet.rules.yml";
/// What rules of two weeks have in their queries.
const TWO_WEEKS: &str = "[2w";

/// All rules that are judged, in the order of the files.
#[derive(Debug)]
pub struct Ruleset(Vec<Value>);

/// Rules for one run of promtool.
#[derive(Debug)]
pub struct Part {
    /// What people call it.
    pub name: &'static str,
    /// A file of rules.
    pub text: String,
    /// The names of what looks at two weeks.
    pub weekly: BTreeSet<String>,
}

fn of<'a>(rule: &'a Value, key: &str) -> &'a str {
    rule[key].as_str().unwrap_or_default()
}

fn is_weekly(rule: &Value) -> bool {
    of(rule, "expr").contains(TWO_WEEKS)
}

impl Ruleset {
    /// As the program renders them for a scrape a minute, so that no window is too short.
    pub fn rendered(directory: &Path) -> Self {
        let arguments = ["rules", "--scrape-interval", "60s", "--output"];
        let output = Command::new(EXPORTER).args(arguments).arg(directory).output().expect("the program");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let files = std::fs::read_dir(directory).expect("a directory");
        let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        let mut all = Vec::new();
        for path in files.iter().filter(|path| !path.ends_with(NOT_JUDGED)) {
            let content: Value = yaml(path);
            let groups = content["groups"].as_array().expect("groups");
            all.extend(groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")).cloned());
        }
        Self(all)
    }

    /// What looks at two weeks, with what that needs: all samples of a channel, some of a channel, and some of the host.
    pub fn weekly(&self) -> [Part; 3] {
        let is_of_host = |rule: &Value| of(rule, "record").starts_with("job_instance:");
        let loads_all = |rule: &Value| of(rule, "expr").contains("[2w]");
        let part = |name, is_meant: &dyn Fn(&Value) -> bool| {
            self.part(name, self.rules().filter(|rule| is_weekly(rule) && is_meant(rule)).cloned().collect())
        };
        [
            part("all of two weeks", &|rule| loads_all(rule)),
            part("some of two weeks", &|rule| !loads_all(rule) && !is_of_host(rule)),
            part("the host's two weeks", &|rule| !loads_all(rule) && is_of_host(rule)),
        ]
    }

    /// The alerts, with what they need that does not look at two weeks: those that ask what was last week, in two halves, and
    /// those that do not.
    pub fn alerts(&self) -> [Part; 3] {
        let asks_a_week = |rule: &Value| {
            let text = rule.to_string();
            ["offset 1w", "offset 167h"].iter().any(|offset| text.contains(offset))
        };
        let alerts = self.rules().filter(|rule| !of(rule, "alert").is_empty()).cloned();
        let (mut asking, others): (Vec<Value>, Vec<Value>) = alerts.partition(asks_a_week);
        let second = asking.split_off(asking.len() / 2);
        [
            self.part("alerts that ask for last week", asking),
            self.part("more that ask for last week", second),
            self.part("all other alerts", others),
        ]
    }

    fn rules(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    /// Some rules behind those that record what they name, one after the other.
    fn part(&self, name: &'static str, rules: Vec<Value>) -> Part {
        let weekly = rules.iter().filter(|rule| is_weekly(rule)).map(|rule| of(rule, "record").to_owned());
        let (weekly, mut all) = (weekly.collect(), rules);
        loop {
            let texts: Vec<String> = all.iter().map(Value::to_string).collect();
            let is_named =
                |record: &str| !record.is_empty() && texts.iter().any(|text| text.contains(record));
            let is_there = |rule: &Value| all.contains(rule);
            let needed = |rule: &&Value| is_named(of(rule, "record")) && !is_weekly(rule) && !is_there(rule);
            let more: Vec<Value> = self.rules().filter(needed).cloned().collect();
            if more.is_empty() {
                break;
            }
            all.splice(0..0, more);
        }
        Part { name, text: json!({"groups": [{"name": "weeks", "rules": all}]}).to_string(), weekly }
    }
}
