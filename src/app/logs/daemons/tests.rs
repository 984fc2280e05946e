//! What becomes of a file that cannot be read for a while, of a backlog of days, and of lines that are passed over.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use jiff::tz::TimeZone;
use parking_lot::RwLock;
use rustix::fs::CWD;
use tempfile::TempDir;

use super::{Found, Listing};
use crate::aggregate::time::UnixTime;
use crate::aggregate::{Aggregate, Totals};
use crate::app::logs::followed::FollowedLogs;
use crate::app::state::Positions;
use crate::config::Config;
use crate::observed::{Clock, LogBook, Now};
use crate::record::daemon_log::{DaemonLog, EventClass};
use crate::source::follow::single::Seen;

const LOG: DaemonLog = DaemonLog::TcpSmtpServer;
const CLASS: EventClass = EventClass::NoSpace;
const ERROR: &str = "10:00:00.00: write: No space left on device\n";

/// Where a listing finds the file.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Followed,
    /// It cannot be read, or there is no room.
    Waiting,
    Nowhere,
}
use Place::{Followed, Nowhere, Waiting};

/// One file, and who follows it.
struct Host {
    directory: TempDir,
    config: Config,
    book: RwLock<LogBook>,
    logs: FollowedLogs,
    now: Now,
    is_copy: bool,
    log: DaemonLog,
}

impl Host {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut config = Config::default();
        config.logs.max_line_bytes = 1024;
        let logs =
            FollowedLogs::new(&config.logs, directory.path(), &config.dialect(), &Positions::default());
        let book = RwLock::new(LogBook::new(Aggregate::new(Totals::new(1), TimeZone::UTC, 1024), false));
        Self { directory, config, book, logs, now: Clock::start().now(), is_copy: false, log: LOG }
    }

    fn append(&self, text: &str) {
        let path = self.directory.path().join("tcp_smtp_server.log-1");
        let file = File::options().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    }

    /// An error with the time of day, when it is that by the clock of the test.
    fn append_now(&self) {
        let since_1970 = u64::try_from(self.now.unix.millis()).expect("after 1970");
        let seconds = since_1970 / 1000 % 86_400;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.append(&ERROR.replace("10:00:00", &format!("{hours:02}:{minutes:02}:{seconds:02}")));
        let path = self.directory.path().join("tcp_smtp_server.log-1");
        let written = UNIX_EPOCH + Duration::from_millis(since_1970);
        File::options().append(true).open(path).and_then(|file| file.set_modified(written)).expect("set");
    }

    /// A listing, and all that is read after it.
    fn list(&mut self, place: Place, appeared: bool) {
        let path = self.directory.path().join("tcp_smtp_server.log-1");
        let seen = Seen::at(CWD, &*path).expect("looked");
        let (log, is_copy) = (self.log, self.is_copy);
        let found = seen.map(|seen| Found { log, path, id: seen.id, bytes: seen.bytes, appeared, is_copy });
        let made = u128::try_from(self.now.unix.millis()).expect("after 1970") * 1_000_000;
        let mut listing = Listing { made, ..Listing::default() };
        match place {
            Followed => listing.files.extend(found),
            Waiting => listing.waiting.extend(found),
            Nowhere => {}
        }
        let listing = Arc::new(listing);
        for _ in 0..8 {
            self.go_on(Duration::from_secs(3));
            self.logs.step_daemons(Some(&listing), &self.book, self.now);
        }
    }

    fn go_on(&mut self, by: Duration) {
        self.now.monotonic += by;
        let millis = i64::try_from(by.as_millis()).expect("short");
        self.now.unix = UnixTime::of(self.now.unix.millis() + millis);
    }

    /// A start of the program from what it had saved.
    fn restart(&mut self) {
        let saved = self.logs.positions();
        self.logs =
            FollowedLogs::new(&self.config.logs, self.directory.path(), &self.config.dialect(), &saved);
    }

    fn counted(&self) -> u64 {
        self.book.read().aggregate.totals.daemon_logs.counts()[LOG].get(CLASS)
    }

    fn recent(&self) -> u64 {
        let mut book = self.book.write();
        let now = self.now.read(&mut book.aggregate).now();
        book.aggregate.totals.daemon_logs.recent(now)[LOG].get(CLASS)
    }
}

#[test]
fn what_is_written_while_nobody_can_read_it_counts_when_somebody_can() {
    for (place, appeared, expected) in [
        // A new file that cannot be read at first.
        (Waiting, true, 4),
        (Waiting, false, 3),
        (Followed, false, 3),
    ] {
        let mut host = Host::new();
        host.list(Nowhere, false);
        host.append(ERROR);
        host.list(place, appeared);
        host.append(ERROR);
        host.list(Waiting, false);
        host.append(ERROR);
        host.restart();
        host.list(Waiting, false);
        host.append(ERROR);
        host.list(Waiting, false);
        host.list(Followed, false);
        assert_eq!(host.counted(), expected, "{appeared}");
        assert_eq!(host.logs.positions().len(), 1);
    }
}

#[test]
fn a_file_that_was_begun_while_nobody_ran_and_cannot_be_read_at_first_is_read_whole_but_no_copy() {
    for (is_copy, expected) in [(false, 1), (true, 0)] {
        let mut host = Host::new();
        host.is_copy = is_copy;
        host.list(Nowhere, false);
        // By the clock of the test it is later than when the file is made.
        let listed = UnixTime::of(host.now.unix.millis() - 60_000);
        host.book.write().aggregate.totals.daemon_logs.listed(&[].into(), listed);
        host.append(ERROR);
        host.restart();
        host.list(Waiting, false);
        host.list(Followed, false);
        assert_eq!(host.counted(), expected);
    }
}

#[test]
fn a_record_that_goes_on_after_its_file_could_not_be_read_counts_once() {
    let mut host = Host::new();
    host.log = DaemonLog::JobController;
    host.append("");
    host.list(Followed, false);
    host.append("jbc_net: something\n");
    host.list(Followed, false);
    host.list(Waiting, false);
    host.append("    and its end\n");
    host.list(Followed, false);
    let book = host.book.read();
    assert_eq!(book.aggregate.totals.daemon_logs.counts()[host.log].get(EventClass::Other), 1);
}

#[test]
fn a_line_that_is_half_written_at_the_first_listing_counts_when_it_is_whole() {
    for place in [Followed, Waiting] {
        let mut host = Host::new();
        let (half, rest) = ERROR.split_at(ERROR.len() / 2);
        host.append(&format!("{ERROR}{half}"));
        host.list(place, false);
        host.append(rest);
        host.list(Followed, false);
        assert_eq!(host.counted(), 1);
    }
}

#[test]
fn a_place_of_a_file_that_is_in_no_listing_is_given_up() {
    let mut host = Host::new();
    host.append(ERROR);
    host.list(Followed, false);
    host.list(Waiting, false);
    assert_eq!(host.logs.positions().len(), 1);
    host.list(Nowhere, false);
    assert_eq!(host.logs.positions().len(), 0);
}

#[test]
fn a_time_of_day_from_a_backlog_of_days_is_in_no_window() {
    for (days, recent) in [(0, 1), (3, 0)] {
        let mut host = Host::new();
        host.append("");
        host.list(Followed, false);
        host.restart();
        host.go_on(Duration::from_hours(24 * days));
        host.append_now();
        host.list(Followed, false);
        assert_eq!((host.counted(), host.recent()), (1, recent), "{days}");
        let has_time = host.book.read().daemon_events.all().all(|event| event.time.is_some());
        assert_eq!(has_time, days == 0);
        // What comes while it is followed is of today, however long nothing had come.
        host.append_now();
        host.list(Followed, false);
        assert_eq!((host.counted(), host.recent()), (2, recent + 1), "{days}");
    }
}

#[test]
fn a_line_that_is_passed_over_counts_as_cut() {
    let mut host = Host::new();
    host.append("");
    host.list(Followed, false);
    for _ in 0..3 {
        host.append(&"x".repeat(300 * 1024));
        host.list(Followed, false);
    }
    host.append("\n    No space left on device\n");
    host.append(ERROR);
    host.list(Followed, false);
    assert_eq!((host.book.read().aggregate.totals.daemon_logs.cut(), host.counted()), (1, 2));
}
