//! Who speaks of an alert at an Alertmanager: this program, or another such as a Prometheus with the same rules.
//!
//! Alerts with equal labels are one alert to Alertmanager, whoever sends them, and what it hears last holds. Two who
//! speak of one would page, resolve and page again, so one speaks at a time. What an Alertmanager shows of an alert is
//! who spoke last and until when the alert lives without another word; from this and from what is remembered of earlier
//! looks, [`Memory::decide`] makes the next word. Each Alertmanager is asked and told by itself: they do not tell each
//! other of alerts.
//!
//! What Prometheus does was read from its source (2.42): it re-sends an alert each minute, good for four, and one that
//! has resolved each minute for fifteen more, with the time of its end. Such a late word ends whatever others have said
//! since. What Alertmanager does was tried (0.25): it shows what has not ended, it remembers notifications over a
//! restart, and alerts not.

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use crate::aggregate::time::{Millis, Monotonic, UnixTime};
use crate::record::labelled;

labelled! {
    /// When this program speaks.
    Mode {
        Backup = "backup": "where no other speaks of the alert";
        Always = "always": "whoever else does";
        Off = "off": "never";
    }
}

/// How often what is still so is said again, by this program and by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(Millis);

impl Default for Pace {
    /// Prometheus' own.
    fn default() -> Self {
        Self(Millis::of_minutes(1))
    }
}

impl Pace {
    /// Says it again after so long. Others are taken to do the same.
    pub const fn of(resend: Millis) -> Self {
        Self(resend)
    }

    /// How long a word holds.
    const fn holds(self) -> Millis {
        self.0.times(4)
    }

    /// From when on a word of this program is said again.
    const fn renewed(self) -> Millis {
        self.0.times(3)
    }

    /// Who has not said an alert again so long before its end is dead.
    const fn dead(self) -> Millis {
        self.0
    }

    /// Who lives has spoken within this.
    const fn heard(self) -> Millis {
        Millis::of(self.0.millis() / 4 * 5)
    }

    /// For so long Prometheus says that an alert has ended, and a bit.
    const fn echo(self) -> Millis {
        self.0.times(16)
    }
}

/// Times of an Alertmanager may be read late by so much.
const MARGIN: Millis = Millis::of(2000);

/// What an Alertmanager shows of an alert that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who spoke last.
    pub by: By,
    /// When it ends without another word, by the Alertmanager's clock.
    pub ends_at: UnixTime,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// This program.
    Us,
    /// Whoever else.
    Another,
}

/// One look at an alert.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What is shown; nothing where there is no such alert, or it has ended.
    pub seen: Option<Seen>,
    /// Whether the Alertmanager was started after the last look at which it showed the alert, and so has forgotten it.
    pub began_anew: bool,
    /// The time by its clock, which decides when alerts end.
    pub now: UnixTime,
    /// The same by a clock that never goes back.
    pub monotonic: Monotonic,
}

/// What is said next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// That it fires, until a time by the Alertmanager's clock.
    Speak {
        /// When it ends without another word.
        ends_at: UnixTime,
    },
    /// That it has ended.
    Resolve,
    /// Nothing.
    KeepStill,
}

/// What is remembered of an alert at an Alertmanager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What was shown last, as far as it has to be so still.
    seen: Option<Seen>,
    /// Since when the Alertmanager is known to have forgotten that.
    forgotten: Option<Monotonic>,
    /// When this program last spoke.
    spoke: Option<Monotonic>,
    /// Since when the condition holds.
    holds_since: Option<Monotonic>,
    /// When another was last found to have said that it has ended.
    ended_by_another: Option<Monotonic>,
    /// Another said so while the condition holds: nothing more of it until that has cleared.
    hushed: bool,
    /// The Alertmanager has forgotten it, and nobody will say that it has ended.
    orphaned: bool,
}

impl Memory {
    /// The next word, from a look and from whether the condition holds.
    pub fn decide(&mut self, mode: Mode, pace: Pace, holds: bool, look: &Look) -> Word {
        self.note(pace, holds, look);
        let said = match (mode, holds) {
            (Mode::Off, _) => false,
            (Mode::Backup, true) => self.has_to_speak(pace, look),
            (Mode::Backup, false) => self.has_to_resolve(pace, look),
            (Mode::Always, true) => self.speaks_anyway(pace, look),
            (Mode::Always, false) => self.is_ours(),
        };
        match (said, holds) {
            (false, _) => Word::KeepStill,
            (true, true) => Word::Speak { ends_at: look.now.and(pace.holds()) },
            (true, false) => Word::Resolve,
        }
    }

    /// Takes note that a word was taken.
    pub fn told(&mut self, word: Word, monotonic: Monotonic) {
        match word {
            Word::Speak { .. } => self.spoke = Some(monotonic),
            // It is gone before its end, and we know by whom.
            Word::Resolve => (self.seen, self.spoke, self.orphaned) = (None, None, false),
            Word::KeepStill => {}
        }
    }

    /// Whether there is nothing to look for any more.
    pub fn is_done(&self) -> bool {
        self.seen.is_none() && self.holds_since.is_none() && !self.orphaned
    }

    /// Whether there is nothing to remember either.
    pub fn is_empty(&self, pace: Pace, monotonic: Monotonic) -> bool {
        self.is_done() && !self.may_echo(pace, monotonic)
    }

    /// Whether another speaks of it.
    pub fn is_anothers(&self) -> bool {
        self.seen.is_some_and(|seen| seen.by == By::Another)
    }

    /// What a look says of what was before it.
    fn note(&mut self, pace: Pace, holds: bool, look: &Look) {
        let held = holds && self.holds_since.is_some();
        if holds {
            self.holds_since.get_or_insert(look.monotonic);
            self.orphaned = false;
        } else {
            (self.holds_since, self.hushed) = (None, false);
        }
        match (self.seen, look.seen) {
            (_, Some(seen)) => self.note_shown(seen, look),
            (Some(last), None) if look.began_anew => self.note_forgotten(pace, last, look),
            (Some(last), None) => self.note_gone(last, held, look),
            (None, None) => {}
        }
    }

    fn note_shown(&mut self, seen: Seen, look: &Look) {
        (self.seen, self.forgotten, self.orphaned) = (Some(seen), None, false);
        match seen.by {
            // After a restart of this program nobody knows when.
            By::Us => _ = self.spoke.get_or_insert(look.monotonic),
            By::Another => (self.hushed, self.ended_by_another) = (false, None),
        }
    }

    /// Whoever speaks of it says it again, and has the time for that. If nobody does, there is none who will say that it
    /// has ended; people were told that it fires, which an Alertmanager remembers.
    fn note_forgotten(&mut self, pace: Pace, last: Seen, look: &Look) {
        let since = *self.forgotten.get_or_insert(look.monotonic);
        if last.by == By::Another {
            let has_time = look.now.and(pace.dead()) < last.ends_at;
            if has_time || look.monotonic.since(since) < pace.heard() {
                return;
            }
            self.ended_by_another = Some(look.monotonic);
        }
        (self.seen, self.forgotten) = (None, None);
        self.orphaned = self.holds_since.is_none();
    }

    /// Gone before its end, it was resolved; else it was left to end.
    fn note_gone(&mut self, last: Seen, held: bool, look: &Look) {
        self.seen = None;
        if look.now.and(MARGIN) < last.ends_at {
            self.ended_by_another = Some(look.monotonic);
            self.hushed = held;
        }
    }

    /// Whether another may still be saying that it has ended.
    fn may_echo(&self, pace: Pace, now: Monotonic) -> bool {
        self.ended_by_another.is_some_and(|at| now.since(at) < pace.echo())
    }

    fn has_to_speak(&self, pace: Pace, look: &Look) -> bool {
        match self.seen {
            _ if self.hushed => false,
            Some(Seen { by, ends_at }) => {
                let enough = match by {
                    By::Us => pace.renewed(),
                    By::Another => pace.dead(),
                };
                self.forgotten.is_none() && ends_at.since(look.now) <= enough
            }
            None => !self.may_echo(pace, look.monotonic) || self.has_waited(pace, look.monotonic),
        }
    }

    /// Whether whoever else lives and finds the same has spoken of it by now.
    fn has_waited(&self, pace: Pace, now: Monotonic) -> bool {
        self.holds_since.is_some_and(|since| now.since(since) >= pace.heard())
    }

    /// Whoever speaks of it as well has done so since our last word, and then it is theirs.
    fn has_to_resolve(&self, pace: Pace, look: &Look) -> bool {
        let heard = self.spoke.is_none_or(|at| look.monotonic.since(at) >= pace.heard());
        self.is_ours() && heard
    }

    /// Whether it is for this program to say that it has ended.
    fn is_ours(&self) -> bool {
        self.orphaned || self.seen.is_some_and(|seen| seen.by == By::Us)
    }

    fn speaks_anyway(&self, pace: Pace, look: &Look) -> bool {
        let lately = self.spoke.is_some_and(|at| look.monotonic.since(at) < pace.dead());
        self.seen.is_none() || !lately
    }
}
