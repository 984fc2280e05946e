//! Carries out what the generator decides, in its time or as fast as possible.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::action::{Action, TimedAction};
use super::host::Host;
use super::logs::LogFiles;
use super::queue_manager;
use super::site::Site;
use super::traffic::Traffic;
use crate::observed::Clock;

/// What the one who started the demo can ask for while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A rollover now.
    RollOver,
}

/// The hands of the synthetic MTA.
#[derive(Debug)]
pub struct Performer {
    queue: PathBuf,
    root: PathBuf,
    log_directory: PathBuf,
    logs: LogFiles,
    /// Without one, what happens to it is left out.
    host: Option<Host>,
}

impl Performer {
    /// One that only writes files.
    pub fn files_only(site: &Site) -> Self {
        Self {
            queue: site.queue(),
            root: site.root().to_owned(),
            log_directory: site.logs(),
            logs: LogFiles::new(&site.logs()),
            host: None,
        }
    }

    /// One that also has a host. The logs are there from the start, as on a host
    /// whose MTA has run before.
    ///
    /// # Errors
    ///
    /// The logs cannot be made.
    pub fn whole(site: &Site, host: Host) -> io::Result<Self> {
        let mut performer = Self::files_only(site);
        performer.logs.open()?;
        Ok(Self { host: Some(host), ..performer })
    }

    /// Carries out all events before `end`, without waiting for their time.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn hurry(&mut self, traffic: Traffic, end: Duration) -> io::Result<()> {
        for event in traffic.take_while(|event| event.at < end) {
            self.perform(event.action, &mut |_| {})?;
        }
        self.logs.flush()
    }

    /// Carries out every event in its time, until nobody can give orders any more. What is worth
    /// telling goes to `tell`.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn live(
        &mut self,
        mut traffic: Traffic,
        orders: &Receiver<Order>,
        mut tell: impl FnMut(&str),
    ) -> io::Result<()> {
        let clock = Clock::start();
        let mut next: Option<TimedAction> = None;
        loop {
            let Some(event) = next.take().or_else(|| traffic.next()) else { return self.logs.flush() };
            let wait = event.at.saturating_sub(clock.monotonic());
            if !wait.is_zero() {
                self.logs.flush()?;
            }
            // Asked even when there is nothing to wait for: at a rate that is too high to keep up
            // with there never is.
            match orders.recv_timeout(wait) {
                Ok(Order::RollOver) => {
                    traffic.roll_over_now();
                    next = Some(event);
                }
                Err(RecvTimeoutError::Timeout) => self.perform(event.action, &mut tell)?,
                Err(RecvTimeoutError::Disconnected) => return self.logs.flush(),
            }
        }
    }

    fn perform(&mut self, action: Action, tell: &mut impl FnMut(&str)) -> io::Result<()> {
        match action {
            Action::Write { log, late, line } => self.logs.write(log, late, &line),
            Action::Daemon { log, record } => log.append(&self.log_directory, &record),
            Action::Purge { log } => gone_is_fine(fs::remove_file(self.log_directory.join(log.file_name()))),
            // Anew, so that no link leads elsewhere.
            Action::Create { file, contents } => {
                File::create_new(self.queue.join(file.path()))?.write_all(&contents)
            }
            Action::Rename { from, to } => {
                gone_is_fine(fs::rename(self.queue.join(from.path()), self.queue.join(to.path())))
            }
            Action::Delete { file } => gone_is_fine(fs::remove_file(self.queue.join(file.path()))),
            Action::RollOver => self.logs.roll_over(),
            Action::Answer { counters } => queue_manager::answer(&self.root, &counters),
            Action::OnHost(action) => self.host.as_mut().map_or(Ok(()), |host| host.perform(action)),
            Action::Tell { message } => {
                tell(&message);
                Ok(())
            }
        }
    }
}

/// One who tries things out may delete or rename a message file by hand.
fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
