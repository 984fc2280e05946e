//! Replies of remote hosts to failed attempts, by class and enhanced status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use crate::record::diagnostic::Reply;

/// Enhanced statuses with a label of their own. Other hosts choose them.
const MAX_STATUSES: usize = 40;
/// Series in all; further ones count in the channel's `other` status.
const MAX_SERIES: usize = 1024;

/// All replies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replies {
    statuses: Labels,
    /// `(channel, class, status)`.
    counts: BTreeMap<(usize, u16, usize), u64>,
}

impl Default for Replies {
    fn default() -> Self {
        Self { statuses: Labels::new(MAX_STATUSES), counts: BTreeMap::new() }
    }
}

impl Replies {
    pub(super) fn add(&mut self, channel: usize, reply: &Reply<'_>) {
        let Some(class @ (4 | 5)) = reply.class() else { return };
        let status = match reply.status {
            Some(status) => self.statuses.index(status.to_string().as_bytes(), spelled),
            None => self.statuses.index(b"none", spelled),
        };
        let key = (channel, class, status);
        let full = self.counts.len() >= MAX_SERIES && !self.counts.contains_key(&key);
        *self.counts.entry(if full { (channel, class, super::labels::OTHER) } else { key }).or_insert(0) += 1;
    }

    /// `(channel index, class label, status label, count)`.
    pub fn all(&self) -> impl Iterator<Item = (usize, &'static str, &str, u64)> {
        self.counts.iter().map(|(&(channel, class, status), &count)| {
            (channel, if class == 4 { "4xx" } else { "5xx" }, self.statuses.value(status), count)
        })
    }

    /// How many replies ended in the status `other`.
    pub fn capped(&self) -> u64 {
        self.statuses.capped()
    }
}

fn spelled(status: &[u8]) -> String {
    String::from_utf8_lossy(status).into_owned()
}
