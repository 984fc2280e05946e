//! A small sound dashboard, and one broken in one place for each rule.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rules::RULES;

fn sound() -> Value {
    let data_source = json!({"type": "prometheus", "uid": "${datasource}"});
    let variable = |name: &str, label: &str, query: &str| {
        json!({
            "name": name, "label": label, "type": "query", "datasource": data_source,
            "query": {"query": query}, "refresh": 2, "multi": true, "includeAll": true, "allValue": ".+",
        })
    };
    let annotation = |name: &str, color: &str, expr: &str| json!({"name": name, "titleFormat": name, "iconColor": color, "expr": expr, "datasource": data_source});
    let panel = |id: u64, title: &str, kind: &str, x: u64, expr: &str| {
        json!({
            "id": id, "title": title, "type": kind, "description": "What it shows.",
            "datasource": data_source, "gridPos": {"x": x, "y": 1, "w": 12, "h": 8},
            "fieldConfig": {
                "defaults": {"unit": "short", "noValue": "No queue read", "color": {"mode": "shades"}},
                "overrides": [],
            },
            "targets": [{
                "refId": "A", "expr": expr, "legendFormat": "x", "datasource": data_source,
                "instant": kind == "stat", "range": kind != "stat",
            }],
        })
    };
    json!({
        "uid": "imsimta-test", "title": "imsimta / Test", "description": "A test.", "tags": ["imsimta"],
        "editable": false, "id": null,
        "links": [{
            "type": "dashboards", "title": "imsimta", "tags": ["imsimta"], "url": "",
            "asDropdown": true, "includeVars": true, "keepTime": true,
        }],
        "annotations": {"list": [
            annotation("Alerts", "red",
                "ALERTS{alertname=~\"ImsMta.*\", job=~\"$job\", instance=~\"$instance|\"}"),
            annotation("Restarts", "blue",
                "process_start_time_seconds{job=~\"$job\", instance=~\"$instance\"} * 1000"),
            annotation("MTA restarts", "blue",
                "imsimta_process_start_time_seconds{job=~\"$job\", instance=~\"$instance\"} * 1000"),
            annotation("Rotations", "blue",
                "changes(imsimta_log_rotations_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]) > 0"),
        ]},
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "multi": false},
            variable("job", "Job", "label_values(imsimta_mta_active, job)"),
            variable("instance", "Instance", "label_values(imsimta_mta_active{job=~\"$job\"}, instance)"),
            variable("channel", "Channel",
                "label_values(imsimta_queue_bytes{job=~\"$job\", instance=~\"$instance\"}, channel)"),
        ]},
        "panels": [
            {"id": 1, "type": "row", "title": "What waits?", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
            panel(2, "Queue", "stat", 0,
                "sum(imsimta_queue_messages{job=~\"$job\", instance=~\"$instance\", channel=~\"$channel\"})"),
            panel(3, "Entries", "timeseries", 12,
                "sum by (code) (rate(imsimta_log_entries_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))"),
        ],
    })
}

/// A way to break the sound dashboard.
struct Break {
    rule: &'static str,
    /// Where, as a JSON pointer.
    at: &'static str,
    /// What is put there, as JSON, or as a query for a place that ends with `expr` or `query`.
    value: &'static str,
    /// What the rule says then.
    says: &'static str,
}

const fn row(rule: &'static str, at: &'static str, value: &'static str, says: &'static str) -> Break {
    Break { rule, at, value, says }
}

const QUEUE: &str = "/panels/1/targets/0/expr";
const ENTRIES: &str = "/panels/2/targets/0/expr";

#[rustfmt::skip]
const BREAKS: &[Break] = &[
    row("identity", "/uid", "\"test\"", "the uid begins with imsimta-"),
    row("identity", "/editable", "true", "editable is false"),
    row("identity", "/tags", "[\"imsimta\", \"mail\"]", "the tags are"),
    row("identity", "/id", "7", "the id is null"),
    row("links resolve", "/links/0/tags", "[\"other\"]", "no dashboard has the tag other"),
    row("links resolve", "/links/0/keepTime", "false", "keepTime is true"),
    row("links resolve", "/links/0/url", "\"/d/imsimta-gone\"", "leads to no dashboard"),
    row("links resolve", "/links/0/url", "\"/d/imsimta-test?${__all_variables}\"", "keeps not both"),
    row("links resolve", "/links", "[]", "0 links by tag"),
    row("variables", "/templating/list/0/label", "\"Source\"", "its label is Data source"),
    row("variables", "/templating/list/1/multi", "false", "several can be chosen"),
    row("variables", "/templating/list/2/allValue", "\".*\"", "the value for all is .+"),
    row("variables", "/templating/list/2/refresh", "1", "when the time changes"),
    row("variables", "/templating/list/2/query/query", "label_values(imsimta_mta_active, instance)", "does not follow $job"),
    row("variables", "/templating/list/3/query/query", "label_values(imsimta_mta_active{job=~\"$job\", instance=~\"$instance\"}, channel)", "has no label channel"),
    row("variables", "/templating/list/3/name", "\"kanal\"", "the variables are"),
    row("annotations", "/annotations/list", "[]", "no annotation shows ALERTS"),
    row("annotations", "/annotations/list/1/iconColor", "\"red\"", "red is for alerts"),
    row("data source", "/panels/1/datasource/uid", "\"P1809F7CD0C75ACF3\"", "Queue: not everything asks"),
    row("data source", "/panels/2/targets/0/datasource/uid", "\"prometheus\"", "Entries: not everything asks"),
    row("data source", "/annotations/list/0/datasource/uid", "\"-- Grafana --\"", "Alerts: does not ask"),
    row("panel says what it shows", "/panels/1/title", "\"\"", "no title"),
    row("panel says what it shows", "/panels/1/description", "null", "Queue: its description"),
    row("panel says what it shows", "/panels/1/fieldConfig/defaults/noValue", "null", "Queue: noValue"),
    row("panel says what it shows", "/panels/1/targets", "[]", "Queue: it has no query"),
    row("panel says what it shows", "/panels/2/title", "\"Queue\"", "another panel has this title"),
    row("known unit", "/panels/1/fieldConfig/defaults/unit", "\"messages\"", "Queue: \"messages\" is not a unit"),
    row("known unit", "/panels/2/fieldConfig/overrides", "[{\"properties\": [{\"id\": \"unit\", \"value\": \"cpm2\"}]}]", "Entries: \"cpm2\""),
    row("rows ask questions", "/panels/0/title", "\"Queues\"", "Queues: a row asks"),
    row("panels have a place of their own", "/panels/2/gridPos/x", "11", "Entries: covers Queue"),
    row("panels have a place of their own", "/panels/2/gridPos/w", "13", "Entries: it is not within 24 columns"),
    row("panels have a place of their own", "/panels/2/id", "2", "Entries: its id is not its own"),
    row("red only for failure", "/panels/1/fieldConfig/defaults/color", "{\"mode\": \"fixed\", \"fixedColor\": \"dark-red\"}", "Queue: the description"),
    row("red only for failure", "/panels/2/fieldConfig/defaults/color/mode", "\"palette-classic\"", "Entries: a palette"),
    row("stat asks for now", "/panels/1/targets/0/instant", "false", "Queue: a query is not instant"),
    row("queries parse", QUEUE, "sum(", "Queue: "),
    row("queries parse", QUEUE, "sum(imsimta_mta_active{job=~\"$kanal\"})", "Queue: an unknown variable"),
    row("queries use the catalogue", QUEUE, "sum(imsimta_queue_mesages)", "Queue: \"imsimta_queue_mesages\" is not in the catalogue"),
    row("queries use the catalogue", QUEUE, "sum(imsimta_queue_messages{reason=\"loop\"})", "imsimta_queue_messages has no label reason"),
    row("queries use the catalogue", QUEUE, "sum({job=~\"$job\"})", "Queue: \"\" is not in the catalogue"),
    row("queries follow the variables", QUEUE, "sum(imsimta_mta_active{job=~\"$job\"})", "does not follow $job and $instance"),
    row("queries follow the variables", QUEUE, "sum(imsimta_mta_active{job=\"imsimta\", instance=~\"$instance\"})", "does not follow $job and $instance"),
    row("queries follow the variables", QUEUE, "sum(imsimta_mta_active{job=~\"$job\", instance=~\"$instance|\"})", "does not follow $job and $instance"),
    row("queries follow the variables", QUEUE, "sum(imsimta_queue_bytes{job=~\"$job\", instance=~\"$instance\"})", "does not follow $channel"),
    row("functions fit the kind of metric", QUEUE, "sum(imsimta_log_lines_total)", "is a counter without a rate"),
    row("functions fit the kind of metric", QUEUE, "delta(imsimta_log_lines_total[5m])", "is a counter without a rate"),
    row("functions fit the kind of metric", QUEUE, "rate(imsimta_queue_messages[5m])", "is a gauge under a rate"),
    row("functions fit the kind of metric", QUEUE, "imsimta_queue_delay_seconds", "without its buckets"),
    row("functions fit the kind of metric", QUEUE, "histogram_quantile(0.9, imsimta_queue_delay_seconds_bucket)", "is a histogram without a rate"),
    row("functions fit the kind of metric", QUEUE, "rate(imsimta_queue_delay_seconds_bucket[5m])", "without histogram_quantile"),
    row("rates over $__rate_interval", ENTRIES, "rate(imsimta_log_entries_total[5m])", "Entries: rate of imsimta_log_entries_total"),
    row("rates over $__rate_interval", ENTRIES, "increase(imsimta_log_entries_total[$__range])", "Entries: increase of imsimta_log_entries_total"),
    row("nothing is divided by nothing", ENTRIES, "a / sum(rate(b[5m]))", "Entries: divides by a rate that may be 0"),
    row("nothing is divided by nothing", ENTRIES, "histogram_quantile(0.5, rate(b_bucket[5m]))", "Entries: a quantile of nothing"),
    row("time_wait flattens no axis", ENTRIES, "sum by (state) (imsimta_smtp_sockets)", "Entries: shows time_wait"),
    row("no growth before it can be known", ENTRIES, "900 * deriv(imsimta_queue_messages[15m])", "Entries: a pace of two points"),
    row("no legend of zeros", ENTRIES, "sum by (channel, reason) (imsimta_queue_held_messages)", "Entries: shows what is 0"),
    row("labels exist", ENTRIES, "sum by (log) (rate(imsimta_log_entries_total[5m]))", "Entries: groups by log"),
    row("labels exist", "/panels/2/targets/0/legendFormat", "\"{{channel}}\"", "no label channel for the legend"),
];

fn check(rule: &str, board: &Value) -> Vec<String> {
    let rule = RULES.iter().find(|known| known.name == rule).expect("a rule of this name");
    (rule.check)(board, std::slice::from_ref(board))
}

#[test]
fn the_sound_dashboard_breaks_no_rule() {
    for rule in RULES {
        assert_eq!(check(rule.name, &sound()), [""; 0], "{}", rule.name);
    }
}

#[test]
fn each_rule_catches_what_it_is_for() {
    for Break { rule, at, value, says } in BREAKS {
        let mut board = sound();
        let query = at.ends_with("expr") || at.ends_with("query");
        let value = if query { json!(value) } else { serde_json::from_str(value).expect("JSON") };
        *board.pointer_mut(at).unwrap_or_else(|| panic!("{at} is there")) = value;
        let found = check(rule, &board);
        assert!(found.iter().any(|what| what.contains(says)), "{rule}, {at}: {found:?} without {says:?}");
    }
}

#[test]
fn a_uid_may_not_be_used_twice() {
    let (board, twin) = (sound(), sound());
    let rule = RULES.iter().find(|rule| rule.name == "uid is unique").expect("the rule");
    let found = (rule.check)(&board, &[board.clone(), twin]);
    assert_eq!(found, ["2 dashboards have the uid imsimta-test"]);
}

#[test]
fn every_rule_has_a_broken_dashboard() {
    let broken: BTreeSet<&str> = BREAKS.iter().map(|one| one.rule).chain(["uid is unique"]).collect();
    let rules: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(broken, rules);
}
