//! The YAML files of `alerts/`, as far as the tests look at them; promtool refuses keys that do not exist.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A file of rules.
#[derive(Debug, Deserialize)]
pub struct RuleFile {
    /// Its groups.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated one after the other.
#[derive(Debug, Deserialize)]
pub struct Group {
    /// Unique among all files.
    pub name: String,
    /// How often they are evaluated.
    pub interval: Option<String>,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// An alert or a recording rule.
#[derive(Debug, Deserialize)]
pub struct Rule {
    /// The name of an alert.
    pub alert: Option<String>,
    /// The name of a recorded metric.
    pub record: Option<String>,
    /// The query.
    pub expr: String,
    /// How long it has to hold.
    #[serde(rename = "for")]
    pub waits: Option<String>,
    /// How long an alert stays.
    #[serde(rename = "keep_firing_for")]
    pub stays: Option<String>,
    /// Labels that are added.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Texts of an alert.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// A file of unit tests for promtool.
#[derive(Debug, Deserialize)]
pub struct TestFile {
    /// Globs of the rules under test.
    pub rule_files: Vec<String>,
    /// The tests.
    pub tests: Vec<Case>,
}

/// One set of series and which alerts fire when.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// What is looked at, by alert and time.
    #[serde(default)]
    pub alert_rule_test: Vec<AlertTest>,
}

/// The alerts of one name at one time.
#[derive(Debug, Deserialize)]
pub struct AlertTest {
    /// The name.
    pub alertname: String,
    /// All that fire then.
    pub exp_alerts: Vec<ExpectedAlert>,
}

/// An alert that has to fire.
#[derive(Debug, Deserialize)]
pub struct ExpectedAlert {
    /// All its labels but the name.
    pub exp_labels: BTreeMap<String, String>,
    /// All its texts.
    pub exp_annotations: BTreeMap<String, String>,
}

/// The directory `alerts` of the source tree.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts")
}

/// The files of a directory below `alerts` whose names end so, in order.
pub fn list(below: &str, ending: &str) -> Vec<PathBuf> {
    let directory = directory().join(below);
    let mut paths: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("directory entry").path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no {ending} in {}", directory.display());
    paths
}

/// All files of rules: those that every site loads, then those for who wants them.
pub fn rule_files() -> Vec<PathBuf> {
    ["rules", "optional"].into_iter().flat_map(|below| list(below, ".rules.yml")).collect()
}

/// A file's text.
#[track_caller]
pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML file.
#[track_caller]
pub fn yaml<T: DeserializeOwned>(path: &Path) -> T {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All shipped rules.
pub fn rules() -> Vec<Rule> {
    rule_files().iter().flat_map(|path| yaml::<RuleFile>(path).groups).flat_map(|group| group.rules).collect()
}

/// All shipped alerts, with their names; a name can be there twice, once for each severity.
pub fn alerts() -> Vec<(String, Rule)> {
    rules().into_iter().filter_map(|rule| Some((rule.alert.clone()?, rule))).collect()
}
