//! An Alertmanager, a Prometheus and this program, second by second, as far as one alert goes.

use std::ops::Range;

use super::{By, Look, Memory, Mode, Pace, Seen, Word};
use crate::aggregate::time::{Monotonic, UnixTime};

/// Seconds since the model began.
pub(super) type Second = i64;

const NEVER: Second = -1_000_000;
/// Prometheus says again what fires each minute, good for four, and what has ended for a quarter of an hour.
const RESEND: Second = 60;
const GOOD_FOR: Second = 4 * RESEND;
const ECHO: Second = 15 * 60;
/// Between two looks of this program while there is something to look for.
const LOOK: Second = 15;

/// An alert as Alertmanager keeps it.
#[derive(Clone, Copy, Debug)]
struct Stored {
    by: By,
    starts: Second,
    ends: Second,
    updated: Second,
}

/// What came to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) at: Second,
    pub(super) firing: bool,
    /// Whose word made it; nobody's where an alert was left to end.
    pub(super) by: Option<By>,
}

/// It tells at once of each change: there is no interval in which two might go unnoticed.
#[derive(Debug, Default)]
struct Alertmanager {
    alert: Option<Stored>,
    started: Second,
    down_until: Second,
    page_open: bool,
    notices: Vec<Notice>,
}

impl Alertmanager {
    fn is_up(&self, now: Second) -> bool {
        now >= self.down_until
    }

    /// As its `mem.Alerts.Put` and `Alert.Merge` do.
    fn put(&mut self, by: By, starts: Second, ends: Second, now: Second) {
        let mut new = Stored { by, starts, ends, updated: now };
        if let Some(old) = self.alert {
            let overlap =
                (ends > old.starts && ends < old.ends) || (starts > old.starts && starts < old.ends);
            if overlap {
                new.starts = starts.min(old.starts);
                let resolved = ends <= now;
                new.ends = if !resolved || old.ends <= now { ends.max(old.ends) } else { ends };
            }
        }
        self.alert = Some(new);
        self.tell(Some(by), now);
    }

    fn tell(&mut self, by: Option<By>, now: Second) {
        let Some(alert) = self.alert else { return };
        let firing = alert.ends > now;
        if firing != self.page_open {
            self.page_open = firing;
            self.notices.push(Notice { at: now, firing, by });
        }
    }

    fn shown(&self, now: Second) -> Option<Stored> {
        self.alert.filter(|alert| alert.ends > now)
    }
}

/// When something is so, and how long after the truth each finds it.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    /// Incidents, in order, apart from each other.
    pub(super) incidents: Vec<Range<Second>>,
    /// From the truth to this program's finding, and how long it stays.
    pub(super) ours: (Second, Second),
    /// The same of Prometheus.
    pub(super) theirs: (Second, Second),
}

impl Truth {
    fn holds(&self, (late, stays): (Second, Second), now: Second) -> bool {
        self.incidents.iter().any(|incident| (incident.start + late..incident.end + stays).contains(&now))
    }

    /// Since when this program has found it, without a gap.
    pub(super) fn held_since(&self, now: Second) -> Option<Second> {
        let (late, stays) = self.ours;
        self.holds(self.ours, now).then(|| {
            let found = self.incidents.iter().map(|incident| incident.start + late..incident.end + stays);
            found.rev().fold(now, |since, found| {
                if (found.start..=found.end).contains(&since) { found.start } else { since }
            })
        })
    }
}

#[derive(Debug)]
enum Rule {
    Inactive,
    Firing { since: Second, sent: Second },
    Resolved { since: Second, at: Second, sent: Second },
}

#[derive(Debug)]
struct Prometheus {
    alive: bool,
    /// What stays firing after a truth is not known after a start.
    started: Second,
    rule: Rule,
}

impl Prometheus {
    fn step(&mut self, truth: &Truth, alertmanager: &mut Alertmanager, now: Second) {
        if !self.alive {
            return;
        }
        let (late, stays) = truth.theirs;
        let mut incidents = truth.incidents.iter();
        let finds = now >= self.started + late.min(30)
            && incidents.any(|incident| {
                let known = self.started < incident.end;
                (incident.start + late..incident.end + if known { stays } else { 0 }).contains(&now)
            });
        if now % 10 == 3 {
            self.rule = match (&self.rule, finds) {
                (Rule::Firing { .. }, true) | (Rule::Inactive, false) => return self.send(alertmanager, now),
                (_, true) => Rule::Firing { since: now, sent: NEVER },
                (&Rule::Firing { since, .. }, false) => Rule::Resolved { since, at: now, sent: NEVER },
                (Rule::Resolved { at, .. }, false) if now - at > ECHO => Rule::Inactive,
                (&Rule::Resolved { since, at, sent }, false) => Rule::Resolved { since, at, sent },
            };
            self.send(alertmanager, now);
        }
    }

    fn send(&mut self, alertmanager: &mut Alertmanager, now: Second) {
        let (since, ends, sent) = match &mut self.rule {
            Rule::Inactive => return,
            Rule::Firing { since, sent } => (*since, now + GOOD_FOR, sent),
            Rule::Resolved { since, at, sent } => (*since, *at, sent),
        };
        if now - *sent < RESEND {
            return;
        }
        *sent = now;
        if alertmanager.is_up(now) {
            alertmanager.put(By::Another, since, ends, now);
        }
    }
}

/// What happens beside the incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    PrometheusDies,
    PrometheusStarts,
    ExporterRestarts,
    /// For so long.
    AlertmanagerGone(Second),
    /// It is there, and this program does not reach it for so long.
    CutOff(Second),
}

#[derive(Debug)]
pub(super) struct World {
    truth: Truth,
    mode: Mode,
    alertmanager: Alertmanager,
    another: Prometheus,
    memory: Memory,
    /// What the alert was when it was last shown.
    updated: Second,
    cut_off_until: Second,
    next_look: Second,
    held: bool,
    now: Second,
    /// What of this was wrong.
    pub(super) wrong: Vec<String>,
}

impl World {
    pub(super) fn new(truth: Truth, mode: Mode, with_prometheus: bool) -> Self {
        let another = Prometheus { alive: with_prometheus, started: NEVER, rule: Rule::Inactive };
        Self {
            truth,
            mode,
            alertmanager: Alertmanager::default(),
            another,
            memory: Memory::default(),
            updated: NEVER,
            cut_off_until: NEVER,
            next_look: 0,
            held: false,
            now: 0,
            wrong: Vec::new(),
        }
    }

    /// What came to people so far.
    pub(super) fn notices(&self) -> &[Notice] {
        &self.alertmanager.notices
    }

    pub(super) fn page_is_open(&self) -> bool {
        self.alertmanager.page_open
    }

    /// When what Prometheus found ended, while it says so.
    pub(super) fn prometheus_ended(&self) -> Option<Second> {
        match self.another.rule {
            Rule::Resolved { at, .. } => Some(at),
            Rule::Inactive | Rule::Firing { .. } => None,
        }
    }

    fn reaches(&self) -> bool {
        self.now >= self.cut_off_until && self.alertmanager.is_up(self.now)
    }

    pub(super) fn happens(&mut self, event: Event) {
        match event {
            Event::PrometheusDies => self.another.alive = false,
            Event::PrometheusStarts if self.another.alive => {}
            Event::PrometheusStarts => {
                self.another = Prometheus { alive: true, started: self.now, rule: Rule::Inactive };
            }
            Event::ExporterRestarts => {
                self.memory = Memory::default();
                (self.updated, self.next_look) = (NEVER, self.now + 5);
            }
            Event::AlertmanagerGone(seconds) => {
                self.alertmanager.alert = None;
                self.alertmanager.down_until = self.now + seconds;
                self.alertmanager.started = self.now + seconds;
            }
            Event::CutOff(seconds) => self.cut_off_until = self.now + seconds,
        }
    }

    pub(super) fn second(&mut self) {
        self.now += 1;
        if self.alertmanager.is_up(self.now) {
            self.alertmanager.tell(None, self.now);
        }
        let word = self.looks().then(|| self.decide());
        // Between its look and its word.
        self.another.step(&self.truth, &mut self.alertmanager, self.now);
        if let Some(word) = word {
            self.say(word);
        }
    }

    fn looks(&mut self) -> bool {
        let holds = self.truth.holds(self.truth.ours, self.now);
        let due = self.now >= self.next_look || holds != self.held;
        self.held = holds;
        due && self.reaches() && (holds || !self.memory.is_done() || self.alertmanager.alert.is_some())
    }

    fn decide(&mut self) -> Word {
        let shown = self.alertmanager.shown(self.now);
        let look = Look {
            seen: shown.map(|alert| Seen { by: alert.by, ends_at: unix(alert.ends) }),
            began_anew: self.alertmanager.started > self.updated,
            now: unix(self.now),
            monotonic: self.monotonic(),
        };
        if let Some(alert) = shown {
            self.updated = alert.updated;
        }
        self.next_look = self.now + LOOK;
        self.memory.decide(self.mode, Pace::default(), self.held, &look)
    }

    fn say(&mut self, word: Word) {
        let now = self.now;
        match word {
            Word::KeepStill => return,
            Word::Speak { ends_at } => self.alertmanager.put(By::Us, now, ends_at.millis() / 1000, now),
            Word::Resolve => {
                // What came between look and word nobody can know.
                let known = |alert: Stored| alert.by == By::Another && alert.updated < now;
                if self.alertmanager.shown(now).is_some_and(known) {
                    self.wrong.push(format!("{now}: another's alert was resolved"));
                }
                self.alertmanager.put(By::Us, now - 1, now, now);
            }
        }
        self.memory.told(word, self.monotonic());
        self.next_look = now + 1;
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::of(self.now * 1000)
    }
}

fn unix(second: Second) -> UnixTime {
    UnixTime::of(second * 1000)
}
