//! The followed logs and what becomes of their lines: no thread, no clock.
//!
//! This is the step that makes counting exact: whatever the follower hands out is added to the sums
//! before its next step, so that places and sums taken together always agree.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::aggregate::log_clock::{LogClock, zone_question};
use crate::app::clock::Now;
use crate::app::complaints::Complaints;
use crate::app::observed::LogBook;
use crate::app::state::Positions;
use crate::config::{Logs, Start};
use crate::metrics::exporter::Following;
use crate::record::{Dialect, Line, Reader};
use crate::source::follow::{Begin, Event, FollowError, FollowOptions, Follower};
use crate::source::lines::lines;

/// What comes after a longer time without a look may have been written long before it is read.
const FRESH: Duration = Duration::from_mins(1);

/// How logs are followed.
pub(super) fn options(config: &Logs) -> FollowOptions {
    let max_line_bytes = usize::try_from(config.max_line_bytes).unwrap_or(usize::MAX);
    FollowOptions { max_line_bytes, drain: config.drain }
}

/// All followed logs.
#[derive(Debug)]
pub struct FollowedLogs {
    followed: Vec<Log>,
    max_line_bytes: usize,
    /// Places of logs that are not followed any more: kept, should they be again.
    unused: Positions,
}

/// One followed log.
#[derive(Debug)]
struct Log {
    name: String,
    follower: Follower,
    reader: Reader,
    /// The index of its account, once it has been found.
    account: Option<usize>,
    following: Following,
    /// Whether the last step found nothing more to read.
    at_end: bool,
    problem: Option<FollowError>,
    /// When the log was last found to have nothing more; not known while it cannot be read.
    idle_at: Option<Duration>,
    /// How far its entries are from the clock.
    clock: LogClock,
    clock_complaints: Complaints,
    /// A script that cuts the log every minute is said only now and then.
    truncations: Complaints,
}

impl Log {
    fn step(&mut self, book: &RwLock<LogBook>, max_line_bytes: usize, now: Now) -> bool {
        let held_up = self.follower.is_held_up();
        let event = match self.follower.step(now.monotonic) {
            Ok(event) => event,
            Err(problem) => {
                self.at_end = self.follower.is_held_up() && self.follower.lag_bytes() == Some(0);
                self.idle_at = self.at_end.then_some(now.monotonic);
                self.problem = Some(problem);
                return false;
            }
        };
        if event == Event::Idle || !held_up {
            self.problem = None;
        }
        self.at_end = event == Event::Idle;
        let mut book = book.write().unwrap_or_else(PoisonError::into_inner);
        let totals = &mut book.aggregate.totals;
        let account = *self.account.get_or_insert_with(|| totals.accounts.index(&self.name));
        match event {
            Event::Idle => {
                self.idle_at = Some(now.monotonic);
                return false;
            }
            Event::Lines(block) => {
                let present = now.read(&mut book.aggregate);
                let mut last = None;
                for line in lines(block) {
                    self.reader.learn(book.aggregate.totals.accounts.inferred(account));
                    self.reader.pieces(&line, max_line_bytes, |piece, bytes, entry| {
                        book.aggregate.line(account, entry, bytes, Some(present));
                        last = entry.time().or(last);
                        if let Line::Unparsed(reason) = entry {
                            book.unparsed.note(&self.name, now.unix_millis, *reason, piece);
                        }
                    });
                }
                // Lines of a backlog say nothing of the clock, those that came since the last look do.
                let idle_at = self.idle_at.take();
                let fresh = idle_at.is_some_and(|at| now.monotonic.saturating_sub(at) <= FRESH);
                if let Some(stamp) = last.filter(|_| fresh) {
                    let written = book.aggregate.unix_millis(stamp, present);
                    self.clock.note(written.saturating_sub(now.unix_millis));
                }
                self.following.last_read = Some(now.steady_seconds);
            }
            Event::Skipped { reason, bytes, ends } => {
                book.aggregate.skipped_bytes(account, reason, bytes, ends);
            }
            Event::Rotated => totals.accounts.at(account).rotations += 1,
            Event::Truncated { known_bytes } => {
                totals.accounts.at(account).truncations += 1;
                totals.accounts.at(account).gap_bytes += known_bytes;
                let problem = format!("{} was cut or written anew in place", self.name);
                self.truncations.note(Some(&problem), now.monotonic);
            }
            Event::Gap { known_bytes } => {
                totals.accounts.at(account).gaps += 1;
                totals.accounts.at(account).gap_bytes += known_bytes;
                // A sum that goes on would be a little too low, and nobody could see it.
                book.aggregate.restart();
                tracing::warn!(
                    log = self.name,
                    known_bytes,
                    "the place where reading stopped is gone; lines after it are lost and all counters from \
                     logs begin at 0"
                );
            }
        }
        true
    }
}

impl Log {
    /// Shows how far entries are from the clock, and says it where the time zone may be why.
    fn judge_clock(&mut self, now: Now) {
        self.following.clock_offset_millis = self.clock.offset();
        let question = self.clock.offset().and_then(zone_question);
        let problem = question.map(|question| format!("{}: {question}", self.name));
        self.clock_complaints.note(problem.as_deref(), now.monotonic);
    }
}

impl FollowedLogs {
    /// The configured logs below `directory`, from where `saved` says.
    pub fn new(config: &Logs, directory: &Path, dialect: &Dialect, saved: &Positions) -> Self {
        let options = options(config);
        let mut unused = saved.clone();
        let followed = config.files.iter().map(|name| {
            let begin = match (unused.remove(name), config.start) {
                (Some(positions), _) => Begin::Resume(positions),
                (None, Start::End) => Begin::End,
                (None, Start::Beginning) => Begin::Beginning,
            };
            Log {
                name: name.clone(),
                follower: Follower::new(directory.join(name), options, begin),
                reader: Reader::new(dialect.clone()),
                account: None,
                following: Following { log: name.clone(), ..Following::default() },
                at_end: false,
                problem: None,
                idle_at: None,
                clock: LogClock::default(),
                clock_complaints: Complaints::with("log", "the windows of the last minutes go by the clock"),
                truncations: Complaints::with("log", "lines not read by then are lost"),
            }
        });
        Self { followed: followed.collect(), max_line_bytes: options.max_line_bytes, unused }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.followed.len()
    }

    /// Whether any of them has been found.
    pub fn is_attached(&self) -> bool {
        self.attached().next().is_some()
    }

    /// Steps one log once and counts what comes; whether there may be more.
    pub fn step(&mut self, index: usize, book: &RwLock<LogBook>, now: Now) -> bool {
        let log = &mut self.followed[index];
        loop {
            let more = log.step(book, self.max_line_bytes, now);
            // Places are past what was noticed: both are saved, or neither.
            if !log.follower.has_noticed() {
                return more;
            }
        }
    }

    /// Shows how far the logs have been read.
    pub fn show_progress(&mut self, book: &mut LogBook, now: Now) {
        for log in &mut self.followed {
            let age =
                |since: Duration| now.steady_seconds - now.monotonic.saturating_sub(since).as_secs_f64();
            log.following.lag_bytes = log.follower.is_attached().then(|| log.follower.lag_bytes()).flatten();
            log.following.partial_line_since = log.follower.partial_line_since().map(age);
            if log.at_end {
                log.following.caught_up_at = Some(now.steady_seconds);
            }
            log.judge_clock(now);
        }
        book.following = self.followed.iter().map(|log| log.following.clone()).collect();
        book.catching_up = !self.attached().all(|log| log.follower.is_caught_up());
        // A connection log alone must not show zeros of mail that nobody has looked for.
        let first = self.followed.first().is_some_and(|log| log.follower.is_attached());
        book.shown |= first && !book.catching_up;
    }

    /// What keeps a log from being read. The first log has to be there; the others may be switched off
    /// in the MTA, as the connection log is unless `SEPARATE_CONNECTION_LOG` is set.
    pub fn problem(&self) -> Option<String> {
        let problems = self.followed.iter().enumerate().filter_map(|(index, log)| match &log.problem {
            Some(FollowError::Missing { .. }) if index > 0 && !log.follower.is_attached() => None,
            problem => problem.as_ref().map(ToString::to_string),
        });
        let problems: Vec<String> = problems.collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    /// The places to save with the sums.
    pub fn positions(&self) -> Positions {
        let places =
            self.followed.iter().filter_map(|log| Some((log.name.clone(), log.follower.positions()?)));
        let places: HashMap<_, _> = places.collect();
        self.unused.clone().into_iter().chain(places).collect()
    }

    fn attached(&self) -> impl Iterator<Item = &Log> {
        self.followed.iter().filter(|log| log.follower.is_attached())
    }
}
