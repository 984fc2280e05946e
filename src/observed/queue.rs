//! What is known about the queue.

use std::collections::BTreeMap;

use crate::source::spool::QueueSnapshot;

/// A scan, and what came of it since others.
#[derive(Debug, Default)]
pub struct Queue {
    /// By the last scan.
    pub snapshot: QueueSnapshot,
    /// Messages now less those 15 minutes ago, by channel.
    pub growth: BTreeMap<String, i64>,
    /// Held messages now less those at the oldest look within the last ten minutes, by channel.
    pub surge: BTreeMap<String, i64>,
}
