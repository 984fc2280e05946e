//! All files that are followed: the logs, and what is followed beside them. No thread, no clock.

use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;

use super::beside::Beside;
use super::daemons::DaemonLogs;
use super::entries::{self, Entries};
use super::follow::{Counting, Digesting, Follow, Sink};
use crate::aggregate::digest::Batch;
use crate::aggregate::time::{Millis, Time};
use crate::app::state::Positions;
use crate::config::{Config, Logs, Start};
use crate::counting::LogReader;
use crate::observed::{LogBook, Now};
use crate::record::Dialect;
use crate::source::daemon_logs::Listing;
use crate::source::follow::{Begin, FollowError, FollowOptions};

/// Sums are those of now when nothing was written for longer that they do not have.
const CURRENT: Millis = Millis::of_minutes(1);

/// All followed logs, and other files.
#[derive(Debug)]
pub struct FollowedLogs {
    logs: Vec<Follow<Entries>>,
    /// Nobody waits for these before the logs are shown.
    beside: Vec<Follow<Box<dyn Sink>>>,
    daemons: DaemonLogs,
    options: FollowOptions,
    digesting: Digesting,
    /// Places of files that are not followed any more: kept, should they be again.
    unused: Positions,
}

impl FollowedLogs {
    /// The configured logs below `directory`, from where `saved` says.
    pub fn new(config: &Logs, directory: &Path, dialect: &Dialect, saved: &Positions) -> Self {
        let options = options(config);
        let mut unused = saved.clone();
        let mut logs = Self {
            logs: Vec::new(),
            beside: Vec::new(),
            daemons: DaemonLogs::new(options, &mut unused),
            options,
            digesting: digesting(dialect, options),
            unused,
        };
        logs.go_on_with(config, directory, dialect);
        logs
    }

    /// Follows what is configured now. Logs that are followed already go on where they stand, and are read to the
    /// byte where they are left when they are not followed any more.
    pub fn go_on_with(&mut self, config: &Logs, directory: &Path, dialect: &Dialect) {
        self.options = options(config);
        self.digesting = digesting(dialect, self.options);
        let mut before = std::mem::take(&mut self.logs);
        for log in &config.files {
            let followed = match before.iter().position(|followed| followed.place() == log) {
                Some(at) => before.swap_remove(at).go_on_with(self.options),
                None => self.begin(log, config.start, directory),
            };
            self.logs.push(followed);
        }
        self.unused.extend(before.iter().filter_map(Follow::positions));
    }

    /// A log that is not followed so far.
    fn begin(&mut self, log: &str, start: Start, directory: &Path) -> Follow<Entries> {
        let begin = match (self.unused.remove(log), start) {
            (Some(positions), _) => Begin::Resume(positions),
            (None, Start::End) => Begin::End,
            (None, Start::Beginning) => Begin::Beginning,
        };
        let (path, sink) = (directory.join(log), Entries::new(log));
        Follow::new(&entries::KIND, log.to_owned(), &path, self.options, begin, sink)
    }

    /// Follows what is configured now to be beside the logs, from where it was left, else from its end.
    pub(super) fn beside(&mut self, rows: &'static [Beside], config: &Config) {
        let mut before = std::mem::take(&mut self.beside);
        for Beside { kind, paths, sink } in rows {
            for path in paths(config) {
                // No base name of a log has a slash, so none is the same.
                let place = format!("{}:{}", kind.name, path.display());
                let followed = if let Some(at) = before.iter().position(|followed| followed.place() == place)
                {
                    before.swap_remove(at).go_on_with(self.options)
                } else {
                    let begin = self.unused.remove(&place).map_or(Begin::End, Begin::Resume);
                    Follow::new(kind, place, &path, self.options, begin, sink())
                };
                self.beside.push(followed);
            }
        }
        self.unused.extend(before.iter().filter_map(Follow::positions));
    }

    /// Goes on with the logs of daemons as it is configured now.
    pub(super) fn daemons(&mut self, config: &Config) {
        self.daemons.go_on_with(self.options, config.daemon_logs.job_controller_debug);
    }

    /// Follows the logs of daemons that are there, and steps each once; whether there may be more.
    pub(super) fn step_daemons(
        &mut self,
        listing: Option<&Arc<Listing>>,
        book: &RwLock<LogBook>,
        now: Now,
    ) -> bool {
        self.daemons.take(listing, book, &mut self.digesting, now);
        self.daemons.step(book, &mut self.digesting, now)
    }

    /// How many logs there are.
    pub fn count(&self) -> usize {
        self.logs.len()
    }

    /// Whether any of them has been found.
    pub fn is_attached(&self) -> bool {
        self.attached().next().is_some()
    }

    /// Steps one log once and counts what comes; whether there may be more.
    pub fn step(&mut self, index: usize, book: &RwLock<LogBook>, now: Now) -> bool {
        self.logs[index].step(&mut Counting::new(book, &mut self.digesting, now))
    }

    /// Steps every other file once; whether there may be more.
    pub(super) fn step_beside(&mut self, book: &RwLock<LogBook>, now: Now) -> bool {
        let mut more = false;
        for file in &mut self.beside {
            more |= file.step(&mut Counting::new(book, &mut self.digesting, now));
        }
        more
    }

    /// Shows how far the logs have been read.
    pub fn show_progress(&mut self, book: &mut LogBook, now: Now) {
        book.following = self.logs.iter_mut().map(|log| log.progress(now)).collect();
        book.catching_up = !self.attached().all(|log| log.follower.is_caught_up());
        // A connection log alone must not show zeros of mail that nobody has looked for.
        let first = self.logs.first().is_some_and(|log| log.follower.is_attached());
        book.shown |= first && !book.catching_up;
        self.beside.iter().for_each(|file| file.show(book));
        self.daemons.show(book);
    }

    /// Tells the history how far the logs have been read. Of connections they tell nothing before they show entries
    /// of them, and without the first log nobody has looked for mail.
    pub(super) fn show_reach(&self, book: &mut LogBook, now: Now) {
        let now = now.shown(&book.aggregate).now();
        if let Some(until) = self.reach(now) {
            let connections = book.aggregate.totals.options.connection_entries();
            book.history.get_mut().read_until(until, now, connections);
        }
    }

    /// Until when all logs have been read; none while one cannot be, or the first is not there.
    fn reach(&self, now: Time) -> Option<Time> {
        let first = self.logs.first().is_some_and(|log| log.follower.is_attached());
        self.attached().map(|log| log.read_until(now)).min().flatten().filter(|_| first)
    }

    /// Whether the sums are those of now.
    pub(super) fn is_current(&self, book: &LogBook, now: Now) -> bool {
        let now = now.shown(&book.aggregate).now();
        book.shown && !book.catching_up && self.reach(now).is_some_and(|until| now.since(until) <= CURRENT)
    }

    /// What keeps a file from being read. The first log has to be there; the others may be switched off
    /// in the MTA, as the connection log is unless `SEPARATE_CONNECTION_LOG` is set.
    pub fn problem(&self) -> Option<String> {
        let logs = self.logs.iter().enumerate().filter_map(|(index, log)| match &log.problem {
            Some(FollowError::Missing { .. }) if index > 0 && !log.follower.is_attached() => None,
            problem => problem.as_ref().map(ToString::to_string),
        });
        let beside = self
            .beside
            .iter()
            .filter_map(|file| file.problem.as_ref().map(|problem| format!("{}: {problem}", file.kind.key)));
        logs.chain(beside).reduce(|problems, problem| format!("{problems}; {problem}"))
    }

    /// The places to save with the sums.
    pub fn positions(&self) -> Positions {
        let mut positions = self.unused.clone();
        positions.extend(self.logs.iter().filter_map(Follow::positions));
        positions.extend(self.beside.iter().filter_map(Follow::positions));
        positions.extend(self.daemons.positions());
        positions
    }

    fn attached(&self) -> impl Iterator<Item = &Follow<Entries>> {
        self.logs.iter().filter(|log| log.follower.is_attached())
    }
}

fn options(config: &Logs) -> FollowOptions {
    let max_line_bytes = usize::try_from(config.max_line_bytes).unwrap_or(usize::MAX);
    FollowOptions { max_line_bytes, drain: config.drain }
}

fn digesting(dialect: &Dialect, options: FollowOptions) -> Digesting {
    Digesting { reader: LogReader::new(dialect.clone(), options.max_line_bytes), batch: Batch::default() }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::PathBuf;

    use jiff::tz::TimeZone;
    use parking_lot::RwLock;

    use super::{Beside, FollowedLogs};
    use crate::aggregate::{Aggregate, Totals};
    use crate::app::logs::follow::{Counting, Kind, Sink};
    use crate::app::state::Positions;
    use crate::config::Config;
    use crate::observed::{Clock, LogBook};
    use crate::source::follow::Step;

    /// Counts bytes, as notices.
    #[derive(Debug)]
    struct Bytes;

    impl Sink for Bytes {
        fn take(&mut self, found: Step<'_>, counting: &mut Counting<'_>) {
            if let Step::Lines(lines) = found {
                counting.write().aggregate.totals.notices += lines.len() as u64;
            }
        }
    }

    static TRIAL: [Beside; 1] = [Beside {
        kind: Kind { name: "trial", key: "trial.files", loss: "bytes are lost" },
        paths: |config| vec![config.state.directory.join("a.log"), config.state.directory.join("b.log")],
        sink: || Box::new(Bytes),
    }];

    #[test]
    fn a_sink_and_a_row_are_all_that_a_further_kind_of_file_needs() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut config = Config::default();
        config.state.directory = directory.path().to_owned();
        let followed = |saved: &Positions| {
            let mut logs = FollowedLogs::new(&config.logs, directory.path(), &config.dialect(), saved);
            logs.beside(&TRIAL, &config);
            logs
        };
        let book = RwLock::new(LogBook::new(Aggregate::new(Totals::new(1), TimeZone::UTC, 1024), false));
        let clock = Clock::start();
        let read = |logs: &mut FollowedLogs| while logs.step_beside(&book, clock.now()) {};
        let append = |name: &str, text: &str| {
            let path: PathBuf = directory.path().join(name);
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
        };

        append("a.log", "before\n");
        let mut logs = followed(&Positions::default());
        read(&mut logs);
        assert!(logs.problem().is_some_and(|problem| problem.contains("trial.files: ")), "{logs:?}");
        append("a.log", "12345\n");
        append("b.log", "123\n");
        read(&mut logs);
        assert_eq!(book.read().aggregate.totals.notices, 6 + 4);
        let positions = logs.positions();
        assert!(positions.keys().all(|place| place.starts_with("trial:")), "{positions:?}");
        assert_eq!(positions.len(), 2);

        append("b.log", "12\n");
        read(&mut followed(&positions));
        assert_eq!(book.read().aggregate.totals.notices, 6 + 4 + 3);
    }
}
