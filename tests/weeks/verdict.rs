//! What of it was right: which incident was told first by the alert that names its cause, and after how long.

use super::calendar::{HOUR, MINUTE};
use super::incidents::Happening;
use super::inhibition::Alertmanager;
use super::promtool::{Began, when};

/// Minutes after the end of an incident in which it may still be told: backlogs are worked off.
const AFTER: usize = 3 * HOUR;

/// What came of an incident.
#[derive(Debug)]
pub struct Verdict<'a> {
    pub happening: &'a Happening,
    /// What was told of it, in the order in which it arrives.
    pub told: Vec<&'a Began>,
}

impl<'a> Verdict<'a> {
    pub fn of(happening: &'a Happening, all: &'a [Began], alertmanager: &Alertmanager) -> Self {
        let window = happening.begins * MINUTE..(happening.ends() + AFTER) * MINUTE;
        let began: Vec<&Began> = all.iter().filter(|began| window.contains(&began.at)).collect();
        let mut told: Vec<&Began> = Vec::new();
        for target in &began {
            // What fires, and what will before a ticket is sent.
            let firing: Vec<&Began> = began.iter().copied().filter(|one| one.at <= sent(target)).collect();
            if !alertmanager.inhibits(&firing, target) {
                told.push(target);
            }
        }
        told.sort_by_key(|began| sent(began));
        Self { happening, told }
    }

    /// Seconds until the alert came that was to come first, where nothing else came before it and it names the cause.
    pub fn caught_after(&self) -> Option<usize> {
        let first = self.told.first()?;
        let incident = self.happening.incident;
        let is_right =
            incident.expects.contains(&first.alert()) && first.at <= self.happening.told_by() * MINUTE;
        let is_named =
            incident.names.iter().all(|names| names.split('|').any(|name| first.summary.contains(name)));
        (is_right && is_named).then_some(self.after(first))
    }

    /// Seconds from its beginning to that of an alert.
    fn after(&self, began: &Began) -> usize {
        began.at - self.happening.begins * MINUTE
    }

    /// Whether an alert falls into its time.
    pub fn covers(&self, began: &Began) -> bool {
        (self.happening.begins * MINUTE..(self.happening.ends() + AFTER) * MINUTE).contains(&began.at)
    }

    /// A line of the table.
    pub fn row(&self) -> String {
        let incident = self.happening.incident;
        let caught = self.caught_after().map_or("no".to_owned(), |seconds| format!("{seconds} s"));
        let summary = self.told.first().map_or("", |first| first.summary.as_str());
        let told: Vec<String> = self
            .told
            .iter()
            .map(|began| {
                let kind = if began.pages() { "page" } else { "ticket" };
                format!("{} ({kind}, {} s)", began.shown(), self.after(began))
            })
            .collect();
        let begins = when(self.happening.begins);
        format!(
            "| {} | {begins} | {caught} | {} s | {summary} | {} |",
            incident.name,
            incident.rules,
            told.join(", ")
        )
    }
}

/// When somebody hears of an alert: of a page at once, of a ticket after a minute.
fn sent(began: &Began) -> usize {
    began.at + if began.pages() { 0 } else { MINUTE }
}

/// The one in the middle.
pub fn median(mut seconds: Vec<usize>) -> usize {
    seconds.sort_unstable();
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}
