//! Where reading stands in one file, in a form that survives a restart.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::file::LogFile;
use crate::record::Skip;

/// A file's place in the kernel. Not enough to know it by: inode numbers are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
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

/// A saved place in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which file.
    pub id: FileId,
    /// Behind the last byte that was handed out.
    pub offset: u64,
    /// What stands in front of the offset.
    pub anchor: Anchor,
    /// The file's size when the place was saved.
    pub size: u64,
    /// Whether the log's path named this file.
    pub current: bool,
    /// Whether the offset lies within a line that is being skipped, and why.
    pub skipping: Option<SavedSkip>,
}

/// The two reasons for which a line is skipped while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SavedSkip {
    /// [`Skip::TooLong`].
    TooLong,
    /// [`Skip::Incomplete`].
    Incomplete,
}

impl From<SavedSkip> for Skip {
    fn from(saved: SavedSkip) -> Self {
        match saved {
            SavedSkip::TooLong => Self::TooLong,
            SavedSkip::Incomplete => Self::Incomplete,
        }
    }
}

impl Position {
    /// Takes the place up in `file` when it is the saved one. The bytes in front of the offset
    /// decide; where there are none, the inode does.
    pub(super) fn resume_in(&self, file: Option<&mut LogFile>, buffer: &mut [u8]) -> bool {
        let Some(file) = file else { return false };
        let unread = self.anchor.bytes == 0;
        if unread && file.id() != self.id {
            return false;
        }
        file.resume(self, buffer).unwrap_or(false)
    }
}
