//! Where outbound connections are open to, by the log.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::digest::{Batch, Name};
use super::table::{LeftOut, Table};
use super::time::{Millis, Time};

/// Outbound connections followed at once: many more than processes of an MTA make.
const MAX_OPEN: usize = 14_336;
/// A process that was killed writes no C. It lives for a day (`MAX_LIFE_TIME`, 86,400 s), and what it may take to end.
const MAX_AGE: Millis = Millis::of_minutes(25 * 60);
/// Between two walks through a full table to forget what is old.
const PRUNE: Millis = Millis::of_minutes(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    destination: Box<str>,
    at: Time,
}

/// Outbound O entries whose C has not come, by the hash of their transport tuple.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct OpenDestinations {
    open: FxHashMap<u64, Open>,
    /// When the table was last full and walked through.
    pruned: Option<Time>,
    left_out: u64,
    /// When a connection was last left out, and how many since none of them can be open any more.
    lately: Option<(Time, u64)>,
}

impl Table for OpenDestinations {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![("open_destinations", self.left_out)])
    }
}

impl OpenDestinations {
    pub(super) fn opened(&mut self, key: NonZeroU64, destination: Name, at: Time, batch: &Batch) {
        if self.open.len() >= MAX_OPEN && self.pruned.is_none_or(|pruned| at.since(pruned) >= PRUNE) {
            self.open.retain(|_, open| at.since(open.at) < MAX_AGE);
            self.pruned = Some(at);
        }
        if self.open.len() >= MAX_OPEN && !self.open.contains_key(&key.get()) {
            self.left_out += 1;
            let last = self.lately.map_or(at, |(last, _)| last.max(at));
            self.lately = Some((last, self.left_out_before(at) + 1));
            return;
        }
        self.open.insert(key.get(), Open { destination: batch.text(destination).into(), at });
    }

    pub(super) fn closed(&mut self, key: NonZeroU64) {
        self.open.remove(&key.get());
    }

    /// By destination: how many connections to it are open at `now`.
    pub fn counts(&self, now: Time) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for open in self.open.values().filter(|open| now.since(open.at) < MAX_AGE) {
            *counts.entry(&*open.destination).or_insert(0) += 1;
        }
        counts
    }

    /// How many more connections may be open, to one destination or to many.
    pub fn left_out_before(&self, now: Time) -> u64 {
        self.lately.filter(|&(last, _)| now.since(last) < MAX_AGE).map_or(0, |(_, count)| count)
    }
}
