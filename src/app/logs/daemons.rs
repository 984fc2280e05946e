//! The logs of daemons: of each kind the files that changed last, each read from where it was left, with a sink of its
//! own. A listing of the directory, which is made elsewhere, says which they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::follow::{Counting, Digesting, Sink};
use crate::aggregate::daemon_log::Event;
use crate::aggregate::time::{Time, UnixTime};
use crate::app::state::Positions;
use crate::observed::daemon_log::DaemonEvent;
use crate::observed::{LogBook, Now, ProblemLog};
use crate::record::Skip;
use crate::record::daemon_log::{DaemonLog, Judge, Written};
use crate::source::daemon_logs::{Found, Listing};
use crate::source::follow::single::{Buffer, SingleFile, unread};
use crate::source::follow::{FollowError, FollowOptions, Position, Step};
use crate::source::lines::lines;

/// How often files are looked at. What has not grown from one look to the next says no more of its last record.
const LOOK: Duration = Duration::from_secs(2);

/// A time of day says no more of what was written within a longer time.
const DAY: Duration = Duration::from_hours(24);

/// What the names of their places in the state begin with; no base name of a log has a colon in front of a number.
const PLACE: &str = "daemon_log:";

/// All that are followed.
#[derive(Debug)]
pub(super) struct DaemonLogs {
    /// By the number of the inode.
    files: BTreeMap<u64, Followed>,
    /// What `files` are of.
    listing: Option<Arc<Listing>>,
    /// Whether the directory could be listed last.
    can_be_listed: bool,
    /// Places of files that are not read: those of an earlier run until the first listing, then those of files that
    /// wait. The time in each is since when nobody has read it, 0 for that of the last listing.
    saved: Positions,
    /// Which files are to be read, once each in turn.
    due: Vec<u64>,
    looked_at: Option<Duration>,
    buffer: Buffer,
    max_line_bytes: usize,
    job_controller_debug: bool,
    problems: ProblemLog,
}

/// One file.
#[derive(Debug)]
struct Followed {
    file: SingleFile,
    sink: Daemon,
    /// Whether the last look found nothing.
    idle: bool,
}

impl DaemonLogs {
    /// Goes on from the places that were saved; takes them out of all that were.
    pub(super) fn new(options: FollowOptions, saved: &mut Positions) -> Self {
        Self {
            files: BTreeMap::new(),
            listing: None,
            can_be_listed: false,
            saved: saved.extract_if(.., |place, _| place.starts_with(PLACE)).collect(),
            due: Vec::new(),
            looked_at: None,
            buffer: Buffer::new(options.max_line_bytes),
            max_line_bytes: options.max_line_bytes,
            job_controller_debug: false,
            problems: ProblemLog::with("daemon logs", "what they say is counted when they can be read"),
        }
    }

    /// Goes on in another way.
    pub(super) fn go_on_with(&mut self, options: FollowOptions, job_controller_debug: bool) {
        self.buffer = Buffer::new(options.max_line_bytes);
        (self.max_line_bytes, self.job_controller_debug) = (options.max_line_bytes, job_controller_debug);
        for Followed { file, sink, .. } in self.files.values_mut() {
            file.go_on_with(options.max_line_bytes);
            sink.judge.job_controller_debug = job_controller_debug;
        }
    }

    /// Takes what the directory holds now, where that was listed anew.
    pub(super) fn take(
        &mut self,
        listing: Option<&Arc<Listing>>,
        book: &RwLock<LogBook>,
        digesting: &mut Digesting,
        now: Now,
    ) {
        self.can_be_listed = listing.is_some();
        let Some(listing) = listing else { return };
        if self.listing.as_ref().is_some_and(|before| Arc::ptr_eq(before, listing)) {
            return;
        }
        let mut counting = Counting::new(book, digesting, now);
        let listed_before = counting.read().aggregate.totals.daemon_logs.last_listed().map(nanoseconds);
        let unknown = self.saved.values_mut().flatten().filter(|place| place.written == 0);
        unknown.for_each(|place| place.written = listed_before.unwrap_or(0));
        let mut before = std::mem::take(&mut self.files);
        for found in &listing.files {
            let inode = found.id.inode;
            let followed = match before.remove(&inode) {
                Some(known) if known.file.id() == found.id => known.at(found),
                _ => self.begin(found, listing, listed_before, &mut counting),
            };
            self.files.entry(inode).or_insert(followed);
        }
        for (inode, mut gone) in before {
            gone.sink.take(Step::Idle, &mut counting);
            let left = Position { written: nanoseconds(now.unix), ..gone.file.position() };
            self.saved.insert(place(inode), vec![left]);
        }
        let waiting = self.wait(listing, listed_before);
        // What an earlier run has read of files that are gone is over, too.
        let inodes: BTreeSet<u64> = self.files.keys().copied().collect();
        let made = i64::try_from(listing.made / 1_000_000).unwrap_or(i64::MAX);
        let kept = inodes.union(&waiting).copied().collect();
        counting.write().aggregate.totals.daemon_logs.listed(&kept, UnixTime::of(made));
        self.listing = Some(Arc::clone(listing));
        self.due = inodes.into_iter().collect();
    }

    /// Files that cannot be read now, or for which there is no room, keep their places, and others have none. One without
    /// a place gets that from where it would be read now. Which of them had one.
    fn wait(&mut self, listing: &Listing, listed_before: Option<u128>) -> BTreeSet<u64> {
        let (mut saved, mut kept) = (std::mem::take(&mut self.saved), BTreeSet::new());
        for found in &listing.waiting {
            let (id, name) = (found.id, place(found.id.inode));
            // It may have more than one name.
            if self.files.contains_key(&id.inode) || self.saved.contains_key(&name) {
                continue;
            }
            let known = saved.remove(&name).filter(|places| is_of(places, found));
            if known.is_some() {
                kept.insert(id.inode);
            }
            let places = known.unwrap_or_else(|| vec![self.first(found, listing, listed_before)]);
            self.saved.insert(name, places);
        }
        kept
    }

    /// Where a file without a place is read from: its beginning when it has been begun since the last listing, be it that of
    /// an earlier run, else where it ended when it was listed.
    fn first(&self, found: &Found, listing: &Listing, listed_before: Option<u128>) -> Position {
        let is_first = self.listing.is_none();
        let was_begun = is_first && !found.is_copy;
        let is_new =
            found.appeared || was_begun && listed_before.is_some_and(|before| found.id.born > before);
        if is_new { unread(found.id, 0, found.id.born) } else { unread(found.id, found.bytes, listing.made) }
    }

    /// A file that is not followed so far, from where it was left.
    fn begin(
        &mut self,
        found: &Found,
        listing: &Listing,
        listed_before: Option<u128>,
        counting: &mut Counting<'_>,
    ) -> Followed {
        let saved = self.saved.remove(&place(found.id.inode)).filter(|places| is_of(places, found));
        let known = saved.and_then(|mut places| places.pop());
        // The number may have been that of a file that is gone.
        let is_other = known.is_none();
        let place = known.unwrap_or_else(|| self.first(found, listing, listed_before));
        let mut sink = Daemon {
            log: found.log,
            inode: found.id.inode,
            written: 0,
            unread_since: Some(place.written).filter(|&since| since > 0),
            judge: Judge::new(self.job_controller_debug),
        };
        if is_other {
            sink.take(Step::Truncated { known_bytes: 0 }, counting);
        }
        let file = SingleFile::new(&found.path, place, self.max_line_bytes);
        Followed { file, sink, idle: false }
    }

    /// Reads a block of each file whose turn it is; whether there was anything.
    pub(super) fn step(&mut self, book: &RwLock<LogBook>, digesting: &mut Digesting, now: Now) -> bool {
        if self.due.is_empty() {
            if self.looked_at.is_some_and(|at| now.monotonic.saturating_sub(at) < LOOK) {
                return false;
            }
            self.due.extend(self.files.keys());
            self.looked_at = Some(now.monotonic);
        }
        let mut counting = Counting::new(book, digesting, now);
        let (mut found, mut problem) = (false, None);
        for inode in std::mem::take(&mut self.due) {
            let Some(followed) = self.files.get_mut(&inode) else { continue };
            match followed.step(&mut self.buffer, &mut counting) {
                Ok(Turn::More) => {
                    self.due.push(inode);
                    found = true;
                }
                Ok(Turn::Ended) => found = true,
                // Somebody has renamed or removed it, of which the next listing tells.
                Ok(Turn::Nothing) | Err(FollowError::Missing { .. }) => {}
                Err(error) => problem = Some(error.to_string()),
            }
        }
        self.problems.note(problem.as_deref(), now.monotonic);
        found
    }

    /// Says of which logs events may be shown: those that were looked for and can be read, once they have been.
    pub(super) fn show(&self, book: &mut LogBook) {
        if !self.can_be_listed {
            book.daemon_events.shown.clear();
            return;
        }
        let Some(listing) = self.listing.as_ref().filter(|_| self.due.is_empty()) else { return };
        let read = listing.counts.iter().filter(|(_, counts)| counts.followed > 0 || counts.unreadable == 0);
        book.daemon_events.shown = read.map(|&(log, _)| log).collect();
    }

    /// The places to save with the sums.
    pub(super) fn positions(&self) -> Positions {
        let mut positions = self.saved.clone();
        let places = self
            .files
            .iter()
            .map(|(&inode, followed)| (place(inode), Position { written: 0, ..followed.file.position() }))
            .map(|(place, position)| (place, vec![position]));
        positions.extend(places);
        positions
    }
}

fn place(inode: u64) -> String {
    format!("{PLACE}{inode}")
}

fn is_of(places: &[Position], found: &Found) -> bool {
    places.first().is_some_and(|place| place.id == found.id)
}

/// Since 1970.
fn nanoseconds(time: UnixTime) -> u128 {
    u128::try_from(time.millis()).unwrap_or(0) * 1_000_000
}

/// What came of a file's turn.
enum Turn {
    /// There may be more to read.
    More,
    /// All was read, and what waited for more has ended.
    Ended,
    Nothing,
}

impl Followed {
    /// The same file where it is now.
    fn at(mut self, found: &Found) -> Self {
        self.file.is_at(&found.path);
        self
    }

    fn step(&mut self, buffer: &mut Buffer, counting: &mut Counting<'_>) -> Result<Turn, FollowError> {
        let found = self.file.step(buffer, counting.now.monotonic)?;
        let idle = std::mem::replace(&mut self.idle, found == Step::Idle);
        if found != Step::Idle {
            self.sink.written = self.file.written();
            self.sink.take(found, counting);
            return Ok(Turn::More);
        }
        let waits = self.sink.waits(counting);
        if idle && waits {
            self.sink.take(Step::Idle, counting);
        }
        if idle || !waits {
            self.sink.unread_since = None;
        }
        Ok(if idle && waits { Turn::Ended } else { Turn::Nothing })
    }
}

/// Counts what a daemon says of errors.
#[derive(Debug)]
struct Daemon {
    log: DaemonLog,
    inode: u64,
    /// When the file was last written, nanoseconds since 1970.
    written: u128,
    /// Before which nothing was written of what is read, nanoseconds since 1970, until the end was reached once.
    unread_since: Option<u128>,
    judge: Judge,
}

impl Daemon {
    /// Whether a record waits for its end.
    fn waits(&self, counting: &Counting<'_>) -> bool {
        counting.read().aggregate.totals.daemon_logs.is_open(self.inode)
    }

    /// When each was written. A time of day is that of the last day on which it was before the next; where it may as well
    /// be that of another day, it is in no window.
    fn times(&self, events: &[Event], counting: &mut Counting<'_>) -> Vec<Option<(UnixTime, Time)>> {
        let has_days =
            self.unread_since.is_some_and(|since| self.written.saturating_sub(since) > DAY.as_nanos());
        let now = counting.now;
        let mut book = counting.write();
        let present = now.read(&mut book.aggregate);
        let millis = i64::try_from(self.written / 1_000_000).unwrap_or(i64::MAX);
        let mut latest = if self.written == 0 { now.unix } else { UnixTime::of(millis).min(now.unix) };
        let mut times: Vec<_> = events
            .iter()
            .rev()
            .map(|event| {
                latest = match event.written {
                    Written::At(stamp) => book.aggregate.unix(stamp, present),
                    Written::Clock(clock) => book.aggregate.unix_of_clock(clock, latest),
                    Written::Unknown => latest,
                };
                let is_known = !has_days || matches!(event.written, Written::At(_));
                // What a file says of the future moves no window.
                is_known.then(|| (latest, present.on_timeline(latest).min(present.now())))
            })
            .collect();
        times.reverse();
        times
    }
}

impl Sink for Daemon {
    fn take(&mut self, found: Step<'_>, counting: &mut Counting<'_>) {
        let mut file = counting.read().aggregate.totals.daemon_logs.file(self.inode);
        let (log, judge) = (self.log, &mut self.judge);
        let events = match found {
            Step::Lines(block) => file.lines(log, lines(block).map(|line| line.text), judge),
            Step::Idle => file.quiet(log, judge),
            Step::Truncated { .. } => file.restart(log, judge),
            // A line without a beginning was there before.
            Step::Skipped { reason, ends: true, .. } if reason != Skip::Incomplete => {
                file.skipped(log, judge)
            }
            // No file of a daemon is rotated.
            Step::Skipped { .. } | Step::Rotated | Step::Gap { .. } => return,
        };
        let times = self.times(&events, counting);
        let mut book = counting.write();
        let counted = events.iter().zip(&times).map(|(event, time)| (event.class, time.map(|(_, at)| at)));
        book.aggregate.totals.daemon_logs.apply(log, self.inode, file, counted);
        for (Event { class, text, .. }, time) in events.into_iter().zip(times) {
            let time = time.map(|(time, _)| time);
            book.daemon_events.note(DaemonEvent { log, class, time, text });
        }
    }
}

#[cfg(test)]
mod tests;
