//! What the MTA's Dispatcher may do, by its own configuration and by ours.

use std::sync::Arc;
use std::time::Duration;

use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::config;
use crate::observed::reading::{Reading, Run};
use crate::source::dispatcher::{self, Dispatcher, Service};
use crate::text::{escape, with_causes};

/// The time between two looks: who changes a limit restarts the Dispatcher.
pub(super) const INTERVAL: Duration = Duration::from_mins(1);

pub(super) fn start(start: &Start<'_>) -> Look<Dispatcher> {
    let (observed, configured) = (Arc::clone(start.observed), start.config.dispatcher.clone());
    let turn = start.turn.clone();
    Box::new(move || {
        let found = look(dispatcher::read(&observed.install.root, configured.file.as_deref()), &configured);
        if let Some(life) = known_life(&found, &configured) {
            let mut logs = observed.logs.write();
            // Asked with the lock held: a look that hung never writes behind one of the next configuration.
            if !turn.is_over() {
                logs.aggregate.totals.connections.set_max_life_time(life.into());
            }
        }
        found
    })
}

/// The longest life of a server process, where a file or our configuration says it. What is not known changes nothing: it
/// may have been known before.
fn known_life(found: &Run<Dispatcher>, configured: &config::Dispatcher) -> Option<Duration> {
    let (Run::Whole(dispatcher) | Run::Partial(dispatcher, _)) = found else { return None };
    let known = dispatcher.file.is_some() || configured.max_life_time.is_some();
    known.then(|| dispatcher.longest_life())
}

/// A file that nobody has named need not be there, nor be open to this user: then what it says is not known.
fn look(
    read: Result<Dispatcher, dispatcher::DispatcherError>,
    configured: &config::Dispatcher,
) -> Run<Dispatcher> {
    match read {
        Ok(found) => Run::Whole(found.with(configured)),
        Err(error) if configured.file.is_none() => {
            let nothing = Dispatcher { doubts: vec![with_causes(&error)], ..Dispatcher::default() };
            Run::Whole(nothing.with(configured))
        }
        Err(error) if configured.services.is_empty() => Run::Failed(with_causes(&error)),
        Err(error) => Run::read(Dispatcher::default().with(configured), Some(with_causes(&error))),
    }
}

/// The limits that are known, and which are not and why.
pub(super) fn remarks(reading: &Reading<Dispatcher>, _: &Start<'_>) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = reading.problem.iter().map(|problem| (Problem, problem.clone())).collect();
    let Some(dispatcher) = &reading.value else { return remarks };
    let said = dispatcher.file.as_deref().map_or_else(|| "here".to_owned(), escape::path);
    let known = dispatcher.services.iter().filter_map(|service| Some((service, service.limit()?)));
    let known: Vec<String> =
        known.map(|(Service { name, .. }, limit)| format!("{name} ({limit} connections)")).collect();
    if !known.is_empty() {
        remarks.push((Fine, format!("limits are known of {}, by {said}", known.join(", "))));
    }
    let unknown = dispatcher.services.iter().filter(|service| service.limit().is_none());
    let mut unknown: Vec<&str> = unknown.map(|service| service.name.as_str()).collect();
    if dispatcher.services.is_empty() {
        unknown.push("any service");
    }
    if !unknown.is_empty() {
        let text = format!(
            "how many connections {} takes at once is not known{}, so imsimta_connections_limit will be absent; it can be \
             said here as dispatcher.services = [\"smtp@25=5x20\"] (MAX_PROCS x MAX_CONNS)",
            unknown.join(", "),
            if dispatcher.doubts.is_empty() {
                String::new()
            } else {
                format!(" ({})", dispatcher.doubts.join("; "))
            }
        );
        remarks.push((Note, text));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use parking_lot::{Mutex, RwLock};

    use super::Duration;
    use crate::aggregate::{Aggregate, Totals};
    use crate::app::collectors::{Kept, Start};
    use crate::config::{self, Config};
    use crate::observed::latest::Turn;
    use crate::observed::{Clock, LogBook, Observed};
    use crate::source::install::Install;
    use crate::source::timezone::LogZone;

    /// With the installation in `root`, and a ledger that knows of 99 hours.
    fn observed(root: &Path) -> Arc<Observed> {
        let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
        aggregate.totals.connections.set_max_life_time(Duration::from_hours(99).into());
        Arc::new(Observed {
            clock: Clock::start(),
            logs: RwLock::new(LogBook::new(aggregate, false)),
            timezone: LogZone::find(None),
            collected: crate::observed::latest::Readings::default(),
            install: Install { root: root.to_owned(), ..Install::default() },
            limits: Config::default().thresholds,
            user: std::sync::OnceLock::default(),
            own: Mutex::default(),
            state: Mutex::default(),
            history: Mutex::default(),
            wakeups: Arc::default(),
            connections: Arc::default(),
            left_behind: AtomicU64::new(0),
        })
    }

    /// How many hours the ledger knows of after a look.
    fn hours(text: Option<&str>, configured: config::Dispatcher, ends: bool) -> i64 {
        let root = tempfile::tempdir().expect("a temporary directory");
        if let Some(text) = text {
            let config = root.path().join("config");
            std::fs::create_dir(&config).expect("created");
            std::fs::write(config.join("dispatcher.cnf"), text).expect("written");
        }
        let observed = observed(root.path());
        let config = Config { dispatcher: configured, ..Config::default() };
        let (turn, kept) = (Turn::default(), Kept::default());
        let start =
            Start { config: &config, proc_root: root.path(), observed: &observed, turn: &turn, kept: &kept };
        let mut look = super::start(&start);
        if ends {
            turn.end();
        }
        look();
        let life = observed.logs().aggregate.totals.connections.max_life_time();
        life.millis() / 3_600_000
    }

    #[test]
    fn the_ledger_goes_by_the_life_that_is_known() {
        let nothing = config::Dispatcher::default;
        let said = || config::Dispatcher { max_life_time: Some(Duration::from_hours(7)), ..nothing() };
        let named = || config::Dispatcher { file: Some("config/dispatcher.cnf".into()), ..nothing() };
        let (long, silent) = ("MAX_LIFE_TIME=172800\n[SERVICE=SMTP]\nPORT=25\n", "[SERVICE=SMTP]\nPORT=25\n");
        for (text, configured, expected) in [
            (Some(long), nothing(), 48),
            (Some(silent), nothing(), 24),
            (Some(long), said(), 7),
            (None, said(), 7),
            (None, nothing(), 99),
            (None, named(), 99),
        ] {
            assert_eq!(hours(text, configured.clone(), false), expected, "{text:?} {configured:?}");
        }
    }

    #[test]
    fn a_look_that_hung_tells_the_ledger_nothing() {
        assert_eq!(
            hours(
                Some("MAX_LIFE_TIME=172800\n[SERVICE=SMTP]\nPORT=25\n"),
                config::Dispatcher::default(),
                true
            ),
            99
        );
    }
}
