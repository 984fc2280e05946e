//! What of it was right: which incident was told first by the alert that names its cause, and after how long.

use super::calendar::HOUR;
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
        let window = happening.begins..happening.ends() + AFTER;
        let began: Vec<&Began> = all.iter().filter(|began| window.contains(&began.minute)).collect();
        let mut told: Vec<&Began> = Vec::new();
        for target in &began {
            // What fires, and what will before a ticket is sent.
            let wait = usize::from(!target.pages());
            let firing: Vec<&Began> =
                began.iter().copied().filter(|one| one.minute <= target.minute + wait).collect();
            if !alertmanager.inhibits(&firing, target) {
                told.push(target);
            }
        }
        // A page is sent at once, a ticket after a minute.
        told.sort_by_key(|began| began.minute + usize::from(!began.pages()));
        Self { happening, told }
    }

    /// Minutes until the alert came that was to come first, where nothing else came before it and it names the cause.
    pub fn caught_after(&self) -> Option<usize> {
        let first = self.told.first()?;
        let incident = self.happening.incident;
        let is_right = incident.expects.contains(&first.alert()) && first.minute <= self.happening.told_by();
        let is_named =
            incident.names.iter().all(|names| names.split('|').any(|name| first.summary.contains(name)));
        (is_right && is_named).then_some(first.minute - self.happening.begins)
    }

    /// Whether an alert falls into its time.
    pub fn covers(&self, began: &Began) -> bool {
        (self.happening.begins..self.happening.ends() + AFTER).contains(&began.minute)
    }

    /// A line of the table.
    pub fn row(&self) -> String {
        let incident = self.happening.incident;
        let caught = self.caught_after().map_or("no".to_owned(), |minutes| format!("{} s", minutes * 60));
        let summary = self.told.first().map_or("", |first| first.summary.as_str());
        let told: Vec<String> = self
            .told
            .iter()
            .map(|began| {
                let kind = if began.pages() { "page" } else { "ticket" };
                format!("{} ({kind}, {} s)", began.shown(), (began.minute - self.happening.begins) * 60)
            })
            .collect();
        let begins = when(self.happening.begins);
        format!("| {} | {begins} | {caught} | {summary} | {} |", incident.name, told.join(", "))
    }
}

/// The one in the middle.
pub fn median(mut minutes: Vec<usize>) -> usize {
    minutes.sort_unstable();
    minutes.get(minutes.len() / 2).copied().unwrap_or_default()
}
