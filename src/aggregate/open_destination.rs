//! Where outbound connections are open to. Which ones are open, [the ledger](super::ledger) says.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::table::{LeftOut, Table};
use super::time::{Millis, Time};

/// Outbound connections whose destinations are known at once: many more than processes of an MTA make.
const MAX_OPEN: usize = 14_336;
/// No outbound connection is older than a day, and an hour to end. `MAX_LIFE_TIME` is that of the Dispatcher's servers, and
/// nothing says how long a process lives that makes connections.
pub(super) const MAX_AGE: Millis = Millis::of_minutes(25 * 60);

/// A struct, since earlier releases saved more of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    destination: Box<str>,
}

/// Destinations of connections that the ledger has open, by the hash of their transport tuple.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct OpenDestinations {
    open: FxHashMap<u64, Open>,
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
    /// A connection opened, which the ledger may have no room for.
    pub(super) fn opened(&mut self, key: u64, destination: &str, is_in_ledger: bool, at: Time) {
        if is_in_ledger && self.open.len() < MAX_OPEN {
            self.open.insert(key, Open { destination: destination.into() });
            return;
        }
        self.left_out += 1;
        let last = self.lately.map_or(at, |(last, _)| last.max(at));
        self.lately = Some((last, self.left_out_before(at) + 1));
    }

    /// A connection is open no more.
    pub(super) fn ended(&mut self, key: u64) {
        self.open.remove(&key);
    }

    /// Forgets what the ledger does not have: earlier releases missed how some connections end.
    pub(super) fn follow(&mut self, has: impl Fn(u64) -> bool) {
        self.open.retain(|&key, _| has(key));
    }

    /// By destination: how many connections to it the ledger shows open.
    pub(super) fn counts(&self, is_shown: impl Fn(u64) -> bool) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for (_, open) in self.open.iter().filter(|&(&key, _)| is_shown(key)) {
            *counts.entry(&*open.destination).or_insert(0) += 1;
        }
        counts
    }

    /// How many more connections may be open, to one destination or to many.
    pub fn left_out_before(&self, now: Time) -> u64 {
        self.lately.filter(|&(last, _)| now.since(last) < MAX_AGE).map_or(0, |(_, count)| count)
    }
}
