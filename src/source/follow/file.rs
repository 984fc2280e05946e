//! One open log file: positioned reads, complete lines, and noticing that it was written anew.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use super::position::{Anchor, Appended, Role, SavedSkip, changed_at, written_at};
use super::{FileId, FollowError, Position};
use crate::record::Skip;
use crate::source::lines::{TooMany, skipped};

/// Read at once: large enough that the system call does not matter, small enough for the cache.
const BLOCK_BYTES: usize = 256 * 1024;

/// The buffer for reads with lines of at most `max_line_bytes`.
pub(super) fn buffer_bytes(max_line_bytes: usize) -> usize {
    Anchor::MAX_BYTES + BLOCK_BYTES.max(max_line_bytes + 1)
}

/// What one read found.
pub(super) enum Read {
    /// Complete lines, in this part of the buffer; the last one may have NUL bytes behind it instead of an end.
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
    role: Role,
    offset: u64,
    anchor: Anchor,
    skipping: Option<SavedSkip>,
    /// The size when the file was opened: reading up to there is catching up.
    goal: u64,
    reached_end: bool,
    /// Bytes of a last line without its LF, at the last read.
    partial_bytes: usize,
    /// When that line was first seen incomplete.
    partial_since: Option<Duration>,
    grew_at: Duration,
    /// The offset when the file was last known to be the current one: what stands in front of it was
    /// written before the file was renamed, so that a copy of the file holds it.
    named: (u64, Anchor),
    /// Where the copy of a file that has lost its names begins in the cumulative log.
    copy_start: u64,
    /// When it had last been written, as far as was seen while it was the log.
    written: u128,
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
        let (id, written) = (FileId::of(&metadata), written_at(&metadata));
        Ok(Some(Self { written: written.max(id.born), ..Self::unread(file, id, metadata.len(), now) }))
    }

    /// An open file at its beginning.
    pub(super) fn unread(file: File, id: FileId, goal: u64, now: Duration) -> Self {
        Self {
            id,
            role: Role::Current,
            file,
            offset: 0,
            anchor: Anchor::default(),
            skipping: None,
            goal,
            reached_end: false,
            partial_bytes: 0,
            partial_since: None,
            grew_at: now,
            named: (0, Anchor::default()),
            copy_start: 0,
            written: 0,
        }
    }

    /// The same file, to be read from one offset to another.
    pub(super) fn part(&self, range: Range<u64>, now: Duration) -> io::Result<Self> {
        let anchor = self.anchor_of(range.start)?;
        let role = Role::Cumulative { end: range.end };
        let file = Self::unread(self.file.try_clone()?, self.id, range.end, now);
        Ok(Self { role, offset: range.start, anchor, ..file })
    }

    /// The same file, at its beginning.
    pub(super) fn again(&self, now: Duration) -> io::Result<Self> {
        let file = Self::unread(self.file.try_clone()?, self.id, self.size()?, now);
        Ok(Self { written: self.written, ..file })
    }

    pub(super) fn id(&self) -> FileId {
        self.id
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Whether the log's path names it.
    pub(super) fn is_log(&self) -> bool {
        self.role == Role::Current
    }

    /// The path names this file now, and everything read of it was read before that was seen.
    pub(super) fn is_current(&mut self, written: u128) {
        self.named = (self.offset, self.anchor);
        self.written = written.max(self.id.born);
    }

    /// When it lost its last name, nanoseconds since 1970; `None` while it has one.
    pub(super) fn unlinked_at(&self) -> Option<u128> {
        let metadata = self.file.metadata().ok().filter(|metadata| metadata.nlink() == 0)?;
        Some(changed_at(&metadata))
    }

    /// When it was last written, nanoseconds since 1970.
    pub(super) fn written(&self) -> io::Result<u128> {
        Ok(written_at(&self.file.metadata()?))
    }

    /// When it was last written, renamed or changed in any way, nanoseconds since 1970.
    pub(super) fn changed(&self) -> io::Result<u128> {
        Ok(changed_at(&self.file.metadata()?))
    }

    /// Where its copy begins, or will begin, in the cumulative log, as far as is known.
    pub(super) fn copy_start(&self) -> u64 {
        self.copy_start
    }

    /// Behind the last byte that was handed out.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The file has got another name, or lost its last one.
    pub(super) fn becomes(&mut self, role: Role, copy_start: u64) {
        self.role = role;
        self.copy_start = copy_start;
    }

    /// How many bytes there are to read now.
    pub(super) fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Fills the buffer with what stands at an offset; how much there was.
    pub(super) fn bytes_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_at(&self.file, buffer, offset)
    }

    /// What stands in front of an offset.
    pub(super) fn anchor_of(&self, offset: u64) -> io::Result<Anchor> {
        let mut bytes = [0; Anchor::MAX_BYTES];
        let wanted = usize::try_from(offset).unwrap_or(usize::MAX).min(Anchor::MAX_BYTES);
        let filled = self.bytes_at(&mut bytes[..wanted], offset - wanted as u64)?;
        Ok(Anchor::of(&bytes[..filled]))
    }

    /// Whether it has, at `start`, what was seen in the saved file: its beginning and what stood in front of the
    /// place.
    pub(super) fn holds(&self, place: &Position, start: u64) -> io::Result<bool> {
        let mut bytes = [0; Anchor::MAX_BYTES];
        for (anchor, end) in [(place.head, place.head.bytes as u64), (place.anchor, place.offset)] {
            // A state file may say anything.
            let Some(from) = end.checked_sub(anchor.bytes as u64) else { return Ok(false) };
            let Some(wanted) = bytes.get_mut(..anchor.bytes) else { return Ok(false) };
            let filled = self.bytes_at(wanted, start.saturating_add(from))?;
            if filled < anchor.bytes || !anchor.matches(&bytes[..filled]) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the file begins with.
    pub(super) fn head(&self) -> io::Result<Anchor> {
        let mut bytes = [0; Anchor::MAX_BYTES];
        let filled = self.bytes_at(&mut bytes, 0)?;
        Ok(Anchor::of(&bytes[..filled]))
    }

    /// How far reading may go now; the cumulative log is read only up to what is known to be missing.
    fn available(&self, buffer: usize) -> usize {
        match self.role {
            Role::Cumulative { end } => {
                usize::try_from(end - self.offset).map_or(buffer, |rest| rest.min(buffer))
            }
            _ => buffer,
        }
    }

    /// Whether reading has come to the end that is known, but for a part of a line.
    pub(super) fn is_at_end(&self) -> bool {
        self.reached_end
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
        let wanted = before + self.available(buffer.len() - before);
        let filled = read_at(&self.file, &mut buffer[..wanted], self.offset - before as u64)?;
        if filled < before || !self.anchor.matches(&buffer[..before]) {
            return Ok(Read::Changed);
        }
        let data = &buffer[before..filled];
        if data.len() < self.partial_bytes {
            return Ok(Read::Changed);
        }
        if data.len() > self.partial_bytes {
            self.grew_at = now;
        }
        self.partial_bytes = 0;
        let partial_since = self.partial_since.take();
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
                let reason = match TooMany::of(data, max_line_bytes) {
                    TooMany::Line(line) => {
                        self.advance(buffer, before, before + line);
                        return Ok(Read::Lines(before..before + line));
                    }
                    TooMany::Skip(Skip::Nul) => SavedSkip::Nul,
                    TooMany::Skip(_) => SavedSkip::TooLong,
                };
                self.skipping = Some(reason);
                Ok(self.skip(buffer, before, filled, reason))
            }
            None => {
                self.partial_bytes = data.len();
                self.partial_since = (!data.is_empty()).then(|| partial_since.unwrap_or(now));
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
        let (bytes, ends) = skipped(reason.into(), &buffer[before..filled]);
        self.advance(buffer, before, before + bytes);
        if ends {
            self.skipping = None;
        }
        Read::Skipped { reason: reason.into(), bytes: bytes as u64, ends }
    }

    fn advance(&mut self, buffer: &[u8], before: usize, end: usize) {
        self.offset += (end - before) as u64;
        self.anchor = Anchor::of(&buffer[..end]);
    }

    /// Goes behind the last whole line. One that is being written just then is read when it is whole,
    /// unless it is longer than the buffer: then it has lost its beginning.
    pub(super) fn seek_to_end(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        self.seek_to(size, buffer)
    }

    /// Starts at the line in which its first `size` bytes end, at the first line when it has been cut since it had as many.
    pub(super) fn seek_to(&mut self, size: u64, buffer: &mut [u8]) -> io::Result<()> {
        let before = usize::try_from(size).unwrap_or(usize::MAX).min(buffer.len());
        let start = size - before as u64;
        let filled = read_at(&self.file, &mut buffer[..before], start)?;
        if filled < before {
            // Cut since: all that is there now is new.
            return Ok(());
        }
        let end = memchr::memrchr(b'\n', &buffer[..before]).map(|newline| newline + 1);
        let end = end.or((start == 0).then_some(0));
        let offset = start + end.unwrap_or(before) as u64;
        self.anchor = self.anchor_of(offset)?;
        self.skipping = end.is_none().then_some(SavedSkip::Incomplete);
        self.offset = offset;
        self.goal = size;
        Ok(())
    }

    /// Takes up a saved place.
    pub(super) fn resume(&mut self, position: &Position) {
        self.offset = position.offset;
        self.anchor = position.anchor;
        self.skipping = position.skipping;
        self.written = position.written;
        self.named = (position.offset, position.anchor);
    }

    /// Starts again at the beginning, after the file was written anew in place.
    pub(super) fn restart(&mut self) {
        self.offset = 0;
        self.anchor = Anchor::default();
        self.skipping = None;
        self.partial_bytes = 0;
        self.partial_since = None;
        self.goal = 0;
        self.named = (0, Anchor::default());
    }

    /// The place to save. `copy_start` is where a copy of the file begins in the cumulative log, or will
    /// begin when the file is appended there.
    pub(super) fn position(&self, copy_start: u64, appended: Appended) -> Position {
        Position {
            id: self.id,
            role: self.role,
            offset: self.offset,
            anchor: self.anchor,
            // What cannot be read now cannot be compared later.
            head: self.head().unwrap_or_default(),
            size: self.offset + self.lag_bytes(),
            copy_start: if self.role == Role::Nameless { self.copy_start } else { copy_start },
            appended,
            skipping: self.skipping,
            written: self.written,
        }
    }

    /// The place that every copy of the file holds: where reading stood when the file was last seen to
    /// be the current one.
    pub(super) fn named_position(&self, copy_start: u64, appended: Appended) -> Position {
        let (offset, anchor) = self.named;
        let position = self.position(copy_start, appended);
        Position { offset, anchor, copy_start, skipping: None, ..position }
    }

    pub(super) fn is_caught_up(&self) -> bool {
        self.reached_end || self.offset >= self.goal
    }

    pub(super) fn quiet_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.grew_at)
    }

    pub(super) fn lag_bytes(&self) -> u64 {
        let end = match self.role {
            Role::Cumulative { end } => end,
            _ => self.size().unwrap_or(0),
        };
        end.saturating_sub(self.offset)
    }

    /// The incomplete last line: since when, and how many bytes of it are there.
    pub(super) fn partial(&self) -> (Option<Duration>, usize) {
        (self.partial_since, self.partial_bytes)
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
