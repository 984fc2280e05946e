//! One watcher on a thread of its own.
//!
//! Nothing here trusts the stream: it is polled at most once a [`PACE`], so that one that wakes
//! without end costs next to nothing; a poll takes what is there up to a bound, so that nothing piles
//! up in its channel unseen; a panic is a failure; and a call that does not return holds up this
//! thread alone.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::process::Pid;

use super::{Restart, Wakeup};

/// Between two looks at the stream: events that come within this time are one hint.
const PACE: Duration = Duration::from_millis(10);
/// More events than this within a pace are no writes to a log: a million a second.
pub(super) const FLOOD: usize = 10_000;
/// Paces in a row in which the stream woke the thread and had no event: a second of them.
pub(super) const SPIN: u32 = 100;

/// A stream of hints that one of the watched files changed.
pub trait Hints {
    /// The next hint, or why there will be none any more. Called again only after the context's
    /// waker was woken or a hint was given.
    fn poll_hint(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stopped>>;
}

/// Makes a stream of hints about files.
pub type Watch = Arc<dyn Fn(&[PathBuf]) -> io::Result<Box<dyn Hints>> + Send + Sync>;

/// Why a stream gives no hints any more.
#[derive(Debug)]
pub struct Stopped {
    pub(super) cause: Restart,
    pub(super) error: Option<String>,
}

impl From<Restart> for Stopped {
    fn from(cause: Restart) -> Self {
        Self { cause, error: None }
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self { cause: Restart::Failed, error: Some(error.to_string()) }
    }
}

/// A watcher at work. It is told to stop when this is dropped, and does so unless it hangs.
#[derive(Debug)]
pub(super) struct Watcher {
    progress: Arc<Progress>,
    wake: SyncSender<()>,
    stop: Sender<()>,
}

/// What the thread tells about itself.
#[derive(Debug, Default)]
struct Progress {
    /// Goes up by one before and after each call into the stream: odd within one.
    calls: AtomicU64,
    thread: OnceLock<Pid>,
    stopped: OnceLock<Stopped>,
}

impl Progress {
    fn step(&self) {
        self.calls.fetch_add(1, Ordering::Release);
    }
}

impl Watcher {
    /// Starts the thread. It holds `presence` until it has ended.
    pub(super) fn start(
        watch: &Watch,
        paths: Vec<PathBuf>,
        reader: SyncSender<Wakeup>,
        presence: Arc<()>,
    ) -> io::Result<Self> {
        let (stop, stopping) = channel();
        let (wake, rung) = sync_channel(1);
        let progress = Arc::new(Progress::default());
        let work = Work {
            watch: Arc::clone(watch),
            paths,
            reader: reader.clone(),
            progress: Arc::clone(&progress),
            wake: wake.clone(),
            rung,
            stopping,
        };
        let told = Arc::clone(&progress);
        std::thread::Builder::new().name("watcher".into()).spawn(move || {
            told.thread.set(rustix::thread::gettid()).ok();
            let ended = catch_unwind(AssertUnwindSafe(|| work.run()));
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(stopped)) => drop(told.stopped.set(stopped)),
                Err(_) => drop(told.stopped.set(Restart::Panicked.into())),
            }
            reader.try_send(Wakeup::Event).ok();
            drop(presence);
        })?;
        Ok(Self { progress, wake, stop })
    }

    /// Why it stopped, once it has.
    pub(super) fn stopped(&self) -> Option<&Stopped> {
        self.progress.stopped.get()
    }

    /// Whether it is past its first look: from then on it announces changes.
    pub(super) fn is_watching(&self) -> bool {
        self.progress.calls.load(Ordering::Acquire) >= 2
    }

    /// The call into the stream that has not returned, if there is one.
    pub(super) fn call(&self) -> Option<u64> {
        let calls = self.progress.calls.load(Ordering::Acquire);
        (calls % 2 == 1).then_some(calls)
    }

    /// Lets everything else on the host go first. A thread cannot be ended from outside.
    pub(super) fn make_way(&self) {
        if let Some(&thread) = self.progress.thread.get() {
            rustix::process::setpriority_process(Some(thread), 19).ok();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.send(()).ok();
        self.wake.try_send(()).ok();
    }
}

/// What the thread works with.
struct Work {
    watch: Watch,
    paths: Vec<PathBuf>,
    reader: SyncSender<Wakeup>,
    progress: Arc<Progress>,
    wake: SyncSender<()>,
    rung: Receiver<()>,
    stopping: Receiver<()>,
}

/// Wakes the thread.
struct ChannelWaker(SyncSender<()>);

impl std::task::Wake for ChannelWaker {
    fn wake(self: Arc<Self>) {
        self.0.try_send(()).ok();
    }
}

impl Work {
    /// Passes hints on until it is told to stop, or the stream is of no use any more.
    fn run(self) -> Result<(), Stopped> {
        let waker = std::task::Waker::from(Arc::new(ChannelWaker(self.wake.clone())));
        let mut context = Context::from_waker(&waker);
        self.progress.step();
        let mut hints = (self.watch)(&self.paths)?;
        let mut events = drain(&mut *hints, &mut context)?;
        self.progress.step();
        // Something may have been written between the reader's last look and the watch.
        self.reader.try_send(Wakeup::Event).ok();
        let mut spun = 0;
        loop {
            if events == FLOOD {
                return Err(Restart::Flooded.into());
            }
            if !matches!(self.stopping.recv_timeout(PACE), Err(RecvTimeoutError::Timeout)) {
                return Ok(());
            }
            let at_once = !matches!(self.rung.try_recv(), Err(TryRecvError::Empty));
            if !at_once && self.rung.recv().is_err() {
                return Ok(());
            }
            self.progress.step();
            events = drain(&mut *hints, &mut context)?;
            self.progress.step();
            spun = if at_once && events == 0 { spun + 1 } else { 0 };
            if spun == SPIN {
                return Err(Restart::Spinning.into());
            }
            if events > 0 {
                self.reader.try_send(Wakeup::Event).ok();
            }
        }
    }
}

/// Takes the events that are there; how many, [`FLOOD`] at most.
fn drain(hints: &mut dyn Hints, context: &mut Context<'_>) -> Result<usize, Stopped> {
    for events in 0..FLOOD {
        match hints.poll_hint(context) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(stopped)) => return Err(stopped),
            Poll::Pending => return Ok(events),
        }
    }
    Ok(FLOOD)
}
