//! One open log file: positioned reads, complete lines, and noticing that it was written anew.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use super::position::{Anchor, SavedSkip};
use super::{FileId, FollowError, Position};
use crate::record::Skip;

/// Read at once: large enough that the system call does not matter, small enough for the cache.
const BLOCK_BYTES: usize = 256 * 1024;

/// The buffer for reads with lines of at most `max_line_bytes`.
pub(super) fn buffer_bytes(max_line_bytes: usize) -> usize {
    Anchor::MAX_BYTES + BLOCK_BYTES.max(max_line_bytes + 1)
}

/// What one read found.
pub(super) enum Read {
    /// Complete lines, in this part of the buffer.
    Lines(Range<usize>),
    Skipped {
        reason: Skip,
        bytes: u64,
        ends: bool,
    },
    /// Nothing new but perhaps a part of a line.
    End,
    /// The bytes in front of the offset are not the ones that were read there.
    Changed,
}

#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    id: FileId,
    offset: u64,
    anchor: Anchor,
    skipping: Option<SavedSkip>,
    /// The size when the file was opened: reading up to there is catching up.
    goal: u64,
    reached_end: bool,
    /// Bytes of a last line without its LF, at the last read.
    partial_bytes: usize,
    grew_at: Duration,
}

impl LogFile {
    /// Opens a log at its beginning; `None` when there is none. Opening a FIFO or a device could
    /// hang or have effects, so anything but a regular file is refused before and after.
    pub(super) fn open(path: &Path, now: Duration) -> Result<Option<Self>, FollowError> {
        let failed = |source| FollowError::Io { path: path.to_owned(), source };
        let regular = |metadata: &std::fs::Metadata| match not_regular(metadata.file_type()) {
            Some(found) => Err(FollowError::NotRegular { path: path.to_owned(), found }),
            None => Ok(()),
        };
        match std::fs::metadata(path) {
            Ok(metadata) => regular(&metadata)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits();
        let flags = i32::try_from(flags).expect("invariant: open flags fit the kernel's int");
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        regular(&metadata)?;
        Ok(Some(Self {
            id: FileId::of(&metadata),
            file,
            offset: 0,
            anchor: Anchor::default(),
            skipping: None,
            goal: metadata.len(),
            reached_end: false,
            partial_bytes: 0,
            grew_at: now,
        }))
    }

    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// Reads the next block. The bytes in front of the offset are read again with it and compared:
    /// a file that was cut and has grown beyond the old offset is noticed at no further cost.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        max_line_bytes: usize,
        now: Duration,
    ) -> io::Result<Read> {
        let before = self.anchor.bytes;
        let filled = read_at(&self.file, buffer, self.offset - before as u64)?;
        if filled < before || !self.anchor.matches(&buffer[..before]) {
            return Ok(Read::Changed);
        }
        let data = &buffer[before..filled];
        if data.len() > self.partial_bytes {
            self.grew_at = now;
        }
        self.partial_bytes = 0;
        let last_newline = memchr::memrchr(b'\n', data);
        if let Some(reason) = self.skipping {
            return Ok(self.skip(buffer, before, filled, reason));
        }
        match last_newline {
            Some(last) => {
                let end = before + last + 1;
                self.advance(buffer, before, end);
                Ok(Read::Lines(before..end))
            }
            None if data.len() > max_line_bytes => {
                self.skipping = Some(SavedSkip::TooLong);
                Ok(self.skip(buffer, before, filled, SavedSkip::TooLong))
            }
            None => {
                self.partial_bytes = data.len();
                self.reached_end = true;
                Ok(Read::End)
            }
        }
    }

    /// Passes over the rest of a line that is being skipped, or as much of it as is there.
    fn skip(&mut self, buffer: &[u8], before: usize, filled: usize, reason: SavedSkip) -> Read {
        if filled == before {
            self.reached_end = true;
            return Read::End;
        }
        let newline = memchr::memchr(b'\n', &buffer[before..filled]);
        let end = newline.map_or(filled, |newline| before + newline + 1);
        self.advance(buffer, before, end);
        if newline.is_some() {
            self.skipping = None;
        }
        Read::Skipped { reason: reason.into(), bytes: (end - before) as u64, ends: newline.is_some() }
    }

    fn advance(&mut self, buffer: &[u8], before: usize, end: usize) {
        self.offset += (end - before) as u64;
        self.anchor = Anchor::of(&buffer[..end]);
    }

    /// Goes behind the last byte. A line that is being written just then has lost its beginning.
    pub(super) fn seek_to_end(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        let before = usize::try_from(size).unwrap_or(usize::MAX).min(Anchor::MAX_BYTES);
        let filled = read_at(&self.file, &mut buffer[..before], size - before as u64)?;
        if filled < before {
            // Cut between the two calls: all that is there now is new.
            return Ok(());
        }
        self.offset = size;
        self.goal = size;
        self.anchor = Anchor::of(&buffer[..before]);
        let complete = before == 0 || buffer[before - 1] == b'\n';
        self.skipping = (!complete).then_some(SavedSkip::Incomplete);
        Ok(())
    }

    /// Takes up a saved place when the bytes in front of it are the saved ones.
    pub(super) fn resume(&mut self, position: &Position, buffer: &mut [u8]) -> io::Result<bool> {
        let before = position.anchor.bytes;
        let Some(start) = position.offset.checked_sub(before as u64) else { return Ok(false) };
        if before > Anchor::MAX_BYTES {
            return Ok(false);
        }
        let filled = read_at(&self.file, &mut buffer[..before], start)?;
        if before > 0 && !position.anchor.matches(&buffer[..filled]) {
            return Ok(false);
        }
        self.offset = position.offset;
        self.anchor = position.anchor;
        self.skipping = position.skipping;
        Ok(true)
    }

    /// Starts again at the beginning, after the file was written anew in place.
    pub(super) fn restart(&mut self) {
        self.offset = 0;
        self.anchor = Anchor::default();
        self.skipping = None;
        self.partial_bytes = 0;
        self.goal = 0;
    }

    pub(super) fn position(&self, current: bool) -> Position {
        Position {
            id: self.id,
            offset: self.offset,
            anchor: self.anchor,
            size: self.offset + self.lag_bytes(),
            current,
            skipping: self.skipping,
        }
    }

    pub(super) fn is_caught_up(&self) -> bool {
        self.reached_end || self.offset >= self.goal
    }

    pub(super) fn quiet_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.grew_at)
    }

    pub(super) fn lag_bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len().saturating_sub(self.offset))
    }
}

/// Fills the buffer as far as the file goes.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What a file is when it is not a regular one.
fn not_regular(kind: std::fs::FileType) -> Option<&'static str> {
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some("directory"),
        _ if kind.is_fifo() => Some("FIFO"),
        _ if kind.is_socket() => Some("socket"),
        _ => Some("device"),
    }
}
