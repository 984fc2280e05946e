//! Rotations by hand, under any names, more of them between two looks.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::Duration;

use imsimta_exporter::source::follow::{Begin, Position};

use super::{DRAIN, Site};
use crate::service::harness::{now, wait_for};

/// Renames the log and begins a new one; each rotation has a line of its own in the new file.
fn rotate(site: &mut Site, to: &Path) {
    fs::rename(site.path("mail.log_current"), to).expect("renamed");
    let path = site.path("mail.log_current");
    site.writers.push(OpenOptions::new().create(true).append(true).open(path).expect("a log"));
    site.write(0, false);
}

fn started() -> Site {
    let mut site = Site::new(Begin::Beginning);
    site.write(0, false);
    site.poll();
    site.write(0, false);
    site
}

/// Times of files are coarse: what follows has a later one.
fn later() {
    let begun = now();
    wait_for("a later time", Duration::from_secs(5), || {
        (now() - begun > Duration::from_millis(30)).then_some(())
    });
}

/// All lines, each once, in any order.
#[track_caller]
fn check_all(site: &mut Site) {
    site.received.sort_unstable();
    assert_eq!(site.received, (0..site.written).collect::<Vec<_>>());
    assert!(!site.events.contains(&"gap"), "{:?}", site.events);
}

/// Names such as people and tools give; each with the number of the rotation.
const NAMES: [&str; 6] = [
    "mail.log_current.{}",
    "mail.log_current-2026112{}",
    "mail.log_current.{}.old",
    "mail.log_2026-11-2{}",
    "mail.log.{}",
    "mail.log_current{}~",
];

#[test]
fn rotations_between_two_looks_under_any_names_lose_nothing() {
    for name in NAMES {
        for rotations in [1, 2, 3, 7] {
            let mut site = started();
            for number in 0..rotations {
                let to = site.path(&name.replace("{}", &number.to_string()));
                rotate(&mut site, &to);
            }
            site.poll();
            check_all(&mut site);
            assert_eq!(site.events, vec!["rotated"; rotations], "{name}");
            // Nothing counts twice when it goes on so.
            for number in 10..10 + rotations {
                let to = site.path(&name.replace("{}", &number.to_string()));
                rotate(&mut site, &to);
                site.poll();
            }
            check_all(&mut site);
        }
    }
}

/// As logrotate does: `.1` becomes `.2` before the log becomes `.1`.
#[test]
fn names_that_move_on_lose_nothing() {
    let mut site = started();
    for _ in 0..4 {
        for number in (0..9).rev() {
            let path = |number: i32| site.path(&format!("mail.log_current.{number}"));
            fs::rename(path(number), path(number + 1)).ok();
        }
        let to = site.path("mail.log_current.0");
        rotate(&mut site, &to);
    }
    site.poll();
    check_all(&mut site);
}

#[test]
fn rotations_while_the_program_is_down_lose_nothing() {
    let mut site = started();
    site.poll();
    let saved = site.saved();
    for number in 0..3 {
        let to = site.path(&format!("mail.log_current.{number}"));
        rotate(&mut site, &to);
    }
    site.restart(saved);
    site.poll();
    check_all(&mut site);
    // A kill before they were read whole: they are found by their places.
    let saved = site.saved();
    site.write(2, false);
    site.restart(saved);
    site.poll();
    check_all(&mut site);
}

/// How a log is gone before a state is saved; what happens while it has no successor yet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gone {
    /// Renamed as the return job does it, and seen so.
    Renamed,
    /// The same, with another rotation by hand before it was seen, whose file is left after a while.
    RenamedTwice,
    /// Renamed by hand, and seen so.
    ByHand,
    /// Renamed while the program is down, which then starts while there is no log.
    WhileDown,
    /// It had not come yet when the program was first started.
    NotYet,
    /// The same, and there is one of yesterday.
    NotYetToday,
}

/// Leaves no log, and the places that were saved then.
fn gone(how: Gone) -> (Site, Vec<Position>) {
    let first = matches!(how, Gone::NotYet | Gone::NotYetToday);
    let mut site = if first { Site::new(Begin::End) } else { started() };
    let (log, yesterday) = (site.path("mail.log_current"), site.path("mail.log_yesterday"));
    match how {
        Gone::Renamed => fs::rename(&log, &yesterday).expect("renamed"),
        Gone::RenamedTwice => {
            rotate(&mut site, &yesterday);
            fs::rename(&log, site.path("mail.log_current.a")).expect("renamed");
        }
        Gone::ByHand => fs::rename(&log, site.path("mail.log_current.a")).expect("renamed"),
        Gone::WhileDown => {
            let saved = site.saved();
            fs::rename(&log, &yesterday).expect("renamed");
            site.restart(saved);
        }
        // These were the log before, but not for this program.
        Gone::NotYet => fs::write(site.path("mail.log_current.old"), "900000 old\n").expect("written"),
        Gone::NotYetToday => {
            fs::write(&yesterday, "900001 old\n").expect("written");
            later();
            fs::write(site.path("mail.log_current.old"), "900000 old\n").expect("written");
        }
    }
    if first {
        later();
        fs::write(site.path("another file"), "").expect("written");
    }
    site.poll();
    site.now += DRAIN * 2;
    site.poll();
    site.writers.clear();
    let saved = site.saved();
    (site, saved)
}

/// Files that were the log while nobody looked, before and after a restart.
#[test]
fn rotations_after_one_that_left_no_log_lose_nothing() {
    use Gone::*;
    for how in [Renamed, RenamedTwice, ByHand, WhileDown, NotYet, NotYetToday] {
        for restarts in [false, true] {
            let (mut site, saved) = gone(how);
            (0..2).for_each(|_| site.write(0, false));
            for number in 0..2 {
                let to = site.path(&format!("mail.log_current.{number}"));
                rotate(&mut site, &to);
            }
            if restarts {
                site.restart(saved);
            }
            site.poll();
            site.received.sort_unstable();
            let all: Vec<_> = (0..site.written).collect();
            assert_eq!(site.received, all, "{how:?}, restarts: {restarts}");
            assert!(!site.events.contains(&"gap"), "{how:?}, restarts: {restarts}: {:?}", site.events);
        }
    }
}

/// Yesterday's file is written after others came and went.
#[test]
fn late_lines_hide_no_file_that_came_and_went_while_there_was_no_log() {
    for restarts in [false, true] {
        let (mut site, _) = gone(Gone::Renamed);
        let (log, yesterday) = (site.path("mail.log_current"), site.path("mail.log_yesterday"));
        (0..2).for_each(|_| site.write(0, false));
        let before = site.path("mail.log_current.0");
        rotate(&mut site, &before);
        later();
        fs::copy(&yesterday, site.path("mail.log")).expect("copied");
        rotate(&mut site, &yesterday);
        later();
        site.write(1, false);
        fs::rename(&log, site.path("mail.log_current.1")).expect("renamed");
        site.poll();
        if restarts {
            let saved = site.saved();
            site.restart(saved);
            site.poll();
        }
        site.writers.clear();
        site.write(0, false);
        site.poll();
        check_all(&mut site);
    }
}

/// What was said to be lost while there was no log is not said again after a restart.
#[test]
fn a_copy_is_one_gap_though_the_program_is_started_again() {
    let (mut site, _) = gone(Gone::Renamed);
    fs::copy(site.path("mail.log_yesterday"), site.path("mail.log-1128")).expect("copied");
    let saved = site.saved();
    site.restart(saved);
    for _ in 0..3 {
        site.poll();
        let saved = site.saved();
        site.restart(saved);
    }
    site.write(0, false);
    site.poll();
    assert_eq!(site.events.iter().filter(|event| **event == "gap").count(), 1, "{:?}", site.events);
}

/// The cumulative log has the lines of one that the return job renamed after one that was renamed by hand, and nothing
/// says where they begin.
#[test]
fn a_rotation_by_hand_before_two_of_the_return_job_is_a_gap_after_a_restart() {
    for nights in [1, 2] {
        let mut site = started();
        let saved = site.saved();
        let by_hand = site.path("mail.log_current.0");
        rotate(&mut site, &by_hand);
        let yesterday = site.path("mail.log_yesterday");
        for _ in 0..nights {
            if let Ok(before) = fs::read(&yesterday) {
                fs::write(site.path("mail.log"), before).expect("written");
            }
            rotate(&mut site, &yesterday);
        }
        site.restart(saved);
        site.poll();
        let lost = site.written - site.received.len();
        assert_eq!((lost, site.events.contains(&"gap")), (nights - 1, nights > 1), "{:?}", site.events);
    }
}

/// Nobody knows any more which file was the log last: what came after it is read all the same.
#[test]
fn a_file_that_is_written_over_while_there_is_no_log_hides_no_later_one() {
    let (mut site, _) = gone(Gone::Renamed);
    fs::write(site.path("mail.log_yesterday"), "").expect("written");
    site.poll();
    let saved = site.saved();
    site.write(0, false);
    let to = site.path("mail.log_current.0");
    rotate(&mut site, &to);
    site.restart(saved);
    site.poll();
    assert_eq!(site.received, (0..site.written).collect::<Vec<_>>());
}

#[test]
fn late_lines_in_all_of_them_are_read() {
    let mut site = started();
    for number in 0..3 {
        let to = site.path(&format!("mail.log_current.{number}"));
        rotate(&mut site, &to);
        site.write(1, false);
    }
    site.poll();
    for age in [3, 2, 1, 0] {
        site.write(age, false);
    }
    site.poll();
    check_all(&mut site);
}

#[test]
fn under_names_of_nobody_a_gap_is_said() {
    for names in [["a", "b", "c"], ["old-1", "old-2", "old-3"], ["x.log", "y.log", "z.log"]] {
        let mut site = started();
        for name in names {
            let to = site.path(name);
            rotate(&mut site, &to);
        }
        site.poll();
        let lost = site.written - site.received.len();
        assert_eq!(lost, 2, "{names:?}");
        assert!(site.events.contains(&"gap") && site.gap_bytes > 0, "{names:?}: {:?}", site.events);
    }
}

/// What else comes into the directory at that time.
#[test]
fn copies_and_files_of_others_are_neither_read_nor_gaps() {
    let mut site = started();
    site.poll();
    for _ in 0..50 {
        site.write(0, false);
    }
    later();
    let copy = site.path("mail.log_current.copy");
    let times = ["-p", "--preserve=timestamps"];
    let mut cp = std::process::Command::new("cp");
    assert!(
        cp.arg(times[0]).arg(site.path("mail.log_current")).arg(copy).status().expect("started").success()
    );
    let write = |name: &str, text: &[u8]| fs::write(site.path(name), text).expect("written");
    write("mail.log_current.1.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03 and so on\n");
    write("mail.log_statistics", b"Statistics of the day\n");
    write("dispatcher.log-0001", b"some text of another program\n");
    write("connection.log_current", b"000000 another log\n");
    write("connection.log_yesterday", b"000000 another log\n");
    write("connection.log", b"000000 another log\n");
    write("connection.log_current.0", b"000000 another log\n");
    write("mail.log", b"000000 the cumulative one\n");
    fs::create_dir(site.path("mail.log_current.d")).expect("made");
    let to = site.path("mail.log_current.0");
    rotate(&mut site, &to);
    site.poll();
    check_all(&mut site);
    assert_eq!(site.events, ["rotated"]);
}

#[test]
fn more_files_than_are_opened_at_once_are_a_gap() {
    let mut site = started();
    for number in 0..100 {
        site.writers.clear();
        let to = site.path(&format!("mail.log_current.{number}"));
        rotate(&mut site, &to);
    }
    site.poll();
    assert!(site.received.len() > 60, "{}", site.received.len());
    assert!(site.received.len() < site.written);
    assert!(site.events.contains(&"gap") && site.gap_bytes > 0);
}

/// A file with the lines of another may be a copy of it: it is not counted, and that is said.
#[test]
fn files_with_the_same_lines_are_a_gap() {
    let mut site = Site::new(Begin::Beginning);
    let path = site.path("mail.log_current");
    let write = || fs::write(&path, "000007 the same\n".repeat(3)).expect("written");
    write();
    site.poll();
    for number in 0..3 {
        fs::rename(&path, site.path(&format!("mail.log_current.{number}"))).expect("renamed");
        write();
    }
    site.poll();
    assert_eq!(site.received.len(), 6);
    assert!(site.events.contains(&"gap") && site.gap_bytes > 0, "{:?}", site.events);
}

/// Each takes the name of the one before it, so that those in between are gone.
#[test]
fn files_that_were_written_over_are_a_gap() {
    for rotations in 2..6 {
        let mut site = started();
        for _ in 0..rotations {
            let to = site.path("mail.log_current.old");
            later();
            rotate(&mut site, &to);
        }
        site.poll();
        let lost = site.written - site.received.len();
        assert_eq!(lost, rotations - 2);
        assert_eq!(site.events.contains(&"gap"), lost > 0, "{rotations}: {:?}", site.events);
    }
}

/// Renamed as the return job does it, and copied by a plain `cp` before or after a look; then the next entry comes.
fn copied_before_the_new_log(lines: usize, before_a_look: bool, more: &[u8]) -> Site {
    let mut site = Site::new(Begin::Beginning);
    (0..lines).for_each(|_| site.write(0, false));
    site.poll();
    later();
    let yesterday = site.path("mail.log_yesterday");
    fs::rename(site.path("mail.log_current"), &yesterday).expect("renamed");
    if !before_a_look {
        site.poll();
    }
    let mut copy = fs::read(&yesterday).expect("read");
    copy.extend(more);
    fs::write(site.path("mail.log-1128"), copy).expect("written");
    site.poll();
    site.writers.clear();
    site.write(0, false);
    site.poll();
    assert_eq!(site.received, (0..site.written).collect::<Vec<_>>());
    site
}

/// What was said to be lost while there was no log is not said again when there is one.
#[test]
fn what_may_be_a_copy_is_one_gap_however_late_the_new_log_comes() {
    for before_a_look in [true, false] {
        for (lines, more) in [(1, ""), (1, "000000 another\n"), (300, "000000 another\n")] {
            let site = copied_before_the_new_log(lines, before_a_look, more.as_bytes());
            let gaps = site.events.iter().filter(|event| **event == "gap").count();
            assert_eq!(gaps, 1, "{lines} {more:?} {before_a_look}: {:?}", site.events);
            let bytes = fs::metadata(site.path("mail.log-1128")).expect("there").len();
            assert_eq!(site.gap_bytes, bytes);
        }
    }
}

#[test]
fn a_copy_that_shows_to_be_one_is_no_gap() {
    for before_a_look in [true, false] {
        let site = copied_before_the_new_log(300, before_a_look, b"");
        assert!(!site.events.contains(&"gap"), "{before_a_look}: {:?}", site.events);
    }
}

/// The one that was written over is said to be lost once.
#[test]
fn a_file_that_was_written_over_is_one_gap_however_late_the_new_log_comes() {
    let mut site = started();
    let old = site.path("mail.log_current.old");
    for _ in 0..3 {
        later();
        rotate(&mut site, &old);
    }
    fs::rename(site.path("mail.log_current"), site.path("mail.log_yesterday")).expect("renamed");
    site.poll();
    assert!(site.events.contains(&"gap"), "{:?}", site.events);
    site.events.clear();
    site.writers.clear();
    later();
    site.write(0, false);
    let to = site.path("mail.log_current.0");
    rotate(&mut site, &to);
    site.poll();
    assert!(!site.events.contains(&"gap"), "{:?}", site.events);
}
