//! The scanner on real directories, hostile ones included.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;

use super::directory::{MAX_DIRECTORIES, kind, open_root};
use super::{ATTEMPT_BANDS, ChannelQueue, MAX_CHANNELS, QueueSnapshot, Scanner, SpoolError, attempt_band};

/// The time of all scans here, Unix seconds.
const NOW: u64 = 1_700_000_000;
const STUCK_AFTER: Duration = Duration::from_hours(1);

fn unix(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn scanner(root: &TempDir) -> Scanner {
    Scanner::new(root.path().to_owned(), STUCK_AFTER, 7)
}

fn scan(root: &TempDir) -> QueueSnapshot {
    scanner(root).scan(unix(NOW)).expect("the root can be read")
}

/// A file of `size` bytes, `age` seconds old; directories on the way are made.
fn put(root: &TempDir, path: &str, size: usize, age: u64) -> PathBuf {
    let path = root.path().join(path);
    fs::create_dir_all(path.parent().expect("below the root")).expect("directories");
    fs::write(&path, vec![b'x'; size]).expect("file");
    let file = fs::File::options().write(true).open(&path).expect("file");
    file.set_modified(unix(NOW - age)).expect("time");
    path
}

fn channel<'a>(snapshot: &'a QueueSnapshot, name: &str) -> &'a ChannelQueue {
    snapshot.channels.get(name).unwrap_or_else(|| panic!("no channel {name} in {snapshot:?}"))
}

#[test]
fn bands_of_attempts() {
    for (attempts, band) in
        [(0, "0"), (1, "1"), (2, "2"), (3, "3-9"), (9, "3-9"), (10, "10+"), (1295, "10+"), (u16::MAX, "10+")]
    {
        assert_eq!(ATTEMPT_BANDS[attempt_band(attempts)], band, "{attempts}");
    }
}

#[test]
fn a_channel_with_subdirectories_held_messages_and_copies() {
    let root = TempDir::new().expect("directory");
    put(&root, "tcp_local/000/ZZ0AAAAAAAAAAAAA.00", 100, 7200);
    put(&root, "tcp_local/001/ZY0BBBBBBBBBBBBB.00", 20, 90_000);
    put(&root, "tcp_local/ZV0CCCCCCCCCCCCC.01", 3, 10);
    put(&root, "tcp_local/ZZ0DDDDDDDDDDDDD.00", 4000, 3599);
    put(&root, "tcp_local/001/ZZ0EEEEEEEEEEEEE.HELD", 50_000, 900_000);
    put(&root, "tcp_local/001/ZZ0EEEEEEEEEEEEE.KEEP1", 50_000, 900_000);
    put(&root, "tcp_local/$temporary", 1, 900_000);
    let snapshot = scan(&root);
    let expected = ChannelQueue {
        messages: 4,
        bytes: 4123,
        attempts: [2, 1, 0, 1, 0],
        held: 1,
        oldest: Some(1_699_910_000.0),
        stuck: 1,
        other_files: 2,
    };
    assert_eq!(channel(&snapshot, "tcp_local"), &expected);
    assert_eq!((snapshot.files, snapshot.directories), (7, 3));
    assert!(snapshot.failures.is_empty(), "{:?}", snapshot.failures);
}

#[test]
fn an_empty_channel_is_zero_and_an_empty_queue_has_no_channel() {
    let root = TempDir::new().expect("directory");
    assert!(scan(&root).channels.is_empty());
    fs::create_dir(root.path().join("process")).expect("directory");
    assert_eq!(channel(&scan(&root), "process"), &ChannelQueue::default());
}

#[test]
fn only_one_level_of_subdirectories_and_never_the_temporary_one() {
    let root = TempDir::new().expect("directory");
    put(&root, "l/any name/ZZ0AAAAAAAAAAAAA.00", 1, 100);
    put(&root, "l/any name/deeper/ZZ0BBBBBBBBBBBBB.00", 1, 100);
    put(&root, "l/spool/ZZ0CCCCCCCCCCCCC.00", 1, 100);
    put(&root, "ZZ0DDDDDDDDDDDDD.00", 1, 100);
    let snapshot = scan(&root);
    assert_eq!(snapshot.channels.keys().collect::<Vec<_>>(), ["l"]);
    assert_eq!(channel(&snapshot, "l").messages, 1);
    assert_eq!(channel(&snapshot, "l").other_files, 0);
}

#[test]
fn links_devices_and_pipes_are_other_files_and_lead_nowhere() {
    let root = TempDir::new().expect("directory");
    let elsewhere = TempDir::new().expect("directory");
    put(&elsewhere, "ZZ0AAAAAAAAAAAAA.00", 1, 100);
    put(&root, "l/ZZ0BBBBBBBBBBBBB.00", 1, 100);
    let l = root.path().join("l");
    symlink(elsewhere.path(), root.path().join("linked")).expect("link");
    symlink(elsewhere.path(), l.join("000")).expect("link");
    symlink(elsewhere.path().join("ZZ0AAAAAAAAAAAAA.00"), l.join("ZZ0CCCCCCCCCCCCC.00")).expect("link");
    symlink("ZZ0DDDDDDDDDDDDD.00", l.join("ZZ0DDDDDDDDDDDDD.00")).expect("loop");
    for name in ["ZZ0EEEEEEEEEEEEE.00", "ZZ0FFFFFFFFFFFFF.HELD"] {
        mknodat(CWD, l.join(name), FileType::Fifo, Mode::RUSR, 0).expect("pipe");
    }
    mknodat(CWD, root.path().join("pipe"), FileType::Fifo, Mode::RUSR, 0).expect("pipe");
    let snapshot = scan(&root);
    assert_eq!(snapshot.channels.keys().collect::<Vec<_>>(), ["l"]);
    let l = channel(&snapshot, "l");
    assert_eq!((l.messages, l.held, l.other_files), (1, 0, 5));
}

#[test]
fn names_that_are_not_text() {
    use std::os::unix::ffi::OsStrExt;
    let root = TempDir::new().expect("directory");
    let strange = root.path().join(std::ffi::OsStr::from_bytes(b"tcp_\xff\n"));
    fs::create_dir(&strange).expect("directory");
    fs::write(strange.join(std::ffi::OsStr::from_bytes(b"ZZ\xfe\xff.00")), "x").expect("file");
    fs::write(strange.join("ZZ0AAAAAAAAAAAAA.00"), "x").expect("file");
    let snapshot = scan(&root);
    let queue = channel(&snapshot, "tcp_??");
    assert_eq!((queue.messages, queue.other_files), (1, 1));
}

#[test]
fn directories_with_the_same_label_are_summed() {
    let root = TempDir::new().expect("directory");
    put(&root, "TCP_Local/ZZ0AAAAAAAAAAAAA.00", 1, 100);
    put(&root, "tcp_local/ZZ0BBBBBBBBBBBBB.00", 2, 100);
    assert_eq!(channel(&scan(&root), "tcp_local").bytes, 3);
}

#[test]
fn channels_beyond_the_cap_share_a_label() {
    let root = TempDir::new().expect("directory");
    for index in 0..MAX_CHANNELS + 3 {
        put(&root, &format!("tcp_{index:04}/ZZ0AAAAAAAAAAAAA.00"), 1, 100);
    }
    let snapshot = scan(&root);
    assert_eq!(snapshot.channels.len(), MAX_CHANNELS + 1);
    assert_eq!(channel(&snapshot, "other").messages, 3);
    assert_eq!(channel(&snapshot, "tcp_0255").messages, 1);
}

#[test]
fn a_settled_file_is_asked_for_once_and_a_young_one_again() {
    let root = TempDir::new().expect("directory");
    let old = put(&root, "l/ZZ0AAAAAAAAAAAAA.00", 10, 61);
    let young = put(&root, "l/ZZ0BBBBBBBBBBBBB.00", 10, 59);
    let mut scanner = scanner(&root);
    assert_eq!(channel(&scanner.scan(unix(NOW)).expect("scan"), "l").bytes, 20);
    for path in [&old, &young] {
        fs::File::options().write(true).open(path).expect("file").set_len(1000).expect("size");
    }
    assert_eq!(channel(&scanner.scan(unix(NOW)).expect("scan"), "l").bytes, 1010);
    // A new inode under the old name is a new file.
    let replacement = put(&root, "l/replacement", 5, 500);
    fs::rename(replacement, old).expect("rename");
    assert_eq!(channel(&scanner.scan(unix(NOW)).expect("scan"), "l").bytes, 1005);
}

#[test]
fn what_vanished_is_forgotten() {
    let root = TempDir::new().expect("directory");
    let first = put(&root, "l/000/ZZ0AAAAAAAAAAAAA.00", 10, 100);
    put(&root, "l/000/ZZ0BBBBBBBBBBBBB.00", 1, 100);
    put(&root, "hold/ZZ0CCCCCCCCCCCCC.00", 10, 100);
    let mut scanner = scanner(&root);
    let remembered =
        |scanner: &Scanner| scanner.known.values().map(std::collections::HashMap::len).sum::<usize>();
    scanner.scan(unix(NOW)).expect("scan");
    assert_eq!((scanner.known.len(), remembered(&scanner)), (3, 3));
    fs::remove_file(first).expect("file");
    fs::remove_dir_all(root.path().join("hold")).expect("directory");
    let snapshot = scanner.scan(unix(NOW)).expect("scan");
    assert_eq!((scanner.known.len(), remembered(&scanner)), (2, 1));
    assert!(!snapshot.channels.contains_key("hold"));
    assert_eq!(channel(&snapshot, "l").messages, 1);
}

#[test]
fn a_retry_keeps_the_age_and_moves_the_band() {
    let root = TempDir::new().expect("directory");
    let untried = put(&root, "l/ZZ0AAAAAAAAAAAAA.00", 10, 9000);
    let mut scanner = scanner(&root);
    let before = scanner.scan(unix(NOW)).expect("scan");
    assert_eq!(channel(&before, "l").stuck, 1);
    fs::rename(&untried, untried.with_file_name("ZY0AAAAAAAAAAAAA.00")).expect("rename");
    let after = scanner.scan(unix(NOW)).expect("scan");
    assert_eq!(channel(&after, "l").attempts, [0, 1, 0, 0, 0]);
    assert_eq!(channel(&after, "l").stuck, 0);
    assert_eq!(channel(&after, "l").oldest, channel(&before, "l").oldest);
}

/// Runs a scan in a thread that may not override permissions, so that the test is the same for root.
fn scan_without_privileges(root: &Path) -> Result<QueueSnapshot, SpoolError> {
    let mut scanner = Scanner::new(root.to_owned(), STUCK_AFTER, 7);
    let run = move || {
        let mut sets = capabilities(None).expect("capabilities");
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        set_capabilities(None, sets).expect("capabilities");
        scanner.scan(unix(NOW))
    };
    std::thread::spawn(run).join().expect("no panic")
}

#[test]
fn a_channel_with_a_forbidden_directory_is_a_failure_and_not_a_zero() {
    for (forbidden, mode) in [("l", 0o000), ("l/000", 0o000), ("l/000", 0o600), ("l", 0o600)] {
        let root = TempDir::new().expect("directory");
        put(&root, "l/000/ZZ0AAAAAAAAAAAAA.00", 10, 100);
        put(&root, "process/ZZ0BBBBBBBBBBBBB.00", 10, 100);
        let directory = root.path().join(forbidden);
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).expect("mode");
        let snapshot = scan_without_privileges(root.path()).expect("the root can be read");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("mode");
        assert_eq!(snapshot.channels.keys().collect::<Vec<_>>(), ["process"], "{forbidden} {mode:o}");
        let failure = snapshot.failures.first().expect("a failure");
        assert!(failure.directory.starts_with(root.path().join("l")), "{failure:?}");
        assert_eq!(failure.error.kind(), std::io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn a_root_that_cannot_be_read_is_an_error() {
    let root = TempDir::new().expect("directory");
    let file = put(&root, "file", 1, 1);
    let pipe = root.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).expect("pipe");
    let circle = root.path().join("circle");
    symlink(&circle, &circle).expect("link");
    for path in [root.path().join("missing"), file, pipe, circle] {
        let error = Scanner::new(path.clone(), STUCK_AFTER, 7).scan(unix(NOW)).expect_err("an error");
        assert!(matches!(&error, SpoolError::Open { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().expect("text")), "{error}");
    }
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o000)).expect("mode");
    assert!(matches!(scan_without_privileges(root.path()), Err(SpoolError::Open { .. })));
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o700)).expect("mode");
}

#[test]
fn the_root_may_be_a_symbolic_link() {
    let root = TempDir::new().expect("directory");
    put(&root, "real/l/ZZ0AAAAAAAAAAAAA.00", 1, 100);
    let link = root.path().join("queue");
    symlink("real", &link).expect("link");
    let snapshot = Scanner::new(link, STUCK_AFTER, 7).scan(unix(NOW)).expect("scan");
    assert_eq!(channel(&snapshot, "l").messages, 1);
}

#[test]
fn a_file_system_that_does_not_list_kinds() {
    let root = TempDir::new().expect("directory");
    put(&root, "l/file", 1, 1);
    symlink("file", root.path().join("l/link")).expect("link");
    let directory = open_root(root.path()).expect("directory");
    for (name, expected) in [
        (c"l", Some(FileType::Directory)),
        (c"l/file", Some(FileType::RegularFile)),
        (c"l/link", Some(FileType::Symlink)),
        (c"missing", None),
    ] {
        let found = kind(&directory, name, FileType::Unknown).expect("readable");
        assert_eq!(found, expected, "{name:?}");
    }
}

#[test]
fn more_directories_than_the_cap_are_a_failure() {
    let root = TempDir::new().expect("directory");
    let channel = root.path().join("l");
    fs::create_dir(&channel).expect("directory");
    for index in 0..=MAX_DIRECTORIES {
        fs::create_dir(channel.join(index.to_string())).expect("directory");
    }
    let snapshot = scan(&root);
    assert!(snapshot.channels.is_empty());
    assert_eq!(snapshot.failures.len(), 1);
}

#[test]
fn times_before_the_epoch_and_in_the_future() {
    let root = TempDir::new().expect("directory");
    let path = put(&root, "l/ZZ0AAAAAAAAAAAAA.00", 1, 1);
    let file = fs::File::options().write(true).open(path).expect("file");
    file.set_modified(SystemTime::UNIX_EPOCH - Duration::from_secs(5)).expect("time");
    assert_eq!(channel(&scan(&root), "l").oldest, Some(0.0));
    file.set_modified(unix(NOW + 500)).expect("time");
    let snapshot = scan(&root);
    assert_eq!(channel(&snapshot, "l").oldest, Some(1_700_000_500.0));
    assert_eq!(channel(&snapshot, "l").stuck, 0);
}
