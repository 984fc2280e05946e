//! `alerts/thresholds.yml`, read and checked. It is part of the program, so a test finds what is wrong with it, and a
//! run never does.

use std::sync::LazyLock;

use serde::Deserialize;

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

/// All thresholds, and which of them each alert asks for.
#[derive(Clone, Debug)]
pub struct Table {
    /// By the order of the file.
    pub thresholds: Vec<Row>,
    /// By the order of the file.
    pub alerts: Vec<AlertRow>,
}

/// One threshold.
#[derive(Clone, Debug)]
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
    /// The rules that look at it.
    pub findings: Vec<String>,
}

/// The figures of one alert.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRow {
    /// Its name.
    pub alert: String,
    /// `critical`, `warning` or `info`: one name may stand for two of them.
    pub severity: String,
    /// The names of the thresholds in its expression, from left to right.
    #[serde(default)]
    pub figures: Vec<String>,
    /// How long the expression has to hold.
    #[serde(rename = "for")]
    pub waits: Option<String>,
    /// How long the alert stays.
    #[serde(rename = "keep_firing_for")]
    pub stays: Option<String>,
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
    #[serde(default)]
    findings: Vec<String>,
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
        problems.extend(table.unused());
        problems.extend(table.unknown());
        if problems.is_empty() { Ok(table) } else { Err(problems.join("\n")) }
    }

    /// The threshold of this name.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.thresholds.iter().find(|row| row.name == name)
    }

    /// Those that findings look at, and that a configuration may override.
    pub fn of_findings(&self) -> impl Iterator<Item = &Row> {
        self.thresholds.iter().filter(|row| !row.findings.is_empty())
    }

    /// The alerts that ask for a threshold.
    pub fn alerts_of<'a>(&'a self, threshold: &'a Row) -> impl Iterator<Item = &'a AlertRow> {
        self.alerts.iter().filter(|alert| alert.figures.contains(&threshold.name))
    }

    /// How grave an alert is at least.
    pub fn severity_of(&self, alert: &str) -> Option<Severity> {
        let rows = self.alerts.iter().filter(|row| row.alert == alert);
        rows.map(AlertRow::weight).max()
    }

    fn unused(&self) -> impl Iterator<Item = String> {
        let unused = |row: &&Row| row.findings.is_empty() && self.alerts_of(row).next().is_none();
        self.thresholds.iter().filter(unused).map(|row| format!("{}: nothing looks at it", row.name))
    }

    fn unknown(&self) -> impl Iterator<Item = String> {
        let figures = self.alerts.iter().flat_map(|row| row.figures.iter().map(move |name| (row, name)));
        figures
            .filter(|(_, name)| self.row(name).is_none())
            .map(|(row, name)| format!("{}: there is no threshold {name}", row.alert))
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
        let Self { name, value: text, unit, meaning, findings } = self;
        let wrong = |reason: &str| {
            format!("{name}: found {text}: {reason}; expected {expects}", expects = unit.expects())
        };
        let value = unit.parse(&text).map_err(|reason| wrong(&reason))?;
        if !meaning.ends_with('.') || meaning.contains('\n') {
            return Err(format!("{name}: what it means is no sentence in one paragraph"));
        }
        let text = if unit == Unit::Duration { format!("\"{text}\"") } else { text };
        Ok(Row { name, value, text, unit, meaning, findings })
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
        let alerts = "alerts:\n  - {alert: A, severity: critical, figures: [a, z]}\n";
        for (rows, expected) in [
            (
                row("a", "1.5", "share") + &row("b", "600", "duration") + &row("c", "-1", "messages"),
                "a: found 1.5: it is more than 1; expected a share from 0 to 1 such as 0.5\n\
                 b: found 600: a unit is missing, write \"600s\" for seconds; expected a duration from 1s to 8760h such as \
                 \"10m\"\n\
                 c: found -1: this is not a whole number; expected a whole number from 0 to 1000000000 such as 20\n\
                 A: there is no threshold a\nA: there is no threshold z",
            ),
            (
                row("a", "1", "share")
                    + &row("a", "2", "lines")
                    + "  - {name: d, value: 1, unit: lines, meaning: Why.}\n",
                "a: it is there twice\nd: nothing looks at it\nA: there is no threshold z",
            ),
            (
                row("a", "1", "share") + "  - {name: d, value: 1, unit: lines, meaning: why}\n",
                "d: what it means is no sentence in one paragraph\nA: there is no threshold z",
            ),
        ] {
            let found = Table::parse(&format!("thresholds:\n{rows}{alerts}")).map(|_| ());
            assert_eq!(found, Err(expected.to_owned()));
        }
        for text in [row("a", "1", "parsecs"), row("a", "1", "share, more: 2")] {
            let found = Table::parse(&format!("thresholds:\n{text}alerts: []\n"));
            assert!(found.is_err_and(|error| error.contains("line 2") || error.contains(":2:")));
        }
        let rest = row("attempts", "0.5", "share") + "alerts: []\n";
        let table = Table::parse(&format!("thresholds:\n{rest}")).expect("right by itself");
        assert_eq!(
            Thresholds::of(&table),
            Err("attempts: the field has another type than the unit of its row".to_owned())
        );
    }
}
