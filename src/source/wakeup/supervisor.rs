//! Keeps a watcher at work, and notices when it is of no use.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::watcher::{Watch, Watcher};
use super::{Restart, Wakeup, WakeupCounts};

/// A watcher is made at most once in this time, and one whose call does not return for so long is
/// given up.
const REVIVAL: Duration = Duration::from_secs(1);
/// How long after a panic: each prints its message.
const CALM: Duration = Duration::from_mins(1);
/// Hints in a row, without a quiet poll between them, that lead to nothing.
pub(super) const FRUITLESS: u32 = 10;
/// Watchers in a row that were of no use until that is a problem.
const USELESS: u32 = 3;
/// Threads of watchers at most: one that hangs cannot be ended.
pub(super) const MOST_THREADS: usize = 3;

/// Starts watchers and gives them up.
pub(super) struct Supervisor {
    paths: Vec<PathBuf>,
    watch: Watch,
    reader: SyncSender<Wakeup>,
    counts: Arc<WakeupCounts>,
    /// One more for each living thread.
    presence: Arc<()>,
    watching: Option<Watching>,
    /// When a watcher may be made.
    not_before: Duration,
    /// How many in a row were of no use.
    useless: u32,
    problem: Option<String>,
}

/// The watcher at work, and what is held against it.
struct Watching {
    watcher: Watcher,
    /// The files that were there when it was made.
    paths: Vec<PathBuf>,
    since: Duration,
    /// Whether it was at work when the present wait began.
    armed: bool,
    /// A poll found something that no event had announced.
    unannounced: bool,
    fruitless: u32,
    /// The call that was under way, and since when we know.
    call: Option<(u64, Duration)>,
}

impl Supervisor {
    pub(super) fn new(
        paths: Vec<PathBuf>,
        watch: Watch,
        reader: SyncSender<Wakeup>,
        counts: Arc<WakeupCounts>,
    ) -> Self {
        Self {
            paths,
            watch,
            reader,
            counts,
            presence: Arc::default(),
            watching: None,
            not_before: Duration::ZERO,
            useless: 0,
            problem: None,
        }
    }

    /// Has other files watched from the next wait on.
    pub(super) fn go_on_with(&mut self, paths: Vec<PathBuf>) {
        if self.paths != paths {
            self.paths = paths;
            self.stop();
        }
    }

    /// Why there are no events, when watcher after watcher was of no use.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref().filter(|_| self.useless >= USELESS)
    }

    /// Takes in what woke the reader, and whether its look then found anything.
    pub(super) fn after_look(&mut self, woken: Option<Wakeup>, found: bool, now: Duration) {
        let Some(watching) = &mut self.watching else { return };
        if let Some(stopped) = watching.watcher.stopped() {
            let (cause, error) = (stopped.cause, stopped.error.clone());
            return self.give_up(cause, error, now);
        }
        match (woken, found) {
            (Some(Wakeup::Event), true) => {
                (watching.unannounced, watching.fruitless) = (false, 0);
                self.useless = 0;
            }
            (Some(Wakeup::Event), false) => {
                watching.unannounced = false;
                watching.fruitless += 1;
            }
            (Some(Wakeup::Poll), _) if watching.unannounced => {
                let appeared = present(&self.paths).iter().any(|path| !watching.paths.contains(path));
                let cause = if appeared { Restart::Appeared } else { Restart::Silent };
                return self.give_up(cause, None, now);
            }
            (Some(Wakeup::Poll), _) => {
                (watching.unannounced, watching.fruitless) = (found && watching.armed, 0);
            }
            (Some(Wakeup::Tick | Wakeup::Request) | None, _) => {}
        }
        if watching.fruitless >= FRUITLESS {
            self.give_up(Restart::Fruitless, None, now);
        } else if watching.hangs(now) {
            watching.watcher.make_way();
            self.give_up(Restart::Stuck, None, now);
        }
    }

    /// Sees to it that there is a watcher, if there can be one.
    pub(super) fn keep(&mut self, now: Duration) {
        if let Some(watching) = &mut self.watching {
            watching.armed = watching.watcher.is_watching();
            return;
        }
        if now < self.not_before || Arc::strong_count(&self.presence) > MOST_THREADS {
            return;
        }
        self.not_before = now + REVIVAL;
        let paths = present(&self.paths);
        if paths.is_empty() {
            return;
        }
        let presence = Arc::clone(&self.presence);
        match Watcher::start(&self.watch, paths.clone(), self.reader.clone(), presence) {
            Ok(watcher) => self.watching = Some(Watching::new(watcher, paths, now)),
            Err(error) => self.useless(Restart::Failed, Some(error.to_string())),
        }
    }

    /// How long the reader may wait without being late to make a watcher.
    pub(super) fn patience(&self, now: Duration) -> Duration {
        match &self.watching {
            Some(_) => Duration::MAX,
            None => match self.not_before.saturating_sub(now) {
                Duration::ZERO => REVIVAL,
                left => left,
            },
        }
    }

    /// Stops the watcher: events are not wanted.
    pub(super) fn stop(&mut self) {
        self.watching = None;
    }

    fn give_up(&mut self, cause: Restart, error: Option<String>, now: Duration) {
        let Some(watching) = self.watching.take() else { return };
        self.not_before = match cause {
            // Others write beside the log: they will go on.
            Restart::Fruitless => now + REVIVAL,
            Restart::Panicked => now + CALM,
            _ => watching.since + REVIVAL,
        };
        self.useless(cause, error);
    }

    fn useless(&mut self, cause: Restart, error: Option<String>) {
        self.counts.restarts[cause as usize].fetch_add(1, Ordering::Relaxed);
        self.useless = self.useless.saturating_add(1);
        let problem = error.unwrap_or_else(|| cause.meaning().to_owned());
        tracing::debug!(cause = cause.label(), problem, "the watcher of the logs is made anew");
        self.problem = Some(problem);
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Supervisor").field("paths", &self.paths).finish_non_exhaustive()
    }
}

impl Watching {
    fn new(watcher: Watcher, paths: Vec<PathBuf>, now: Duration) -> Self {
        Self { watcher, paths, since: now, armed: false, unannounced: false, fruitless: 0, call: None }
    }

    /// Whether the same call has been under way for long.
    fn hangs(&mut self, now: Duration) -> bool {
        self.call = match (self.watcher.call(), self.call) {
            (Some(call), Some((known, since))) if call == known => Some((call, since)),
            (Some(call), _) => Some((call, now)),
            (None, _) => None,
        };
        self.call.is_some_and(|(_, since)| now.saturating_sub(since) >= REVIVAL)
    }
}

/// The files that are there. One that is not would have its whole directory watched, and every
/// other log's writes would wake us.
fn present(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().filter(|path| path.is_file()).cloned().collect()
}
