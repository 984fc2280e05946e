//! The sink of a log of entries.

use std::sync::Arc;
use std::time::Duration;

use super::follow::{Counting, Follow, Kind, Sink};
use crate::aggregate::digest::Batch;
use crate::aggregate::index::LogIndex;
use crate::aggregate::log_clock::{LogClock, zone_question};
use crate::aggregate::time::Time;
use crate::counting::Carried;
use crate::observed::log_book::{Following, LogBook, ReadAt};
use crate::observed::{Now, ProblemLog};
use crate::record::Skip;
use crate::source::follow::Step;
use crate::source::lines::Block;

/// How logs are named.
pub(super) const KIND: Kind =
    Kind { name: "log", key: "logs.files", loss: "lines not read by then are lost" };

/// What becomes of the lines of one log.
#[derive(Debug)]
pub(super) struct Entries {
    log: Arc<str>,
    /// The index of its account, once it has been found.
    account: Option<LogIndex>,
    /// What the lines so far leave, beside what the account keeps.
    other_log: Option<Skip>,
    following: Following,
    /// When the newest of its entries was written that this run has read.
    newest: Option<Time>,
    /// How far its entries are from the clock.
    clock: LogClock,
    clock_problems: ProblemLog,
}

impl Entries {
    /// Of the log with this base name.
    pub(super) fn new(log: &str) -> Self {
        Self {
            log: log.into(),
            account: None,
            other_log: None,
            following: Following { log: log.to_owned(), ..Following::default() },
            newest: None,
            clock: LogClock::default(),
            clock_problems: ProblemLog::with("log", "the windows of the last minutes go by the clock"),
        }
    }

    /// Digests a block, which needs nothing that a scrape reads, and then applies the digest.
    fn count(&mut self, account: LogIndex, block: &Block<'_>, counting: &mut Counting<'_>) {
        let (digester, inference) = {
            let book = counting.read();
            (book.aggregate.digester(), book.aggregate.totals.accounts.inference(account))
        };
        let before = Carried { other_log: self.other_log, inference };
        let digesting = &mut *counting.digesting;
        let after = digesting.reader.digest(block, before, digester, &mut digesting.batch);
        self.other_log = after.other_log;

        let (now, batch) = (counting.now, &counting.digesting.batch);
        let mut book = counting.write();
        let present = now.read(&mut book.aggregate);
        let LogBook { aggregate, history, .. } = &mut *book;
        aggregate.apply(account, batch, Some(present));
        self.newest = self.newest.max(history.get_mut().count(account, batch, aggregate, present));
        for line in batch.unparsed.all() {
            let at = ReadAt { log: Arc::clone(&self.log), time: now.unix };
            book.unparsed.note(at, line.reason, &line.bytes);
        }
        // Lines of a backlog say nothing of the clock, those that came since the last look do.
        if let Some(last) = last_entry(batch).filter(|_| counting.fresh) {
            let written = book.aggregate.unix(last, present);
            self.clock.note(written.since(now.unix));
        }
    }

    /// Lines are lost. A sum that goes on would be a little too low, and nobody could see it.
    fn gap(&self, account: LogIndex, known_bytes: u64, book: &mut LogBook) {
        let counts = book.aggregate.totals.accounts.at(account);
        counts.gaps += 1;
        counts.gap_bytes += known_bytes;
        book.aggregate.restart();
        book.history.get_mut().gap();
        tracing::warn!(
            log = &*self.log,
            known_bytes,
            "the place where reading stopped is gone; lines after it are lost and all counters from logs begin \
             at 0"
        );
    }
}

impl Sink for Entries {
    fn take(&mut self, found: Step<'_>, counting: &mut Counting<'_>) {
        let index = || counting.write().aggregate.totals.accounts.index(&self.log);
        let account = *self.account.get_or_insert_with(index);
        match found {
            Step::Idle => {}
            Step::Lines(lines) => {
                self.count(account, &Block::Lines(lines), counting);
                self.following.last_read = Some(counting.now.steady_seconds);
            }
            Step::Skipped { reason, bytes, ends } => {
                self.count(account, &Block::Skipped { reason, bytes, ends }, counting);
            }
            Step::Rotated => counting.write().aggregate.totals.accounts.at(account).rotations += 1,
            Step::Truncated { known_bytes } => {
                let mut book = counting.write();
                let counts = book.aggregate.totals.accounts.at(account);
                counts.truncations += 1;
                counts.gap_bytes += known_bytes;
                book.history.get_mut().gap();
            }
            Step::Gap { known_bytes } => self.gap(account, known_bytes, &mut counting.write()),
        }
    }
}

fn last_entry(batch: &Batch) -> Option<crate::record::timestamp::Timestamp> {
    batch.entries().last().map(|entry| entry.time)
}

impl Follow<Entries> {
    /// Until when everything has been read that was written in the log; none while it cannot be read.
    pub(super) fn read_until(&self, now: Time) -> Option<Time> {
        match self.problem {
            Some(_) => None,
            None if self.at_end => Some(now),
            None => self.sink.newest,
        }
    }

    /// How far the log has been read, and how far its entries are from the clock. It is said where the
    /// time zone may be why.
    pub(super) fn progress(&mut self, now: Now) -> Following {
        let age = |since: Duration| now.steady_seconds - now.monotonic.saturating_sub(since).as_secs_f64();
        let Entries { following, clock, clock_problems, log, .. } = &mut self.sink;
        following.lag_bytes = self.follower.is_attached().then(|| self.follower.lag_bytes()).flatten();
        following.partial_line_since = self.follower.partial_line_since().map(age);
        if self.at_end {
            following.caught_up_at = Some(now.steady_seconds);
        }
        following.clock_offset = clock.offset();
        let question = clock.offset().and_then(zone_question);
        let problem = question.map(|question| format!("{log}: {question}"));
        clock_problems.note(problem.as_deref(), now.monotonic);
        following.clone()
    }
}
