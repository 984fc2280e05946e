//! An upgrade: a program goes on from the state of an earlier release, and from what another left that was
//! killed on the way. In the end the sums are those of a program that counts the log anew.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::{DEADLINE, Install, Service, available, value_of, wait_for};
use crate::log_fed::log_fed;

const LOG: &str = "mail.log_current";
const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;

/// What the earlier releases did not count, which begins at 0 with the upgrade.
const YOUNGER: [&str; 5] = [
    "imsimta_connections_lost_total",
    "imsimta_authentication_failures_total",
    "imsimta_connection_closings_total",
    "imsimta_connection_duration_seconds",
    "imsimta_connections_tls_total",
];

/// A library that kills the program when the thread that writes states begins, in the middle of writing the
/// first one, or when all of it is written and nothing is renamed yet.
const KILL: &str = r#"
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_at(const char *moment) {
    const char *chosen = getenv("KILLED_AT");
    return chosen && !strcmp(chosen, moment);
}

static void killed(void) {
    for (;;) kill(getpid(), SIGKILL);
}

static int is_new_state(int fd) {
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/state.new");
}

int pthread_setname_np(pthread_t thread, const char *name) {
    if (is_at("begin") && !strcmp(name, "state")) killed();
    return 0;
}

ssize_t write(int fd, const void *bytes, size_t size) {
    if (is_at("write") && is_new_state(fd)) {
        syscall(SYS_write, fd, bytes, size / 2);
        killed();
    }
    return syscall(SYS_write, fd, bytes, size);
}

int fsync(int fd) {
    if (is_at("fsync") && is_new_state(fd)) killed();
    return syscall(SYS_fsync, fd);
}
"#;

/// A state that an earlier program left, and the log that it was counted from.
struct Earlier {
    state: Vec<u8>,
    log: String,
}

impl Earlier {
    /// All that are kept; the README beside them says how they were made.
    fn all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state");
        let files = std::fs::read_dir(directory).expect("listed").map(|entry| entry.expect("listed").path());
        let states = files.filter(|path| path.extension().is_some_and(|extension| extension == "state"));
        let read = states.map(|path| Self {
            state: std::fs::read(&path).expect("the state"),
            log: std::fs::read_to_string(path.with_extension("log")).expect("the log"),
        });
        read.collect()
    }

    /// The lines of the log again, which other messages would look like.
    fn more(&self) -> [&str; 3] {
        let third = self.log.lines().count() / 3;
        let ends = self.log.match_indices('\n').map(|(at, _)| at + 1).collect::<Vec<_>>();
        let (first, second) = (ends[third - 1], ends[2 * third - 1]);
        [&self.log[..first], &self.log[first..second], &self.log[second..]]
    }

    fn installed(&self) -> Install {
        let install = Install::new();
        install.append(LOG, &self.log);
        install.make_state_directory();
        std::fs::write(install.path("state/state"), &self.state).expect("written");
        install
    }

    /// Whether its frame is another one than today's, so that it is kept.
    fn is_of_another_frame(&self) -> bool {
        self.state.starts_with(b"imsimta-exporter state 2 ")
    }
}

fn command(install: &Install) -> Command {
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__MTA__TIMEZONE", "UTC");
    command
}

/// What a running program shows of the log once it has counted all of it.
#[track_caller]
fn shown(service: &Service, log: &str) -> BTreeMap<String, f64> {
    let lines = f64::from(u32::try_from(log.lines().count()).expect("few"));
    let page = service.wait_for_sample(LINES, lines);
    assert_eq!(value_of(&page, "imsimta_exporter_state_set_aside_total"), Some(0.0));
    let mut shown = log_fed(&page);
    shown.retain(|series, _| YOUNGER.iter().all(|name| !series.starts_with(name)));
    shown
}

/// What a program shows that has no state.
fn counted_anew(log: &str) -> BTreeMap<String, f64> {
    let install = Install::new();
    install.append(LOG, log);
    let mut command = command(&install);
    command.env("IMSIMTA_EXPORTER__LOGS__START", "beginning");
    shown(&Service::start(command), log)
}

#[test]
fn states_of_earlier_releases_are_counted_on() {
    for earlier in Earlier::all() {
        let install = earlier.installed();
        let [first, second, third] = earlier.more();
        install.append(LOG, first);
        let service = Service::start(command(&install));
        install.append(LOG, second);
        let log = [&earlier.log, first, second].concat();
        assert_eq!(shown(&service, &log), counted_anew(&log));
        assert!(service.stop().0.success());
        // What it saved is as good as what it had read.
        install.append(LOG, third);
        let log = [log.as_str(), third].concat();
        assert_eq!(shown(&Service::start(command(&install)), &log), counted_anew(&log));
    }
}

/// Where a program is killed; what it has done by then.
struct Kill {
    at: &'static str,
    /// Whether the state of another frame has its second name.
    kept: bool,
    /// Whether the new state has been begun.
    begun: bool,
}

const KILLS: [Kill; 3] = [
    Kill { at: "begin", kept: false, begun: false },
    Kill { at: "write", kept: true, begun: true },
    Kill { at: "fsync", kept: true, begun: true },
];

#[test]
fn a_kill_during_an_upgrade_loses_and_doubles_nothing() {
    if !available("cc") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let library = compiled(directory.path());
    for earlier in Earlier::all() {
        let log = [&earlier.log, earlier.more()[0], earlier.more()[1]].concat();
        let expected = counted_anew(&log);
        for kill in &KILLS {
            let install = earlier.installed();
            install.append(LOG, earlier.more()[0]);
            killed_at(kill.at, &install, &library);
            let (state, kept) = (install.path("state/state"), install.path("state/state.version-2"));
            assert_eq!(std::fs::read(&state).expect("there"), earlier.state, "{}", kill.at);
            assert_eq!(kept.exists(), kill.kept && earlier.is_of_another_frame(), "{}", kill.at);
            assert_eq!(install.path("state/state.new").exists(), kill.begun, "{}", kill.at);
            goes_on(&install, &earlier, &expected, &log);
        }
        let install = earlier.installed();
        install.append(LOG, earlier.more()[0]);
        killed_when_saved(&install);
        goes_on(&install, &earlier, &expected, &log);
    }
}

fn compiled(directory: &Path) -> PathBuf {
    let (source, library) = (directory.join("kill.c"), directory.join("kill.so"));
    std::fs::write(&source, KILL).expect("written");
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    assert!(compile.status().expect("started").success(), "the library compiles");
    library
}

/// Starts the program with the library, and sees it killed.
fn killed_at(moment: &str, install: &Install, library: &Path) {
    let mut command = command(install);
    command.env("LD_PRELOAD", library).env("KILLED_AT", moment);
    let (status, _) = Service::spawn(command).wait();
    assert_eq!(status.signal(), Some(rustix::process::Signal::KILL.as_raw()), "{moment}: {status}");
}

/// Kills the program as soon as the new state has its name.
fn killed_when_saved(install: &Install) {
    let file = || std::fs::metadata(install.path("state/state")).map(|state| state.ino()).ok();
    let before = file();
    let service = Service::start(command(install));
    wait_for("a new state", DEADLINE, || (file().is_some() && file() != before).then_some(()));
    service.kill();
}

/// Starts it again, and once more after a kill.
fn goes_on(install: &Install, earlier: &Earlier, expected: &BTreeMap<String, f64>, log: &str) {
    let service = Service::start(command(install));
    install.append(LOG, earlier.more()[1]);
    assert_eq!(&shown(&service, log), expected);
    service.wait_for("a saved state", |page| {
        value_of(page, "imsimta_exporter_state_last_save_timestamp_seconds").is_some()
    });
    service.kill();
    let kept = std::fs::read(install.path("state/state.version-2")).ok();
    assert_eq!(kept, earlier.is_of_another_frame().then(|| earlier.state.clone()), "for a way back");
    assert_eq!(&shown(&Service::start(command(install)), log), expected);
}
