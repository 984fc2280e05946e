//! The watch on process trees written by the tests, and on a real process.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{ProcessError, ProcessGroup, ProcessSnapshot, ProcessWatch, own};

const BOOT: u64 = 1_700_000_000;
const NAMES: [&str; 4] = ["dispatcher", "job_controller", "tcp_smtp_server", "tcp_smtp_client"];

/// A process file system in a temporary directory. Clock ticks are those of this machine.
struct ProcTree {
    root: TempDir,
}

impl ProcTree {
    fn new() -> Self {
        let root = TempDir::new().expect("directory");
        let stat = format!("cpu  1 2 3 4\nintr 5 6\nctxt 7\nbtime {BOOT}\nprocesses 8\n");
        fs::write(root.path().join("stat"), stat).expect("file");
        fs::write(root.path().join("uptime"), "1 2\n").expect("file");
        Self { root }
    }

    fn directory(&self, pid: u32) -> PathBuf {
        self.root.path().join(pid.to_string())
    }

    /// A process that started `start` seconds after the system and has used `cpu` seconds, with a
    /// megabyte in core and three open descriptors.
    fn put(&self, pid: u32, command_line: &[u8], start: u64, cpu: u64) {
        self.put_state(pid, command_line, start, cpu, "S");
    }

    fn put_state(&self, pid: u32, command_line: &[u8], start: u64, cpu: u64, state: &str) {
        let hertz = procfs::ticks_per_second();
        let pages = 1024 * 1024 / procfs::page_size();
        let line = format!(
            "{pid} (some name) {state} 1 {pid} {pid} 0 -1 4194560 1200 0 11 0 {} 0 3 4 20 0 9 0 {} 104857600 \
             {pages} 18446744073709551615 1 1 0 0 0 0 0 4096 17479 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
            cpu * hertz,
            start * hertz,
        );
        let directory = self.directory(pid);
        fs::create_dir_all(directory.join("fd")).expect("directory");
        for descriptor in ["0", "1", "2"] {
            fs::write(directory.join("fd").join(descriptor), "").expect("file");
        }
        fs::write(directory.join("stat"), line).expect("file");
        fs::write(directory.join("cmdline"), command_line).expect("file");
    }

    fn remove(&self, pid: u32) {
        fs::remove_dir_all(self.directory(pid)).expect("directory");
    }

    fn watch(&self, install_root: &str) -> ProcessWatch {
        let names = NAMES.map(str::to_owned).to_vec();
        ProcessWatch::new(self.root.path().to_owned(), install_root.into(), names, None)
    }
}

fn group<'a>(snapshot: &'a ProcessSnapshot, name: &str) -> &'a ProcessGroup {
    &snapshot.processes[name]
}

fn assert_seconds(found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.001, "{found} seconds, not {expected}");
}

#[test]
fn processes_by_name() {
    let tree = ProcTree::new();
    tree.put(10, b"/opt/ms/lib/dispatcher\0", 500, 3);
    tree.put(11, b"/opt/ms/lib/tcp_smtp_server\0-x\0", 700, 3);
    tree.put(12, b"/opt/ms/lib/tcp_smtp_server\0", 600, 3);
    let snapshot = tree.watch("/opt/ms").scan().expect("scan");
    assert_eq!(snapshot.processes.keys().collect::<Vec<_>>().len(), NAMES.len());
    assert_eq!(group(&snapshot, "job_controller"), &ProcessGroup::default());
    let servers = group(&snapshot, "tcp_smtp_server");
    assert_eq!((servers.running, servers.starts_total), (2, 0));
    assert_seconds(servers.oldest_start.expect("a start"), 1_700_000_600.0);
    assert_eq!(servers.resident_bytes, 2 * 1024 * 1024);
    assert_eq!(servers.open_fds, Some(6));
    assert_seconds(servers.cpu_seconds_total, 0.0);
    assert_eq!(snapshot.unreadable, 0);
}

#[test]
fn the_path_decides_which_processes_are_ours() {
    for (command_line, install_root, expected) in [
        (&b"/opt/ms/lib/dispatcher\0"[..], "/opt/ms", 1),
        (b"/opt/ms/lib/dispatcher", "/opt/ms", 1),
        (b"/opt//ms/./lib/dispatcher\0", "/opt/ms/", 1),
        (b"/opt/ms/bin/../lib/dispatcher\0", "//opt/./ms", 1),
        (b"/opt/ms/dispatcher\0", "/opt/ms", 1),
        (b"/opt/ms/../other/dispatcher\0", "/opt/ms", 0),
        (b"/opt/ms2/lib/dispatcher\0", "/opt/ms", 0),
        (b"/usr/libexec/dispatcher\0", "/opt/ms", 0),
        (b"dispatcher\0/opt/ms/lib/dispatcher\0", "/opt/ms", 0),
        (b"/opt/ms/lib/dispatcher -x\0", "/opt/ms", 0),
        (b"/opt/ms/lib/dispatcher/\0", "/opt/ms", 1),
        (b"/opt/ms/lib/dispatcher2\0", "/opt/ms", 0),
        (b"/opt/ms/lib/DISPATCHER\0", "/opt/ms", 0),
        (b"\0/opt/ms/lib/dispatcher\0", "/opt/ms", 0),
        (b"", "/opt/ms", 0),
        (b"\0\0\0", "/opt/ms", 0),
        (b"/opt/ms/lib/\xff\xfe\0", "/opt/ms", 0),
        (b"/opt/m\xff/lib/dispatcher\0", "/opt/ms", 0),
        (b"<SMTP>\0", "/opt/ms", 0),
    ] {
        let tree = ProcTree::new();
        tree.put(10, command_line, 500, 3);
        let snapshot = tree.watch(install_root).scan().expect("scan");
        let running = group(&snapshot, "dispatcher").running;
        assert_eq!(running, expected, "{}", String::from_utf8_lossy(command_line));
    }
}

#[test]
fn an_endless_command_line_is_cut() {
    let tree = ProcTree::new();
    tree.put(10, &[b"/opt/ms/lib/".as_slice(), &vec![b'x'; 1_000_000]].concat(), 500, 3);
    assert_eq!(group(&tree.watch("/opt/ms").scan().expect("scan"), "dispatcher").running, 0);
}

#[test]
fn names_of_newer_versions_go_without_tcp() {
    let tree = ProcTree::new();
    tree.put(10, b"/opt/ms/lib/smtp_client\0", 500, 3);
    tree.put(11, b"/opt/ms/lib/tcp_smtp_client\0", 500, 3);
    assert_eq!(group(&tree.watch("/opt/ms").scan().expect("scan"), "tcp_smtp_client").running, 2);
}

#[test]
fn the_installation_may_be_reached_through_a_symbolic_link() {
    let tree = ProcTree::new();
    let install = TempDir::new().expect("directory");
    let real = install.path().canonicalize().expect("path").join("real");
    fs::create_dir(&real).expect("directory");
    let link = install.path().join("link");
    symlink(&real, &link).expect("link");
    for (pid, root) in [(10, &real), (11, &link)] {
        tree.put(pid, format!("{}/lib/dispatcher\0", root.display()).as_bytes(), 500, 3);
    }
    let snapshot = tree.watch(link.to_str().expect("text")).scan().expect("scan");
    assert_eq!(group(&snapshot, "dispatcher").running, 2);
}

#[test]
fn the_owner_decides_where_a_user_is_configured() {
    let tree = ProcTree::new();
    tree.put(10, b"/opt/ms/lib/dispatcher\0", 500, 3);
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(tree.directory(10)).expect("metadata"));
    for (user, expected) in [(owner, 1), (owner + 1, u64::from(owner == 0))] {
        let names = vec!["dispatcher".to_owned()];
        let mut watch = ProcessWatch::new(tree.root.path().to_owned(), "/opt/ms".into(), names, None);
        assert_eq!(group(&watch.scan().expect("scan"), "dispatcher").running, 1);
        watch.restrict_to(user);
        assert_eq!(group(&watch.scan().expect("scan"), "dispatcher").running, expected, "{user}");
    }
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
    let running = group(&tree.watch("/opt/ms").scan().expect("scan"), "dispatcher").running;
    assert_eq!(running, 1);
}

#[test]
fn starts_and_processor_time_never_go_backwards() {
    let line = b"/opt/ms/lib/dispatcher\0";
    let tree = ProcTree::new();
    let mut watch = tree.watch("/opt/ms");
    let mut check = |starts: u64, cpu: f64, running: u64| {
        let snapshot = watch.scan().expect("scan");
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
    watch.scan().expect("scan");
    tree.put(10, b"/opt/ms/lib/tcp_smtp_server\0", 500, 5);
    tree.put(11, b"/opt/ms/lib/tcp_smtp_server\0", 500, 5);
    let snapshot = watch.scan().expect("scan");
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
        let snapshot = watch.scan().expect("scan");
        let start = group(&snapshot, "dispatcher").oldest_start.expect("a start");
        assert_seconds(start, f64::from(u32::try_from(expected + 500).expect("small")));
    }
}

#[test]
fn a_process_file_system_that_cannot_be_read_is_an_error() {
    let missing = ProcTree::new();
    let path = missing.root.path().join("missing");
    let mut watch = ProcessWatch::new(path.clone(), "/opt/ms".into(), vec!["dispatcher".to_owned()], None);
    let error = watch.scan().expect_err("an error");
    assert!(error.to_string().contains(path.to_str().expect("text")), "{error}");
    for content in ["", "cpu 1\n", "btime\n", "btime x\n", "btime -1\n"] {
        let tree = ProcTree::new();
        tree.put(10, b"/opt/ms/lib/dispatcher\0", 500, 5);
        fs::write(tree.root.path().join("stat"), content).expect("file");
        let result = tree.watch("/opt/ms").scan();
        assert!(matches!(result, Err(ProcessError::BootTime { .. })), "{content:?} gives {result:?}");
    }
}

/// Ends a process when it goes out of scope, also when a test fails.
struct Running(Child);

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
    let names = vec!["dispatcher".to_owned()];
    let mut watch = ProcessWatch::new("/proc".into(), install.path().to_owned(), names, None);
    // The child is a copy of this test until it executes the program.
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut snapshot = watch.scan().expect("scan");
    while group(&snapshot, "dispatcher").running == 0 && Instant::now() < deadline {
        std::thread::yield_now();
        snapshot = watch.scan().expect("scan");
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
    assert_eq!(group(&watch.scan().expect("scan"), "dispatcher").running, 0);
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
