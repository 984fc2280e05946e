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

/// The channels with which something is wrong while these fire, and nothing where it is wrong with the whole host: only
/// alerts that page. Tickets stand for weeks, or say themselves that something is unusual, and what is usual would never
/// be learned. What cannot be read is not known anyway, and the rest may be as ever.
pub fn incidents(firing: &[Alert]) -> impl Iterator<Item = Option<&str>> {
    let pages = firing.iter().filter(|alert| alert.severity == Severity::Critical);
    let labels = pages.map(|alert| &alert.labels).filter(|labels| !labels.contains_key("collector"));
    labels.map(|of| of.get("channel").or_else(|| of.get("source_channel")).map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::{Alert, Severity, Time, incidents};

    #[test]
    fn pages_are_incidents_and_tickets_are_none() {
        let alert = |severity, labels: &[(&'static str, &str)]| Alert {
            name: "ImsMtaAny",
            severity,
            labels: labels.iter().map(|&(name, value)| (name, value.to_owned())).collect(),
            summary: String::new(),
            description: String::new(),
            since: Time::default(),
        };
        for (severity, labels, expected) in [
            (Severity::Critical, &[("channel", "l"), ("reason", "x")][..], vec![Some("l")]),
            (Severity::Critical, &[("source_channel", "tcp_local")], vec![Some("tcp_local")]),
            (Severity::Critical, &[("process", "dispatcher")], vec![None]),
            (Severity::Critical, &[("collector", "queue")], vec![]),
            (Severity::Warning, &[("channel", "l")], vec![]),
        ] {
            assert_eq!(incidents(&[alert(severity, labels)]).collect::<Vec<_>>(), expected, "{labels:?}");
        }
    }
}
