//! What is known of the processes of one name together.

use super::pid_directory::ProcessStat;
use super::{resident_bytes, seconds};

/// The processes of one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessGroup {
    /// Processes running, without what a process was for the moment between its fork and its own program.
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
    /// Threads.
    pub threads: u64,
    /// Open descriptors; none where nothing runs or this user may not see those of every process.
    pub open_fds: Option<u64>,
    /// How many they may open together, by their soft limits; none where nothing runs or a limit is not known.
    pub max_fds: Option<u64>,
    /// The share of its own limit that the process has open which is nearest to it; none where one of both is not known.
    pub worst_fds_share: Option<f64>,
    /// Servers that are older than the Dispatcher lets them get; none for programs that are no servers, and where the
    /// time since the start of the system is not known.
    pub overaged: Option<u64>,
}

/// A process of a configured name.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) pid: i32,
    pub(super) stat: ProcessStat,
    /// The effective group.
    pub(super) group: Option<u32>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<u64>,
}

/// One process for its whole life: numbers are used again, but not with the same start. The name is
/// part of it because a process becomes another program when it is executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ProcessKey {
    name: String,
    pid: i32,
    start_ticks: u64,
}

impl Found {
    pub(super) fn key(&self) -> ProcessKey {
        ProcessKey { name: self.name.clone(), pid: self.pid, start_ticks: self.stat.start_ticks }
    }

    /// Whether a process of the same name among `others` started this one: so looks a fork, until the child executes a
    /// program of its own (Administration Guide, "Check that the Job Controller and Dispatcher are Running").
    pub(super) fn looks_forked(&self, others: &[Self]) -> bool {
        others.iter().any(|other| other.pid == self.stat.parent && other.name == self.name)
    }
}

impl ProcessGroup {
    pub(super) fn add(&mut self, process: &Found, boot_time: u64) {
        let start = seconds(boot_time, process.stat.start_ticks);
        let is_first = self.running == 0;
        self.open_fds = sum(is_first, self.open_fds, process.open_fds);
        self.max_fds = sum(is_first, self.max_fds, process.max_fds);
        #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
        let share =
            process.open_fds.zip(process.max_fds).map(|(open, most)| open as f64 / most.max(1) as f64);
        self.worst_fds_share = if is_first {
            share
        } else {
            self.worst_fds_share.zip(share).map(|(worst, share)| worst.max(share))
        };
        self.running += 1;
        self.pids.push(process.pid);
        self.oldest_start = Some(self.oldest_start.map_or(start, |oldest| oldest.min(start)));
        self.threads = self.threads.saturating_add(process.stat.threads);
        self.resident_bytes = self.resident_bytes.saturating_add(resident_bytes(&process.stat));
    }
}

/// The sum of some processes would look like a fall: it is none where one is not known.
fn sum(is_first: bool, sum: Option<u64>, count: Option<u64>) -> Option<u64> {
    if is_first { count } else { sum.zip(count).map(|(sum, count)| sum.saturating_add(count)) }
}
