//! What a scan makes of what scans before it have seen.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::time::Duration;

use rustix::process::geteuid;
use tempfile::TempDir;

use super::{NOW, channel, later, look, put, scanner, settings, try_look, unix};
use crate::source::spool::channel::Channel;
use crate::source::spool::held_files::{HeldFile, HeldReason, MAX_HELD_A_SCAN};
use crate::source::spool::{ErrorKind, QueueSnapshot, Scanner, SpoolError};

#[test]
fn a_settled_file_is_asked_for_once_and_a_young_one_when_it_has_settled() {
    let root = TempDir::new().expect("directory");
    let old = put(&root, "l/ZZ0AAAAAAAAAAAAA.00", 10, 60);
    let young = put(&root, "l/ZZ0BBBBBBBBBBBBB.00", 10, 59);
    let mut scanner = scanner(&root);
    let bytes = |scanner: &mut Scanner, now| channel(&look(scanner, unix(now)), "l").bytes;
    assert_eq!(bytes(&mut scanner, NOW), 20);
    for path in [&old, &young] {
        let modified = fs::metadata(path).expect("file").modified().expect("time");
        let file = fs::File::options().write(true).open(path).expect("file");
        file.set_len(1000).expect("size");
        file.set_modified(modified).expect("time");
    }
    assert_eq!(bytes(&mut scanner, NOW), 20);
    assert_eq!(bytes(&mut scanner, NOW + 1), 1010);
    // A new inode under the old name is a new file.
    let replacement = put(&root, "l/replacement", 5, 500);
    fs::rename(replacement, old).expect("rename");
    assert_eq!(bytes(&mut scanner, NOW + 1), 1005);
}

#[test]
fn a_quiet_directory_is_read_again_for_a_file_that_settles() {
    let root = TempDir::new().expect("directory");
    let path = put(&root, "l/ZZ0AAAAAAAAAAAAA.00", 10, 0);
    let start = later(&root);
    let file = fs::File::options().write(true).open(path).expect("file");
    file.set_modified(start).expect("time");
    let mut scanner = scanner(&root);
    look(&mut scanner, start);
    file.set_len(1000).expect("size");
    file.set_modified(start).expect("time");
    for (after, bytes, read) in [(1, 10, 0), (59, 10, 0), (61, 1000, 1), (62, 1000, 0)] {
        let snapshot = look(&mut scanner, start + Duration::from_secs(after));
        assert_eq!(channel(&snapshot, "l").bytes, bytes, "{after}");
        assert_eq!(snapshot.scan.expect("a scan").read, read, "{after}");
    }
}

#[test]
fn what_vanished_is_forgotten() {
    let root = TempDir::new().expect("directory");
    let first = put(&root, "l/000/ZZ0AAAAAAAAAAAAA.00", 10, 100);
    put(&root, "l/000/ZZ0BBBBBBBBBBBBB.00", 1, 100);
    put(&root, "hold/ZZ0CCCCCCCCCCCCC.00", 10, 100);
    let mut scanner = scanner(&root);
    let remembered = |scanner: &Scanner| {
        scanner
            .channels
            .values()
            .map(|channel| (channel.subdirectories(), channel.remembered()))
            .collect::<Vec<_>>()
    };
    look(&mut scanner, unix(NOW));
    assert_eq!(remembered(&scanner), [(0, 1), (1, 2)]);
    fs::remove_file(first).expect("file");
    fs::remove_dir_all(root.path().join("hold")).expect("directory");
    let snapshot = look(&mut scanner, unix(NOW));
    assert_eq!(remembered(&scanner), [(1, 1)]);
    assert!(!snapshot.channels.contains_key("hold"));
    assert_eq!(channel(&snapshot, "l").messages, 1);
    fs::remove_dir_all(root.path().join("l/000")).expect("directory");
    assert_eq!(channel(&look(&mut scanner, unix(NOW)), "l").messages, 0);
    assert_eq!(remembered(&scanner), [(0, 0)]);
}

#[test]
fn a_directory_that_has_not_changed_is_not_read_again() {
    let root = TempDir::new().expect("directory");
    for path in ["l/000/ZZ0AAAAAAAAAAAAA.00", "l/001/ZZ0BBBBBBBBBBBBB.00", "hold/ZZ0CCCCCCCCCCCCC.HELD"] {
        put(&root, path, 10, 4000);
    }
    let mut scanner = scanner(&root);
    let mut counts = |now, at| {
        scanner.scan(now, &|| Duration::from_secs(at), &BTreeSet::new()).expect("scanned");
        let snapshot = scanner.snapshot(now);
        let scan = snapshot.scan.expect("a scan");
        (scan.read, scan.skipped, scan.files, channel(&snapshot, "l").messages)
    };
    // Right after the changes the times of the directories prove nothing.
    let soon = later(&root) - Duration::from_secs(9);
    assert_eq!(counts(soon, 0), (4, 0, 3, 2));
    assert_eq!(counts(later(&root), 1), (4, 0, 3, 2));
    assert_eq!(counts(later(&root), 2), (0, 4, 0, 2));
    let new = put(&root, "l/001/ZZ0DDDDDDDDDDDDD.00", 10, 4000);
    assert_eq!(counts(later(&root), 3), (1, 3, 2, 3));
    fs::rename(&new, new.with_file_name("ZY0DDDDDDDDDDDDD.00")).expect("renamed");
    assert_eq!(counts(later(&root), 4), (1, 3, 2, 3));
    fs::create_dir(root.path().join("l/002")).expect("directory");
    assert_eq!(counts(later(&root), 5), (2, 3, 0, 3));
    assert_eq!(counts(later(&root), 6), (0, 5, 0, 3));
    // Now and then all the same.
    assert_eq!(counts(later(&root), 601), (2, 3, 2, 3));
    assert_eq!(counts(later(&root), 1300), (5, 0, 4, 3));
}

#[test]
fn ages_go_on_where_nothing_changes() {
    let root = TempDir::new().expect("directory");
    let start = later(&root);
    let path = put(&root, "l/ZZ0AAAAAAAAAAAAA.00", 10, 0);
    fs::File::options().write(true).open(path).expect("file").set_modified(start).expect("time");
    let start = start + Duration::from_secs(10);
    let mut settings = settings(root.path());
    settings.stuck_after_by_channel = [("l".to_owned(), Duration::from_hours(5))].into();
    let mut scanner = Scanner::new(settings);
    for (hours, band, stuck) in
        [(0, 0, 0), (1, 2, 0), (4, 3, 0), (6, 3, 1), (24, 4, 1), (48, 5, 1), (96, 6, 1), (168, 7, 1)]
    {
        let snapshot = look(&mut scanner, start + Duration::from_hours(hours));
        let l = channel(&snapshot, "l");
        assert_eq!((l.ages[band], l.stuck), (1, stuck), "{hours}: {l:?}");
    }
}

/// A clock that goes on with each look.
struct Ticking(Cell<u64>);

impl Ticking {
    fn scan(&self, scanner: &mut Scanner) -> QueueSnapshot {
        let clock = || {
            self.0.set(self.0.get() + 1);
            Duration::from_millis(self.0.get())
        };
        scanner.scan(unix(NOW), &clock, &BTreeSet::new()).expect("scanned");
        scanner.snapshot(unix(NOW))
    }
}

#[test]
fn a_scan_without_time_goes_on_where_it_stopped() {
    let root = TempDir::new().expect("directory");
    for channel in ["a", "b", "c"] {
        for directory in 0..5 {
            put(&root, &format!("{channel}/{directory:03}/ZZ0AAAAAAAAAAAAA.00"), 10, 100);
        }
    }
    for budget in [1, 2, 3, 5, 8, 13, 21, 34, 1000] {
        let mut settings = settings(root.path());
        settings.budget = Duration::from_millis(budget);
        settings.first_pass = settings.budget;
        let mut scanner = Scanner::new(settings);
        let clock = Ticking(Cell::new(0));
        let mut partial = 0;
        loop {
            let snapshot = clock.scan(&mut scanner);
            let scan = snapshot.scan.expect("a scan");
            // What is shown is whole.
            assert!(snapshot.channels.values().all(|queue| queue.messages == 5), "{snapshot:?}");
            if snapshot.channels.len() == 3 {
                break;
            }
            assert!(scan.partial);
            partial += 1;
            assert!(partial < 1000, "no scan comes to an end with a budget of {budget}");
        }
        assert_eq!(partial > 0, budget < 1000, "{budget}: {partial}");
        // A change is seen within a few scans although no scan is complete.
        let new = put(&root, "b/004/ZZ0BBBBBBBBBBBBB.00", 10, 100);
        assert!((0..1000).any(|_| channel(&clock.scan(&mut scanner), "b").messages == 6));
        fs::remove_file(new).expect("removed");
    }
}

#[test]
fn a_directory_that_takes_longer_than_the_budget_is_finished() {
    let root = TempDir::new().expect("directory");
    for number in 0..3000 {
        put(&root, &format!("l/ZZ0AAAAAAAAA{number:04}.00"), 10, 100);
    }
    let mut settings = settings(root.path());
    settings.budget = Duration::from_millis(5);
    let mut scanner = Scanner::new(settings);
    let clock = Ticking(Cell::new(0));
    let scans = (1..200).find(|_| channel(&clock.scan(&mut scanner), "l").unasked == 0);
    assert!(scans.is_some_and(|scans| scans > 1), "{scans:?}");
    assert_eq!(scanner.channels.values().map(Channel::remembered).sum::<usize>(), 3000);
}

/// However long sizes and times take, every message is counted by the first scan, and by each after it.
#[test]
fn the_first_picture_has_all_names() {
    let root = TempDir::new().expect("directory");
    for number in 0..2000 {
        for (channel, attempts, ending) in [("l", "ZZ", "00"), ("m", "ZY", "00"), ("n", "ZX", "HELD")] {
            put(&root, &format!("{channel}/000/{attempts}0AAAAAAAAA{number:04}.{ending}"), 10, 100);
        }
    }
    let mut settings = settings(root.path());
    settings.budget = Duration::from_millis(100);
    let mut scanner = Scanner::new(settings);
    let clock = Ticking(Cell::new(0));
    let mut pictures = 0;
    loop {
        let snapshot = clock.scan(&mut scanner);
        pictures += 1;
        let count = |name: &str| channel(&snapshot, name).messages;
        assert_eq!((count("l"), count("m"), count("n")), (2000, 2000, 0), "picture {pictures}");
        assert_eq!(channel(&snapshot, "l").attempts[0], 2000);
        assert_eq!(channel(&snapshot, "n").held.iter().sum::<u64>(), 2000);
        if pictures == 1 {
            assert!(channel(&snapshot, "m").unasked > 0);
        }
        if snapshot.channels.values().all(|queue| queue.unasked == 0) {
            assert_eq!((channel(&snapshot, "l").bytes, channel(&snapshot, "m").ages[0]), (20_000, 2000));
            break;
        }
        assert!(pictures < 200, "sizes never come");
    }
    assert!(pictures > 2, "{pictures}");
}

#[test]
fn sizes_beyond_the_table_are_estimated_and_marked() {
    let root = TempDir::new().expect("directory");
    for number in 0..10 {
        put(&root, &format!("l/ZZ0AAAAAAAAAAAA{number}.00"), 1000, 100);
        put(&root, &format!("m/ZY0AAAAAAAAAAAA{number}.00"), 1000, 100);
    }
    let mut settings = settings(root.path());
    settings.most_remembered = 8;
    let mut scanner = Scanner::new(settings);
    for _ in 0..2 {
        let snapshot = look(&mut scanner, unix(NOW));
        for (name, unknown, attempts) in [("l", 2, [10, 0, 0, 0, 0]), ("m", 10, [0, 10, 0, 0, 0])] {
            let queue = channel(&snapshot, name);
            assert_eq!((queue.messages, queue.bytes, queue.unknown), (10, 10_000, unknown));
            assert_eq!((queue.attempts, queue.ages.iter().sum::<u64>()), (attempts, 10 - unknown));
        }
    }
    // Room that comes back is used, also by a directory that has not changed.
    fs::remove_dir_all(root.path().join("l")).expect("removed");
    look(&mut scanner, later(&root));
    assert_eq!(channel(&look(&mut scanner, later(&root)), "m").unknown, 2);
}

#[test]
fn held_files_are_handed_out_once_and_count_by_the_answer() {
    let root = TempDir::new().expect("directory");
    put(&root, "l/ZZ0AAAAAAAAAAAAA.HELD", 10, 100);
    put(&root, "l/000/ZZ0BBBBBBBBBBBBB.HELD", 10, 100);
    put(&root, "hold/ZZ0CCCCCCCCCCCCC.HELD", 10, 100);
    let mut scanner = scanner(&root);
    let held = |scanner: &mut Scanner, name| {
        let now = later(&root);
        channel(&look(scanner, now), name).held
    };
    assert_eq!(held(&mut scanner, "l"), [0, 0, 0, 2]);
    let found = scanner.held_found();
    let path = |file: &HeldFile| file.key.directory().join(file.name.to_str().expect("text"));
    let paths: Vec<_> = found.iter().map(path).collect();
    assert_eq!(paths, [Path::new("l/ZZ0AAAAAAAAAAAAA.HELD"), Path::new("l/000/ZZ0BBBBBBBBBBBBB.HELD")]);
    assert!(found.iter().all(|file| &*file.channel == "l"));
    scanner.classified(&found[1].key, HeldReason::Loop);
    assert_eq!(channel(&scanner.snapshot(unix(NOW)), "l").held, [0, 1, 0, 1]);
    assert_eq!(held(&mut scanner, "l"), [0, 1, 0, 1]);
    assert_eq!(held(&mut scanner, "hold"), [1, 0, 0, 0]);
    assert_eq!(scanner.held_found(), []);

    // One without an answer comes again when asked for, then gets one.
    scanner.put_back(&found[0].key);
    scanner.put_back(&found[1].key);
    assert_eq!(held(&mut scanner, "l"), [0, 1, 0, 1]);
    assert_eq!(scanner.held_found(), found[..1]);
    scanner.classified(&found[0].key, HeldReason::Other);
    scanner.classified(&found[0].key, HeldReason::Loop);
    // The answer stays when the directory is read again, and an answer that comes too late is dropped.
    put(&root, "l/ZZ0DDDDDDDDDDDDD.00", 10, 100);
    assert_eq!(held(&mut scanner, "l"), [0, 2, 0, 0]);
    fs::remove_dir_all(root.path().join("l/000")).expect("removed");
    assert_eq!(held(&mut scanner, "l"), [0, 1, 0, 0]);
    scanner.classified(&found[1].key, HeldReason::Other);
    assert_eq!(held(&mut scanner, "l"), [0, 1, 0, 0]);
}

#[test]
fn more_held_files_than_a_scan_hands_out_come_with_the_next() {
    let root = TempDir::new().expect("directory");
    fs::create_dir(root.path().join("l")).expect("directory");
    for number in 0..MAX_HELD_A_SCAN + 3 {
        fs::write(root.path().join(format!("l/ZZ0AAAAAAA{number:05}.HELD")), "").expect("file");
    }
    let mut scanner = scanner(&root);
    let mut names = BTreeSet::new();
    for expected in [MAX_HELD_A_SCAN, 3, 0] {
        let snapshot = look(&mut scanner, later(&root));
        assert_eq!(channel(&snapshot, "l").held[3], MAX_HELD_A_SCAN as u64 + 3);
        let found = scanner.held_found();
        assert_eq!(found.len(), expected);
        names.extend(found.into_iter().map(|file| file.name));
    }
    assert_eq!(names.len(), MAX_HELD_A_SCAN + 3);
}

#[test]
fn an_unmounted_queue_is_an_error_and_not_an_empty_queue() {
    let place = TempDir::new().expect("directory");
    let (queue, aside) = (place.path().join("queue"), place.path().join("aside"));
    put(&place, "queue/l/ZZ0AAAAAAAAAAAAA.00", 10, 100);
    // Who is not root owns both; then this says nothing about whose number is shown.
    let mta = fs::metadata(&queue).expect("a directory").uid() + u32::from(geteuid().is_root());
    chown(&queue, Some(mta), None).expect("permitted");
    let mut scanner = Scanner::new(settings(&queue));
    assert_eq!(scanner.snapshot(unix(NOW)).owner, None);
    assert_eq!(channel(&look(&mut scanner, unix(NOW)), "l").messages, 1);
    // What is below a mount point when nothing is mounted: another directory, and empty.
    fs::rename(&queue, &aside).expect("renamed");
    fs::create_dir(&queue).expect("directory");
    for _ in 0..2 {
        let error = try_look(&mut scanner, unix(NOW)).expect_err("unmounted");
        assert!(matches!(error, SpoolError::Unmounted { .. }), "{error:?}");
        let snapshot = scanner.snapshot(unix(NOW));
        assert!(snapshot.channels.is_empty() && snapshot.scan.is_none());
        assert_eq!(snapshot.owner, Some(mta));
    }
    assert_eq!(scanner.snapshot(unix(NOW)).errors[ErrorKind::Vanished as usize], 2);
    fs::remove_dir(&queue).expect("removed");
    assert!(matches!(try_look(&mut scanner, unix(NOW)), Err(SpoolError::Open { .. })));
    fs::rename(&aside, &queue).expect("renamed");
    assert_eq!(channel(&look(&mut scanner, unix(NOW)), "l").messages, 1);
    assert_eq!(scanner.snapshot(unix(NOW)).directories, Some(1));
    // No channel at all is a failure in the same directory, too.
    fs::remove_dir_all(queue.join("l")).expect("removed");
    assert!(matches!(try_look(&mut scanner, unix(NOW)), Err(SpoolError::Empty { .. })));
    assert_eq!(scanner.snapshot(unix(NOW)).directories, Some(0));
}

#[test]
fn a_retry_keeps_the_age_and_moves_the_band() {
    let root = TempDir::new().expect("directory");
    let untried = put(&root, "l/ZZ0AAAAAAAAAAAAA.00", 10, 9000);
    let mut scanner = scanner(&root);
    let before = look(&mut scanner, unix(NOW));
    assert_eq!(channel(&before, "l").stuck, 1);
    fs::rename(&untried, untried.with_file_name("ZY0AAAAAAAAAAAAA.00")).expect("rename");
    let after = look(&mut scanner, unix(NOW));
    assert_eq!(channel(&after, "l").attempts, [0, 1, 0, 0, 0]);
    assert_eq!(channel(&after, "l").stuck, 0);
    assert_eq!(channel(&after, "l").oldest, channel(&before, "l").oldest);
}
