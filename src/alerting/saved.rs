//! What is pending and fires, as it survives a restart. A state of another time is of no use: what it says may be over, or
//! has been ended by whoever was told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alert::Identity;
use super::machine::{Condition, MAX_CONDITIONS, Machine, Phase};
use super::telling::SavedTelling;
use crate::aggregate::time::{Millis, UnixTime};
use crate::findings::alert_of::{LABELS, Labels};
use crate::findings::measure::Usual;
use crate::findings::source::{Source, Sources};
use crate::findings::thresholds::table;

/// A state that is older has nothing to go on with: a host boots within it, and who was told of an alert has heard no more
/// of it for too long.
const GOES_ON: Millis = Millis::of_minutes(10);
/// The clock may have been set a little back since.
const SLACK: Millis = Millis::of(20_000);

/// All that is pending or fires.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// When it was so, by the host's clock.
    at: UnixTime,
    conditions: Vec<SavedCondition>,
    /// What is usual, which is of use however old it is.
    usual: Usual,
    /// What receivers were told.
    told: Vec<SavedTelling>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedCondition {
    name: String,
    severity: String,
    labels: BTreeMap<String, String>,
    summary: String,
    description: String,
    sources: Vec<String>,
    /// While it is pending: milliseconds for which it has lasted, how many it has to as it is, and has so.
    lasted: u64,
    waits: u64,
    lasted_so: u64,
    /// Once it fires: since when.
    fires_since: Option<UnixTime>,
}

impl Saved {
    /// What is to be saved of what is pending or fires.
    pub fn of(conditions: &BTreeMap<Identity, Condition>, now: UnixTime) -> Self {
        let conditions = conditions.iter().map(SavedCondition::of).collect();
        Self { at: now, conditions, ..Self::default() }
    }

    /// With what is usual.
    #[must_use]
    pub fn with_usual(self, usual: Usual) -> Self {
        Self { usual, ..self }
    }

    /// With what receivers were told.
    #[must_use]
    pub fn with_told(self, told: Vec<SavedTelling>) -> Self {
        Self { told, ..self }
    }

    /// What receivers were told.
    pub fn told(&self) -> &[SavedTelling] {
        &self.told
    }

    /// Whether what fired then may go on.
    pub fn goes_on(&self, now: UnixTime) -> bool {
        let age = now.since(self.at);
        age <= GOES_ON && age >= Millis::default().less(SLACK)
    }

    /// What was usual.
    pub fn usual(&self) -> Usual {
        self.usual.clone()
    }

    /// What an earlier run had, where that may go on.
    pub fn restored(&self, now: UnixTime) -> Machine {
        let mut machine = Machine::default();
        if !self.goes_on(now) {
            return machine;
        }
        let known = self.conditions.iter().filter_map(SavedCondition::restored);
        machine.conditions = known.take(MAX_CONDITIONS).collect();
        machine
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl SavedCondition {
    fn of((identity, condition): (&Identity, &Condition)) -> Self {
        let Identity { name, severity, labels } = identity;
        let labels = labels.iter().map(|(&label, value)| (label.to_owned(), value.clone()));
        let saved = Self {
            name: (*name).to_owned(),
            severity: (*severity).to_owned(),
            labels: labels.collect(),
            summary: condition.summary.clone(),
            description: condition.description.clone(),
            sources: condition.sources.iter().map(|source| source.label().to_owned()).collect(),
            ..Self::default()
        };
        match condition.phase {
            Phase::Pending { lasted, so: (waits, so) } => {
                Self { lasted: millis(lasted), waits: millis(waits), lasted_so: millis(so), ..saved }
            }
            Phase::Firing { since, .. } => Self { fires_since: Some(since), ..saved },
        }
    }

    /// Nothing where this release has no such alert, label or source.
    fn restored(&self) -> Option<(Identity, Condition)> {
        let row = table().alert(&self.name, &self.severity)?;
        let label = |(label, value): (&String, &String)| {
            LABELS.iter().find(|known| *known == label).map(|&known| (known, value.clone()))
        };
        let labels = self.labels.iter().map(label).collect::<Option<Labels>>()?;
        let source = |label: &String| Source::ALL.iter().copied().find(|source| source.label() == label);
        let sources = self.sources.iter().map(source).collect::<Option<Vec<_>>>()?;
        let phase = match self.fires_since {
            Some(since) => Phase::Firing { since, gone: Duration::ZERO },
            None => Phase::Pending {
                lasted: Duration::from_millis(self.lasted),
                so: (Duration::from_millis(self.waits), Duration::from_millis(self.lasted_so)),
            },
        };
        let condition = Condition {
            summary: self.summary.clone(),
            description: self.description.clone(),
            sources: Sources::of(&sources),
            stays: row.stays.unwrap_or_default(),
            phase,
            unseen: Some(Duration::ZERO),
            words: Duration::ZERO,
        };
        Some((Identity { name: &row.alert, severity: &row.severity, labels }, condition))
    }
}
