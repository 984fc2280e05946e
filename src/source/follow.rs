//! Follows one log through rotations: a state machine that its caller steps.
//!
//! The return job renames `mail.log_current` to `mail.log_yesterday` around midnight; processes that
//! hold the old file open go on writing to it for a while, and the new file appears with its first
//! entry (2005Q4 guide, "Managing MTA Message and Connection Logs"). So a renamed file is read until it
//! has been quiet for long enough, before and beside the new one; a file is known by device, inode
//! and a hash of the bytes in front of the offset, since inode numbers are used again; and an end
//! of file is never an end of line. Offsets only ever stand behind a line's last byte.
//!
//! Nothing here knows what a line means, counts anything, or reads a clock.

mod file;
mod position;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use file::{LogFile, Read};
pub use position::{FileId, Position};

use crate::record::Skip;

/// How a log is followed.
#[derive(Clone, Copy, Debug)]
pub struct FollowOptions {
    /// Longer lines are skipped and counted.
    pub max_line_bytes: usize,
    /// How long a renamed file is still read after its last growth.
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
#[derive(Debug, PartialEq, Eq)]
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
    /// The path names a new file; the old one is still read.
    Rotated,
    /// The file was cut or written anew in place; it is read from its beginning.
    Truncated,
    /// The saved place is gone: lines between it and the files that are there were not read.
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

/// A renamed file is closed early when more than this many are open.
const MAX_OLD_FILES: usize = 8;

/// One followed log.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    options: FollowOptions,
    /// Where to begin, until the log has been found for the first time.
    begin: Option<Begin>,
    /// Renamed files that may still grow, oldest first.
    old: VecDeque<LogFile>,
    /// The file that the path named when we last looked.
    current: Option<LogFile>,
    /// Which file the next step reads: an index into `old`, or `old.len()` for the current one.
    turn: usize,
    buffer: Vec<u8>,
}

impl Follower {
    /// A follower of the file at `path`. Nothing is opened before the first step.
    pub fn new(path: PathBuf, options: FollowOptions, begin: Begin) -> Self {
        let buffer = vec![0; file::buffer_bytes(options.max_line_bytes)];
        Self { path, options, begin: Some(begin), old: VecDeque::new(), current: None, turn: 0, buffer }
    }

    /// The path being followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does one thing: reads one block, or notices one change. Call it until it is [`Event::Idle`],
    /// then again when the log may have grown. `now` is any clock that never goes back.
    ///
    /// # Errors
    ///
    /// When the log is not there or cannot be read. What was read stays read; step again later.
    pub fn step(&mut self, now: Duration) -> Result<Event<'_>, FollowError> {
        if self.begin.is_some()
            && let Some(event) = self.attach(now)?
        {
            return Ok(event);
        }
        loop {
            let renamed = self.turn < self.old.len();
            let Some(file) = file_at(&mut self.old, &mut self.current, self.turn) else { break };
            match file.read(&mut self.buffer, self.options.max_line_bytes, now) {
                Ok(Read::Lines(range)) => return Ok(Event::Lines(&self.buffer[range])),
                Ok(Read::Skipped { reason, bytes, ends }) => {
                    return Ok(Event::Skipped { reason, bytes, ends });
                }
                Ok(Read::End) if renamed => {
                    if let Some(event) = self.close_when_quiet(now) {
                        return Ok(event);
                    }
                }
                Ok(Read::End) => self.turn += 1,
                Ok(Read::Changed) if renamed => {
                    // Somebody wrote a renamed file anew: it is not our log any more.
                    self.old.remove(self.turn);
                }
                Ok(Read::Changed) => {
                    file.restart();
                    return Ok(Event::Truncated);
                }
                Err(source) => return Err(self.pass_over(source)),
            }
        }
        self.turn = 0;
        self.look_for_new_file(now)
    }

    /// The places to save: every line in front of them has been handed out. `None` while it is not
    /// known where to begin, since the log's directory has not been there.
    pub fn positions(&self) -> Option<Vec<Position>> {
        match &self.begin {
            Some(Begin::Resume(positions)) => Some(positions.clone()),
            Some(Begin::Beginning) => Some(Vec::new()),
            Some(Begin::End) => None,
            None => {
                let old = self.old.iter().map(|file| file.position(false));
                Some(old.chain(self.current.iter().map(|file| file.position(true))).collect())
            }
        }
    }

    /// Whether the log has been found, at some time.
    pub fn is_attached(&self) -> bool {
        self.begin.is_none()
    }

    /// Whether everything has been read that was there when the log was first found.
    pub fn is_caught_up(&self) -> bool {
        self.is_attached() && self.files().all(LogFile::is_caught_up)
    }

    /// Bytes that are in the files but have not been handed out: unread ones and a last line that
    /// is not complete yet.
    pub fn lag_bytes(&self) -> u64 {
        self.files().map(LogFile::lag_bytes).sum()
    }

    fn files(&self) -> impl Iterator<Item = &LogFile> {
        self.old.iter().chain(&self.current)
    }

    /// Finds the files to begin with. The saved current file may have been renamed meanwhile.
    fn attach(&mut self, now: Duration) -> Result<Option<Event<'static>>, FollowError> {
        let at_path = LogFile::open(&self.path, now)?;
        let positions = match self.begin.clone() {
            Some(Begin::Resume(positions)) => positions,
            begin => {
                let Some(mut file) = at_path else { return Err(self.missing_from_the_start()) };
                if matches!(begin, Some(Begin::End)) {
                    file.seek_to_end(&mut self.buffer).map_err(|source| self.error(source))?;
                }
                self.current = Some(file);
                self.begin = None;
                return Ok(None);
            }
        };
        let rotated = match rotated_path(&self.path) {
            Some(path) => match LogFile::open(&path, now) {
                Err(FollowError::NotRegular { .. }) => None,
                opened => opened?,
            },
            None => None,
        };
        if at_path.is_none() && rotated.is_none() {
            return Err(FollowError::Missing { path: self.path.clone() });
        }
        Ok(self.resume(&positions, at_path, rotated))
    }

    /// All entries of a log that is not there at the start are new, once its directory is there. A
    /// directory that is not there may yet be mounted, with a log that another host has written.
    fn missing_from_the_start(&mut self) -> FollowError {
        if self.path.parent().is_some_and(Path::is_dir) {
            self.begin = Some(Begin::Beginning);
        }
        FollowError::Missing { path: self.path.clone() }
    }

    /// Puts every saved place on the file that holds it.
    fn resume(
        &mut self,
        positions: &[Position],
        mut at_path: Option<LogFile>,
        mut rotated: Option<LogFile>,
    ) -> Option<Event<'static>> {
        let mut gap = None;
        for position in positions {
            if position.resume_in(rotated.as_mut(), &mut self.buffer) {
                self.old.extend(rotated.take());
            } else if position.resume_in(at_path.as_mut(), &mut self.buffer) {
                self.current = at_path.take();
            } else if position.current || position.size > position.offset {
                gap = Some(Event::Gap { known_bytes: position.size.saturating_sub(position.offset) });
            }
        }
        if self.current.is_none() {
            self.current = at_path;
        }
        self.begin = None;
        gap
    }

    /// Closes the renamed file whose turn it is when nothing has come for long, or goes on.
    fn close_when_quiet(&mut self, now: Duration) -> Option<Event<'static>> {
        let quiet = self.old[self.turn].quiet_for(now) >= self.options.drain;
        if !quiet && self.old.len() <= MAX_OLD_FILES {
            self.turn += 1;
            return None;
        }
        let bytes = self.old.remove(self.turn)?.lag_bytes();
        (bytes > 0).then_some(Event::Skipped { reason: Skip::Incomplete, bytes, ends: true })
    }

    /// Looks whether the path names another file than the one we read.
    fn look_for_new_file(&mut self, now: Duration) -> Result<Event<'static>, FollowError> {
        let found = FileId::of_path(&self.path).map_err(|source| self.error(source))?;
        let Some(found) = found else {
            return if self.is_between_files() {
                Ok(Event::Idle)
            } else {
                Err(FollowError::Missing { path: self.path.clone() })
            };
        };
        if self.current.as_ref().is_some_and(|current| current.id() == found) {
            return Ok(Event::Idle);
        }
        let returned = self.old.iter().position(|file| file.id() == found);
        let new = match returned {
            Some(index) => self.old.remove(index),
            None => LogFile::open(&self.path, now)?,
        };
        let Some(new) = new else { return Ok(Event::Idle) };
        self.old.extend(self.current.replace(new));
        Ok(Event::Rotated)
    }

    /// Renamed by the return job, and the first entry of the new file has not come: normal for
    /// minutes. A log that is nowhere was deleted, or its file system is gone; what is open of it is
    /// still read.
    fn is_between_files(&self) -> bool {
        let rotated = rotated_path(&self.path).and_then(|path| FileId::of_path(&path).ok()?);
        self.current.as_ref().is_some_and(|current| Some(current.id()) == rotated)
    }

    /// A file that cannot be read keeps the others from nothing: the next step reads the next one.
    fn pass_over(&mut self, source: io::Error) -> FollowError {
        self.turn += 1;
        self.error(source)
    }

    fn error(&self, source: io::Error) -> FollowError {
        FollowError::Io { path: self.path.clone(), source }
    }
}

fn file_at<'a>(
    old: &'a mut VecDeque<LogFile>,
    current: &'a mut Option<LogFile>,
    turn: usize,
) -> Option<&'a mut LogFile> {
    let behind = old.len();
    match turn {
        _ if turn < behind => old.get_mut(turn),
        _ if turn == behind => current.as_mut(),
        _ => None,
    }
}

/// Where the return job puts a log: `mail.log_current` becomes `mail.log_yesterday`.
fn rotated_path(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix("_current")?;
    Some(path.with_file_name(format!("{name}_yesterday")))
}
