//! Which processes are ours: by path, user, program and namespace.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::{ProcessError, ProcessGroup, ProcessWatch, Programs};
use super::tree::{NAMES, ProcTree, assert_seconds, group, life, programs};

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
