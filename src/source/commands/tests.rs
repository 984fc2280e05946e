//! What commands print, and programs that misbehave.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    ChannelTold, Command, CommandError, FailureReason, OneAtATime, Printed, Runner, RunningCommand, Told,
    read,
};
use crate::source::spool::MAX_CHANNELS;

fn printed(text: &[u8]) -> Printed {
    Printed { out: text.to_vec(), error: Vec::new() }
}

fn told(command: Command, text: &str) -> Told {
    read(command, &printed(text.as_bytes())).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What is told of channels, those alone that are named.
fn channels(rows: &[(&str, ChannelTold)]) -> std::collections::BTreeMap<String, ChannelTold> {
    rows.iter().map(|(channel, told)| ((*channel).to_owned(), *told)).collect()
}

fn stopped(stopped: bool) -> ChannelTold {
    ChannelTold { stopped: Some(stopped), ..ChannelTold::default() }
}

fn delivered(delivered: i64) -> ChannelTold {
    ChannelTold { delivered: Some(delivered), ..ChannelTold::default() }
}

#[test]
fn stopped_channels_are_read() {
    let found = told(Command::Summarize, include_str!("../../../tests/fixtures/commands/summarize.txt"));
    let rows = [("conversion", false), ("ims-ms", false), ("tcp_bounceit", true), ("tcp_local", false)];
    assert_eq!(found.channels, channels(&rows.map(|(channel, is)| (channel, stopped(is)))));
    assert_eq!((found.unknown, found.left_out), (0, 0));

    let more = include_str!("../../../tests/fixtures/commands/summarize-held-and-totals.txt");
    let found = told(Command::Summarize, more);
    let rows = [("ims-ms", false), ("hold", true), ("pipe", false)];
    assert_eq!(found.channels, channels(&rows.map(|(channel, is)| (channel, stopped(is)))));
    assert_eq!(found.unknown, 2, "the heading, and its ruler");
}

#[test]
fn jobs_are_read() {
    let found = told(Command::Jobs, include_str!("../../../tests/fixtures/commands/jobs.txt"));
    let local = ChannelTold {
        active: Some(2),
        pending: Some(1),
        processed: Some(20),
        requeued: Some(42),
        ..ChannelTold::default()
    };
    let idle = ChannelTold { active: Some(0), ..ChannelTold::default() };
    assert_eq!(found.channels, channels(&[("tcp_local", local), ("ims-ms", idle)]));
    assert_eq!(found.unknown, 0);
}

#[test]
fn counters_are_read() {
    let found = told(Command::Counters, include_str!("../../../tests/fixtures/commands/counters.txt"));
    let rows = [("tcp_intranet", 12985), ("tcp_local", 29369), ("l", -3)];
    assert_eq!(found.channels, channels(&rows.map(|(channel, count)| (channel, delivered(count)))));
    assert_eq!(found.unknown, 1, "associations that were lost");
}

/// What is printed, and what it comes to: channels and unknown rows, or why not.
#[test]
fn what_is_not_understood_is_loud() {
    use Command::{Counters, Jobs, Summarize};
    for (command, text, expected) in [
        (Jobs, "", Ok((0, 0))),
        (Jobs, "   0 ACTIVE CHANNELS\n", Ok((0, 0))),
        (Jobs, "Usage: jobs\n", Err(FailureReason::NotUnderstood)),
        (Jobs, "channel l\n what is this\n 1 JOBS ACTIVE FOR CHANNEL l\n", Ok((1, 1))),
        (Jobs, "processed messages: 3\n", Ok((0, 1))),
        (Summarize, "", Err(FailureReason::NotUnderstood)),
        (Summarize, "\n\n", Err(FailureReason::NotUnderstood)),
        (Summarize, "No channels.\n", Err(FailureReason::NotUnderstood)),
        (Summarize, "l 1 0.0\n%QM-E-NOQUEUE, cannot open the queue\n", Err(FailureReason::Complaint)),
        (Counters, "Channel Messages Recipients Blocks\n", Ok((0, 0))),
        (Counters, "Usage\n", Err(FailureReason::NotUnderstood)),
        (Counters, "l\n  Nothing  1\n", Err(FailureReason::NotUnderstood)),
    ] {
        let found = read(command, &printed(text.as_bytes()));
        let found = found.map(|told| (told.channels.len(), told.unknown)).map_err(|error| error.reason());
        assert_eq!(found, expected, "{command:?}: {text:?}");
    }
    let said =
        read(Command::Summarize, &printed(b"\n\x1b[31mno\xff\n")).expect_err("not understood").to_string();
    assert_eq!(said, "printed nothing that is understood: ?[31mno?", "printable");
}

#[test]
fn channels_beyond_the_cap_are_left_out() {
    let rows = (0..MAX_CHANNELS + 7).map(|number| format!("c{number} 1 0.0"));
    let printed = rows.collect::<Vec<_>>().join("\n");
    let found = told(Command::Summarize, &printed);
    assert_eq!((found.channels.len(), found.left_out), (MAX_CHANNELS, 7));
}

fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).expect("after the start")
}

/// A program and how it is run.
struct Fake {
    directory: tempfile::TempDir,
    runner: Runner,
}

impl Fake {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let program = directory.path().join("imsimta");
        write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        set_permissions(&program, Permissions::from_mode(0o755)).expect("set");
        let runner = Runner {
            root: PathBuf::from("/nowhere"),
            program: Some(program),
            timeout: Duration::from_secs(20),
            one: OneAtATime::default(),
            running: RunningCommand::default(),
        };
        Self { directory, runner }
    }

    fn run(&self) -> Result<Told, CommandError> {
        self.runner.run(Command::Jobs, &monotonic)
    }

    fn fails(&self) -> (FailureReason, String) {
        let error = self.run().expect_err("it fails");
        (error.reason(), error.to_string())
    }

    fn left(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).expect("left")
    }
}

/// Waits until a process that was killed is gone, but for what waits to be asked for by its parent.
#[track_caller]
fn assert_gone(pid: &str) {
    let end = monotonic() + Duration::from_secs(20);
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        if matches!(state, None | Some('Z' | 'X')) {
            return;
        }
        assert!(monotonic() < end, "{stat}");
        std::thread::yield_now();
    }
}

#[test]
fn a_program_gets_its_words_and_nothing_of_ours() {
    let fake = Fake::new(
        r#"cd "${0%/*}"; { echo "$@"; pwd -P; } >here; export -p >environment
read -r line && exit 9
for open in /proc/self/fd/*; do [ "$open" -ef ours ] && exit 8; done
echo ' 3 JOBS ACTIVE FOR CHANNEL l'"#,
    );
    let _ours = std::fs::File::create(fake.directory.path().join("ours")).expect("made");
    let told = fake.run().expect("told");
    assert_eq!(told.channels["l"].active, Some(3));
    let here = fake.left("here");
    assert!(here.starts_with("qm jobs -nohosts -nomessages\n"), "{here}");
    let environment = fake.left("environment");
    let names = environment.lines().filter_map(|line| line.strip_prefix("export ")?.split('=').next());
    let ours = ["LC_ALL", "OLDPWD", "PATH", "PWD"];
    assert!(names.clone().all(|name| ours.contains(&name)), "{environment}");
}

#[test]
fn a_program_that_fails_is_a_reason() {
    for (script, reason, said) in [
        (
            "echo no such channel >&2; exit 3",
            FailureReason::ExitStatus,
            "ended with exit status: 3: no such channel",
        ),
        ("echo must be root; exit 1", FailureReason::ExitStatus, "ended with exit status: 1: must be root"),
        ("kill -SEGV $$", FailureReason::ExitStatus, "ended with signal: 11 (SIGSEGV)"),
        ("echo hm", FailureReason::NotUnderstood, "printed nothing that is understood: hm"),
        ("echo '%QM-E-NO, not now'", FailureReason::Complaint, "complained: %QM-E-NO, not now"),
        (
            "echo ' 1 JOBS ACTIVE FOR CHANNEL l'; { echo; echo '%QM-E-NO, not now'; } >&2",
            FailureReason::Complaint,
            "complained: %QM-E-NO, not now",
        ),
        (
            "echo cannot connect >&2",
            FailureReason::NotUnderstood,
            "printed nothing that is understood: cannot connect",
        ),
    ] {
        let (found, text) = Fake::new(script).fails();
        assert!(found == reason && text.starts_with(said), "{found:?} {text}");
    }
    let mut fake = Fake::new("");
    write(fake.runner.program.as_ref().expect("a path"), "no program").expect("written");
    assert_eq!(fake.fails().0, FailureReason::Start);
    fake.runner.program = None;
    assert_eq!(fake.fails().0, FailureReason::Program);
}

#[test]
fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let mut fake = Fake::new(r#"echo $$ >"${0%/*}/leader"; sleep 1000 & echo $! >"${0%/*}/other"; wait"#);
    fake.runner.timeout = Duration::from_millis(700);
    let (reason, said) = fake.fails();
    assert_eq!(reason, FailureReason::Timeout);
    assert_eq!(said, "did not end within 700ms and was killed (commands.timeout)");
    assert_gone(&fake.left("leader"));
    assert_gone(&fake.left("other"));
}

/// It closes its outputs and goes on, it leaves a child behind that keeps them open, it does not heed signals.
#[test]
fn no_trick_keeps_a_program_alive() {
    let mut fake = Fake::new("exec >/dev/null 2>&1; trap '' TERM INT HUP; while :; do read -r line; done");
    fake.runner.timeout = Duration::from_millis(300);
    assert_eq!(fake.fails().0, FailureReason::Timeout);

    let fake = Fake::new(r#"sleep 1000 & echo $! >"${0%/*}/other"; echo ' 1 JOBS ACTIVE FOR CHANNEL l'"#);
    assert_eq!(fake.run().expect("it ended").channels["l"].active, Some(1));
    assert_gone(&fake.left("other"));
}

#[test]
fn a_program_that_prints_without_end_is_killed() {
    for to in ["", ">&2"] {
        let fake = Fake::new(&format!("exec /usr/bin/head -c 1000000000 /dev/zero {to}"));
        assert_eq!(fake.fails().0, FailureReason::Output);
    }
}

#[test]
fn who_lets_go_ends_it_at_once_and_starts_no_other() {
    let fake = Fake::new(r#": >"${0%/*}/started"; sleep 1000"#);
    let (running, started) = (fake.runner.running.clone(), fake.directory.path().join("started"));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while !started.exists() {
                std::thread::yield_now();
            }
            running.end();
        });
        assert_eq!(fake.fails().0, FailureReason::ExitStatus);
    });
    std::fs::remove_file(fake.directory.path().join("started")).expect("removed");
    assert_eq!(fake.fails().0, FailureReason::Start);
    assert!(!fake.directory.path().join("started").exists());
}

#[test]
fn there_is_one_at_a_time() {
    let fake = Fake::new(r#": >"${0%/*}/started"; while [ ! -e "${0%/*}/go" ]; do :; done"#);
    let path = fake.directory.path();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| fake.run());
        while !path.join("started").exists() {
            std::thread::yield_now();
        }
        assert_eq!(fake.fails().0, FailureReason::Busy);
        write(path.join("go"), "").expect("written");
        assert!(first.join().expect("ran").is_ok());
    });
}
