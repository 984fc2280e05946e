//! The figures of the rules are those of `thresholds.yml`.

use std::collections::BTreeSet;
use std::time::Duration;

use imsimta_exporter::findings::Runbook;
use imsimta_exporter::findings::rules::RULES;
use imsimta_exporter::findings::thresholds::{AlertRow, Row, Table, Value, table};
use imsimta_exporter::source::spool::ChannelQueue;
use promql_parser::parser::{Expr, Offset, parse};

use super::files::{Rule, RuleFile, directory, list, text, yaml};
use super::rules::RUNBOOKS;

/// A number or a duration in an expression, as it is written there.
#[derive(Debug, PartialEq)]
struct Figure {
    value: f64,
    is_duration: bool,
}

/// The figures of an expression from left to right. What stands behind `==` is a state, `vector` makes a series, and to
/// what `round` rounds is for the reader alone.
fn figures(expr: &Expr, found: &mut Vec<Figure>) {
    let number = |value: f64| Figure { value, is_duration: false };
    let duration = |value: Duration| Figure { value: value.as_secs_f64(), is_duration: true };
    match expr {
        Expr::Binary(binary) => {
            if let Some(value) = constant(expr) {
                found.push(number(value));
                return;
            }
            figures(&binary.lhs, found);
            if binary.op.to_string() != "==" || constant(&binary.rhs).is_none() {
                figures(&binary.rhs, found);
            }
        }
        Expr::NumberLiteral(_) | Expr::Unary(_) => found.extend(constant(expr).map(number)),
        Expr::Paren(paren) => figures(&paren.expr, found),
        Expr::Aggregate(aggregate) => {
            if let Some(parameter) = &aggregate.param {
                figures(parameter, found);
            }
            figures(&aggregate.expr, found);
        }
        Expr::Call(call) if call.func.name == "round" => {
            call.args.args.iter().take(1).for_each(|argument| figures(argument, found));
        }
        Expr::Call(call) if call.func.name != "vector" => {
            call.args.args.iter().for_each(|argument| figures(argument, found));
        }
        Expr::MatrixSelector(matrix) => {
            found.push(duration(matrix.range));
            found.extend(offset(matrix.vs.offset.as_ref()).map(duration));
        }
        Expr::VectorSelector(selector) => found.extend(offset(selector.offset.as_ref()).map(duration)),
        Expr::Subquery(query) => {
            figures(&query.expr, found);
            found.extend([Some(query.range), query.step].into_iter().flatten().map(duration));
            found.extend(offset(query.offset.as_ref()).map(duration));
        }
        Expr::Call(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn offset(offset: Option<&Offset>) -> Option<Duration> {
    match offset? {
        Offset::Pos(duration) | Offset::Neg(duration) => Some(*duration),
    }
}

/// What numbers alone come to.
fn constant(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => constant(&paren.expr),
        Expr::Unary(unary) => constant(&unary.expr).map(|value| -value),
        Expr::Binary(binary) if binary.op.to_string() == "*" => {
            Some(constant(&binary.lhs)? * constant(&binary.rhs)?)
        }
        _ => None,
    }
}

/// As the rules write it.
fn shown(figure: &Figure) -> String {
    if figure.is_duration { seconds(figure.value) } else { figure.value.to_string() }
}

fn seconds(value: f64) -> String {
    [(86_400.0, "d"), (3600.0, "h"), (60.0, "m")]
        .into_iter()
        .find(|(unit, _)| value > 0.0 && value % unit == 0.0)
        .map_or_else(|| format!("{value}s"), |(unit, name)| format!("{}{name}", value / unit))
}

/// A time may be a duration in an expression, or a number of seconds.
fn is(figure: &Figure, row: &Row) -> bool {
    let (value, may_be_duration) = plain(row);
    (figure.value - value).abs() < 1e-9 && (may_be_duration || !figure.is_duration)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a table")]
fn plain(row: &Row) -> (f64, bool) {
    match row.value {
        Value::Count(count) => (count as f64, false),
        Value::Share(share) => (share, false),
        Value::Duration(duration) => (duration.as_secs_f64(), true),
    }
}

/// Where a rule differs from its row: the file, the alert, what was found, what is right.
fn differences(file: &str, rule: &Rule, table: &Table) -> Vec<String> {
    let name = rule.alert.as_deref().expect("an alert");
    let severity = rule.labels.get("severity").map_or("", String::as_str);
    let place = format!("{file}: {name} ({severity})");
    let of = |row: &&AlertRow| row.alert == name && row.severity == severity;
    let Some(row) = table.alerts.iter().find(of) else {
        return vec![format!(
            "{place}: found nowhere in thresholds.yml; right is a row of `alerts` with its figures"
        )];
    };
    let mut found = Vec::new();
    figures(&parse(&rule.expr).expect("an expression"), &mut found);
    let mut problems = Vec::new();
    for at in 0..found.len().max(row.figures.len()) {
        let figure = found.get(at);
        let threshold = row.figures.get(at).map(|name| table.row(name).expect("known"));
        if figure.zip(threshold).is_some_and(|(figure, row)| is(figure, row)) {
            continue;
        }
        let right = threshold
            .map_or("none".to_owned(), |row| format!("{} of {}", row.text.replace('"', ""), row.name));
        let figure = figure.map_or("none".to_owned(), shown);
        problems
            .push(format!("{place}: figure {} of the expression: found {figure}, right is {right}", at + 1));
    }
    for (key, found, right) in
        [("for", &rule.waits, &row.waits), ("keep_firing_for", &rule.stays, &row.stays)]
    {
        if found != right {
            let [found, right] = [found, right].map(|time| time.as_deref().unwrap_or("none").to_owned());
            problems.push(format!("{place}: {key}: found {found}, right is {right}"));
        }
    }
    problems
}

/// All shipped alerts with the base names of their files.
fn alerts() -> Vec<(String, Rule)> {
    let mut alerts = Vec::new();
    for path in list("rules", ".rules.yml") {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let rules = yaml::<RuleFile>(&path).groups.into_iter().flat_map(|group| group.rules);
        alerts.extend(rules.filter(|rule| rule.alert.is_some()).map(|rule| (name.clone(), rule)));
    }
    alerts
}

#[test]
fn figures_of_the_rules_are_those_of_the_table() {
    let found: Vec<String> =
        alerts().iter().flat_map(|(file, rule)| differences(file, rule, table())).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let shipped: BTreeSet<_> = alerts()
        .into_iter()
        .map(|(_, mut rule)| (rule.alert.take(), rule.labels.remove("severity")))
        .collect();
    for row in &table().alerts {
        let key = (Some(row.alert.clone()), Some(row.severity.clone()));
        assert!(shipped.contains(&key), "thresholds.yml: {} ({}) is no alert", row.alert, row.severity);
    }
}

#[test]
fn a_figure_that_is_changed_in_a_rule_is_found() {
    let alert = |name: &str, severity: &str| {
        let mut all = alerts().into_iter();
        all.find(|(_, rule)| rule.alert.as_deref() == Some(name) && rule.labels["severity"] == severity)
            .expect("an alert")
    };
    for (name, severity, from, to, expected) in [
        (
            "ImsMtaDeliveryFailureSpike",
            "critical",
            "[40s])) >= 0.5",
            "[40s])) >= 0.6",
            "delivery.rules.yml: ImsMtaDeliveryFailureSpike (critical): figure 2 of the expression: found 0.6, right is 0.5 \
             of failing_share",
        ),
        (
            "ImsMtaQueueStuck",
            "critical",
            "[10m]) == 0",
            "[20m]) == 0",
            "queue.rules.yml: ImsMtaQueueStuck (critical): figure 3 of the expression: found 20m, right is 10m of standstill",
        ),
        (
            "ImsMtaQueueStuck",
            "critical",
            "[2m]) == 1",
            "[5m]) == 1",
            "queue.rules.yml: ImsMtaQueueStuck (critical): figure 4 of the expression: found 5m, right is 2m of gauge_window",
        ),
        (
            "ImsMtaQueueRemoteOld",
            "warning",
            "8 * 86400",
            "9 * 86400",
            "queue.rules.yml: ImsMtaQueueRemoteOld (warning): figure 2 of the expression: found 777600, right is 192h of \
             remote_age",
        ),
        (
            "ImsMtaHeldMessages",
            "warning",
            "> 0",
            "> 0 and up > 3",
            "queue.rules.yml: ImsMtaHeldMessages (warning): figure 3 of the expression: found 3, right is none",
        ),
        (
            "ImsMtaLogUnparsed",
            "warning",
            "> 10",
            "== 10",
            "exporter.rules.yml: ImsMtaLogUnparsed (warning): figure 5 of the expression: found none, right is 10 of \
             unparsed_lines",
        ),
    ] {
        let (file, mut rule) = alert(name, severity);
        assert!(rule.expr.contains(from), "{name}: {from}");
        rule.expr = rule.expr.replacen(from, to, 1);
        assert_eq!(differences(&file, &rule, table()), [expected]);
    }
    let (file, mut rule) = alert("ImsMtaDestinationDead", "warning");
    (rule.waits, rule.stays) = (Some("2m".to_owned()), None);
    assert_eq!(
        differences(&file, &rule, table()),
        [
            "delivery.rules.yml: ImsMtaDestinationDead (warning): for: found 2m, right is 1m",
            "delivery.rules.yml: ImsMtaDestinationDead (warning): keep_firing_for: found none, right is 90m",
        ]
    );
    rule.alert = Some("ImsMtaNew".to_owned());
    assert_eq!(
        differences(&file, &rule, table()),
        [
            "delivery.rules.yml: ImsMtaNew (warning): found nowhere in thresholds.yml; right is a row of `alerts` with its \
             figures",
        ]
    );
}

/// Every figure of every rule is held: none can be changed in the table without a complaint.
#[test]
fn a_threshold_that_is_changed_in_the_table_is_found() {
    for at in 0..table().thresholds.len() {
        let mut changed = table().clone();
        let row = &mut changed.thresholds[at];
        row.value = match row.value {
            Value::Count(count) => Value::Count(count + 1),
            Value::Share(share) => Value::Share(share / 2.0),
            Value::Duration(duration) => Value::Duration(duration * 2),
        };
        let figures = |alert: &AlertRow| alert.figures.iter().filter(|name| **name == row.name).count();
        let expected: usize = table().alerts.iter().map(figures).sum();
        let name = row.name.clone();
        let found: Vec<String> =
            alerts().iter().flat_map(|(file, rule)| differences(file, rule, &changed)).collect();
        assert_eq!(found.len(), expected, "{name}: {found:#?}");
        assert!(found.iter().all(|problem| problem.ends_with(&format!(" of {name}"))), "{found:#?}");
    }
}

/// The status page leads to the runbooks that the alerts lead to.
#[test]
fn runbooks_of_findings_are_those_of_the_alerts() {
    let linked: BTreeSet<String> =
        alerts().into_iter().map(|(_, rule)| rule.annotations["runbook_url"].clone()).collect();
    for rule in RULES {
        let runbook = rule.alert.map(Runbook::of);
        assert!(
            runbook.is_none_or(|runbook| linked.contains(&format!("{RUNBOOKS}{}", runbook.file()))),
            "{}",
            rule.name
        );
    }
}

/// The status page and `check` count them beside the queue.
#[test]
fn other_files_are_many_where_the_alert_says_so() {
    let [Value::Count(few), Value::Share(share)] =
        ["other_files", "other_files_share"].map(|name| table().row(name).expect("a row").value)
    else {
        panic!("a count and a share");
    };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small"
    )]
    let most = ((few + 1) as f64 / share) as u64;
    for (other_files, files, expected) in
        [(few, few, false), (few + 1, few + 1, true), (few + 1, most - 1, true), (few + 1, most + 1, false)]
    {
        let queue = ChannelQueue { other_files, messages: files - other_files, ..ChannelQueue::default() };
        assert_eq!(queue.many_other_files().is_some(), expected, "{other_files} of {files}");
    }
}

/// The table in the README between these lines.
const BEGINNING: &str = "<!-- thresholds: written from thresholds.yml -->\n";
const END: &str = "<!-- end of thresholds -->";

fn readme_table() -> String {
    let rows = table().thresholds.iter().map(|row| {
        let alerts: BTreeSet<&str> = table().alerts_of(row).map(|alert| alert.alert.as_str()).collect();
        let alerts = alerts.into_iter().collect::<Vec<_>>().join(", ");
        let findings = row.findings.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let value = row.text.replace('"', "");
        let unit = match row.value {
            Value::Count(_) => format!(" {:?}", row.unit).to_ascii_lowercase(),
            Value::Share(_) | Value::Duration(_) => String::new(),
        };
        format!("| `{}` | {value}{unit} | {alerts} | {findings} | {} |\n", row.name, row.meaning)
    });
    let head = "| threshold | value | alerts | findings | meaning, and when to change it |\n| --- | --- | --- | --- | --- |\n";
    head.to_owned() + &rows.collect::<String>()
}

#[test]
fn the_readme_has_the_table() {
    let path = directory().join("README.md");
    let page = text(&path);
    let (before, rest) = page.split_once(BEGINNING).expect("the beginning of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    let right = format!("{before}{BEGINNING}{}{END}{after}", readme_table());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &right).expect("alerts/README.md");
    }
    assert_eq!(text(&path), right, "run UPDATE_EXPECT=1 cargo test --test integration alerts::");
}
