//! The alerts of the program's own: what fires, why, since when, and what to do. On the status page, for a terminal, and as
//! JSON.

use std::fmt::Write as _;

use maud::{Markup, html};
use serde_json::{Value, json};

use super::document::with_commands;
use super::runbooks;
use crate::alerting::alert::Identity;
use crate::alerting::{Condition, Phase, Standing};
use crate::findings::words::time;

/// What fires, and what is about to, for the status page; nothing where nothing is. What to do stands there already for the
/// alerts whose runbooks are `shown`.
pub(super) fn section(alerts: &Standing, shown: &[&str], unix_seconds: f64) -> Markup {
    let firing = alerts.firing();
    let pending = alerts.conditions.len() - firing.len();
    html! {
        @if !alerts.conditions.is_empty() {
            h2 { "Alerts" }
            (list(alerts, &firing, shown, unix_seconds))
            @if pending > 0 {
                p.dim {
                    (pending) @if !firing.is_empty() { " more" }
                    @if pending == 1 { " is there and has to last before it fires." }
                    @else { " are there and have to last before they fire." }
                }
            }
            @if alerts.left_out > 0 { p.bad { "There is no room for " (alerts.left_out) " more." } }
        }
    }
}

/// What fires about a channel; nothing where nothing does.
pub(super) fn section_of(alerts: &Standing, channel: &str, shown: &[&str], unix_seconds: f64) -> Markup {
    let mut firing = alerts.firing();
    firing.retain(|(identity, _)| identity.labels.get("channel").is_some_and(|of| of == channel));
    html! {
        @if !firing.is_empty() { h2 { "Alerts" } (list(alerts, &firing, shown, unix_seconds)) }
    }
}

fn list(alerts: &Standing, firing: &[(&Identity, &Condition)], shown: &[&str], unix_seconds: f64) -> Markup {
    html! {
        @if !firing.is_empty() {
            ul {
                @for (identity, condition) in firing {
                    li {
                        @if let Some(reason) = alerts.silenced(identity) {
                            span.dim { "Silenced" @if !reason.is_empty() { " (" (reason) ")" } ": " }
                        }
                        span class=(identity.severity) { (identity.severity) } " "
                        a href=(runbooks::path(identity.name)) { (identity.name) } " "
                        (condition.summary) " "
                        span.dim { "Fires for " (fires_for(condition, unix_seconds)) "." }
                        @if !shown.contains(&identity.name) {
                            div.more { (with_commands(&condition.description)) }
                        }
                    }
                }
            }
        }
    }
}

/// The same for a terminal: a line for each that fires, and where its runbook is.
pub(super) fn text(alerts: &Standing, unix_seconds: f64) -> String {
    let mut text = String::new();
    for (identity, condition) in alerts.firing() {
        let Identity { name, severity, .. } = identity;
        let silenced = if alerts.silenced(identity).is_some() { ", silenced" } else { "" };
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "Alert {name} ({severity}, for {}{silenced}): {}\n    {}",
            fires_for(condition, unix_seconds),
            condition.summary,
            runbooks::path(name)
        );
    }
    if !text.is_empty() {
        text.insert(0, '\n');
    }
    text
}

fn fires_for(condition: &Condition, unix_seconds: f64) -> String {
    match condition.phase {
        Phase::Pending { lasted, .. } => time(lasted.as_secs_f64()),
        Phase::Firing { since, .. } => time((unix_seconds - seconds(since.millis())).max(0.0)),
    }
}

fn seconds(millis: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of thousands of years are exact")]
    let millis = millis as f64;
    millis / 1000.0
}

/// All that is pending or fires.
pub(super) fn as_json(alerts: &Standing) -> Vec<u8> {
    let page = json!({ "alerts": rows(alerts), "left_out": alerts.left_out });
    serde_json::to_vec(&page).unwrap_or_default()
}

/// One of each.
pub(super) fn rows(alerts: &Standing) -> Vec<Value> {
    let row = |(identity, condition)| row(identity, condition, alerts.silenced(identity));
    alerts.conditions.iter().map(row).collect()
}

fn row(identity: &Identity, condition: &Condition, silenced: Option<&str>) -> Value {
    let Identity { name, severity, labels } = identity;
    let (state, since, lasted) = match condition.phase {
        Phase::Pending { lasted, .. } => ("pending", None, Some(lasted.as_secs_f64())),
        Phase::Firing { since, .. } => ("firing", Some(seconds(since.millis())), None),
    };
    json!({
        "alertname": name,
        "severity": severity,
        "labels": labels,
        "state": state,
        "fires_since": since,
        "lasted_seconds": lasted,
        "not_looked_at_for_seconds": condition.unseen.map(|unseen| unseen.as_secs_f64()),
        "silenced": silenced.is_some(),
        "silenced_because": silenced.filter(|reason| !reason.is_empty()),
        "summary": condition.summary,
        "description": condition.description,
        "runbook": runbooks::path(name),
    })
}
