//! The rules for other readers and other scrape intervals, judged by those who read them.

use std::ffi::OsStr;
use std::num::NonZero;
use std::path::Path;
use std::time::Duration;

use imsimta_exporter::config::Alerting;
use imsimta_exporter::findings::thresholds::table;
use imsimta_exporter::rules::{File, Format, Rules};
use serde_json::Value;

use super::tools::run;

fn rules(alerting: &Alerting, format: Format) -> Rules<'_> {
    Rules { thresholds: table(), alerting, scale: NonZero::<u32>::MIN, format }
}

fn every(seconds: u64) -> Alerting {
    Alerting { scrape_interval: Duration::from_secs(seconds), ..Alerting::default() }
}

fn write(files: &[File], to: &Path) {
    for File { name, text } in files {
        std::fs::write(to.join(name), text).expect("written");
    }
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

/// The groups of several files.
fn groups(files: &[File]) -> Vec<Value> {
    let groups = |file: &File| yaml(&file.text)["groups"].as_array().expect("groups").clone();
    files.iter().flat_map(groups).collect()
}

#[track_caller]
fn check_rules(file: &Path) {
    let arguments = ["check", "rules", "--lint=all", "--lint-fatal"].map(OsStr::new);
    run("promtool", arguments.into_iter().chain([file.as_os_str()]));
}

#[test]
fn one_file_has_what_the_files_have() {
    let alerting = Alerting::default();
    for format in [Format::Prometheus, Format::Vmalert] {
        let rules = rules(&alerting, format);
        assert_eq!(groups(&[rules.one_file()]), groups(&rules.files()), "{format:?}");
    }
    let site = tempfile::tempdir().expect("temporary directory");
    let file = rules(&alerting, Format::Prometheus).one_file();
    write(std::slice::from_ref(&file), site.path());
    check_rules(&site.path().join(file.name));
}

/// What the operator does: it gives the specification to Prometheus.
#[test]
fn the_resource_for_the_operator_has_the_same_rules() {
    let alerting = Alerting::default();
    let files = rules(&alerting, Format::PrometheusOperator).files();
    let [File { text, .. }] = &files[..] else { panic!("one file") };
    let resource = yaml(text);
    assert_eq!(resource["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(resource["kind"], "PrometheusRule");
    assert_eq!(resource["metadata"]["name"], "imsimta-exporter");
    let shipped = groups(&rules(&alerting, Format::Prometheus).files());
    assert_eq!(resource["spec"]["groups"].as_array(), Some(&shipped));
    let site = tempfile::tempdir().expect("temporary directory");
    let path = site.path().join("spec.json");
    std::fs::write(&path, resource["spec"].to_string()).expect("written");
    check_rules(&path);
}

/// Debian's vmalert refuses what it does not know.
#[test]
fn vmalert_takes_its_rules() {
    let alerting = Alerting::default();
    let files = rules(&alerting, Format::Vmalert).files();
    let mut shipped = groups(&rules(&alerting, Format::Prometheus).files());
    for rule in shipped.iter_mut().flat_map(|group| group["rules"].as_array_mut().expect("rules")) {
        rule.as_object_mut().expect("a rule").remove("keep_firing_for");
    }
    assert_eq!(groups(&files), shipped, "the same but for one key");
    let loses = |file: &File| file.text.replace("\n#  ", "").contains("What that loses: an alert ends");
    assert!(files.iter().all(loses));
    let site = tempfile::tempdir().expect("temporary directory");
    write(&files, site.path());
    run("vmalert", ["-dryRun", &format!("-rule={}/*.rules.yml", site.path().display())]);
}

/// A channel fails from minute 30 on, at an interval: so many seconds later it pages, and whether the interval is said to be
/// too long.
fn tests_at(interval: u64, page: u64, too_long: bool) -> String {
    // Samples before the failures, and after.
    let (before, after) = (1800 / interval, 1800 / interval);
    let a_scrape = 10 * interval;
    let target = r#"channel="tcp_local",job="imsimta",instance="mx1:9797""#;
    let too_long = u8::from(too_long);
    format!(
        r#"rule_files: ["*.rules.yml"]
evaluation_interval: 10s
tests:
  - interval: {interval}s
    input_series:
      - series: 'up{{job="imsimta",instance="mx1:9797"}}'
        values: '1+0x{all}'
      - series: 'imsimta_delivery_attempts_total{{{target}}}'
        values: '0+{a_scrape}x{all}'
      - series: 'imsimta_dequeued_recipients_total{{{target}}}'
        values: '0+{a_scrape}x{before} {delivered}+0x{after}'
      - series: 'imsimta_delivery_failures_total{{outcome="deferred",reason="dns_temporary",{target}}}'
        values: '_x{before} 0+{a_scrape}x{after}'
      - series: 'imsimta_delivery_top_domain_failure_ratio{{{target}}}'
        values: '0.3+0x{all}'
      - series: 'imsimta_delivery_domains{{{target}}}'
        values: '40+0x{all}'
    promql_expr_test:
      - eval_time: 59m
        expr: max(min_over_time(timestamp(ALERTS{{alertname="ImsMtaDeliveryFailureSpike",alertstate="firing"}})[59m:10s])) - 1800
        exp_samples: [{{labels: '{{}}', value: {page}}}]
      - eval_time: 59m
        expr: count(ALERTS{{alertname="ImsMtaScrapeIntervalLong",alertstate="firing"}}) or vector(0)
        exp_samples: [{{labels: '{{}}', value: {too_long}}}]
"#,
        all = before + after + 1,
        delivered = a_scrape * before,
    )
}

#[test]
fn rules_for_longer_scrape_intervals_page_later() {
    for (rendered, scraped, page) in [(10, 10, 20), (30, 30, 60), (60, 60, 120), (10, 60, 190)] {
        let site = tempfile::tempdir().expect("temporary directory");
        let alerting = every(rendered);
        let files = rules(&alerting, Format::Prometheus).files();
        write(&files, site.path());
        for file in &files {
            check_rules(&site.path().join(&file.name));
        }
        let test = site.path().join("interval.test.yml");
        std::fs::write(&test, tests_at(scraped, page, scraped > rendered)).expect("written");
        run("promtool", ["test".as_ref(), "rules".as_ref(), test.as_os_str()]);
    }
}

/// What each row of `thresholds.yml` promises about scrapes.
#[test]
fn times_hold_their_scrapes() {
    for row in &table().thresholds {
        let Some(scrapes) = row.scrapes else { continue };
        let imsimta_exporter::findings::thresholds::Value::Duration(time) = row.value else {
            panic!("{}", row.name)
        };
        assert!(time >= Duration::from_secs(10) * scrapes, "{}: not as it is shipped", row.name);
    }
    let site = rules(&every(60), Format::Prometheus).one_file().text;
    let head = site.split_once("groups:").expect("a head").0.replace("\n#  ", "");
    assert!(head.contains("# For a scrape every 1m: spike_window 4m instead of 40s,"), "{head}");
    assert!(!rules(&every(10), Format::Prometheus).one_file().text.contains("# For a scrape"));
}

#[test]
fn a_scale_divides_all_times() {
    let alerting = Alerting::default();
    let scaled = Rules { scale: NonZero::new(60).expect("a number"), ..rules(&alerting, Format::Prometheus) };
    let text = scaled.one_file().text;
    for expected in [
        "# All times are divided by 60.\n# These would be less than 1s, and are 1s: spike_window, fast_interval, rule_interval",
        "interval: 1s\n",
        "process_start_time_seconds < 1.5\n",
        "keep_firing_for: 90s\n",
    ] {
        assert!(text.contains(expected), "{expected}: {}", &text[..1500]);
    }
    let site = tempfile::tempdir().expect("temporary directory");
    write(&[scaled.one_file()], site.path());
    check_rules(&site.path().join("imsimta.rules.yml"));
}

/// Where runbooks are on no exporter that an alert is about, those of all alerts are there.
#[test]
fn a_site_has_its_job_and_its_places() {
    let alerting = Alerting {
        job: "mail/imsimta".to_owned(),
        runbook_url: "https://wiki.example.org/mail/NAME.md".to_owned(),
        dashboard_url: "https://grafana.example.org".to_owned(),
        ..Alerting::default()
    };
    let groups = groups(&rules(&alerting, Format::Prometheus).files());
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules"));
    for rule in rules.filter(|rule| rule["alert"].is_string()) {
        let name = rule["alert"].as_str().expect("a name");
        let runbook = rule["annotations"]["runbook_url"].as_str().expect("a runbook");
        assert_eq!(runbook, format!("https://wiki.example.org/mail/{name}.md"));
        let dashboard = rule["annotations"]["dashboard_url"].as_str().expect("a dashboard");
        assert!(dashboard.starts_with("https://grafana.example.org/d/imsimta-"), "{dashboard}");
        let expression = rule["expr"].as_str().expect("an expression");
        assert!(!expression.contains("job=\"imsimta\""), "{name}: {expression}");
    }
}
