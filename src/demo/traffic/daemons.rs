//! What the daemons log: the Dispatcher, the Job Controller and the SMTP servers.
//!
//! Their chance is one of its own, so that what is logged here changes no mail.

use std::time::Duration;

use fastrand::Rng;

use super::super::action::{Action, HostAction};
use super::super::daemon_log::{DaemonLog, record};
use super::super::world::LOCAL_HOST;
use super::Traffic;

/// The daemons with a log for each of their processes.
const DAEMONS: [&str; 5] =
    ["dispatcher", "job_controller", "tcp_smtp_server", "tcp_smtp_server", "tcp_smtp_server"];

/// The Dispatcher renews its servers that often.
const RENEWAL: Duration = Duration::from_hours(12);

/// The logs that the daemons write to now.
#[derive(Debug)]
pub(super) struct Daemons {
    random: Rng,
    logs: Vec<DaemonLog>,
}

impl Daemons {
    /// None has started yet.
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(!seed), logs: Vec::new() }
    }

    /// As long as those of the MTA.
    fn id(&mut self) -> String {
        (0..12).map(|_| self.random.alphanumeric().to_ascii_uppercase()).collect()
    }
}

impl Traffic {
    /// The daemons among these programs start, and each begins a log.
    pub(super) fn daemons_start(&mut self, programs: &[&str]) {
        self.daemons.logs.retain(|log| !programs.contains(&log.program));
        for program in DAEMONS.into_iter().filter(|program| programs.contains(program)) {
            let log = DaemonLog { program, id: self.daemons.id() };
            self.emit(Action::Daemon { log: log.clone(), record: Vec::new() });
            self.daemons.logs.push(log);
            if program == "tcp_smtp_server" {
                // The first line of a server's log; it is longer than a line may be.
                let process = self.daemons.random.u32(0x1000..0x7_ffff);
                let text = format!(
                    "Debug output enabled, system {LOCAL_HOST}, process {process:x}.0, Oracle Communications \
                     Messaging Server 8.1"
                );
                self.daemon_says(program, 1, &text);
            }
        }
    }

    /// There is no memory for another process, so the Job Controller cannot start a channel program
    /// (Administration Guide, "Job Controller: fork failed").
    pub(super) fn fork_fails(&mut self) {
        self.daemon_says(
            "job_controller",
            1,
            "jbc_channels: chan_execute [1]: fork failed: Not enough space",
        );
    }

    /// The Dispatcher lets no server live for longer than a day.
    pub(super) fn plan_renewal(&mut self) {
        self.after(RENEWAL, |traffic| {
            traffic.emit(Action::OnHost(HostAction::Renew { but: 0 }));
            traffic.daemons_start(&["tcp_smtp_server"]);
            traffic.plan_renewal();
        });
    }

    /// The Dispatcher puts new servers in the place of its old ones, but for one whose client never ends.
    pub(super) fn servers_are_renewed(&mut self) {
        self.emit(Action::OnHost(HostAction::Renew { but: 1 }));
        self.daemons_start(&["tcp_smtp_server"]);
    }

    /// The newest process of a daemon writes a record.
    pub(super) fn daemon_says(&mut self, program: &str, thread: u16, text: &str) {
        let record = record(self.stamp(), thread, text);
        if let Some(log) = self.daemons.logs.iter().rfind(|log| log.program == program).cloned() {
            self.emit(Action::Daemon { log, record });
        }
    }
}
