//! One followed file, of whatever kind: what is found in it goes to a sink before the next step.
//!
//! This is the step that makes counting exact: whatever the follower hands out is added to the sums
//! before its next step, so that places and sums taken together always agree. A further kind of file
//! is a further [`Sink`], and a row of the table in `beside`.

use std::path::Path;
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::aggregate::digest::Batch;
use crate::counting::LogReader;
use crate::observed::{LogBook, Now, ProblemLog};
use crate::source::follow::{Begin, FollowError, FollowOptions, Follower, Position, Step};

/// What comes after a longer time without a look may have been written long before it is read.
const FRESH: Duration = Duration::from_mins(1);

/// What becomes of what is found in a file. No thread, no clock, no loop.
pub(super) trait Sink: std::fmt::Debug + Send {
    /// Counts what was found. All of it is in the book when this returns.
    fn take(&mut self, found: Step<'_>, counting: &mut Counting<'_>);

    /// Everything has been read that was there when the file was first found.
    fn caught_up(&self, _: &mut LogBook) {}
}

impl Sink for Box<dyn Sink> {
    fn take(&mut self, found: Step<'_>, counting: &mut Counting<'_>) {
        (**self).take(found, counting);
    }

    fn caught_up(&self, book: &mut LogBook) {
        (**self).caught_up(book);
    }
}

/// What sinks count in, and when.
pub(super) struct Counting<'a> {
    book: &'a RwLock<LogBook>,
    /// What a block is digested with; none is digested before the last one has been counted.
    pub(super) digesting: &'a mut Digesting,
    pub(super) now: Now,
    /// Whether the lines have come since the last look, a moment ago: those of a backlog have not.
    pub(super) fresh: bool,
}

/// One reader and one digest for all files that are followed.
#[derive(Debug)]
pub(super) struct Digesting {
    pub(super) reader: LogReader,
    pub(super) batch: Batch,
}

impl<'a> Counting<'a> {
    pub(super) fn new(book: &'a RwLock<LogBook>, digesting: &'a mut Digesting, now: Now) -> Self {
        Self { book, digesting, now, fresh: false }
    }

    /// The book, to look at what only the caller changes.
    pub(super) fn read(&self) -> RwLockReadGuard<'a, LogBook> {
        self.book.read()
    }

    /// The book, to count in: scrapes wait for as long as it is held.
    pub(super) fn write(&self) -> RwLockWriteGuard<'a, LogBook> {
        self.book.write()
    }
}

/// A kind of files.
#[derive(Debug)]
pub(super) struct Kind {
    /// What they are.
    pub(super) name: &'static str,
    /// The configuration key that names them.
    pub(super) key: &'static str,
    /// What a file that was cut costs.
    pub(super) loss: &'static str,
}

/// A followed file and its sink.
#[derive(Debug)]
pub(super) struct Follow<S> {
    pub(super) kind: &'static Kind,
    /// The name of its places in the state.
    place: String,
    pub(super) follower: Follower,
    /// What keeps it from being read.
    pub(super) problem: Option<FollowError>,
    /// Whether the last step found nothing more to read.
    pub(super) at_end: bool,
    /// When the file was last found to have nothing more; not known while it cannot be read.
    idle_at: Option<Duration>,
    /// A script that cuts the file every minute is said only now and then.
    truncations: ProblemLog,
    pub(super) sink: S,
}

impl<S: Sink> Follow<S> {
    /// Follows the file at `path`.
    pub(super) fn new(
        kind: &'static Kind,
        place: String,
        path: &Path,
        options: FollowOptions,
        begin: Begin,
        sink: S,
    ) -> Self {
        Self {
            kind,
            place,
            follower: Follower::new(path.to_owned(), options, begin),
            problem: None,
            at_end: false,
            idle_at: None,
            truncations: ProblemLog::with(kind.name, kind.loss),
            sink,
        }
    }

    /// Reads a block and counts what comes; whether there may be more.
    pub(super) fn step(&mut self, counting: &mut Counting<'_>) -> bool {
        loop {
            let more = self.step_once(counting);
            // Places are past what was noticed: both are saved, or neither.
            if !self.follower.has_noticed() {
                return more;
            }
        }
    }

    fn step_once(&mut self, counting: &mut Counting<'_>) -> bool {
        let now = counting.now.monotonic;
        let held_up = self.follower.is_held_up();
        let found = match self.follower.step(now) {
            Ok(found) => found,
            Err(problem) => {
                self.at_end = self.follower.is_held_up() && self.follower.lag_bytes() == Some(0);
                self.idle_at = self.at_end.then_some(now);
                self.problem = Some(problem);
                return false;
            }
        };
        if found == Step::Idle || !held_up {
            self.problem = None;
        }
        self.at_end = found == Step::Idle;
        match found {
            Step::Idle => self.idle_at = Some(now),
            Step::Lines(_) => {
                let idle_at = self.idle_at.take();
                counting.fresh = idle_at.is_some_and(|at| now.saturating_sub(at) <= FRESH);
            }
            Step::Truncated { .. } => {
                let problem = format!("{} was cut or written anew in place", self.place);
                self.truncations.note(Some(&problem), now);
            }
            Step::Skipped { .. } | Step::Rotated | Step::Gap { .. } => {}
        }
        self.sink.take(found, counting);
        !self.at_end
    }

    /// The same, followed in another way.
    pub(super) fn go_on_with(mut self, options: FollowOptions) -> Self {
        self.follower.go_on_with(options);
        self
    }

    /// The name of its places in the state.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Tells the sink when the file has been caught up with.
    pub(super) fn show(&self, book: &mut LogBook) {
        if self.follower.is_caught_up() {
            self.sink.caught_up(book);
        }
    }

    /// The places to save with the sums, and their name.
    pub(super) fn positions(&self) -> Option<(String, Vec<Position>)> {
        Some((self.place.clone(), self.follower.positions()?))
    }
}
