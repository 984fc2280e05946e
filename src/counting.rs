//! One way of counting: from a block of a log to its digest, for the service, the report and the check
//! alike; and its lines one by one for who explains them.
//!
//! A digest is made of a block and of the little that the lines before it left. It is made without the
//! sums, so whoever has them behind a lock applies it inside and makes it outside.

use crate::aggregate::Aggregate;
use crate::aggregate::digest::{Batch, Digester};
use crate::aggregate::index::LogIndex;
use crate::aggregate::option::Inference;
use crate::aggregate::timeline::Present;
use crate::record::option::OptionSet;
use crate::record::{Dialect, Line, RawLine, Reader, Skip};
use crate::source::lines::{Block, lines};

/// Reads blocks of logs, of whichever log comes next.
#[derive(Debug)]
pub struct LogReader {
    reader: Reader,
    max_line_bytes: usize,
}

/// What is carried from line to line of one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// See [`Reader::other_log`].
    pub other_log: Option<Skip>,
    /// What the reader learns the log's options from.
    pub inference: Inference,
}

/// Who takes lines as they are read.
pub trait TakeLines {
    /// The options that the lines so far have shown to be on; `None` until they have shown enough.
    fn options(&self) -> Option<OptionSet>;

    /// A line of the log begins; what comes until the next one are the pieces that it is made of.
    fn begin(&mut self) {}

    /// Takes a line, or a piece of one, that takes `bytes` in its log; `raw` is what it was read from.
    fn line(&mut self, line: &Line<'_>, raw: &[u8], bytes: usize);

    /// Takes bytes that are no complete line within the cap; `ends` says that the line ends there.
    fn skipped(&mut self, reason: Skip, bytes: u64, ends: bool);
}

impl LogReader {
    /// A reader of lines of at most `max_line_bytes`.
    pub fn new(dialect: Dialect, max_line_bytes: usize) -> Self {
        Self { reader: Reader::new(dialect), max_line_bytes }
    }

    /// Reads a block that comes behind the one that was read last.
    pub fn read(&mut self, block: &Block<'_>, taker: &mut impl TakeLines) {
        match *block {
            Block::Lines(block) => lines(block).for_each(|line| self.line(&line, taker)),
            Block::LastLine(line) => self.last_line(line, taker),
            Block::Skipped { reason, bytes, ends } => taker.skipped(reason, bytes, ends),
        }
    }

    #[cold]
    fn last_line(&mut self, line: &[u8], taker: &mut impl TakeLines) {
        self.line(&RawLine::whole(line), taker);
    }

    #[expect(clippy::inline_always, reason = "it is called in one place for all lines but the last")]
    #[inline(always)]
    fn line(&mut self, line: &RawLine<'_>, taker: &mut impl TakeLines) {
        taker.begin();
        self.reader.learn(taker.options());
        self.reader.pieces(line, self.max_line_bytes, |raw, bytes, piece| taker.line(piece, raw, bytes));
    }

    /// Digests a block of a log behind lines that left `before`; what they leave together.
    pub fn digest(
        &mut self,
        block: &Block<'_>,
        before: Carried,
        digester: Digester,
        batch: &mut Batch,
    ) -> Carried {
        batch.begin(before.inference);
        self.reader.resume(before.other_log);
        self.read(block, &mut Digesting { digester, batch });
        Carried { other_log: self.reader.other_log(), inference: batch.inference }
    }

    /// Counts complete lines of the log with index `log`, for who has the sums alone. `now` is as for
    /// [`Aggregate::apply`].
    pub fn count(&mut self, lines: &[u8], aggregate: &mut Aggregate, log: LogIndex, now: Option<Present>) {
        let before = Carried { other_log: None, inference: aggregate.totals.accounts.inference(log) };
        let mut batch = Batch::default();
        self.digest(&Block::Lines(lines), before, aggregate.digester(), &mut batch);
        aggregate.apply(log, &batch, now);
    }
}

/// Lines on their way into a digest.
struct Digesting<'a> {
    digester: Digester,
    batch: &'a mut Batch,
}

impl TakeLines for Digesting<'_> {
    fn options(&self) -> Option<OptionSet> {
        self.batch.inference.options()
    }

    fn begin(&mut self) {
        self.batch.begin_line();
    }

    fn line(&mut self, line: &Line<'_>, raw: &[u8], bytes: usize) {
        self.digester.add(line, raw, bytes, self.batch);
    }

    fn skipped(&mut self, reason: Skip, bytes: u64, ends: bool) {
        self.digester.skip(reason, bytes, ends, self.batch);
    }
}

#[cfg(test)]
mod tests {
    use super::{Carried, LogReader};
    use crate::aggregate::digest::{Batch, Digester};
    use crate::record::Dialect;
    use crate::source::lines::Block;

    #[test]
    fn lines_that_are_not_understood_have_the_numbers_that_they_have_in_the_file() {
        let torn = "20-Feb-2024 14:17:08.24 tcp_local    ims-ms       EE 4 a@example.com rfc822;u@exam\
                    20-Feb-2024 14:17:09.24 tcp_local                 Q 4 b@example.com rfc822;v@example.net \
                    v@example.net smtp;450 4.2.1 slow\n";
        let mut batch = Batch::default();
        let text = format!("{torn}garbage\n");
        LogReader::new(Dialect::default(), 4096).digest(
            &Block::Lines(text.as_bytes()),
            Carried::default(),
            Digester::new(1),
            &mut batch,
        );
        let numbers: Vec<(u64, &str)> =
            batch.unparsed.all().map(|line| (line.at, line.reason.label())).collect();
        assert_eq!(numbers, [(1, "torn"), (2, "no_timestamp")]);
        assert_eq!((batch.begun(), batch.lines()), (2, 3));
    }
}
