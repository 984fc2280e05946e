//! What is known now: between the threads that read and the pages that show.
//!
//! Each source has its last reading, the logs have their sums. The threads of `app` write, everything
//! behind reads. `clock` is the only place that reads the clock.

mod by_minute;
pub mod clock;
pub mod connections;
pub mod daemon_log;
pub mod history;
pub mod lately;
pub mod latest;
pub mod log_book;
mod looking_back;
pub mod notified;
mod problem_log;
mod quarters;
pub mod queue;
mod readiness;
pub mod reading;
mod situation;
mod state_health;
mod usual;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use clock::{Clock, Now, WallClock};
use connections::ConnectionCounts;
use lately::Lately;
use latest::{About, Outline, Readings};
pub use log_book::LogBook;
use notified::Notified;
pub use problem_log::ProblemLog;
pub use readiness::Readiness;
pub use state_health::StateHealth;

use crate::alerting::Standing;
use crate::findings::Thresholds;
use crate::findings::measure::Usual;
use crate::source::install::Install;
use crate::source::processes::OwnProcess;
use crate::source::timezone::LogZone;
use crate::source::wakeup::WakeupCounts;

/// Whether the MTA is active on this host, as far as that is known.
#[derive(Clone, Copy, Debug)]
pub struct Active(pub Option<bool>);

/// Everything, by source. Who makes it says all that is known before anything is read.
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
    /// The user that it runs as, where that is configured or has been found out.
    pub user: OnceLock<u32>,
    /// From the logs.
    pub logs: RwLock<LogBook>,
    /// From what is looked at on an interval.
    pub collected: Readings,
    /// The exporter's own process.
    pub own: Mutex<Option<Arc<OwnProcess>>>,
    /// The state file.
    pub state: Mutex<StateHealth>,
    /// The file of the history.
    pub history: Mutex<StateHealth>,
    /// The file of what is usual.
    pub baseline: Mutex<StateHealth>,
    /// What woke the reader of the logs.
    pub wakeups: Arc<WakeupCounts>,
    /// How the clients of the pages fare.
    pub connections: Arc<ConnectionCounts>,
    /// The alerts of the program's own, as they were at the last tick.
    pub alerts: Mutex<Arc<Standing>>,
    /// What is usual of who knocks.
    pub usual: Mutex<Usual>,
    /// What sums grew by lately.
    pub lately: Mutex<Lately>,
    /// Who is told of alerts, and how that goes.
    pub notified: Notified,
    /// Threads of collectors that hung when they were to go on with another configuration, and were left behind.
    pub left_behind: AtomicU64,
}

impl Observed {
    /// Nothing read so far, but for what is in the log book.
    pub fn new(
        clock: Clock,
        timezone: LogZone,
        install: Install,
        limits: Thresholds,
        collected: Readings,
        book: LogBook,
    ) -> Self {
        Self {
            clock,
            timezone,
            install,
            limits,
            user: OnceLock::new(),
            logs: RwLock::new(book),
            collected,
            own: Mutex::default(),
            state: Mutex::default(),
            history: Mutex::default(),
            baseline: Mutex::default(),
            wakeups: Arc::default(),
            connections: Arc::default(),
            alerts: Mutex::default(),
            usual: Mutex::default(),
            lately: Mutex::default(),
            notified: Notified::default(),
            left_behind: AtomicU64::new(0),
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

    /// How all collectors fare: that of the logs, and those of the table.
    pub fn outlines(&self) -> impl Iterator<Item = Outline> {
        std::iter::once(self.of_logs()).chain(self.collected.outlines())
    }

    fn of_logs(&self) -> Outline {
        let reads = self.install.log_directory.display().to_string();
        let first = "catching up with the logs";
        let book = self.logs();
        Outline {
            about: About { name: "log", reads, called: "logs", first, mounted: true },
            reading: book.reading.clone(),
            anything: book.following.iter().any(|log| log.lag_bytes.is_some()),
        }
    }

    /// The user that the MTA runs as: the configured one, else the one that was found out.
    pub fn mta_user(&self) -> Option<u32> {
        self.user.get().copied()
    }

    /// Takes the user that the MTA was found to run as. The first one holds: directories that are given to somebody else
    /// later are a mistake, and do not make the MTA's processes another's.
    pub fn learn_mta_user(&self, user: u32) {
        self.user.get_or_init(|| user);
    }

    /// Whether the MTA is active on this host; nothing before somebody looked.
    pub fn is_active(&self) -> Option<bool> {
        self.collected.found::<Active>()?.0
    }
}
