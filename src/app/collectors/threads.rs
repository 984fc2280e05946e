//! A thread for each collector, so that one that hangs in the kernel holds up no other.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::row::{Collects, Start};
use crate::app::death::DeathNotice;

/// A run takes at most one part in this many of a thread's time: a scan that lasts for long is
/// repeated later.
const DUTY: u32 = 20;

/// All running collectors.
#[derive(Debug)]
pub(in crate::app) struct Collectors {
    stops: Vec<Sender<()>>,
}

impl Collectors {
    /// Tells every collector to end after its present run. They are not waited for: one may hang.
    pub(in crate::app) fn stop(self) {
        drop(self.stops);
    }
}

/// Starts all collectors, without a look at any directory.
pub(in crate::app) fn spawn(
    rows: &[&'static dyn Collects],
    start: &Start<'_>,
    died: &UnboundedSender<&'static str>,
) -> std::io::Result<Collectors> {
    let mut stops = Vec::new();
    for row in rows {
        let (name, interval) = (row.name(), row.interval(start.config));
        let (mut look, notice) = (row.start(start), DeathNotice::new(name, died.clone()));
        let (stop, stopped) = channel();
        std::thread::Builder::new().name(name.into()).spawn(move || {
            let _notice = notice;
            loop {
                let worked = look();
                if !pause(&stopped, interval.saturating_sub(worked).max(worked * (DUTY - 1))) {
                    return;
                }
            }
        })?;
        stops.push(stop);
    }
    Ok(Collectors { stops })
}

/// Waits for the next run; `false` when there will be none.
fn pause(stopped: &Receiver<()>, time: Duration) -> bool {
    matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}
