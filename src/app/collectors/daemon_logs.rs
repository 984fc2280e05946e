//! Which files of daemons there are in the log directory.

use std::sync::Arc;

use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::config::DaemonLogs;
use crate::observed::reading::{Reading, Run};
use crate::record::daemon_log::DaemonLog;
use crate::source::daemon_logs::{Lister, Listing, Moment, Pattern};
use crate::source::seed::new_seed;

pub(super) fn start(start: &Start<'_>) -> Look<Listing> {
    let (directory, wanted) =
        (start.observed.install.log_directory.clone(), patterns(&start.config.daemon_logs));
    let (observed, turn) = (Arc::clone(start.observed), start.turn.clone());
    let mut carried_over = start.kept.carried_over(|before: Option<Lister>| match before {
        Some(mut before) => {
            before.go_on_with(wanted);
            before
        }
        None => Lister::new(directory, wanted, new_seed()),
    });
    Box::new(move || {
        let lister = carried_over.get();
        let now = observed.clock.now();
        let unix = u128::try_from(now.unix.millis()).unwrap_or(0) * 1_000_000;
        let alive = || {
            observed.collected.latest::<Listing>().map(|latest| latest.alive(&turn));
        };
        match lister.list(Moment { unix, monotonic: now.monotonic }, alive) {
            Ok(listing) => {
                let problem = listing.problem.clone();
                Run::read(listing, problem)
            }
            Err(error) => Run::Failed(format!("{}: {error}", lister.directory().display())),
        }
    })
}

/// What the names of the files begin with.
fn patterns(config: &DaemonLogs) -> Vec<Pattern> {
    let name = |log: DaemonLog| match log {
        DaemonLog::Imta => log.label().to_owned(),
        _ => format!("{}.log", log.label()),
    };
    let daemons = config.logs.iter().map(|&log| (log, name(log)));
    let channels = config.channels.iter().flat_map(|channel| {
        ["master", "slave"].map(|program| (DaemonLog::Channel, format!("{channel}_{program}.log")))
    });
    daemons.chain(channels).map(|(log, begins)| Pattern { log, begins: begins.into_bytes() }).collect()
}

/// Which logs there are.
pub(super) fn remarks(reading: &Reading<Listing>, _: &Start<'_>) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = reading.problem.iter().map(|problem| (Problem, problem.clone())).collect();
    let Some(listing) = &reading.value else { return remarks };
    let counts = listing.counts.iter().filter(|(_, counts)| counts.files > 0);
    let counts: Vec<String> =
        counts.map(|(log, counts)| format!("{} ({})", log.label(), counts.files)).collect();
    if counts.is_empty() && remarks.is_empty() {
        remarks.push((Note, "there are no logs of daemons in the directory of the logs".to_owned()));
    } else if !counts.is_empty() {
        remarks.push((Fine, counts.join(", ")));
    }
    remarks
}
