//! Why messages are held: the one place that opens files of the queue.
//!
//! Each held file is opened once, read-only, and only to count lines of its header; [`message`] says
//! what the counts mean. What stands in queue directories comes from outside: a name may have
//! become a link, a FIFO or a device since it was listed. So a file is reached from the root of the
//! queue tree one directory at a time, no link is followed, nothing can block or become a terminal,
//! and only a regular file is read, at most [`HEAD_BYTES`] of it. Looking takes its time from the scan
//! of the queue, so it has a [`Budget`] a round; what is left over waits for the next one.

pub mod message;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::{Errno, read, retry_on_intr};

use self::message::{OwnHost, ReceivedLimits, Verdict, classify};
use super::spool::held_files::HeldReason;

/// Read of a file, at most. Headers that were looped are some 30 KiB long; an envelope of a thousand
/// recipients is twice that.
pub const HEAD_BYTES: usize = 64 * 1024;

/// Age from which a file is taken to be written completely. One of the future is taken for an old one, too: it was
/// written while the clock was ahead.
const SETTLED_AFTER: Duration = Duration::from_mins(1);

/// What a round may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time from the beginning of the round. A single look is not cut short.
    pub time: Duration,
}

impl Default for Budget {
    /// A few thousand files a scan: a loop makes hundreds a minute.
    fn default() -> Self {
        Self { files: 2000, bytes: 32 << 20, time: Duration::from_millis(500) }
    }
}

/// The answer about one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody needs to look again.
    Reason(HeldReason),
    /// To be asked again: the budget is used up, the file is still being written, or it cannot be
    /// read at present.
    Later,
}

/// What a round cost and what went wrong.
#[derive(Debug, Default)]
pub struct Effort {
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files that could not be read; vanished ones and those that are no regular files are none.
    pub unreadable: u64,
    /// The first of them, below the root, and what the system said.
    pub failure: Option<(PathBuf, io::Error)>,
}

/// Looks into held files, round by round.
#[derive(Debug)]
pub struct Inspector {
    root: PathBuf,
    limits: ReceivedLimits,
    own_host: Option<OwnHost>,
    budget: Budget,
    /// Holds the head of a file while it is looked at, and zeros otherwise.
    head: Vec<u8>,
}

impl Inspector {
    /// One for the queue tree below `root`. Without the official local host name, loops through
    /// this host alone are found only when they exceed the other limits.
    #[must_use]
    pub fn new(root: PathBuf, limits: ReceivedLimits, own_host: Option<&str>, budget: Budget) -> Self {
        let own_host = own_host.and_then(OwnHost::new);
        Self { root, limits, own_host, budget, head: vec![0; HEAD_BYTES] }
    }

    /// Begins a round with the whole budget. `now` is the time that files are compared to, `elapsed`
    /// tells how long the round has lasted.
    pub fn round<Elapsed: Fn() -> Duration>(
        &mut self,
        now: SystemTime,
        elapsed: Elapsed,
    ) -> Round<'_, Elapsed> {
        let settled_before = now.checked_sub(SETTLED_AFTER).unwrap_or(SystemTime::UNIX_EPOCH);
        Round { inspector: self, settled_before, elapsed, directory: None, effort: Effort::default() }
    }
}

/// One round of looking.
#[derive(Debug)]
pub struct Round<'a, Elapsed> {
    inspector: &'a mut Inspector,
    settled_before: SystemTime,
    elapsed: Elapsed,
    /// The directory of the last file: files come directory by directory.
    directory: Option<(PathBuf, OwnedFd)>,
    effort: Effort,
}

impl<Elapsed: Fn() -> Duration> Round<'_, Elapsed> {
    /// Looks at the file `name` in `directory`, a path below the root.
    pub fn inspect(&mut self, directory: &Path, name: &CStr) -> Answer {
        if self.is_used_up() {
            return Answer::Later;
        }
        match self.look(directory, name) {
            Ok(answer) => answer,
            Err(Errno::NOENT | Errno::NOTDIR) => Answer::Later,
            // A link, a socket, a device without a driver: somebody else's doing, not a message.
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => Answer::Reason(HeldReason::Unclassified),
            Err(error) => {
                self.effort.unreadable += 1;
                let path = || directory.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
                self.effort.failure.get_or_insert_with(|| (path(), error.into()));
                Answer::Later
            }
        }
    }

    /// Ends the round.
    #[must_use]
    pub fn finish(self) -> Effort {
        self.effort
    }

    fn is_used_up(&self) -> bool {
        let (budget, effort) = (&self.inspector.budget, &self.effort);
        effort.files >= budget.files
            || effort.bytes + HEAD_BYTES as u64 > budget.bytes
            || (self.elapsed)() >= budget.time
    }

    fn look(&mut self, directory: &Path, name: &CStr) -> Result<Answer, Errno> {
        let file = open_file(self.directory(directory)?, name)?;
        let status = fstat(&file)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Ok(Answer::Reason(HeldReason::Unclassified));
        }
        let (verdict, bytes) = self.inspector.read(&file, &status)?;
        self.effort.files += 1;
        self.effort.bytes += bytes as u64;
        let told = verdict.whole || verdict.reason != HeldReason::Unclassified || bytes == HEAD_BYTES;
        let young = self.settled_before..=self.settled_before + 2 * SETTLED_AFTER;
        if told || !young.contains(&modified(&status)) {
            return Ok(Answer::Reason(verdict.reason));
        }
        Ok(Answer::Later)
    }

    /// The directory at a path below the root, opened or still open.
    fn directory(&mut self, path: &Path) -> Result<&OwnedFd, Errno> {
        let opened = match self.directory.take() {
            Some(open) if open.0 == path => open,
            _ => (path.to_owned(), open_directory(&self.inspector.root, path)?),
        };
        Ok(&self.directory.insert(opened).1)
    }
}

impl Inspector {
    /// Reads the head of a file and judges it; how many bytes that took. What is written meanwhile
    /// beyond the size in `status` is not waited for.
    fn read(&mut self, file: &OwnedFd, status: &Stat) -> Result<(Verdict, usize), Errno> {
        let size = usize::try_from(status.st_size).unwrap_or(0).min(HEAD_BYTES);
        let mut filled = 0;
        let mut result = Ok(());
        while filled < size {
            match retry_on_intr(|| read(file, &mut self.head[filled..])) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        let verdict = classify(&self.head[..filled], &self.limits, self.own_host.as_ref());
        // Nobody's mail stays in the memory of the program.
        self.head[..filled].fill(0);
        result.map(|()| (verdict, filled))
    }
}

/// The host name that the system has (`uname`), if it is a whole one. Many hosts are named without
/// their domain; that name is not what the MTA looks for, and would be found where it is not meant.
#[must_use]
pub fn full_host_name() -> Option<String> {
    let system = rustix::system::uname();
    let name = system.nodename().to_str().ok()?;
    name.trim_matches('.').contains('.').then(|| name.to_owned())
}

/// Opens a directory below the root one step at a time, so that no link is followed on the way. The
/// root itself may be reached through links.
fn open_directory(root: &Path, below: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut directory = openat(CWD, root, flags, Mode::empty())?;
    for component in below.components() {
        let Component::Normal(name) = component else { return Err(Errno::INVAL) };
        let name = CString::new(name.as_bytes()).map_err(|_| Errno::INVAL)?;
        directory = openat(&directory, &name, flags | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(directory)
}

/// Opens a file in a directory without following a link, waiting for anybody, or becoming the
/// program of a terminal.
fn open_file(directory: &OwnedFd, name: &CStr) -> Result<OwnedFd, Errno> {
    if name.to_bytes().contains(&b'/') {
        return Err(Errno::INVAL);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

/// When a file was last written, as far as the system clock can say it.
fn modified(status: &Stat) -> SystemTime {
    let seconds = u64::try_from(status.st_mtime).unwrap_or(0);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}
