//! Records out of lines: daemons break theirs at 79 characters, and indent the rest with blanks.

use serde::{Deserialize, Serialize};

/// How much of a record is kept, in bytes. What evidence there is stands at its beginning.
pub const RECORD_BYTES: usize = 2048;

/// What stands between the lines of a record.
pub(super) const BREAK: u8 = b'\n';

/// A record, its lines with an LF between them, without the blanks that they were indented with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined<'a> {
    /// What it says.
    pub text: &'a [u8],
    /// Whether it goes on with a record that had been handed out, since its daemon had written no more for a while.
    pub late: bool,
}

/// The record of a log that has not ended. A record ends with the next line that is not indented, or when nothing more
/// was written for a while; it is saved with the sums, so that one that a restart falls into is counted once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Joiner {
    text: Vec<u8>,
    /// Whether there was a record before.
    begun: bool,
    late: bool,
    /// Records that were longer than is kept.
    cut: u64,
    /// Whether the one that has not ended is one of them.
    is_cut: bool,
}

impl Joiner {
    /// Takes the next line, without its line end; the record before it, if that has ended, goes to `ended`.
    pub fn line(&mut self, line: &[u8], ended: impl FnOnce(Joined<'_>)) {
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        let goes_on = self.begun && line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if !goes_on {
            self.end(ended);
        } else if self.text.is_empty() {
            self.late = true;
        } else {
            self.keep(&[BREAK]);
        }
        self.begun = true;
        self.keep(text);
    }

    /// Nothing more came for a while: the record is over, if there is one.
    pub fn end(&mut self, ended: impl FnOnce(Joined<'_>)) {
        if !self.text.is_empty() {
            ended(Joined { text: &self.text, late: self.late });
        }
        self.text.clear();
        (self.late, self.is_cut) = (false, false);
    }

    /// A line was passed over, since it was too long. What goes on with it counts only with evidence of its own, and so
    /// does what goes on with the record before it, which goes to `ended`.
    pub fn skipped(&mut self, ended: impl FnOnce(Joined<'_>)) {
        self.end(ended);
        self.begun = true;
        self.cut += 1;
    }

    /// The file was written anew: what comes next goes on with nothing.
    pub fn restart(&mut self, ended: impl FnOnce(Joined<'_>)) {
        self.end(ended);
        self.begun = false;
    }

    /// Whether a record waits for its end.
    pub fn is_open(&self) -> bool {
        !self.text.is_empty()
    }

    /// Records that were longer than is kept, or had lines that were passed over.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    fn keep(&mut self, text: &[u8]) {
        let room = RECORD_BYTES - self.text.len();
        if text.len() > room && !self.is_cut {
            (self.cut, self.is_cut) = (self.cut + 1, true);
        }
        self.text.extend_from_slice(&text[..text.len().min(room)]);
    }
}
