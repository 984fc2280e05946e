//! What the daemons log: the Dispatcher, the Job Controller and the SMTP servers.
//!
//! Their chance is one of its own, so that what is logged here changes no mail.

use fastrand::Rng;

use super::super::action::{Action, HostAction};
use super::super::configuration;
use super::super::incident::Trouble;
use super::super::process_log::{ProcessLog, record};
use super::super::world::LOCAL_HOST;
use super::Traffic;

/// The daemons with a log for each of their processes.
const DAEMONS: [&str; 5] =
    ["dispatcher", "job_controller", "tcp_smtp_server", "tcp_smtp_server", "tcp_smtp_server"];

/// The Dispatcher's servers.
const SERVER: &str = "tcp_smtp_server";
/// Logs of each daemon that are kept beside those of its processes, as `imsimta purge` keeps some.
const KEPT: usize = 5;

/// The logs of the daemons.
#[derive(Debug)]
pub(super) struct Daemons {
    random: Rng,
    /// Those that are written to now, the newest last.
    logs: Vec<ProcessLog>,
    /// Those of processes that have ended.
    ended: Vec<ProcessLog>,
}

impl Daemons {
    /// None has started yet.
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(!seed), logs: Vec::new(), ended: Vec::new() }
    }

    /// As long as those of the MTA.
    fn id(&mut self) -> String {
        (0..12).map(|_| self.random.alphanumeric().to_ascii_uppercase()).collect()
    }

    /// All processes of a daemon end but the first ones.
    fn end(&mut self, program: &str, but: usize) {
        let mut stay = but;
        let leaves = |log: &mut ProcessLog| {
            let leaves = log.program == program && stay == 0;
            stay -= usize::from(log.program == program && !leaves);
            leaves
        };
        self.ended.extend(self.logs.extract_if(.., leaves));
    }

    /// What is more than there may be of a daemon's old logs, the oldest first.
    fn purged(&mut self, program: &str) -> Vec<ProcessLog> {
        let of = |log: &ProcessLog| log.program == program;
        let mut many = self.ended.iter().filter(|log| of(log)).count().saturating_sub(KEPT);
        let goes = |log: &mut ProcessLog| {
            let goes = of(log) && many > 0;
            many -= usize::from(goes);
            goes
        };
        self.ended.extract_if(.., goes).collect()
    }
}

impl Traffic {
    /// The daemons among these programs start, and each begins a log.
    pub(super) fn daemons_start(&mut self, programs: &[&str]) {
        for &program in programs {
            self.start_anew(program, 0);
        }
    }

    /// New processes are in the place of a daemon's old ones, but for the first ones.
    fn start_anew(&mut self, program: &str, but: usize) {
        self.daemons.end(program, but);
        for program in DAEMONS.into_iter().filter(|&daemon| daemon == program).skip(but) {
            let log = ProcessLog { program, id: self.daemons.id() };
            self.emit(Action::Daemon { log: log.clone(), record: Vec::new() });
            self.daemons.logs.push(log);
            if program == SERVER {
                // The first line of a server's log; it is longer than a line may be.
                let process = self.daemons.random.u32(0x1000..0x7_ffff);
                let text = format!(
                    "Debug output enabled, system {LOCAL_HOST}, process {process:x}.0, Oracle Communications \
                     Messaging Server 8.1"
                );
                self.daemon_says(program, 1, &text);
            }
        }
        for log in self.daemons.purged(program) {
            self.emit(Action::Purge { log });
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

    /// The Dispatcher puts new servers in the place of its old ones long before these have lived for too long, but
    /// for one whose client never ends.
    pub(super) fn plan_renewal(&mut self) {
        let life = configuration::life(self.options.incident.map(|planned| planned.trouble));
        self.after(life / 2, |traffic| {
            let but = usize::from(traffic.trouble == Some(Trouble::SmtpServerStuck));
            traffic.emit(Action::OnHost(HostAction::Renew { but }));
            traffic.start_anew(SERVER, but);
            traffic.plan_renewal();
        });
    }

    /// The newest process of a daemon writes a record.
    pub(super) fn daemon_says(&mut self, program: &str, thread: u16, text: &str) {
        let record = record(self.stamp(), thread, text);
        if let Some(log) = self.daemons.logs.iter().rfind(|log| log.program == program).cloned() {
            self.emit(Action::Daemon { log, record });
        }
    }
}
