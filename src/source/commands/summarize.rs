//! `imsimta qm summarize`: a row a channel, whose name is followed by `(stopped)` where `imsimta qm stop` stopped it.
//!
//! Counts and sizes are not taken: the scan of the queue has them.

use super::rows::{Row, known, row};

/// The rows. Headings are switched off, and nobody knows how they read.
pub(super) const ROWS: &[Row] = &[
    known("total|totals|total:|totals: …"),
    row("* (stopped) # …", |reader, found| reader.tell_of(found.word, |told| told.stopped = Some(true))),
    row("* (*) # …", |reader, found| reader.tell_of(found.word, |told| told.stopped = Some(false))),
    row("* # .# …", |reader, found| reader.tell_of(found.word, |told| told.stopped = Some(false))),
    // With a column of held messages, as the switch -held gives it.
    row("* # # …", |reader, found| reader.tell_of(found.word, |told| told.stopped = Some(false))),
];
