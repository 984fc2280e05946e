//! The scan of a large queue beside `find` and beside the system calls alone.
//!
//! `cargo bench --bench queue -- [--files 1000000] [--rounds 5] [--held 10000]` makes a tree of empty files in the
//! temporary directory (`TMPDIR`), 40 channels of 20 subdirectories, and removes it in the end. What is
//! compared runs in turns in one run. Times are CPU times, which other programs on the machine disturb
//! least, with the wall-clock time beside them.

mod costs;
mod held;
mod program;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use costs::{Cost, Costs, cost};
use imsimta_exporter::source::spool::{MAX_REMEMBERED, Scanner, Settings};
use tree::Tree;

/// What is run, what it is measured by, and the bound that it should keep.
const ROWS: [(&str, &str, &str); 8] = [
    ("find -type f | wc -l", "find -type f | wc -l", ""),
    ("getdents64 alone", "find -type f | wc -l", ""),
    ("all names again, looked up", "find -type f | wc -l", "at most 0.8 of find"),
    ("nothing changed: directories", "find -type f | wc -l", "at most 5 ms"),
    ("nothing changed: ages, stuck", "find -type f | wc -l", "both at most 20 ms"),
    ("40 directories touched", "find -type f | wc -l", "at most 25 ms"),
    ("getdents64 + fstatat", "getdents64 + fstatat", ""),
    ("first scan, with sizes", "getdents64 + fstatat", "at most 1.5 of getdents64 + fstatat"),
];

/// Longer than any directory goes without being read again.
const ALL_AGAIN: Duration = Duration::from_hours(1);

fn main() {
    let number = |flag: &str, default: usize| {
        let mut arguments = std::env::args().skip_while(|argument| argument != flag).skip(1);
        arguments.next().map_or(default, |value| value.parse().expect("a number"))
    };
    let (files, rounds) = (number("--files", 1_000_000), number("--rounds", 5));
    say(&format!("making {files} files"));
    let tree = Tree::new(files);
    let queue = tree.queue();

    // First, so that memory freed by others does not hide what the scanner takes.
    let before = resident_bytes();
    let mut bench = Bench::new(&queue);
    let mut costs = Costs::default();
    costs.add("first scan, with sizes", bench.scan());
    #[expect(clippy::cast_precision_loss, reason = "a size")]
    let per_file = resident_bytes().saturating_sub(before) as f64 / files as f64;
    bench.scan();

    for _ in 0..rounds {
        costs.add("find -type f | wc -l", find(&queue, files));
        costs.add("getdents64 alone", cost(|| tree::list(&queue, false, files)));
        bench.skipped += ALL_AGAIN;
        costs.add("all names again, looked up", bench.scan());
        costs.add("nothing changed: directories", bench.scan());
        costs.add("nothing changed: ages, stuck", bench.snapshot());
        tree.touch();
        bench.later();
        costs.add("40 directories touched", bench.scan());
        costs.add("getdents64 + fstatat", cost(|| tree::list(&queue, true, files)));
        costs.add("first scan, with sizes", Bench::new(&queue).scan());
    }
    costs.report(&ROWS);
    say(&format!("memory of the scanner: {per_file:.1} bytes a file (at most 64)"));
    program::first_picture(&tree, files, find(&queue, files).wall);
    program::pages(&tree);
    held::compare(number("--held", 10_000), rounds);
}

/// A scanner that is asked again and again.
struct Bench {
    scanner: Scanner,
    start: Instant,
    /// How far its clock is ahead.
    skipped: Duration,
    ahead: Duration,
}

impl Bench {
    fn new(queue: &Path) -> Self {
        let scanner = Scanner::new(Settings {
            root: queue.to_owned(),
            stuck_after: Duration::from_mins(10),
            stuck_after_by_channel: BTreeMap::new(),
            budget: Duration::MAX,
            first_pass: Duration::MAX,
            most_remembered: MAX_REMEMBERED,
            seed: 1,
        });
        // The tree has just been made; directories can be skipped some seconds later.
        Self { scanner, start: instant(), skipped: Duration::ZERO, ahead: Duration::from_secs(10) }
    }

    /// Lets enough time pass for a directory that has just changed to be trusted.
    fn later(&mut self) {
        self.ahead += Duration::from_secs(10);
    }

    fn scan(&mut self) -> Cost {
        let (start, skipped, now) = (self.start, self.skipped, wall() + self.ahead);
        let clock = || start.elapsed() + skipped;
        cost(|| self.scanner.scan(now, &clock, &BTreeSet::new()).expect("the root can be read"))
    }

    fn snapshot(&mut self) -> Cost {
        let now = wall() + self.ahead;
        cost(|| drop(self.scanner.snapshot(now)))
    }
}

/// Runs `find`; the shell says what its children took.
fn find(queue: &Path, files: usize) -> Cost {
    let start = instant();
    let script = r#"find "$0" -type f | wc -l; times"#;
    let output = Command::new("sh").args(["-c", script]).arg(queue).output().expect("started");
    let wall = start.elapsed();
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines = text.lines();
    assert_eq!(lines.next().map(str::trim), Some(files.to_string().as_str()));
    let children = lines.nth(1).expect("the times of the children");
    let seconds = |time: &str| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').expect("minutes");
        minutes.parse::<f64>().expect("a number") * 60.0 + seconds.parse::<f64>().expect("a number")
    };
    Cost { cpu: Duration::from_secs_f64(children.split(' ').map(seconds).sum()), wall }
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("readable");
    let pages: usize = text.split(' ').nth(1).and_then(|field| field.parse().ok()).expect("pages");
    pages * rustix::param::page_size()
}

fn say(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("written");
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "files have the times of this host")]
fn wall() -> SystemTime {
    SystemTime::now()
}
