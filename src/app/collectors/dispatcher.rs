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
    let mut last = None;
    Box::new(move || {
        let read = dispatcher::read(&observed.install.root, configured.file.as_deref());
        let found = look(read, &configured, &mut last);
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

/// What holds after a look, and `last`, what a file said when it was last read: a Dispatcher goes by what it has read at its
/// start, so a file that is being written changes nothing.
fn look(
    read: Result<Dispatcher, dispatcher::DispatcherError>,
    configured: &config::Dispatcher,
    last: &mut Option<Dispatcher>,
) -> Run<Dispatcher> {
    let problem = match read {
        Ok(found) => {
            *last = found.file.is_some().then(|| found.clone());
            return Run::Whole(found.with(configured));
        }
        Err(error) => with_causes(&error),
    };
    match last {
        Some(last) => Run::read(last.clone().with(configured), Some(problem)),
        None => never_read(problem, configured),
    }
}

/// A file that nobody has named need not be there, nor be open to this user: then what it says is not known.
fn never_read(problem: String, configured: &config::Dispatcher) -> Run<Dispatcher> {
    if configured.file.is_none() {
        let nothing = Dispatcher { doubts: vec![problem], ..Dispatcher::default() };
        return Run::Whole(nothing.with(configured));
    }
    if configured.services.is_empty() {
        return Run::Failed(problem);
    }
    Run::read(Dispatcher::default().with(configured), Some(problem))
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
    use std::fs::{create_dir, remove_file, write};
    use std::path::Path;
    use std::sync::Arc;

    use super::{Dispatcher, Duration, Run, dispatcher, look};
    use crate::aggregate::{Aggregate, Totals};
    use crate::app::collectors::{Kept, Start};
    use crate::config::{self, Config};
    use crate::observed::latest::{Readings, Turn};
    use crate::observed::{Clock, LogBook, Observed};
    use crate::source::install::Install;
    use crate::source::timezone::LogZone;

    /// With the installation in `root`, and a ledger that knows of 99 hours.
    fn observed(root: &Path) -> Arc<Observed> {
        let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
        aggregate.totals.connections.set_max_life_time(Duration::from_hours(99).into());
        let install = Install { root: root.to_owned(), ..Install::default() };
        let (limits, book) = ((&Config::default().thresholds).into(), LogBook::new(aggregate, false));
        let zone = LogZone::find(None);
        Arc::new(Observed::new(Clock::start(), zone, install, limits, Readings::default(), book))
    }

    /// How many hours the ledger knows of after a look.
    fn hours(text: Option<&str>, configured: config::Dispatcher, ends: bool) -> i64 {
        let root = tempfile::tempdir().expect("a temporary directory");
        if let Some(text) = text {
            let config = root.path().join("config");
            create_dir(&config).expect("created");
            write(config.join("dispatcher.cnf"), text).expect("written");
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

    /// How many connections smtp takes, and what is wrong.
    fn told(run: Run<Dispatcher>) -> (Option<u64>, Option<String>) {
        let problem = run.problem().map(ToOwned::to_owned);
        let (Run::Whole(found) | Run::Partial(found, _)) = run else { return (None, problem) };
        (found.services.first().and_then(dispatcher::Service::limit), problem)
    }

    #[test]
    fn a_file_that_is_being_written_takes_no_limits_away() {
        let root = tempfile::tempdir().expect("a directory");
        create_dir(root.path().join("config")).expect("made");
        let path = root.path().join("config/config.xml");
        let whole = "<c><dispatcher><service name='smtp'><max_procs>5</max_procs><max_conns>20</max_conns></service>\
                     </dispatcher></c>";
        for configured in [
            config::Dispatcher::default(),
            config::Dispatcher { file: Some(path.clone()), ..config::Dispatcher::default() },
        ] {
            let mut last = None;
            let mut look = |text: &str| {
                write(&path, text).expect("written");
                told(look(dispatcher::read(root.path(), configured.file.as_deref()), &configured, &mut last))
            };
            let (limit, problem) = look("<c>");
            assert_eq!(
                (limit, problem.is_some()),
                (None, configured.file.is_some()),
                "nothing to fall back to"
            );
            assert_eq!(look(whole), (Some(100), None));
            for _ in 0..2 {
                let (limit, problem) = look(&whole[..80]);
                assert_eq!(limit, Some(100), "what the Dispatcher has read");
                assert!(problem.is_some_and(|problem| problem.contains("not XML")));
            }
            assert_eq!(look(&whole.replace("20", "30")), (Some(150), None));
        }
        let (mut last, none) = (Some(Dispatcher::default()), config::Dispatcher::default());
        remove_file(&path).expect("removed");
        assert_eq!(told(look(dispatcher::read(root.path(), None), &none, &mut last)), (None, None));
        assert_eq!(last, None, "what has gone holds no more");
    }
}
