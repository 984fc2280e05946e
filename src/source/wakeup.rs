//! Wakes the reader of the logs when one of them may have grown.
//!
//! linemux's events are hints: *look now*. They are coalesced, never asked which file changed, and
//! may stop at any time: the stream can end, fail, or drop an overflow, and one on a directory that
//! was removed is dead. So the watcher is made anew when that happens, and the reader polls anyway.
//! Under load one event a write costs more than reading and counting the line, so the reader drops
//! the watcher then and takes it up again when the logs are quiet.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use linemux::MuxedEvents;
use tokio::sync::watch;

/// How long after a watcher died a new one is made.
const REVIVAL: Duration = Duration::from_secs(1);
/// Events that come within this time are one.
const COALESCED: Duration = Duration::from_millis(2);

/// The reader's end.
#[derive(Debug)]
pub struct Wakeups {
    hints: Receiver<()>,
    watched: watch::Sender<bool>,
}

/// Why the reader goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakeup {
    /// A file changed, or somebody asked.
    Hint,
    /// The time is over.
    Timeout,
    /// Nobody can wake the reader any more: the program ends.
    Closed,
}

impl Wakeups {
    /// Waits for a hint, at most `timeout`.
    pub fn wait(&self, timeout: Duration) -> Wakeup {
        match self.hints.recv_timeout(timeout) {
            Ok(()) => Wakeup::Hint,
            Err(RecvTimeoutError::Timeout) => Wakeup::Timeout,
            Err(RecvTimeoutError::Disconnected) => Wakeup::Closed,
        }
    }

    /// Whether file events are wanted.
    pub fn watch(&self, wanted: bool) {
        self.watched.send_if_modified(|watched| std::mem::replace(watched, wanted) != wanted);
    }
}

/// The other end: wakes the reader.
#[derive(Clone, Debug)]
pub struct Waker(SyncSender<()>);

impl Waker {
    /// Wakes the reader, or does nothing when it has been woken already.
    pub fn wake(&self) -> bool {
        !matches!(self.0.try_send(()), Err(TrySendError::Disconnected(())))
    }
}

/// Both ends, and what the watcher needs.
pub fn channel() -> (Waker, Wakeups, watch::Receiver<bool>) {
    let (sender, hints) = sync_channel(1);
    let (watched, wanted) = watch::channel(true);
    (Waker(sender), Wakeups { hints, watched }, wanted)
}

/// Watches the files and wakes the reader, until the reader is gone.
pub async fn watch(paths: Vec<PathBuf>, waker: Waker, mut wanted: watch::Receiver<bool>) {
    loop {
        if wanted.wait_for(|wanted| *wanted).await.is_err() {
            return;
        }
        if let Some(mut events) = watcher(&paths).await {
            // Something may have been written between the reader's last look and the watch.
            waker.wake();
            tokio::select! {
                stopped = wanted.wait_for(|wanted| !*wanted) => {
                    if stopped.is_err() {
                        return;
                    }
                    continue;
                }
                () = forward(&mut events, &waker) => {}
            }
        }
        if !waker.wake() {
            return;
        }
        tokio::time::sleep(REVIVAL).await;
    }
}

/// A watcher of all files whose directory is there.
async fn watcher(paths: &[PathBuf]) -> Option<MuxedEvents> {
    let mut events = MuxedEvents::new().ok()?;
    let mut watched = false;
    for path in paths {
        watched |= events.add_file(path).await.is_ok();
    }
    watched.then_some(events)
}

/// Passes events on until the stream is dead.
async fn forward(events: &mut MuxedEvents, waker: &Waker) {
    while let Ok(Some(_)) = events.next_event().await {
        if !waker.wake() {
            return;
        }
        tokio::time::sleep(COALESCED).await;
    }
}
