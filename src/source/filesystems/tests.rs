//! Looks at real directories.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, StatVfsMountFlags, mknodat};
use tempfile::TempDir;

use super::critical::{Expected, Wrong};
use super::{Files, FilesystemSnapshot, FilesystemWatch, Space, StatVfs, Targets, space};

fn read(targets: &Targets) -> FilesystemSnapshot {
    FilesystemWatch::default().look(targets, 0.0)
}

/// Only the user is known.
fn belongs_to(user: u32) -> Expected {
    Expected { user, name: String::new(), groups: BTreeSet::new() }
}

fn targets(root: &Path) -> Targets {
    for name in ["queue", "log", "tmp"] {
        fs::create_dir(root.join(name)).expect("directory");
    }
    Targets {
        queue: root.join("queue"),
        log: root.join("log"),
        tmp: Some(root.join("tmp")),
        ..Targets::default()
    }
}

#[test]
fn space_of_real_directories() {
    let root = TempDir::new().expect("directory");
    let snapshot = read(&targets(root.path()));
    assert_eq!(snapshot.filesystems.keys().collect::<Vec<_>>(), [&"log", &"queue", &"tmp"]);
    for found in snapshot.filesystems.values() {
        let space = found.as_ref().expect("space");
        assert!(space.size_bytes > 0 && space.avail_bytes <= space.size_bytes, "{space:?}");
        assert_eq!(space.device, fs::metadata(root.path()).expect("metadata").dev());
    }
    assert!(snapshot.ownership.is_empty() && snapshot.failures.is_empty());
    // All of them on one file system, and the first of them is not said to share it.
    assert_eq!(snapshot.shared(), BTreeSet::from(["log", "tmp"]));
}

#[test]
fn units_and_file_systems_without_a_limit_of_files() {
    for (files, free, expected) in [(100, 40, Some((40, 100))), (100, 0, Some((0, 100))), (0, 0, None)] {
        let found = StatVfs {
            f_bsize: 65_536,
            f_frsize: 512,
            f_blocks: 1000,
            f_bfree: 400,
            f_bavail: 300,
            f_files: files,
            f_ffree: free,
            f_favail: free,
            f_fsid: 0,
            f_flag: StatVfsMountFlags::empty(),
            f_namemax: 255,
        };
        let files = expected.map(|(free, all)| Files { free, all });
        let expected = Space { device: 7, avail_bytes: 153_600, size_bytes: 512_000, files };
        assert_eq!(space(7, &found), expected);
    }
}

#[test]
fn what_is_missing_is_an_error_of_its_own() {
    let root = TempDir::new().expect("directory");
    let mut targets = targets(root.path());
    targets.tmp = Some(root.path().join("missing"));
    targets.expected = Some(belongs_to(0));
    let snapshot = read(&targets);
    let error = snapshot.filesystems["tmp"].as_ref().expect_err("an error");
    assert!(error.to_string().ends_with("/missing"), "{error}");
    assert!(snapshot.filesystems["queue"].is_ok());
    targets.tmp = None;
    let out_of_sight = read(&targets);
    assert!(!out_of_sight.filesystems.contains_key("tmp") && out_of_sight.failures.is_empty());
    assert_eq!(snapshot.ownership.len(), 2);
}

#[test]
fn log_file_sizes() {
    let root = TempDir::new().expect("directory");
    let mut targets = targets(root.path());
    let log = targets.log.clone();
    fs::write(log.join("mail.log_current"), [b'x'; 1234]).expect("file");
    fs::write(root.path().join("mail.log_current"), [b'x'; 6]).expect("file");
    symlink("mail.log_current", log.join("linked")).expect("link");
    symlink("circle", log.join("circle")).expect("link");
    mknodat(CWD, log.join("pipe"), FileType::Fifo, Mode::RUSR, 0).expect("pipe");
    targets.log_files =
        ["mail.log_current", "missing", "linked", "circle", "pipe", "."].map(|name| log.join(name)).into();
    targets.log_files.push(root.path().join("mail.log_current"));
    let snapshot = read(&targets);
    let sizes: Vec<_> = snapshot.log_file_sizes.into_iter().collect();
    assert_eq!(sizes, [("linked".to_owned(), 1234), ("mail.log_current".to_owned(), 1240)]);
    let failures: Vec<_> = snapshot.failures.iter().map(|failure| failure.path.clone()).collect();
    assert_eq!(failures, [log.join("circle")]);
}

#[test]
fn ownership_where_a_user_is_configured() {
    let root = TempDir::new().expect("directory");
    let mut targets = targets(root.path());
    let owner = fs::metadata(root.path()).expect("metadata").uid();
    for (user, expected) in [(owner, true), (owner + 1, false)] {
        targets.expected = Some(belongs_to(user));
        let found: Vec<_> = read(&targets).ownership.into_iter().collect();
        assert_eq!(found, [("log", expected), ("queue", expected)]);
    }
    fs::remove_dir(&targets.queue).expect("directory");
    assert_eq!(read(&targets).ownership.into_keys().collect::<Vec<_>>(), ["log"]);
}

#[test]
fn critical_files() {
    let root = TempDir::new().expect("directory");
    let mut targets = targets(root.path());
    targets.root = root.path().to_owned();
    targets.mta_tmp = root.path().join("data/tmp");
    targets.log_files = vec![targets.log.join("mail.log_current")];
    fs::create_dir_all(targets.queue.join("tcp_local")).expect("directory");
    fs::create_dir(root.path().join("config")).expect("directory");
    fs::write(targets.queue.join("tcp_local/ZZ1.00"), "").expect("file");
    fs::write(&targets.log_files[0], "").expect("file");
    let set = |path: &str, mode: u32| {
        fs::set_permissions(root.path().join(path), Permissions::from_mode(mode)).expect("mode");
    };
    set("tmp", 0o1777);
    let found = fs::metadata(root.path()).expect("metadata");
    let (user, group) = (found.uid(), found.gid());
    let mut watch = FilesystemWatch::default();
    let mut look = |targets: &Targets| {
        let wrong = watch.look(targets, 0.0).wrong.into_iter();
        wrong.map(|((what, wrong), files)| (format!("{what} {}", wrong.label()), files)).collect::<Vec<_>>()
    };
    // Without a user nothing is said of whose a file is, nor of what is in the queue.
    let said: Vec<String> = look(&targets).into_iter().map(|(said, _)| said).collect();
    assert_eq!(said, ["log mode", "log_files mode", "queue mode", "tmp mode"]);
    targets.expected = Some(Expected { user, name: String::new(), groups: BTreeSet::from([group]) });
    let said = look(&targets);
    assert!(said.iter().all(|(_, files)| files.count == 0 && files.example.is_none()), "{said:?}");
    assert_eq!(said.len(), 13, "{said:?}");
    // Everything is somebody else's, and open to all.
    targets.expected =
        Some(Expected { user: user + 1, name: String::new(), groups: BTreeSet::from([group + 1]) });
    fs::create_dir_all(&targets.mta_tmp).expect("directory");
    let _in_tmp = UnixListener::bind(
        root.path()
            .join(format!("tmp/.{}.dispatcher.socket", root.path().file_name().expect("a name").display())),
    );
    let _in_config = UnixListener::bind(root.path().join("config/.path.dispatcher.socket"));
    for (path, mode) in [("queue", 0o777), ("queue/tcp_local", 0o707), ("log", 0o777), ("tmp", 0o755)] {
        set(path, mode);
    }
    let said: Vec<String> =
        look(&targets).into_iter().map(|(said, files)| format!("{said} {}", files.count)).collect();
    assert_eq!(
        said,
        [
            "dispatcher_socket owner 2",
            "log owner 1",
            "log group 1",
            "log mode 1",
            "log_files owner 1",
            "log_files group 1",
            "log_files mode 0",
            "mta_tmp owner 1",
            "mta_tmp group 1",
            "mta_tmp mode 0",
            "queue owner 2",
            "queue group 2",
            "queue mode 2",
            "queue_files owner 1",
            "queue_files group 1",
            "queue_files mode 0",
            "tmp mode 1",
        ]
    );
    let example = watch.look(&targets, 0.0).wrong[&("queue_files", Wrong::Owner)].example.clone();
    assert_eq!(example, Some(targets.queue.join("tcp_local/ZZ1.00")));
}
