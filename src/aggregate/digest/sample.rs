//! The last lines that were not understood, for people.

use std::collections::VecDeque;

use crate::aggregate::unparsed::{KEPT, LINE_BYTES};
use crate::record::Unparsed;

/// A line that was not understood.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its number, counted from 1 at the start of the batch or file.
    pub line: u64,
    /// Why.
    pub reason: Unparsed,
    /// Its beginning.
    pub bytes: Vec<u8>,
}

/// The last few of them.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    kept: VecDeque<Sample>,
    /// Room of samples that were dropped.
    room: Vec<Vec<u8>>,
}

impl Samples {
    /// Keeps a line in place of the oldest one.
    pub fn add(&mut self, line: u64, reason: Unparsed, bytes: &[u8]) {
        if self.kept.len() >= KEPT {
            self.room.extend(self.kept.pop_front().map(|oldest| oldest.bytes));
        }
        let mut room = self.room.pop().unwrap_or_default();
        room.clear();
        room.extend_from_slice(&bytes[..bytes.len().min(LINE_BYTES)]);
        self.kept.push_back(Sample { line, reason, bytes: room });
    }

    /// Forgets all of them, but not their room.
    pub fn clear(&mut self) {
        self.room.extend(self.kept.drain(..).map(|sample| sample.bytes));
    }

    /// The oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Sample> {
        self.kept.iter()
    }
}
