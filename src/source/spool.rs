//! The queue tree, `queue/<channel>[/<subdirectory>]/<file>`: how many messages each channel holds.
//!
//! One file is one message; a channel with the `subdirs` keyword spreads them over numbered
//! subdirectories (Administration Guide, chapter "Troubleshooting the MTA", "Check the Message
//! Queue Directories"; PMDF System Manager's Guide, "Message file names").
//! Queue files are never opened: count, attempts and held state come from the name, size and age
//! from one `fstatat` a file. That call costs four times the listing of a name, and twenty times
//! where the inodes are not cached, so what it said is remembered from scan to scan.

mod directory;
pub mod held_files;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustc_hash::FxBuildHasher;
use rustix::fs::{FileType, RawDir};

use self::directory::{Directory, FileTable, NAMES_BUFFER, collect, kind, list_root, open_below, open_root};
use crate::record::label;

/// Label values of the bands of delivery attempts, in the order of [`ChannelQueue::attempts`].
pub const ATTEMPT_BANDS: [&str; 5] = ["0", "1", "2", "3-9", "10+"];

/// The label of the channels beyond the first [`MAX_CHANNELS`].
pub const OTHER_CHANNELS: &str = "other";

/// Channels that get a label of their own, the first ones in the order of their names.
pub const MAX_CHANNELS: usize = 256;

/// Files whose size and age are remembered, at most; more are asked for again at each scan. At 25
/// bytes a place, and with the old and the new table of a directory side by side, this is 100 MiB at
/// the very worst.
const MAX_REMEMBERED: usize = 1_500_000;

/// A subdirectory that holds temporary files of the channel program, not messages (PMDF System
/// Manager's Guide, channels MAILSERV and PRINTER).
const TEMPORARY_DIRECTORY: &CStr = c"spool";

/// The index in [`ATTEMPT_BANDS`] of a number of delivery attempts.
#[must_use]
pub fn attempt_band(attempts: u16) -> usize {
    match attempts {
        0..=2 => usize::from(attempts),
        3..=9 => 3,
        _ => 4,
    }
}

/// What the queue tree held during one scan.
#[derive(Debug, Default)]
pub struct QueueSnapshot {
    /// The channels that could be read as a whole, by label. A channel that has an entry in
    /// `failures` has none here.
    pub channels: BTreeMap<String, ChannelQueue>,
    /// Directories that could not be read.
    pub failures: Vec<DirectoryFailure>,
    /// Entries other than directories that were listed in channel directories, whatever they are.
    pub files: u64,
    /// Channel directories and subdirectories read.
    pub directories: u64,
}

/// What one channel holds. Held messages are counted in `held` alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelQueue {
    /// Messages waiting for delivery.
    pub messages: u64,
    /// Size of their files in bytes.
    pub bytes: u64,
    /// `messages` by delivery attempts made, in the bands of [`ATTEMPT_BANDS`].
    pub attempts: [u64; ATTEMPT_BANDS.len()],
    /// Messages not eligible for delivery, `.HELD`.
    pub held: u64,
    /// Modification time of the oldest message in Unix seconds. A retry renames the file and keeps
    /// this time; none where there is no message.
    pub oldest: Option<f64>,
    /// Messages that nobody has tried to deliver for longer than the configured time.
    pub stuck: u64,
    /// What is not a queued message: copies left by operators, temporary files, links, devices.
    pub other_files: u64,
}

/// A directory of the queue tree that could not be read, and why.
#[derive(Debug)]
pub struct DirectoryFailure {
    /// The directory, below the root as configured.
    pub directory: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

/// Why there is no snapshot: the root of the queue tree itself.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Missing, not a directory, or not permitted.
    #[error("cannot open the queue directory {path}")]
    Open {
        /// The root of the queue tree.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Opened, but its names could not be read.
    #[error("cannot list the queue directory {path}")]
    List {
        /// The root of the queue tree.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Scans one queue tree again and again, and remembers size and age of the files it has seen.
#[derive(Debug)]
pub struct Scanner {
    root: PathBuf,
    stuck_after: Duration,
    seed: u64,
    known: BTreeMap<PathBuf, FileTable>,
}

impl Scanner {
    /// A scanner of the queue tree below `root`. A message never tried is stuck when it is older
    /// than `stuck_after`; `seed` keys the hashes of file names, which come from outside.
    #[must_use]
    pub fn new(root: PathBuf, stuck_after: Duration, seed: u64) -> Self {
        Self { root, stuck_after, seed, known: BTreeMap::new() }
    }

    /// Reads the whole tree.
    ///
    /// # Errors
    ///
    /// If the root cannot be read. A channel that cannot be read is an entry in
    /// [`QueueSnapshot::failures`].
    pub fn scan(&mut self, now: SystemTime) -> Result<QueueSnapshot, SpoolError> {
        let root = open_root(&self.root)
            .map_err(|error| SpoolError::Open { path: self.root.clone(), source: error.into() })?;
        let directories =
            list_root(&root).map_err(|source| SpoolError::List { path: self.root.clone(), source })?;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let mut scan = Scan {
            root_path: &self.root,
            seed: self.seed,
            now,
            stuck_before: now - self.stuck_after.as_secs_f64(),
            previous: std::mem::take(&mut self.known),
            remembered: BTreeMap::new(),
            remembered_files: 0,
            snapshot: QueueSnapshot::default(),
        };
        let mut buffer = Vec::with_capacity(NAMES_BUFFER);
        for (label, names) in by_label(directories) {
            scan.channel(&root, label, &names, &mut buffer);
        }
        self.known = scan.remembered;
        Ok(scan.snapshot)
    }
}

/// One pass over the tree.
struct Scan<'a> {
    root_path: &'a Path,
    seed: u64,
    now: f64,
    stuck_before: f64,
    /// Tables of the scan before, by the path of the directory below the root.
    previous: BTreeMap<PathBuf, FileTable>,
    /// Tables for the next scan: only names seen in this one, so that no table outgrows the tree.
    remembered: BTreeMap<PathBuf, FileTable>,
    remembered_files: usize,
    snapshot: QueueSnapshot,
}

impl Scan<'_> {
    /// Reads the directories that share a label. Only a sum of all of them is published: half a
    /// channel would look like a queue that empties.
    fn channel(&mut self, root: &OwnedFd, label: String, names: &[CString], buffer: &mut Vec<u8>) {
        let mut queue = ChannelQueue::default();
        let failures_before = self.snapshot.failures.len();
        let mut exists = false;
        for name in names {
            let path = PathBuf::from(OsStr::from_bytes(name.to_bytes()));
            let read = self.channel_directory(root, name, &path, &mut queue, buffer);
            exists |= self.note_failure(&path, read);
        }
        if exists && self.snapshot.failures.len() == failures_before {
            self.snapshot.channels.insert(label, queue);
        }
    }

    /// Reads one channel directory and its subdirectories; `false` where it has vanished.
    fn channel_directory(
        &mut self,
        root: &OwnedFd,
        name: &CStr,
        path: &Path,
        queue: &mut ChannelQueue,
        buffer: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let Some(directory) = open_below(root, name)? else { return Ok(false) };
        let mut subdirectories = BTreeSet::new();
        self.files(&directory, path, queue, Some(&mut subdirectories), buffer)?;
        for subdirectory in subdirectories {
            let path = path.join(OsStr::from_bytes(subdirectory.to_bytes()));
            let read = match open_below(&directory, &subdirectory) {
                Ok(Some(opened)) => self.files(&opened, &path, queue, None, buffer).map(|()| true),
                Ok(None) => Ok(false),
                Err(error) => Err(error),
            };
            self.note_failure(&path, read);
        }
        Ok(true)
    }

    /// Counts the files of one directory and collects the names of the directories in it.
    fn files(
        &mut self,
        directory: &OwnedFd,
        path: &Path,
        queue: &mut ChannelQueue,
        mut subdirectories: Option<&mut BTreeSet<CString>>,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        let before = self.previous.remove(path).unwrap_or_default();
        let after = FileTable::with_capacity_and_hasher(before.len(), FxBuildHasher);
        let room = MAX_REMEMBERED.saturating_sub(self.remembered_files);
        let (seed, now, stuck_before) = (self.seed, self.now, self.stuck_before);
        let mut reader = Directory { opened: directory, before, after, room, seed, now, stuck_before };
        self.snapshot.directories += 1;
        let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let (name, inode) = (entry.file_name(), entry.ino());
            match kind(directory, name, entry.file_type())? {
                None => {}
                Some(FileType::Directory) => {
                    if let Some(names) = subdirectories.as_deref_mut() {
                        collect(names, name, TEMPORARY_DIRECTORY)?;
                    }
                }
                Some(kind) => {
                    self.snapshot.files += 1;
                    reader.count(name, inode, kind, queue)?;
                }
            }
        }
        self.remembered_files += reader.after.len();
        self.remembered.insert(path.to_owned(), reader.after);
        Ok(())
    }

    /// Turns an error into an entry in the list of failures; tells whether the directory was read.
    fn note_failure(&mut self, path: &Path, read: io::Result<bool>) -> bool {
        read.unwrap_or_else(|error| {
            let directory = self.root_path.join(path);
            self.snapshot.failures.push(DirectoryFailure { directory, error });
            false
        })
    }
}

/// Channel directories by label. Names that differ in case alone share one, and so do the channels
/// beyond the cap.
fn by_label(names: BTreeSet<CString>) -> BTreeMap<String, Vec<CString>> {
    let mut channels: BTreeMap<String, Vec<CString>> = BTreeMap::new();
    for name in names {
        channels.entry(label::channel(name.to_bytes())).or_default().push(name);
    }
    let mut beyond = Vec::new();
    while channels.len() > MAX_CHANNELS {
        beyond.extend(channels.pop_last().into_iter().flat_map(|(_, names)| names));
    }
    if !beyond.is_empty() {
        channels.entry(OTHER_CHANNELS.to_owned()).or_default().extend(beyond);
    }
    channels
}
