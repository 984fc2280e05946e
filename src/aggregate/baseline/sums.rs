//! What the sums of the logs have counted until a moment, by series and channel.

use std::collections::BTreeMap;

use super::Series;
use crate::aggregate::Totals;
use crate::record::Direction;

/// Counts since some beginning.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// After each of them the sums begin anew.
    pub(super) gaps: u64,
    pub(super) counts: BTreeMap<(Series, String), u64>,
}

impl Sums {
    /// Of all channels. Connections are nothing that is known before the logs show entries of them.
    pub fn of(totals: &Totals) -> Self {
        let gaps = totals.accounts.all().iter().map(|account| account.gaps).sum();
        let mut sums = Self { gaps, ..Self::default() };
        for (channel, counts) in totals.channels.all() {
            let failures = counts.failures.all().map(|(_, failures)| failures.sum()).sum();
            sums.add(Series::Failures, channel, failures);
            sums.add(Series::Enqueues, channel, 0);
            if totals.options.connection_entries() {
                sums.add(Series::Connections, channel, counts.connections[Direction::In].opened);
            }
        }
        for pair in totals.enqueues.pairs() {
            sums.add(Series::Enqueues, totals.channels.label(pair.source), pair.recipients);
        }
        sums
    }

    pub(super) fn add(&mut self, series: Series, channel: &str, count: u64) {
        *self.counts.entry((series, channel.to_owned())).or_default() += count;
    }

    /// What was counted since others of the same beginning. Of a channel that these did not have, and of one whose
    /// label is another's now, nothing is known.
    pub(super) fn since(&self, before: &Self) -> impl Iterator<Item = (Series, &str, u64)> {
        let same = self.gaps == before.gaps;
        self.counts.iter().filter(move |_| same).filter_map(|(key, count)| {
            Some((key.0, key.1.as_str(), count.checked_sub(*before.counts.get(key)?)?))
        })
    }
}
