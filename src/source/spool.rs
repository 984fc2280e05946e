//! The queue tree, `queue/<channel>[/<subdirectory>]/<file>`: how many messages each channel holds.
//!
//! One file is one message; a channel with the `subdirs` keyword spreads them over numbered
//! subdirectories (Administration Guide, chapter "Troubleshooting the MTA", "Check the Message
//! Queue Directories"; PMDF System Manager's Guide, "Message file names").
//! Queue files are never opened: count, attempts and held state come from the name, size and age
//! from one `fstatat` a file. That call costs four times the listing of a name, and twenty times
//! where the inodes are not cached, so what it said is remembered (`known_files`). A directory that
//! has not changed is not listed again (`freshness`), and the ages of its messages are counted anew
//! from their sorted times (`summary`).
//!
//! A scan takes a budget of time. One that runs out of it is partial: the channels that it did not
//! finish keep the values of when they were last read as a whole, and the next scan goes on where
//! this one stopped (`pass`, `channel`). The first scan of a large queue counts all names, with a limit of
//! its own, before it asks for most sizes; what it has no time for is asked for by the next ones.

mod channel;
mod directory;
mod freshness;
pub mod held_files;
mod known_files;
mod labels;
mod pass;
mod snapshot;
mod summary;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::fstat;

use self::channel::Channel;
use self::directory::{Directory, Stop};
use self::freshness::Stamp;
use self::held_files::{HeldFile, HeldKey, HeldReason};
use self::pass::{Budget, Pass, whole_seconds};
pub use self::snapshot::{
    ChannelQueue, DirectoryFailure, ErrorCounts, ErrorKind, QueueSnapshot, ScanCounts, SpoolError,
};
use self::tree::{list_root, open_root};
use crate::config::Queue;
use crate::source::seed::new_seed;

/// Label values of the bands of delivery attempts, in the order of [`ChannelQueue::attempts`].
pub const ATTEMPT_BANDS: [&str; 5] = ["0", "1", "2", "3-9", "10+"];

/// Label values of the bands of age and the age in seconds from which on each holds, in the order of
/// [`ChannelQueue::ages`]. The days are those of the keyword `notices`, whose usual values are 1, 2, 4
/// and 7 (MTA Concepts, "Delivery Status Notification Messages").
pub const AGE_BANDS: [(&str, u32); 8] = [
    ("<5m", 0),
    ("5m-1h", 5 * 60),
    ("1h-4h", 3600),
    ("4h-1d", 4 * 3600),
    ("1d-2d", DAY),
    ("2d-4d", 2 * DAY),
    ("4d-7d", 4 * DAY),
    (">=7d", 7 * DAY),
];

const DAY: u32 = 24 * 3600;

/// The label of the channels beyond [`MAX_CHANNELS`].
pub const OTHER_CHANNELS: &str = "other";

/// Channels that get a label of their own.
pub const MAX_CHANNELS: usize = 256;

/// Files that are remembered, at most: 24 bytes a file and 4 for its time in the sorted list, 42 MB; at
/// most twice that while a directory is read that holds them all.
pub const MAX_REMEMBERED: usize = 1_500_000;

/// Subdirectories of all channels, at most.
const MAX_SUBDIRECTORIES: usize = 50_000;

/// The index in [`ATTEMPT_BANDS`] of a number of delivery attempts.
#[must_use]
pub fn attempt_band(attempts: u16) -> usize {
    match attempts {
        0..=2 => usize::from(attempts),
        3..=9 => 3,
        _ => 4,
    }
}

/// What to scan, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root of the queue tree.
    pub root: PathBuf,
    /// A message never tried is stuck when it is older.
    pub stuck_after: Duration,
    /// The same for single channels, by label: some deliver at certain hours only.
    pub stuck_after_by_channel: BTreeMap<String, Duration>,
    /// How long a scan may take.
    pub budget: Duration,
    /// How long the first scan may take until the names of all files are counted; its budget begins then.
    pub first_pass: Duration,
    /// Files that are remembered, at most.
    pub most_remembered: usize,
    /// Keys the hashes of file names, which come from outside.
    pub seed: u64,
}

impl Settings {
    /// As configured, below `root`.
    #[must_use]
    pub fn new(config: &Queue, root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            stuck_after: config.stuck_after,
            stuck_after_by_channel: config.stuck_after_by_channel.clone(),
            budget: config.budget,
            first_pass: config.first_pass,
            most_remembered: MAX_REMEMBERED,
            seed: new_seed(),
        }
    }
}

/// Scans one queue tree again and again, and remembers what it has seen.
#[derive(Debug)]
pub struct Scanner {
    settings: Settings,
    /// By the name of the directory.
    channels: BTreeMap<CString, Channel>,
    labels: BTreeMap<CString, Arc<str>>,
    /// Where a scan that ran out of time stopped: the channel, and the directory in it.
    stopped_at: Option<(CString, Option<CString>)>,
    /// How many scans in a row have stopped there.
    stalled: u32,
    /// The root when it last held channels.
    root: Option<Stamp>,
    /// Who owned it then.
    owner: Option<u32>,
    picture: Picture,
    /// How many channel directories the root holds.
    directories: Option<u64>,
    scan: Option<ScanCounts>,
    errors: ErrorCounts,
    held_found: Vec<HeldFile>,
}

/// How far the first picture after a start is. In a queue of a million files the names take half a second, and
/// sizes and times many scans: the names come first, so that sums over channels are right at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Picture {
    /// Nothing is known.
    Blank,
    /// The names are counted; sizes and times come with each scan.
    Names,
    /// All is known.
    Whole,
}

impl Scanner {
    /// A scanner that has seen nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            channels: BTreeMap::new(),
            labels: BTreeMap::new(),
            stopped_at: None,
            stalled: 0,
            picture: Picture::Blank,
            root: None,
            owner: None,
            directories: None,
            scan: None,
            errors: ErrorCounts::default(),
            held_found: Vec::new(),
        }
    }

    /// Goes on with what it has seen of the same tree, in another way.
    pub fn go_on_with(&mut self, settings: Settings) {
        // The files that are remembered are known by hashes with the old key.
        let (root, seed) = (self.settings.root.clone(), self.settings.seed);
        self.settings = Settings { root, seed, ..settings };
    }

    /// Reads what has changed in the tree, for as long as the budget lasts. `clock` never goes back;
    /// it is asked at least once for each directory and every few files, so that it is a sign of life
    /// too. `in_log` are the labels of the channels that the log has shown.
    ///
    /// # Errors
    ///
    /// If the root cannot be read, or holds no channel. A channel that cannot be read is in [`QueueSnapshot::failures`].
    pub fn scan(
        &mut self,
        now: SystemTime,
        clock: &dyn Fn() -> Duration,
        in_log: &BTreeSet<String>,
    ) -> Result<(), SpoolError> {
        (self.scan, self.directories) = (None, None);
        self.held_found.clear();
        let root =
            self.open(in_log).inspect_err(|error| self.errors[ErrorKind::from(error) as usize] += 1)?;
        // A directory that takes longer than the budget would never be finished: it gets more each time.
        let whole = self.settings.budget.saturating_mul(1 << self.stalled.min(16));
        if self.picture == Picture::Blank {
            self.picture = Picture::Names;
            let budget = Budget { whole: self.settings.first_pass, asking: Some(whole / 8) };
            self.pass(&root, now, clock, budget);
            // What is whole now is shown, should the next pass not come to its end.
            self.channels.values_mut().for_each(Channel::keep_values);
        }
        if self.picture == Picture::Whole {
            self.pass(&root, now, clock, Budget { whole, asking: None });
        } else if !self.all_asked() {
            self.pass(&root, now, clock, Budget { whole, asking: Some(whole / 4 * 3) });
        }
        if self.all_asked() {
            self.picture = Picture::Whole;
        }
        Ok(())
    }

    /// Whether the last scan came to its end and the size and time of each message is known.
    fn all_asked(&self) -> bool {
        self.stopped_at.is_none() && self.channels.values().all(Channel::is_asked)
    }

    /// Reads what has changed, for as long as the budget lasts.
    fn pass(&mut self, root: &OwnedFd, now: SystemTime, clock: &dyn Fn() -> Duration, budget: Budget) {
        let mut pass = Pass::new(since_epoch(now), clock, budget, self.settings.seed);
        let remembered = self.channels.values().map(Channel::remembered).sum();
        pass.room = self.settings.most_remembered.saturating_sub(remembered);
        let subdirectories = self.channels.values().map(Channel::subdirectories).sum();
        pass.directories_left = MAX_SUBDIRECTORIES.saturating_sub(subdirectories);
        let stopped_at = self.read_channels(root, &mut pass);
        self.stalled =
            if stopped_at.is_some() && stopped_at == self.stopped_at { self.stalled + 1 } else { 0 };
        self.stopped_at = stopped_at;
        pass.counts.partial = self.stopped_at.is_some();
        self.scan = Some(pass.counts);
        self.held_found.append(&mut pass.held_found);
    }

    /// Opens the root and finds out which channels there are.
    fn open(&mut self, in_log: &BTreeSet<String>) -> Result<OwnedFd, SpoolError> {
        let path = || self.settings.root.clone();
        let unlisted = |source| SpoolError::List { path: path(), source };
        let root = open_root(&self.settings.root)
            .map_err(|error| SpoolError::Open { path: path(), source: error.into() })?;
        let status = fstat(&root).map_err(|error| unlisted(error.into()))?;
        let stamp = Stamp::from(&status);
        let names = list_root(&root).map_err(unlisted)?;
        self.directories = u64::try_from(names.len()).ok();
        if names.is_empty() {
            let another = self.root.is_some_and(|before| !before.is_same_directory(&stamp));
            let path = path();
            return Err(if another { SpoolError::Unmounted { path } } else { SpoolError::Empty { path } });
        }
        (self.root, self.owner) = (Some(stamp), Some(status.st_uid));
        self.labels = labels::labels(names.iter(), in_log, &self.labels);
        self.channels.retain(|name, _| names.contains(name));
        for name in names {
            self.channels.entry(name).or_default();
        }
        Ok(root)
    }

    /// Reads the channels, first the one at which the last scan stopped; says where it stopped.
    fn read_channels(&mut self, root: &OwnedFd, pass: &mut Pass<'_>) -> Option<(CString, Option<CString>)> {
        let first = self.stopped_at.as_ref().map(|(channel, _)| channel);
        let (before, after): (Vec<_>, Vec<_>) =
            self.channels.keys().cloned().partition(|name| Some(name) < first);
        for name in after.into_iter().chain(before) {
            let (Some(channel), Some(label)) = (self.channels.get_mut(&name), self.labels.get(&name)) else {
                continue;
            };
            if pass.is_over() {
                let next = channel.next().cloned();
                return Some((name, next));
            }
            match channel.read(root, &name, label, pass) {
                Ok(()) => {}
                Err((_, Stop::OutOfTime)) => {
                    let next = channel.next().cloned();
                    return Some((name, next));
                }
                Err((_, Stop::Vanished)) => {
                    self.channels.remove(&name);
                }
                Err((path, Stop::Failed(error))) => {
                    self.errors[ErrorKind::from(&error) as usize] += 1;
                    channel.fails(DirectoryFailure { directory: self.settings.root.join(path), error });
                }
            }
        }
        None
    }

    /// The held files that the last scan found and that were not handed out before, at most
    /// [`held_files::MAX_HELD_A_SCAN`].
    pub fn held_found(&mut self) -> Vec<HeldFile> {
        std::mem::take(&mut self.held_found)
    }

    /// Takes the answer why a file is held.
    pub fn classified(&mut self, key: &HeldKey, reason: HeldReason) {
        if let Some(directory) = self.directory_mut(&key.directory) {
            directory.classified(key.file, reason);
        }
    }

    /// Has a file handed out again by a later scan, since there is no answer yet.
    pub fn put_back(&mut self, key: &HeldKey) {
        if let Some(directory) = self.directory_mut(&key.directory) {
            directory.put_back(key.file);
        }
    }

    fn directory_mut(&mut self, path: &Path) -> Option<&mut Directory> {
        let path = path.as_os_str().as_bytes();
        let slash = memchr::memchr(b'/', path).unwrap_or(path.len());
        let below = path.get(slash + 1..).unwrap_or_default();
        self.channels.get_mut(&CString::new(&path[..slash]).ok()?)?.directory_mut(below)
    }

    /// What is known, with the ages of messages at `now`.
    pub fn snapshot(&mut self, now: SystemTime) -> QueueSnapshot {
        let (scan, errors, owner) = (self.scan, self.errors, self.owner);
        let directories = self.directories;
        let mut snapshot = QueueSnapshot { directories, scan, errors, owner, ..QueueSnapshot::default() };
        if self.scan.is_none() {
            return snapshot;
        }
        let (own, shared): (Vec<_>, Vec<_>) =
            self.labels.values().partition(|label| &***label != OTHER_CHANNELS);
        snapshot.labels = own.into_iter().map(Arc::clone).collect();
        snapshot.left_out = shared.len() as u64;
        let now = whole_seconds(since_epoch(now));
        let mut incomplete = BTreeSet::new();
        for (name, channel) in &mut self.channels {
            let Some(label) = self.labels.get(name) else { continue };
            if let Some(failure) = &channel.failure {
                snapshot.failures.push(Arc::clone(failure));
                snapshot.unreadable.insert(label.to_string());
            }
            let stuck_after =
                self.settings.stuck_after_by_channel.get(&**label).unwrap_or(&self.settings.stuck_after);
            match channel.values(now, now.saturating_sub(whole_seconds(*stuck_after))) {
                Some(values) => snapshot.channels.entry(label.to_string()).or_default().add(values),
                None => drop(incomplete.insert(label)),
            }
        }
        // Half of what shares a label would look like a queue that empties.
        snapshot.channels.retain(|label, _| !incomplete.contains(&Arc::from(label.as_str())));
        snapshot::estimate_sizes(&mut snapshot.channels);
        snapshot
    }
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
