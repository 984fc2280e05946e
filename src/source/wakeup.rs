//! Wakes the reader of the logs when one of them may have grown.
//!
//! While the logs are quiet, file events wake it within milliseconds. Under load one event a write
//! costs more than reading and counting the line, so the watcher is dropped and the reader looks on
//! a short tick. It looks once a second (`logs.poll`) in any case: events are
//! hints, *look now*, never asked which file changed, and a watcher may end, fail, go silent, spin
//! or hang. It is supervised here, by the reader itself, which knows what its looks found; whatever
//! becomes of it costs at most the time of a poll.
//!
//! No clock is read here: the time is a parameter, any clock that never goes back.

mod linemux;
mod rhythm;
mod supervisor;
mod watcher;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

pub use linemux::watch;
use rhythm::Rhythm;
use supervisor::Supervisor;
pub use watcher::{Hints, Watch};

use crate::record::labelled;

/// How often the logs are looked at under load.
pub const TICK: Duration = Duration::from_millis(15);

labelled! {
    /// Why the reader looks at the logs.
    Wakeup {
        Event = "event": "A file changed, or the watcher has news.";
        Tick = "tick": "The logs are busy.";
        Poll = "poll": "Nobody said anything for long.";
        Request = "request": "The program asks, for instance to stop.";
    }
}

labelled! {
    /// Why a watcher was given up and made anew.
    Restart {
        Ended = "ended": "Its stream of events ended: a watched directory is gone.";
        Failed = "failed": "It could not be made or gave an error, often for a limit of inotify.";
        Panicked = "panicked": "It panicked: linemux does where the limit of threads is reached.";
        Silent = "silent": "A log grew and it gave no event: a network file system, or a replaced file.";
        Appeared = "appeared": "A log that was not there when it was made grew.";
        Overflow = "overflow": "The kernel lost events.";
        Fruitless = "fruitless": "Its events came again and again without anything to read.";
        Flooded = "flooded": "It gave more events at once than any log has writes.";
        Spinning = "spinning": "It woke again and again without an event.";
        Stuck = "stuck": "A call of it did not return.";
    }
}

/// How often the reader was woken, and the watcher made anew, by cause.
#[derive(Debug, Default)]
pub struct WakeupCounts {
    wakeups: [AtomicU64; Wakeup::ALL.len()],
    restarts: [AtomicU64; Restart::ALL.len()],
}

impl WakeupCounts {
    /// How often the reader was woken for this cause.
    pub fn wakeups(&self, cause: Wakeup) -> u64 {
        self.wakeups[cause as usize].load(Ordering::Relaxed)
    }

    /// How often a watcher was given up for this cause.
    pub fn restarts(&self, cause: Restart) -> u64 {
        self.restarts[cause as usize].load(Ordering::Relaxed)
    }
}

/// The other end: wakes the reader.
#[derive(Clone, Debug)]
pub struct Waker {
    signals: SyncSender<Wakeup>,
    _alive: Arc<()>,
}

impl Waker {
    /// Wakes the reader, or does nothing when it has been woken already; whether there is a reader.
    pub fn wake(&self) -> bool {
        !matches!(self.signals.try_send(Wakeup::Request), Err(TrySendError::Disconnected(_)))
    }
}

/// The reader's end.
#[derive(Debug)]
pub struct Wakeups {
    signals: Receiver<Wakeup>,
    /// Dead when nobody is left who could ask the reader to stop.
    wakers: Weak<()>,
    poll: Duration,
    rhythm: Rhythm,
    supervisor: Supervisor,
    counts: Arc<WakeupCounts>,
    last: Option<Wakeup>,
}

/// Both ends. The files at `paths` are watched by what `watch` makes, and looked at once a `poll`
/// in any case.
pub fn channel(paths: Vec<PathBuf>, poll: Duration, watch: Watch) -> (Waker, Wakeups) {
    let (sender, signals) = sync_channel(1);
    let alive = Arc::new(());
    let counts = Arc::new(WakeupCounts::default());
    let wakeups = Wakeups {
        signals,
        wakers: Arc::downgrade(&alive),
        poll,
        rhythm: Rhythm::default(),
        supervisor: Supervisor::new(paths, watch, sender.clone(), Arc::clone(&counts)),
        counts,
        last: None,
    };
    (Waker { signals: sender, _alive: alive }, wakeups)
}

impl Wakeups {
    /// Watches other files and polls in another rhythm; counts go on.
    pub fn go_on_with(&mut self, paths: Vec<PathBuf>, poll: Duration) {
        self.poll = poll;
        self.supervisor.go_on_with(paths);
    }

    /// How often it woke for what; goes on counting.
    pub fn counts(&self) -> Arc<WakeupCounts> {
        Arc::clone(&self.counts)
    }

    /// Why there are no file events, when watcher after watcher was of no use.
    pub fn problem(&self) -> Option<&str> {
        self.supervisor.problem()
    }

    /// Takes in whether the look that just ended found anything, and waits for the next one. `None`
    /// when every [`Waker`] is gone: the program ends.
    pub fn wait(&mut self, found: bool, now: Duration) -> Option<Wakeup> {
        let ticking = self.rhythm.after_look(found, now);
        self.supervisor.after_look(self.last, found, now);
        let pause = if ticking {
            self.supervisor.stop();
            TICK
        } else {
            self.supervisor.keep(now);
            self.supervisor.patience(now).min(self.poll)
        };
        let cause = match self.signals.recv_timeout(pause) {
            Ok(cause) => cause,
            Err(RecvTimeoutError::Timeout) if ticking => Wakeup::Tick,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Wakeup::Poll,
        };
        if self.wakers.strong_count() == 0 {
            return None;
        }
        self.counts.wakeups[cause as usize].fetch_add(1, Ordering::Relaxed);
        self.last = Some(cause);
        Some(cause)
    }
}
