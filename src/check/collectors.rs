//! Every collector once: what the service would hear of it.

use std::path::Path;
use std::sync::Arc;

use super::Checked;
use crate::aggregate::{Aggregate, Totals};
use crate::app::Environment;
use crate::app::collectors::{Collects, Kept, Of, Start, readings};
use crate::config::Config;
use crate::observed::latest::Turn;
use crate::observed::{Clock, LogBook, Observed};
use crate::source::install::Install;
use crate::source::seed::new_seed;
use crate::source::timezone::LogZone;
use crate::source::user;

/// Runs those of the installation in the order of their table, then those that look at the host alone; these only
/// where there is no installation.
pub(super) fn look(
    checked: &mut Checked,
    config: &Config,
    environment: &Environment,
    install: Option<Install>,
    clock: Clock,
) {
    let found = install.is_some();
    let observed = Arc::new(nothing_observed(config, environment, install.unwrap_or_default(), clock));
    let (turn, kept) = (Turn::default(), Kept::default());
    let start =
        Start { config, proc_root: &environment.proc_root, observed: &observed, turn: &turn, kept: &kept };
    let of_host = |row: &&&dyn Collects| row.of() == Of::Host;
    let installation = environment.collectors.iter().filter(|row| found && !of_host(row));
    for row in installation.chain(environment.collectors.iter().filter(of_host)) {
        for (verdict, text) in row.check(&start) {
            checked.note(verdict, row.name(), text);
        }
    }
}

fn nothing_observed(config: &Config, environment: &Environment, install: Install, clock: Clock) -> Observed {
    let timezone = LogZone::find(config.mta.timezone.as_ref());
    let zone = timezone.zone.clone();
    let aggregate = Aggregate::new(Totals::new(new_seed()), zone, config.mta.block_size);
    // A user that the host does not have is a finding of its own.
    let user = config.mta.user.as_deref().and_then(|user| user::id_of(user, Path::new("/etc/passwd")).ok());
    let collected = readings(&environment.collectors, &install, clock);
    let (limits, book) = (config.limits(), LogBook::new(aggregate, false));
    Observed {
        user: user.map(Into::into).unwrap_or_default(),
        ..Observed::new(clock, timezone, install, limits, collected, book)
    }
}
