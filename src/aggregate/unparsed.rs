//! The last lines that were not understood: for people, kept apart from everything that is saved.

use std::collections::VecDeque;

use crate::record::Unparsed;

/// How many are kept.
pub const KEPT: usize = 20;
/// How much of each is kept, in bytes: enough to know it by.
pub const LINE_BYTES: usize = 240;

/// A line that was not understood.
#[derive(Clone, Debug)]
pub struct UnparsedLine<A> {
    /// Where it was found, as far as whoever keeps it knows.
    pub at: A,
    /// Why.
    pub reason: Unparsed,
    /// Its beginning, as it stands in the log.
    pub bytes: Vec<u8>,
}

/// The last [`KEPT`] of them, the oldest first.
#[derive(Clone, Debug)]
pub struct LastUnparsed<A> {
    lines: VecDeque<UnparsedLine<A>>,
    /// Room of lines that are not kept any more: a log of nothing but such lines allocates nothing.
    room: Vec<Vec<u8>>,
}

impl<A> Default for LastUnparsed<A> {
    fn default() -> Self {
        Self { lines: VecDeque::new(), room: Vec::new() }
    }
}

impl<A> LastUnparsed<A> {
    /// Takes a line; the oldest one makes room for it.
    pub fn note(&mut self, at: A, reason: Unparsed, line: &[u8]) {
        if self.lines.len() >= KEPT {
            self.room.extend(self.lines.pop_front().map(|oldest| oldest.bytes));
        }
        let mut bytes = self.room.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(&line[..line.len().min(LINE_BYTES)]);
        self.lines.push_back(UnparsedLine { at, reason, bytes });
    }

    /// Forgets all of them, but not their room.
    pub fn clear(&mut self) {
        self.room.extend(self.lines.drain(..).map(|line| line.bytes));
    }

    /// The lines, the oldest first.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &UnparsedLine<A>> {
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
        // The room of others is taken again.
        for _ in 0..2 {
            last.clear();
            assert_eq!(last.all().len(), 0);
            for at in 1..=50 {
                last.note(at, Unparsed::Binary, &vec![b'x'; 7 * at]);
            }
            let numbers: Vec<_> = last.all().map(|line| line.at).collect();
            assert_eq!(numbers, (31..=50).collect::<Vec<_>>());
            assert!(last.all().len() == KEPT && last.all().all(|line| line.bytes.len() <= LINE_BYTES));
            assert_eq!(last.all().map(|line| line.bytes.len()).min(), Some(31 * 7));
        }
    }
}
