//! What is counted of them, and that nothing goes backwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::super::{ProcessError, ProcessWatch};
use super::real::Running;
use super::tree::{BOOT, ProcTree, assert_seconds, group, life, programs};

#[test]
fn servers_that_are_too_old() {
    let tree = ProcTree::new();
    fs::write(tree.root.path().join("uptime"), "200000.50 12\n").expect("file");
    for (pid, line, start) in [
        (10, "/opt/ms/lib/dispatcher\0", 1),
        (11, "/opt/ms/lib/tcp_smtp_server\0", 109_999),
        (12, "/opt/ms/lib/tcp_smtp_server\0", 110_001),
        // The clock of the host is no matter, but a start after now is a wrong one.
        (13, "/opt/ms/lib/tcp_smtp_server\0", 300_000),
    ] {
        tree.put(pid, line.as_bytes(), start, 0);
    }
    let snapshot = tree.watch("/opt/ms").scan(&life).expect("scan");
    assert_eq!(group(&snapshot, "tcp_smtp_server").overaged, Some(1));
    assert_eq!(group(&snapshot, "dispatcher").overaged, None);
    let snapshot = tree.watch("/opt/ms").scan(&|_| Duration::from_secs(1)).expect("scan");
    assert_eq!(group(&snapshot, "tcp_smtp_server").overaged, Some(2));
    for text in ["", "x 1", "-1 2", "inf 1"] {
        fs::write(tree.root.path().join("uptime"), text).expect("file");
        let snapshot = tree.watch("/opt/ms").scan(&life).expect("scan");
        assert_eq!(group(&snapshot, "tcp_smtp_server").overaged, None, "{text:?}");
    }
}

#[test]
fn open_files_against_the_limit() {
    let limit =
        |most: &str| format!("Limit   Soft Limit  Hard Limit\nMax open files    {most}   9   files\n");
    let tree = ProcTree::new();
    let line = b"/opt/ms/lib/tcp_smtp_server\0";
    for (pid, limits) in [(10, limit("6")), (11, limit("30"))] {
        tree.put(pid, line, 500, 3);
        tree.write(pid, "limits", &limits);
    }
    let look = || tree.watch("/opt/ms").scan(&life).expect("scan").processes["tcp_smtp_server"].clone();
    let servers = look();
    assert_eq!((servers.open_fds, servers.max_fds), (Some(6), Some(36)));
    assert_seconds(servers.worst_fds_share.expect("a share"), 0.5);
    assert_eq!(servers.threads, 18);
    // The sum of some is none.
    for limits in [limit("unlimited"), String::new()] {
        tree.write(11, "limits", &limits);
        let servers = look();
        assert_eq!((servers.open_fds, servers.max_fds, servers.worst_fds_share), (Some(6), None, None));
    }
}

/// It is looked at again and again while processes come and go.
#[test]
fn a_process_that_ends_while_it_is_read_is_no_error() {
    let install = TempDir::new().expect("directory");
    let program = install.path().join("tcp_smtp_client");
    symlink("/bin/true", &program).expect("link");
    let mut watch = ProcessWatch::new("/proc".into(), programs(install.path()));
    watch.restrict_to(rustix::process::geteuid().as_raw());
    for _ in 0..100 {
        let mut child = Running(Command::new(&program).spawn().expect("process"));
        watch.scan(&life).expect("no error");
        child.0.wait().expect("end");
    }
    assert_eq!(group(&watch.scan(&life).expect("scan"), "tcp_smtp_client").running, 0);
}

#[test]
fn what_has_ended_or_cannot_be_understood_does_not_run() {
    let tree = ProcTree::new();
    for (pid, state) in [(10, "Z"), (11, "X"), (12, "x")] {
        tree.put_state(pid, b"/opt/ms/lib/dispatcher\0", 500, 3, state);
    }
    tree.put(13, b"/opt/ms/lib/dispatcher\0", 500, 3);
    fs::write(tree.directory(13).join("stat"), "13 (").expect("file");
    tree.put(14, b"/opt/ms/lib/dispatcher\0", 500, 3);
    fs::remove_file(tree.directory(14).join("stat")).expect("file");
    fs::create_dir(tree.directory(15)).expect("directory");
    fs::write(tree.directory(16), "not a directory").expect("file");
    tree.put(17, b"/opt/ms/lib/dispatcher\0", 500, 3);
    let running = group(&tree.watch("/opt/ms").scan(&life).expect("scan"), "dispatcher").running;
    assert_eq!(running, 1);
}

#[test]
fn starts_and_processor_time_never_go_backwards() {
    let line = b"/opt/ms/lib/dispatcher\0";
    let tree = ProcTree::new();
    let mut watch = tree.watch("/opt/ms");
    let mut check = |starts: u64, cpu: f64, running: u64| {
        let snapshot = watch.scan(&life).expect("scan");
        let dispatcher = group(&snapshot, "dispatcher");
        assert_eq!((dispatcher.starts_total, dispatcher.running), (starts, running));
        assert_seconds(dispatcher.cpu_seconds_total, cpu);
    };
    tree.put(10, line, 500, 1000);
    check(0, 0.0, 1);
    tree.put(10, line, 500, 1007);
    check(0, 7.0, 1);
    tree.remove(10);
    check(0, 7.0, 0);
    // The same number with another start is another process.
    tree.put(10, line, 900, 2);
    check(1, 9.0, 1);
    tree.put(10, line, 950, 1);
    tree.put(11, line, 951, 1);
    check(3, 11.0, 2);
    // A counter of the kernel that goes backwards adds nothing.
    tree.put(10, line, 950, 0);
    check(3, 11.0, 2);
}

#[test]
fn the_first_processes_of_a_name_are_no_restarts() {
    let tree = ProcTree::new();
    let mut watch = tree.watch("/opt/ms");
    watch.scan(&life).expect("scan");
    tree.put(10, b"/opt/ms/lib/tcp_smtp_server\0", 500, 5);
    tree.put(11, b"/opt/ms/lib/tcp_smtp_server\0", 500, 5);
    let snapshot = watch.scan(&life).expect("scan");
    let servers = group(&snapshot, "tcp_smtp_server");
    assert_eq!((servers.running, servers.starts_total), (2, 0));
    assert_seconds(servers.cpu_seconds_total, 10.0);
}

#[test]
fn a_start_of_the_system_that_wavers_moves_nothing() {
    let tree = ProcTree::new();
    tree.put(10, b"/opt/ms/lib/dispatcher\0", 500, 5);
    let mut watch = tree.watch("/opt/ms");
    for (boot, expected) in [(BOOT, BOOT), (BOOT + 1, BOOT), (BOOT - 1, BOOT), (BOOT + 60, BOOT + 60)] {
        fs::write(tree.root.path().join("stat"), format!("btime {boot}\n")).expect("file");
        let snapshot = watch.scan(&life).expect("scan");
        let start = group(&snapshot, "dispatcher").oldest_start.expect("a start");
        assert_seconds(start, f64::from(u32::try_from(expected + 500).expect("small")));
    }
}

#[test]
fn a_process_file_system_that_cannot_be_read_is_an_error() {
    let missing = ProcTree::new();
    let path = missing.root.path().join("missing");
    let mut watch = ProcessWatch::new(path.clone(), programs("/opt/ms"));
    let error = watch.scan(&life).expect_err("an error");
    assert!(error.to_string().contains(path.to_str().expect("text")), "{error}");
    for content in ["", "cpu 1\n", "btime\n", "btime x\n", "btime -1\n"] {
        let tree = ProcTree::new();
        tree.put(10, b"/opt/ms/lib/dispatcher\0", 500, 5);
        fs::write(tree.root.path().join("stat"), content).expect("file");
        let result = tree.watch("/opt/ms").scan(&life);
        assert!(matches!(result, Err(ProcessError::BootTime { .. })), "{content:?} gives {result:?}");
    }
}
