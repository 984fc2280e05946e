//! The watch on process trees written by the tests, and on a real process.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{ProcessError, ProcessGroup, ProcessSnapshot, ProcessWatch, Programs, own};

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

    /// A file of a process.
    fn write(&self, pid: u32, name: &str, text: &str) {
        fs::write(self.directory(pid).join(name), text).expect("file");
    }

    /// What a process executes, and in which mount namespace.
    fn executes(&self, pid: u32, file: &Path, namespace: &str) {
        let directory = self.directory(pid);
        fs::create_dir_all(directory.join("ns")).expect("directory");
        symlink(file, directory.join("exe")).expect("link");
        symlink(namespace, directory.join("ns/mnt")).expect("link");
    }

    /// The user that all of it belongs to.
    fn user(&self) -> u32 {
        fs::metadata(self.root.path()).expect("metadata").uid()
    }

    fn watch(&self, install_root: &str) -> ProcessWatch {
        let mut watch = ProcessWatch::new(self.root.path().to_owned(), programs(install_root));
        watch.restrict_to(self.user());
        watch
    }
}

/// Longer than most of what a test has runs.
fn life(_: &str) -> Duration {
    Duration::from_hours(25)
}

fn programs(root: impl Into<PathBuf>) -> Programs {
    Programs { root: root.into(), seen_at: None, names: NAMES.map(str::to_owned).to_vec() }
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
    let snapshot = tree.watch("/opt/ms").scan(&life).expect("scan");
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
        let snapshot = tree.watch(install_root).scan(&life).expect("scan");
        let running = group(&snapshot, "dispatcher").running;
        assert_eq!(running, expected, "{}", String::from_utf8_lossy(command_line));
    }
}

#[test]
fn an_endless_command_line_is_cut() {
    let tree = ProcTree::new();
    tree.put(10, &[b"/opt/ms/lib/".as_slice(), &vec![b'x'; 1_000_000]].concat(), 500, 3);
    assert_eq!(group(&tree.watch("/opt/ms").scan(&life).expect("scan"), "dispatcher").running, 0);
}

#[test]
fn names_of_newer_versions_go_without_tcp() {
    let tree = ProcTree::new();
    tree.put(10, b"/opt/ms/lib/smtp_client\0", 500, 3);
    tree.put(11, b"/opt/ms/lib/tcp_smtp_client\0", 500, 3);
    assert_eq!(group(&tree.watch("/opt/ms").scan(&life).expect("scan"), "tcp_smtp_client").running, 2);
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
    let snapshot = tree.watch(link.to_str().expect("text")).scan(&life).expect("scan");
    assert_eq!(group(&snapshot, "dispatcher").running, 2);
}

#[test]
fn the_user_decides_which_processes_are_ours() {
    // Whose the directory is cannot be changed without being root, so the user that is looked for is another.
    for (status, looked_for, expected) in [
        (None, 0, 1),
        (None, 1, 0),
        // A process that changed its user has a directory of root's.
        (Some("Name:\tdispatcher\nUid:\t0\t1\t1\t1\nGid:\t0\t7\t7\t7\n"), 1, 0),
        (Some("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"), 0, 1),
    ] {
        let tree = ProcTree::new();
        tree.put(10, b"/opt/ms/lib/dispatcher\0", 500, 3);
        if let Some(status) = status {
            tree.write(10, "status", status);
        }
        let mut watch = tree.watch("/opt/ms");
        watch.restrict_to(tree.user() + looked_for);
        // Everybody takes root's word.
        let expected = if tree.user() == 0 { 1 } else { expected };
        assert_eq!(group(&watch.scan(&life).expect("scan"), "dispatcher").running, expected, "{looked_for}");
    }
}

/// Only where this runs as root there are directories of root's.
#[test]
fn processes_that_changed_their_user_are_known_by_what_they_became() {
    let tree = ProcTree::new();
    if tree.user() != 0 {
        return;
    }
    tree.put(10, b"/opt/ms/lib/dispatcher\0", 500, 3);
    for (effective, expected) in [(500, 1), (0, 1), (501, 0)] {
        tree.write(10, "status", &format!("Uid:\t0\t{effective}\t0\t0\nGid:\t0\t12\t0\t0\n"));
        let mut watch = tree.watch("/opt/ms");
        watch.restrict_to(500);
        let snapshot = watch.scan(&life).expect("scan");
        assert_eq!(group(&snapshot, "dispatcher").running, expected, "{effective}");
        assert_eq!(snapshot.groups.contains(&12), expected == 1);
    }
}

#[test]
fn without_a_user_nothing_is_said_but_that_there_is_nothing() {
    let tree = ProcTree::new();
    tree.put(10, b"/usr/bin/other\0", 500, 3);
    let mut watch = ProcessWatch::new(tree.root.path().to_owned(), programs("/opt/ms"));
    assert_eq!(group(&watch.scan(&life).expect("scan"), "dispatcher").running, 0);
    tree.put(11, b"/opt/ms/lib/dispatcher\0", 500, 3);
    let error = watch.scan(&life).expect_err("an error");
    assert!(matches!(error, ProcessError::UserUnknown) && error.to_string().contains("mta.user"), "{error}");
    watch.restrict_to(tree.user());
    let snapshot = watch.scan(&life).expect("scan");
    assert_eq!((group(&snapshot, "dispatcher").running, group(&snapshot, "dispatcher").starts_total), (1, 0));
}

/// An installation with a program, and what is none of it.
#[test]
fn what_is_executed_and_where_tells_ours_from_others() {
    let install = TempDir::new().expect("directory");
    let root = install.path().canonicalize().expect("path");
    let file = |name: &str| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directory");
        fs::write(&path, name).expect("file");
        path
    };
    let (ours, inner) = (file("ms/lib/dispatcher"), file("ms/lib/64/dispatcher"));
    let (shell, theirs) = (file("bin/sh"), file("container/ms/lib/dispatcher"));
    let (gone, linked) = (root.join("ms/lib/old"), root.join("ms/lib/job_controller"));
    symlink(&shell, &linked).expect("link");
    let deleted = PathBuf::from(format!("{} (deleted)", ours.display()));
    let outside = root.join("ms/lib/tcp_smtp_server");
    for (started_as, executed, namespace, expected, why) in [
        (&ours, &ours, "mnt:[1]", 1, "the program itself"),
        (&ours, &inner, "mnt:[1]", 1, "another file of the installation, that a script may start"),
        (&ours, &deleted, "mnt:[1]", 1, "the program before an upgrade"),
        (&ours, &gone, "mnt:[1]", 1, "a program that is no more"),
        (&ours, &shell, "mnt:[1]", 0, "a program under a name that is not its own"),
        (&linked, &shell, "mnt:[1]", 1, "a link to a program elsewhere"),
        (&ours, &theirs, "mnt:[2]", 0, "the same path in another namespace, with another file"),
        (&ours, &gone, "mnt:[2]", 0, "the same with a file that is no more"),
        (&ours, &ours, "mnt:[2]", 1, "the same file in another namespace"),
        (&outside, &outside, "mnt:[2]", 1, "what cannot be seen from here"),
    ] {
        let tree = ProcTree::new();
        tree.put(1, b"exporter\0", 1, 1);
        tree.executes(1, &shell, "mnt:[1]");
        symlink("1", tree.root.path().join("self")).expect("link");
        tree.put(10, format!("{}\0", started_as.display()).as_bytes(), 500, 3);
        tree.executes(10, executed, namespace);
        let snapshot = tree.watch(root.join("ms").to_str().expect("text")).scan(&life).expect("scan");
        let running: u64 = snapshot.processes.values().map(|group| group.running).sum();
        assert_eq!(running, expected, "{why}");
    }
}

/// The exporter in a container sees the installation where the processes do not.
#[test]
fn processes_may_see_the_installation_at_another_path() {
    let install = TempDir::new().expect("directory");
    let root = install.path().join("host/opt/ms");
    fs::create_dir_all(root.join("lib")).expect("directory");
    fs::write(root.join("lib/dispatcher"), "").expect("file");
    let tree = ProcTree::new();
    tree.put(1, b"exporter\0", 1, 1);
    tree.executes(1, Path::new("/exporter"), "mnt:[1]");
    symlink("1", tree.root.path().join("self")).expect("link");
    for (pid, executed) in [(10, root.join("lib/dispatcher")), (11, PathBuf::from("/opt/ms/lib/other"))] {
        tree.put(pid, b"/opt/ms/lib/dispatcher\0", 500, 3);
        tree.executes(pid, &executed, "mnt:[2]");
    }
    for (seen_at, expected) in [(Some("/opt/ms"), 1), (Some("/opt/other"), 0), (None, 0)] {
        let seen_at = seen_at.map(PathBuf::from);
        let programs = Programs { seen_at, ..programs(&root) };
        let mut watch = ProcessWatch::new(tree.root.path().to_owned(), programs.clone());
        watch.restrict_to(tree.user());
        let snapshot = watch.scan(&life).expect("scan");
        assert_eq!(group(&snapshot, "dispatcher").running, expected, "{programs:?}");
    }
}

/// A child is a copy of its parent until it executes a program of its own.
#[test]
fn a_double_at_the_moment_of_a_fork_is_none() {
    let tree = ProcTree::new();
    let line = b"/opt/ms/lib/dispatcher\0";
    let forked = |pid: u32, parent: u32, command_line: &[u8]| {
        tree.put(pid, command_line, 600, 0);
        let stat = fs::read_to_string(tree.directory(pid).join("stat")).expect("stat");
        tree.write(pid, "stat", &stat.replacen(" S 1 ", &format!(" S {parent} "), 1));
    };
    let mut watch = tree.watch("/opt/ms");
    let mut check = |dispatchers: u64, servers: u64, starts: u64, why: &str| {
        let snapshot = watch.scan(&life).expect("scan");
        let (dispatcher, server) = (group(&snapshot, "dispatcher"), group(&snapshot, "tcp_smtp_server"));
        let found = (dispatcher.running, server.running, dispatcher.starts_total + server.starts_total);
        assert_eq!(found, (dispatchers, servers, starts), "{why}");
    };
    tree.put(10, line, 500, 3);
    forked(20, 10, line);
    check(1, 0, 0, "a fork at the first look");
    forked(20, 10, b"/opt/ms/lib/tcp_smtp_server\0");
    check(1, 1, 0, "it became a server, the first one");
    forked(21, 10, line);
    check(1, 1, 0, "another fork");
    forked(21, 10, b"/opt/ms/lib/tcp_smtp_server\0");
    check(1, 2, 1, "it became a server");
    forked(22, 10, line);
    check(1, 2, 1, "a fork");
    check(2, 2, 2, "that stays is a second one");
    tree.put(30, line, 900, 0);
    check(3, 2, 3, "one that was started by somebody else is one at once");
    tree.remove(10);
    tree.remove(22);
    check(1, 2, 3, "they ended");
}

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
