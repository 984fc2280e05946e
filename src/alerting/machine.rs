//! From what is found at each moment to what fires: pending, firing, ended.
//!
//! What is found has to last for the `for` of its alert, and what is gone is gone when nothing was found for its
//! `keep_firing_for`. Both count only while somebody looks: a source that cannot be read, a pause of this program and the
//! time between two runs move nothing. Time is that of a clock which never goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::alert::{Alert, Identity};
use super::noticed::Noticed;
use super::silence::Silences;
use crate::aggregate::time::{Time, UnixTime};
use crate::findings::Severity;
use crate::findings::alert_of::Patience;
use crate::findings::source::{Source, Sources};

/// Alerts that are pending or fire at once. A host with all channels in trouble has a few hundred.
pub const MAX_CONDITIONS: usize = 1024;
/// Two moments that are further apart have a gap between them, in which nobody looked.
const GAP: Duration = Duration::from_secs(5);
/// An alert that waits is forgotten when nobody could look for so long.
const PENDING_UNSEEN: Duration = Duration::from_mins(10);
/// And one that fires: another alert says all that time that its source cannot be read.
const FIRING_UNSEEN: Duration = Duration::from_hours(24);
/// The words of an alert that fires stay for so long, or it would be another one each second.
const WORDS_STAY: Duration = Duration::from_secs(30);

/// One moment.
pub struct Moment<'a> {
    /// By the clock that never goes back.
    pub at: Duration,
    /// How many times faster alerts wait and stay: 1, but for who tries them out.
    pub hurry: u32,
    /// By that of the host, to be shown.
    pub unix: UnixTime,
    /// What is found, the gravest first.
    pub noticed: Vec<Noticed>,
    /// Whether what an alert is about could be looked at in these sources.
    pub sees: &'a dyn Fn(&Identity, Sources) -> bool,
}

/// An alert that is pending or fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is wrong and mostly why, in one sentence.
    pub summary: String,
    /// What shows it and what to do next, in sentences.
    pub description: String,
    /// What it is known from.
    pub sources: Sources,
    /// How long it stays when it is gone.
    pub stays: Duration,
    /// How far it is.
    pub phase: Phase,
    /// For how long nobody could look; nothing when somebody looked at the last moment.
    pub unseen: Option<Duration>,
    /// How old its words are.
    pub(super) words: Duration,
}

/// How far an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is found, and has to last.
    Pending {
        /// How long it has lasted.
        lasted: Duration,
        /// How long it has to last as it is now, and how long it has lasted so.
        so: (Duration, Duration),
    },
    /// It fires.
    Firing {
        /// Since when.
        since: UnixTime,
        /// For how long it has been gone.
        gone: Duration,
    },
}

/// All alerts that are pending or fire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    pub(super) conditions: BTreeMap<Identity, Condition>,
    /// What nobody is told of.
    pub(super) silences: Silences,
    /// The last moment.
    last: Option<Duration>,
    left_out: usize,
}

impl Machine {
    /// The same, where nobody is told of what a site has silenced.
    #[must_use]
    pub fn silencing(self, silences: Silences) -> Self {
        Self { silences, ..self }
    }

    /// Takes a moment.
    pub fn step(&mut self, moment: Moment<'_>) {
        let passed =
            self.last.replace(moment.at).map_or(Duration::ZERO, |last| moment.at.saturating_sub(last));
        let passed = if passed > GAP { Duration::ZERO } else { passed * moment.hurry };
        let Moment { unix, noticed, sees, .. } = moment;
        let mut found: BTreeMap<Identity, (usize, Noticed)> = BTreeMap::new();
        for (place, noticed) in noticed.into_iter().enumerate() {
            found.entry(noticed.identity.clone()).or_insert((place, noticed));
        }
        self.conditions.retain(|identity, condition| {
            let found = found.remove(identity).map(|(_, noticed)| noticed);
            if !sees(identity, condition.sources) {
                return condition.is_unseen(passed);
            }
            match found {
                Some(noticed) => condition.is_found(noticed, passed, unix),
                None => condition.is_gone(passed),
            }
        });
        let mut new: Vec<(usize, Noticed)> = found.into_values().collect();
        new.retain(|(_, noticed)| !noticed.explained && sees(&noticed.identity, noticed.sources));
        new.sort_by_key(|&(place, _)| place);
        let room = MAX_CONDITIONS - self.conditions.len().min(MAX_CONDITIONS);
        self.left_out = new.len().saturating_sub(room);
        for (_, noticed) in new.into_iter().take(room) {
            let (identity, condition) = Condition::begins(noticed, unix);
            self.conditions.insert(identity, condition);
        }
    }

    /// What is pending or fires, in the order of names.
    pub fn conditions(&self) -> &BTreeMap<Identity, Condition> {
        &self.conditions
    }

    /// The channels for which an alert fires, each with its name.
    pub fn channels(&self, alert: &str) -> BTreeSet<(&'static str, String)> {
        let firing = self.conditions.iter().filter(|(of, condition)| of.name == alert && condition.fires());
        firing.filter_map(|(of, _)| Some((of.name, of.labels.get("channel")?.clone()))).collect()
    }

    /// The channels for which an alert is pending or fires, each with its name.
    pub fn begun(&self, alert: &str) -> BTreeSet<(&'static str, String)> {
        let begun = self.conditions.keys().filter(|of| of.name == alert);
        begun.filter_map(|of| Some((of.name, of.labels.get("channel")?.clone()))).collect()
    }

    /// How many alerts more there would be now.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// What fires and is not silenced, in the order of identities.
    pub fn firing(&self) -> Vec<Alert> {
        let fires = |(identity, condition): (&Identity, &Condition)| match condition.phase {
            Phase::Pending { .. } => None,
            Phase::Firing { since, .. } => Some(condition.alert(identity, since)),
        };
        let told = self.conditions.iter().filter(|(identity, _)| self.silences.of(identity).is_none());
        told.filter_map(fires).collect()
    }
}

impl Condition {
    /// An alert that is found for the first time; without any patience it fires.
    fn begins(noticed: Noticed, unix: UnixTime) -> (Identity, Self) {
        let Noticed { identity, waits, stays, sources, summary, description, .. } = noticed;
        let phase = Phase::Pending { lasted: Duration::ZERO, so: (waits.so, Duration::ZERO) };
        let words = Duration::ZERO;
        let mut condition = Self { summary, description, sources, stays, phase, unseen: None, words };
        condition.lasts(waits, unix);
        (identity, condition)
    }

    /// It is found again; whether it stays.
    fn is_found(&mut self, noticed: Noticed, passed: Duration, unix: UnixTime) -> bool {
        // Nobody saw that it was so since the last moment if nobody looked then.
        let passed = if self.unseen.take().is_some() { Duration::ZERO } else { passed };
        self.words += passed;
        match &mut self.phase {
            Phase::Pending { .. } if noticed.explained => return false,
            Phase::Pending { lasted, so: (waits, so) } => {
                *lasted += passed;
                *so = if *waits == noticed.waits.so { *so + passed } else { Duration::ZERO };
                *waits = noticed.waits.so;
            }
            Phase::Firing { gone, .. } => *gone = Duration::ZERO,
        }
        let fired = self.fires();
        self.lasts(noticed.waits, unix);
        if !fired || self.words >= WORDS_STAY {
            (self.summary, self.description) = (noticed.summary, noticed.description);
            self.words = Duration::ZERO;
        }
        (self.sources, self.stays) = (noticed.sources, noticed.stays);
        true
    }

    /// It fires when it has lasted long enough.
    fn lasts(&mut self, waits: Patience, unix: UnixTime) {
        if let Phase::Pending { lasted, so: (_, so) } = self.phase
            && (so >= waits.so || lasted >= waits.anyway)
        {
            self.phase = Phase::Firing { since: unix, gone: Duration::ZERO };
        }
    }

    /// Somebody looked, and it is not there; whether it stays.
    fn is_gone(&mut self, passed: Duration) -> bool {
        let passed = if self.unseen.take().is_some() { Duration::ZERO } else { passed };
        match &mut self.phase {
            Phase::Pending { .. } => false,
            Phase::Firing { gone, .. } => {
                *gone += passed;
                *gone < self.stays
            }
        }
    }

    /// Nobody could look; whether it stays.
    fn is_unseen(&mut self, passed: Duration) -> bool {
        let unseen = self.unseen.map_or(Duration::ZERO, |unseen| unseen + passed);
        self.unseen = Some(unseen);
        unseen < if self.fires() { FIRING_UNSEEN } else { PENDING_UNSEEN }
    }

    /// Whether it fires.
    pub fn fires(&self) -> bool {
        matches!(self.phase, Phase::Firing { .. })
    }

    fn alert(&self, identity: &Identity, since: UnixTime) -> Alert {
        let Identity { name, severity, labels } = identity;
        let mut description = self.description.clone();
        if self.unseen.is_some() {
            let sources: Vec<_> = self.sources.iter().map(Source::meaning).collect();
            // A string takes whatever is written.
            let _ = write!(description, " Whether it goes on is not known: look at {}.", sources.join(", "));
        }
        Alert {
            name,
            severity: if *severity == Severity::Critical.label() {
                Severity::Critical
            } else {
                Severity::Warning
            },
            labels: labels.clone(),
            summary: self.summary.clone(),
            description: description.trim_start().to_owned(),
            since: Time::of(since.millis()),
        }
    }
}

#[cfg(test)]
mod tests;
