//! `alerts/thresholds.yml`, read and checked. It is part of the program, so a test finds what is wrong with it, and a
//! run never does.

use std::mem::discriminant;
use std::sync::LazyLock;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Unit, Value};
use crate::findings::Severity;

static SHIPPED: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(include_str!("../../../alerts/thresholds.yml"))
        .expect("invariant: a test reads alerts/thresholds.yml")
});

/// The file that is compiled in.
pub fn table() -> &'static Table {
    &SHIPPED
}

/// All thresholds, and how long alerts wait and stay. That of a configuration has the values of its site.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// By the order of the file.
    pub thresholds: Vec<Row>,
    /// By the order of the file.
    pub alerts: Vec<AlertRow>,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// The value as it would stand in TOML.
    pub text: String,
    /// What is counted.
    pub unit: Unit,
    /// What it is for, and when to change it.
    pub meaning: String,
    /// How many scrapes such a time has to hold at least.
    pub scrapes: Option<u32>,
    /// Whether a channel may have another one.
    pub by_channel: bool,
    /// The rules of `findings` that look at it; without any, it is for Prometheus alone.
    pub findings: Vec<String>,
}

/// How long an alert waits and stays. Rules with the same name and severity have a row each, in their order.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRow {
    /// Its name.
    pub alert: String,
    /// `critical`, `warning` or `info`: one name may stand for two of them.
    pub severity: String,
    /// How long the expression has to hold.
    #[serde(rename = "for", default, deserialize_with = "time")]
    pub waits: Option<Duration>,
    /// How long the alert stays.
    #[serde(rename = "keep_firing_for", default, deserialize_with = "time")]
    pub stays: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    thresholds: Vec<RowInFile>,
    alerts: Vec<AlertRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowInFile {
    name: String,
    value: String,
    unit: Unit,
    meaning: String,
    scrapes: Option<u32>,
    #[serde(default)]
    by_channel: bool,
    #[serde(default)]
    findings: Vec<String>,
}

/// A time with its unit, as for thresholds.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    match Unit::Duration.parse(&text).map_err(|reason| D::Error::custom(format!("found {text}: {reason}")))? {
        Value::Duration(duration) => Ok(Some(duration)),
        Value::Count(_) | Value::Share(_) | Value::Times(_) => Ok(None),
    }
}

/// The file that is compiled in.
impl Default for Table {
    fn default() -> Self {
        table().clone()
    }
}

impl Table {
    /// Reads such a file.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, a line for each: the row, what was found, what is right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let mut problems = Vec::new();
        let mut table = Self { thresholds: Vec::new(), alerts: file.alerts };
        for row in file.thresholds {
            if table.row(&row.name).is_some() {
                problems.push(format!("{}: it is there twice", row.name));
            }
            match row.read() {
                Ok(row) => table.thresholds.push(row),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(table) } else { Err(problems.join("\n")) }
    }

    /// The threshold of this name.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.thresholds.iter().find(|row| row.name == name)
    }

    /// Those that findings look at.
    pub fn of_findings(&self) -> impl Iterator<Item = &Row> {
        self.thresholds.iter().filter(|row| !row.findings.is_empty())
    }

    /// Another value for one, where there is one of this name and kind.
    pub fn set(&mut self, name: &str, value: Value) {
        let same = |row: &&mut Row| row.name == name && discriminant(&row.value) == discriminant(&value);
        if let Some(row) = self.thresholds.iter_mut().find(same) {
            row.value = value;
        }
    }

    /// The severity of the rules of an alert that is nearest to another one: that, or the only one there is.
    pub fn nearest(&self, alert: &str, severity: Severity) -> Option<Severity> {
        let weights = || self.alerts.iter().filter(|row| row.alert == alert).map(AlertRow::weight);
        weights().find(|&weight| weight == severity).or_else(|| weights().next())
    }

    /// The row of an alert: of rules with the same name and severity, the first.
    pub fn alert(&self, name: &str, severity: &str) -> Option<&AlertRow> {
        self.alerts.iter().find(|row| row.alert == name && row.severity == severity)
    }

    /// How grave an alert is at least.
    pub fn severity_of(&self, alert: &str) -> Option<Severity> {
        let rows = self.alerts.iter().filter(|row| row.alert == alert);
        rows.map(AlertRow::weight).max()
    }
}

impl AlertRow {
    fn weight(&self) -> Severity {
        match self.severity.as_str() {
            "critical" => Severity::Critical,
            "warning" => Severity::Warning,
            _ => Severity::Note,
        }
    }
}

impl RowInFile {
    fn read(self) -> Result<Row, String> {
        let Self { name, value: text, unit, meaning, scrapes, by_channel, findings } = self;
        let wrong = |reason: &str| {
            format!("{name}: found {text}: {reason}; expected {expects}", expects = unit.expects())
        };
        let value = unit.parse(&text).map_err(|reason| wrong(&reason))?;
        if !meaning.ends_with('.') || meaning.contains('\n') {
            return Err(format!("{name}: what it means is no sentence in one paragraph"));
        }
        if scrapes.is_some() && unit != Unit::Duration {
            return Err(format!("{name}: only a duration holds scrapes"));
        }
        let text = if unit == Unit::Duration { format!("\"{text}\"") } else { text };
        Ok(Row { name, value, text, unit, meaning, scrapes, by_channel, findings })
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, table};
    use crate::findings::Thresholds;

    #[test]
    fn the_file_that_is_compiled_in_is_right() {
        assert!(table().thresholds.len() > 50 && table().alerts.len() > 20);
        Thresholds::of(table()).expect("a row for each field");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_all_at_once() {
        let row = |name, value, unit| {
            format!("  - {{name: {name}, value: {value}, unit: {unit}, meaning: Why., findings: [x]}}\n")
        };
        let alerts = "alerts:\n  - {alert: A, severity: critical, for: 5m}\n";
        for (rows, expected) in [
            (
                row("a", "1.5", "share") + &row("b", "600", "duration") + &row("c", "-1", "messages"),
                "a: found 1.5: it is more than 1; expected a share from 0 to 1 such as 0.5\n\
                 b: found 600: a unit is missing, write \"600s\" for seconds; expected a duration from 1s to 8760h such as \
                 \"10m\"\n\
                 c: found -1: this is not a whole number; expected a whole number from 0 to 1000000000 such as 20",
            ),
            (
                row("a", "1", "share") + &row("a", "2", "lines, scrapes: 2"),
                "a: it is there twice\na: only a duration holds scrapes",
            ),
            (
                row("a", "1", "share") + "  - {name: d, value: 1, unit: lines, meaning: why}\n",
                "d: what it means is no sentence in one paragraph",
            ),
        ] {
            let found = Table::parse(&format!("thresholds:\n{rows}{alerts}")).map(|_| ());
            assert_eq!(found, Err(expected.to_owned()));
        }
        for text in [row("a", "1", "parsecs"), row("a", "1", "share, more: 2")] {
            let found = Table::parse(&format!("thresholds:\n{text}alerts: []\n"));
            assert!(found.is_err_and(|error| error.contains("line 2") || error.contains(":2:")));
        }
        let found = Table::parse("thresholds: []\nalerts: [{alert: A, severity: info, for: 10}]\n");
        assert!(found.is_err_and(|error| error.contains("found 10: a unit is missing")));
        let rest = row("attempts", "0.5", "share") + "alerts: []\n";
        let table = Table::parse(&format!("thresholds:\n{rest}")).expect("right by itself");
        assert_eq!(
            Thresholds::of(&table),
            Err("attempts: the field has another type than the unit of its row".to_owned())
        );
    }
}
