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
mod rotation;
pub mod single;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chain::Chain;
use file::{LogFile, Read};
pub use position::{Appended, FileId, Position, Role};
use renamed::Since;

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
pub enum Step<'a> {
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
    never_the_log: Option<FileId>,
    /// Files that were closed, the last few.
    left: VecDeque<FileId>,
    /// What was the log when its path began to lead nowhere; [`Since::tell`] puts it into the state.
    nowhere_since: Option<Since>,
    /// What was noticed and not told yet.
    noticed: VecDeque<Step<'static>>,
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
            never_the_log: None,
            left: VecDeque::new(),
            nowhere_since: None,
            noticed: VecDeque::new(),
            turn: 0,
            buffer: vec![0; file::buffer_bytes(options.max_line_bytes)],
        }
    }

    /// Goes on in another way, where it stands.
    pub fn go_on_with(&mut self, options: FollowOptions) {
        self.options = options;
        // Between two steps it holds nothing.
        self.buffer.resize(file::buffer_bytes(options.max_line_bytes), 0);
    }

    /// The path being followed.
    pub fn path(&self) -> &Path {
        &self.chain.current
    }

    /// Does one thing: reads one block, or notices one change. Call it until it is [`Step::Idle`],
    /// then again when the log may have grown. `now` is any clock that never goes back.
    ///
    /// # Errors
    ///
    /// When the log is not there or cannot be read. What was read stays read; step again later.
    pub fn step(&mut self, now: Duration) -> Result<Step<'_>, FollowError> {
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
                Ok(Read::Lines(range)) => return Ok(Step::Lines(&self.buffer[range])),
                Ok(Read::Skipped { reason, bytes, ends }) => {
                    return Ok(Step::Skipped { reason, bytes, ends });
                }
                Ok(Read::End) => {
                    if let Some(event) = self.close_when_over(now) {
                        return Ok(event);
                    }
                }
                Ok(Read::Changed) if matches!(role, Role::Current | Role::Ahead) => {
                    let known_bytes = file.partial().1 as u64;
                    file.restart();
                    return Ok(Step::Truncated { known_bytes });
                }
                Ok(Read::Changed) => {
                    // Somebody wrote an old file anew: it is not our log any more.
                    let known_bytes = file.lag_bytes();
                    self.leave();
                    return Ok(match role {
                        Role::Cumulative { .. } => Step::Gap { known_bytes },
                        _ => Step::Truncated { known_bytes: 0 },
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
                let mut places = self.old.iter().chain(&self.current).map(place).collect();
                if let Some(since) = &self.nowhere_since {
                    since.tell(&mut places);
                }
                Some(self.with_ahead(places))
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
    fn close_when_over(&mut self, now: Duration) -> Option<Step<'static>> {
        let over = self.old.get(self.turn).is_some_and(|file| match file.role() {
            Role::Cumulative { .. } => file.is_at_end(),
            Role::Nameless => {
                let waiting = file.lag_bytes() > file.partial().1 as u64;
                let long = file.quiet_for(now) >= self.options.drain || self.old.len() > MAX_OLD_FILES;
                // While there is no log, a restart has to know which files were it last.
                long && !waiting && self.current.is_some()
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
            return Some(Step::Gap { known_bytes: bytes });
        }
        (bytes > 0).then_some(Step::Skipped { reason: Skip::Incomplete, bytes, ends: true })
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
