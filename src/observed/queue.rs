//! What is known about the queue.

use std::collections::BTreeMap;

use super::history::Growth;
use crate::source::spool::QueueSnapshot;

/// A scan, and what came of it since others.
#[derive(Debug, Default)]
pub struct Queue {
    /// By the last scan.
    pub snapshot: QueueSnapshot,
    /// By how much that is more than it was, by channel.
    pub growth: BTreeMap<String, Growth>,
}
