//! The last lines that were not understood: for people, kept apart from everything that is saved.

use std::collections::VecDeque;

use crate::record::Unparsed;

/// How many are kept.
pub const KEPT: usize = 20;
/// How much of each is kept, in bytes: enough to know it by.
pub const LINE_BYTES: usize = 240;

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq)]
pub struct UnparsedLine {
    /// The log's base name.
    pub log: String,
    /// When it was read, Unix milliseconds.
    pub read_at: i64,
    /// Why.
    pub reason: Unparsed,
    /// Its beginning, as it stands in the log.
    pub bytes: Vec<u8>,
}

/// The last [`KEPT`] of them, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct LastUnparsed {
    lines: VecDeque<UnparsedLine>,
}

impl LastUnparsed {
    /// Takes a line; the oldest one makes room for it.
    pub fn note(&mut self, log: &str, read_at: i64, reason: Unparsed, bytes: &[u8]) {
        let oldest = if self.lines.len() < KEPT { None } else { self.lines.pop_front() };
        // A log of nothing but such lines allocates nothing.
        let (mut name, mut kept) = oldest.map(|line| (line.log, line.bytes)).unwrap_or_default();
        name.clear();
        name.push_str(log);
        kept.clear();
        kept.extend_from_slice(&bytes[..bytes.len().min(LINE_BYTES)]);
        self.lines.push_back(UnparsedLine { log: name, read_at, reason, bytes: kept });
    }

    /// The lines, the oldest first.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &UnparsedLine> {
        self.lines.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, LINE_BYTES, LastUnparsed};
    use crate::record::Unparsed;

    #[test]
    fn the_last_lines_are_kept_and_cut() {
        let mut last = LastUnparsed::default();
        for at in 1..=50_i64 {
            let line = vec![b'x'; 7 * usize::try_from(at).expect("small")];
            last.note("mail.log", at, Unparsed::Binary, &line);
        }
        let numbers: Vec<_> = last.all().map(|line| line.read_at).collect();
        assert_eq!(numbers, (31..=50).collect::<Vec<_>>());
        assert!(last.all().len() == KEPT && last.all().all(|line| line.bytes.len() <= LINE_BYTES));
        assert_eq!(last.all().map(|line| line.bytes.len()).min(), Some(31 * 7));
    }
}
