//! Attempts and failures by stretch of time: an incident of half an hour drowns in the sums of a day.

use rustc_hash::FxHashMap;

use crate::aggregate::reasons::PerLabel;
use crate::record::label;
use crate::record::reason::Reason;

/// The length of a stretch.
pub const STRETCH_MILLIS: i64 = 5 * 60_000;
/// A week of 24 channels.
const MAX_STRETCHES: usize = 50_000;
const MAX_CHANNELS: usize = 256;

/// One channel in one stretch.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// Attempts to deliver.
    pub attempts: u64,
    /// Those that failed.
    pub failed: u64,
    /// Why.
    pub reasons: PerLabel<Reason>,
}

/// All channels in all stretches.
#[derive(Debug, Default)]
pub struct Stretches {
    channels: Vec<(Vec<u8>, String)>,
    /// By channel and number of the stretch since 1970.
    counts: FxHashMap<(usize, i64), Stretch>,
    left_out: u64,
}

impl Stretches {
    /// Counts an attempt by the wall clock of its entry; `failure` says how it failed.
    pub fn attempt(&mut self, channel: &[u8], at: i64, failure: Option<Reason>) {
        let known = self.channels.iter().position(|(spelling, _)| spelling == channel);
        let index = known.unwrap_or_else(|| {
            if self.channels.len() < MAX_CHANNELS {
                self.channels.push((channel.to_owned(), label::channel(channel)));
            }
            self.channels.len() - 1
        });
        let key = (index, at.div_euclid(STRETCH_MILLIS));
        if self.counts.len() >= MAX_STRETCHES && !self.counts.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let stretch = self.counts.entry(key).or_default();
        stretch.attempts += 1;
        if let Some(reason) = failure {
            stretch.failed += 1;
            stretch.reasons.add(reason);
        }
    }

    /// `(channel, number of the stretch, counts)`, by channel and time.
    pub fn in_order(&self) -> Vec<(&str, i64, &Stretch)> {
        let mut all: Vec<_> = self
            .counts
            .iter()
            .filter_map(|(&(channel, number), stretch)| {
                Some((self.channels.get(channel)?.1.as_str(), number, stretch))
            })
            .collect();
        all.sort_by_key(|&(channel, number, _)| (channel, number));
        all
    }

    /// Attempts that did not fit.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
