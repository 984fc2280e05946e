//! Opening and listing in the queue tree, so that nothing leads out of it.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};
use rustix::io::Errno;

/// Directories accepted in one directory. Subdirectories of a channel have names of three digits.
pub(super) const MAX_DIRECTORIES: usize = 10_000;

/// Bytes of directory entries asked for at once; more is not faster.
pub(super) const NAMES_BUFFER: usize = 32 * 1024;

/// Opens the root. It may be reached through symbolic links (`data` is one in a usual installation).
pub(super) fn open_root(path: &Path) -> Result<OwnedFd, Errno> {
    openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens a directory, never through a symbolic link; none where it has vanished or is no directory
/// any more.
pub(super) fn open_below(parent: &OwnedFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The directories directly below the root; other things there are none of ours (temporary files
/// of the MTA, names beginning with `$`), nor is what a file system that was made for the queue keeps
/// for itself.
pub(super) fn list_root(root: &OwnedFd) -> io::Result<BTreeSet<CString>> {
    let mut buffer = Vec::with_capacity(NAMES_BUFFER);
    let mut names = BTreeSet::new();
    let mut entries = RawDir::new(root, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if kind(root, entry.file_name(), entry.file_type())? == Some(FileType::Directory) {
            collect(&mut names, entry.file_name(), c"lost+found")?;
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
        return Err(too_many(MAX_DIRECTORIES));
    }
    names.insert(name.to_owned());
    Ok(())
}

/// The error of a bound on directories that was reached.
pub(super) fn too_many(most: usize) -> io::Error {
    io::Error::new(io::ErrorKind::QuotaExceeded, format!("more than {most} directories"))
}
