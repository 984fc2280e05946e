//! What is usual on this host of who knocks: hosts differ by a thousand, so each is compared with itself.
//!
//! Of each number the greatest of each hour of two weeks is kept, and each minute of the last hour. Usual is what 95 of 100 hours did not
//! exceed, but for the last day, in which trouble may have begun; before three days are known, what was normal in the last hour; before a
//! quarter of an hour, nothing. What is not noted teaches nothing.

pub mod channels;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use channels::Channels;

use super::Thresholds;
use super::losses::Losses;
use super::space::Space;
use crate::aggregate::channel::MAX_CHANNELS;
use crate::aggregate::time::{Millis, Time};

const MINUTE: Millis = Millis::of_minutes(1);
const HOUR: Millis = Millis::of_minutes(60);
/// Minutes that are kept: an hour, and what it ends ago.
const MINUTES: usize = 80;
/// Hours that are kept: two weeks and the last day.
const HOURS: usize = 15 * 24;

/// A day in hours.
const DAY_HOURS: i64 = 24;

/// A number that is compared with what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Inbound connections of five minutes.
    Connections,
    /// Those of the busiest client.
    Client,
    /// Those of the busiest network.
    Network,
    /// Recipients of ten minutes that were refused as relaying.
    RelayDenied,
    /// Authentications of ten minutes that failed as guesses do.
    Guesses,
    /// Recipients of five minutes of the busiest authenticated sender.
    Sender,
}

/// How many there are.
pub const MEASURES: usize = Measure::Sender as usize + 1;

/// What was seen of each; nothing where it teaches nothing.
pub type Measured = [Option<u64>; MEASURES];

/// What is usual, and what else is to be known after a restart.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usual {
    /// By the order of measures; a release that knows more of them begins these empty.
    of: Vec<OfMeasure>,
    /// When lines were last lost.
    pub losses: Losses,
    /// How much of file systems was free.
    pub space: Space,
    /// What is usual of channels.
    pub channels: Channels,
    /// Domains that a channel had, by hour of the last day.
    domains: BTreeMap<String, VecDeque<(i64, u64)>>,
    /// The minute that was noted last.
    #[serde(skip)]
    noted: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct OfMeasure {
    /// The number of a minute, and what was seen.
    minutes: VecDeque<(i64, u64)>,
    /// The number of an hour, and the most that was seen.
    hours: VecDeque<(i64, u64)>,
}

impl Usual {
    /// Takes note of a minute; of one that was noted, nothing.
    pub fn note(&mut self, now: Time, measured: Measured) {
        self.noted = Some(now.number(MINUTE));
        self.of.resize_with(MEASURES, OfMeasure::default);
        for (of, seen) in self.of.iter_mut().zip(measured) {
            if let Some(seen) = seen {
                of.note(now, seen);
            }
        }
    }

    /// Takes note of how many domains a channel has now.
    pub fn note_domains(&mut self, now: Time, channel: &str, domains: u64) {
        let hour = now.number(HOUR);
        let known = self.domains.contains_key(channel);
        if domains == 0 || (!known && self.domains.len() >= MAX_CHANNELS) {
            return;
        }
        let hours = self.domains.entry(channel.to_owned()).or_default();
        hours.retain(|(number, _)| *number <= hour);
        match hours.back_mut() {
            Some((number, most)) if *number == hour => *most = domains.max(*most),
            _ => hours.push_back((hour, domains)),
        }
    }

    /// Forgets what is older than a day of domains.
    pub fn forget_old_domains(&mut self, now: Time) {
        let first = now.number(HOUR).saturating_sub(DAY_HOURS);
        self.domains.values_mut().for_each(|hours| hours.retain(|(hour, _)| *hour > first));
        self.domains.retain(|_, hours| !hours.is_empty());
    }

    /// The most domains that a channel had within a day.
    pub fn domains_of_day(&self, channel: &str) -> u64 {
        let hours = self.domains.get(channel).into_iter().flatten();
        hours.map(|&(_, most)| most).max().unwrap_or(0)
    }

    /// Whether this minute has been noted.
    pub fn has_noted(&self, now: Time) -> bool {
        self.noted == Some(now.number(MINUTE))
    }

    /// What is usual of a measure; nothing where that is not known.
    pub fn usual(&self, measure: Measure, now: Time, limits: &Thresholds) -> Option<u64> {
        let of = self.of.get(measure as usize)?;
        of.of_weeks(now, limits).or_else(|| of.of_the_last_hour(now, limits))
    }

    /// The most that was seen in the same hours last week, where anything is known of them.
    pub fn same_hours(&self, measure: Measure, now: Time, limits: &Thresholds) -> Option<u64> {
        let until = now.less(limits.same_hours_offset.into());
        let from = until.less(limits.same_hours_window.into());
        let hours = self.of.get(measure as usize)?.hours.iter();
        let same = hours.filter(|(hour, _)| (from.number(HOUR)..=until.number(HOUR)).contains(hour));
        same.map(|&(_, most)| most).max()
    }
}

impl OfMeasure {
    fn note(&mut self, now: Time, seen: u64) {
        let (minute, hour) = (now.number(MINUTE), now.number(HOUR));
        // The clock of entries may have been ahead in an earlier run.
        self.minutes.retain(|(number, _)| *number <= minute);
        self.hours.retain(|(number, _)| *number <= hour);
        if self.minutes.back().is_some_and(|(number, _)| *number == minute) {
            return;
        }
        self.minutes.push_back((minute, seen));
        match self.hours.back_mut() {
            Some((number, most)) if *number == hour => *most = seen.max(*most),
            _ => self.hours.push_back((hour, seen)),
        }
        let behind = |kept: &VecDeque<(i64, u64)>, most: usize| kept.len().saturating_sub(most);
        self.minutes.drain(..behind(&self.minutes, MINUTES));
        self.hours.drain(..behind(&self.hours, HOURS));
    }

    fn of_weeks(&self, now: Time, limits: &Thresholds) -> Option<u64> {
        let known_since = now.less(limits.usual_known.into()).number(HOUR);
        self.hours.front().filter(|(first, _)| *first <= known_since)?;
        let until = now.less(limits.baseline_offset.into()).number(HOUR);
        let hours = self.hours.iter().filter(|(hour, _)| *hour <= until).map(|&(_, most)| most);
        quantile(hours.collect(), 95)
    }

    fn of_the_last_hour(&self, now: Time, limits: &Thresholds) -> Option<u64> {
        let ago = |span: std::time::Duration| now.less(span.into()).number(MINUTE);
        self.minutes.iter().find(|(minute, _)| *minute <= ago(limits.usual_lately_known))?;
        let until = ago(limits.usual_lately_offset);
        let minutes = self.minutes.iter().filter(|(minute, _)| (until - 60..=until).contains(minute));
        quantile(minutes.map(|&(_, seen)| seen).collect(), 50)
    }
}

/// What so many of a hundred do not exceed.
fn quantile(mut values: Vec<u64>, percent: usize) -> Option<u64> {
    values.sort_unstable();
    let at = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::{HOUR, MEASURES, MINUTE, Measure, Measured, Thresholds, Usual};
    use crate::aggregate::time::{Millis, Time};

    fn minute(number: i64) -> Time {
        Time::of(1_795_000_000_000 + number * MINUTE.millis())
    }

    fn clients(seen: u64) -> Measured {
        let mut measured = [None; MEASURES];
        measured[Measure::Client as usize] = Some(seen);
        measured
    }

    #[test]
    fn the_last_hour_is_usual_until_three_days_are_known() {
        let (mut usual, limits) = (Usual::default(), Thresholds::default());
        let is = |usual: &Usual, at: i64| usual.usual(Measure::Client, minute(at), &limits);
        for at in 0..=14 {
            usual.note(minute(at), clients(5));
            assert_eq!(is(&usual, at), None, "{at}");
        }
        for at in 15..=30 {
            // What has just begun is no part of it.
            usual.note(minute(at), clients(900));
        }
        assert_eq!(is(&usual, 24), Some(5));
        assert_eq!(usual.usual(Measure::Network, minute(24), &limits), None);
        for at in 31..=75 * 60 {
            usual.note(minute(at), clients(if at % 60 == 7 { 40 } else { 6 }));
            if at == 71 * 60 {
                assert_eq!(is(&usual, at), Some(6));
            }
        }
        assert_eq!(is(&usual, 75 * 60), Some(40), "each hour has a minute with so many");
    }

    #[test]
    fn trouble_of_a_day_is_not_usual_and_last_week_is_known() {
        let (mut usual, limits) = (Usual::default(), Thresholds::default());
        let hour = |number: i64| minute(number * 60);
        for number in 0..15 * 24 {
            let seen = if number == 7 * 24 { 500 } else { 10 };
            usual.note(hour(number), clients(seen));
        }
        for number in 15 * 24..16 * 24 {
            usual.note(hour(number), clients(10_000));
        }
        let now = hour(16 * 24);
        assert_eq!(usual.usual(Measure::Client, now, &limits), Some(10));
        assert_eq!(usual.same_hours(Measure::Client, hour(14 * 24), &limits), Some(500));
        assert_eq!(usual.same_hours(Measure::Client, hour(14 * 24 + 3), &limits), Some(10));
        assert_eq!(usual.same_hours(Measure::Sender, now, &limits), None);
    }

    #[test]
    fn a_channel_has_the_domains_that_it_had_within_a_day() {
        let mut usual = Usual::default();
        usual.note_domains(minute(0), "tcp_local", 20);
        usual.note_domains(minute(60), "tcp_local", 1);
        usual.forget_old_domains(minute(23 * 60));
        assert_eq!(usual.domains_of_day("tcp_local"), 20);
        usual.forget_old_domains(minute(24 * 60));
        assert_eq!(usual.domains_of_day("tcp_local"), 1);
        usual.forget_old_domains(minute(25 * 60));
        assert_eq!((usual.domains_of_day("tcp_local"), usual.domains.len()), (0, 0));
        (0..1000).for_each(|channel| usual.note_domains(minute(0), &channel.to_string(), 1));
        assert_eq!(usual.domains.len(), super::MAX_CHANNELS);
    }

    /// However long it runs, whatever the clock does, and saved it is small.
    #[test]
    fn it_is_bounded() {
        let mut usual = Usual::default();
        for at in 0..30_000 {
            usual.note(minute(at), [Some(u64::from(u32::MAX)); MEASURES]);
        }
        usual.note(Time::of(minute(5).millis() - 90 * HOUR.millis()), [Some(1); MEASURES]);
        for of in &usual.of {
            assert_eq!((of.minutes.len(), of.hours.len()), (1, 1), "what was later is forgotten");
        }
        for at in 0..30_000 {
            usual.note(minute(at), [Some(u64::from(u32::MAX)); MEASURES]);
        }
        let bytes = rmp_serde::to_vec_named(&usual).expect("saved");
        assert!(bytes.len() < 48_000, "{}", bytes.len());
        let read = Usual { noted: usual.noted, ..rmp_serde::from_slice(&bytes).expect("read") };
        assert_eq!(read, usual);
        let at = Time::of(i64::MAX).less(Millis::of(1));
        usual.note(at, clients(1));
        usual.note(Time::MIN, clients(1));
    }
}
