//! promtool and amtool on everything in `alerts/`.
//!
//! They come with Prometheus and Alertmanager. Where they are missing these tests are skipped, and say
//! so, unless the environment variable `CI` is `true`: there they fail.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::files::{alerts, directory, list, rule_files, yaml};

/// Runs a tool in `alerts`; its output. `None` where it is not installed.
#[track_caller]
pub fn run<S: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = S>) -> Option<String> {
    match Command::new(tool).args(arguments).current_dir(directory()).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(output.status.success(), "{tool}: {}\n{text}", output.status);
            Some(text)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{tool} is not installed");
            let mut stderr = std::io::stderr();
            writeln!(stderr, "SKIPPED: {tool} is not installed, so alerts were not checked with it")
                .expect("standard error");
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

fn with_files(arguments: &[&str], files: &[std::path::PathBuf]) -> Vec<std::ffi::OsString> {
    arguments.iter().map(Into::into).chain(files.iter().map(Into::into)).collect()
}

#[test]
fn promtool_finds_nothing_in_the_rules() {
    run("promtool", with_files(&["check", "rules", "--lint=all", "--lint-fatal"], &rule_files()));
}

#[test]
fn promtool_passes_the_tests_of_the_rules() {
    run("promtool", with_files(&["test", "rules"], &list("tests", ".test.yml")));
}

/// On a copy beside the rules elsewhere, as a site would put it: the example may name no place of its own.
#[test]
fn promtool_accepts_the_example_of_prometheus() {
    let site = tempfile::tempdir().expect("temporary directory");
    let rules = site.path().join("rules");
    std::fs::create_dir(&rules).expect("directory");
    for file in list("rules", ".rules.yml") {
        copy(&file, &rules);
    }
    copy(&directory().join("prometheus.example.yml"), site.path());
    let config = site.path().join("prometheus.example.yml");
    if let Some(report) = run("promtool", [OsStr::new("check"), OsStr::new("config"), config.as_os_str()]) {
        let found = list("rules", ".rules.yml").len();
        assert!(report.contains(&format!("SUCCESS: {found} rule files found")), "{report}");
    }
}

#[test]
fn promtool_accepts_the_example_of_an_agent() {
    run("promtool", ["check", "config", "--agent", "prometheus-agent.example.yml"]);
}

fn copy(file: &Path, to: &Path) {
    std::fs::copy(file, to.join(file.file_name().expect("a name"))).expect("copy");
}

#[test]
fn amtool_accepts_the_example_of_alertmanager() {
    run("amtool", ["check-config", "alertmanager.example.yml"]);
}

/// A test of an alert must not hide one that is real: both have the mark, or none.
#[test]
fn inhibitions_tell_tests_from_what_is_real() {
    let example = std::fs::read_to_string(directory().join("alertmanager.example.yml")).expect("the example");
    let mark = format!(", {}]", imsimta_exporter::notify::trial::MARK);
    let (marked, others): (Vec<_>, Vec<_>) = example
        .lines()
        .filter(|line| line.trim_start().starts_with("equal:"))
        .partition(|line| line.ends_with(&mark));
    assert!(marked.len() > 20 && others.is_empty(), "{others:?}");
}

/// All of ours, and those of others in the same Alertmanager: of no severity that we know they are a ticket.
#[test]
fn alerts_are_routed_by_severity() {
    let of = |severity: &str| match severity {
        "critical" => "page",
        "info" => "info",
        _ => "ticket",
    };
    let others = ["critical", "warning", "info", "error", ""]
        .map(|severity| ("SomethingElse".to_owned(), severity.to_owned()));
    let beat = ("ImsMtaSidecarWatchdog".to_owned(), "info".to_owned());
    let ours = alerts()
        .into_iter()
        .map(|(name, mut rule)| (name, rule.labels.remove("severity").expect("a severity")));
    let clusters = [vec![], vec!["cluster=mx".to_owned()]];
    for (name, severity) in ours.chain(others).chain([beat]) {
        let receiver = match name.as_str() {
            "ImsMtaWatchdog" => "watchdog",
            "ImsMtaSidecarWatchdog" => "sidecars",
            _ => of(&severity),
        };
        for cluster in &clusters {
            let labels =
                [format!("alertname={name}"), format!("severity={severity}"), "instance=mx1:9797".to_owned()];
            let verify = format!("--verify.receivers={receiver}");
            let arguments = ["config", "routes", "test", "--config.file=alertmanager.example.yml", &verify];
            run("amtool", arguments.into_iter().map(str::to_owned).chain(labels).chain(cluster.clone()));
        }
    }
}

/// Who is paged for the cause needs no page for what follows from it, and hears of everything else.
#[test]
fn causes_inhibit_what_follows_from_them() {
    let config: Alertmanager = yaml(&directory().join("alertmanager.example.yml"));
    for (cause, consequence, expected) in [
        ("ImsMtaDispatcherDown", "ImsMtaNoBanner", true),
        ("ImsMtaDispatcherDown", "ImsMtaLogLagging", true),
        ("ImsMtaDispatcherDown", "ImsMtaQueueStuck", false),
        ("ImsMtaNoBanner", "ImsMtaDispatcherDown", false),
        ("ImsMtaJobControllerDown", "ImsMtaQueueGrowing", true),
        ("ImsMtaJobControllerDown", "ImsMtaQueueAboveBaseline", true),
        ("ImsMtaQueueGrowing", "ImsMtaQueueAboveBaseline", true),
        ("ImsMtaQueueStuck", "ImsMtaQueueAboveBaseline", true),
        ("ImsMtaDeliveryFailureSpike", "ImsMtaQueueAboveBaseline", true),
        ("ImsMtaQueueAboveBaseline", "ImsMtaQueueGrowing", false),
        ("ImsMtaDeliveryFailureSpike", "ImsMtaDeliveryBudgetFastBurn", true),
        ("ImsMtaDeliveryBudgetFastBurn", "ImsMtaDeliveryBudgetSlowBurn", true),
        ("ImsMtaDeliveryBudgetSlowBurn", "ImsMtaDeliveryBudgetFastBurn", false),
        ("ImsMtaDeliveryBudgetFastBurn", "ImsMtaDeliveryFailureSpike", false),
        ("ImsMtaJobControllerDown", "ImsMtaNoBanner", false),
        ("ImsMtaJobControllerDown", "ImsMtaQueueEmpty", false),
    ] {
        let found = config.inhibit_rules.iter().any(|rule| rule.inhibits(cause, consequence));
        assert_eq!(found, expected, "{cause} and {consequence}");
    }
}

/// The examples' inhibition.
#[derive(Deserialize)]
struct Alertmanager {
    inhibit_rules: Vec<Inhibition>,
}

#[derive(Deserialize)]
struct Inhibition {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
}

impl Inhibition {
    /// Whatever their other labels are; one that asks for these is not looked at.
    fn inhibits(&self, cause: &str, consequence: &str) -> bool {
        holds(&self.source_matchers, cause) && holds(&self.target_matchers, consequence)
    }
}

fn holds(matchers: &[String], name: &str) -> bool {
    matchers.iter().all(|matcher| {
        let value = matcher.strip_prefix("alertname").unwrap_or("=\"?\"");
        let (operator, value) = value.split_once('"').expect("a value in quotes");
        // Of the expressions we use names and `.+` alone.
        let of = |part: &str| part.strip_suffix(".+").map_or(part == name, |start| name.starts_with(start));
        value.trim_end_matches('"').split('|').any(of) != operator.starts_with('!')
    })
}
