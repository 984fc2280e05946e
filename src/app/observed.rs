//! What has been observed: the one place between the threads that read and the pages that show.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Clock;
use super::queue::Queue;
use super::state::Saved;
use crate::aggregate::reading::{Reading, Run};
use crate::aggregate::unparsed::LastUnparsed;
use crate::aggregate::{Aggregate, Totals};
use crate::config::Config;
use crate::metrics::connections::{self, ConnectionCounts};
use crate::metrics::exporter::{Following, StateHealth};
use crate::metrics::logs::ClientDisplay;
use crate::metrics::{Page, collectors, exporter, logs};
use crate::source::filesystems::FilesystemSnapshot;
use crate::source::install::Install;
use crate::source::processes::{OwnProcess, ProcessSnapshot};
use crate::source::sockets::SocketSnapshot;
use crate::source::timezone::LogZone;
use crate::source::wakeup::WakeupCounts;

/// Where and when a line was read.
#[derive(Clone, Debug)]
pub struct ReadAt {
    /// The log's base name.
    pub log: Arc<str>,
    /// Unix milliseconds.
    pub unix_millis: i64,
}

/// What the log thread publishes. It is the only writer.
#[derive(Debug)]
pub struct LogBook {
    /// The sums.
    pub aggregate: Aggregate,
    /// How far each log has been read.
    pub following: Vec<Following>,
    /// Whether the sums may be shown: the first log has been found, and all that were found have been
    /// caught up with. Once true it stays.
    pub shown: bool,
    /// Whether the count of notices may be shown: the syslog has been found and caught up with. Once true
    /// it stays.
    pub notices_shown: bool,
    /// Whether a log that was found is still being caught up with.
    pub catching_up: bool,
    /// How the last round went.
    pub reading: Reading<()>,
    /// The last lines that were not understood, since this start.
    pub unparsed: LastUnparsed<ReadAt>,
}

impl LogBook {
    /// Nothing read yet; `catching_up` says that an earlier run had.
    pub fn new(aggregate: Aggregate, catching_up: bool) -> Self {
        Self {
            aggregate,
            following: Vec::new(),
            shown: false,
            notices_shown: false,
            catching_up,
            reading: Reading::default(),
            unparsed: LastUnparsed::default(),
        }
    }
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
    /// The user that it runs as, where that is configured.
    user: Option<u32>,
    /// From the logs.
    logs: RwLock<LogBook>,
    clients: ClientDisplay,
    /// From the queue directories.
    pub queue: Snapshot<Queue>,
    /// From the kernel's sockets.
    pub sockets: Snapshot<SocketSnapshot>,
    /// From the MTA's processes.
    pub processes: Snapshot<ProcessSnapshot>,
    /// From file systems and files.
    pub filesystems: Snapshot<FilesystemSnapshot>,
    /// The exporter's own process.
    pub own: Mutex<Option<Arc<OwnProcess>>>,
    /// Whether the MTA is active on this host.
    pub active: Snapshot<Option<bool>>,
    /// The state file.
    pub state: Mutex<StateHealth>,
    /// What woke the reader of the logs.
    wakeups: Arc<WakeupCounts>,
    /// How the clients of the pages fare.
    pub connections: Arc<ConnectionCounts>,
}

/// How long a run may show no sign of life. No single call into a file system that works takes as long.
const HANGS_AFTER: Duration = Duration::from_secs(10);

/// The last reading of a collector that runs on its interval.
#[derive(Debug)]
pub struct Snapshot<T> {
    clock: Clock,
    shared: Mutex<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    reading: Reading<T>,
    /// When the run under way gave its last sign of life.
    alive: Option<Duration>,
    /// For how long it has hung.
    hung: Duration,
}

impl<T> Shared<T> {
    /// Ends the silence of the run under way.
    fn hear(&mut self, now: Duration) {
        let silent = self.alive.map_or(Duration::ZERO, |alive| now.saturating_sub(alive));
        if silent >= HANGS_AFTER {
            self.hung += silent;
        }
    }
}

impl<T> Snapshot<T> {
    /// Nothing read so far.
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            shared: Mutex::new(Shared { reading: Reading::default(), alive: None, hung: Duration::ZERO }),
        }
    }

    /// A copy of the reading; its value is shared. While a run hangs nothing is known, since what was
    /// read before it may be wrong by now.
    pub fn get(&self) -> Reading<T> {
        let shared = self.shared.lock();
        let silent = shared.alive.map(|alive| self.clock.monotonic().saturating_sub(alive));
        match silent {
            Some(silent) if silent >= HANGS_AFTER => shared.reading.hanging(silent),
            _ => shared.reading.clone(),
        }
    }

    /// A sign of life of a run, and the time.
    pub fn alive(&self) -> Duration {
        let now = self.clock.monotonic();
        let mut shared = self.shared.lock();
        shared.hear(now);
        shared.alive = Some(now);
        now
    }

    /// Takes the result of a run, which has ended; for how long it has hung, which was no work.
    pub fn update(&self, run: Run<T>, now: f64, duration: f64) -> Duration {
        let mut shared = self.shared.lock();
        shared.hear(self.clock.monotonic());
        shared.reading.update(run, now, duration);
        shared.alive = None;
        std::mem::take(&mut shared.hung)
    }
}

impl Observed {
    /// Nothing observed yet, beside what an earlier run saved.
    pub(super) fn new(
        config: &Config,
        (install, user): (Install, Option<u32>),
        clock: Clock,
        clients: ClientDisplay,
        wakeups: Arc<WakeupCounts>,
        saved: Saved,
    ) -> Self {
        let timezone = LogZone::find(config.mta.timezone.as_ref());
        if let Some(problem) = timezone.problem() {
            tracing::warn!("{problem}");
        }
        let totals = saved.totals.unwrap_or_else(|| Totals::new(clients.seed));
        let aggregate = Aggregate::new(totals, timezone.zone.clone(), config.mta.block_size);
        let book = LogBook::new(aggregate, !saved.positions.is_empty());
        Self {
            clock,
            timezone,
            install,
            user,
            logs: RwLock::new(book),
            clients,
            queue: Snapshot::new(clock),
            sockets: Snapshot::new(clock),
            processes: Snapshot::new(clock),
            filesystems: Snapshot::new(clock),
            own: Mutex::default(),
            active: Snapshot::new(clock),
            state: Mutex::new(saved.health),
            wakeups,
            connections: Arc::default(),
        }
    }

    /// The log book, to read in.
    pub fn logs(&self) -> RwLockReadGuard<'_, LogBook> {
        self.logs.read()
    }

    /// The log book itself, for its one writer.
    pub(super) fn log_book(&self) -> &RwLock<LogBook> {
        &self.logs
    }

    pub(super) fn logs_mut(&self) -> RwLockWriteGuard<'_, LogBook> {
        self.logs.write()
    }

    /// The user that the MTA runs as: the configured one, else the owner of the queue directory when it last held
    /// channels. The queue's own collector alone looks at it, since it may not answer.
    pub fn mta_user(&self) -> Option<u32> {
        self.user.or_else(|| self.queue.get().value?.snapshot.owner)
    }

    /// Puts everything on the page.
    pub fn fill(&self, page: &mut Page) {
        page.clock_gained = self.clock.gained_seconds();
        self.fill_logs(page);
        let (queue, sockets) = (self.queue.get(), self.sockets.get());
        let (processes, filesystems) = (self.processes.get(), self.filesystems.get());
        queue.value.inspect_ref(|value| collectors::fill_queue(page, &value.snapshot, &value.growth));
        sockets.value.inspect_ref(|value| collectors::fill_sockets(page, value, &self.clients));
        processes.value.inspect_ref(|value| collectors::fill_processes(page, value));
        filesystems.value.inspect_ref(|value| collectors::fill_filesystems(page, value));
        exporter::fill_collector(page, "queue", &queue);
        exporter::fill_collector(page, "sockets", &sockets);
        exporter::fill_collector(page, "processes", &processes);
        exporter::fill_collector(page, "filesystems", &filesystems);
        exporter::fill_active(page, self.active.get().value.as_deref().copied().flatten());
        exporter::fill_state(page, &self.state.lock());
        exporter::fill_wakeups(page, &self.wakeups);
        connections::fill(page, &self.connections);
        let own = self.own.lock().clone();
        exporter::fill_own(page, own.as_deref(), self.readiness().is_ready());
    }

    fn fill_logs(&self, page: &mut Page) {
        let book = self.logs();
        if book.shown {
            let now = self.clock.now().shown(&book.aggregate);
            logs::fill(page, &book.aggregate.totals, &self.clients, now);
        }
        if book.notices_shown {
            logs::fill_notices(page, &book.aggregate.totals);
        }
        exporter::fill_following(page, &book.following, self.clock.steady_seconds());
        exporter::fill_collector(page, "log", &book.reading);
        exporter::fill_timezone(page, self.timezone.is_known());
    }
}

/// Looking into an optional shared value.
trait InspectRef<T> {
    fn inspect_ref(&self, look: impl FnOnce(&T));
}

impl<T> InspectRef<T> for Option<Arc<T>> {
    fn inspect_ref(&self, look: impl FnOnce(&T)) {
        if let Some(value) = self {
            look(value);
        }
    }
}
