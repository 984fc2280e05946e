//! Attempts and failures by period: an incident of half an hour drowns in the sums of a day.

use rustc_hash::FxHashMap;

use crate::aggregate::index::{Channel, ChannelIndex};
use crate::aggregate::labels::Labels;
use crate::aggregate::reasons::PerLabel;
use crate::findings::share;
use crate::record::reason::Reason;

/// The length of a period.
pub const PERIOD_MILLIS: i64 = 5 * 60_000;
/// A week of 24 channels.
const MAX_PERIODS: usize = 50_000;
const MAX_CHANNELS: usize = 256;

/// One channel in one period.
#[derive(Clone, Debug, Default)]
pub struct Period {
    /// Attempts to deliver.
    pub attempts: u64,
    /// Those that failed.
    pub failed: u64,
    /// Why.
    pub reasons: PerLabel<Reason>,
    /// A candidate for the domain that most of them went to, and its lead over all others: where one domain has a
    /// share of the failures above a half, it is the candidate, and its lead is at least twice that share less one.
    worst: Option<u64>,
    lead: u64,
}

impl Period {
    fn fails(&mut self, reason: Reason, domain: Option<u64>) {
        self.failed += 1;
        self.reasons.add(reason);
        if self.lead == 0 {
            self.worst = domain;
        }
        if self.worst == domain { self.lead += 1 } else { self.lead -= 1 }
    }

    /// Whether more than a share of the failures went to one domain. A share below a half counts as a half: what is
    /// known of the domains says no more.
    pub fn is_one_domain(&self, of_failures: f64) -> bool {
        self.worst.is_some() && share(self.lead, self.failed) > 2.0 * of_failures.max(0.5) - 1.0
    }
}

/// All channels in all periods.
#[derive(Debug)]
pub struct Periods {
    channels: Labels<Channel>,
    /// By channel and number of the period since 1970.
    counts: FxHashMap<(ChannelIndex, i64), Period>,
    left_out: u64,
}

impl Periods {
    /// Nothing seen yet. `seed` is that of the hashes of channels.
    pub fn new(seed: u64) -> Self {
        Self { channels: Labels::new(MAX_CHANNELS, seed), counts: FxHashMap::default(), left_out: 0 }
    }

    /// Counts an attempt of the channel with the hash `key` by the wall clock of its entry; `failure` says
    /// how it failed, and `domain` is the hash of its destination.
    pub fn attempt<'a>(
        &mut self,
        key: u64,
        channel: impl FnOnce() -> &'a str,
        at: i64,
        failure: Option<Reason>,
        domain: Option<u64>,
    ) {
        let index = self.channels.index(key, channel);
        let key = (index, at.div_euclid(PERIOD_MILLIS));
        if self.counts.len() >= MAX_PERIODS && !self.counts.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let period = self.counts.entry(key).or_default();
        period.attempts += 1;
        if let Some(reason) = failure {
            period.fails(reason, domain);
        }
    }

    /// `(channel, number of the period, counts)`, by channel and time.
    pub fn in_order(&self) -> Vec<(&str, i64, &Period)> {
        // What many channels share says nothing about any of them.
        let own = self.counts.iter().filter(|&(&(channel, _), _)| channel != ChannelIndex::OTHER);
        let mut all: Vec<_> = own.map(|(&(channel, number), period)| (channel, number, period)).collect();
        all.sort_unstable_by_key(|&(channel, number, _)| (channel, number));
        let named = |(channel, number, period)| (self.channels.value(channel), number, period);
        all.into_iter().map(named).collect()
    }

    /// Attempts that did not fit.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
