//! The scanner on real directories, hostile ones included.

mod again;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;

use super::tree::{MAX_DIRECTORIES, kind, open_root};
use super::{
    ATTEMPT_BANDS, ChannelQueue, ErrorKind, MAX_CHANNELS, MAX_REMEMBERED, QueueSnapshot, ScanCounts, Scanner,
    Settings, SpoolError, attempt_band,
};

/// The time of all scans here, Unix seconds.
const NOW: u64 = 1_700_000_000;
const STUCK_AFTER: Duration = Duration::from_hours(1);

fn unix(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn settings(root: &Path) -> Settings {
    Settings {
        root: root.to_owned(),
        stuck_after: STUCK_AFTER,
        stuck_after_by_channel: BTreeMap::new(),
        budget: Duration::from_secs(2),
        first_pass: Duration::from_secs(30),
        most_remembered: MAX_REMEMBERED,
        seed: 7,
    }
}

fn scanner(root: &TempDir) -> Scanner {
    Scanner::new(settings(root.path()))
}

/// A scan on a clock that stands still.
fn try_look(scanner: &mut Scanner, now: SystemTime) -> Result<QueueSnapshot, SpoolError> {
    scanner.scan(now, &|| Duration::ZERO, &BTreeSet::new())?;
    Ok(scanner.snapshot(now))
}

fn look(scanner: &mut Scanner, now: SystemTime) -> QueueSnapshot {
    try_look(scanner, now).expect("the root can be read")
}

fn scan(root: &TempDir) -> QueueSnapshot {
    look(&mut scanner(root), unix(NOW))
}

/// Long enough after all that has been done to the tree so far that directories can be skipped.
fn later(root: &TempDir) -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    let mut open = vec![root.path().to_owned()];
    while let Some(directory) = open.pop() {
        newest = newest.max(fs::metadata(&directory).expect("directory").modified().expect("time"));
        for entry in fs::read_dir(&directory).expect("directory") {
            let entry = entry.expect("entry");
            if entry.file_type().expect("type").is_dir() {
                open.push(entry.path());
            }
        }
    }
    newest + Duration::from_secs(10)
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
        ages: [1, 1, 1, 0, 1, 0, 0, 0],
        held: [0, 0, 0, 1],
        oldest: Some(1_699_910_000.0),
        stuck: 1,
        other_files: 2,
        unknown: 0,
        unasked: 0,
        scanned_at: 1_700_000_000.0,
    };
    assert_eq!(channel(&snapshot, "tcp_local"), &expected);
    assert_eq!(snapshot.scan, Some(ScanCounts { read: 3, skipped: 0, files: 7, partial: false }));
    assert!(snapshot.failures.is_empty(), "{:?}", snapshot.failures);
}

/// The unique part of a name is drawn from more than letters and digits.
#[test]
fn names_with_other_characters_are_messages() {
    let root = TempDir::new().expect("directory");
    for name in [
        "ZZf0a1b2cD_e0.00",
        "ZYf0a1b2cDxe0.01",
        "ZXf0a1b2c_xe1.HELD",
        "ZZ-f0a1b2cDe.00",
        "ZZf0~1b2+De.00",
        "ZYf0$1\u{e9}2De.00",
    ] {
        put(&root, &format!("tcp_local/001/{name}"), 10, 100);
    }
    for name in ["$ZZf0a1b2cDe.00", "ZZf0a1 b2cDe.00", "ZZf0a1b2cDe.KEEP1", "ZZf0a1b2cDe", "README"] {
        put(&root, &format!("tcp_local/001/{name}"), 10, 100);
    }
    put(&root, "tcp_local/spool/ZZf0a1b2cD_e0.00", 10, 100);
    let snapshot = scan(&root);
    let queue = channel(&snapshot, "tcp_local");
    assert_eq!((queue.messages, queue.bytes, queue.held, queue.other_files), (5, 50, [0, 0, 0, 1], 5));
    assert_eq!(queue.attempts, [3, 2, 0, 0, 0]);
}

#[test]
fn an_empty_channel_is_zero_and_a_queue_without_channels_a_failure() {
    let root = TempDir::new().expect("directory");
    fs::create_dir(root.path().join("lost+found")).expect("directory");
    let mut scanner = scanner(&root);
    let error = scanner.scan(unix(NOW), &|| Duration::ZERO, &BTreeSet::new()).expect_err("no channel");
    assert!(error.to_string().ends_with("holds no channel: is it mounted, and is it the MTA's?"), "{error}");
    let snapshot = scanner.snapshot(unix(NOW));
    assert_eq!((snapshot.directories, snapshot.scan), (Some(0), None));
    fs::create_dir(root.path().join("process")).expect("directory");
    let empty = ChannelQueue { scanned_at: 1_700_000_000.0, ..ChannelQueue::default() };
    assert_eq!(channel(&scan(&root), "process"), &empty);
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
    assert_eq!((l.messages, l.held, l.other_files), (1, [0; 4], 5));
}

#[test]
fn names_that_are_not_text() {
    use std::os::unix::ffi::OsStrExt;
    let root = TempDir::new().expect("directory");
    let strange = root.path().join(std::ffi::OsStr::from_bytes(b"tcp_\xff\n"));
    fs::create_dir(&strange).expect("directory");
    fs::write(strange.join(std::ffi::OsStr::from_bytes(b"ZZ\xfe\xff.00")), "x").expect("file");
    fs::write(strange.join(std::ffi::OsStr::from_bytes(b"ZZ\xfe\n\xff.00")), "x").expect("file");
    fs::write(strange.join("ZZ0AAAAAAAAAAAAA.00"), "x").expect("file");
    let snapshot = scan(&root);
    let queue = channel(&snapshot, "tcp_??");
    assert_eq!((queue.messages, queue.other_files), (2, 1));
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
    assert_eq!((channel(&snapshot, "other").messages, snapshot.left_out), (3, 3));
    assert_eq!(channel(&snapshot, "tcp_0255").messages, 1);

    // A channel of the log has its label before all others; who had one keeps it.
    let mut scanner = scanner(&root);
    look(&mut scanner, unix(NOW));
    put(&root, "aaaa/ZZ0AAAAAAAAAAAAA.00", 1, 100);
    let in_log = BTreeSet::from(["tcp_0258".to_owned()]);
    scanner.scan(unix(NOW), &|| Duration::ZERO, &in_log).expect("scanned");
    let snapshot = scanner.snapshot(unix(NOW));
    assert_eq!(snapshot.channels.len(), MAX_CHANNELS + 1);
    assert_eq!(channel(&snapshot, "tcp_0258").messages, 1);
    assert_eq!(channel(&snapshot, "tcp_0000").messages, 1);
    assert!(!snapshot.channels.contains_key("aaaa"));
    assert_eq!(channel(&snapshot, "other").messages, 4);
}

/// Runs a scan in a thread that may not override permissions, so that the test is the same for root.
fn look_without_privileges(scanner: &mut Scanner, now: SystemTime) -> Result<QueueSnapshot, SpoolError> {
    let run = || {
        let mut sets = capabilities(None).expect("capabilities");
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        set_capabilities(None, sets).expect("capabilities");
        try_look(scanner, now)
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("no panic"))
}

#[test]
fn a_channel_with_a_forbidden_directory_is_a_failure_and_not_a_zero() {
    for (forbidden, mode) in [("l", 0o000), ("l/000", 0o000), ("l/000", 0o600), ("l", 0o600)] {
        let root = TempDir::new().expect("directory");
        put(&root, "l/000/ZZ0AAAAAAAAAAAAA.00", 10, 100);
        put(&root, "process/ZZ0BBBBBBBBBBBBB.00", 10, 100);
        let directory = root.path().join(forbidden);
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).expect("mode");
        let snapshot = look_without_privileges(&mut scanner(&root), unix(NOW)).expect("the root can be read");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("mode");
        assert_eq!(snapshot.channels.keys().collect::<Vec<_>>(), ["process"], "{forbidden} {mode:o}");
        assert_eq!(snapshot.unreadable.iter().collect::<Vec<_>>(), ["l"]);
        assert_eq!(snapshot.errors[ErrorKind::Permission as usize], 1);
        let failure = snapshot.failures.first().expect("a failure");
        assert!(failure.directory.starts_with(root.path().join("l")), "{failure:?}");
        assert_eq!(failure.error.kind(), std::io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn a_directory_that_becomes_forbidden_without_a_change_is_a_failure() {
    for forbidden in ["l", "l/000"] {
        let root = TempDir::new().expect("directory");
        put(&root, "l/000/ZZ0AAAAAAAAAAAAA.00", 10, 100);
        let mut scanner = scanner(&root);
        let mode = |mode| {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(root.path().join(forbidden), permissions).expect("mode");
        };
        let now = later(&root);
        assert_eq!(channel(&look(&mut scanner, now), "l").messages, 1);
        mode(0o000);
        let snapshot = look_without_privileges(&mut scanner, now).expect("the root can be read");
        assert!(snapshot.channels.is_empty() && snapshot.unreadable.contains("l"), "{snapshot:?}");
        mode(0o755);
        let snapshot = look_without_privileges(&mut scanner, now).expect("the root can be read");
        assert_eq!(channel(&snapshot, "l").messages, 1);
        assert!(snapshot.unreadable.is_empty());
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
        let error = try_look(&mut Scanner::new(settings(&path)), unix(NOW)).expect_err("an error");
        assert!(matches!(&error, SpoolError::Open { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().expect("text")), "{error}");
    }
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o000)).expect("mode");
    let forbidden = look_without_privileges(&mut scanner(&root), unix(NOW));
    assert!(matches!(forbidden, Err(SpoolError::Open { .. })));
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o700)).expect("mode");
}

#[test]
fn the_root_may_be_a_symbolic_link() {
    let root = TempDir::new().expect("directory");
    put(&root, "real/l/ZZ0AAAAAAAAAAAAA.00", 1, 100);
    let link = root.path().join("queue");
    symlink("real", &link).expect("link");
    let snapshot = look(&mut Scanner::new(settings(&link)), unix(NOW));
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
