//! Enqueues by pair of channels.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::index::{ByIndex, Channel, ChannelIndex};
use super::table::{LeftOut, Table, Vacated};

/// Pairs with a series of their own; further ones are counted as `other` to `other`.
const MAX_PAIRS: usize = 1024;

/// One pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairCounts {
    /// The source channel.
    pub source: ChannelIndex,
    /// The destination channel.
    pub destination: ChannelIndex,
    /// E entries.
    pub recipients: u64,
    /// Their sizes.
    pub bytes: u64,
    /// How many of the recipients came when the table was full: only at `other` to `other`.
    #[serde(default)]
    left_out: u64,
}

/// All pairs.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<PairCounts>", into = "Vec<PairCounts>")]
pub struct Enqueues {
    pairs: Vec<PairCounts>,
    index: FxHashMap<(ChannelIndex, ChannelIndex), usize>,
}

impl Table for Enqueues {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![("channel_pairs", self.pairs.iter().map(|pair| pair.left_out).sum())])
    }
}

impl Enqueues {
    pub(super) fn add(&mut self, source: ChannelIndex, destination: ChannelIndex, bytes: u64) {
        let pair = &mut self.pairs;
        let full = pair.len() >= MAX_PAIRS && !self.index.contains_key(&(source, destination));
        let key = if full { (ChannelIndex::OTHER, ChannelIndex::OTHER) } else { (source, destination) };
        let index = *self.index.entry(key).or_insert_with(|| {
            pair.push(PairCounts { source: key.0, destination: key.1, recipients: 0, bytes: 0, left_out: 0 });
            pair.len() - 1
        });
        pair[index].recipients += 1;
        pair[index].bytes += bytes;
        pair[index].left_out += u64::from(full);
    }

    /// Forgets the pairs of a channel: its index is another's from now on.
    pub(super) fn forget_channel(&mut self, Vacated(channel): Vacated) {
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.retain(|pair| pair.source != channel && pair.destination != channel);
        *self = Self::from(pairs);
    }

    /// Recipients of all pairs that a channel is in.
    pub(super) fn by_channel(&self) -> ByIndex<Channel, u64> {
        let mut sums = ByIndex::default();
        for pair in &self.pairs {
            for channel in [pair.source, pair.destination] {
                *sums.at(channel) += pair.recipients;
            }
        }
        sums
    }

    /// All pairs that were seen.
    pub fn pairs(&self) -> &[PairCounts] {
        &self.pairs
    }
}

impl From<Vec<PairCounts>> for Enqueues {
    fn from(pairs: Vec<PairCounts>) -> Self {
        let index =
            pairs.iter().enumerate().map(|(index, pair)| ((pair.source, pair.destination), index)).collect();
        Self { pairs, index }
    }
}

impl From<Enqueues> for Vec<PairCounts> {
    fn from(enqueues: Enqueues) -> Self {
        enqueues.pairs
    }
}
