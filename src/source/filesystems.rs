//! Space of the file systems that the MTA writes to, its log files, whose its critical files are, and whether what runs has
//! the configuration that is there (Administration Guide, chapter "Troubleshooting the MTA"; `statvfs(3)`, `stat(2)`).

pub mod configuration;
pub mod critical;
mod log_files;
mod queue_sample;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RawDir, Stat, StatVfs, lstat, openat, stat, statvfs};
use rustix::io::Errno;

use self::configuration::{Compared, Stale, Starts};
use self::critical::{Expected, Role, Wrong};
use self::log_files::{LogFile, LogFiles, is_cumulative, is_rotated};
use self::queue_sample::QueueSample;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// The installation's root.
    pub root: PathBuf,
    /// The queue directory.
    pub queue: PathBuf,
    /// The log directory.
    pub log: PathBuf,
    /// The directory of temporary files that all programs share; none where that of the MTA is out of sight.
    pub tmp: Option<PathBuf>,
    /// The MTA's own one, where there is one.
    pub mta_tmp: PathBuf,
    /// Log files whose size is of interest: those that are written to, and what the return job makes of them.
    pub log_files: Vec<PathBuf>,
    /// Whose the MTA's files are to be; none where that is not known.
    pub expected: Option<Expected>,
    /// When the processes started that read the configuration.
    pub starts: Starts,
}

/// What was found.
#[derive(Debug, Default)]
pub struct FilesystemSnapshot {
    /// Space by directory, those of [`PATHS`] that there are.
    pub filesystems: BTreeMap<&'static str, Result<Space, FilesystemError>>,
    /// Bytes by base name; files of the same name are summed. What does not exist, and what is not a
    /// regular file, is absent.
    pub log_file_sizes: BTreeMap<String, u64>,
    /// By base name of cumulative logs: by how many bytes they are larger than a day ago, where that is known.
    pub cumulative: BTreeMap<String, Option<i64>>,
    /// When what the return job made of a log was renamed, Unix seconds, by base name.
    pub rotated: BTreeMap<String, f64>,
    /// For how many seconds a log has been written to without being renamed, by base name.
    pub unrotated: BTreeMap<String, f64>,
    /// Whether `queue` and `log` belong to that user; absent without one, and where the
    /// directory cannot be looked at.
    pub ownership: BTreeMap<&'static str, bool>,
    /// How many critical files are wrong, by what they are of [`CRITICAL`] and what may be wrong; absent where nobody
    /// could look.
    pub wrong: BTreeMap<(&'static str, Wrong), WrongFiles>,
    /// What the user is called whose they have to be; empty where that is not known.
    pub user: String,
    /// Wrong files of the queue that are too many to be remembered.
    pub wrong_left_out: u64,
    /// Whether what runs has the configuration that is there.
    pub configuration: BTreeMap<Stale, Compared>,
    /// Log files and directories that exist and could not be looked at.
    pub failures: Vec<FilesystemError>,
}

/// Files with the same thing wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrongFiles {
    /// How many.
    pub count: u64,
    /// One of them.
    pub example: Option<PathBuf>,
}

/// Space of one file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The number of the file system's device (`st_dev`): directories with the same one share it.
    pub device: u64,
    /// Bytes that a user other than root may still write.
    pub avail_bytes: u64,
    /// Bytes in all.
    pub size_bytes: u64,
    /// Files that may still be made, and all that may be; none where the file system has no such limit (Btrfs).
    pub files: Option<Files>,
}

/// Inodes of one file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// Those that are free.
    pub free: u64,
    /// All.
    pub all: u64,
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
pub const PATHS: [&str; 5] = ["queue", "log", "tmp", "mta_tmp", "config"];

/// The names of the critical files.
pub const CRITICAL: [&str; 7] =
    ["queue", "queue_files", "log", "log_files", "tmp", "mta_tmp", "dispatcher_socket"];

/// What the name of the Dispatcher's socket ends with.
const SOCKET: &str = ".dispatcher.socket";

/// Names of the directory of the configuration that are looked at for the socket: there are some dozens.
const MOST_NAMES: usize = 2000;

/// Looks again and again.
#[derive(Debug, Default)]
pub struct FilesystemWatch {
    sample: QueueSample,
    logs: LogFiles,
}

impl FilesystemWatch {
    /// Looks at all targets at `now`, Unix seconds. Each has its own result; one that fails leaves the others alone.
    pub fn look(&mut self, targets: &Targets, now: f64) -> FilesystemSnapshot {
        let user = targets.expected.as_ref().map(|expected| expected.name.clone()).unwrap_or_default();
        let mut snapshot = FilesystemSnapshot { user, ..FilesystemSnapshot::default() };
        snapshot.look_at_space(targets);
        self.look_at_logs(&mut snapshot, targets, now);
        snapshot.look_at_directories(targets);
        self.look_at_queue(&mut snapshot, targets);
        for path in sockets(targets) {
            if let Ok(found) = lstat(&path) {
                snapshot.judge("dispatcher_socket", Role::Socket, &path, &found, targets);
            }
        }
        snapshot.configuration = configuration::compare(&targets.root, &targets.starts);
        snapshot
    }

    fn look_at_logs(&mut self, snapshot: &mut FilesystemSnapshot, targets: &Targets, now: f64) {
        for path in &targets.log_files {
            let Some(found) = snapshot.look_at(path) else { continue };
            let (Some(log), Some(name)) = (LogFile::of(&found), path.file_name()) else { continue };
            let name = name.to_string_lossy().into_owned();
            snapshot.judge("log_files", Role::Own, path, &found, targets);
            if let Some(seconds) = self.logs.unrotated(path, log, now) {
                let longest = snapshot.unrotated.entry(name.clone()).or_default();
                *longest = longest.max(seconds);
            }
            if is_rotated(&name) {
                snapshot.rotated.insert(name.clone(), log.changed);
            }
            if is_cumulative(path, &targets.log_files) {
                snapshot.cumulative.insert(name.clone(), self.logs.growth(path, log.size, now));
            }
            let sum = snapshot.log_file_sizes.entry(name).or_default();
            *sum = sum.saturating_add(log.size);
        }
    }

    /// A look at what is in the queue needs somebody whose it is to be.
    fn look_at_queue(&mut self, snapshot: &mut FilesystemSnapshot, targets: &Targets) {
        let Some(expected) = &targets.expected else { return };
        // The collector of the queue says why it cannot be read.
        let Ok(sampled) = self.sample.look(&targets.queue, expected) else { return };
        snapshot.wrong_left_out = sampled.left_out;
        for (what, found) in [("queue", sampled.directories), ("queue_files", sampled.files)] {
            for wrong in Role::Own.asked(Some(expected)) {
                let files: Vec<_> = found.iter().filter(|(_, all)| all.contains(&wrong)).collect();
                let entry = snapshot.wrong.entry((what, wrong)).or_default();
                entry.count += files.len() as u64;
                let example = files.first().map(|(path, _)| targets.queue.join(path));
                entry.example = entry.example.take().or(example);
            }
        }
    }
}

/// The user that a directory belongs to.
///
/// # Errors
///
/// As the system says.
pub fn owner(directory: &Path) -> io::Result<u32> {
    Ok(stat(directory)?.st_uid)
}

impl FilesystemSnapshot {
    /// Directories that lie on the same file system as one before them in [`PATHS`].
    pub fn shared(&self) -> BTreeSet<&'static str> {
        let mut devices = BTreeSet::new();
        let found = |name: &&'static str| self.filesystems.get(name).and_then(|found| found.as_ref().ok());
        PATHS
            .into_iter()
            .filter(|name| found(name).is_some_and(|space| !devices.insert(space.device)))
            .collect()
    }

    fn look_at_space(&mut self, targets: &Targets) {
        let config = configuration::directory(&targets.root);
        let paths = [
            Some(&targets.queue),
            Some(&targets.log),
            targets.tmp.as_ref(),
            Some(&targets.mta_tmp),
            Some(&config),
        ];
        for (place, (name, path)) in PATHS.into_iter().zip(paths).enumerate() {
            let Some(path) = path else { continue };
            let found = stat(path).and_then(|on| Ok(space(on.st_dev, &statvfs(path)?)));
            // The last two are not part of every installation.
            if place >= 3 && matches!(found, Err(Errno::NOENT | Errno::NOTDIR)) {
                continue;
            }
            self.filesystems.insert(name, found.map_err(|errno| failure(path, errno)));
        }
    }

    fn look_at_directories(&mut self, targets: &Targets) {
        let own = [("queue", &targets.queue), ("log", &targets.log), ("mta_tmp", &targets.mta_tmp)];
        for (name, path) in own {
            let Some(found) = self.look_at(path) else { continue };
            self.judge(name, Role::Own, path, &found, targets);
            if let Some(expected) = &targets.expected
                && name != "mta_tmp"
            {
                self.ownership.insert(name, found.st_uid == expected.user);
            }
        }
        if let Some(tmp) = &targets.tmp
            && let Some(found) = self.look_at(tmp)
        {
            self.judge("tmp", Role::Shared, tmp, &found, targets);
        }
    }

    /// Notes what is wrong with a file, and what is not.
    fn judge(&mut self, name: &'static str, role: Role, path: &Path, found: &Stat, targets: &Targets) {
        let expected = targets.expected.as_ref();
        let wrong = role.wrong(found, expected);
        for asked in role.asked(expected) {
            let files = self.wrong.entry((name, asked)).or_default();
            if wrong.contains(&asked) {
                files.count += 1;
                files.example.get_or_insert_with(|| path.to_owned());
            }
        }
    }

    /// What is at a path; what is not there is no failure.
    fn look_at(&mut self, path: &Path) -> Option<Stat> {
        match stat(path) {
            Ok(found) => Some(found),
            Err(Errno::NOENT) => None,
            Err(errno) => {
                self.failures.push(failure(path, errno));
                None
            }
        }
    }
}

/// Where the Dispatcher's socket is: in the shared directory of temporary files, named by the installation
/// (`.SUNWmsgsr.dispatcher.socket`, or its path with `_` for each `/`), or in that of the configuration. The shared one is
/// not listed: it may be large, and what is in it another installation's.
fn sockets(targets: &Targets) -> BTreeSet<PathBuf> {
    let config = configuration::directory(&targets.root);
    let resolved = [&targets.root, &config].map(|path| path.canonicalize().ok());
    let places = [Some(targets.root.clone()), Some(config.clone())].into_iter().chain(resolved).flatten();
    let by_path = places.map(|path| path.to_string_lossy().trim_matches('/').replace('/', "_"));
    let by_name = targets.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let names = by_path.chain(by_name).map(|name| format!(".{name}{SOCKET}"));
    let shared = names.filter_map(|name| Some(targets.tmp.as_ref()?.join(name)));
    shared.chain(sockets_in(&config).unwrap_or_default()).collect()
}

/// The names in a directory that are one's of a Dispatcher's socket.
fn sockets_in(directory: &Path) -> Result<Vec<PathBuf>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(CWD, directory, flags, Mode::empty())?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut entries = RawDir::new(&opened, buffer.spare_capacity_mut());
    let mut found = Vec::new();
    for _ in 0..MOST_NAMES {
        let Some(entry) = entries.next() else { break };
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(SOCKET) {
            found.push(directory.join(name));
        }
    }
    Ok(found)
}

fn failure(path: &Path, errno: rustix::io::Errno) -> FilesystemError {
    FilesystemError { path: path.to_owned(), source: errno.into() }
}

fn space(device: u64, found: &StatVfs) -> Space {
    Space {
        device,
        avail_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        size_bytes: found.f_blocks.saturating_mul(found.f_frsize),
        files: (found.f_files > 0).then_some(Files { free: found.f_ffree, all: found.f_files }),
    }
}
