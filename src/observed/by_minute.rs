//! What channels did in the last quarter of an hour, by minutes: what their sums grew by, and where to failures went.
//!
//! Noted once a minute while the logs are read up to now. What a sum grew by in more than some minutes is of no minute: a
//! backlog that was read at once, or a time in which nobody could look. Bounded: channels are, and minutes without anything
//! take nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::aggregate::Totals;
use crate::aggregate::channel::ChannelCounts;
use crate::aggregate::histogram::{DELAY_BOUNDS, DelayHistogram};
use crate::aggregate::index::{ByIndex, Channel, ChannelIndex};
use crate::aggregate::reasons::PerLabel;
use crate::findings::situation::Quarter;
use crate::record::code::Outcome;
use crate::record::reason::Reason;

/// Two notes that are further apart have a gap between them.
const GAP: Duration = Duration::from_mins(3);
const MINUTE: u64 = 60;
/// Minutes that are kept: an hour at most, whatever is asked for.
const MINUTES: u64 = 61;
/// Buckets of delays, the last without an end.
const BUCKETS: usize = DELAY_BOUNDS.len() + 1;

/// The last minutes of all channels.
#[derive(Clone, Debug, Default)]
pub struct ByMinute {
    /// By the number of the minute.
    minutes: VecDeque<(u64, BTreeMap<String, Counts>)>,
    last: Option<(Duration, BTreeMap<String, Counts>)>,
}

/// The sums of all channels; `worst` is which share of the failures of the last minutes goes to the one worst domain.
pub fn counts(totals: &Totals, worst: &HashMap<ChannelIndex, f64>) -> BTreeMap<String, Counts> {
    let mut enqueued: ByIndex<Channel, u64> = ByIndex::default();
    totals.enqueues.pairs().iter().for_each(|pair| *enqueued.at(pair.source) += pair.recipients);
    let channels = totals.channels.by_index().map(|(index, counts)| {
        let enqueued = enqueued.get(index).copied().unwrap_or_default();
        let counts = Counts { enqueued, ..Counts::of(counts, worst.get(&index).copied()) };
        (totals.channels.label(index).to_owned(), counts)
    });
    channels.collect()
}

/// Sums of a channel, or what they grew by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Recipients that came in through it.
    enqueued: u64,
    delivered: u64,
    /// But for what everybody meets, as alerts judge.
    failing: PerLabel<Reason>,
    /// For good, but for what the return job found to be too old.
    rejected: PerLabel<Reason>,
    /// By bucket, not cumulative.
    delays: [u64; BUCKETS],
    /// The share of the failures that went to the one worst domain; absent where nothing failed.
    worst_share: Option<f64>,
}

impl ByMinute {
    /// Whether this minute was noted.
    pub fn has_noted(&self, at: Duration) -> bool {
        self.last.as_ref().is_some_and(|(last, _)| last.as_secs() / MINUTE == at.as_secs() / MINUTE)
    }

    /// Takes note of the sums at a time that never goes back; `keep` is how far back is asked for.
    pub fn note(&mut self, at: Duration, keep: Duration, now: BTreeMap<String, Counts>) {
        let minute = at.as_secs() / MINUTE;
        if let Some((_, before)) = self.last.take().filter(|(then, _)| at.saturating_sub(*then) < GAP) {
            let grew = now.iter().filter_map(|(label, counts)| {
                let grew = counts.since(before.get(label));
                grew.is_any().then(|| (label.clone(), grew))
            });
            self.minutes.push_back((minute, grew.collect()));
        }
        let kept = keep.as_secs().div_ceil(MINUTE).min(MINUTES);
        while self.minutes.front().is_some_and(|(number, _)| number + kept <= minute) {
            self.minutes.pop_front();
        }
        self.last = Some((at, now));
    }

    /// Whether each minute of such a time until the last note is known.
    pub fn knows(&self, window: Duration) -> bool {
        let newest = self.minutes.back().map_or(0, |(number, _)| *number);
        let kept = window.as_secs().div_ceil(MINUTE).min(MINUTES);
        let known = self.minutes.iter().filter(|(number, _)| number + kept > newest).count();
        known as u64 >= kept
    }

    /// What each channel did in a time until the last note.
    pub fn within(&self, window: Duration) -> BTreeMap<String, Quarter> {
        let newest = self.minutes.back().map_or(0, |(number, _)| *number);
        let kept = window.as_secs().div_ceil(MINUTE);
        let mut sums: BTreeMap<&str, (Counts, f64, f64)> = BTreeMap::new();
        for (label, counts) in self
            .minutes
            .iter()
            .filter(|(number, _)| number + kept > newest)
            .flat_map(|(_, channels)| channels)
        {
            let (sum, shares, of) = sums.entry(label).or_default();
            sum.add(counts);
            if let Some(share) = counts.worst_share {
                (*shares, *of) = (*shares + share, *of + 1.0);
            }
        }
        let quarter = |(label, (sum, shares, of)): (&str, (Counts, f64, f64))| {
            let worst_share = if of > 0.0 { shares / of } else { 0.0 };
            (label.to_owned(), sum.quarter(worst_share))
        };
        sums.into_iter().map(quarter).collect()
    }
}

impl Counts {
    fn of(counts: &ChannelCounts, worst_share: Option<f64>) -> Self {
        let mut failing = PerLabel::default();
        let judged = counts.failures.all().filter(|(outcome, _)| *outcome != Outcome::Unnotified);
        judged.for_each(|(_, failures)| failing.add_all(failures));
        Self {
            enqueued: 0,
            delivered: counts.dequeued_recipients,
            failing: failing.without(&[Reason::Greylisted, Reason::Expired]),
            rejected: counts.failures[Outcome::Rejected].clone().without(&[Reason::Expired]),
            delays: buckets(&counts.queue_delay),
            worst_share,
        }
    }

    /// What it grew by. What was not there before began at 0; what begins anew grew by nothing that anybody saw.
    fn since(&self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return self.clone() };
        let mut delays = self.delays;
        delays
            .iter_mut()
            .zip(before.delays)
            .for_each(|(count, before)| *count = count.saturating_sub(before));
        Self {
            enqueued: self.enqueued.saturating_sub(before.enqueued),
            delivered: self.delivered.saturating_sub(before.delivered),
            failing: self.failing.since(&before.failing),
            rejected: self.rejected.since(&before.rejected),
            delays,
            worst_share: self.worst_share,
        }
    }

    fn is_any(&self) -> bool {
        self.enqueued
            + self.delivered
            + self.failing.sum()
            + self.rejected.sum()
            + self.delays.iter().sum::<u64>()
            > 0
    }

    fn add(&mut self, other: &Self) {
        self.enqueued += other.enqueued;
        self.delivered += other.delivered;
        self.failing.add_all(&other.failing);
        self.rejected.add_all(&other.rejected);
        self.delays.iter_mut().zip(other.delays).for_each(|(sum, count)| *sum += count);
    }

    fn quarter(&self, worst_share: f64) -> Quarter {
        let most =
            |of: &PerLabel<Reason>| of.counted().max_by_key(|&(_, count)| count).map(|(reason, _)| reason);
        Quarter {
            enqueued: self.enqueued,
            delivered: self.delivered,
            failing: self.failing.sum(),
            mostly: most(&self.failing),
            rejected: self.rejected.sum(),
            rejected_mostly: most(&self.rejected),
            delays: self.delays,
            worst_share,
            ..Quarter::default()
        }
    }
}

/// Counts by bucket, not cumulative.
fn buckets(histogram: &DelayHistogram) -> [u64; BUCKETS] {
    let mut buckets = [0; BUCKETS];
    let mut before = 0;
    let cumulative = histogram.cumulative().map(|(_, count)| count).chain([histogram.count()]);
    for (bucket, count) in buckets.iter_mut().zip(cumulative) {
        *bucket = count.saturating_sub(std::mem::replace(&mut before, count));
    }
    buckets
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{ByMinute, Counts, Reason};

    const QUARTER: Duration = Duration::from_mins(15);

    fn sums(delivered: u64, failing: u64) -> BTreeMap<String, Counts> {
        let mut counts = Counts { delivered, worst_share: (failing > 0).then_some(0.5), ..Counts::default() };
        (0..failing).for_each(|_| counts.failing.add(Reason::NoRoute));
        counts.delays[3] = delivered;
        [("l".to_owned(), counts)].into()
    }

    fn minute(number: u64) -> Duration {
        Duration::from_secs(number * 60 + 5)
    }

    #[test]
    fn what_grew_within_a_quarter_of_an_hour_counts() {
        let mut by_minute = ByMinute::default();
        let of = |by_minute: &ByMinute| {
            let quarter = by_minute.within(QUARTER).get("l").copied().unwrap_or_default();
            (quarter.delivered, quarter.failing, quarter.delays[3], quarter.mostly)
        };
        // What an earlier run counted is of no minute.
        by_minute.note(minute(0), QUARTER, sums(5000, 70));
        assert!(by_minute.has_noted(minute(0)) && !by_minute.has_noted(minute(1)));
        assert_eq!(of(&by_minute), (0, 0, 0, None));
        (1..=20).for_each(|at| by_minute.note(minute(at), QUARTER, sums(5000 + at, 70 + at / 10)));
        assert_eq!(of(&by_minute), (15, 2, 15, Some(Reason::NoRoute)));
        assert_eq!(by_minute.minutes.len(), 15);
        assert!(by_minute.knows(QUARTER));
        // A backlog that was read at once is of none, nor is a sum that begins anew.
        by_minute.note(minute(23), QUARTER, sums(90_000, 900));
        by_minute.note(minute(24), QUARTER, sums(3, 0));
        assert_eq!(of(&by_minute), (11, 2, 11, Some(Reason::NoRoute)));
        assert!(!by_minute.knows(QUARTER));
        // What is seen for the first time began at 0.
        let both = sums(3, 0).into_iter().chain([("x".to_owned(), sums(7, 0)["l"].clone())]);
        by_minute.note(minute(25), QUARTER, both.collect());
        assert_eq!(by_minute.within(QUARTER)["x"].delivered, 7);
    }

    #[test]
    fn the_worst_domain_is_told_by_the_minutes_with_failures() {
        let mut by_minute = ByMinute::default();
        by_minute.note(minute(0), QUARTER, sums(0, 0));
        by_minute.note(minute(1), QUARTER, sums(9, 0));
        by_minute.note(minute(2), QUARTER, sums(9, 4));
        assert_eq!(by_minute.within(QUARTER)["l"].worst_share.to_bits(), 0.5_f64.to_bits());
    }
}
