//! Every line of every log accounted for: `lines = records + unparsed + skipped`.

use serde::{Deserialize, Serialize};

use super::index::{ByIndex, Log, LogIndex};
use super::option::Inference;
use super::reasons::PerLabel;
use super::table::{LeftOut, Table};
use super::time::Time;
use crate::record::{Skip, Unparsed};

/// The account of one block of lines.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct LineCounts {
    lines: u64,
    bytes: u64,
    pub(super) unparsed: PerLabel<Unparsed>,
    pub(super) skipped: PerLabel<Skip>,
}

impl LineCounts {
    /// A line of so many bytes.
    pub(super) fn add(&mut self, bytes: u64) {
        self.lines += 1;
        self.bytes += bytes;
    }

    /// Bytes of a line that goes on.
    pub(super) fn add_part(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Back to nothing, with the room that it took.
    pub(super) fn clear(&mut self) {
        (self.lines, self.bytes) = (0, 0);
        self.unparsed.clear();
        self.skipped.clear();
    }
}

/// One log's account.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct LogAccount {
    /// The log's base name.
    pub name: String,
    /// Lines read, whatever became of them.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Lines that were not understood.
    pub unparsed: PerLabel<Unparsed>,
    /// Lines that were skipped on purpose.
    pub skipped: PerLabel<Skip>,
    /// How often the log was replaced by a new file.
    pub rotations: u64,
    /// How often the log was cut or written anew in place.
    pub truncations: u64,
    /// How often a saved place was not found again.
    pub gaps: u64,
    /// Bytes that are known to be lost in gaps.
    pub gap_bytes: u64,
    /// The newest entry's time.
    pub last_entry: Option<Time>,
    /// What its first entries say about the options that are on.
    #[serde(default)]
    pub inference: Inference,
}

impl LogAccount {
    /// Lines that gave a message or connection entry.
    pub fn records(&self) -> u64 {
        self.lines - self.unparsed.sum() - self.skipped.sum()
    }
}

/// The accounts of all followed logs, by index.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Accounts(ByIndex<Log, LogAccount>);

impl Table for Accounts {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing("one a log, and the logs are configured")
    }
}

impl Accounts {
    /// The index of the log with this base name; a new account when there is none.
    pub fn index(&mut self, name: &str) -> LogIndex {
        let found = self.0.find(|account| account.name == name);
        found.unwrap_or_else(|| self.0.push(LogAccount { name: name.to_owned(), ..LogAccount::default() }))
    }

    /// The same logs in the same format, nothing read of them yet. What the follower noticed stays: a second gap must show
    /// as an increase, too.
    #[must_use]
    pub(super) fn restarted(&self) -> Self {
        let restarted = |account: &LogAccount| LogAccount {
            name: account.name.clone(),
            rotations: account.rotations,
            truncations: account.truncations,
            gaps: account.gaps,
            gap_bytes: account.gap_bytes,
            inference: account.inference,
            ..LogAccount::default()
        };
        Self(self.0.values().iter().map(restarted).collect())
    }

    /// All accounts.
    pub fn all(&self) -> &[LogAccount] {
        self.0.values()
    }

    /// The account of a log, for what the follower notices.
    pub fn at(&mut self, log: LogIndex) -> &mut LogAccount {
        self.0.at(log)
    }

    /// Adds a block of a log's lines; `inference` is what its entries say up to there.
    pub(super) fn add(&mut self, log: LogIndex, block: &LineCounts, inference: Inference) {
        let account = self.at(log);
        account.lines += block.lines;
        account.bytes += block.bytes;
        account.unparsed.add_all(&block.unparsed);
        account.skipped.add_all(&block.skipped);
        account.inference = inference;
    }

    /// The account of a log.
    pub fn get(&self, log: LogIndex) -> Option<&LogAccount> {
        self.0.get(log)
    }

    /// What the first entries of a log say about its options.
    pub fn inference(&self, log: LogIndex) -> Inference {
        self.0.get(log).map_or_else(Inference::default, |account| account.inference)
    }

    /// The time of the newest entry of all: no table holds anything later.
    pub fn newest_entry(&self) -> Option<Time> {
        self.0.values().iter().filter_map(|account| account.last_entry).max()
    }

    pub(super) fn last_entry(&self, log: LogIndex) -> Option<Time> {
        self.0.get(log)?.last_entry
    }

    pub(super) fn entry_at(&mut self, log: LogIndex, at: Time) {
        let account = self.at(log);
        account.last_entry = account.last_entry.max(Some(at));
    }
}
