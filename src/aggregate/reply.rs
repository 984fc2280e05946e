//! Replies of remote hosts to failed attempts, by class and enhanced status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::digest::{Batch, RemoteReply};
use super::heavy_hitters::{HeavyHitters, Slot};
use super::index::{ChannelIndex, Status, StatusIndex};
use super::table::{LeftOut, Table, Vacated};
use super::time::Time;

/// The values of the label `class`: of replies that are not final, and of those that are.
pub const CLASSES: [&str; 2] = ["4xx", "5xx"];
/// Enhanced statuses with a label of their own. Other hosts choose them.
pub const MAX_STATUSES: usize = 40;
/// Series in all; further ones count in the channel's `other` status.
const MAX_SERIES: usize = 1024;

/// All replies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replies {
    statuses: HeavyHitters<Status>,
    /// `(channel, whether permanent, status)`.
    counts: BTreeMap<(ChannelIndex, bool, StatusIndex), u64>,
    /// How many were counted in the status `other` since there were too many series.
    #[serde(default)]
    left_out: u64,
}

impl Table for Replies {
    fn empty(seed: u64) -> Self {
        Self { statuses: HeavyHitters::new(MAX_STATUSES, seed), counts: BTreeMap::new(), left_out: 0 }
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![("statuses", self.statuses.capped()), ("replies", self.left_out)])
    }

    fn replaced(&self) -> Option<(&'static str, u64)> {
        Some(("statuses", self.statuses.replaced()))
    }
}

impl Replies {
    /// A reply at `at`.
    pub(super) fn add(&mut self, channel: ChannelIndex, reply: RemoteReply, at: Time, batch: &Batch) {
        let status = match self.statuses.slot(reply.status.key, at, || batch.text(reply.status)) {
            Slot::At(index) => index,
            Slot::NewAt(index) => {
                self.counts.retain(|&(_, _, status), _| status != index);
                index
            }
        };
        let key = (channel, reply.permanent, status);
        let full = self.counts.len() >= MAX_SERIES && !self.counts.contains_key(&key);
        self.left_out += u64::from(full);
        *self
            .counts
            .entry(if full { (channel, reply.permanent, StatusIndex::OTHER) } else { key })
            .or_insert(0) += 1;
    }

    /// Forgets what a channel was told: its index is another's from now on.
    pub(super) fn forget_channel(&mut self, Vacated(channel): Vacated) {
        self.counts.retain(|&(of, _, _), _| of != channel);
    }

    /// `(channel, class label, status label, count)`.
    pub fn all(&self) -> impl Iterator<Item = (ChannelIndex, &'static str, &str, u64)> {
        self.counts.iter().map(|(&(channel, permanent, status), &count)| {
            (channel, CLASSES[usize::from(permanent)], self.statuses.label(status), count)
        })
    }
}
