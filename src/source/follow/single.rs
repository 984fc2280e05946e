//! A file that is never rotated, known by its place in the kernel: it is read while it grows, and open only then.
//!
//! Daemons begin a file of their own at each start, and many of them are there that will never grow again. So a look
//! costs one call where nothing has changed, and nothing is held open in between.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, StatxFlags, makedev, openat, statx};
use rustix::io::Errno;
use rustix::path::Arg;

use super::file::{LogFile, Read, buffer_bytes};
use super::position::{Appended, FileId, Position};
use super::{FollowError, Step};

/// What a directory says of a file, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which file.
    pub id: FileId,
    /// Whether it is a regular one.
    pub is_regular: bool,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written, nanoseconds since 1970.
    pub written: u128,
}

impl Seen {
    /// Looks at a name below a directory; `None` when there is none.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn at(directory: impl AsFd, name: impl Arg) -> io::Result<Option<Self>> {
        match Self::look(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(seen) => Ok(Some(seen)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn look(directory: impl AsFd, name: impl Arg, flags: AtFlags) -> rustix::io::Result<Self> {
        let found = statx(directory, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?;
        let nanoseconds = |seconds: i64, rest: u32| {
            u128::try_from(seconds).map_or(0, |seconds| seconds * 1_000_000_000 + u128::from(rest))
        };
        let told = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
        let born = if told { nanoseconds(found.stx_btime.tv_sec, found.stx_btime.tv_nsec) } else { 0 };
        let device = makedev(found.stx_dev_major, found.stx_dev_minor);
        Ok(Self {
            id: FileId { device, inode: found.stx_ino, born },
            is_regular: FileType::from_raw_mode(u32::from(found.stx_mode)) == FileType::RegularFile,
            bytes: found.stx_size,
            written: nanoseconds(found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        })
    }
}

/// The place of a file that was not read yet: at the line in which its first `bytes` end. `written` is when everything before that
/// had been, nanoseconds since 1970.
pub fn unread(id: FileId, bytes: u64, written: u128) -> Position {
    Position { id, offset: bytes, size: bytes, ..Position::nothing(Appended::default(), written) }
}

/// The buffer that files are read with, one after the other.
#[derive(Debug)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// For lines of at most so many bytes.
    pub fn new(max_line_bytes: usize) -> Self {
        Self(vec![0; buffer_bytes(max_line_bytes)])
    }
}

/// One file.
#[derive(Debug)]
pub struct SingleFile {
    path: PathBuf,
    id: FileId,
    /// Where reading stands while the file is not open.
    place: Position,
    open: Option<(LogFile, Seen)>,
    /// What the file was when it had last been read to its end.
    read: Option<Seen>,
    max_line_bytes: usize,
}

impl SingleFile {
    /// The file of a place, at a path. Nothing is opened before the first step.
    pub fn new(path: &Path, place: Position, max_line_bytes: usize) -> Self {
        Self { path: path.to_owned(), id: place.id, place, open: None, read: None, max_line_bytes }
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// When it had last been written at the last look, nanoseconds since 1970; 0 before the first.
    pub fn written(&self) -> u128 {
        self.open.as_ref().map(|(_, seen)| *seen).or(self.read).map_or(0, |seen| seen.written)
    }

    /// Goes on with another bound on lines, where it stands.
    pub fn go_on_with(&mut self, max_line_bytes: usize) {
        self.max_line_bytes = max_line_bytes;
    }

    /// Somebody has given the file another name.
    pub fn is_at(&mut self, path: &Path) {
        if self.path != path {
            path.clone_into(&mut self.path);
        }
    }

    /// Does one thing, as [`Follower::step`](super::Follower::step): reads a block, or says that the file was cut or that
    /// all of it has been read. It is never rotated, and nothing of it is elsewhere.
    ///
    /// # Errors
    ///
    /// When another file is at the path, or this one cannot be read. Step again later.
    pub fn step<'b>(&mut self, buffer: &'b mut Buffer, now: Duration) -> Result<Step<'b>, FollowError> {
        if self.open.is_none() {
            let seen = self.look()?;
            if self.read == Some(seen) {
                return Ok(Step::Idle);
            }
            self.open = Some((self.open(buffer, now)?, seen));
        }
        let Some((file, seen)) = &mut self.open else { return Ok(Step::Idle) };
        match file.read(&mut buffer.0, self.max_line_bytes, now) {
            Ok(Read::Lines(range)) => Ok(Step::Lines(&buffer.0[range])),
            Ok(Read::Skipped { reason, bytes, ends }) => Ok(Step::Skipped { reason, bytes, ends }),
            Ok(Read::Changed) => {
                let known_bytes = file.partial().1 as u64;
                file.restart();
                Ok(Step::Truncated { known_bytes })
            }
            Ok(Read::End) => {
                self.read = Some(*seen);
                self.close();
                Ok(Step::Idle)
            }
            Err(source) => {
                self.close();
                Err(self.error(source))
            }
        }
    }

    /// The place to save.
    pub fn position(&self) -> Position {
        match &self.open {
            Some((file, _)) => file.position(0, Appended::default()),
            None => self.place.clone(),
        }
    }

    fn close(&mut self) {
        self.place = self.position();
        self.open = None;
    }

    fn look(&self) -> Result<Seen, FollowError> {
        let seen = Seen::at(CWD, &*self.path).map_err(|source| self.error(source))?;
        let seen = seen.filter(|seen| seen.is_regular && seen.id == self.id);
        seen.ok_or_else(|| FollowError::Missing { path: self.path.clone() })
    }

    /// Opens it where reading stands.
    fn open(&self, buffer: &mut Buffer, now: Duration) -> Result<LogFile, FollowError> {
        let failed = |source| self.error(source);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened: OwnedFd =
            openat(CWD, &*self.path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        let seen = Seen::look(&opened, c"", AtFlags::EMPTY_PATH).map_err(|error| failed(error.into()))?;
        if !seen.is_regular || seen.id != self.id {
            return Err(FollowError::Missing { path: self.path.clone() });
        }
        let mut log = LogFile::unread(File::from(opened), self.id, seen.bytes, now);
        if self.place.anchor.bytes == 0 && self.place.offset > 0 {
            log.seek_to(self.place.offset, &mut buffer.0).map_err(failed)?;
        } else {
            log.resume(&self.place);
        }
        Ok(log)
    }

    fn error(&self, source: io::Error) -> FollowError {
        FollowError::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests;
