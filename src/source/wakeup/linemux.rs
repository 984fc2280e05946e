//! linemux behind [`Hints`]: its `MuxedEvents`, and what has to be known about it.
//!
//! Read in the source of linemux 0.3.0 and notify 5.2.0, and tried: one poll takes at most one event
//! off a channel, so it cannot spin by itself; it may call into the file system and wait for notify's
//! thread. The stream ends for good once no file is left that it could watch. It resolves a symbolic
//! link to a directory against the working directory, so that it must be given resolved paths. When
//! notify's thread cannot be started, adding a file panics, and so does dropping what was made.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use linemux::MuxedEvents;

use super::Restart;
use super::watcher::{Hints, Stopped};

/// Watches those of the files that can be watched.
///
/// # Errors
///
/// When none of them can: the limit of inotify instances or watches is reached, or a file vanished.
pub fn watch(paths: &[PathBuf]) -> io::Result<Box<dyn Hints>> {
    let mut events = Events(Some(MuxedEvents::new().map_err(with_limit)?));
    let mut refusal = None;
    let mut watched = false;
    for path in paths {
        match events.add(path) {
            Ok(()) => watched = true,
            Err(error) => refusal = Some(error),
        }
    }
    match refusal {
        Some(error) if !watched => Err(error),
        _ => Ok(Box::new(events)),
    }
}

/// The kernel says the same of two limits.
fn with_limit(error: io::Error) -> io::Error {
    if error.raw_os_error() != Some(rustix::io::Errno::MFILE.raw_os_error()) {
        return error;
    }
    io::Error::other("fs.inotify.max_user_instances or the limit of open files is reached")
}

/// Never empty but while it is dropped.
struct Events(Option<MuxedEvents>);

impl Events {
    fn add(&mut self, path: &Path) -> io::Result<()> {
        let Some(events) = &mut self.0 else { return Ok(()) };
        let path = resolved(path)?;
        // Asynchronous in name only: there is nothing in it to wait for.
        match pin!(events.add_file(path)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(added) => added.map(drop),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Hints for Events {
    fn poll_hint(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        let Some(events) = &mut self.0 else { return Poll::Ready(Err(Restart::Ended.into())) };
        Poll::Ready(match ready!(pin!(events.next_event()).poll(context)) {
            Ok(Some(event)) if event.need_rescan() => Err(Restart::Overflow.into()),
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Restart::Ended.into()),
            Err(error) => Err(error.into()),
        })
    }
}

impl Drop for Events {
    /// A second panic while the first is being handled would end the program.
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::mem::forget(self.0.take());
        }
    }
}

/// The file in its real directory. The file itself may be a link: the kernel follows that.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match (path.parent(), path.file_name()) {
        (Some(directory), Some(name)) => Ok(directory.canonicalize()?.join(name)),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}
