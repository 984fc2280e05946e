//! PURE: what is wrong, the gravest first: one kind of finding for a report over files and for a program
//! that runs. No I/O, no clock.
//!
//! [`rules`] is THE table of rules, their functions stand in a file a theme. They look at plain data, at what is known
//! now ([`situation`]) or at what whole logs say ([`logs`]), and give [`Finding`]s; [`findings`] puts them in order and
//! leaves out what another one explains. [`thresholds`] is where they and the alerts meet, [`advice`] says what to look
//! at for a reason.

pub mod advice;
pub mod alert_of;
pub mod channels;
mod clients;
mod daemons;
mod delivery;
mod files;
mod host;
pub mod logs;
pub mod losses;
pub mod measure;
pub mod options;
mod outside;
mod queue;
mod reading;
pub mod rule;
pub mod rules;
pub mod situation;
pub mod source;
pub mod space;
pub mod thresholds;
pub mod traffic;
mod usual;
pub mod words;

#[cfg(test)]
mod tests;

use alert_of::AlertOf;
use logs::Logs;
use situation::Situation;
pub use thresholds::Thresholds;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// What the rules look at. A report fills it with what its files say, a program that runs with what it knows now; each
/// may fill both.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What is known now.
    pub now: Option<&'a Situation>,
    /// What whole logs say.
    pub logs: Option<&'a Logs<'a>>,
    /// From where on something is a finding.
    pub limits: &'a Thresholds,
}

/// What is wrong, the gravest first. Of what is known now there is always something to say, and the first one's `what`
/// says whether mail flows.
pub fn findings(input: &Input<'_>) -> Vec<Finding> {
    weighed(all(input))
        .into_iter()
        .filter(|weighed| weighed.by.is_none())
        .map(|weighed| weighed.finding)
        .collect()
}

/// The same with what another one explains, for alerts: one that rings goes on while something explains it.
pub fn with_explained(input: &Input<'_>) -> Vec<Weighed> {
    weighed(all(input))
}

fn all(input: &Input<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in rules::RULES {
        rule.find(input, &mut found);
    }
    debug_assert!(unknown_rules(&found).is_empty(), "they explain no rule: {:?}", unknown_rules(&found));
    found
}

/// A finding, and by the finding of which rule it is explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// What was found.
    pub finding: Finding,
    /// The rule of the finding that explains it.
    pub by: Option<&'static str>,
    /// Whether that is reason enough for an alert, so that this one need not be.
    pub rung: bool,
}

/// What findings say that they explain, and no rule is called. Every rule speaks in some test.
fn unknown_rules(found: &[Finding]) -> Vec<&'static str> {
    let known = |name: &&str| rules::RULES.iter().any(|rule| rule.name == *name);
    let explained = found.iter().flat_map(|finding| &finding.explains).map(|explained| explained.rule);
    explained.filter(|name| !known(name)).collect()
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Mail does not flow, or nobody can tell.
    Critical,
    /// Something has to be looked at; mail flows otherwise.
    Warning,
    /// Good to know, and nothing to do.
    Note,
    /// As it should be.
    Good,
}

impl Severity {
    /// The word for it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Good => "good",
        }
    }
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The rule's name.
    pub rule: &'static str,
    /// The channel that it is about, where it is about one.
    pub channel: Option<String>,
    /// What is wrong, in one sentence.
    pub what: String,
    /// What shows it, in sentences; may be empty.
    pub evidence: String,
    /// What to look at next, in sentences; may be empty.
    pub next: String,
    /// The runbook of the alert that asks for the same, where there is one.
    pub runbook: Option<Runbook>,
    /// What it makes superfluous.
    pub explains: Vec<Explained>,
    /// What it is reason enough for; empty where it is less than an alert asks for.
    pub alerts: Vec<AlertOf>,
}

/// The page of an alert that says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runbook(&'static str);

impl Runbook {
    /// That of an alert.
    pub fn of(alert: &'static str) -> Self {
        Self(alert)
    }

    /// The name of the alert, and of the page.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// The name of its file.
    pub fn file(self) -> String {
        format!("{}.md", self.0)
    }
}

/// What a finding explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The rule of the other finding.
    pub rule: &'static str,
    /// The channel of the other finding; none for any.
    pub channel: Option<String>,
}

impl Finding {
    /// One with nothing but its sentence.
    pub fn new(severity: Severity, rule: &'static str, what: String) -> Self {
        let (evidence, next) = (String::new(), String::new());
        let (explains, alerts) = (Vec::new(), Vec::new());
        Self { severity, rule, channel: None, what, evidence, next, runbook: None, explains, alerts }
    }

    /// About a channel.
    #[must_use]
    pub fn of(mut self, channel: &str) -> Self {
        self.channel = Some(channel.to_owned());
        self
    }

    /// With the runbook of an alert.
    #[must_use]
    pub fn with_runbook(mut self, alert: Option<&'static str>) -> Self {
        self.runbook = alert.map(Runbook);
        self
    }

    /// With what shows it.
    #[must_use]
    pub fn since(mut self, evidence: String) -> Self {
        self.evidence = evidence;
        self
    }

    /// With what to look at next.
    #[must_use]
    pub fn then(mut self, next: &str) -> Self {
        next.clone_into(&mut self.next);
        self
    }

    /// Explains findings of other rules, about a channel or about any.
    #[must_use]
    pub fn explains(mut self, rules: &[&'static str], channel: Option<&str>) -> Self {
        let explained = |&rule: &&'static str| Explained { rule, channel: channel.map(str::to_owned) };
        self.explains.extend(rules.iter().map(explained));
        self
    }

    /// All that it says.
    pub fn sentence(&self) -> String {
        let parts = [&self.what, &self.evidence, &self.next];
        parts.map(String::as_str).into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// The keys of the JSON.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Keys<'a> {
            severity: Severity,
            rule: &'a str,
            channel: Option<&'a str>,
            sentence: String,
        }
        let channel = self.channel.as_deref();
        Keys { severity: self.severity, rule: self.rule, channel, sentence: self.sentence() }
            .serialize(serializer)
    }
}

/// The gravest first, in the order in which they were found otherwise, each with what explains it.
fn weighed(found: Vec<Finding>) -> Vec<Weighed> {
    let mut explained: BTreeMap<(&str, Option<&str>), (bool, &'static str)> = BTreeMap::new();
    for finding in &found {
        let rung = !finding.alerts.is_empty();
        for Explained { rule, channel } in &finding.explains {
            let by = explained.entry((rule, channel.as_deref())).or_insert((rung, finding.rule));
            by.0 |= rung;
        }
    }
    let by = |finding: &Finding| {
        let all = [None, finding.channel.as_deref()].map(|channel| explained.get(&(finding.rule, channel)));
        let by = all.iter().flatten().next().map(|(_, by)| *by);
        (by, all.iter().flatten().any(|(rung, _)| *rung))
    };
    let by: Vec<_> = found.iter().map(by).collect();
    let whole = |(finding, (by, rung))| Weighed { finding, by, rung };
    let mut weighed: Vec<_> = found.into_iter().zip(by).map(whole).collect();
    weighed.sort_by_key(|weighed| weighed.finding.severity);
    weighed
}

/// A share of two counts; 0 of nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
    let share = part as f64 / whole.max(1) as f64;
    share
}
