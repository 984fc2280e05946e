//! What the page says about files: each with what to do.

use std::path::Path;

use super::{findings, healthy};
use crate::findings::situation::{CumulativeLog, FileSystem, Situation, Stale, WrongFiles};
use crate::findings::{Finding, Severity};

pub(super) fn wrong(path: &'static str, what: &'static str) -> WrongFiles {
    let example = Path::new("/opt/ms").join(path);
    WrongFiles { path, what, count: 1, example, user: "mailsrv".to_owned() }
}

pub(super) fn stale(what: &'static str, file: &str) -> Stale {
    Stale { what, file: file.to_owned(), ago: 7300.0, unified: file == "config.xml" }
}

/// What is said beside how mail goes, when that has happened to a healthy host.
fn said(happens: impl FnOnce(&mut Situation)) -> Vec<Finding> {
    let mut situation = healthy();
    happens(&mut situation);
    let mut found = findings(&situation);
    found.retain(|finding| finding.rule != "flow");
    found
}

/// It is one sentence of this severity, with evidence or none, and the next step has these words.
#[track_caller]
fn check(
    happens: impl FnOnce(&mut Situation),
    severity: Severity,
    what: &str,
    evidence: &str,
    next: &[&str],
) {
    let found = said(happens);
    let [finding] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((finding.severity, finding.what.as_str()), (severity, what));
    assert_eq!(finding.evidence, evidence);
    for words in next {
        assert!(finding.next.contains(words), "{words}: {}", finding.next);
    }
}

#[test]
fn full_file_systems_have_a_next_step() {
    check(
        |now| lies("queue", 1, 0.031, now),
        Severity::Warning,
        "The file system of the directory queue has only 3 % free.",
        "",
        &["no message can be queued", "imsimta qm summarize"],
    );
    check(
        |now| {
            // They were not looked at in the same moment.
            lies("log", 2, 0.0201, now);
            lies("mta_tmp", 2, 0.0199, now);
            lies("config", 2, 0.0501, now);
            let log = CumulativeLog { size: 3 << 30, growth: Some(1 << 28) };
            now.cumulative_logs.insert("mail.log".to_owned(), log);
        },
        Severity::Critical,
        "The file system of the directories log, mta_tmp, config has only 1 % free.",
        "mail.log has 3.0 GiB, 256.0 MiB more than a day ago.",
        &["imsimta purge", "mail.log may be moved away or deleted"],
    );
    check(
        |now| {
            _ = now
                .filesystems
                .insert("queue", FileSystem { device: 1, files_free: Some(0.041), ..FileSystem::default() });
        },
        Severity::Warning,
        "The file system of the directory queue has only 4 % of its inodes free.",
        "",
        &["df -i"],
    );
    // As full as each other, and two.
    let two = said(|now| {
        lies("tmp", 3, 0.01, now);
        lies("queue", 4, 0.01, now);
    });
    let what: Vec<&str> = two.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(
        what,
        ["queue", "tmp"].map(|name| format!("The file system of the directory {name} has only 1 % free."))
    );
}

/// A directory on a device of which so much is free.
fn lies(name: &'static str, device: u64, free: f64, now: &mut Situation) {
    let filesystem = FileSystem { device, free: Some(free), avail_bytes: 1 << 40, ..FileSystem::default() };
    now.filesystems.insert(name, filesystem);
}

#[test]
fn critical_files() {
    check(
        |now| now.wrong_files.push(wrong("tmp", "mode")),
        Severity::Warning,
        "/opt/ms/tmp has not the mode 1777: the Dispatcher will not start again.",
        "",
        &["chmod 1777 /opt/ms/tmp"],
    );
    check(
        |now| now.wrong_files.push(wrong("dispatcher_socket", "owner")),
        Severity::Warning,
        "The Dispatcher's socket /opt/ms/dispatcher_socket does not belong to mailsrv: it cannot use it.",
        "",
        &["Do not remove it", "ls -l"],
    );
    check(
        |now| {
            let queue = WrongFiles { count: 3, ..wrong("queue_files", "owner") };
            now.wrong_files.extend([queue, wrong("log", "owner")]);
        },
        Severity::Warning,
        "These do not belong to mailsrv, as whom the MTA runs: 3 queue files such as /opt/ms/queue_files, log directory \
         /opt/ms/log.",
        "",
        &["ls -l -p -R", "chown", "mta.user"],
    );
    check(
        |now| now.wrong_files.push(wrong("mta_tmp", "mode")),
        Severity::Warning,
        "The mode lets everybody write, or keeps the MTA out: directory of temporary files /opt/ms/mta_tmp.",
        "",
        &["drwxr-x---"],
    );
    check(
        |now| now.wrong_files.push(wrong("log_files", "group")),
        Severity::Note,
        "The group is none that the MTA's user is in: log /opt/ms/log_files.",
        "",
        &["while the owner is right"],
    );
}

#[test]
fn configuration_that_has_no_effect_yet() {
    check(
        |now| now.stale.push(stale("image", "imta.cnf")),
        Severity::Warning,
        "imta.cnf was changed 2 h ago, after the configuration was compiled: the change has no effect yet.",
        "",
        &["imsimta cnbuild", "imsimta restart dispatcher"],
    );
    check(
        |now| now.stale.push(stale("dispatcher", "dispatcher.cnf")),
        Severity::Warning,
        "dispatcher.cnf was changed 2 h ago, after the Dispatcher or one of its servers started: the change has no effect \
         yet.",
        "",
        &["imsimta restart dispatcher"],
    );
    check(
        |now| now.stale.push(stale("job_controller", "job_controller.cnf")),
        Severity::Warning,
        "job_controller.cnf was changed 2 h ago, after the Job Controller started: the change has no effect yet.",
        "",
        &["imsimta restart job_controller", "quiet time"],
    );
    // A restart alone would change nothing.
    check(
        |now| now.stale.extend([stale("image", "imta.cnf"), stale("dispatcher", "imta.cnf")]),
        Severity::Warning,
        "imta.cnf was changed 2 h ago, after the configuration was compiled: the change has no effect yet.",
        "",
        &["imsimta cnbuild"],
    );
    check(
        |now| now.stale.push(stale("dispatcher", "config.xml")),
        Severity::Note,
        "config.xml was changed 2 h ago, after the Dispatcher or one of its servers started: if that was about the MTA, it \
         has no effect yet.",
        "",
        &["imsimta restart dispatcher"],
    );
    let old = said(|now| now.stale.push(Stale { ago: 90_000.0, ..stale("dispatcher", "config.xml") }));
    assert_eq!(old, []);
}

#[test]
fn logs_that_nobody_renames() {
    let after = |hours: f64| {
        move |now: &mut Situation| {
            now.unrotated.extend(
                ["connection.log_current", "mail.log_current"].map(|log| (log.to_owned(), hours * 3600.0)),
            );
        }
    };
    check(
        after(30.0),
        Severity::Warning,
        "connection.log_current and mail.log_current have not been renamed for 30 h: the message return job did not run.",
        "It returns old mail, warns senders, and begins new logs each night.",
        &["schedule.task:return_job", "local.schedule.return_job"],
    );
    assert_eq!(said(after(25.0)), []);
}
