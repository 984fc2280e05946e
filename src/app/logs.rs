//! The log thread: the single writer that reads, parses and counts.

mod beside;
mod daemons;
mod entries;
mod follow;
pub mod followed;
mod notices;
mod usual;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::death::DeathNotice;
use super::state::{Beside, Save, Snapshot, State, StateWriter};
use crate::config::Config;
use crate::observed::queue::Queue;
use crate::observed::reading::Run;
use crate::observed::{Observed, ProblemLog};
use crate::source::daemon_logs::Listing;
use crate::source::install::Install;
use crate::source::wakeup::{Waker, Wakeups};
use beside::BESIDE;
use followed::FollowedLogs;
use usual::Teacher;

/// How often is saved what has files of its own, beside the end: it is larger than the state, and may be minutes old.
const BESIDE_INTERVAL: Duration = Duration::from_mins(5);

/// What fires is saved soon, so that a kill takes nothing of it away.
const ALERTS_INTERVAL: Duration = Duration::from_secs(2);

/// While a backlog is read, progress is shown each time that this many blocks were.
const BLOCKS_SHOWN: usize = 64;

/// What is followed beside the logs: the name of its kind, and where it is.
pub fn beside(config: &Config) -> impl Iterator<Item = (&'static str, PathBuf)> {
    BESIDE.iter().flat_map(|row| (row.paths)(config).into_iter().map(|path| (row.kind.name, path)))
}

/// Tells the thread what to do.
#[derive(Debug)]
pub struct LogThread {
    shared: Arc<Shared>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    /// What to go on with, and who waits until it does.
    order: Mutex<Option<(Box<Config>, Sender<()>)>>,
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn has_order(&self) -> bool {
        self.order.lock().is_some()
    }
}

impl LogThread {
    /// Asks the thread to save and end after the block that it is reading.
    pub fn stop(self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Asks the thread to go on with another configuration after the block that it is reading; who is told when it
    /// does. An order that was not taken before is replaced.
    ///
    /// It is the single writer of sums that agree with its places, so there is never a second one: where a log does not
    /// answer, the order waits.
    pub fn go_on_with(&self, config: &Config) -> Receiver<()> {
        let (taken, told) = channel();
        *self.shared.order.lock() = Some((Box::new(config.clone()), taken));
        self.waker.wake();
        told
    }
}

/// Starts the thread; the receiver hears when it has ended and saved.
pub(super) fn spawn(
    config: &Config,
    observed: Arc<Observed>,
    (waker, mut wakeups): (Waker, Wakeups),
    state: State,
    died: mpsc::UnboundedSender<&'static str>,
) -> std::io::Result<(LogThread, oneshot::Receiver<()>)> {
    let shared = Arc::new(Shared::default());
    let (ended, end) = oneshot::channel();
    let directory = &observed.install.log_directory;
    let logs = FollowedLogs::new(&config.logs, directory, &config.dialect(), &state.positions);
    let handle = LogThread { shared: Arc::clone(&shared), waker };
    let writer = StateWriter::spawn(state, Arc::clone(&observed), died.clone())?;
    let beside_saved_at = observed.clock.monotonic();
    let mut thread = Thread {
        logs,
        configured: Vec::new(),
        observed,
        shared,
        problems: ProblemLog::new("log"),
        changed: false,
        saved_at: None,
        interval: Duration::ZERO,
        alerts_saved: 0,
        beside_saved_at,
        teacher: Teacher::default(),
        writer,
    };
    thread.settle(config);
    std::thread::Builder::new().name("log".into()).spawn(move || {
        let _notice = DeathNotice::new("log", died);
        thread.run(&mut wakeups);
        thread.finish();
        ended.send(()).ok();
    })?;
    Ok((handle, end))
}

/// The files that are followed as logs.
pub(super) fn paths(config: &Config, install: &Install) -> Vec<PathBuf> {
    config.logs.files.iter().map(|name| install.log_directory.join(name)).collect()
}

struct Thread {
    logs: FollowedLogs,
    /// Channels that the configuration names.
    configured: Vec<String>,
    observed: Arc<Observed>,
    shared: Arc<Shared>,
    problems: ProblemLog,
    /// Whether anything happened since the last save.
    changed: bool,
    /// The first save is due at once: until then a restart would not know where this start began.
    saved_at: Option<Duration>,
    interval: Duration,
    /// How often what fires had changed when it was last saved.
    alerts_saved: u64,
    /// When what is beside the state was last saved, or this run began.
    beside_saved_at: Duration,
    teacher: Teacher,
    writer: StateWriter,
}

impl Thread {
    fn run(&mut self, wakeups: &mut Wakeups) {
        let mut problems = ProblemLog::with("file events", "the logs are looked at every poll instead");
        while !self.shared.is_stopping() {
            self.take_order(wakeups);
            let found = self.round();
            if tracing::enabled!(tracing::Level::TRACE) {
                let book = self.observed.logs();
                let lines = book.aggregate.totals.accounts.all().iter().map(|account| account.lines);
                tracing::trace!(lines = lines.sum::<u64>(), "counted");
            }
            let now = self.observed.clock.monotonic();
            if !self.shared.has_order() && wakeups.wait(found, now).is_none() {
                return;
            }
            problems.note(wakeups.problem(), now);
        }
    }

    /// Goes on with another configuration, where there is one: between two steps, when places and sums agree.
    fn take_order(&mut self, wakeups: &mut Wakeups) {
        let Some((config, taken)) = self.shared.order.lock().take() else { return };
        let install = &self.observed.install;
        self.logs.go_on_with(&config.logs, &install.log_directory, &config.dialect());
        wakeups.go_on_with(paths(&config, install), config.logs.poll);
        self.settle(&config);
        self.changed = true;
        // What is written from now on is read: a further log has been looked at.
        self.step_each();
        // Who asked may have given up waiting.
        taken.send(()).ok();
    }

    /// What a configuration says beside the logs.
    fn settle(&mut self, config: &Config) {
        self.logs.beside(&BESIDE, config);
        // A count that nobody adds to any more is not shown.
        self.observed.logs_mut().notices_shown &= config.held.syslog.is_some();
        self.logs.daemons(config);
        self.configured = config.queue.stuck_after_by_channel.keys().cloned().collect();
        self.interval = config.state.interval;
        let zone = self.observed.timezone.zone.clone();
        self.teacher = Teacher::new(config, self.observed.logs_mut().baseline.get_mut(), zone);
    }

    /// Reads every log to its end, a block of each in turn: one with a backlog keeps none waiting.
    /// Whether there was anything in the logs; what is followed beside them is nothing that a watcher watches.
    fn round(&mut self) -> bool {
        let start = self.observed.clock.monotonic();
        let (mut steps, mut found) = (0, false);
        loop {
            let (entries, others) = (self.step_each(), self.step_beside());
            if !entries && !others {
                break;
            }
            found |= entries;
            steps += 1;
            self.save_when_due();
            if steps % BLOCKS_SHOWN == 0 {
                // While lines come as fast as they are read there is no other end of catching up.
                self.publish(true, start);
            }
            if self.shared.has_order() {
                break;
            }
        }
        self.publish(steps > 0, start);
        self.save_when_due();
        found
    }

    /// Steps every log once; whether there may be more.
    fn step_each(&mut self) -> bool {
        let mut more = false;
        for index in 0..self.logs.count() {
            let stopping = self.shared.is_stopping();
            let now = self.observed.clock.now();
            more |= !stopping && self.logs.step(index, self.observed.log_book(), now);
        }
        self.changed |= more;
        more
    }

    /// Steps every other file once; whether there may be more.
    fn step_beside(&mut self) -> bool {
        let stopping = self.shared.is_stopping();
        let now = self.observed.clock.now();
        let mut more = !stopping && self.logs.step_beside(self.observed.log_book(), now);
        if !stopping {
            let listing = self.observed.collected.found::<Listing>();
            more |= self.logs.step_daemons(listing.as_ref(), self.observed.log_book(), now);
        }
        self.changed |= more;
        more
    }

    /// Shows how far the logs have been read since `start`, and what is wrong.
    fn publish(&mut self, found: bool, start: Duration) {
        let now = self.observed.clock.now();
        let channels = self.observed.collected.found::<Queue>();
        let problem = self.logs.problem();
        self.problems.note(problem.as_deref(), now.monotonic);
        let mut book = self.observed.logs_mut();
        self.logs.show_progress(&mut book, now);
        self.logs.show_reach(&mut book, now);
        let active = self.observed.is_active() != Some(false);
        let queue = channels.as_deref().filter(|_| active);
        let current = active && self.logs.is_current(&book, now);
        self.teacher.teach(&mut book, queue, current, now);
        // Channels with a queue directory have counters from 0, before their first entry.
        if let Some(queue) = channels {
            let labels = queue.snapshot.labels.iter().map(ToString::to_string);
            let real = labels.chain(self.configured.iter().cloned()).collect();
            book.aggregate.totals.know_channels(&real);
        }
        // A round that finds nothing says nothing about how long reading takes.
        let duration = now.monotonic.saturating_sub(start).as_secs_f64();
        let duration = if found { duration } else { book.reading.duration };
        book.reading.update(Run::read((), problem), now.steady_seconds, duration);
    }

    fn save_when_due(&mut self) {
        let now = self.observed.clock.monotonic();
        // The first snapshot waits for a log, and the history goes with one.
        let beside = self.saved_at.is_some() && now.saturating_sub(self.beside_saved_at) >= BESIDE_INTERVAL;
        let alerts = Arc::clone(&self.observed.alerts.lock());
        // What was told has to be known after a kill, too: what is told again is another page.
        let so_far = alerts.changes + self.observed.notified.changes();
        let due = match self.saved_at {
            Some(at) => {
                let (passed, changed) = (now.saturating_sub(at), so_far != self.alerts_saved);
                let waits = self.changed || !alerts.conditions.is_empty();
                (waits && passed >= self.interval)
                    || (changed && passed >= ALERTS_INTERVAL.min(self.interval))
            }
            None => self.logs.is_attached(),
        };
        if due || beside {
            self.writer.save(self.copy(beside));
            self.changed = false;
            self.alerts_saved = so_far;
            self.saved_at = Some(now);
        }
        if beside {
            self.beside_saved_at = now;
        }
    }

    /// A copy of one instant: it is written while reading goes on.
    fn copy(&self, beside: bool) -> Save {
        let book = self.observed.logs();
        let snapshot = Snapshot { positions: self.logs.positions(), totals: book.aggregate.totals.clone() };
        let alerts = self.observed.alerts.lock().saved(self.observed.clock.unix());
        let alerts = alerts.with_usual(self.observed.usual.lock().clone());
        let alerts = alerts.with_told(self.observed.notified.saved());
        let beside = beside
            .then(|| Beside { history: book.history.lock().clone(), baseline: book.baseline.lock().clone() });
        Save { snapshot, alerts, beside }
    }

    fn finish(self) {
        let last = self.copy(true);
        self.writer.finish(last);
    }
}
