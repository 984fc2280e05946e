//! What every alert has to have.

use std::collections::BTreeSet;

use crate::promql::{Analysis, Recorded, problems};

use super::files::{Case, RuleFile, TestFile, alerts, directory, list, rule_files, rules, text, yaml};

/// Alerts that come when no exporter answers.
const WITHOUT_EXPORTER: [&str; 3] = ["ImsMtaExporterAbsent", "ImsMtaExporterDown", "ImsMtaWatchdog"];
/// Where the dashboards are until a site says otherwise.
const DASHBOARDS: [&str; 7] = [
    "http://localhost:3000/d/imsimta-overview?",
    "http://localhost:3000/d/imsimta-delivery?",
    "http://localhost:3000/d/imsimta-queues?",
    "http://localhost:3000/d/imsimta-connections?",
    "http://localhost:3000/d/imsimta-daemons?",
    "http://localhost:3000/d/imsimta-exporter?",
    "http://localhost:3000/d/imsimta-fleet?",
];
/// The one alert without silent cases.
const ALWAYS_FIRES: &str = "ImsMtaWatchdog";
/// What rules record, in the order of the files, and its labels beside those of the target.
pub const RECORDED: &[Recorded<'static>] = &[
    ("job_instance_channel:imsimta_queue_messages:avg5m", &["channel"]),
    ("job_instance_channel:imsimta_queue_messages:p95_2w", &["channel"]),
    ("job_instance_service:imsimta_connections:used_ratio", &["service"]),
    ("job_instance_port:imsimta_smtp_listen_queue:used_ratio", &["port"]),
    ("job_instance:imsimta_connections_opened:rate5m", &[]),
    ("job_instance:imsimta_enqueue_rejections_relay_denied:increase10m", &[]),
    ("job_instance:imsimta_authentication_failures_guessed:increase10m", &[]),
    ("job_instance:imsimta_connections_opened:rate5m_usual", &[]),
    ("job_instance:imsimta_client_connections_max:usual", &[]),
    ("job_instance:imsimta_client_network_connections_max:usual", &[]),
    ("job_instance:imsimta_enqueue_rejections_relay_denied:increase10m_usual", &[]),
    ("job_instance:imsimta_authentication_failures_guessed:increase10m_usual", &[]),
    ("job_instance_channel:imsimta_delivery_failures:increase_spike", &["channel"]),
    ("job_instance_channel:imsimta_delivery_failures:increase5m", &["channel"]),
    ("job_instance:imsimta_destination_failures:domains5m", &[]),
    ("job_instance_domain:imsimta_destination_failures:topk1_increase5m", &["domain"]),
    ("job_instance_channel_reason:imsimta_delivery_failures:topk1_increase5m", &["channel", "reason"]),
    ("job_instance_channel_reason:imsimta_delivery_failures:topk1_increase2m", &["channel", "reason"]),
    ("job_cluster:up:count", &[]),
    ("job_cluster:up:sum", &[]),
    ("job_cluster:imsimta_mta_active:sum", &[]),
    ("job_cluster_instance:imsimta_delivery_attempts:rate5m", &[]),
    ("job_cluster_instance:imsimta_dequeued_recipients:rate5m", &[]),
    ("job_cluster:imsimta_delivery_attempts:rate5m", &[]),
    ("job_cluster:imsimta_dequeued_recipients:rate5m", &[]),
    ("job_cluster:imsimta_enqueued_recipients:rate5m", &[]),
    ("job_cluster_instance:imsimta_delivery_failures:ratio_rate5m", &[]),
    ("job_cluster:imsimta_delivery_failures:ratio_rate5m", &[]),
    ("job_cluster_reason:imsimta_delivery_failures:rate5m", &["reason"]),
    ("job_cluster_instance:imsimta_delivery_failures:topk1_ratio_rate5m", &[]),
    ("job_cluster:imsimta_delivery_failing_hosts:count", &[]),
    ("job_cluster_instance:imsimta_queue_messages:sum", &[]),
    ("job_cluster:imsimta_queue_messages:sum", &[]),
    ("job_cluster_instance:imsimta_queue_messages:topk1", &[]),
    ("job_cluster:imsimta_queue_held_messages:sum", &[]),
    ("job_cluster:imsimta_connections_opened:rate5m", &[]),
    ("job_cluster:imsimta_smtp_sockets:sum", &[]),
    ("job_cluster:imsimta_authentication_failures:rate5m", &[]),
    ("job_instance_path:imsimta_filesystem:free_ratio", &["path", "what"]),
    ("job_instance_path:imsimta_filesystem:free_ratio", &["path", "what"]),
    ("job_instance:imsimta_cumulative_logs:full_in_seconds", &[]),
    ("job_instance_channel:imsimta_dequeued_recipients:increase1h", &["channel"]),
    ("job_instance_channel:imsimta_delivery_failures:increase15m", &["channel"]),
    ("job_instance_channel:imsimta_delivery_failures:ratio15m", &["channel"]),
    ("job_instance_channel:imsimta_delivery_rejections:increase15m", &["channel"]),
    ("job_instance_channel_reason:imsimta_delivery_failures:topk1_increase15m", &["channel", "reason"]),
    ("job_instance_channel_reason:imsimta_delivery_rejections:topk1_increase15m", &["channel", "reason"]),
    ("job_instance_source_channel:imsimta_enqueued_recipients:increase5m", &["source_channel"]),
    ("job_instance_channel:imsimta_queue_delay_seconds:p95_15m", &["channel"]),
    ("job_instance_channel:imsimta_delivery_domains:max1d", &["channel"]),
    ("job_instance_channel:imsimta_delivery_rejections:increase15m_usual", &["channel"]),
    ("job_instance_source_channel:imsimta_enqueued_recipients:increase5m_usual", &["source_channel"]),
    ("job_instance:imsimta_sender_enqueues_max:usual", &[]),
    ("job_instance_channel:imsimta_delivery_lost:increase5m", &["channel"]),
    ("job_instance_channel:imsimta_delivery_ended:increase5m", &["channel"]),
];
/// The headings of a runbook, whose first may be missing: what the program itself answers.
const HEADINGS: [&str; 5] = ["## First minute", "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"];

fn names() -> BTreeSet<String> {
    alerts().into_iter().map(|(name, _)| name).collect()
}

/// Base names of files without the ending.
fn stems(below: &str, ending: &str) -> BTreeSet<String> {
    list(below, ending)
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned()))
        .collect()
}

#[test]
fn alerts_have_all_their_fields() {
    for (name, rule) in alerts() {
        assert!(name.starts_with("ImsMta"), "{name}: prefix");
        let labels: Vec<_> = rule.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert!(
            matches!(labels[..], [("severity", "critical" | "warning" | "info")]),
            "{name}: labels {labels:?}; the value of an alert belongs in no label"
        );
        let keys: Vec<_> = rule.annotations.keys().map(String::as_str).collect();
        assert_eq!(keys, ["dashboard_url", "description", "runbook_url", "summary"], "{name}: annotations");
        let (summary, description) = (&rule.annotations["summary"], &rule.annotations["description"]);
        assert!(
            summary.ends_with('.') && !summary.contains('\n'),
            "{name}: a summary is one sentence: {summary}"
        );
        // Who reads no more than this line at night knows where it is.
        let has_channel = rule.annotations["dashboard_url"].contains("$labels.channel");
        let place = if has_channel {
            "{{ $labels.instance }} {{ $labels.channel }}: "
        } else {
            "{{ $labels.instance }}"
        };
        assert!(
            !summary.contains("{{") || summary.starts_with(place),
            "{name}: a summary begins with {place:?}"
        );
        assert!(description.ends_with('.'), "{name}: a description is sentences");
        assert_eq!(rule.annotations["runbook_url"], runbook_url(&name));
        let dashboard = &rule.annotations["dashboard_url"];
        assert!(
            DASHBOARDS.iter().any(|start| dashboard.starts_with(start))
                && dashboard.contains("var-instance=")
                && dashboard.contains("var-channel="),
            "{name}: {dashboard}"
        );
    }
}

/// Where the runbook of an alert is until a site says otherwise; `alerts/README.md` tells how to change it.
pub fn runbook_url(name: &str) -> String {
    if WITHOUT_EXPORTER.contains(&name) {
        format!("file:///usr/share/doc/imsimta-exporter/runbooks/{name}.md")
    } else {
        format!("http://{{{{ $labels.instance }}}}/runbooks/{name}")
    }
}

/// Only the exporter that an alert names has a page for it.
#[test]
fn alerts_with_a_page_name_their_exporter() {
    for (name, rule) in alerts() {
        let answer = Analysis::with(&rule.expr, RECORDED).expect("a query");
        let missing = answer.missing_in_legend("{{instance}}");
        assert!(missing.is_empty() || WITHOUT_EXPORTER.contains(&name.as_str()), "{name}: {missing:?}");
    }
}

#[test]
fn alerts_lead_to_dashboards_that_exist() {
    for start in DASHBOARDS {
        let uid = start.rsplit('/').next().and_then(|end| end.strip_suffix('?')).expect("a uid");
        let name = uid.strip_prefix("imsimta-").expect("a dashboard of ours");
        let board = text(&directory().join(format!("../dashboards/{name}.json")));
        assert!(board.contains(&format!("\"uid\": \"{uid}\"")), "{uid}");
    }
}

/// A label that an alert has is what its reader wants to know first.
#[test]
fn descriptions_name_the_channel_and_the_host() {
    for (name, rule) in alerts() {
        let description = &rule.annotations["description"];
        let dashboard = &rule.annotations["dashboard_url"];
        for label in ["instance", "channel"] {
            if dashboard.contains(&format!("$labels.{label}")) {
                assert!(description.contains(&format!("{{{{ $labels.{label} }}}}")), "{name}: {label}");
            }
        }
        assert!(
            !description.contains("{{ $value }}"),
            "{name}: a value goes through humanize, humanizePercentage or humanizeDuration"
        );
    }
}

#[test]
fn alerts_wait_or_stay_and_say_why_not() {
    for path in rule_files() {
        let lines: Vec<_> = text(&path).lines().map(str::to_owned).collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((indent, name)) = line.split_once("- alert: ") else { continue };
            let body: Vec<_> = lines[at + 1..]
                .iter()
                .take_while(|line| line.is_empty() || line.starts_with(&format!("{indent}  ")))
                .collect();
            let above = at.checked_sub(1).map_or("", |before| lines[before].trim());
            let has = |key: &str| body.iter().any(|line| line.trim().starts_with(key));
            assert!(
                has("for:") || has("# No `for`") || above.starts_with("# No `for`"),
                "{name} has no `for` and no comment that says why"
            );
            assert!(
                has("for:")
                    || has("keep_firing_for:")
                    || above.starts_with("# No `for` and no `keep_firing_for`"),
                "{name} would flap"
            );
        }
    }
}

#[test]
fn expressions_use_what_the_catalogue_has() {
    for rule in rules() {
        let name = rule.alert.as_ref().or(rule.record.as_ref()).expect("a name");
        assert_eq!(problems(&rule.expr, RECORDED), [""; 0], "{name}: {}", rule.expr);
        for query in rule.annotations.values().flat_map(|text| queries(text)) {
            assert_eq!(problems(&query, RECORDED), [""; 0], "{name}: {query}");
        }
    }
    let recorded: Vec<_> = rules().into_iter().filter_map(|rule| rule.record).collect();
    assert!(recorded.iter().eq(RECORDED.iter().map(|(name, _)| name)), "{recorded:?}");
}

/// The queries of a template: `printf "…" … | query`, the labels put in.
pub fn queries(template: &str) -> Vec<String> {
    let actions = template.split("{{").filter_map(|rest| rest.split_once("}}")).map(|(action, _)| action);
    actions
        .filter(|action| action.contains("| query"))
        .map(|action| {
            let (_, format) = action.split_once("printf \"").expect("a query made by printf");
            let (format, _) = format.split_once("\" ").expect("the end of the format");
            format.replace("%q", "\"x\"").replace("%f", "1")
        })
        .collect()
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    // The program's own beat is no rule of Prometheus.
    let mut expected = names();
    expected.insert("ImsMtaSidecarWatchdog".to_owned());
    assert_eq!(stems("runbooks", ".md"), expected);
    for path in list("runbooks", ".md") {
        let page = text(&path);
        let headings: Vec<_> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert!(headings == HEADINGS || headings == HEADINGS[1..], "{}: {headings:?}", path.display());
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(page.starts_with(&format!("# {name}\n")), "{}: title", path.display());
        assert!(page.lines().count() <= 60, "{}: more than a screen", path.display());
    }
}

#[test]
fn every_alert_is_in_the_table_of_the_readme() {
    let readme = text(&directory().join("README.md"));
    for name in names() {
        assert!(readme.contains(&format!("| [{name}](runbooks/{name}.md) |")), "{name}");
    }
}

#[test]
fn every_alert_is_tested_firing_and_silent() {
    for (name, rule) in alerts() {
        let severity = &rule.labels["severity"];
        let tests: TestFile = yaml(&directory().join(format!("tests/{name}.test.yml")));
        let fires = tests.tests.iter().filter(|case| expects(case, &name, severity)).count();
        let silent = tests.tests.iter().filter(|case| is_silent(case, &name)).count();
        assert!(fires >= 1, "{name}: no test in which it fires as {severity}");
        assert!(silent >= 2 || name == ALWAYS_FIRES, "{name}: {silent} tests in which it stays silent");
    }
}

fn expects(case: &Case, name: &str, severity: &str) -> bool {
    let expected = case.alert_rule_test.iter().filter(|test| test.alertname == name);
    expected.flat_map(|test| &test.exp_alerts).any(|alert| {
        alert.exp_labels.get("severity").is_some_and(|label| label == severity)
            && alert.exp_annotations.len() == 4
    })
}

fn is_silent(case: &Case, name: &str) -> bool {
    let mut tests = case.alert_rule_test.iter().filter(|test| test.alertname == name).peekable();
    tests.peek().is_some() && tests.all(|test| test.exp_alerts.is_empty())
}

#[test]
fn tests_name_alerts_and_rules_that_exist() {
    let names = names();
    for path in list("tests", ".test.yml") {
        let tests: TestFile = yaml(&path);
        assert!(!tests.rule_files.is_empty(), "{}", path.display());
        for rules in &tests.rule_files {
            let is_file =
                rule_files().contains(&directory().join(rules.strip_prefix("../").expect("rules of ours")));
            assert!(rules == "../rules/*.rules.yml" || is_file, "{}: {rules}", path.display());
        }
        for test in tests.tests.iter().flat_map(|case| &case.alert_rule_test) {
            assert!(names.contains(&test.alertname), "{}: {}", path.display(), test.alertname);
        }
    }
}

#[test]
fn names_of_groups_are_unique() {
    let groups: Vec<_> =
        rule_files().iter().flat_map(|path| yaml::<RuleFile>(path).groups).map(|group| group.name).collect();
    let unique: BTreeSet<_> = groups.iter().collect();
    assert_eq!(unique.len(), groups.len(), "{groups:?}");
    assert!(groups.iter().all(|name| name.starts_with("imsimta_")), "{groups:?}");
}
