//! The MTA's own commands: what is run, and nothing else; what comes of programs that misbehave.

use std::fs::{Permissions, read_to_string, set_permissions, write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::harness::{DEADLINE, Install, PROGRAM, Service, available, value_of, wait_for, words_of};

/// What each command prints; words of the shell itself alone, so that nothing else is started.
const PRINTS: &str = r#"case "$*" in
"qm summarize -noheading -notrailing") echo "tcp_local (stopped) 12 345.5"; echo "ims-ms 1 0.5" ;;
"qm jobs -nohosts -nomessages")
    echo "channel tcp_local"; echo "  job 77"; echo "    processed messages: 17"
    echo "    failed processing attempts: 2"; echo "  2 JOBS ACTIVE FOR CHANNEL tcp_local"
    echo "  1 JOBS PENDING FOR CHANNEL tcp_local"; echo "strange" ;;
"qm counters show") echo tcp_local; echo "   Delivered 12985 13768 264978" ;;
*) exit 64 ;;
esac"#;

/// An installation whose `imsimta` is this script.
fn installed(script: &str) -> Install {
    let install = Install::new();
    install.append("mail.log_current", "");
    std::fs::create_dir(install.path("root/bin")).expect("made");
    replace(&install, script);
    install
}

/// Puts another script in its place, which is there as a whole or not at all.
fn replace(install: &Install, script: &str) {
    let (new, program) = (install.path("root/bin/new"), install.path("root/bin/imsimta"));
    write(&new, format!("#!/bin/sh\n{script}\n")).expect("written");
    set_permissions(&new, Permissions::from_mode(0o755)).expect("set");
    std::fs::rename(new, program).expect("put there");
}

/// Switches commands on; they are run every second.
fn switch_on(command: &mut Command, names: &[&str]) {
    for name in names {
        command.env(format!("IMSIMTA_EXPORTER__COMMANDS__{name}"), "true");
    }
    command.env("IMSIMTA_EXPORTER__COMMANDS__INTERVAL", "1s");
}

const ALL: [&str; 3] = ["SUMMARIZE", "JOBS", "COUNTERS"];

fn with_commands(install: &Install, names: &[&str]) -> Command {
    let mut command = install.command();
    switch_on(&mut command, names);
    command
}

const SUCCESS: &str = "imsimta_collector_success{collector=\"commands\"}";

#[test]
fn what_the_commands_tell_is_shown_and_what_fails_is_absent() {
    let install = installed(PRINTS);
    let mut service = Service::start(with_commands(&install, &ALL));
    let page = service.wait_for_sample(SUCCESS, 1.0);
    for (sample, value) in [
        ("imsimta_channel_stopped{channel=\"tcp_local\"}", 1.0),
        ("imsimta_channel_stopped{channel=\"ims-ms\"}", 0.0),
        ("imsimta_channel_jobs{channel=\"tcp_local\",state=\"active\"}", 2.0),
        ("imsimta_channel_jobs{channel=\"tcp_local\",state=\"pending\"}", 1.0),
        ("imsimta_channel_processed_messages{channel=\"tcp_local\"}", 17.0),
        ("imsimta_channel_requeued_messages{channel=\"tcp_local\"}", 2.0),
        ("imsimta_channel_delivered_messages{channel=\"tcp_local\"}", 12985.0),
        ("imsimta_command_success{command=\"jobs\"}", 1.0),
        ("imsimta_command_unknown_rows{command=\"jobs\"}", 1.0),
        ("imsimta_command_failures_total{command=\"jobs\",reason=\"timeout\"}", 0.0),
    ] {
        assert_eq!(value_of(&page, sample), Some(value), "{sample}");
    }
    // One of three fails: it alone is absent.
    replace(&install, &format!("[ \"$2\" = counters ] && {{ echo 'no <counters>' >&2; exit 1; }}\n{PRINTS}"));
    let failures = "imsimta_command_failures_total{command=\"counters\",reason=\"exit_status\"}";
    let page = service.wait_for(failures, |page| value_of(page, failures) > Some(0.0));
    assert_eq!(value_of(&page, SUCCESS), Some(0.0));
    assert_eq!(value_of(&page, "imsimta_command_success{command=\"counters\"}"), Some(0.0));
    assert!(!page.contains("imsimta_channel_delivered_messages{"), "{page}");
    assert_eq!(value_of(&page, "imsimta_channel_stopped{channel=\"tcp_local\"}"), Some(1.0));
    let said = service.wait_for_log("commands");
    assert!(said.contains("`imsimta qm counters show` ended with exit status: 1: no <counters>"), "{said}");
    let (_, ready) = service.get("/-/ready");
    assert!(ready.starts_with("ready, but without: commands ("), "{ready}");
    let (_, status) = service.get("/");
    assert!(status.contains("no &lt;counters&gt;") && !status.contains("<counters>"), "{status}");
}

/// Each way to misbehave, and its reason.
#[test]
fn programs_that_misbehave_are_failures_with_a_reason() {
    let install = installed("while :; do read -r line; done");
    let mut command = with_commands(&install, &["JOBS"]);
    command.env("IMSIMTA_EXPORTER__COMMANDS__TIMEOUT", "100ms");
    let service = Service::start(command);
    for (script, reason) in [
        (None, "timeout"),
        (Some("exit 3"), "exit_status"),
        (Some("exec /usr/bin/head -c 1000000000 /dev/zero"), "too_much_output"),
        (Some("echo what is this"), "not_understood"),
    ] {
        if let Some(script) = script {
            replace(&install, script);
        }
        failed_for(&service, reason);
    }
    std::fs::remove_file(install.path("root/bin/imsimta")).expect("removed");
    failed_for(&service, "program");
}

#[track_caller]
fn failed_for(service: &Service, reason: &str) {
    let failures = format!("imsimta_command_failures_total{{command=\"jobs\",reason=\"{reason}\"}}");
    let page = service.wait_for(&failures, |page| value_of(page, &failures) > Some(0.0));
    assert_eq!(value_of(&page, SUCCESS), Some(0.0));
    assert!(!page.contains("imsimta_channel_"), "{page}");
}

/// It runs while the program is told to end, and heeds no signal; neither does what it has started.
#[test]
fn what_runs_ends_with_the_program() {
    let install = installed(
        r#"trap '' TERM INT HUP; sh -c 'echo $$; while :; do read -r line; done' >"${0%/*}/other" &
echo $$ >"${0%/*}/leader"; while :; do read -r line; done"#,
    );
    let service = Service::start(with_commands(&install, &["JOBS"]));
    let pid = |name: &str| {
        let path = install.path("root/bin").join(name);
        wait_for(name, DEADLINE, || read_to_string(&path).ok().filter(|text| text.ends_with('\n')))
    };
    let pids = [pid("leader"), pid("other")];
    let (status, took) = service.stop();
    assert!(status.success() && took.as_secs() < 2, "{status}, {took:?}");
    for pid in pids {
        wait_for("its end", DEADLINE, || is_gone(pid.trim()).then_some(()));
    }
}

/// What has ended and waits for its parent is gone, too.
fn is_gone(pid: &str) -> bool {
    let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']))
}

/// The programs that were executed, with their words, as the system saw it.
fn executed(install: &Install, names: &[&str], awaited: &str) -> Vec<String> {
    let trace = install.path("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=execve,execveat", "-s", "1000", "-o"]).arg(&trace).arg(PROGRAM);
    install.arguments(&mut command);
    switch_on(&mut command, names);
    let service = Service::start(command);
    service.wait_for_sample(awaited, 1.0);
    service.page();
    // The tracer hands the signal on to nobody: the program is asked to end by its own number.
    end_traced(&service);
    let trace = read_to_string(&trace).expect("a trace");
    let is_call = |line: &&str| ["execve(", "execveat("].iter().any(|call| line.contains(call));
    let calls = trace.lines().filter(is_call);
    calls.map(words).collect()
}

fn end_traced(service: &Service) {
    let pid = service.id().to_string();
    let children = format!("/proc/{pid}/task/{pid}/children");
    let child = read_to_string(children).expect("the tracer's child");
    let child = child.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(child, rustix::process::Signal::TERM).expect("signalled");
    wait_for("the end of the tracer", DEADLINE, || is_gone(&pid).then_some(()));
}

/// Path and words of a call; the number of variables is not of interest.
fn words(call: &str) -> String {
    let call = call.split_once("execve(").map_or(call, |(_, call)| call);
    call.split_once("], ").map_or(call, |(words, _)| words).to_owned()
}

#[test]
fn nothing_else_is_ever_started() {
    if !available("strace") {
        return;
    }
    let install = installed(PRINTS);
    let program = install.path("root/bin/imsimta");
    let calls = executed(&install, &ALL, SUCCESS);
    let imsimta = |words: &str| format!("\"{path}\", [\"{path}\", {words}", path = program.display());
    let allowed = [
        imsimta("\"qm\", \"summarize\", \"-noheading\", \"-notrailing\""),
        imsimta("\"qm\", \"jobs\", \"-nohosts\", \"-nomessages\""),
        imsimta("\"qm\", \"counters\", \"show\""),
    ];
    assert!(calls[0].starts_with(&format!("\"{PROGRAM}\"")), "{calls:?}");
    for (at, call) in calls[1..].iter().enumerate() {
        assert_eq!(*call, allowed[at % 3], "{calls:?}");
    }
    assert!(calls.len() > 3, "{calls:?}");
}

#[test]
fn without_commands_nothing_is_started_at_all() {
    if !available("strace") {
        return;
    }
    let install = installed(PRINTS);
    // Every source has been read by then.
    let calls = executed(&install, &[], "imsimta_exporter_ready");
    assert_eq!(calls.len(), 1, "{calls:?}");
}

#[test]
fn what_is_off_is_not_there() {
    let install = installed(PRINTS);
    let service = Service::start(install.command());
    let page = service.wait_for_sample("imsimta_exporter_ready", 1.0);
    assert!(!page.contains("commands") && !page.contains("imsimta_channel_stopped"), "{page}");
    assert_eq!(service.get("/-/ready").1, "ready\n");
    assert!(!service.get("/").1.contains("<th scope=\"row\">commands</th>"));
}

fn check(install: &Install) -> (i32, String) {
    let mut command = install.check();
    switch_on(&mut command, &["JOBS"]);
    words_of(&mut command)
}

#[test]
fn check_says_whether_they_can_be_run() {
    let install = installed(PRINTS);
    let (_, said) = check(&install);
    let fine = "ok commands `imsimta qm jobs -nohosts -nomessages` can be run, and told of 1 channels, 1 rows not understood";
    assert!(said.contains(fine), "{said}");
    let program = install.path("root/bin/imsimta");
    set_permissions(&program, Permissions::from_mode(0o644)).expect("set");
    let (code, said) = check(&install);
    let denied = format!("{} may not be run by this user", Path::new("bin/imsimta").display());
    assert!(code == 1 && said.contains("PROBLEM commands") && said.contains(&denied), "{said}");
}
