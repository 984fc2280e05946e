//! The figures of the rules are those of `thresholds.yml`: templates name them.

use std::collections::{BTreeMap, BTreeSet};

use imsimta_exporter::config::Alerting;
use imsimta_exporter::findings::Runbook;
use imsimta_exporter::findings::rules::RULES;
use imsimta_exporter::findings::thresholds::{Row, Table, Value, table};
use imsimta_exporter::rules::templates::{Block, Owner, TEMPLATES, Template};
use imsimta_exporter::rules::{File, Format, Rules};
use imsimta_exporter::source::spool::ChannelQueue;

use super::figures::{Figure, figures};
use super::files::{RuleFile, alerts, directory, list, rule_files, text};
use super::rules::runbook_url;

/// All rules, with these thresholds.
fn rendered(thresholds: &Table) -> Vec<File> {
    let alerting = Alerting { budget: true, ..Alerting::default() };
    Rules { thresholds, alerting: &alerting, scale: std::num::NonZero::<u32>::MIN, format: Format::default() }
        .files()
}

fn blocks() -> impl Iterator<Item = Block<'static>> {
    TEMPLATES.iter().flat_map(Template::blocks)
}

/// The alerts that name a threshold, and the groups with another rule that does.
fn users(row: &Row) -> BTreeSet<String> {
    let names = |block: &Block<'_>| block.names().any(|name| name == row.name);
    let mut group = "";
    let user = |block: Block<'static>| {
        if let Owner::Group(name) = block.owner {
            group = name;
        }
        names(&block).then(|| match block.owner {
            Owner::Alert { name, .. } => name.to_owned(),
            Owner::File | Owner::Group(_) | Owner::Record(_) => format!("`{group}`"),
        })
    };
    blocks().filter_map(user).collect()
}

#[test]
fn every_template_is_in_the_list() {
    let files: Vec<String> = list("templates", ".rules.yml")
        .iter()
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        files,
        TEMPLATES.iter().map(|template| template.name).collect::<Vec<_>>(),
        "src/rules/templates.rs"
    );
}

#[test]
fn the_rules_are_the_rendered_templates() {
    for (template, File { name, text: right }) in TEMPLATES.iter().zip(rendered(table())) {
        let path = directory().join(if template.is_optional() { "optional" } else { "rules" }).join(&name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &right).expect("alerts/rules");
        }
        assert_eq!(text(&path), right, "{name}: run UPDATE_EXPECT=1 cargo test --test integration alerts::");
    }
    let files = [list("rules", ""), list("optional", "")].concat();
    assert_eq!(files.len(), TEMPLATES.len(), "a file of rules without a template");
}

#[test]
fn what_is_optional_is_rendered_where_a_site_asks_for_it() {
    let names = |budget| {
        let alerting = Alerting { budget, ..Alerting::default() };
        let (scale, format) = (std::num::NonZero::<u32>::MIN, Format::default());
        let files = Rules { thresholds: table(), alerting: &alerting, scale, format }.files();
        files.into_iter().map(|file| file.name).collect::<Vec<_>>()
    };
    let of = |paths: Vec<std::path::PathBuf>| {
        let names = paths.iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned());
        names.collect::<BTreeSet<_>>()
    };
    assert_eq!(names(false).into_iter().collect::<BTreeSet<_>>(), of(list("rules", "")));
    assert_eq!(names(true).into_iter().collect::<BTreeSet<_>>(), of(rule_files()));
}

/// What no figure of a rule is.
const MARK: u32 = 77_777;

/// A template with a mark in each place of a figure.
fn marked(text: &str) -> String {
    let mut parts = text.split("${");
    let mut marked = parts.next().expect("text").to_owned();
    for part in parts {
        let (place, rest) = part.split_once('}').expect("the end of a place");
        let (name, form) = place.split_once('.').unwrap_or((place, ""));
        let time = table().row(name).is_none_or(|row| matches!(row.value, Value::Duration(_)));
        marked += &MARK.to_string();
        marked += if time && form.is_empty() { "s" } else { "" };
        marked += rest;
    }
    marked
}

/// Figures that stand in a template where a name belongs.
fn literals(template: &str) -> Vec<String> {
    let file: RuleFile = serde_saphyr::from_str(&marked(template)).expect("YAML");
    let mut literals = Vec::new();
    let mark = format!("{MARK}s");
    for group in file.groups {
        literals.extend(
            group.interval.filter(|time| *time != mark).map(|time| format!("{}: {time}", group.name)),
        );
        for rule in group.rules {
            let name = rule.alert.as_ref().or(rule.record.as_ref()).expect("a name");
            let mut found = Vec::new();
            figures(&promql_parser::parser::parse(&rule.expr).expect("an expression"), &mut found);
            // How a rule that records is made is nothing to set, but how long it looks back is.
            let may_be =
                |figure: &Figure| figure.is(f64::from(MARK)) || (rule.alert.is_none() && !figure.is_duration);
            literals.extend(
                found.iter().filter(|figure| !may_be(figure)).map(|figure| format!("{name}: {figure}")),
            );
            let times = [rule.waits, rule.stays].into_iter().flatten();
            literals.extend(times.filter(|time| *time != mark).map(|time| format!("{name}: {time}")));
        }
    }
    literals
}

#[test]
fn rules_name_their_figures() {
    for template in TEMPLATES {
        assert_eq!(
            literals(template.text),
            [""; 0],
            "{}: right is ${{name}} of thresholds.yml",
            template.name
        );
    }
}

#[test]
fn a_figure_in_a_template_is_seen() {
    let template =
        |name: &str| TEMPLATES.iter().find(|template| template.name == name).expect("a template").text;
    for (name, from, to, expected) in [
        ("delivery.rules.yml", ">= ${failing_share}", ">= 0.5", "ImsMtaDeliveryFailureSpike: 0.5"),
        (
            "delivery.rules.yml",
            "[${spike_window}]) >= ${attempts}",
            "[40s]) >= ${attempts}",
            "ImsMtaDeliveryFailureSpike: 40s",
        ),
        ("delivery.rules.yml", "offset ${destination_window}", "offset 5m", RECORDED),
        ("queue.rules.yml", "${remote_age.seconds}", "8 * 86400", "ImsMtaQueueRemoteOld: 691200"),
        (
            "queue.rules.yml",
            "${rule_interval}]) > ${held_surge}",
            "30s]) > ${held_surge}",
            "ImsMtaHeldMessagesSurge: 30s",
        ),
        ("queue.rules.yml", "interval: ${rule_interval}", "interval: 30s", "imsimta_queue: 30s"),
        ("queue.rules.yml", "for: ${for}", "for: 5m", "ImsMtaHeldMessages: 5m"),
    ] {
        assert!(template(name).contains(from), "{name}: {from}");
        assert_eq!(literals(&template(name).replacen(from, to, 1)), [expected]);
    }
}
const RECORDED: &str = "job_instance_channel:imsimta_delivery_failures:increase5m: 5m";

/// One that nothing looks at would be a promise that nothing keeps.
#[test]
fn every_threshold_is_looked_at() {
    let unused: Vec<_> = table()
        .thresholds
        .iter()
        .filter(|row| row.findings.is_empty() && users(row).is_empty())
        .map(|row| &row.name)
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// How often each is there, and which of its times it has.
type Times<'a> = BTreeMap<(&'a str, &'a str), Vec<[bool; 2]>>;

#[test]
fn every_alert_has_its_row_of_times() {
    let (mut rules, mut rows) = (Times::new(), Times::new());
    for block in blocks() {
        if let Owner::Alert { name, severity } = block.owner {
            let has = |time| block.places().any(|place| place == time);
            rules.entry((name, severity)).or_default().push(["for", "keep_firing_for"].map(has));
        }
    }
    for row in &table().alerts {
        let times = [row.waits.is_some(), row.stays.is_some()];
        rows.entry((&row.alert, &row.severity)).or_default().push(times);
    }
    assert_eq!(rules, rows, "rules on the left, `alerts` of thresholds.yml on the right");
}

/// What a site sets is in its rules, wherever the threshold is named and nowhere else.
#[test]
fn a_threshold_that_is_changed_is_in_the_rules() {
    let body = |file: File| file.text.split_once("\n\n").expect("a head and rules").1.to_owned();
    let shipped: Vec<String> = rendered(table()).into_iter().map(body).collect();
    for row in &table().thresholds {
        let mut changed = table().clone();
        changed.set(
            &row.name,
            match row.value {
                Value::Count(count) => Value::Count(count + 1),
                Value::Share(share) => Value::Share(share / 2.0),
                Value::Times(times) => Value::Times(times / 2.0),
                Value::Duration(duration) => Value::Duration(duration * 2),
            },
        );
        let named_anywhere = !users(row).is_empty();
        for (template, (file, shipped)) in TEMPLATES.iter().zip(rendered(&changed).into_iter().zip(&shipped))
        {
            let noted = file.text.contains(&format!("# Set at this site: {} ", row.name));
            assert_eq!(noted, named_anywhere, "{}", file.text);
            let named = template.blocks().iter().any(|block| block.names().any(|name| name == row.name));
            assert_eq!(body(file) != *shipped, named, "{} in {}", row.name, template.name);
        }
    }
}

/// The status page leads to the runbooks that the alerts lead to.
#[test]
fn runbooks_of_findings_are_those_of_the_alerts() {
    let linked: BTreeSet<String> =
        alerts().into_iter().map(|(_, rule)| rule.annotations["runbook_url"].clone()).collect();
    for rule in RULES {
        let runbook = rule.alert.map(Runbook::of);
        assert!(runbook.is_none_or(|runbook| linked.contains(&runbook_url(runbook.name()))), "{}", rule.name);
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
        let rules = users(row).into_iter().collect::<Vec<_>>().join(", ");
        let findings = row.findings.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let value = row.text.replace('"', "");
        let unit = match row.value {
            Value::Count(_) => format!(" {:?}", row.unit).to_ascii_lowercase(),
            Value::Share(_) | Value::Times(_) | Value::Duration(_) => String::new(),
        };
        format!("| `{}` | {value}{unit} | {rules} | {findings} | {} |\n", row.name, row.meaning)
    });
    let head = "| threshold | value | rules | findings | meaning, and when to change it |\n| --- | --- | --- | --- | --- |\n";
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
