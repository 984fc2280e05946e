//! Space of the file systems that the MTA writes to, sizes of its log files, and whether its
//! directories belong to its user (Administration Guide, chapter "Troubleshooting the MTA", "Check the
//! Ownership of Critical Files"; `statvfs(3)`, `stat(2)`).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat, StatVfs, stat, statvfs};

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// The queue directory.
    pub queue: PathBuf,
    /// The log directory.
    pub log: PathBuf,
    /// The directory of temporary files.
    pub tmp: PathBuf,
    /// Log files whose size is of interest.
    pub log_files: Vec<PathBuf>,
    /// The user that queue and log directory are to belong to, by number.
    pub owner: Option<u32>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct FilesystemSnapshot {
    /// Space by directory: `queue`, `log`, `tmp`.
    pub filesystems: BTreeMap<&'static str, Result<Space, FilesystemError>>,
    /// Bytes by base name; files of the same name are summed. What does not exist, and what is not a
    /// regular file, is absent.
    pub log_file_sizes: BTreeMap<String, u64>,
    /// Whether `queue` and `log` belong to that user; absent without one, and where the
    /// directory cannot be looked at.
    pub ownership: BTreeMap<&'static str, bool>,
    /// Log files and directories that exist and could not be looked at.
    pub failures: Vec<FilesystemError>,
}

/// Space of one file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that a user other than root may still write.
    pub avail_bytes: u64,
    /// Bytes in all.
    pub size_bytes: u64,
    /// Files that may still be made; none where the file system has no such limit (Btrfs).
    pub files_free: Option<u64>,
}

/// A path that could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at {path}")]
pub struct FilesystemError {
    /// The path.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// The names of the directories whose file systems are looked at.
pub const PATHS: [&str; 3] = ["queue", "log", "tmp"];

/// Looks at all targets. Each has its own result; one that fails leaves the others alone.
#[must_use]
pub fn read(targets: &Targets) -> FilesystemSnapshot {
    let mut snapshot = FilesystemSnapshot::default();
    for (name, path) in PATHS.into_iter().zip([&targets.queue, &targets.log, &targets.tmp]) {
        let found = statvfs(path).map(|found| space(&found)).map_err(|errno| failure(path, errno));
        snapshot.filesystems.insert(name, found);
    }
    for path in &targets.log_files {
        let size = snapshot.look_at(path).as_ref().and_then(regular_size);
        if let (Some(size), Some(name)) = (size, path.file_name()) {
            let sum = snapshot.log_file_sizes.entry(name.to_string_lossy().into_owned()).or_default();
            *sum = sum.saturating_add(size);
        }
    }
    if let Some(owner) = targets.owner {
        for (name, path) in [("queue", &targets.queue), ("log", &targets.log)] {
            if let Some(found) = snapshot.look_at(path) {
                snapshot.ownership.insert(name, found.st_uid == owner);
            }
        }
    }
    snapshot
}

impl FilesystemSnapshot {
    /// What is at a path; what is not there is no failure.
    fn look_at(&mut self, path: &Path) -> Option<Stat> {
        match stat(path) {
            Ok(found) => Some(found),
            Err(rustix::io::Errno::NOENT) => None,
            Err(errno) => {
                self.failures.push(failure(path, errno));
                None
            }
        }
    }
}

fn failure(path: &Path, errno: rustix::io::Errno) -> FilesystemError {
    FilesystemError { path: path.to_owned(), source: errno.into() }
}

fn regular_size(found: &Stat) -> Option<u64> {
    let regular = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    regular.then(|| u64::try_from(found.st_size).unwrap_or(0))
}

fn space(found: &StatVfs) -> Space {
    Space {
        avail_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        size_bytes: found.f_blocks.saturating_mul(found.f_frsize),
        files_free: (found.f_files > 0).then_some(found.f_ffree),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::Path;

    use rustix::fs::{CWD, Mode, StatVfsMountFlags, mknodat};
    use tempfile::TempDir;

    use super::{FileType, Space, StatVfs, Targets, read, space};

    fn targets(root: &Path) -> Targets {
        for name in ["queue", "log", "tmp"] {
            fs::create_dir(root.join(name)).expect("directory");
        }
        Targets {
            queue: root.join("queue"),
            log: root.join("log"),
            tmp: root.join("tmp"),
            ..Targets::default()
        }
    }

    #[test]
    fn space_of_real_directories() {
        let root = TempDir::new().expect("directory");
        let snapshot = read(&targets(root.path()));
        assert_eq!(snapshot.filesystems.keys().collect::<Vec<_>>(), [&"log", &"queue", &"tmp"]);
        for found in snapshot.filesystems.values() {
            let space = found.as_ref().expect("space");
            assert!(space.size_bytes > 0 && space.avail_bytes <= space.size_bytes, "{space:?}");
        }
        assert!(snapshot.ownership.is_empty() && snapshot.failures.is_empty());
    }

    #[test]
    fn units_and_file_systems_without_a_limit_of_files() {
        for (files, free, expected) in [(100, 40, Some(40)), (100, 0, Some(0)), (0, 0, None)] {
            let found = StatVfs {
                f_bsize: 65_536,
                f_frsize: 512,
                f_blocks: 1000,
                f_bfree: 400,
                f_bavail: 300,
                f_files: files,
                f_ffree: free,
                f_favail: free,
                f_fsid: 0,
                f_flag: StatVfsMountFlags::empty(),
                f_namemax: 255,
            };
            let expected = Space { avail_bytes: 153_600, size_bytes: 512_000, files_free: expected };
            assert_eq!(space(&found), expected);
        }
    }

    #[test]
    fn what_is_missing_is_an_error_of_its_own() {
        let root = TempDir::new().expect("directory");
        let mut targets = targets(root.path());
        targets.tmp = root.path().join("missing");
        targets.owner = Some(0);
        let snapshot = read(&targets);
        let error = snapshot.filesystems["tmp"].as_ref().expect_err("an error");
        assert!(error.to_string().ends_with("/missing"), "{error}");
        assert!(snapshot.filesystems["queue"].is_ok());
        assert_eq!(snapshot.ownership.len(), 2);
    }

    #[test]
    fn log_file_sizes() {
        let root = TempDir::new().expect("directory");
        let mut targets = targets(root.path());
        let log = targets.log.clone();
        fs::write(log.join("mail.log_current"), [b'x'; 1234]).expect("file");
        fs::write(root.path().join("mail.log_current"), [b'x'; 6]).expect("file");
        symlink("mail.log_current", log.join("linked")).expect("link");
        symlink("circle", log.join("circle")).expect("link");
        mknodat(CWD, log.join("pipe"), FileType::Fifo, Mode::RUSR, 0).expect("pipe");
        targets.log_files = ["mail.log_current", "missing", "linked", "circle", "pipe", "."]
            .map(|name| log.join(name))
            .into();
        targets.log_files.push(root.path().join("mail.log_current"));
        let snapshot = read(&targets);
        let sizes: Vec<_> = snapshot.log_file_sizes.into_iter().collect();
        assert_eq!(sizes, [("linked".to_owned(), 1234), ("mail.log_current".to_owned(), 1240)]);
        let failures: Vec<_> = snapshot.failures.iter().map(|failure| failure.path.clone()).collect();
        assert_eq!(failures, [log.join("circle")]);
    }

    #[test]
    fn ownership_where_a_user_is_configured() {
        let root = TempDir::new().expect("directory");
        let mut targets = targets(root.path());
        let owner = fs::metadata(root.path()).expect("metadata").uid();
        for (user, expected) in [(owner, true), (owner + 1, false)] {
            targets.owner = Some(user);
            let found: Vec<_> = read(&targets).ownership.into_iter().collect();
            assert_eq!(found, [("log", expected), ("queue", expected)]);
        }
        fs::remove_dir(&targets.queue).expect("directory");
        assert_eq!(read(&targets).ownership.into_keys().collect::<Vec<_>>(), ["log"]);
    }
}
