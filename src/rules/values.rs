//! What the names in templates stand for: at a site, at its scrape interval, at a scale.

use std::num::NonZero;
use std::time::Duration;

use super::duration::short;
use super::templates::{Owner, is_named};
use crate::config::{Alerting, RUNBOOK_NAME};
use crate::findings::thresholds::{AlertRow, Row, Table, Value, table};

/// The shortest time: Prometheus evaluates no rule more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// Where the runbooks are on a host that has the exporter installed.
const INSTALLED_RUNBOOKS: &str = "file:///usr/share/doc/imsimta-exporter/runbooks/NAME.md";

/// What one name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// The value of a threshold, or how long an alert waits or stays.
    Of(Value),
    /// A text of the site.
    Text(String),
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    table: Table,
    alerting: &'a Alerting,
    /// Where figures are others than those that are shipped, and why: a sentence each.
    pub notes: Vec<String>,
}

impl<'a> Values<'a> {
    /// Those of a site.
    pub fn new(thresholds: &Table, alerting: &'a Alerting, scale: NonZero<u32>) -> Self {
        let mut values = Self { table: thresholds.clone(), alerting, notes: Vec::new() };
        values.note_site();
        values.grow();
        values.shrink(scale);
        values
    }

    /// What a name stands for in lines of this owner, `before` of whose kind were there before. `None` where it is no name
    /// there.
    pub fn of(&self, name: &str, owner: Owner<'_>, before: usize) -> Option<Figure> {
        let time = |time: Duration| Figure::Of(Value::Duration(time));
        match name {
            "job" => Some(Figure::Text(self.alerting.job.clone())),
            "dashboard_url" => Some(Figure::Text(self.alerting.dashboard_url.clone())),
            "runbook_url" => runbook(&self.alerting.runbook_url, owner),
            "runbook_url_without_exporter" => runbook(self.without_exporter(), owner),
            "for" => self.alert(owner, before)?.waits.map(time),
            "keep_firing_for" => self.alert(owner, before)?.stays.map(time),
            _ => self.table.row(name).map(|row| Figure::Of(row.value)),
        }
    }

    /// An exporter that does not answer has no pages either.
    fn without_exporter(&self) -> &str {
        let url = self.alerting.runbook_url.as_str();
        if url.contains("$labels.instance") { INSTALLED_RUNBOOKS } else { url }
    }

    fn alert(&self, owner: Owner<'_>, before: usize) -> Option<&AlertRow> {
        let Owner::Alert { name, severity } = owner else { return None };
        self.table.alerts.iter().filter(|row| row.alert == name && row.severity == severity).nth(before)
    }

    fn note_site(&mut self) {
        let changed = |(row, shipped): (&Row, &Row)| {
            (row.value != shipped.value && is_named(&row.name))
                .then(|| format!("{} {} instead of {}", row.name, shown(row.value), shown(shipped.value)))
        };
        let rows = self.table.thresholds.iter().zip(&table().thresholds);
        self.note("Set at this site", &rows.filter_map(changed).collect::<Vec<_>>());
    }

    /// Times that hold too few scrapes.
    fn grow(&mut self) {
        let interval = self.alerting.scrape_interval;
        let mut grown = Vec::new();
        for row in &mut self.table.thresholds {
            let (Value::Duration(time), Some(scrapes)) = (row.value, row.scrapes) else { continue };
            if time < interval * scrapes {
                row.value = Value::Duration(interval * scrapes);
                grown.push(format!("{} {} instead of {}", row.name, shown(row.value), short(time)));
            }
        }
        self.note(&format!("For a scrape every {}", short(interval)), &grown);
    }

    /// Times of a site where everything happens faster.
    fn shrink(&mut self, scale: NonZero<u32>) {
        if scale.get() == 1 {
            return;
        }
        let mut too_short = Vec::new();
        let mut shrunk = |name: String, time: Duration| {
            let exact = time / scale.get();
            if exact < SHORTEST && (name.contains(' ') || is_named(&name)) {
                too_short.push(name);
            }
            Duration::from_millis(u64::try_from(exact.as_millis()).unwrap_or(u64::MAX)).max(SHORTEST)
        };
        for row in &mut self.table.thresholds {
            if let Value::Duration(time) = row.value {
                row.value = Value::Duration(shrunk(row.name.clone(), time));
            }
        }
        for AlertRow { alert, waits, stays, .. } in &mut self.table.alerts {
            *waits = waits.map(|time| shrunk(format!("for of {alert}"), time));
            *stays = stays.map(|time| shrunk(format!("keep_firing_for of {alert}"), time));
        }
        self.notes.push(format!("All times are divided by {scale}."));
        self.note("These would be less than 1s, and are 1s", &too_short);
    }

    fn note(&mut self, what: &str, names: &[String]) {
        if !names.is_empty() {
            self.notes.push(format!("{what}: {}.", names.join(", ")));
        }
    }
}

fn runbook(url: &str, owner: Owner<'_>) -> Option<Figure> {
    let Owner::Alert { name, .. } = owner else { return None };
    Some(Figure::Text(url.replace(RUNBOOK_NAME, name)))
}

fn shown(value: Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Share(number) | Value::Times(number) => number.to_string(),
        Value::Duration(time) => short(time),
    }
}
