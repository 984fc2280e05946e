//! Which lines were read, and what became of them.

use serde::Serialize;

use crate::aggregate::Totals;
use crate::aggregate::account::LogAccount;
use crate::aggregate::index::LogIndex;
use crate::aggregate::reasons::PerLabel;
use crate::metrics::ClientDisplay;
use crate::record::{Skip, Unparsed};
use crate::report::breakdown::Breakdown;
use crate::text::escape::escaped;

/// The longest name of a log that is shown.
const NAME_WIDTH: usize = 60;
/// The longest line that is shown.
const SAMPLE_WIDTH: usize = 200;

/// When the first and the last entry were written, as the log has it: local time of its host.
#[derive(Debug, Serialize)]
pub struct Period {
    /// The earliest, `2026-11-20T00:00:03`.
    pub first: String,
    /// The latest.
    pub last: String,
    /// Minutes between them.
    #[serde(skip)]
    pub minutes: u64,
}

impl Period {
    pub(super) fn new((first, last): (i64, i64)) -> Option<Self> {
        let minutes = u64::try_from((last - first) / 60_000).unwrap_or(0);
        Some(Self { first: civil(first)?, last: civil(last)?, minutes })
    }
}

/// A wall-clock time in milliseconds as if it were UTC, for people and programs.
pub(super) fn civil(millis: i64) -> Option<String> {
    let stamp = jiff::Timestamp::from_millisecond(millis).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(stamp).strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

/// One log's lines, or those of all logs.
#[derive(Debug, Default, Serialize)]
pub struct FileLines {
    /// The base name, escaped; empty for all together.
    pub name: String,
    /// All lines.
    pub lines: u64,
    /// Their bytes, decompressed.
    pub bytes: u64,
    /// Lines that are entries.
    pub records: u64,
    /// Lines that were not understood.
    pub not_understood: u64,
    /// Lines that were skipped on purpose.
    pub skipped: u64,
    /// Why lines were not understood.
    pub not_understood_by_reason: Vec<LineReason>,
    /// Why lines were skipped.
    pub skipped_by_reason: Vec<LineReason>,
}

/// How many lines have one fate.
#[derive(Debug, Serialize)]
pub struct LineReason {
    /// The reason, as the metrics spell it.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
    /// What it says, for people.
    pub meaning: &'static str,
}

/// A file that could not be read, or not to its end.
#[derive(Debug, Clone, Serialize)]
pub struct NotRead {
    /// As given on the command line, escaped.
    pub path: String,
    /// Why, escaped.
    pub problem: String,
}

/// A line that was not understood.
#[derive(Debug, Serialize)]
pub struct NotUnderstood {
    /// The log's base name, escaped.
    pub file: String,
    /// Its number in the file, counted from 1.
    pub line: u64,
    /// Why.
    pub reason: &'static str,
    /// Its beginning, escaped.
    pub text: String,
}

pub(super) fn accounts(totals: &Totals) -> (FileLines, Vec<FileLines>) {
    let mut all = FileLines::default();
    let (mut unparsed, mut skipped) = (Vec::new(), Vec::new());
    for account in totals.accounts.all() {
        all.lines += account.lines;
        all.bytes += account.bytes;
        all.records += account.records();
        all.not_understood += account.unparsed.sum();
        all.skipped += account.skipped.sum();
        add(&mut unparsed, unparsed_reasons(&account.unparsed));
        add(&mut skipped, skip_reasons(&account.skipped));
    }
    all.not_understood_by_reason = unparsed;
    all.skipped_by_reason = skipped;
    (all, totals.accounts.all().iter().map(file).collect())
}

fn file(account: &LogAccount) -> FileLines {
    FileLines {
        name: escaped(account.name.as_bytes(), NAME_WIDTH),
        lines: account.lines,
        bytes: account.bytes,
        records: account.records(),
        not_understood: account.unparsed.sum(),
        skipped: account.skipped.sum(),
        not_understood_by_reason: unparsed_reasons(&account.unparsed).collect(),
        skipped_by_reason: skip_reasons(&account.skipped).collect(),
    }
}

fn unparsed_reasons(counts: &PerLabel<Unparsed>) -> impl Iterator<Item = LineReason> {
    let row = |(reason, count): (Unparsed, u64)| (reason.label(), count, reason.meaning());
    counts.counted().map(row).map(|(reason, count, meaning)| LineReason { reason, count, meaning })
}

fn skip_reasons(counts: &PerLabel<Skip>) -> impl Iterator<Item = LineReason> {
    let row = |(reason, count): (Skip, u64)| (reason.label(), count, reason.meaning());
    counts.counted().map(row).map(|(reason, count, meaning)| LineReason { reason, count, meaning })
}

fn add(sums: &mut Vec<LineReason>, rows: impl Iterator<Item = LineReason>) {
    for row in rows {
        match sums.iter_mut().find(|sum| sum.reason == row.reason) {
            Some(sum) => sum.count += row.count,
            None => sums.push(row),
        }
    }
}

pub(super) fn samples(totals: &Totals, breakdown: &Breakdown, display: &ClientDisplay) -> Vec<NotUnderstood> {
    let name = |log: LogIndex| totals.accounts.get(log).map_or(&b""[..], |account| account.name.as_bytes());
    let shown = breakdown.unparsed.all().map(|unparsed| NotUnderstood {
        file: escaped(name(unparsed.at.0), NAME_WIDTH),
        line: unparsed.at.1,
        reason: unparsed.reason.label(),
        text: escaped(&display.masked(&unparsed.bytes), SAMPLE_WIDTH),
    });
    shown.collect()
}
