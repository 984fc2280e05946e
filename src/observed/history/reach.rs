//! How far back everything was read that the logs say, and whether a saved history belongs to saved sums.

use serde::{Deserialize, Serialize};

use crate::aggregate::Totals;
use crate::aggregate::index::{ByIndex, Log, LogIndex};
use crate::aggregate::time::Time;

/// D, Q, Z, R, K and J entries.
pub(super) const ENTRIES: u8 = 1;
/// O entries, which not every MTA writes.
pub(super) const CONNECTIONS: u8 = 2;

/// From when to when the logs were read without a hole.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Since when; not known before the first entries, or the end of the logs, have been seen.
    from: Option<Time>,
    /// Until when.
    until: Option<Time>,
    /// What was written before was not read, or not all of it.
    behind: Option<Time>,
    /// Where each log begins that has had entries, by its index.
    begun: ByIndex<Log, Option<Time>>,
}

impl Reach {
    /// An earlier run's.
    pub(super) fn resumed(from: Option<Time>, until: Option<Time>, behind: Option<Time>) -> Self {
        Self { from, until, behind, ..Self::default() }
    }

    /// Nothing, and what will be read tells nothing of what was written before `at`.
    pub(super) fn is_behind(&self) -> Option<Time> {
        self.behind
    }

    pub(super) fn behind(at: Time) -> Self {
        Self { behind: Some(at), ..Self::default() }
    }

    pub(super) fn from(&self) -> Option<Time> {
        self.from
    }

    pub(super) fn last(&self) -> Option<Time> {
        self.until
    }

    /// Until when everything was read, or from when on it will be.
    pub(super) fn until(&self) -> Time {
        self.until.or(self.behind).unwrap_or(Time::MIN)
    }

    /// An entry of a log was written `at`.
    pub(super) fn entry(&mut self, log: LogIndex, at: Time) {
        self.begun.at(log).get_or_insert(at);
    }

    /// Everything until `until` was read; since when. The logs begin where the last of them does.
    pub(super) fn goes_on(&mut self, until: Time) -> Time {
        self.until = self.until.max(Some(until));
        let begins = self.begun.values().iter().flatten().copied().max().unwrap_or(until);
        *self.from.get_or_insert(begins.max(self.behind.unwrap_or(Time::MIN)))
    }
}

/// The instant of sums: the later of two has more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// After each the sums, and so the lines, count from 0 again: `Aggregate::restart`.
    pub(super) gaps: u64,
    pub(super) lines: u64,
}

impl Mark {
    /// Of these sums.
    pub fn of(totals: &Totals) -> Self {
        let accounts = totals.accounts.all();
        Self {
            gaps: accounts.iter().map(|account| account.gaps).sum(),
            lines: accounts.iter().map(|account| account.lines).sum(),
        }
    }
}
