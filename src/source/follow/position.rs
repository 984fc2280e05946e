//! Where reading stands in one file, in a form that survives a restart.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::record::Skip;

/// A file's place in the kernel. Not enough to know it by: inode numbers are used again, and not every
/// file system knows when a file was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// When the file was made, nanoseconds since 1970; 0 where the file system does not say.
    pub born: u128,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let born = metadata.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        let born = born.map_or(0, |since| since.as_nanos());
        Self { device: metadata.dev(), inode: metadata.ino(), born }
    }

    /// The file that a path names now, through symbolic links; `None` when there is none.
    pub(super) fn of_path(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The bytes just in front of an offset, by their hash. XML logs all start alike and inodes are
/// re-used, so this is what tells one log from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Anchor {
    /// How many bytes, at most [`Anchor::MAX_BYTES`]; fewer only near the start of a file.
    pub bytes: usize,
    /// Their XXH3 hash.
    pub hash: u64,
}

impl Anchor {
    pub(super) const MAX_BYTES: usize = 256;

    /// The anchor of an offset, from bytes that end there.
    pub(super) fn of(before: &[u8]) -> Self {
        let tail = &before[before.len().saturating_sub(Self::MAX_BYTES)..];
        Self { bytes: tail.len(), hash: xxh3_64(tail) }
    }

    pub(super) fn matches(self, before: &[u8]) -> bool {
        before.len() == self.bytes && (before.is_empty() || xxh3_64(before) == self.hash)
    }
}

/// What a file is to its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The log's path names it.
    Current,
    /// The same, and it is read ahead of a file before it that cannot be read: its place among the others is not
    /// known yet.
    Ahead,
    /// It has the name that the return job gives a log: `mail.log_yesterday`.
    Renamed,
    /// It has lost both names; writers may still have it open.
    Nameless,
    /// The cumulative log, read from the offset to this end because its part was rotated away unread.
    Cumulative {
        /// Behind the last byte to read.
        end: u64,
    },
}

/// How far the cumulative log went when the log was last rotated: what is renamed then will be appended
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Appended {
    /// Bytes that were there.
    pub bytes: u64,
    /// What stood at their end: tells whether it still is the same log.
    pub anchor: Anchor,
}

impl Appended {
    /// So many bytes, as far as is known while it cannot be read.
    pub(super) fn unseen(bytes: u64) -> Self {
        Self { bytes, anchor: Anchor::default() }
    }
}

/// A saved place in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which file.
    pub id: FileId,
    /// What it was to its log.
    pub role: Role,
    /// Behind the last byte that was handed out.
    pub offset: u64,
    /// What stands in front of the offset.
    pub anchor: Anchor,
    /// What the file begins with.
    pub head: Anchor,
    /// The file's size when the place was saved.
    pub size: u64,
    /// Where the file's copy begins in the cumulative log, or would begin when nothing more is written
    /// to the files before it.
    pub copy_start: u64,
    /// How far the cumulative log went.
    pub appended: Appended,
    /// Whether the offset lies within a line that is being skipped, and why.
    pub skipping: Option<SavedSkip>,
    /// When the file had last been written, as far as was seen while it was the log, or in the last place of a log that
    /// is not there since when it may have had others: no file that was made before and has no place is to be read.
    /// Nanoseconds since 1970, 0 in a state of a release that did not look.
    #[serde(default)]
    pub written: u128,
}

/// When a file was last written: nanoseconds since 1970.
pub(super) fn written_at(file: &Metadata) -> u128 {
    of_parts(file.mtime(), file.mtime_nsec())
}

/// When a file was last changed in any way, such as renamed: nanoseconds since 1970.
pub(super) fn changed_at(file: &Metadata) -> u128 {
    of_parts(file.ctime(), file.ctime_nsec())
}

fn of_parts(seconds: i64, nanoseconds: i64) -> u128 {
    let (seconds, nanoseconds) = (u128::try_from(seconds), u128::try_from(nanoseconds));
    seconds.unwrap_or(0) * 1_000_000_000 + nanoseconds.unwrap_or(0)
}

/// The reasons for which a line is skipped while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SavedSkip {
    /// [`Skip::TooLong`].
    TooLong,
    /// [`Skip::Incomplete`].
    Incomplete,
    /// [`Skip::Nul`].
    Nul,
}

impl From<SavedSkip> for Skip {
    fn from(saved: SavedSkip) -> Self {
        match saved {
            SavedSkip::TooLong => Self::TooLong,
            SavedSkip::Incomplete => Self::Incomplete,
            SavedSkip::Nul => Self::Nul,
        }
    }
}

impl Position {
    /// The place of a log of which there is nothing yet, `written` the last change of its directory: all that will
    /// be made there or appended to the cumulative log is new.
    pub(super) fn nothing(appended: Appended, written: u128) -> Self {
        Self {
            id: FileId { device: 0, inode: 0, born: 0 },
            role: Role::Renamed,
            offset: 0,
            anchor: Anchor::default(),
            head: Anchor::default(),
            size: 0,
            copy_start: appended.bytes,
            appended,
            skipping: None,
            written,
        }
    }

    /// Whether it is [`Position::nothing`].
    pub(super) fn is_nothing(&self) -> bool {
        self.id.inode == 0
    }

    /// Whether its file has been the log, and its place among the others is known.
    pub(super) fn was_log(&self) -> bool {
        matches!(self.role, Role::Current | Role::Renamed | Role::Nameless)
    }

    /// Whether enough was seen of the file to know it by its contents alone.
    pub(super) fn is_telling(&self) -> bool {
        self.head.bytes.max(self.anchor.bytes) == Anchor::MAX_BYTES
    }

    /// Bytes that were there and had not been read.
    pub(super) fn unread(&self) -> u64 {
        self.size.saturating_sub(self.offset)
    }
}
