//! The processes of the MTA, by the names its manuals give them: dispatcher, `job_controller`,
//! `tcp_smtp_server` and the channel programs (Administration Guide, chapter "Troubleshooting the
//! MTA", "Check that the Job Controller and Dispatcher are Running").
//!
//! A process belongs to a name by the path it was started with, so that a dispatcher of another
//! product is not taken for the MTA's. Processes come and go, and one that goes takes its processor
//! time along: processor time and starts are therefore sums of what was added between scans.

mod pid_directory;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use procfs::ProcError;
use procfs::process::{Process, all_processes_with_root};
use rustix::process::{Resource, getrlimit};

use self::pid_directory::{ProcessStat, first_argument, open_descriptors, stat};

/// What the configured names had running at one scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessSnapshot {
    /// Every configured name, also those that nothing runs under.
    pub processes: BTreeMap<String, ProcessGroup>,
    /// Processes whose command line this user may not read (`hidepid`): with any of these, a count
    /// of 0 is no proof.
    pub unreadable: u64,
}

/// The processes of one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessGroup {
    /// Processes running. Two for a moment is normal where one forks.
    pub running: u64,
    /// Their numbers.
    pub pids: Vec<i32>,
    /// Start of the one that has run for longest, Unix seconds.
    pub oldest_start: Option<f64>,
    /// Starts seen since the watch began, without the first ones of a name. Never goes backwards.
    pub starts_total: u64,
    /// Memory in core, bytes.
    pub resident_bytes: u64,
    /// Processor time used since the watch began, seconds. Never goes backwards; what a process
    /// uses between its last scan and its end is not seen.
    pub cpu_seconds_total: f64,
    /// Open descriptors; none where nothing runs or this user may not see those of every process.
    pub open_fds: Option<u64>,
}

/// The exporter's own process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnProcess {
    /// Processor time used, seconds.
    pub cpu_seconds_total: f64,
    /// Open descriptors, with the two that this look needs.
    pub open_fds: u64,
    /// The soft limit of open descriptors; none where there is no limit.
    pub max_fds: Option<u64>,
    /// Virtual memory, bytes.
    pub virtual_bytes: u64,
    /// Memory in core, bytes.
    pub resident_bytes: u64,
    /// Start, Unix seconds.
    pub start_time_seconds: f64,
    /// Threads.
    pub threads: u64,
}

/// Why the processes could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The list of processes, or something of one that has not ended.
    #[error("cannot read the processes in {path}")]
    Processes {
        /// Where the process file system is mounted.
        path: PathBuf,
        /// What the reader said.
        source: ProcError,
    },
    /// The file that says when the system started.
    #[error("cannot read the start of the system in {path}")]
    BootTime {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The process has no `stat` of the form that `proc(5)` describes.
    #[error("malformed stat of the own process in {path}")]
    Malformed {
        /// The directory of the process.
        path: PathBuf,
    },
}

/// Watches the processes of some names over time.
#[derive(Debug)]
pub struct ProcessWatch {
    proc_root: PathBuf,
    install_root: PathBuf,
    user: Option<u32>,
    /// By name; holds every configured name from the start.
    totals: BTreeMap<String, Totals>,
    /// Processor time at the scan before, clock ticks; none before the first scan.
    known: Option<HashMap<ProcessKey, u64>>,
    boot_time: Option<u64>,
}

impl ProcessWatch {
    /// A watch of the programs called `names` below `install_root`, in the process file system
    /// mounted at `proc_root`. With a `user`, only processes of this user and of root count.
    #[must_use]
    pub fn new(proc_root: PathBuf, install_root: PathBuf, names: Vec<String>, user: Option<u32>) -> Self {
        let totals = names.into_iter().map(|name| (name, Totals::default())).collect();
        Self { proc_root, install_root, user, totals, known: None, boot_time: None }
    }

    /// Goes on with other programs; what is counted of those that stay goes on.
    pub fn go_on_with(&mut self, names: Vec<String>) {
        let mut before = std::mem::take(&mut self.totals);
        self.totals =
            names.into_iter().map(|name| (name.clone(), before.remove(&name).unwrap_or_default())).collect();
    }

    /// From now on, only processes of this user and of root count.
    pub fn restrict_to(&mut self, user: u32) {
        self.user = Some(user);
    }

    /// Looks at all processes.
    ///
    /// # Errors
    ///
    /// If the process file system cannot be read, or this program is short of descriptors or memory.
    /// Then nothing has been counted, and the next scan goes on from the one before.
    pub fn scan(&mut self) -> Result<ProcessSnapshot, ProcessError> {
        let boot_time = self.steady_boot_time()?;
        let mut found = Vec::new();
        let mut unreadable = 0;
        let roots = self.install_roots();
        let failed = |source| ProcessError::Processes { path: self.proc_root.clone(), source };
        for process in all_processes_with_root(&self.proc_root).map_err(failed)? {
            match process.and_then(|process| self.examine(&process, &roots)) {
                Ok(examined) => found.extend(examined),
                Err(ProcError::PermissionDenied(_)) => unreadable += 1,
                Err(error) if is_own_trouble(&error) => return Err(failed(error)),
                // The process has ended meanwhile, which is normal.
                Err(_) => {}
            }
        }
        self.account(&found);
        Ok(ProcessSnapshot { processes: self.groups(&found, boot_time), unreadable })
    }

    /// The start of the system. The kernel computes it anew from the clock at each read, so that it
    /// wavers by a second; every start of a process would waver along.
    fn steady_boot_time(&mut self) -> Result<u64, ProcessError> {
        let read = boot_time(&self.proc_root)?;
        let steady = self.boot_time.filter(|known| known.abs_diff(read) <= 1).unwrap_or(read);
        self.boot_time = Some(steady);
        Ok(steady)
    }

    /// The installation as configured and, where it can be resolved, without symbolic links.
    fn install_roots(&self) -> Vec<PathBuf> {
        let configured = lexically_plain(&self.install_root);
        let resolved = self.install_root.canonicalize().ok();
        std::iter::once(configured).chain(resolved).collect()
    }

    /// What there is to count of a process; none where it is not one of the configured names.
    fn examine(&self, process: &Process, roots: &[PathBuf]) -> Result<Option<Found>, ProcError> {
        let owner = process.uid()?;
        if self.user.is_some_and(|user| owner != user && owner != 0) {
            return Ok(None);
        }
        let Some(argument) = first_argument(process)? else { return Ok(None) };
        let Some(name) = self.name_of(&argument, roots) else { return Ok(None) };
        let Some(stat) = stat(process)?.filter(|stat| !stat.has_ended()) else { return Ok(None) };
        let open_fds = match open_descriptors(process) {
            Ok(count) => Some(count),
            Err(ProcError::PermissionDenied(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Some(Found { name: name.to_owned(), pid: process.pid(), stat, open_fds }))
    }

    /// The configured name of a program; the channel programs of newer versions go without `tcp_`
    /// (`smtp_client` is the `tcp_smtp_client` of the older manuals, `lmtp_server` likewise).
    fn name_of(&self, argument: &[u8], roots: &[PathBuf]) -> Option<&str> {
        let path = lexically_plain(Path::new(OsStr::from_bytes(argument)));
        if !roots.iter().any(|root| path.starts_with(root)) {
            return None;
        }
        let base = path.file_name()?.to_str()?;
        let (name, _) =
            self.totals.get_key_value(base).or_else(|| self.totals.get_key_value(&format!("tcp_{base}")))?;
        Some(name)
    }

    /// Adds starts and processor time since the scan before.
    fn account(&mut self, found: &[Found]) {
        let mut known = HashMap::with_capacity(found.len());
        for process in found {
            let key = process.key();
            known.insert(key.clone(), process.stat.cpu_ticks);
            let (Some(before), Some(totals)) = (&self.known, self.totals.get_mut(&process.name)) else {
                continue;
            };
            let ticks_before = before.get(&key);
            totals.starts += u64::from(ticks_before.is_none() && totals.seen);
            let added = process.stat.cpu_ticks.saturating_sub(ticks_before.copied().unwrap_or(0));
            totals.cpu_ticks = totals.cpu_ticks.saturating_add(added);
        }
        // Only now: several processes that appear together are the first ones of their name.
        let names: BTreeSet<&String> = found.iter().map(|process| &process.name).collect();
        for (name, totals) in &mut self.totals {
            totals.seen |= names.contains(name);
        }
        self.known = Some(known);
    }

    fn groups(&self, found: &[Found], boot_time: u64) -> BTreeMap<String, ProcessGroup> {
        let group = |(name, totals): (&String, &Totals)| {
            let mut group = ProcessGroup {
                starts_total: totals.starts,
                cpu_seconds_total: seconds(0, totals.cpu_ticks),
                ..ProcessGroup::default()
            };
            for process in found.iter().filter(|process| &process.name == name) {
                group.add(process, boot_time);
            }
            (name.clone(), group)
        };
        self.totals.iter().map(group).collect()
    }
}

/// Reads the exporter's own process.
///
/// # Errors
///
/// If the process file system cannot be read.
pub fn own(proc_root: &Path) -> Result<OwnProcess, ProcessError> {
    let path = proc_root.join("self");
    let failed = |source| ProcessError::Processes { path: path.clone(), source };
    let process = Process::new_with_root(path.clone()).map_err(failed)?;
    let Some(stat) = stat(&process).map_err(failed)? else {
        return Err(ProcessError::Malformed { path });
    };
    Ok(OwnProcess {
        cpu_seconds_total: seconds(0, stat.cpu_ticks),
        open_fds: open_descriptors(&process).map_err(failed)?,
        max_fds: getrlimit(Resource::Nofile).current,
        virtual_bytes: stat.virtual_bytes,
        resident_bytes: resident_bytes(&stat),
        start_time_seconds: seconds(boot_time(proc_root)?, stat.start_ticks),
        threads: stat.threads,
    })
}

/// What is known of a name from all scans so far.
#[derive(Debug, Default)]
struct Totals {
    seen: bool,
    starts: u64,
    cpu_ticks: u64,
}

/// One process for its whole life: numbers are used again, but not with the same start. The name is
/// part of it because a process becomes another program when it is executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ProcessKey {
    name: String,
    pid: i32,
    start_ticks: u64,
}

/// A process of a configured name.
#[derive(Debug)]
struct Found {
    name: String,
    pid: i32,
    stat: ProcessStat,
    open_fds: Option<u64>,
}

impl Found {
    fn key(&self) -> ProcessKey {
        ProcessKey { name: self.name.clone(), pid: self.pid, start_ticks: self.stat.start_ticks }
    }
}

impl ProcessGroup {
    fn add(&mut self, process: &Found, boot_time: u64) {
        let start = seconds(boot_time, process.stat.start_ticks);
        // The sum of some processes would look like a fall.
        self.open_fds = match self.running {
            0 => process.open_fds,
            _ => self.open_fds.zip(process.open_fds).map(|(sum, count)| sum.saturating_add(count)),
        };
        self.running += 1;
        self.pids.push(process.pid);
        self.oldest_start = Some(self.oldest_start.map_or(start, |oldest| oldest.min(start)));
        self.resident_bytes = self.resident_bytes.saturating_add(resident_bytes(&process.stat));
    }
}

/// Whether an error says that this program is short of something, not that a process has ended.
fn is_own_trouble(error: &ProcError) -> bool {
    use rustix::io::Errno;
    let ProcError::Io(error, _) = error else { return false };
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::IO]
        .iter()
        .any(|trouble| error.raw_os_error() == Some(trouble.raw_os_error()))
}

/// A path without empty, `.` and `..` components, made without asking the file system: the path that
/// another process was started with may mean nothing here.
fn lexically_plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

/// The line `btime` of `/proc/stat`, Unix seconds.
fn boot_time(proc_root: &Path) -> Result<u64, ProcessError> {
    /// The file grows with processors and interrupts, to tens of kilobytes on large hosts.
    const MAX_BYTES: u64 = 4 * 1024 * 1024;
    let path = proc_root.join("stat");
    let read = || {
        let file = File::open(&path)?;
        for line in BufReader::new(file.take(MAX_BYTES)).split(b'\n') {
            let line = line?;
            if let Some(value) = line.strip_prefix(b"btime ") {
                let value = str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
                return value.ok_or_else(|| io::Error::other("malformed line btime"));
            }
        }
        Err(io::Error::other("no line btime"))
    };
    read().map_err(|source| ProcessError::BootTime { path: path.clone(), source })
}

/// A time in clock ticks after `start`, in seconds.
fn seconds(start: u64, ticks: u64) -> f64 {
    let per_second = procfs::ticks_per_second().max(1);
    // Fewer than a second's ticks stay here, so that this neither overflows nor loses any.
    let rest = Duration::from_nanos((ticks % per_second).saturating_mul(1_000_000_000) / per_second);
    Duration::from_secs(start.saturating_add(ticks / per_second)).saturating_add(rest).as_secs_f64()
}

fn resident_bytes(stat: &ProcessStat) -> u64 {
    stat.resident_pages.saturating_mul(procfs::page_size())
}
