//! What is found at one moment, as alerts: what findings are reason enough for, gravest first.

use std::time::Duration;

use super::alert::Identity;
use crate::findings::alert_of::{AlertOf, Patience};
use crate::findings::source::Sources;
use crate::findings::thresholds::table;
use crate::findings::{Finding, Weighed};

/// The rule that says that this host has nothing to do. What it explains is not there; what others explain is.
const NOT_ACTIVE: &str = "not_active";

/// Something is found that is reason enough for an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Noticed {
    /// Which alert.
    pub identity: Identity,
    /// How long it has to last.
    pub waits: Patience,
    /// How long it stays when nothing is found any more.
    pub stays: Duration,
    /// What it is known from.
    pub sources: Sources,
    /// What is wrong and mostly why, in one sentence.
    pub summary: String,
    /// What shows it and what to do next, in sentences.
    pub description: String,
    /// Whether something that rings itself explains it: then it begins no alert, and ends none.
    pub explained: bool,
}

/// The alerts for which findings are reason enough.
pub fn noticed(findings: &[Weighed]) -> Vec<Noticed> {
    let there = findings.iter().filter(|weighed| weighed.by != Some(NOT_ACTIVE));
    there
        .flat_map(|Weighed { finding, rung, .. }| {
            finding.alerts.iter().filter_map(|alert| one(finding, alert, *rung))
        })
        .collect()
}

fn one(finding: &Finding, alert: &AlertOf, explained: bool) -> Option<Noticed> {
    let AlertOf { name, severity, labels, sources, patience } = alert;
    let row = table().alert(name, severity.label())?;
    let waits = row.waits.unwrap_or_default();
    let sentences = [&finding.evidence, &finding.next].map(String::as_str);
    let sentences = sentences.into_iter().filter(|sentence| !sentence.is_empty());
    Some(Noticed {
        identity: Identity { name, severity: severity.label(), labels: labels.clone() },
        waits: Patience { so: patience.so.max(waits), anyway: patience.anyway.max(waits) },
        stays: row.stays.unwrap_or_default(),
        sources: *sources,
        summary: finding.what.clone(),
        description: sentences.collect::<Vec<_>>().join(" "),
        explained,
    })
}
