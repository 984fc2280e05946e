//! How all alerts stand, for pages and metrics: also those that are not there.

use std::collections::BTreeMap;

use super::alert::Identity;
use super::machine::{Condition, Machine, Phase};
use super::saved::Saved;
use super::silence::Silences;
use crate::aggregate::time::UnixTime;
use crate::findings::rules::RULES;
use crate::findings::source::Sources;
use crate::findings::thresholds::table;

/// How far an alert is, as a number that is greater the nearer it is to somebody's bed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Somebody looked, and it is not there.
    Absent = 0,
    /// It is there, and has to last.
    Pending = 1,
    /// It fires.
    Firing = 2,
}

/// All alerts at one moment.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What is pending or fires.
    pub conditions: BTreeMap<Identity, Condition>,
    /// How many more there would be.
    pub left_out: usize,
    /// How often what fires has changed in this run.
    pub changes: u64,
    /// What nobody is told of.
    silences: Silences,
    /// The alerts that could be looked at: name and severity.
    seen: Vec<(&'static str, &'static str)>,
}

/// The alerts that some finding is reason enough for: name, severity and what they are known from.
fn known_from() -> impl Iterator<Item = (&'static str, &'static str, Sources)> {
    table().alerts.iter().filter_map(|row| {
        let rules = || RULES.iter().filter(|rule| rule.is_of_now() && rule.alert == Some(&row.alert));
        // The rule that says it by the least.
        let own = rules().filter(|rule| rule.severity.label() == row.severity);
        let rule = own.min_by_key(|rule| rule.sources.iter().count()).or_else(|| rules().next())?;
        Some((row.alert.as_str(), row.severity.as_str(), rule.sources))
    })
}

impl Standing {
    /// As a machine has it, when this much could be looked at and what fires has changed so often.
    pub fn of(machine: &Machine, looked_at: Sources, changes: u64) -> Self {
        let seen = known_from().filter(|(.., sources)| looked_at.has_all(*sources));
        Self {
            conditions: machine.conditions().clone(),
            left_out: machine.left_out(),
            changes,
            silences: machine.silences.clone(),
            seen: seen.map(|(name, severity, _)| (name, severity)).collect(),
        }
    }

    /// What an earlier run left, before anybody has looked.
    pub fn restored(machine: &Machine) -> Self {
        Self::of(machine, Sources::default(), 0)
    }

    /// Each alert by name, severity and channel, which is empty where it is about none. One that no channel has is there
    /// once without a channel, if somebody looked.
    pub fn states(&self) -> BTreeMap<(&'static str, &'static str, &str), State> {
        let mut states = BTreeMap::new();
        for (identity, condition) in &self.conditions {
            let Identity { name, severity, labels } = identity;
            let channel = labels.get("channel").or_else(|| labels.get("source_channel"));
            let state = states.entry((*name, *severity, channel.map_or("", String::as_str)));
            let state = state.or_insert(State::Absent);
            *state = condition.state().max(*state);
        }
        for &(name, severity) in &self.seen {
            if !self.conditions.keys().any(|of| of.name == name && of.severity == severity) {
                states.insert((name, severity, ""), State::Absent);
            }
        }
        states
    }

    /// What fires, the gravest first.
    pub fn firing(&self) -> Vec<(&Identity, &Condition)> {
        let mut firing: Vec<_> = self.conditions.iter().filter(|(_, condition)| condition.fires()).collect();
        firing.sort_by_key(|(identity, _)| identity.severity);
        firing
    }

    /// Why nobody is told of an alert, which may be empty; nothing where somebody is.
    pub fn silenced(&self, identity: &Identity) -> Option<&str> {
        self.silences.of(identity)
    }

    /// How many alerts fire of which nobody is told.
    pub fn silent(&self) -> usize {
        self.firing().into_iter().filter(|(identity, _)| self.silenced(identity).is_some()).count()
    }

    /// What is to be saved.
    pub fn saved(&self, now: UnixTime) -> Saved {
        Saved::of(&self.conditions, now)
    }
}

impl Condition {
    /// How far it is.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Pending { .. } => State::Pending,
            Phase::Firing { .. } => State::Firing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Machine, Sources, Standing, State, known_from};
    use crate::findings::source::Source;

    #[test]
    fn what_was_looked_at_is_there_and_what_was_not_is_absent() {
        let standing = |looked_at| Standing::of(&Machine::default(), Sources::of(looked_at), 0);
        let spike = ("ImsMtaDeliveryFailureSpike", "critical", "");
        assert_eq!(standing(&[Source::Logs]).states().get(&spike), Some(&State::Absent));
        assert_eq!(standing(&[Source::Queue]).states().get(&spike), None);
        let all = standing(Source::ALL).states().len();
        assert_eq!(all, known_from().count());
    }

    #[test]
    fn both_severities_of_an_alert_are_known_from_their_rules() {
        let stuck: Vec<_> = known_from().filter(|(name, ..)| *name == "ImsMtaQueueStuck").collect();
        assert_eq!(stuck[0].2, Sources::of(&[Source::Logs, Source::Queue]));
        assert_eq!(stuck[1].2, Sources::of(&[Source::Queue]));
        assert!(known_from().all(|(name, ..)| name != "ImsMtaWatchdog"));
    }
}
