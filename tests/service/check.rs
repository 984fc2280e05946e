//! `check` on trees like a real install: what it finds, as whom, and its exit status.

use std::path::Path;
use std::process::Command;

use super::harness::{Install, PROGRAM, available, run};

const ENTRIES: &str = "\
19-Jan-2024 19:16:57.64 1a.2.3 tcp_local                 D 1 a@b rfc822;c@d c@d\n\
19-Jan-2024 19:16:58.64 1a.2.4 tcp_local                 D 1 a@b rfc822;c@d c@d\n";

/// Exit status and output.
#[track_caller]
fn check(install: &Install) -> (i32, String) {
    checked(&mut install.check())
}

#[track_caller]
fn checked(command: &mut Command) -> (i32, String) {
    let (status, text, said) = run(command);
    assert!(said.is_empty(), "{said}");
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    (status, text)
}

/// The text without line breaks, since paths of temporary directories move them.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(flowing(text).contains(wanted), "{wanted:?} is not in:\n{text}");
    }
}

fn mode(path: &Path, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("set");
}

#[test]
fn a_host_where_all_is_well() {
    let install = Install::new();
    install.append("mail.log_current", ENTRIES);
    std::fs::write(install.queue("tcp_local/000/ZZ0HXZ00G0EBRBCR.00"), "x").expect("written");
    let (status, text) = check(&install);
    assert_eq!(status, 0, "{text}");
    says(
        &text,
        &[
            "in the last lines, 2 entries",
            "2 channels, 1 messages",
            "separate_connection_log",
            "none of the MTA's programs runs",
            "shown: log_process",
            "LOG_FILENAME=1",
            "msconfig set log_connection 135",
            "imsimta_delivery_tries_total",
            "No problem found.",
        ],
    );
    assert!(!install.path("state").exists(), "it writes nothing");
}

#[test]
fn what_this_user_may_not_read_or_write() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", ENTRIES);
    std::fs::create_dir(install.path("state")).expect("made");
    let places = [install.log("mail.log_current"), install.queue("ims-ms"), install.path("state")];
    let without_overriding = || {
        let mut command = Command::new("setpriv");
        let dropped = "-dac_override,-dac_read_search";
        command.args(["--bounding-set", dropped, "--inh-caps", dropped, "--"]).arg(PROGRAM);
        install.check_arguments(&mut command);
        checked(&mut command)
    };
    let (status, text) = without_overriding();
    assert_eq!(status, 0, "{text}");
    for (place, denied) in places.iter().zip([0o000, 0o000, 0o500]) {
        mode(place, denied);
    }
    let (status, text) = without_overriding();
    assert_eq!(status, 1, "{text}");
    let problems: Vec<&str> = text.lines().filter(|line| line.starts_with("  PROBLEM")).collect();
    assert_eq!(problems.len(), places.len(), "{text}");
    // Paths may be broken over lines.
    let solid = text.replace([' ', '\n'], "");
    for word in ["mail.log_current:", "ims-ms:", "cannotbewritten:", "asthe MTA'suser", "3problemsfound."] {
        assert!(solid.contains(&word.replace(' ', "")), "{word}: {text}");
    }
    assert_eq!(solid.matches("Permissiondenied").count(), 3, "{text}");

    // The queue as a whole, and a state directory that cannot be made.
    mode(&install.queue("ims-ms"), 0o755);
    mode(&install.queue(""), 0o000);
    std::fs::remove_dir(install.path("state")).expect("removed");
    mode(&install.path(""), 0o555);
    let (status, text) = without_overriding();
    mode(&install.path(""), 0o755);
    mode(&install.queue(""), 0o755);
    assert_eq!(status, 1, "{text}");
    says(&text, &["cannot open the queue directory", "is not there and cannot be made"]);
}

#[test]
fn a_syslog_that_is_there_and_one_that_is_not() {
    let install = Install::new();
    install.append("mail.log_current", ENTRIES);
    let syslog = install.path("syslog");
    for (contents, expected, wanted) in
        [(None, 1, "syslog: No such file"), (Some("notices\n"), 0, "syslog: 8 bytes")]
    {
        contents.inspect(|contents| std::fs::write(&syslog, contents).expect("written"));
        let (status, text) = checked(install.check().env("IMSIMTA_EXPORTER__HELD__SYSLOG", &syslog));
        assert_eq!(status, expected, "{text}");
        says(&text, &[wanted]);
    }
}

#[test]
fn all_mistakes_of_a_configuration_at_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("exporter.toml");
    std::fs::write(&file, "[queue]\nintervall = \"15s\"\n[http]\nlisten = 7\n").expect("written");
    let (status, text, said) = run(Command::new(PROGRAM).arg("check").arg("--config").arg(&file));
    assert_eq!((status, text.as_str()), (64, ""), "{said}");
    assert!(said.contains("queue.intervall") && said.contains("http.listen"), "{said}");
}

#[test]
fn no_installation_is_a_problem_and_the_rest_is_looked_at() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(PROGRAM);
    command.args(["check", "--listen", "127.0.0.1:0", "--root", "/nonexistent", "--state-dir"]);
    let (status, text) = checked(command.arg(directory.path()));
    assert_eq!(status, 1, "{text}");
    says(&text, &["PROBLEM installation", "/nonexistent", "can be written", "1 problem found."]);
}

#[test]
fn other_files_in_place_of_a_log() {
    let install = Install::new();
    let nslog = "[12/Jun/2019:05:16:02 +0200] host ims_master[11468]: General Notice: starting up\n";
    install.append("mail.log_current", nslog);
    let (status, text) = check(&install);
    assert_eq!(status, 1, "{text}");
    says(&text, &["1 lines that are none"]);

    std::fs::remove_file(install.log("mail.log_current")).expect("removed");
    let permissions = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let path = install.log("mail.log_current");
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, permissions, 0).expect("made");
    let (status, text) = check(&install);
    assert_eq!(status, 1, "{text}");
    says(&text, &["not a regular file"]);
}

#[test]
fn a_log_that_began_lately_and_the_one_before_it() {
    let install = Install::new();
    let entry = ENTRIES.lines().next().expect("a line");
    install.append("mail.log_current", &format!("{entry}\n{entry} and no end"));
    install.append("mail.log_yesterday", &format!("{entry}\n").repeat(100_000));
    let (status, text) = check(&install);
    assert_eq!(status, 0, "{text}");
    // Only the end of a long log is read, from its first whole line on, and no line without an end.
    let lines = (4 << 20) / (entry.len() + 1) + 1;
    says(&text, &[&format!("in the last lines, {lines} entries")]);
}

#[test]
fn an_exporter_that_runs_already() {
    let install = Install::new();
    install.append("mail.log_current", ENTRIES);
    let service = install.start();
    let mut command = Command::new(PROGRAM);
    command.env("IMSIMTA_EXPORTER__MTA__AS_ROOT", "true");
    command.arg("check").arg("--listen").arg(service.address.to_string()).arg("--root");
    command.arg(install.path("root")).arg("--state-dir").arg(install.path("state"));
    let (status, text) = checked(&mut command);
    assert_eq!(status, 0, "{text}");
    says(&text, &["an exporter answers on"]);
}

/// What is wrong with a state directory stops a start, and `check` says it before in the same words.
#[test]
fn a_state_directory_that_a_start_would_refuse() {
    let install = Install::new();
    install.append("mail.log_current", ENTRIES);
    let state = install.path("state");
    let fifo = |path: &Path| {
        let permissions = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, permissions, 0).expect("made");
    };
    let rows: [(&str, &dyn Fn()); 3] = [
        ("others may write there", &|| mode(&state, 0o777)),
        ("is no regular file", &|| fifo(&state.join("state"))),
        ("others may write it", &|| {
            std::fs::write(state.join("state"), "x").expect("written");
            mode(&state.join("state"), 0o666);
        }),
    ];
    for (why, spoil) in rows {
        drop(std::fs::remove_dir_all(&state));
        install.make_state_directory();
        spoil();
        let (status, _, refused) = run(&mut install.command());
        assert!(status == 1 && refused.contains(why), "{why}: {refused}");
        let words = refused.split_once("cannot use the state directory: ").expect("the refusal").1;
        let (status, text) = check(&install);
        assert_eq!(status, 1, "{text}");
        says(&text, &["PROBLEM state", words.trim_end(), "1 problem found."]);
    }
}
