//! The status page as JSON, for programs: the same sentence, findings, alerts and rows. [`FIELDS`] is its schema.

use serde_json::{Value, json};

use super::known::{Known, Row};
use crate::aggregate::recent::{ChannelActivity, WINDOW_MINUTES};
use crate::findings::Finding;
use crate::http::{alerts, runbooks};
use crate::observed::latest::Outline;
use crate::record::reason::Reason;

/// Raised when a field goes, or means something else. New ones may come at any time.
const SCHEMA: u32 = 1;

/// THE table of its fields: where each is, of what kind, and what it says. `docs/pages.md` derives from it.
pub(in crate::http) const FIELDS: &[(&str, &str, &str)] = &[
    ("schema", "number", "1; another one when a field goes or means something else"),
    ("at", "number", "when this was so, Unix seconds by the host's clock"),
    ("sentence", "string", "the first sentence of the page: whether mail flows, and else what is wrong"),
    (
        "severity",
        "string",
        "of the sentence: `critical`, `warning`, `note` (nobody knows, or nothing to do) or `good`",
    ),
    (
        "active",
        "true, false or null",
        "whether the MTA's data is on this host; false on the passive node of a pair",
    ),
    ("window_seconds", "number", "the time until now that all counts of `channels` are of"),
    (
        "known_seconds",
        "number or null",
        "for how long until now the logs are known without a hole; counts are too low while that is less",
    ),
    ("ready", "true or false", "whether each source has been read, as at `/-/ready`"),
    ("waits_for[]", "string", "what has not been read yet"),
    ("without[]", "string", "what cannot be read, and why"),
    (
        "findings[]",
        "object",
        "what is wrong, the gravest first; the first one is the sentence, which is mail that goes out where nothing is critical",
    ),
    ("findings[].name", "string", "the rule; those of a report have the same names"),
    ("findings[].severity", "string", "as above"),
    ("findings[].channel", "string or null", "the channel that it is about"),
    ("findings[].what", "string", "what is wrong, in one sentence"),
    ("findings[].evidence", "string", "what shows it"),
    ("findings[].next", "string", "what to look at next; what is typed stands between backticks"),
    ("findings[].runbook", "string or null", "the path of the runbook"),
    ("findings[].explains[]", "object", "what was found as well and follows from it"),
    ("findings[].explains[].name", "string", "the rule"),
    ("findings[].explains[].channel", "string or null", "the channel"),
    ("findings[].explains[].what", "string", "the sentence"),
    ("alerts[]", "object", "the alerts of the exporter's own that are pending or fire, as at `/api/alerts`"),
    ("alerts[].alertname", "string", "its name"),
    ("alerts[].severity", "string", "`critical` or `warning`"),
    ("alerts[].labels{}", "string", "labels by name"),
    ("alerts[].state", "string", "`pending` or `firing`"),
    ("alerts[].fires_since", "number or null", "Unix seconds"),
    ("alerts[].lasted_seconds", "number or null", "for how long it has been pending"),
    ("alerts[].not_looked_at_for_seconds", "number or null", "for how long its source could not be read"),
    ("alerts[].silenced", "true or false", "whether the configuration silences it"),
    ("alerts[].silenced_because", "string or null", "why"),
    ("alerts[].summary", "string", "what is wrong, in one sentence"),
    ("alerts[].description", "string", "what shows it and what to do next"),
    ("alerts[].runbook", "string", "the path of the runbook"),
    ("alerts_left_out", "number", "alerts for which there was no room"),
    ("channels[]", "object", "a row for each channel that is in use, by name; null is not known"),
    ("channels[].channel", "string", "its name"),
    ("channels[].enqueued", "number or null", "recipients that were enqueued for it"),
    ("channels[].delivered", "number or null", "recipients that it delivered or handed on"),
    ("channels[].attempts", "number or null", "attempts to deliver"),
    ("channels[].failed", "number or null", "those of them that failed"),
    ("channels[].main_reason", "string or null", "why most of them failed, as the label `reason` has it"),
    ("channels[].waiting", "number or null", "messages that wait"),
    (
        "channels[].waiting_usually",
        "number or null",
        "how many are usual at this hour of the week, where that was learned",
    ),
    ("channels[].waiting_at_most", "number or null", "more than so many are unusual"),
    ("channels[].oldest_seconds", "number or null", "for how long the oldest has waited"),
    (
        "channels[].never_tried",
        "number or null",
        "messages that nobody has tried for longer than `queue.stuck_after`",
    ),
    ("channels[].held", "number or null", "held messages"),
    ("channels[].stopped", "true, false or null", "whether it was stopped by hand, where the MTA is asked"),
    ("services[]", "object", "services of the Dispatcher whose ports are looked at"),
    ("services[].service", "string", "its name"),
    ("services[].connections", "number", "connections that are open"),
    ("services[].limit", "number or null", "how many it takes at once"),
    ("busiest[]", "object", "the first three of each kind, as at `/top.json`"),
    ("busiest[].table", "string", "which kind"),
    (
        "busiest[].rows[]",
        "object",
        "the greatest count first; empty where clients are not shown (`clients.label`)",
    ),
    ("busiest[].rows[].name", "string", "who, as clients are shown"),
    ("busiest[].rows[].count", "number", "how often in the last 5 minutes, or how many now"),
    ("busiest[].rows[].states{}", "number", "of sockets: the same by state"),
    ("busiest[].max", "number", "the greatest count, whoever it is"),
    ("busiest[].all", "number", "the sum of all counts"),
    ("busiest[].error_bound", "number", "how much less than the truth a count may be"),
    ("collectors[]", "object", "what is read"),
    ("collectors[].collector", "string", "its name, as the label `collector` has it"),
    ("collectors[].reads", "string", "where"),
    (
        "collectors[].success",
        "true, false or null",
        "whether the last run could read it; null before the first",
    ),
    ("collectors[].problem", "string or null", "what was wrong in it"),
    ("collectors[].last_success_seconds_ago", "number or null", "how long ago the last run that could was"),
    ("exporter.version", "string", "of the exporter"),
    ("exporter.started_at", "number", "Unix seconds"),
];

/// The page.
pub(in crate::http) fn json(known: &Known<'_>) -> Vec<u8> {
    serde_json::to_vec(&value(known)).unwrap_or_default()
}

fn value(known: &Known<'_>) -> Value {
    let situation = &known.situation;
    let first = known.said().next();
    json!({
        "schema": SCHEMA,
        "at": known.at,
        "sentence": first.map(|finding| &finding.what),
        "severity": first.map(|finding| finding.severity),
        "active": situation.active,
        "window_seconds": WINDOW_MINUTES * 60,
        "known_seconds": situation.logs.as_ref().and_then(|logs| logs.known_for),
        "ready": known.readiness.is_ready(),
        "waits_for": known.readiness.waits,
        "without": known.readiness.without,
        "findings": known.said().map(|said| finding(known, said)).collect::<Vec<_>>(),
        "alerts": alerts::rows(&known.alerts),
        "alerts_left_out": known.alerts.left_out,
        "channels": known.rows().map(|known| row(&known)).collect::<Vec<_>>(),
        "services": situation.services.iter().map(|service| json!({
            "service": service.name,
            "connections": service.used,
            "limit": service.limit,
        })).collect::<Vec<_>>(),
        "busiest": known.busiest,
        "collectors": known.collectors.iter().map(|outline| collector(outline, known.steady)).collect::<Vec<_>>(),
        "exporter": { "version": env!("CARGO_PKG_VERSION"), "started_at": known.started_at },
    })
}

fn finding(known: &Known<'_>, finding: &Finding) -> Value {
    let explained = known.explained_by(finding);
    json!({
        "name": finding.rule,
        "severity": finding.severity,
        "channel": finding.channel,
        "what": finding.what,
        "evidence": finding.evidence,
        "next": finding.next,
        "runbook": finding.runbook.map(|runbook| runbooks::path(runbook.name())),
        "explains": explained.map(|other| json!({
            "name": other.rule,
            "channel": other.channel,
            "what": other.what,
        })).collect::<Vec<_>>(),
    })
}

fn row(row: &Row<'_>) -> Value {
    json!({
        "channel": row.name,
        "enqueued": row.enqueued(),
        "delivered": row.delivered(),
        "attempts": row.window.map(|window| window.attempts),
        "failed": row.window.map(ChannelActivity::failed),
        "main_reason": row.reason().map(Reason::label),
        "waiting": row.waiting,
        "waiting_usually": row.usual.map(|band| band.expected),
        "waiting_at_most": row.usual.map(|band| band.upper),
        "oldest_seconds": row.oldest,
        "never_tried": row.never_tried,
        "held": row.held,
        "stopped": row.stopped,
    })
}

fn collector(outline: &Outline, steady: f64) -> Value {
    let Outline { about, reading, .. } = outline;
    json!({
        "collector": about.name,
        "reads": about.reads,
        "success": (reading.runs > 0).then_some(reading.success),
        "problem": reading.problem,
        "last_success_seconds_ago": reading.last_success.map(|at| (steady - at).max(0.0)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::cases;
    use super::{FIELDS, value};

    /// The paths of all that is in a value.
    fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    // Of what has names of its own only that it has some is told.
                    let path = match (path, name.as_str()) {
                        ("", name) => name.to_owned(),
                        (path, _) if path.ends_with(".labels") || path.ends_with(".states") => {
                            format!("{path}{{}}")
                        }
                        (path, name) => format!("{path}.{name}"),
                    };
                    paths(value, &path, found);
                }
            }
            Value::Array(values) => {
                let path = format!("{path}[]");
                found.insert(path.clone());
                for value in values {
                    paths(value, &path, found);
                }
            }
            _ => _ = found.insert(path.to_owned()),
        }
    }

    #[test]
    fn every_field_is_in_the_table_and_nothing_else_is() {
        let mut found = BTreeSet::new();
        for (_, known) in cases::all() {
            paths(&value(&known), "", &mut found);
        }
        let told: BTreeSet<_> = FIELDS.iter().map(|(path, ..)| (*path).to_owned()).collect();
        assert_eq!(told.len(), FIELDS.len(), "no field twice");
        assert_eq!(found, told);
    }

    /// The kinds of values are those of the table.
    #[test]
    fn fields_are_of_their_kinds() {
        fn check(path: &str, value: &Value) {
            let kind = match value {
                Value::Null => "null",
                Value::Bool(true) => "true",
                Value::Bool(false) => "false",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(values) => {
                    for value in values {
                        check(&format!("{path}[]"), value);
                    }
                    return;
                }
                Value::Object(fields) => {
                    for (name, value) in fields {
                        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                        check(&path, value);
                    }
                    return;
                }
            };
            let row = FIELDS
                .iter()
                .find(|(of, ..)| *of == path || of.strip_suffix("{}").is_some_and(|of| path.starts_with(of)));
            let (_, kinds, _) = row.unwrap_or_else(|| panic!("{path} is not in the table"));
            assert!(kinds.contains(kind), "{path} is {kind}: {kinds}");
        }
        for (_, known) in cases::all() {
            check("", &value(&known));
        }
    }
}
