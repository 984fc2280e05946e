//! `imsimta-exporter demo` as a newcomer starts it: everything moves, and nothing is left behind.

mod incidents;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::exposition::sum_of;
use crate::service::harness::{DEADLINE, PROGRAM, now, pause, request, run, value_of};

/// A running demo, killed when the test ends.
struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
    directory: PathBuf,
}

impl Demo {
    /// Starts it and reads, up to the URL, what it prints.
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["demo", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut demo = Self { child, output, address: String::new(), directory: PathBuf::new() };
        demo.directory = PathBuf::from(demo.printed("A synthetic MTA lives in "));
        let url = demo.printed("Metrics:  http://");
        demo.address = url.replace("/metrics", "");
        demo
    }

    /// What follows `start` in the next line that begins with it.
    #[track_caller]
    fn printed(&mut self, start: &str) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).expect("text") > 0 {
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("never printed: {start}");
    }

    fn page(&self) -> String {
        request(&self.address, "GET", "/metrics").expect("answered").1
    }

    #[track_caller]
    fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = now() + DEADLINE;
        loop {
            let page = self.page();
            if wanted(&page) {
                return page;
            }
            assert!(now() < deadline, "never: {what}, but:\n{page}");
            pause();
        }
    }

    /// Waits until a sample is at least as large.
    #[track_caller]
    fn wait_for_least(&self, sample: &str, least: f64) {
        self.wait_for(&format!("{sample} >= {least}"), |page| {
            value_of(page, sample).is_some_and(|value| value >= least)
        });
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).expect("signalled");
    }

    /// The processes whose program lies in the demo's directory.
    fn processes(&self) -> Vec<Pid> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("listed").map_while(Result::ok) {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(number) = number
                && command.starts_with(self.directory.as_os_str().as_encoded_bytes())
            {
                found.push(pid(number));
            }
        }
        found
    }

    /// Waits for the end; the exit status.
    #[track_caller]
    fn wait(&mut self) -> Option<i32> {
        let deadline = now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("waited") {
                return status.code();
            }
            assert!(now() < deadline, "the demo never ends");
            pause();
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        // A demo that is killed cannot clear up.
        if self.directory.is_absolute() {
            drop(std::fs::remove_dir_all(&self.directory));
        }
    }
}

fn pid(number: u32) -> Pid {
    i32::try_from(number).ok().and_then(Pid::from_raw).expect("a process id")
}

/// The files below a directory, with what is in them.
fn tree(directory: &Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(directory).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let below = tree(&path);
            let name = path.file_name().expect("a name");
            files.extend(below.into_iter().map(|(file, bytes)| (Path::new(name).join(file), bytes)));
        } else {
            let bytes = std::fs::read(&path).expect("read");
            files.insert((PathBuf::from(path.file_name().expect("a name")), bytes));
        }
    }
    files
}

#[test]
fn everything_moves_and_nothing_is_left_behind() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut demo = Demo::start(&["--rate", "50", "--noise"]);
        demo.wait_for_least("imsimta_log_entries_total{code=\"E\"}", 50.0);
        demo.wait_for_least("imsimta_dequeued_recipients_total{channel=\"ims-ms\"}", 20.0);
        demo.wait_for_least("imsimta_queue_messages{channel=\"tcp_local\"}", 1.0);
        // Of the loops one is by lines of its own, which takes the name of its host.
        for (channel, reason, files) in
            [("tcp_local", "loop", 3.0), ("tcp_local", "other", 2.0), ("hold", "status_hold", 1.0)]
        {
            let labels = format!("channel=\"{channel}\",reason=\"{reason}\"");
            demo.wait_for_least(&format!("imsimta_queue_held_messages{{{labels}}}"), files);
        }
        demo.wait_for("sockets", |page| {
            sum_of(page, "imsimta_smtp_sockets", &[("state", "established")])
                .is_some_and(|sockets| sockets > 0.0)
        });
        demo.wait_for_least("imsimta_processes{process=\"tcp_smtp_server\"}", 3.0);
        let page = demo.page();
        assert_eq!(value_of(&page, "imsimta_processes{process=\"dispatcher\"}"), Some(1.0));
        assert_eq!(sum_of(&page, "imsimta_log_unparsed_lines_total", &[]), Some(0.0));
        assert_eq!(demo.processes().len(), 7);

        demo.signal(signal);
        assert_eq!(demo.wait(), Some(0));
        assert!(!demo.directory.exists());
        assert_eq!(demo.processes(), Vec::<Pid>::new());
    }
}

#[test]
fn processes_end_with_a_demo_that_is_killed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("mta");
    let mut demo = Demo::start(&["--dir", path.to_str().expect("text")]);
    assert_eq!(demo.processes().len(), 7);
    demo.signal(Signal::KILL);
    demo.wait();
    let deadline = now() + DEADLINE;
    while !demo.processes().is_empty() {
        assert!(now() < deadline, "the processes never end");
        pause();
    }
}

#[test]
fn a_rollover_on_demand_loses_no_line() {
    let demo = Demo::start(&["--rate", "100", "--log-format", "4"]);
    let lines = "imsimta_log_lines_total{log=\"mail.log_current\"}";
    demo.wait_for_least(lines, 100.0);
    demo.signal(Signal::USR1);
    demo.wait_for_least("imsimta_log_rotations_total{log=\"mail.log_current\"}", 1.0);
    let before = value_of(&demo.page(), lines).expect("a value");
    demo.wait_for_least(lines, before + 100.0);
    assert!(demo.directory.join("log/mail.log_yesterday").exists());
    assert_eq!(sum_of(&demo.page(), "imsimta_log_gap_bytes_total", &[]), Some(0.0));
}

/// A report on a healthy demo has nothing above a note.
#[test]
fn a_normal_demo_is_quiet() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (status, _, errors) = run(Command::new(PROGRAM)
        .args(["demo", "--write-only", "--duration", "20m", "--dir"])
        .arg(directory.path()));
    assert_eq!((status, errors.as_str()), (0, ""));
    let logs =
        ["mail.log_current", "connection.log_current"].map(|log| directory.path().join("log").join(log));
    let (status, report, _) = run(Command::new(PROGRAM).args(["report", "--format", "json"]).args(logs));
    assert_eq!(status, 0);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let grave =
        report["findings"].as_array().expect("findings").iter().filter(|one| one["severity"] != "note");
    assert_eq!(grave.collect::<Vec<_>>(), Vec::<&serde_json::Value>::new());
    assert!(report["lines"]["records"].as_u64() > Some(10_000));
}

#[test]
fn one_seed_writes_the_same_files() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, seed: &str, format: &str| {
        let path = directory.path().join(name);
        let (status, output, errors) = run(Command::new(PROGRAM)
            .args(["demo", "--write-only", "--start", "2026-01-05T23:58:00", "--duration", "4m"])
            .args(["--seed", seed, "--log-format", format, "--incident", "dead-destination", "--dir"])
            .arg(&path));
        assert_eq!((status, output.as_str(), errors.as_str()), (0, "", ""));
        tree(&path)
    };
    for format in ["1", "2", "3", "4", "5", "6"] {
        let first = write(&format!("first{format}"), "7", format);
        assert_eq!(first, write(&format!("second{format}"), "7", format));
        assert_ne!(first, write(&format!("third{format}"), "8", format));
        let names: Vec<&Path> = first.iter().map(|(path, _)| path.as_path()).collect();
        for name in ["log/mail.log_current", "log/mail.log_yesterday", "log/connection.log_current"] {
            assert!(names.contains(&Path::new(name)), "{name}: {names:?}");
        }
    }
}

#[test]
fn what_cannot_work_is_said() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("mine"), "mine").expect("written");
    let path = directory.path().to_str().expect("text");
    let fail = |arguments: &[&str]| {
        let (status, _, errors) = run(Command::new(PROGRAM).arg("demo").args(arguments));
        (status, errors)
    };
    let (status, errors) = fail(&["--listen", "127.0.0.1:0", "--dir", path]);
    assert!(status == 1 && errors.contains("is not empty"), "{status} {errors}");
    assert_eq!(tree(directory.path()).len(), 1);

    let (status, errors) = fail(&["--listen", "127.0.0.1:0", "--dir", "/nonexistent/a/b"]);
    assert!(
        status == 1 && errors.contains("cannot make the directory /nonexistent/a/b"),
        "{status} {errors}"
    );

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("an address").to_string();
    let made = directory.path().join("made");
    let (status, errors) = fail(&["--listen", &address, "--dir", made.to_str().expect("text")]);
    assert!(status == 1 && errors.contains("cannot listen on"), "{status} {errors}");
    assert!(!made.exists());

    let (status, errors) = fail(&["--incident", "fire"]);
    assert!(status == 64 && errors.contains("relay-probing"), "{status} {errors}");
}
