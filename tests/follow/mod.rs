//! Following logs through whatever happens to them: cases one by one here, random lives in `model`.

mod by_hand;
mod model;
mod snapshot;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use imsimta_exporter::record::Skip;
use imsimta_exporter::source::follow::{Begin, FollowError, FollowOptions, Follower, Position, Step};
use imsimta_exporter::source::lines::lines;
use tempfile::TempDir;

const MAX_LINE_BYTES: usize = 1024;
const DRAIN: Duration = Duration::from_mins(10);

fn options() -> FollowOptions {
    FollowOptions { max_line_bytes: MAX_LINE_BYTES, drain: DRAIN }
}

/// When the return job appends to the cumulative log what is of yesterday now: later than any time of now.
fn night() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)
}

/// A log directory, the writers on it, and a follower.
struct Site {
    directory: TempDir,
    follower: Follower,
    now: Duration,
    /// Open files, newest last: a writer keeps the file that it opened.
    writers: Vec<File>,
    written: usize,
    received: Vec<usize>,
    events: Vec<&'static str>,
    gap_bytes: u64,
    skipped: Vec<(Skip, u64, bool)>,
}

impl Site {
    fn new(begin: Begin) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let follower = Follower::new(directory.path().join("mail.log_current"), options(), begin);
        Self {
            directory,
            follower,
            now: Duration::ZERO,
            writers: Vec::new(),
            written: 0,
            received: Vec::new(),
            events: Vec::new(),
            gap_bytes: 0,
            skipped: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The writer of the newest file; the file appears with it.
    fn writer(&mut self) -> &mut File {
        if self.writers.is_empty() {
            let path = self.path("mail.log_current");
            let file = OpenOptions::new().create(true).append(true).open(path).expect("a log");
            self.writers.push(file);
        }
        self.writers.last_mut().expect("just opened")
    }

    /// A line with the next number, by the writer with an index from the newest.
    fn write(&mut self, age: usize, part: bool) {
        let line = format!("{:06} {}\n", self.written, "x".repeat(self.written % 97));
        self.written += 1;
        self.writer();
        let index = self.writers.len() - 1 - age.min(self.writers.len() - 1);
        if part {
            // Two writes with a look in between: a torn line.
            let (head, tail) = line.split_at(line.len() / 2);
            self.writers[index].write_all(head.as_bytes()).expect("written");
            self.poll();
            self.writers[index].write_all(tail.as_bytes()).expect("written");
        } else {
            self.writers[index].write_all(line.as_bytes()).expect("written");
        }
    }

    /// What the return job does; the new file appears with its first entry.
    fn rotate(&mut self) {
        self.writer();
        let yesterday = self.path("mail.log_yesterday");
        std::fs::rename(self.path("mail.log_current"), yesterday).expect("renamed");
        let path = self.path("mail.log_current");
        self.writers.push(OpenOptions::new().create(true).append(true).open(path).expect("a log"));
    }

    /// Reads until everything has been read.
    fn poll(&mut self) {
        self.now += Duration::from_secs(1);
        for _ in 0..10_000 {
            match self.follower.step(self.now) {
                Ok(Step::Lines(block)) => self.received.extend(lines(block).map(|line| number(line.text))),
                Ok(Step::Skipped { reason, bytes, ends }) => self.skipped.push((reason, bytes, ends)),
                Ok(Step::Rotated) => self.events.push("rotated"),
                Ok(Step::Truncated { .. }) => self.events.push("truncated"),
                Ok(Step::Gap { known_bytes }) => {
                    self.events.push("gap");
                    self.gap_bytes += known_bytes;
                }
                Ok(Step::Idle) => return,
                Err(FollowError::Missing { .. }) => {
                    self.events.push("missing");
                    return;
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the follower never comes to rest");
    }

    /// Ends the follower as a kill does, and starts another from saved places.
    fn restart(&mut self, saved: Vec<Position>) {
        self.follower = Follower::new(self.path("mail.log_current"), options(), Begin::Resume(saved));
    }

    fn saved(&self) -> Vec<Position> {
        self.follower.positions().expect("a known place")
    }
}

fn number(line: &[u8]) -> usize {
    let digits = line.get(..6).and_then(|digits| std::str::from_utf8(digits).ok());
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("a torn line: {}", line.escape_ascii()))
}

#[test]
fn a_log_that_is_there_at_the_start_is_followed_from_its_end() {
    let mut site = Site::new(Begin::End);
    site.write(0, false);
    site.poll();
    site.write(0, false);
    site.poll();
    assert_eq!(site.received, [1]);
}

#[test]
fn a_line_that_is_being_written_at_the_start_is_read_when_it_is_whole() {
    let mut site = Site::new(Begin::End);
    site.writer().write_all(b"000001 before\n000007 half a li").expect("written");
    site.poll();
    site.writer().write_all(b"ne\n").expect("written");
    site.write(0, false);
    site.poll();
    assert_eq!((site.received, site.skipped), (vec![7, 0], vec![]));
}

#[test]
fn a_long_line_that_is_being_written_at_the_start_is_skipped() {
    let mut site = Site::new(Begin::End);
    site.writer().write_all(&vec![b'x'; 4 << 20]).expect("written");
    site.poll();
    site.writer().write_all(b"ne\n").expect("written");
    site.write(0, false);
    site.poll();
    assert_eq!((site.received, site.skipped), (vec![0], vec![(Skip::Incomplete, 3, true)]));
}

#[test]
fn a_log_that_appears_later_is_read_whole() {
    let mut site = Site::new(Begin::End);
    site.poll();
    site.write(0, false);
    site.poll();
    assert_eq!((site.received, site.events), (vec![0], vec!["missing"]));
}

#[test]
fn a_directory_that_appears_later_may_hold_what_another_host_wrote() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let log = parent.path().join("log/mail.log_current");
    let mut follower = Follower::new(log.clone(), options(), Begin::End);
    assert!(matches!(follower.step(Duration::ZERO), Err(FollowError::Missing { .. })));
    assert_eq!(follower.positions(), None);
    std::fs::create_dir(parent.path().join("log")).expect("made");
    std::fs::write(&log, "000000 old\n").expect("written");
    assert_eq!(follower.step(Duration::ZERO).expect("there"), Step::Idle);
    OpenOptions::new().append(true).open(&log).expect("a log").write_all(b"000001 new\n").expect("written");
    assert_eq!(follower.step(Duration::ZERO).expect("there"), Step::Lines(b"000001 new\n"));
}

#[test]
fn a_renamed_log_is_read_until_it_has_no_name_and_has_been_quiet() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    site.rotate();
    site.poll();
    site.now += DRAIN / 2;
    site.write(1, false);
    site.poll();
    site.now += DRAIN / 2 + Duration::from_secs(5);
    site.write(1, false);
    site.poll();
    assert_eq!((&site.received[..], &site.events[..]), (&[0, 1, 2][..], &["rotated"][..]));
    site.writers[0].write_all(b"never ended").expect("written");
    site.poll();
    site.rotate();
    site.now += DRAIN * 2;
    site.poll();
    site.now += DRAIN * 2;
    site.poll();
    assert_eq!(site.skipped, [(Skip::Incomplete, 11, true)]);
    assert_eq!(site.saved().len(), 2, "what has no name any more is closed");
}

#[test]
fn a_log_cut_in_place_is_read_from_its_beginning() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    site.writer().set_len(0).expect("cut");
    site.write(0, false);
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 1], vec!["truncated"]));
}

#[test]
fn a_log_cut_and_grown_beyond_its_old_size_is_noticed() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    site.writer().set_len(0).expect("cut");
    (0..50).for_each(|_| site.write(0, false));
    site.poll();
    assert_eq!((site.received, site.events), ((0..51).collect(), vec!["truncated"]));
}

#[test]
fn a_deleted_log_that_comes_again() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    std::fs::remove_file(site.path("mail.log_current")).expect("removed");
    site.write(0, false);
    site.writers.clear();
    site.poll();
    site.write(0, false);
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 1, 2], vec!["missing", "rotated"]));
}

#[test]
fn a_renamed_log_whose_new_file_has_not_come_is_no_failure() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    std::fs::rename(site.path("mail.log_current"), site.path("mail.log_yesterday")).expect("renamed");
    site.write(0, false);
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 1], vec!["rotated"]));
}

#[test]
fn a_saved_place_that_is_gone_is_a_gap() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    site.write(0, false);
    let saved = site.saved();
    std::fs::remove_file(site.path("mail.log_current")).expect("removed");
    site.writers.clear();
    site.write(0, false);
    site.restart(saved);
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 2], vec!["gap"]));
    assert!(site.gap_bytes > 0);
}

#[test]
fn a_log_renamed_by_hand_is_found_after_a_restart() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    let saved = site.saved();
    site.write(0, false);
    std::fs::rename(site.path("mail.log_current"), site.path("mail.log_2026")).expect("renamed");
    site.writers.clear();
    site.write(0, false);
    site.restart(saved);
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 1, 2], vec!["rotated"]));
}

#[test]
fn two_entries_that_are_the_same_are_no_copy_of_each_other() {
    for begins in ["000001 same\n".to_owned(), "000001 same\n".repeat(30)] {
        let mut site = Site::new(Begin::Beginning);
        site.write(0, false);
        site.poll();
        let saved = site.saved();
        // One process writes its last entry to the old file when another has begun the new one.
        site.writer().write_all(begins.as_bytes()).expect("written");
        site.rotate();
        site.writer().write_all(begins.as_bytes()).expect("written");
        site.writer().write_all(b"000002 another\n").expect("written");
        std::fs::copy(site.path("mail.log_yesterday"), site.path("mail.log")).expect("appended");
        site.rotate();
        site.restart(saved);
        site.poll();
        let same = vec![1; 2 * begins.lines().count()];
        assert_eq!(site.received, [vec![0], same, vec![2]].concat());
    }
}

#[test]
fn what_the_return_job_has_appended_so_far_is_read_once() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    let saved = site.saved();
    site.write(0, false);
    site.rotate();
    std::fs::copy(site.path("mail.log_yesterday"), site.path("mail.log")).expect("appended");
    (0..3).for_each(|_| site.write(0, false));
    site.rotate();
    // The next night has come: one entry of them is there now.
    let mut cumulative = OpenOptions::new().append(true).open(site.path("mail.log")).expect("a log");
    let yesterday = std::fs::read(site.path("mail.log_yesterday")).expect("read");
    cumulative.write_all(lines(&yesterday).next().expect("a line").text).expect("written");
    cumulative.set_modified(night()).expect("set");
    site.restart(saved);
    site.poll();
    site.received.sort_unstable();
    assert_eq!(site.received, [0, 1, 2, 3, 4]);
}

#[test]
fn a_cumulative_log_that_cannot_be_read_is_tried_again() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    let saved = site.saved();
    site.write(0, false);
    let (log, yesterday) = (site.path("mail.log_current"), site.path("mail.log_yesterday"));
    let cumulative = site.path("mail.log");
    std::fs::rename(&log, site.path("hidden")).expect("renamed");
    // A link to itself cannot be opened by anybody.
    std::os::unix::fs::symlink(&cumulative, &cumulative).expect("linked");
    site.writers.clear();
    site.write(0, false);
    std::fs::rename(&log, yesterday).expect("renamed");
    site.writers.clear();
    site.write(0, false);
    // Under its old inode it would be found by that.
    std::fs::copy(site.path("hidden"), site.path("copy")).expect("copied");
    std::fs::remove_file(site.path("hidden")).expect("removed");
    site.restart(saved);
    // The log is read all the same.
    let Ok(Step::Lines(block)) = site.follower.step(site.now) else { panic!("it is held up") };
    site.received.extend(lines(block).map(|line| number(line.text)));
    assert!(matches!(site.follower.step(site.now), Err(FollowError::Io { .. })));
    std::fs::remove_file(&cumulative).expect("removed");
    std::fs::rename(site.path("copy"), &cumulative).expect("renamed");
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 3, 1, 2], vec!["rotated", "rotated"]));
}

/// Lines that were read before they were appended are not read again.
#[test]
fn a_cumulative_log_that_cannot_be_read_at_a_start_is_not_read_from_its_beginning() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    site.rotate();
    site.poll();
    // The return job appends, and nobody else may read it.
    let (log, yesterday) = (site.path("mail.log_current"), site.path("mail.log_yesterday"));
    let cumulative = site.path("mail.log");
    let appended = std::fs::read(&yesterday).expect("read");
    std::os::unix::fs::symlink(&cumulative, &cumulative).expect("linked");
    std::fs::rename(&log, &yesterday).expect("renamed");
    site.poll();
    let saved = site.saved();
    site.restart(saved);
    site.poll();
    site.writers.clear();
    site.write(0, false);
    std::fs::rename(&log, &yesterday).expect("renamed");
    std::fs::remove_file(&cumulative).expect("removed");
    std::fs::write(&cumulative, appended).expect("written");
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 1], vec!["rotated"; 2]));
}

#[test]
fn a_link_that_is_turned_is_a_rotation() {
    let mut site = Site::new(Begin::Beginning);
    let link = site.path("mail.log_current");
    for day in ["monday", "tuesday"] {
        let turned = site.path("turned");
        std::fs::write(site.path(day), "").expect("written");
        std::os::unix::fs::symlink(site.path(day), &turned).expect("linked");
        std::fs::rename(turned, &link).expect("turned");
        site.writers.clear();
        site.write(0, false);
        site.poll();
    }
    let mut late = OpenOptions::new().append(true).open(site.path("monday")).expect("a log");
    late.write_all(b"000002 late\n").expect("written");
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 1, 2], vec!["rotated"]));
}

#[test]
fn an_inode_that_is_used_again_is_another_file() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    let saved = site.saved();
    // The same inode with other contents, as a new file may get it.
    site.writer().set_len(0).expect("cut");
    site.write(0, false);
    site.write(0, false);
    site.restart(saved);
    site.poll();
    assert_eq!((site.received, site.events), (vec![0, 1, 2], vec!["gap"]));
}

#[test]
fn lines_longer_than_the_cap_are_skipped_whole() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    let long = 300 * 1024;
    site.writer().write_all(&vec![b'x'; long]).expect("written");
    site.poll();
    // A restart in the middle of the line must not take its rest for a line.
    let saved = site.saved();
    site.restart(saved);
    site.writer().write_all(b"xx\n").expect("written");
    site.write(0, false);
    site.poll();
    let bytes: u64 = site.skipped.iter().map(|(_, bytes, _)| bytes).sum();
    let ends = site.skipped.iter().filter(|(_, _, ends)| *ends).count();
    assert_eq!((site.received, bytes, ends), (vec![0, 1], long as u64 + 3, 1));
}

/// What a log that was cut in place has in front of the lines of a writer that keeps its place.
#[test]
fn a_hole_longer_than_the_cap_hides_no_line() {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    let hole = 700 * 1024;
    site.writer().write_all(&vec![0; hole]).expect("written");
    site.poll();
    // A restart within the hole.
    let saved = site.saved();
    site.restart(saved);
    site.writer().write_all(&vec![0; hole]).expect("written");
    site.write(0, false);
    site.write(0, false);
    site.poll();
    let bytes: u64 = site.skipped.iter().map(|(_, bytes, _)| bytes).sum();
    let ends = site.skipped.iter().filter(|(_, _, ends)| *ends).count();
    assert!(site.skipped.iter().all(|(reason, ..)| *reason == Skip::Nul), "{:?}", site.skipped);
    assert_eq!((site.received, bytes, ends), (vec![0, 1, 2], 2 * hole as u64, 1));
}

#[test]
fn pipes_and_directories_are_refused() {
    for (kind, make) in [
        (
            "FIFO",
            (|path| {
                let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
                rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0)
                    .expect("made");
            }) as fn(&PathBuf),
        ),
        ("directory", |path| std::fs::create_dir(path).expect("made")),
        ("device", |path| std::os::unix::fs::symlink("/dev/zero", path).expect("made")),
    ] {
        let mut site = Site::new(Begin::End);
        let path = site.path("mail.log_current");
        make(&path);
        let error = site.follower.step(Duration::ZERO).expect_err(kind).to_string();
        assert!(error.contains(kind) && error.contains("mail.log_current"), "{error}");
    }
}
