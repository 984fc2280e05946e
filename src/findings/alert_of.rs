//! The alert that a finding is reason enough for: its name, severity and labels are those of the rule of Prometheus that
//! says the same.

use std::collections::BTreeMap;
use std::time::Duration;

use super::source::Sources;
use super::thresholds::table;
use super::{Finding, Severity};

/// Labels beyond the name, the severity and those of the target.
pub type Labels = BTreeMap<&'static str, String>;

/// THE labels that alerts have beyond these; a saved alert with another one is none of ours.
pub const LABELS: &[&str] = &[
    "channel",
    "class",
    "collector",
    "direction",
    "log",
    "path",
    "port",
    "process",
    "receiver",
    "service",
    "source_channel",
    "table",
    "what",
];

/// An alert that a finding is reason enough for.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertOf {
    /// Its name.
    pub name: &'static str,
    /// As the rule has it, which may be less grave than the finding is for who looks anyway.
    pub severity: Severity,
    /// Its labels.
    pub labels: Labels,
    /// What it is known from.
    pub sources: Sources,
    /// How long it has to last beyond the `for` of the alert, where the rule's windows are that patience.
    pub patience: Patience,
}

/// How long something has to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Patience {
    /// As it is now.
    pub so: Duration,
    /// However it was meanwhile.
    pub anyway: Duration,
}

impl AlertOf {
    /// The alert of a name, with the severity of its rule that is nearest to `severity`.
    pub fn new(name: &'static str, severity: Severity, sources: Sources) -> Self {
        let severity = table().nearest(name, severity).unwrap_or(severity);
        Self { name, severity, labels: Labels::new(), sources, patience: Patience::default() }
    }
}

impl Finding {
    /// A label that its alerts have.
    #[must_use]
    pub fn labelled(mut self, label: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        for alert in &mut self.alerts {
            alert.labels.insert(label, value.to_string());
        }
        self
    }

    /// The same alert for each of several sets of labels.
    #[must_use]
    pub fn labelled_each(mut self, sets: impl IntoIterator<Item = Labels>) -> Self {
        if let Some(alert) = self.alerts.pop() {
            self.alerts.extend(sets.into_iter().map(|labels| AlertOf { labels, ..alert.clone() }));
        }
        self
    }

    /// How long it has to last until its alerts ring.
    #[must_use]
    pub fn patient(mut self, patience: Patience) -> Self {
        self.alerts.iter_mut().for_each(|alert| alert.patience = patience);
        self
    }

    /// For who looks at the page; it is reason enough for an alert only where that `is` so.
    #[must_use]
    pub fn rings_if(mut self, is: bool) -> Self {
        if !is {
            self.alerts.clear();
        }
        self
    }

    /// Of another severity, and so are its alerts where there are rules of that severity.
    #[must_use]
    pub fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        for alert in &mut self.alerts {
            alert.severity = table().nearest(alert.name, severity).unwrap_or(severity);
        }
        self
    }
}
