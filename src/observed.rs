//! What is known now: between the threads that read and the pages that show.
//!
//! Each source has its last reading, the logs have their sums. The threads of `app` write, everything
//! behind reads. `clock` is the only place that reads the clock.

pub mod clock;
mod complaints;
pub mod connections;
pub mod growth;
pub mod latest;
pub mod log_book;
pub mod queue;
mod readiness;
pub mod reading;
mod situation;
mod state_health;

use std::sync::Arc;

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use connections::ConnectionCounts;
use latest::Latest;
use queue::Queue;

pub use clock::{Clock, Now, WallClock};
pub use complaints::Complaints;
pub use log_book::LogBook;
pub use readiness::Readiness;
pub use state_health::StateHealth;

use crate::findings::Thresholds;
use crate::source::filesystems::FilesystemSnapshot;
use crate::source::install::Install;
use crate::source::processes::{OwnProcess, ProcessSnapshot};
use crate::source::sockets::SocketSnapshot;
use crate::source::timezone::LogZone;
use crate::source::wakeup::WakeupCounts;

/// What is known before anything is read.
#[derive(Debug)]
pub struct Beginning {
    /// When the program started.
    pub clock: Clock,
    /// By which the times in the logs are read.
    pub timezone: LogZone,
    /// Where the MTA is.
    pub install: Install,
    /// From where on something is a finding.
    pub limits: Thresholds,
    /// The user that it runs as, where that is configured.
    pub user: Option<u32>,
    /// What an earlier run has counted.
    pub logs: LogBook,
    /// How reading the state went.
    pub state: StateHealth,
    /// What will wake the reader of the logs.
    pub wakeups: Arc<WakeupCounts>,
}

/// Everything, by source.
#[derive(Debug)]
pub struct Observed {
    /// When the program started.
    pub clock: Clock,
    /// By which the times in the logs are read.
    pub timezone: LogZone,
    /// Where the MTA is.
    pub install: Install,
    /// From where on something is a finding.
    pub limits: Thresholds,
    /// The user that it runs as, where that is configured.
    user: Option<u32>,
    /// From the logs.
    logs: RwLock<LogBook>,
    /// From the queue directories.
    pub queue: Latest<Queue>,
    /// From the kernel's sockets.
    pub sockets: Latest<SocketSnapshot>,
    /// From the MTA's processes.
    pub processes: Latest<ProcessSnapshot>,
    /// From file systems and files.
    pub filesystems: Latest<FilesystemSnapshot>,
    /// The exporter's own process.
    pub own: Mutex<Option<Arc<OwnProcess>>>,
    /// Whether the MTA is active on this host.
    pub active: Latest<Option<bool>>,
    /// The state file.
    pub state: Mutex<StateHealth>,
    /// What woke the reader of the logs.
    pub wakeups: Arc<WakeupCounts>,
    /// How the clients of the pages fare.
    pub connections: Arc<ConnectionCounts>,
}

impl Observed {
    /// Nothing observed yet.
    pub fn new(beginning: Beginning) -> Self {
        let Beginning { clock, timezone, install, limits, user, logs, state, wakeups } = beginning;
        Self {
            clock,
            timezone,
            install,
            limits,
            user,
            logs: RwLock::new(logs),
            queue: Latest::new(clock),
            sockets: Latest::new(clock),
            processes: Latest::new(clock),
            filesystems: Latest::new(clock),
            own: Mutex::default(),
            active: Latest::new(clock),
            state: Mutex::new(state),
            wakeups,
            connections: Arc::default(),
        }
    }

    /// The log book, to read in.
    pub fn logs(&self) -> RwLockReadGuard<'_, LogBook> {
        self.logs.read()
    }

    /// The log book itself, for its one writer.
    pub fn log_book(&self) -> &RwLock<LogBook> {
        &self.logs
    }

    /// The same, to write in.
    pub fn logs_mut(&self) -> RwLockWriteGuard<'_, LogBook> {
        self.logs.write()
    }

    /// The user that the MTA runs as: the configured one, else the owner of the queue directory when it last held
    /// channels. The queue's own collector alone looks at it, since it may not answer.
    pub fn mta_user(&self) -> Option<u32> {
        self.user.or_else(|| self.queue.get().value?.snapshot.owner)
    }

    /// Whether the MTA is active on this host; nothing before somebody looked.
    pub fn is_active(&self) -> Option<bool> {
        self.active.get().value.as_deref().copied().flatten()
    }
}
