//! Whether the MTA is active on this host.

use std::sync::Arc;

use super::row::{Look, Start};
use crate::observed::reading::Run;
use crate::observed::{Active, Observed};
use crate::source::install::Install;
use crate::source::presence::holds_anything;
use crate::source::processes::ProcessSnapshot;

/// As configured, else by what is there.
pub(super) fn start(start: &Start<'_>) -> Look<Active> {
    let (observed, configured) = (Arc::clone(start.observed), start.config.mta.active);
    Box::new(move || Run::Whole(Active(configured.or_else(|| is_active(&observed)))))
}

/// Whether anything of the MTA is on this host: on the passive node of a pair neither logs nor queue are mounted,
/// and nothing runs. Some of it there and some not is a fault, which must silence nothing. `None` until the
/// processes have been looked at where they decide.
fn is_active(observed: &Observed) -> Option<bool> {
    let Install { log_directory, queue_directory, .. } = &observed.install;
    if holds_anything(log_directory) || holds_anything(queue_directory) {
        return Some(true);
    }
    let processes = observed.collected.found::<ProcessSnapshot>()?;
    Some(processes.processes.values().any(|group| group.running > 0))
}
