//! Asks why messages are held, between a scan of the queue and what is shown of it.

use std::time::{Duration, SystemTime};

use crate::config::Held;
use crate::observed::ProblemLog;
use crate::source::held::message::ReceivedLimits;
use crate::source::held::{Answer, Budget, Effort, Inspector, full_host_name};
use crate::source::install::Install;
use crate::source::spool::Scanner;

/// Takes held files from the scanner to the inspector, and the answers back.
#[derive(Debug)]
pub(super) struct HeldReasons {
    inspector: Inspector,
    problems: ProblemLog,
}

impl HeldReasons {
    /// For the queue of an installation.
    pub(super) fn new(config: &Held, install: &Install) -> Self {
        let limits = ReceivedLimits {
            received: config.max_received_lines,
            local: config.max_local_received_lines,
            mr: config.max_mr_received_lines,
            x400: config.max_x400_received_lines,
            total: config.max_total_received_lines,
        };
        let host = config.host.clone().or_else(full_host_name);
        if host.is_none() {
            tracing::info!(
                "the host name of the system has no domain, so mail loops through this host are told from \
                 other held messages only when they are long; held.host names the MTA's own host name"
            );
        }
        let root = install.queue_directory.clone();
        let inspector = Inspector::new(root, limits, host.as_deref(), Budget::default());
        Self { inspector, problems: ProblemLog::with("held", "its reason stays unclassified until then") }
    }

    /// Answers what the last scan asks, as far as the budget goes; `now` is the time of the scan.
    pub(super) fn answer(&mut self, scanner: &mut Scanner, now: SystemTime, clock: &dyn Fn() -> Duration) {
        let found = scanner.held_found();
        let start = clock();
        let mut round = self.inspector.round(now, || clock().saturating_sub(start));
        for file in &found {
            match round.inspect(file.key.directory(), &file.name) {
                Answer::Reason(reason) => scanner.classified(&file.key, reason),
                Answer::Later => scanner.put_back(&file.key),
            }
        }
        let effort = round.finish();
        if !found.is_empty() {
            self.problems.note(problem(&effort).as_deref(), clock());
        }
    }
}

/// What could not be read. The name of a file may come from outside, so its directory has to do.
fn problem(effort: &Effort) -> Option<String> {
    let (path, error) = effort.failure.as_ref()?;
    let directory = path.parent().unwrap_or(path);
    Some(format!(
        "{} held files cannot be read, the first in {}: {error}",
        effort.unreadable,
        directory.display()
    ))
}
