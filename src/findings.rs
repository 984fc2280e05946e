//! PURE: what is wrong, the gravest first: one kind of finding for a report over files and for a program
//! that runs. No I/O, no clock.
//!
//! Rules look at plain data and give [`Finding`]s; [`weighed`] puts them in order and leaves out what
//! another one explains. [`situation`] is the data of a running program and [`now`] its rules; those of a
//! report are in `report::findings`. [`thresholds`] is where both and the alerts meet.

pub mod now;
pub mod options;
pub mod situation;
pub mod thresholds;

use serde::{Serialize, Serializer};

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
    /// What it makes superfluous.
    pub explains: Vec<Explained>,
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
        Self { severity, rule, channel: None, what, evidence, next, explains: Vec::new() }
    }

    /// About a channel.
    #[must_use]
    pub fn of(mut self, channel: &str) -> Self {
        self.channel = Some(channel.to_owned());
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

    fn is_explained_by(&self, other: &Self) -> bool {
        other.explains.iter().any(|explained| {
            explained.rule == self.rule && (explained.channel.is_none() || explained.channel == self.channel)
        })
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

/// The gravest first, in the order in which they were found otherwise, without those that another one
/// explains.
pub fn weighed(found: &[Finding]) -> Vec<Finding> {
    let mut kept: Vec<Finding> = found
        .iter()
        .filter(|finding| !found.iter().any(|other| finding.is_explained_by(other)))
        .cloned()
        .collect();
    kept.sort_by_key(|finding| finding.severity);
    kept
}

/// A share of two counts; 0 of nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
    let share = part as f64 / whole.max(1) as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::{Finding, Severity, weighed};

    #[test]
    fn the_gravest_is_first_and_what_is_explained_is_left_out() {
        let finding = |severity, rule| Finding::new(severity, rule, format!("{rule}."));
        let found = vec![
            finding(Severity::Note, "a"),
            finding(Severity::Warning, "b").of("tcp_local"),
            finding(Severity::Warning, "b").of("ims-ms"),
            finding(Severity::Critical, "c").explains(&["b"], Some("ims-ms")),
            finding(Severity::Warning, "d"),
        ];
        let kept = weighed(&found);
        let shown: Vec<_> = kept.iter().map(|finding| (finding.rule, finding.channel.as_deref())).collect();
        assert_eq!(shown, [("c", None), ("b", Some("tcp_local")), ("d", None), ("a", None)]);
    }
}
