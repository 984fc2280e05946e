//! One directory of the queue tree: names, kinds, and what is remembered about its files.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustc_hash::FxHashMap;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};
use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{ChannelQueue, attempt_band};
use crate::record::queue_file;

/// Directories accepted in one directory. Subdirectories of a channel have names of three digits.
pub(super) const MAX_DIRECTORIES: usize = 10_000;

/// Age in seconds from which a file is taken to be written completely.
const SETTLED_AFTER: f64 = 60.0;

/// Bytes of directory entries asked for at once; more is not faster.
pub(super) const NAMES_BUFFER: usize = 32 * 1024;

/// Size and age of the settled files of one directory, by the hash of name and inode.
pub(super) type FileTable = FxHashMap<u64, FileStatus>;

/// What `fstatat` said about a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileStatus {
    /// Bytes.
    pub(super) size: u64,
    /// Modification time in Unix seconds.
    pub(super) modified: f64,
}

/// One directory while its files are counted.
pub(super) struct Directory<'a> {
    /// The directory itself.
    pub(super) opened: &'a OwnedFd,
    /// What the scan before remembered.
    pub(super) before: FileTable,
    /// What the next scan will know: only files seen in this one.
    pub(super) after: FileTable,
    /// How many files `after` may hold.
    pub(super) room: usize,
    /// Key of the hashes.
    pub(super) seed: u64,
    /// The time of the scan, Unix seconds.
    pub(super) now: f64,
    /// An untried message modified before this time is stuck, Unix seconds.
    pub(super) stuck_before: f64,
}

impl Directory<'_> {
    /// Counts one entry that is not a directory.
    pub(super) fn count(
        &mut self,
        name: &CStr,
        inode: u64,
        kind: FileType,
        queue: &mut ChannelQueue,
    ) -> io::Result<()> {
        let message = match kind {
            FileType::RegularFile => queue_file::parse(name.to_bytes()),
            _ => None,
        };
        let Some(message) = message else {
            queue.other_files += 1;
            return Ok(());
        };
        if message.held {
            queue.held += 1;
            return Ok(());
        }
        let Some(file) = self.status(name, inode)? else { return Ok(()) };
        queue.messages += 1;
        queue.bytes = queue.bytes.saturating_add(file.size);
        queue.attempts[attempt_band(message.attempts)] += 1;
        queue.oldest = Some(queue.oldest.map_or(file.modified, |oldest| oldest.min(file.modified)));
        if message.attempts == 0 && file.modified < self.stuck_before {
            queue.stuck += 1;
        }
        Ok(())
    }

    /// Size and age of a file, remembered or asked for; none where it has vanished since it was
    /// listed, which is normal in a busy queue.
    fn status(&mut self, name: &CStr, inode: u64) -> io::Result<Option<FileStatus>> {
        // The inode makes a file that was replaced under the same name a new one.
        let key = xxh3_64_with_seed(name.to_bytes(), self.seed ^ inode);
        if let Some(known) = self.before.get(&key) {
            let known = *known;
            self.remember(key, known);
            return Ok(Some(known));
        }
        let found = match statat(self.opened, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile => found,
            Ok(_) | Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let seconds = u64::try_from(found.st_mtime).unwrap_or(0);
        let nanoseconds = u32::try_from(found.st_mtime_nsec).unwrap_or(0).min(999_999_999);
        let status = FileStatus {
            size: u64::try_from(found.st_size).unwrap_or(0),
            modified: Duration::new(seconds, nanoseconds).as_secs_f64(),
        };
        // A young file may still be written, so its size is asked for again the next time.
        if self.now - status.modified >= SETTLED_AFTER {
            self.remember(key, status);
        }
        Ok(Some(status))
    }

    fn remember(&mut self, key: u64, status: FileStatus) {
        if self.after.len() < self.room {
            self.after.insert(key, status);
        }
    }
}

/// Opens the root. It may be reached through symbolic links (`data` is one in a usual installation).
pub(super) fn open_root(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Opens a directory below another, never through a symbolic link; none where it has vanished or
/// was replaced by something else since it was listed.
pub(super) fn open_below(parent: &OwnedFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The directories directly below the root; other things there are none of ours (temporary files
/// of the MTA, names beginning with `$`).
pub(super) fn list_root(root: &OwnedFd) -> io::Result<BTreeSet<CString>> {
    let mut buffer = Vec::with_capacity(NAMES_BUFFER);
    let mut names = BTreeSet::new();
    let mut entries = RawDir::new(root, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if kind(root, entry.file_name(), entry.file_type())? == Some(FileType::Directory) {
            collect(&mut names, entry.file_name(), c"")?;
        }
    }
    Ok(names)
}

/// What an entry is, asked for where the file system does not say it in the directory (XFS without
/// `ftype`, some network file systems); none where the entry has vanished.
pub(super) fn kind(directory: &OwnedFd, name: &CStr, listed: FileType) -> io::Result<Option<FileType>> {
    if listed != FileType::Unknown {
        return Ok(Some(listed));
    }
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Adds the name of a directory, except `.`, `..` and `excluded`.
pub(super) fn collect(names: &mut BTreeSet<CString>, name: &CStr, excluded: &CStr) -> io::Result<()> {
    if name == c"." || name == c".." || name == excluded {
        return Ok(());
    }
    if names.len() >= MAX_DIRECTORIES {
        return Err(io::Error::other(format!("more than {MAX_DIRECTORIES} directories")));
    }
    names.insert(name.to_owned());
    Ok(())
}
