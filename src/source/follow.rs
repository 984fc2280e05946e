//! Follows one log through rotations: a state machine that its caller steps.
//!
//! The return job renames `mail.log_current` to `mail.log_yesterday` around midnight; processes that
//! hold the old file open go on writing to it for a while, and the new file appears with its first
//! entry (2005Q4 guide, "Managing MTA Message and Connection Logs"). So a renamed file is read, before and
//! beside the new one, as long as it has that name, and then until it has been quiet for long enough; a
//! file is known by device, inode and hashes of its beginning and of the bytes in front of the offset,
//! since inode numbers are used again; and an end of file is never an end of line. Offsets only ever
//! stand behind a line's last byte. What was rotated away before it was read, while the program was down
//! or stopped, is read where the return job has appended it: in the cumulative log.
//!
//! Nothing here knows what a line means, counts anything, or reads a clock.

mod ahead;
mod attach;
mod between;
mod chain;
mod cumulative;
mod file;
mod position;
mod renamed;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chain::Chain;
use cumulative::Cumulative;
use file::{LogFile, Read};
use position::Anchor;
pub use position::{Appended, FileId, Position, Role};
use renamed::Window;

use crate::record::Skip;

/// How a log is followed.
#[derive(Clone, Copy, Debug)]
pub struct FollowOptions {
    /// Longer lines are skipped and counted.
    pub max_line_bytes: usize,
    /// How long a file that has lost its names is still read after its last growth.
    pub drain: Duration,
}

/// Where reading begins.
#[derive(Clone, Debug)]
pub enum Begin {
    /// Behind the last line of the file that is there now; a file that appears later is read whole.
    End,
    /// At the first line.
    Beginning,
    /// Where the saved state says, oldest file first. None are the state of a log that was not
    /// there yet: it is read whole.
    Resume(Vec<Position>),
}

/// What one step found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Complete lines, each with its LF, in the order in which they were written.
    Lines(&'a [u8]),
    /// Bytes that are no complete line within the cap; `ends` says that the line ends with them.
    Skipped {
        /// Why: too long, or without a beginning or an end.
        reason: Skip,
        /// How many.
        bytes: u64,
        /// Whether the line ends here; a long line is skipped in several steps.
        ends: bool,
    },
    /// The log was renamed or replaced; the old file is still read.
    Rotated,
    /// The file was cut or written anew in place; it is read from its beginning. What was written to
    /// it and not read before that is lost.
    Truncated {
        /// Bytes of an incomplete line that had been there; more may be lost.
        known_bytes: u64,
    },
    /// A place is gone: lines between it and the files that are there were not read.
    Gap {
        /// How many bytes are known to be lost; more may be.
        known_bytes: u64,
    },
    /// Everything that is there has been read.
    Idle,
}

/// Why a log cannot be followed now. Every one of them may pass, so the caller tries again.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// There is no file yet, or not any more.
    #[error("{path}: no such file yet")]
    Missing {
        /// The log.
        path: PathBuf,
    },
    /// A directory, FIFO, socket or device stands where a log should be.
    #[error("{path}: not a regular file but a {found}")]
    NotRegular {
        /// The log.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The kernel refused.
    #[error("{path}: {source}")]
    Io {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A file without a name is closed early when more than this many old ones are open.
const MAX_OLD_FILES: usize = 8;

/// So many closed files are remembered. Those that were made in the same moment as one that was the log later
/// are few.
const MAX_LEFT: usize = 64;

/// Times of files are that coarse, nanoseconds: a tick of the kernel's clock.
const TICK: u128 = 10_000_000;

/// One followed log.
#[derive(Debug)]
pub struct Follower {
    chain: Chain,
    options: FollowOptions,
    /// Where to begin, until the log has been found for the first time.
    begin: Option<Begin>,
    /// Files that were the log before, and parts of the cumulative log, oldest first.
    old: VecDeque<LogFile>,
    /// The file that the path named when we last looked.
    current: Option<LogFile>,
    /// The log at the path, while a file that was the log before it cannot be read.
    ahead: Option<LogFile>,
    /// Whether the file that was the log before may not be read by who opens it now; it may be open.
    unreadable: bool,
    /// How far the cumulative log went when the log was last rotated.
    appended: Appended,
    /// A file that has yesterday's name and never was the log, such as a copy.
    foreign: Option<FileId>,
    /// Files that were closed, the last few.
    left: VecDeque<FileId>,
    /// Where the log stood when its path began to lead nowhere, and whether it was renamed by hand.
    nowhere_since: Option<(Position, bool)>,
    /// What was noticed and not told yet.
    noticed: VecDeque<Event<'static>>,
    /// Which file the next step reads: an index into `old`, or `old.len()` for the current one.
    turn: usize,
    buffer: Vec<u8>,
}

impl Follower {
    /// A follower of the file at `path`. Nothing is opened before the first step.
    pub fn new(path: PathBuf, options: FollowOptions, begin: Begin) -> Self {
        Self {
            chain: Chain::new(path),
            options,
            begin: Some(begin),
            old: VecDeque::new(),
            current: None,
            ahead: None,
            unreadable: false,
            appended: Appended::default(),
            foreign: None,
            left: VecDeque::new(),
            nowhere_since: None,
            noticed: VecDeque::new(),
            turn: 0,
            buffer: vec![0; file::buffer_bytes(options.max_line_bytes)],
        }
    }

    /// The path being followed.
    pub fn path(&self) -> &Path {
        &self.chain.current
    }

    /// Does one thing: reads one block, or notices one change. Call it until it is [`Event::Idle`],
    /// then again when the log may have grown. `now` is any clock that never goes back.
    ///
    /// # Errors
    ///
    /// When the log is not there or cannot be read. What was read stays read; step again later.
    pub fn step(&mut self, now: Duration) -> Result<Event<'_>, FollowError> {
        if self.begin.is_some() && self.ahead.is_none() {
            self.attach(now).or_else(|error| if self.ahead.is_some() { Ok(()) } else { Err(error) })?;
        }
        if let Some(event) = self.noticed.pop_front() {
            return Ok(event);
        }
        loop {
            let Some(file) = file_at(&mut self.old, [&mut self.current, &mut self.ahead], self.turn) else {
                self.turn = 0;
                match self.look(now)? {
                    Some(event) => return Ok(event),
                    // The first entry after a rotation has come.
                    None => continue,
                }
            };
            let role = file.role();
            match file.read(&mut self.buffer, self.options.max_line_bytes, now) {
                Ok(Read::Lines(range)) => return Ok(Event::Lines(&self.buffer[range])),
                Ok(Read::Skipped { reason, bytes, ends }) => {
                    return Ok(Event::Skipped { reason, bytes, ends });
                }
                Ok(Read::End) => {
                    if let Some(event) = self.close_when_over(now) {
                        return Ok(event);
                    }
                }
                Ok(Read::Changed) if matches!(role, Role::Current | Role::Ahead) => {
                    let known_bytes = file.partial().1 as u64;
                    file.restart();
                    return Ok(Event::Truncated { known_bytes });
                }
                Ok(Read::Changed) => {
                    // Somebody wrote an old file anew: it is not our log any more.
                    let known_bytes = file.lag_bytes();
                    self.leave();
                    return Ok(match role {
                        Role::Cumulative { .. } => Event::Gap { known_bytes },
                        _ => Event::Truncated { known_bytes: 0 },
                    });
                }
                Err(source) => return Err(self.pass_over(source)),
            }
        }
    }

    /// The places to save: every line in front of them has been handed out. `None` while it is not
    /// known where to begin, since the log's directory has not been there.
    pub fn positions(&self) -> Option<Vec<Position>> {
        match &self.begin {
            Some(Begin::Resume(positions)) => Some(self.with_ahead(positions.clone())),
            Some(Begin::End | Begin::Beginning) => None,
            None => {
                let renamed = self.renamed_bytes();
                let place = |file: &LogFile| {
                    let before = if file.role() == Role::Current { renamed } else { 0 };
                    file.position(self.appended.bytes + before, self.appended)
                };
                Some(self.with_ahead(self.old.iter().chain(&self.current).map(place).collect()))
            }
        }
    }

    /// Whether more was noticed than was told: the next step tells it, and reads nothing.
    pub fn has_noticed(&self) -> bool {
        !self.noticed.is_empty()
    }

    /// Whether the log has been found, at some time.
    pub fn is_attached(&self) -> bool {
        self.begin.is_none() || self.ahead.is_some()
    }

    /// Whether everything has been read that was there when the log was first found.
    pub fn is_caught_up(&self) -> bool {
        self.is_attached() && self.files().all(LogFile::is_caught_up)
    }

    /// Bytes that are in the files but have not been handed out: unread ones and a last line that
    /// is not complete yet. `None` where a file cannot be read and its size is not known.
    pub fn lag_bytes(&self) -> Option<u64> {
        Some(self.hidden_bytes()? + self.files().map(LogFile::lag_bytes).sum::<u64>())
    }

    /// Since when a line has been waiting for its end, by the clock of [`Follower::step`]; the oldest of
    /// them. `None` when there is none.
    pub fn partial_line_since(&self) -> Option<Duration> {
        self.files().filter_map(|file| file.partial().0).min()
    }

    fn files(&self) -> impl Iterator<Item = &LogFile> {
        self.old.iter().chain(&self.current).chain(&self.ahead)
    }

    fn knows(&self, id: FileId) -> bool {
        self.old.iter().chain(&self.current).any(|file| file.id() == id)
    }

    /// The size of the file that will be appended to the cumulative log before the current one.
    fn renamed_bytes(&self) -> u64 {
        let renamed = self.old.iter().find(|file| file.role() == Role::Renamed);
        renamed.and_then(|file| file.size().ok()).unwrap_or(0)
    }

    /// Closes the file whose turn it is when no more can come, or goes on to the next.
    fn close_when_over(&mut self, now: Duration) -> Option<Event<'static>> {
        let over = self.old.get(self.turn).is_some_and(|file| match file.role() {
            Role::Cumulative { .. } => file.is_at_end(),
            Role::Nameless => {
                let waiting = file.lag_bytes() > file.partial().1 as u64;
                let long = file.quiet_for(now) >= self.options.drain || self.old.len() > MAX_OLD_FILES;
                long && !waiting
            }
            Role::Current | Role::Ahead | Role::Renamed => false,
        });
        if !over {
            self.turn += 1;
            return None;
        }
        let file = self.leave()?;
        let bytes = file.lag_bytes();
        if bytes > file.partial().1 as u64 {
            // The cumulative log was cut.
            return Some(Event::Gap { known_bytes: bytes });
        }
        (bytes > 0).then_some(Event::Skipped { reason: Skip::Incomplete, bytes, ends: true })
    }

    /// Closes the file whose turn it is.
    fn leave(&mut self) -> Option<LogFile> {
        let file = self.old.remove(self.turn)?;
        self.left.push_back(file.id());
        if self.left.len() > MAX_LEFT {
            self.left.pop_front();
        }
        Some(file)
    }

    /// Looks whether the path still names the file that we read; `None` when there is a new one to read.
    fn look(&mut self, now: Duration) -> Result<Option<Event<'static>>, FollowError> {
        if self.begin.is_some() {
            self.attach(now)?;
            return Ok(self.noticed.pop_front());
        }
        let seen = self.chain.look_at_current().map_err(|source| self.error(source))?;
        let at_path = seen.map(|(id, _)| id);
        let yesterday = self.chain.yesterday_id();
        if let Some(current) = &mut self.current
            && let Some((id, written)) = seen
            && current.id() == id
        {
            current.is_current(written);
            self.foreign = yesterday.filter(|&id| !self.knows(id));
            self.forget_names(yesterday);
            if self.unreadable {
                // All of it that is there has been read, but a restart could not.
                self.chain.open_yesterday(now)?;
                self.unreadable = false;
            }
            return Ok(Some(Event::Idle));
        }
        let moved = self.current.as_ref().is_some_and(|current| Some(current.id()) == yesterday);
        let unknown = yesterday.filter(|&id| !self.knows(id) && Some(id) != self.foreign);
        if at_path.is_none() && !moved && unknown.is_none() {
            // Between two files after a rotation there is none; else the log was deleted, or its file
            // system is gone. What is open of it is still read.
            let between = self.old.iter().any(|file| Some(file.id()) == yesterday);
            return match &self.current {
                None if between => Ok(Some(Event::Idle)),
                _ => Err(FollowError::Missing { path: self.chain.current.clone() }),
            };
        }
        self.rotate(now)
    }

    /// A renamed file that was deleted or replaced has no name any more.
    fn forget_names(&mut self, yesterday: Option<FileId>) {
        let start = self.appended.bytes;
        let renamed = self.old.iter_mut().filter(|file| file.role() == Role::Renamed);
        let lost = renamed.filter(|file| Some(file.id()) != yesterday);
        lost.for_each(|file| file.becomes(Role::Nameless, start));
    }

    /// Takes up the files that the names stand for now.
    fn rotate(&mut self, now: Duration) -> Result<Option<Event<'static>>, FollowError> {
        // In this order: whatever is renamed meanwhile is then seen twice, not missed.
        let mut at_path = self.chain.open_current(now)?;
        if let (Some(at_path), Some(current)) = (&at_path, &self.current)
            && at_path.id() == current.id()
        {
            return Ok(Some(Event::Idle));
        }
        let mut yesterday = match self.open_yesterday(now) {
            Ok(yesterday) => yesterday,
            Err(error) => return self.go_ahead(at_path, error),
        };
        self.pass_on_ahead(at_path.iter_mut().chain(&mut yesterday));
        let known = |file: &LogFile| self.knows(file.id()) || Some(file.id()) == self.foreign;
        let yesterday_id = yesterday.as_ref().map(LogFile::id);
        yesterday = yesterday
            .filter(|file| !known(file) && at_path.as_ref().is_none_or(|at_path| at_path.id() != file.id()));
        let between = match &yesterday {
            // Two rotations or more since we looked: what lies between is in the cumulative log. As long as
            // that cannot be read nothing is given up.
            Some(next) => {
                let returned = at_path.as_ref().map(LogFile::id);
                match self.between([yesterday_id, returned], next, now) {
                    Ok(between) => Some(between),
                    Err(error) => return self.go_ahead(at_path, error),
                }
            }
            None => None,
        };
        let returned =
            at_path.as_ref().and_then(|new| self.old.iter().position(|file| file.id() == new.id()));
        if let Some(mut returned) = returned.and_then(|index| self.old.remove(index)) {
            returned.becomes(Role::Current, 0);
            at_path = Some(returned);
        }
        let ahead = self.ahead.take().filter(|file| file.offset() > 0);
        let kept = [yesterday_id, at_path.as_ref().map(LogFile::id)];
        if let Some(mut ahead) = ahead.filter(|file| !kept.contains(&Some(file.id()))) {
            ahead.becomes(Role::Nameless, 0);
            self.old.push_back(ahead);
        }
        let had_current = self.current.is_some();
        // What there will be when what was renamed before has been appended.
        let copied = self.appended.bytes + self.renamed_bytes();
        self.forget_names(yesterday_id);
        if let Some(mut current) = self.current.take() {
            let renamed = Some(current.id()) == yesterday_id;
            current.becomes(if renamed { Role::Renamed } else { Role::Nameless }, copied);
            let since = current.position(0, Appended::default());
            self.old.push_back(current);
            self.take_up_renamed(&since, [at_path.as_ref(), yesterday.as_ref()], !renamed, now);
            self.nowhere_since = at_path.is_none().then_some((since, !renamed));
        } else if at_path.is_some()
            && let Some((since, by_hand)) = self.nowhere_since.take()
        {
            // Others may have been the log since it was looked for in vain.
            self.take_up_renamed(&since, [at_path.as_ref(), yesterday.as_ref()], by_hand, now);
        }
        if let (Some(mut yesterday), Some(between)) = (yesterday, between) {
            self.noticed.extend(between.is_gap.then_some(Event::Gap { known_bytes: 0 }));
            self.old.extend(between.parts);
            self.appended = between.appended;
            yesterday.becomes(Role::Renamed, 0);
            self.old.push_back(yesterday);
        } else {
            let renamed = self.old.iter().find(|file| file.role() == Role::Renamed);
            self.appended = self.appended_before(renamed, Some(copied), now);
        }
        self.current = at_path;
        Ok(had_current.then_some(Event::Rotated))
    }

    /// Takes up files that were the log after the one at the place, and got names that are not looked at.
    /// `by_hand` says that the file itself has got such a name.
    fn take_up_renamed(
        &mut self,
        since: &Position,
        named: [Option<&LogFile>; 2],
        by_hand: bool,
        now: Duration,
    ) {
        let window = Window {
            from: since.written.max(since.id.born),
            until: named[0].map_or(u128::MAX, |log| log.id().born).max(1),
        };
        let known: Vec<&LogFile> = self.old.iter().chain(named.into_iter().flatten()).collect();
        let left = |id| self.left.contains(&id) || Some(id) == self.foreign || id == since.id;
        // A directory that may not be listed tells nothing.
        let Ok(found) = self.chain.find_renamed(window, &known, left, now) else { return };
        // The name that it got went to the file after it, which then lost it to one that was not there yet.
        let unlinked = self.old.iter().find(|file| file.id() == since.id).and_then(LogFile::unlinked_at);
        let next = found.files.first().map(|file| file.id().born);
        let overwritten = unlinked.zip(next).is_some_and(|(unlinked, next)| next + TICK > unlinked);
        let lost = found.lost.or((overwritten || by_hand && !found.settled).then_some(0));
        self.noticed.extend(lost.map(|known_bytes| Event::Gap { known_bytes }));
        for mut file in found.files {
            file.becomes(Role::Nameless, 0);
            self.noticed.push_back(Event::Rotated);
            self.old.push_back(file);
        }
    }

    /// How far the cumulative log goes, but for a copy of yesterday's file that is being made just now;
    /// when it goes just as far as expected, there is none.
    fn appended_before(&self, yesterday: Option<&LogFile>, expected: Option<u64>, now: Duration) -> Appended {
        let Ok(opened) = self.chain.open_cumulative(now) else {
            // What stands at its end is not known.
            return Appended { bytes: expected.unwrap_or(0), anchor: Anchor::default() };
        };
        let cumulative = opened.and_then(|file| Cumulative::new(file).ok());
        let Some(cumulative) = cumulative else { return Appended::default() };
        let unexpected = yesterday.filter(|_| expected != Some(cumulative.size()));
        let end = unexpected.and_then(|yesterday| cumulative.end_before(yesterday).ok());
        cumulative.until(end.unwrap_or(cumulative.size())).unwrap_or_default()
    }

    /// A file that cannot be read keeps the others from nothing: the next step reads the next one.
    fn pass_over(&mut self, source: io::Error) -> FollowError {
        self.turn += 1;
        self.error(source)
    }

    fn error(&self, source: io::Error) -> FollowError {
        FollowError::Io { path: self.chain.current.clone(), source }
    }
}

fn file_at<'a>(
    old: &'a mut VecDeque<LogFile>,
    newest: [&'a mut Option<LogFile>; 2],
    turn: usize,
) -> Option<&'a mut LogFile> {
    old.iter_mut().chain(newest.into_iter().flatten()).nth(turn)
}
