//! `imsimta qm counters show`: the name of a channel in a line of its own, and below it a row a counter with messages,
//! recipients and blocks.

use super::rows::{Row, known, perhaps, row};

/// The rows: those of channels (Administration Guide, "Message Counters"), those of associations (SIMS).
pub(super) const ROWS: &[Row] = &[
    known("channel messages recipients blocks"),
    known("- …"),
    row("delivered # …", |reader, found| reader.tell(|told| told.delivered = Some(found.number))),
    known("received|stored|submitted|attempted|rejected|failed # …"),
    known("queue time/count …"),
    known("queue first time/count …"),
    known("total|current|rejected|failed in|out assocs …"),
    perhaps("^*", |reader, found| reader.go_on_with(found.word)),
];
