//! A process file system that a test writes.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::super::{ProcessGroup, ProcessSnapshot, ProcessWatch, Programs};

pub(super) const BOOT: u64 = 1_700_000_000;
pub(super) const NAMES: [&str; 4] = ["dispatcher", "job_controller", "tcp_smtp_server", "tcp_smtp_client"];

/// A process file system in a temporary directory. Clock ticks are those of this machine.
pub(super) struct ProcTree {
    pub(super) root: TempDir,
}

impl ProcTree {
    pub(super) fn new() -> Self {
        let root = TempDir::new().expect("directory");
        let stat = format!("cpu  1 2 3 4\nintr 5 6\nctxt 7\nbtime {BOOT}\nprocesses 8\n");
        fs::write(root.path().join("stat"), stat).expect("file");
        fs::write(root.path().join("uptime"), "1 2\n").expect("file");
        Self { root }
    }

    pub(super) fn directory(&self, pid: u32) -> PathBuf {
        self.root.path().join(pid.to_string())
    }

    /// A process that started `start` seconds after the system and has used `cpu` seconds, with a
    /// megabyte in core and three open descriptors.
    pub(super) fn put(&self, pid: u32, command_line: &[u8], start: u64, cpu: u64) {
        self.put_state(pid, command_line, start, cpu, "S");
    }

    pub(super) fn put_state(&self, pid: u32, command_line: &[u8], start: u64, cpu: u64, state: &str) {
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

    pub(super) fn remove(&self, pid: u32) {
        fs::remove_dir_all(self.directory(pid)).expect("directory");
    }

    /// A file of a process.
    pub(super) fn write(&self, pid: u32, name: &str, text: &str) {
        fs::write(self.directory(pid).join(name), text).expect("file");
    }

    /// What a process executes, and in which mount namespace.
    pub(super) fn executes(&self, pid: u32, file: &Path, namespace: &str) {
        let directory = self.directory(pid);
        fs::create_dir_all(directory.join("ns")).expect("directory");
        symlink(file, directory.join("exe")).expect("link");
        symlink(namespace, directory.join("ns/mnt")).expect("link");
    }

    /// The user that all of it belongs to.
    pub(super) fn user(&self) -> u32 {
        fs::metadata(self.root.path()).expect("metadata").uid()
    }

    pub(super) fn watch(&self, install_root: &str) -> ProcessWatch {
        let mut watch = ProcessWatch::new(self.root.path().to_owned(), programs(install_root));
        watch.restrict_to(self.user());
        watch
    }
}

/// Longer than most of what a test has runs.
pub(super) fn life(_: &str) -> Duration {
    Duration::from_hours(25)
}

pub(super) fn programs(root: impl Into<PathBuf>) -> Programs {
    Programs { root: root.into(), seen_at: None, names: NAMES.map(str::to_owned).to_vec() }
}

pub(super) fn group<'a>(snapshot: &'a ProcessSnapshot, name: &str) -> &'a ProcessGroup {
    &snapshot.processes[name]
}

pub(super) fn assert_seconds(found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.001, "{found} seconds, not {expected}");
}
