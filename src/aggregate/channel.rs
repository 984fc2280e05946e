//! Counts by channel.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::digest::{Batch, Name};
use super::each::Each;
use super::histogram::{DelayHistogram, DurationHistogram};
use super::index::{ByIndex, Channel, ChannelIndex};
use super::labels::{Labels, OTHER_LABEL};
use super::reasons::{PerLabel, closed_set};
use super::table::{LeftOut, Table, Vacated};
use crate::record::application::Cipher;
use crate::record::authentication::{AuthenticationFailure, AuthenticationResult};
use crate::record::closing::Closing;
use crate::record::code::Outcome;
use crate::record::reason::Reason;
use crate::record::{Direction, labelled};

/// Channels with a label of their own. A large site has a few dozen.
pub const MAX_CHANNELS: usize = 256;

labelled! {
    /// Which delivery attempt it was.
    TryBand {
        First = "1": "the first";
        Second = "2": "the second";
        Third = "3": "the third";
        ToNinth = "4-9": "the fourth to the ninth";
        Later = "10+": "a later one";
    }
}

closed_set!(TryBand);

impl TryBand {
    /// The band of the `n`th attempt, counted from 1.
    pub fn of(n: u16) -> Self {
        match n {
            0 | 1 => Self::First,
            2 => Self::Second,
            3 => Self::Third,
            4..=9 => Self::ToNinth,
            _ => Self::Later,
        }
    }
}

/// Connections of one channel in one direction.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionCounts {
    /// O entries.
    pub opened: u64,
    /// C entries.
    pub closed: u64,
    /// X entries.
    pub rejected: PerLabel<Reason>,
    /// Y entries.
    pub failed: PerLabel<Reason>,
    /// C entries, and connections that were lost.
    pub closings: PerLabel<Closing>,
    /// C entries by how the connection was encrypted.
    pub ciphers: PerLabel<Cipher>,
    /// How long those were open whose O and C are known.
    pub durations: DurationHistogram,
}

impl ConnectionCounts {
    /// Whether the log has shown any connection of this channel and direction.
    pub fn any(&self) -> bool {
        self.opened + self.closed + self.rejected.sum() + self.failed.sum() > 0
    }
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelCounts {
    /// D entries.
    pub dequeued_recipients: u64,
    /// Their sizes.
    pub dequeued_bytes: u64,
    /// D, Q, Z, and R unless the message had expired.
    pub attempts: u64,
    /// By [`Outcome`] and reason.
    pub failures: Each<Outcome, PerLabel<Reason>, { Outcome::ALL.len() }>,
    /// D, Q and R by band of the attempt.
    pub tries: Each<TryBand, u64, { TryBand::ALL.len() }>,
    /// J entries.
    pub rejections: PerLabel<Reason>,
    /// V entries.
    pub aborted_transactions: u64,
    /// B entries.
    pub bad_commands: u64,
    /// W entries.
    pub delay_warnings: u64,
    /// I entries.
    pub etrn: u64,
    /// U entries by result.
    pub authentications: Each<AuthenticationResult, u64, { AuthenticationResult::ALL.len() }>,
    /// Those that failed.
    pub authentication_failures: PerLabel<AuthenticationFailure>,
    /// By direction.
    pub connections: Each<Direction, ConnectionCounts, { Direction::ALL.len() }>,
    /// Time in the queue until the last entry of a recipient.
    pub queue_delay: DelayHistogram,
    /// Time since the message came to this host.
    pub end_to_end_delay: DelayHistogram,
}

impl ChannelCounts {
    /// Entries that named the channel, but for those of enqueues.
    fn entries(&self) -> u64 {
        let connections = self
            .connections
            .all()
            .map(|(_, counts)| counts.opened + counts.closed + counts.rejected.sum() + counts.failed.sum());
        let others = self.aborted_transactions + self.bad_commands + self.delay_warnings + self.etrn;
        let failures: u64 = self.failures.all().map(|(_, failures)| failures.sum()).sum();
        let authentications = self.authentications.sum();
        self.attempts + failures + self.rejections.sum() + others + authentications + connections.sum::<u64>()
    }
}

/// All channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channels {
    labels: Labels<Channel>,
    counts: ByIndex<Channel, ChannelCounts>,
}

impl Table for Channels {
    fn empty(seed: u64) -> Self {
        Self {
            labels: Labels::new(MAX_CHANNELS, seed),
            counts: [ChannelCounts::default()].into_iter().collect(),
        }
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![("channels", self.capped())])
    }

    fn replaced(&self) -> Option<(&'static str, u64)> {
        Some(("channels", self.labels.gave_way()))
    }
}

impl Channels {
    /// The index of a channel.
    #[inline]
    pub(super) fn index(&mut self, name: Name, batch: &Batch) -> ChannelIndex {
        let index = self.labels.index(name.key, || batch.text(name));
        self.counts.at(index);
        index
    }

    /// Makes a channel known that has a queue directory, so that its counters exist from 0. Directories
    /// may have any name, and labels stay: half of them are left to the channels that entries name. `false` when
    /// all labels are taken by others.
    pub(super) fn known(&mut self, label: &str) -> bool {
        if self.labels.values().len() <= MAX_CHANNELS / 2 {
            let index = self.labels.index_of(label);
            self.counts.at(index);
        }
        !self.labels.is_full() || label == OTHER_LABEL || self.labels.has(label)
    }

    /// The quietest channel that is not `real`, the last comer of these; `enqueued` are recipients by index. None
    /// while half of the labels are those of `real` channels: names of directories must not push all others out.
    pub(super) fn quietest(
        &self,
        real: &BTreeSet<String>,
        enqueued: &ByIndex<Channel, u64>,
    ) -> Option<Vacated> {
        let (real, others): (Vec<_>, Vec<_>) =
            self.labels.all().skip(1).partition(|&(_, label)| real.contains(label));
        let entries = |index: ChannelIndex| {
            let counted = self.counts.get(index).map_or(0, ChannelCounts::entries);
            counted + enqueued.get(index).copied().unwrap_or(0)
        };
        let others = others.into_iter().map(|(index, _)| index);
        let quietest = others.min_by_key(|&index| (entries(index), Reverse(index)));
        quietest.filter(|_| real.len() < MAX_CHANNELS / 2).map(Vacated)
    }

    /// Gives an index to another channel, which begins at 0.
    pub(super) fn give_way(&mut self, vacated: Vacated, label: &str) {
        self.labels.give_way(vacated.0, label);
        *self.counts.at(vacated.0) = ChannelCounts::default();
    }

    pub(super) fn at(&mut self, index: ChannelIndex) -> &mut ChannelCounts {
        &mut self.counts[index]
    }

    /// A channel's label value.
    pub fn label(&self, index: ChannelIndex) -> &str {
        self.labels.value(index)
    }

    /// The label value of a channel that an entry names and that has been counted.
    pub fn label_of(&self, name: Name) -> &str {
        self.labels.value(self.labels.find(name.key))
    }

    /// `(label value, counts)`; `other` only when something was counted there.
    pub fn all(&self) -> impl Iterator<Item = (&str, &ChannelCounts)> {
        self.by_index().map(|(index, counts)| (self.label(index), counts))
    }

    /// `(index, counts)` of the same.
    pub fn by_index(&self) -> impl Iterator<Item = (ChannelIndex, &ChannelCounts)> {
        let skipped = usize::from(self.labels.capped() == 0);
        self.counts.iter().skip(skipped)
    }

    /// How many look-ups ended in `other`.
    pub fn capped(&self) -> u64 {
        self.labels.capped()
    }
}

#[cfg(test)]
mod tests {
    use super::{Channels, MAX_CHANNELS, Table as _};

    #[test]
    fn names_of_directories_leave_labels_to_the_log() {
        let mut channels = Channels::empty(7);
        for _ in 0..2 {
            for number in 0..2 * MAX_CHANNELS {
                channels.known(&format!("junk{number}"));
            }
        }
        assert_eq!((channels.all().count(), channels.capped()), (MAX_CHANNELS / 2, 0));
        for number in 0..MAX_CHANNELS / 2 {
            let label = format!("tcp_{number}");
            let index = channels.labels.index_of(&label);
            channels.counts.at(index);
            assert_eq!(channels.label(index), label);
        }
        channels.labels.index_of("one_more");
        assert_eq!((channels.all().count(), channels.capped()), (MAX_CHANNELS + 1, 1));
    }
}
