//! What is normal: by channel and hour of the week, of the last eight weeks in which anything was learned.
//!
//! An hour is learned from what each five minutes of it had: their median, and the greatest of them. It is learned only
//! where nearly all of it is known, by local time: of the hour that spring skips nothing, and the one that autumn repeats
//! as one. Not learned are hours in which something was wrong with a channel, as far as the caller
//! [says so](Baseline::incident), and holidays. What is expected is the median of the medians, with half of the trend of
//! the last week; the upper end is the second greatest maximum and a quarter, with a floor. So a week in which something
//! was wrong unsaid changes nothing, and what comes a second time is expected the third time.
//!
//! Two weeks are needed before an hour has anything to say.

mod calendar;
mod learned;
mod level;
mod saved;
mod sums;
mod weeks;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

pub use calendar::Holiday;
use calendar::{Calendar, HOURS, Hour};
use learned::{Learned, Seen};
use level::Level;
pub use saved::Saved;
pub use sums::Sums;
use weeks::Weeks;

use super::channel::MAX_CHANNELS;
use super::time::{Millis, Time, UnixTime};
use super::timeline::Present;
use crate::record::labelled;

labelled! {
    /// A number of which is learned what is usual. What is counted is counted in five minutes.
    #[derive(PartialOrd, Ord)]
    Series {
        Queue = "queue": "messages waiting in a channel";
        Failures = "failures": "recipients of a channel that were not delivered (Q, Z, R and K entries)";
        Enqueues = "enqueues": "recipients that a channel enqueued (E entries)";
        Connections = "connections": "inbound SMTP connections of a channel (O entries)";
    }
}

const SERIES: usize = Series::ALL.len();

/// Weeks that are kept.
pub const WEEKS: usize = 8;
/// The days after which all hours have something to say, where all of them are learned.
pub const DAYS: f64 = 14.0;
/// Channels that have rows: those with labels of their own, and `other`.
pub const MAX_ROWS: usize = MAX_CHANNELS + 1;

/// What is counted in one piece.
const STRETCH: Millis = Millis::of_minutes(5);
/// By how much a look may be late.
const LATE: Millis = Millis::of_minutes(1);
/// Of the twelve stretches of an hour so many have to be known.
const ENOUGH: usize = 9;
/// The hour that autumn repeats has twice as many.
const MOST: usize = 24;

/// The middle of an hour, as a part of it.
const MIDDLE: f64 = 0.5;

/// It goes to so many times what is expected at most: who has nothing from midnight on has no half of the evening then.
const STEEP: f64 = 1.4;

/// The upper end is so many times the second greatest maximum, and at least so many times what is expected.
const ABOVE_MAXIMUM: f64 = 1.25;
const ABOVE_EXPECTED: f64 = 1.5;
/// And so much more than that: what comes by chance is as far from its mean once in ten thousand stretches.
const SPREADS: f64 = 4.0;
const FEW: f64 = 10.0;

/// What is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// What there is mostly.
    pub expected: f64,
    /// The same at this moment, where that is more: a morning doubles within an hour. From the middle of one hour to that of the
    /// next it goes from what there is mostly in the one to what there is in the other.
    pub presently: f64,
    /// More than this is unusual.
    pub upper: f64,
}

/// The last whole five minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latest {
    /// What they had.
    pub count: u64,
    /// For how long there has been nothing.
    pub quiet: Millis,
    /// What is usual in their hour.
    pub band: Band,
}

/// What is known at a moment.
#[derive(Debug, Default)]
pub struct Known<'a> {
    /// Messages waiting by channel; nothing of a channel that could not be looked into.
    pub queue: Vec<(&'a str, u64)>,
    /// What the logs have told so far; absent where they were not read up to now.
    pub sums: Option<Sums>,
}

/// All channels.
#[derive(Clone, Debug)]
pub struct Baseline {
    calendar: Calendar,
    learning: bool,
    weeks: Weeks,
    /// By hour: the slots of the weeks in which anything was learned, a bit each.
    hours: Box<[u8; HOURS]>,
    rows: BTreeMap<String, Row>,
    /// By which moments of the timeline are told as local time.
    present: Option<Present>,
    /// The hour that is not over.
    ongoing: Option<Hour>,
    /// Whether something is wrong with all channels in it.
    incident: bool,
    /// The last look.
    last: Option<Look>,
    left_out: u64,
}

#[derive(Clone, Debug)]
struct Look {
    /// Unix time divided by [`STRETCH`].
    number: i64,
    at: Time,
    sums: Option<Sums>,
}

/// One channel.
#[derive(Clone, Debug, Default)]
struct Row {
    series: [Option<OfSeries>; SERIES],
    /// Whether something is wrong with it in the hour that is not over.
    incident: bool,
}

#[derive(Clone, Debug, Default)]
struct OfSeries {
    learned: Learned,
    /// Of the hour that is not over.
    stretches: Vec<Level>,
    /// What the last stretch had; none where that is not known.
    last: Option<u64>,
    /// How many stretches in a row had nothing.
    quiet: u32,
}

impl Default for Baseline {
    fn default() -> Self {
        Self {
            calendar: Calendar { zone: TimeZone::UTC, holidays: Vec::new() },
            learning: true,
            weeks: Weeks::default(),
            hours: Box::new([0; HOURS]),
            rows: BTreeMap::new(),
            present: None,
            ongoing: None,
            incident: false,
            last: None,
            left_out: 0,
        }
    }
}

impl Baseline {
    /// Whether it learns, by the local time of which zone, and on which days not.
    pub fn settle(&mut self, learning: bool, zone: TimeZone, holidays: Vec<Holiday>) {
        self.learning = learning;
        self.calendar = Calendar { zone, holidays };
    }

    /// Goes on to now; whether five minutes are over and it is time to look.
    pub fn go_on(&mut self, present: Present) -> bool {
        self.present = Some(present);
        self.last.as_ref().is_none_or(|last| last.number != number(present))
    }

    /// Takes what is known at the end of five minutes.
    pub fn look(&mut self, present: Present, known: Known<'_>) {
        self.present = Some(present);
        let middle = present.unix.less(Millis::of(STRETCH.millis() / 2));
        let hour = self.calendar.hour(middle);
        if hour != self.ongoing {
            self.finish_hour();
            self.ongoing = hour;
        }
        let look = Look { number: number(present), at: present.now(), sums: known.sums };
        let before = self.last.replace(look);
        let whole = before
            .as_ref()
            .is_some_and(|before| before.at.since(present.now()).and(STRETCH).length() <= LATE);
        self.rows.values_mut().flat_map(|row| row.series.iter_mut().flatten()).for_each(|of| of.pass(whole));
        for (channel, messages) in known.queue {
            self.take(Series::Queue, channel, messages);
        }
        let sums = self.last.as_mut().and_then(|last| last.sums.take());
        if let (Some(sums), Some(Look { sums: Some(earlier), .. })) = (&sums, before.filter(|_| whole)) {
            for (series, channel, count) in sums.since(&earlier) {
                self.take(series, channel, count);
            }
        }
        if let Some(last) = &mut self.last {
            last.sums = sums;
        }
    }

    /// What a stretch had.
    fn take(&mut self, series: Series, channel: &str, count: u64) {
        if !self.rows.contains_key(channel) {
            if self.rows.len() >= MAX_ROWS {
                self.left_out += 1;
                return;
            }
            self.rows.insert(channel.to_owned(), Row::default());
        }
        let Some(row) = self.rows.get_mut(channel) else { return };
        let of = row.series[series as usize].get_or_insert_default();
        of.last = Some(count);
        of.quiet = if count == 0 { of.quiet.saturating_add(1) } else { 0 };
        if of.stretches.len() < MOST {
            of.stretches.push(Level::of(count));
        }
    }

    /// Something is wrong with a channel, or with all: the hour is not learned. What compares with the band is no
    /// such thing: it says that something is unusual, and what comes again is not.
    pub fn incident(&mut self, channel: Option<&str>) {
        match channel {
            None => self.incident = true,
            Some(channel) => {
                if let Some(row) = self.rows.get_mut(channel) {
                    row.incident = true;
                }
            }
        }
    }

    /// Learns the hour that is over.
    fn finish_hour(&mut self) {
        let all = std::mem::take(&mut self.incident);
        let hour = self.ongoing.filter(|hour| self.learning && !hour.holiday && !all);
        let mut learned = Vec::new();
        for (channel, row) in &mut self.rows {
            let wrong = std::mem::take(&mut row.incident);
            for (series, of) in Series::ALL.iter().zip(&mut row.series) {
                let Some(of) = of else { continue };
                let seen = seen(&mut of.stretches).filter(|_| !wrong && hour.is_some());
                learned.extend(seen.map(|seen| (channel.clone(), *series, seen)));
            }
        }
        if let Some(hour) = hour.filter(|_| !learned.is_empty()) {
            self.learn(hour, learned);
        }
    }

    fn learn(&mut self, hour: Hour, learned: Vec<(String, Series, Seen)>) {
        let slot = match self.weeks.find(hour.week) {
            Some(slot) => slot,
            None => self.begin_week(hour.week),
        };
        for (channel, series, seen) in learned {
            let row = self.rows.entry(channel).or_default();
            let of = row.series[series as usize].get_or_insert_default();
            of.learned.learn(hour.of_week, &self.weeks, slot, seen);
        }
        self.hours[hour.of_week] |= slot.bit();
    }

    /// A week takes the place of the oldest; channels of which nothing is left vanish.
    fn begin_week(&mut self, week: i64) -> weeks::Slot {
        let slot = self.weeks.begin(week);
        let last_two = self.weeks.last_two();
        self.hours.iter_mut().for_each(|weeks| *weeks &= !slot.bit());
        for of in self.rows.values_mut().flat_map(|row| row.series.iter_mut().flatten()) {
            of.learned.forget(slot);
            of.learned.find_trend(last_two);
        }
        let is_known = |of: &OfSeries| of.last.is_some() || !of.learned.is_empty();
        self.rows.retain(|_, row| row.series.iter().flatten().any(is_known));
        slot
    }

    /// What is usual at a time, in a channel; nothing while it has not been learned in two weeks, and on holidays.
    pub fn expected(&self, channel: &str, series: Series, at: Time) -> Option<Band> {
        let of = self.rows.get(channel)?.series[series as usize].as_ref()?;
        of.band(&self.weeks, self.hour(at)?, self.part(self.present?.unix_of(at)))
    }

    /// The same of all channels of which it is known and that ever had anything, in the order of their names.
    pub fn bands(&self, series: Series, at: Time) -> impl Iterator<Item = (&str, Band)> {
        let hour = self.hour(at);
        let part = self.present.map_or(MIDDLE, |present| self.part(present.unix_of(at)));
        self.rows.iter().filter_map(move |(channel, row)| {
            let of = row.series[series as usize].as_ref().filter(|of| of.learned.has_anything())?;
            Some((channel.as_str(), of.band(&self.weeks, hour?, part)?))
        })
    }

    /// What the last whole five minutes had, and of the queue what waited at their end; none where that is not known.
    pub fn last(&self, channel: &str, series: Series) -> Option<u64> {
        self.rows.get(channel)?.series[series as usize].as_ref()?.last
    }

    /// The same of all channels of which it is known, in the order of their names.
    pub fn lasts(&self, series: Series) -> impl Iterator<Item = (&str, u64)> {
        let last = move |row: &Row| row.series[series as usize].as_ref()?.last;
        self.rows.iter().filter_map(move |(channel, row)| Some((channel.as_str(), last(row)?)))
    }

    /// The last whole five minutes of all channels of which they are known and of which it is known what is usual, in the
    /// order of their names.
    pub fn latest(&self, series: Series, now: Time) -> impl Iterator<Item = (&str, Latest)> {
        let last = self.last.as_ref().filter(|last| now.since(last.at) <= STRETCH.and(LATE));
        let hour = self.ongoing.filter(|hour| last.is_some() && self.learning && !hour.holiday);
        let middle = |last: &Look| UnixTime::of(last.number * STRETCH.millis() - STRETCH.millis() / 2);
        let part = last.map_or(MIDDLE, |last| self.part(middle(last)));
        self.rows.iter().filter_map(move |(channel, row)| {
            let of = row.series[series as usize].as_ref()?;
            let quiet = Millis::of(STRETCH.millis() * i64::from(of.quiet));
            let band = of.band(&self.weeks, hour?, part)?;
            Some((channel.as_str(), Latest { count: of.last?, quiet, band }))
        })
    }

    /// How much of its hour is over at a moment.
    fn part(&self, at: UnixTime) -> f64 {
        self.calendar.part(at).unwrap_or(MIDDLE)
    }

    fn hour(&self, at: Time) -> Option<Hour> {
        self.calendar.hour(self.present?.unix_of(at)).filter(|hour| self.learning && !hour.holiday)
    }

    /// How many of the first [`DAYS`] days have been learned: every hour of the week twice.
    pub fn days(&self) -> f64 {
        let now = self.present.and_then(|present| self.calendar.hour(present.unix));
        let counting = now.map_or(0, |hour| self.weeks.counting(hour.week));
        let hours: u32 = self.hours.iter().map(|weeks| (weeks & counting).count_ones().min(2)).sum();
        f64::from(hours) / 24.0
    }

    /// Whether it learns at all.
    pub fn is_learning(&self) -> bool {
        self.learning
    }

    /// How often five minutes of a channel were not looked at, since there are too many.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How much memory it takes, bytes.
    pub fn bytes(&self) -> usize {
        let series = |of: &OfSeries| of.learned.bytes() + of.stretches.capacity() * size_of::<Level>();
        let row = |(label, row): (&String, &Row)| {
            size_of::<(String, Row)>()
                + label.capacity()
                + row.series.iter().flatten().map(series).sum::<usize>()
        };
        size_of::<Self>() + HOURS + self.rows.iter().map(row).sum::<usize>()
    }
}

impl OfSeries {
    /// A stretch is over. Of one that nobody saw it is not known that there was nothing.
    fn pass(&mut self, whole: bool) {
        if self.last.take().is_none() || !whole {
            self.quiet = 0;
        }
    }

    /// What is usual in an hour of which such a part is over.
    fn band(&self, weeks: &Weeks, hour: Hour, part: f64) -> Option<Band> {
        let counting = weeks.counting(hour.week);
        let usual = self.learned.usual(hour.of_week, counting)?;
        let trend = self.learned.trend();
        let expected = usual.median.count() * trend;
        let beside = (hour.of_week + if part < MIDDLE { HOURS - 1 } else { 1 }) % HOURS;
        let beside =
            self.learned.usual(beside, counting).map_or(expected, |usual| usual.median.count() * trend);
        let presently = expected + (beside - expected) * (part - MIDDLE).abs();
        let presently = presently.clamp(expected, expected * STEEP);
        let maximum = usual.maximum.count() * trend.max(1.0);
        let chance = (expected.sqrt() * SPREADS).max(FEW);
        let upper = (maximum * ABOVE_MAXIMUM).max(expected * ABOVE_EXPECTED).max(expected + chance);
        Some(Band { expected, presently, upper })
    }
}

/// What an hour was like, where enough of it is known; its stretches are gone.
fn seen(stretches: &mut Vec<Level>) -> Option<Seen> {
    stretches.sort_unstable();
    let median = stretches.get(stretches.len().saturating_sub(1) / 2);
    let seen = median.zip(stretches.last()).filter(|_| stretches.len() >= ENOUGH);
    let seen = seen.map(|(&median, &maximum)| Seen { median, maximum });
    stretches.clear();
    seen
}

/// Which stretch it is.
fn number(present: Present) -> i64 {
    present.unix.millis().div_euclid(STRETCH.millis())
}

#[cfg(test)]
mod tests;
