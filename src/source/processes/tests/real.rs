//! Real processes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::{ProcessError, ProcessWatch, own};
use super::tree::{ProcTree, assert_seconds, group, life, programs};

/// Ends a process when it goes out of scope, also when a test fails.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline for what the kernel does")]
fn a_real_process() {
    let install = TempDir::new().expect("directory");
    let program = install.path().join("lib/dispatcher");
    fs::create_dir(install.path().join("lib")).expect("directory");
    // The path of the call decides, so a link will do. A copy could be refused as busy while another
    // thread starts a process. The shell ends by itself when this test is gone.
    symlink("/bin/sh", &program).expect("link");
    let mut child = Running(
        Command::new(&program)
            .args(["-c", "read line"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("process"),
    );
    let mut watch = ProcessWatch::new("/proc".into(), programs(install.path()));
    watch.restrict_to(rustix::process::geteuid().as_raw());
    // The child is a copy of this test until it executes the program.
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut snapshot = watch.scan(&life).expect("scan");
    while group(&snapshot, "dispatcher").running == 0 && Instant::now() < deadline {
        std::thread::yield_now();
        snapshot = watch.scan(&life).expect("scan");
    }
    let dispatcher = group(&snapshot, "dispatcher");
    assert_eq!(dispatcher.running, 1);
    assert!(dispatcher.resident_bytes > 10_000, "{dispatcher:?}");
    assert!(dispatcher.open_fds.is_some_and(|count| (3..50).contains(&count)), "{dispatcher:?}");
    let started = dispatcher.oldest_start.expect("a start");
    let itself = own(Path::new("/proc")).expect("own process");
    assert!(started >= itself.start_time_seconds - 1.1, "{started} before {itself:?}");
    child.0.kill().expect("kill");
    child.0.wait().expect("end");
    assert_eq!(group(&watch.scan(&life).expect("scan"), "dispatcher").running, 0);
}

#[test]
fn the_own_process() {
    let itself = own(Path::new("/proc")).expect("own process");
    assert!(itself.threads >= 1 && itself.open_fds >= 3, "{itself:?}");
    assert!(itself.max_fds.is_none_or(|limit| limit >= itself.open_fds), "{itself:?}");
    assert!(itself.virtual_bytes >= itself.resident_bytes && itself.resident_bytes > 100_000, "{itself:?}");
    assert!(itself.start_time_seconds > 1_000_000_000.0, "{itself:?}");
    assert!(own(Path::new("/nonexistent")).is_err());
    let tree = ProcTree::new();
    tree.put(77, b"exporter\0", 250, 2);
    symlink("77", tree.root.path().join("self")).expect("link");
    let itself = own(tree.root.path()).expect("process");
    assert_seconds(itself.cpu_seconds_total, 2.0);
    assert_seconds(itself.start_time_seconds, 1_700_000_250.0);
    assert_eq!((itself.threads, itself.open_fds, itself.virtual_bytes), (9, 3, 104_857_600));
    assert_eq!(itself.resident_bytes, 1024 * 1024);
    fs::write(tree.directory(77).join("stat"), "77").expect("file");
    assert!(matches!(own(tree.root.path()), Err(ProcessError::Malformed { .. })));
}
