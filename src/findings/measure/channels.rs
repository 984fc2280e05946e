//! What is usual of channels: which share of attempts fails, how long recipients wait, how many are rejected. Of each the greatest
//! of each hour is kept, as long as it is asked for.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{HOUR, HOURS, MINUTE, MINUTES, quantile};
use crate::aggregate::channel::MAX_CHANNELS;
use crate::aggregate::time::Time;
use crate::findings::Thresholds;

/// Hours of a week and some more, of what is compared with last week alone.
const WEEK_HOURS: u32 = 8 * 24;
/// A share is kept as so many parts.
const PARTS: f64 = 10_000.0;

/// What was seen of a channel in the last minutes.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Seen {
    /// The share of the attempts that failed; absent where they were few.
    pub failing_share: Option<f64>,
    /// How long the slowest recipient of twenty waited, seconds; absent where there were few.
    pub delay: Option<f64>,
    /// Recipients that were rejected for good.
    pub rejected: u64,
    /// Whether anything was tried.
    pub tries: bool,
}

/// The most that was seen in the same hours last week, where anything is known of them.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct LastWeek {
    /// Of attempts that failed.
    pub failing_share: Option<f64>,
    /// Seconds.
    pub delay: Option<f64>,
    /// Recipients.
    pub rejected: Option<u64>,
}

/// All channels.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Channels(BTreeMap<String, OfChannel>);

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct OfChannel {
    failing: Hours,
    delay: Hours,
    rejected: Hours,
    /// Recipients that were rejected, by the number of the minute, where anything was tried.
    minutes: VecDeque<(u32, u32)>,
}

/// The number of an hour, and the most that was seen in it.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Hours(VecDeque<(u32, u32)>);

fn number(at: Time, step: crate::aggregate::time::Millis) -> u32 {
    u32::try_from(at.number(step)).unwrap_or(0)
}

fn whole(value: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let whole = value.round() as u32;
    whole
}

impl Hours {
    fn note(&mut self, hour: u32, seen: u32, keep: u32) {
        // The clock may have been ahead in an earlier run.
        while self.0.back().is_some_and(|(last, _)| *last > hour) {
            self.0.pop_back();
        }
        match self.0.back_mut() {
            Some((last, most)) if *last == hour => *most = seen.max(*most),
            _ => self.0.push_back((hour, seen)),
        }
        self.forget(hour, keep);
    }

    fn forget(&mut self, hour: u32, keep: u32) {
        while self.0.front().is_some_and(|(first, _)| first.saturating_add(keep) <= hour) {
            self.0.pop_front();
        }
    }

    /// The most in the same hours last week.
    fn last_week(&self, now: Time, limits: &Thresholds) -> Option<u32> {
        let until = now.less(limits.same_hours_offset.into());
        let hours = number(until.less(limits.same_hours_window.into()), HOUR)..=number(until, HOUR);
        let from = self.0.partition_point(|(hour, _)| hour < hours.start());
        self.0.range(from..).take_while(|(hour, _)| hours.contains(hour)).map(|&(_, most)| most).max()
    }
}

impl Channels {
    /// Takes note of a minute of a channel.
    pub fn note(&mut self, now: Time, channel: &str, seen: Seen) {
        if !self.0.contains_key(channel) {
            if self.0.len() > MAX_CHANNELS {
                return;
            }
            self.0.insert(channel.to_owned(), OfChannel::default());
        }
        let Some(of) = self.0.get_mut(channel) else { return };
        let (minute, hour) = (number(now, MINUTE), number(now, HOUR));
        if let Some(share) = seen.failing_share {
            of.failing.note(hour, whole(share * PARTS), WEEK_HOURS);
        }
        if let Some(delay) = seen.delay {
            of.delay.note(hour, whole(delay), WEEK_HOURS);
        }
        let rejected = u32::try_from(seen.rejected).unwrap_or(u32::MAX);
        of.rejected.note(hour, rejected, HOURS_KEPT);
        while of.minutes.back().is_some_and(|(last, _)| *last >= minute) {
            of.minutes.pop_back();
        }
        if seen.tries {
            of.minutes.push_back((minute, rejected));
        }
        of.minutes.drain(..of.minutes.len().saturating_sub(MINUTES));
    }

    /// Forgets what is too old; channels of which nothing is left vanish.
    pub fn forget(&mut self, now: Time) {
        let hour = number(now, HOUR);
        for of in self.0.values_mut() {
            of.failing.forget(hour, WEEK_HOURS);
            of.delay.forget(hour, WEEK_HOURS);
            of.rejected.forget(hour, HOURS_KEPT);
        }
        self.0.retain(|_, of| !of.rejected.0.is_empty());
    }

    /// The most that was seen of a channel in the same hours last week.
    pub fn last_week(&self, channel: &str, now: Time, limits: &Thresholds) -> LastWeek {
        let Some(of) = self.0.get(channel) else { return LastWeek::default() };
        LastWeek {
            failing_share: of.failing.last_week(now, limits).map(|parts| f64::from(parts) / PARTS),
            delay: of.delay.last_week(now, limits).map(f64::from),
            rejected: of.rejected.last_week(now, limits).map(u64::from),
        }
    }

    /// How many recipients are rejected usually: what 95 of 100 hours did not exceed, but for the last day; before that is
    /// known, what was normal in the last hour; before a quarter of an hour, nothing.
    pub fn usually_rejected(&self, channel: &str, now: Time, limits: &Thresholds) -> Option<u64> {
        let of = self.0.get(channel)?;
        let hours = &of.rejected.0;
        let ago = |span: Duration, step| number(now.less(span.into()), step);
        if hours.front().is_some_and(|(first, _)| *first <= ago(limits.usual_known, HOUR)) {
            let until = ago(limits.baseline_offset, HOUR);
            let known = hours.iter().filter(|(hour, _)| *hour <= until);
            return quantile(known.map(|&(_, seen)| seen.into()).collect(), 95);
        }
        of.minutes.iter().find(|(minute, _)| *minute <= ago(limits.usual_lately_known, MINUTE))?;
        let until = ago(limits.usual_lately_offset, MINUTE);
        let lately = until.saturating_sub(60)..=until;
        let known = of.minutes.iter().filter(|(minute, _)| lately.contains(minute));
        quantile(known.map(|&(_, seen)| seen.into()).collect(), 50)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a small number")]
const HOURS_KEPT: u32 = HOURS as u32;

#[cfg(test)]
mod tests {
    use super::{
        Channels, HOUR, HOURS_KEPT, LastWeek, MAX_CHANNELS, MINUTE, MINUTES, Seen, Thresholds, Time,
        WEEK_HOURS,
    };

    fn minute(number: i64) -> Time {
        Time::of(1_794_999_600_000 + number * MINUTE.millis())
    }

    fn seen(rejected: u64) -> Seen {
        Seen { failing_share: Some(0.1234), delay: Some(90.4), rejected, tries: true }
    }

    #[test]
    fn last_week_is_known_after_a_week() {
        let (mut channels, limits) = (Channels::default(), Thresholds::default());
        let week = 7 * 24 * 60;
        channels.note(minute(0), "l", seen(7));
        channels.note(minute(1), "l", Seen::default());
        for at in [30, week - 60, week, week + 60] {
            let expected = LastWeek { failing_share: Some(0.1234), delay: Some(90.0), rejected: Some(7) };
            let known = at >= week - 60;
            let found = channels.last_week("l", minute(at), &limits);
            assert_eq!(found, if known { expected } else { LastWeek::default() }, "{at}");
        }
        assert_eq!(channels.last_week("l", minute(week + 200), &limits), LastWeek::default());
        assert_eq!(channels.last_week("other", minute(week), &limits), LastWeek::default());
    }

    #[test]
    fn rejections_are_usual_by_the_last_hour_and_then_by_weeks() {
        let (mut channels, limits) = (Channels::default(), Thresholds::default());
        let usual = |channels: &Channels, at| channels.usually_rejected("l", minute(at), &limits);
        for at in 0..=14 {
            channels.note(minute(at), "l", seen(5));
            assert_eq!(usual(&channels, at), None, "{at}");
        }
        (15..=24).for_each(|at| channels.note(minute(at), "l", seen(900)));
        assert_eq!(usual(&channels, 24), Some(5), "what has just begun is no part of it");
        // Where nothing is tried nobody learns that nothing is rejected.
        (25..=80).for_each(|at| channels.note(minute(at), "l", Seen::default()));
        assert_eq!(usual(&channels, 80), Some(900));
        for at in 81..=75 * 60 {
            channels.note(minute(at), "l", seen(if at % 60 == 7 { 40 } else { 6 }));
        }
        assert_eq!(usual(&channels, 75 * 60), Some(40), "each hour has a minute with so many");
    }

    #[test]
    fn it_is_bounded_and_survives_a_restart() {
        let mut channels = Channels::default();
        for at in 0..600 {
            channels.note(minute(at * 60), "l", seen(u64::MAX));
            channels.note(minute(at * 60 + 1), "l", seen(1));
        }
        (0..1000).for_each(|name| channels.note(minute(0), &name.to_string(), seen(1)));
        assert_eq!(channels.0.len(), MAX_CHANNELS + 1);
        let of = &channels.0["l"];
        let lengths = (of.failing.0.len(), of.rejected.0.len(), of.minutes.len());
        assert_eq!(lengths, (WEEK_HOURS as usize, HOURS_KEPT as usize, MINUTES));
        let bytes = rmp_serde::to_vec_named(&channels).expect("saved");
        assert_eq!(rmp_serde::from_slice::<Channels>(&bytes).expect("read"), channels);
        // A clock that was ahead leaves nothing, and what is old goes.
        channels.note(minute(60), "l", seen(1));
        assert_eq!(channels.0["l"].rejected.0.len(), 1);
        channels.forget(Time::of(minute(0).millis() + 400 * HOUR.millis()));
        assert!(channels.0.is_empty());
        channels.note(Time::MIN, "l", seen(1));
        channels.note(Time::MAX, "l", seen(1));
    }
}
