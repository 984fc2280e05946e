//! `imsimta qm jobs`: a tree of channels, their jobs, and what each job did. Rows of hosts and messages are switched off.
//!
//! The manual writes `BEING PROCESSES`; it may be its slip or the program's. It says that pending jobs are listed, and
//! shows none.

use super::rows::{Row, known, row};

/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("channel *", |reader, found| reader.go_on_with(found.word)),
    known("job *"),
    known("host *"),
    known("message *"),
    row("processed messages: #", |reader, found| {
        reader.tell(|told| told.processed = sum(told.processed, found.count()));
    }),
    row("failed processing attempts: #", |reader, found| {
        reader.tell(|told| told.requeued = sum(told.requeued, found.count()));
    }),
    known("# host|hosts being processed|processes by job *"),
    known("# message|messages being processed|processes by job *"),
    row("# job|jobs active for channel *", |reader, found| {
        reader.tell_of(found.word, |told| told.active = found.count());
    }),
    row("# job|jobs pending for channel *", |reader, found| {
        reader.tell_of(found.word, |told| told.pending = found.count());
    }),
    known("# active|pending channel|channels"),
];

/// The sum over the jobs of a channel.
fn sum(before: Option<u64>, count: Option<u64>) -> Option<u64> {
    count.map_or(before, |count| Some(before.unwrap_or(0).saturating_add(count)))
}
