//! An alert that fires, as whoever is told of it gets it.

use std::collections::BTreeMap;

use crate::aggregate::time::Time;
use crate::findings::Severity;

/// An alert that fires. Two with the same name, severity and labels are the same alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The name of the rule of Prometheus that says the same, such as `ImsMtaDeliveryFailureSpike`.
    pub name: &'static str,
    /// `critical` or `warning`, as the rule has it.
    pub severity: Severity,
    /// What the rule's labels are beyond `alertname`, `severity` and those of the target: `channel`, `port`, `process` …
    pub labels: BTreeMap<&'static str, String>,
    /// What is wrong and mostly why, in one sentence, without the host.
    pub summary: String,
    /// What shows it and what to do next, in sentences.
    pub description: String,
    /// Since when it fires, in milliseconds of the host's clock as it was then.
    pub since: Time,
}

/// What tells one alert from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Its name.
    pub name: &'static str,
    /// The word for its severity.
    pub severity: &'static str,
    /// Its labels.
    pub labels: BTreeMap<&'static str, String>,
}

impl Alert {
    /// What tells it from others.
    pub fn identity(&self) -> Identity {
        Identity { name: self.name, severity: self.severity.label(), labels: self.labels.clone() }
    }
}
