//! What is followed of a directory, what is new in it, and what a listing of very many old files asks.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

use super::{
    Counts, DaemonLog, FileId, Lister, Listing, MOST_FOLLOWED, Moment, NANOSECONDS, Pattern, Seen,
    WAITING_EACH,
};

const MINUTE: Duration = Duration::from_mins(1);

fn pattern(log: DaemonLog, begins: &str) -> Pattern {
    Pattern { log, begins: begins.as_bytes().to_vec() }
}

fn patterns() -> Vec<Pattern> {
    vec![
        pattern(DaemonLog::Dispatcher, "dispatcher.log"),
        pattern(DaemonLog::Imta, "imta"),
        pattern(DaemonLog::Channel, "tcp_local_slave.log"),
    ]
}

/// A directory, and listings of it a minute apart.
struct Directory {
    held: TempDir,
    lister: Lister,
    monotonic: Duration,
}

impl Directory {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let lister = Lister::new(directory.path().to_owned(), patterns(), 7);
        Self { held: directory, lister, monotonic: MINUTE }
    }

    fn make(&self, name: &str) -> File {
        File::create(self.held.path().join(name)).expect("made")
    }

    /// One that was last written so long ago.
    fn old(&self, name: &str, ago: Duration) {
        self.make(name).set_modified(now() - ago).expect("set");
    }

    fn write(&self, name: &str, text: &str) {
        let file = File::options().create(true).append(true).open(self.path(name));
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    }

    /// Waits until what is made now is younger than this one: times of files are coarse.
    fn older(&self, name: &str) {
        let born = |name: &str| self.path(name).metadata().and_then(|file| file.created()).expect("told");
        loop {
            self.make("elsewhere");
            let is_older = born(name) < born("elsewhere");
            fs::remove_file(self.path("elsewhere")).expect("removed");
            if is_older {
                return;
            }
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.held.path().join(name)
    }

    fn list(&mut self) -> Listing {
        self.monotonic += MINUTE;
        let unix = now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
        self.lister.list(Moment { unix, monotonic: self.monotonic }, || {}).expect("listed")
    }
}

#[expect(clippy::disallowed_methods, reason = "times of files are those of the host")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The names that are followed, with whether they are new.
fn followed(listing: &Listing) -> Vec<(String, bool)> {
    let name =
        |path: &Path| String::from_utf8_lossy(path.file_name().expect("a name").as_bytes()).into_owned();
    let mut names: Vec<_> = listing.files.iter().map(|file| (name(&file.path), file.appeared)).collect();
    names.sort();
    names
}

fn counts(listing: &Listing, log: DaemonLog) -> Counts {
    listing.counts.iter().find(|(of, _)| *of == log).expect("looked for").1
}

#[test]
fn regular_files_with_the_right_names_are_followed_and_nothing_else() {
    let mut directory = Directory::new();
    for name in [
        "dispatcher.log",
        "dispatcher.log-0KX1",
        "dispatcher.log_\u{1b}[31m<b>\n",
        "imta",
        "imta.12.108634",
        "imta.11.gz",
        "mail.log_current",
        "xdispatcher.log-1",
        "DISPATCHER.LOG-1",
        "job_controller.log-1",
        "tcp_local_slave.log-9",
    ] {
        directory.make(name);
    }
    directory.make("elsewhere");
    symlink(directory.path("elsewhere"), directory.path("dispatcher.log-link")).expect("linked");
    fs::create_dir(directory.path("dispatcher.log-directory")).expect("made");
    rustix::fs::mkfifoat(rustix::fs::CWD, directory.path("imta.fifo"), rustix::fs::Mode::RUSR).expect("made");
    let listing = directory.list();
    let names: Vec<_> = followed(&listing).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "dispatcher.log",
            "dispatcher.log-0KX1",
            "dispatcher.log_\u{1b}[31m<b>\n",
            "imta",
            "imta.12.108634",
            "tcp_local_slave.log-9"
        ]
    );
    assert_eq!(counts(&listing, DaemonLog::Imta), Counts { files: 2, followed: 2, ..Counts::default() });
    assert_eq!((listing.counts.len(), listing.problem), (3, None));
}

#[test]
fn what_is_new_was_begun_since_the_listing_before() {
    let mut directory = Directory::new();
    directory.make("imta");
    assert_eq!(followed(&directory.list()), [("imta".to_owned(), false)]);
    directory.make("dispatcher.log-1");
    assert_eq!(
        followed(&directory.list()),
        [("dispatcher.log-1".to_owned(), true), ("imta".to_owned(), false)]
    );
    // One that was renamed is the same file, and the one in its place is new.
    fs::rename(directory.path("imta"), directory.path("imta.1.1086")).expect("renamed");
    directory.make("imta");
    let listing = directory.list();
    assert_eq!(
        followed(&listing),
        [
            ("dispatcher.log-1".to_owned(), false),
            ("imta".to_owned(), true),
            ("imta.1.1086".to_owned(), false)
        ]
    );
    // A name that other patterns make match is none of a new file.
    directory.make("return.log-1");
    directory.list();
    directory.lister.go_on_with([patterns(), vec![pattern(DaemonLog::Return, "return.log")]].concat());
    directory.make("dispatcher.log-2");
    let found = followed(&directory.list());
    assert!(
        found.contains(&("return.log-1".to_owned(), false))
            && found.contains(&("dispatcher.log-2".to_owned(), true))
    );
    directory.make("return.log-2");
    assert!(followed(&directory.list()).contains(&("return.log-2".to_owned(), true)));
    fs::remove_file(directory.path("dispatcher.log-1")).expect("removed");
    assert!(!followed(&directory.list()).iter().any(|(name, _)| name == "dispatcher.log-1"));
}

#[test]
fn of_many_files_those_that_changed_last_are_followed_and_the_others_counted() {
    let mut directory = Directory::new();
    let many = MOST_FOLLOWED + 10;
    let name = |number: usize| format!("dispatcher.log-{number:03}");
    for number in 0..many {
        directory.old(&name(number), MINUTE * u32::try_from(number).expect("few"));
    }
    let expected =
        Counts { files: many as u64, followed: MOST_FOLLOWED as u64, left_out: 10, ..Counts::default() };
    // They were all made just now.
    for _ in 0..3 {
        let listing = directory.list();
        assert_eq!(counts(&listing, DaemonLog::Dispatcher), expected);
        assert_eq!((listing.files.len(), listing.waiting.len()), (MOST_FOLLOWED, 10));
    }
    directory.make("dispatcher.log-new");
    let listing = directory.list();
    assert!(followed(&listing).contains(&("dispatcher.log-new".to_owned(), true)));
    assert_eq!(counts(&listing, DaemonLog::Dispatcher).followed, MOST_FOLLOWED as u64);
    // Whoever is written is followed next.
    let waiting = listing.waiting.last().expect("some wait").path.clone();
    let later = now() + MINUTE;
    File::options().append(true).open(&waiting).and_then(|file| file.set_modified(later)).expect("set");
    assert!(directory.list().files.iter().any(|file| file.path == waiting && !file.appeared));
}

#[test]
fn of_files_that_are_too_many_to_look_at_again_the_number_is_known() {
    const KEPT: usize = (1 + WAITING_EACH) * MOST_FOLLOWED;
    let mut directory = Directory::new();
    for number in 0..KEPT + 10 {
        directory.make(&format!("dispatcher.log-{number}"));
    }
    let left_out = |directory: &mut Directory| counts(&directory.list(), DaemonLog::Dispatcher).left_out;
    for _ in 0..3 {
        assert_eq!(left_out(&mut directory), (KEPT - MOST_FOLLOWED + 10) as u64);
    }
    for number in 0..KEPT + 10 {
        fs::remove_file(directory.path(&format!("dispatcher.log-{number}"))).expect("removed");
    }
    assert_eq!(left_out(&mut directory), 0);
}

#[test]
fn a_copy_is_not_new_whoever_is_copied_and_what_only_says_the_same_is() {
    const TIMES: &str = "10.00.00.01 ( 1): bind() failed\n10.00.05.02 ( 1): bind() failed\n";
    let long = TIMES.repeat(99);
    for (text, is_copy) in [
        (TIMES, true),
        (&long, true),
        // Two daemons may well say this.
        ("bind() failed\nbind() failed\n", false),
        ("10.00.00.01 ( 1): bind() failed\n10.00.00.01 ( 1): bind() failed\n", false),
        ("", false),
    ] {
        for begun_before in [false, true] {
            for what in ["it goes on", "it is cut", "it is removed", "nothing"] {
                let mut directory = Directory::new();
                directory.list();
                directory.write("imta", text);
                if begun_before {
                    directory.list();
                }
                directory.older("imta");
                fs::copy(directory.path("imta"), directory.path("imta.1")).expect("copied");
                match what {
                    "it goes on" => directory.write("imta", TIMES),
                    "it is cut" => drop(directory.make("imta")),
                    "it is removed" => fs::remove_file(directory.path("imta")).expect("removed"),
                    _ => {}
                }
                // Of what was never seen nobody knows.
                let expected = is_copy && (begun_before || !matches!(what, "it is cut" | "it is removed"));
                let listing = directory.list();
                let copy = listing.files.iter().find(|file| file.path.ends_with("imta.1")).expect("listed");
                let found = (copy.is_copy, copy.appeared);
                assert_eq!(found, (expected, !expected), "{text} {begun_before} {what}");
                assert!(directory.list().files.iter().all(|file| !file.appeared));
            }
        }
    }
    let mut directory = Directory::new();
    directory.write("imta", TIMES);
    directory.list();
    directory.write("imta.1", &TIMES.replace("( 1)", "( 2)"));
    directory.write("dispatcher.log-1", TIMES);
    assert_eq!(directory.list().files.iter().filter(|file| file.appeared).count(), 2);
}

#[test]
fn what_may_be_an_old_file_under_a_new_name_is_not_new() {
    let mut directory = Directory::new();
    directory.old("imta", MINUTE * 9);
    directory.list();
    // A copy that keeps times.
    directory.old("imta.bak", MINUTE * 9);
    assert!(followed(&directory.list()).contains(&("imta.bak".to_owned(), false)));
    // Where nobody knows when a file was begun, the time that it was written says it.
    let moment = Moment { unix: 1_000_000 * NANOSECONDS, monotonic: directory.monotonic + MINUTE };
    for (ago, appeared) in [(1, true), (60, true), (600, false)] {
        let id = FileId { device: 1, inode: 2, born: 0 };
        let written = (1_000_000 - ago) * NANOSECONDS;
        let seen = Seen { id, is_regular: true, bytes: 1, written };
        assert_eq!(directory.lister.appeared(&patterns()[1], seen, moment), appeared, "{ago}");
    }
}

#[test]
fn a_directory_that_cannot_be_listed_is_a_failure_that_passes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("log");
    let mut lister = Lister::new(path.clone(), patterns(), 7);
    let at = |minutes: u32| Moment { unix: 0, monotonic: MINUTE * minutes };
    assert!(lister.list(at(1), || {}).is_err());
    fs::create_dir(&path).expect("made");
    assert!(lister.list(at(2), || {}).expect("listed").files.is_empty());
}

/// The processor time of this thread.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[test]
fn a_hundred_thousand_old_files_are_asked_about_once() {
    const OLD: u64 = 100_000;
    let mut directory = Directory::new();
    // Names are what costs, and further names of a file are made faster than files; file systems bound them.
    for file in 0..4 {
        directory.make(&format!("dispatcher.log-{file}"));
        let name = |number: u64| directory.path(&format!("dispatcher.log-{file}{number:05}"));
        let first = directory.path(&format!("dispatcher.log-{file}"));
        (1..OLD / 4).for_each(|number| fs::hard_link(&first, name(number)).expect("linked"));
    }
    let first = directory.list();
    assert_eq!((counts(&first, DaemonLog::Dispatcher).files, first.left_out), (OLD, 0));
    assert!(first.asked >= OLD);
    directory.make("dispatcher.log-new");
    let before = worked();
    let second = directory.list();
    let took = worked().saturating_sub(before);
    assert!(followed(&second).contains(&("dispatcher.log-new".to_owned(), true)));
    assert!(second.asked <= (2 + WAITING_EACH) as u64 * MOST_FOLLOWED as u64 + 2, "{}", second.asked);
    // It is listed once a minute.
    let share = took.as_secs_f64() / MINUTE.as_secs_f64();
    assert!(share < 0.01, "{took:?} a minute");
}
