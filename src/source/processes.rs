//! The processes of the MTA, by the names its manuals give them: dispatcher, `job_controller`,
//! `tcp_smtp_server` and the channel programs (Administration Guide, chapter "Troubleshooting the
//! MTA", "Check that the Job Controller and Dispatcher are Running").
//!
//! A process belongs to a name by the path it was started with, so that a dispatcher of another
//! product is not taken for the MTA's. Processes come and go, and one that goes takes its processor
//! time along: processor time and starts are therefore sums of what was added between scans.

mod group;
mod pid_directory;
mod programs;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::ProcError;
use procfs::process::{Process, all_processes_with_root};
use rustix::process::{Resource, getrlimit};

pub use self::group::ProcessGroup;
use self::group::{Found, ProcessKey};
use self::pid_directory::{
    ProcessStat, credentials, first_argument, most_descriptors, open_descriptors, stat,
};
pub use self::programs::Programs;
use self::programs::{Roots, is_own_trouble};

/// The Dispatcher's servers end with this (`tcp_smtp_server`, `tcp_lmtp_server`): it lets them live for `MAX_LIFE_TIME`.
const SERVER: &str = "_server";

/// What the configured names had running at one scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessSnapshot {
    /// Every configured name, also those that nothing runs under.
    pub processes: BTreeMap<String, ProcessGroup>,
    /// Processes whose command line this user may not read (`hidepid`): with any of these, a count
    /// of 0 is no proof.
    pub unreadable: u64,
    /// The groups that they work as.
    pub groups: BTreeSet<u32>,
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
    /// There are processes by the paths of the MTA's programs, and nobody knows which user they have to be of.
    #[error(
        "the user that the MTA runs as is not known, so its processes cannot be told from others that say they are: \
         neither the queue nor the log directory can be looked at; set mta.user"
    )]
    UserUnknown,
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
    programs: Programs,
    user: Option<u32>,
    /// By name; holds every configured name from the start.
    totals: BTreeMap<String, Totals>,
    /// What ran at the scan before; none before the first scan.
    known: Option<HashMap<ProcessKey, Known>>,
    boot_time: Option<u64>,
}

impl ProcessWatch {
    /// A watch of `programs`, in the process file system mounted at `proc_root`.
    #[must_use]
    pub fn new(proc_root: PathBuf, programs: Programs) -> Self {
        let totals = programs.names.iter().map(|name| (name.clone(), Totals::default())).collect();
        Self { proc_root, programs, user: None, totals, known: None, boot_time: None }
    }

    /// Goes on with other programs; what is counted of those that stay goes on.
    pub fn go_on_with(&mut self, programs: Programs) {
        let mut before = std::mem::take(&mut self.totals);
        let names = programs.names.iter();
        self.totals = names.map(|name| (name.clone(), before.remove(name).unwrap_or_default())).collect();
        self.programs = programs;
    }

    /// From now on, processes of this user and of root count.
    pub fn restrict_to(&mut self, user: u32) {
        self.user = Some(user);
    }

    /// Looks at all processes. A server counts as too old when it runs for longer than `life` says of its name.
    ///
    /// # Errors
    ///
    /// If the process file system cannot be read, this program is short of descriptors or memory, or there are
    /// processes that may be the MTA's while its user is not known. Then nothing has been counted, and the next scan goes
    /// on from the one before.
    pub fn scan(&mut self, life: &dyn Fn(&str) -> Duration) -> Result<ProcessSnapshot, ProcessError> {
        let boot_time = self.steady_boot_time()?;
        let mut found = Vec::new();
        let mut unreadable = 0;
        let roots = self.programs.roots(&self.proc_root);
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
        // That there is nothing holds for every user.
        if self.user.is_none() && !found.is_empty() {
            return Err(ProcessError::UserUnknown);
        }
        self.account(&mut found);
        let groups = found.iter().filter_map(|process| process.group).collect();
        let uptime = uptime(&self.proc_root);
        let processes = self.groups(&found, boot_time, uptime, life);
        Ok(ProcessSnapshot { processes, unreadable, groups })
    }

    /// The start of the system. The kernel computes it anew from the clock at each read, so that it
    /// wavers by a second; every start of a process would waver along.
    fn steady_boot_time(&mut self) -> Result<u64, ProcessError> {
        let read = boot_time(&self.proc_root)?;
        let steady = self.boot_time.filter(|known| known.abs_diff(read) <= 1).unwrap_or(read);
        self.boot_time = Some(steady);
        Ok(steady)
    }

    /// What there is to count of a process; none where it is not one of the configured names.
    fn examine(&self, process: &Process, roots: &Roots<'_>) -> Result<Option<Found>, ProcError> {
        // Root's is what changed its user, too: that is closed to others.
        let belongs = |owner: u32| self.user.is_none_or(|user| owner == user || owner == 0);
        if !belongs(process.uid()?) {
            return Ok(None);
        }
        let Some(argument) = first_argument(process)? else { return Ok(None) };
        let Some(name) = roots.name_of(&argument) else { return Ok(None) };
        let credentials = credentials(process)?;
        if credentials.is_some_and(|whose| !belongs(whose.user)) || !roots.is_one(process, &argument) {
            return Ok(None);
        }
        let Some(stat) = stat(process)?.filter(|stat| !stat.has_ended()) else { return Ok(None) };
        let open_fds = match open_descriptors(process) {
            Ok(count) => Some(count),
            Err(ProcError::PermissionDenied(_)) => None,
            Err(error) => return Err(error),
        };
        let max_fds = most_descriptors(process)?;
        let group = credentials.map(|whose| whose.group);
        Ok(Some(Found { name: name.to_owned(), pid: process.pid(), stat, group, open_fds, max_fds }))
    }

    /// Adds starts and processor time since the scan before, and leaves out what may be nothing but a fork until another
    /// scan finds it again.
    fn account(&mut self, found: &mut Vec<Found>) {
        let mut now = HashMap::with_capacity(found.len());
        let mut counted = BTreeSet::new();
        for process in &*found {
            let key = process.key();
            let before = self.known.as_ref().and_then(|known| known.get(&key));
            let is_fork = before.is_none() && process.looks_forked(found);
            let ticks = process.stat.cpu_ticks;
            // What ran before the first scan has used its time before.
            let uncounted = before.map_or(self.known.is_some(), |before| !before.counted);
            let used = before.map_or(if uncounted { 0 } else { ticks }, |before| before.cpu_ticks);
            let known = Known { cpu_ticks: if is_fork { used } else { ticks }, counted: !is_fork };
            now.insert(key, known);
            if is_fork {
                continue;
            }
            counted.insert(process.pid);
            let Some(totals) = self.totals.get_mut(&process.name) else { continue };
            totals.starts += u64::from(uncounted && totals.seen);
            totals.cpu_ticks = totals.cpu_ticks.saturating_add(ticks.saturating_sub(used));
        }
        found.retain(|process| counted.contains(&process.pid));
        // Only now: several processes that appear together are the first ones of their name.
        let names: BTreeSet<&String> = found.iter().map(|process| &process.name).collect();
        for (name, totals) in &mut self.totals {
            totals.seen |= names.contains(name);
        }
        self.known = Some(now);
    }

    /// The processes by name, in a system that has run for `uptime`.
    fn groups(
        &self,
        found: &[Found],
        boot_time: u64,
        uptime: Option<Duration>,
        life: &dyn Fn(&str) -> Duration,
    ) -> BTreeMap<String, ProcessGroup> {
        let overaged = |name: &str| {
            let latest = uptime.filter(|_| name.ends_with(SERVER))?.saturating_sub(life(name)).as_secs_f64();
            let old =
                |process: &&Found| process.name == name && seconds(0, process.stat.start_ticks) < latest;
            Some(found.iter().filter(old).count() as u64)
        };
        let group = |(name, totals): (&String, &Totals)| {
            let processes = found.iter().filter(|process| &process.name == name);
            let mut group = ProcessGroup {
                starts_total: totals.starts,
                cpu_seconds_total: seconds(0, totals.cpu_ticks),
                overaged: overaged(name),
                ..ProcessGroup::default()
            };
            processes.for_each(|process| group.add(process, boot_time));
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

/// What is known of one process from the scan before.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Processor time that has been counted.
    cpu_ticks: u64,
    /// Whether it was a process, and not perhaps a fork.
    counted: bool,
}

/// For how long the system runs; none where the kernel does not say it. Ages by it do not change when the clock is set.
fn uptime(proc_root: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(proc_root.join("uptime")).ok()?;
    Duration::try_from_secs_f64(text.split_ascii_whitespace().next()?.parse().ok()?).ok()
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
