//! Bad input and bad places: a clear message at the start, a metric and a retry at run time.

use std::process::Command;

use super::harness::{Install, PROGRAM, Service, available, run, value_of};

#[track_caller]
fn refused(arguments: &[&str], status: i32, words: &[&str]) {
    let (code, out, said) = run(Command::new(PROGRAM).args(arguments));
    assert_eq!(code, status, "{arguments:?}: {said}");
    assert!(out.is_empty(), "{out}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: {word:?} is not in:\n{said}");
    }
}

#[test]
fn wrong_command_lines() {
    refused(&["--bogus"], 64, &["--bogus"]);
    refused(&["--listen", "nonsense"], 64, &["--listen", "nonsense", "127.0.0.1:9797"]);
    refused(&["--root", "/nonexistent"], 64, &["/nonexistent", "--root"]);
    refused(&["--config", "/nonexistent.toml"], 64, &["/nonexistent.toml"]);
    refused(&["report", "--format", "prometheus"], 64, &["FILE"]);
    let (code, out, _) = run(Command::new(PROGRAM).arg("--help"));
    assert!(code == 0 && out.contains("--state-dir"), "{out}");
}

#[test]
fn without_an_installation_it_says_where_it_looked() {
    refused(
        &["run", "--listen", "127.0.0.1:0"],
        64,
        &["/opt/sun/comms/messaging64", "/opt/SUNWmsgsr", "--root"],
    );
}

#[test]
fn all_mistakes_of_a_configuration_at_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("exporter.toml");
    std::fs::write(
        &file,
        "[queue]\nintervall = \"15s\"\n[logs]\nfiles = [\"mail.log\"]\n[http]\nlisten = 7\n",
    )
    .expect("written");
    let path = file.to_str().expect("text");
    refused(
        &["--config", path],
        64,
        &["exporter.toml", "queue.intervall", "queue.interval", "mail.log", "twice", "http.listen"],
    );
}

#[test]
fn a_user_that_the_host_does_not_have() {
    let install = Install::new();
    let mut command = install.command();
    let (code, _, said) = run(command.env("IMSIMTA_EXPORTER__MTA__USER", "nosuchuser"));
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("mta.user") && said.contains("nosuchuser") && !said.contains("serving"), "{said}");
}

#[test]
fn misspelt_variables() {
    for name in
        ["IMSIMTA_EXPORTER_HTTP_LISTEN", "IMSIMTA_EXPORTER__HTPP__LISTEN", "IMSIMTA_EXPORTER_QUEUE__INTERVAL"]
    {
        let install = Install::new();
        let (code, _, said) = run(install.command().env(name, "127.0.0.1:1"));
        assert_eq!(code, 64, "{said}");
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn a_log_that_vanishes_is_a_failure() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 1.0);
    std::fs::remove_file(install.log("mail.log_current")).expect("removed");
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 0.0);
    install.append(
        "mail.log_current",
        "19-Feb-2026 17:02:26.65 l                          D 1 a@b rfc822;c@d c\n",
    );
    service.wait_for_sample(r#"imsimta_log_entries_total{code="D"}"#, 1.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 1.0);
}

#[test]
fn the_port_of_another_instance() {
    let install = Install::new();
    let service = install.start();
    let address = service.address.to_string();
    let other = Install::new();
    let (code, _, said) = run(Command::new(PROGRAM)
        .args(["--as-root", "--listen", &address, "--root"])
        .arg(other.path("root"))
        .arg("--state-dir")
        .arg(other.path("state")));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&address) && said.contains("another") && said.contains("--listen"), "{said}");
}

#[test]
fn the_state_directory_of_another_instance() {
    let install = Install::new();
    let _service = install.start();
    let (code, _, said) = run(&mut install.command());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("state") && said.contains("--state-dir"), "{said}");
}

#[test]
fn a_missing_log_is_a_failure_and_not_a_zero() {
    let install = Install::new();
    let mut service = install.start();
    let page = service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 0.0);
    assert!(!page.contains("imsimta_log_entries_total") && !page.contains("imsimta_log_lag_bytes"), "{page}");
    assert!(service.wait_for_log("problem").contains("mail.log_current"));
    install.append(
        "mail.log_current",
        "19-Feb-2026 17:02:26.65 l                          D 1 a@b rfc822;c@d c\n",
    );
    let page = service.wait_for_sample(r#"imsimta_log_entries_total{code="D"}"#, 1.0);
    assert_eq!(value_of(&page, r#"imsimta_collector_success{collector="log"}"#), Some(1.0));
}

#[test]
fn a_connection_log_alone_shows_no_zeros_of_mail() {
    let install = Install::new();
    install.append("connection.log_current", "");
    let service = install.start();
    let lag = r#"imsimta_log_lag_bytes{log="connection.log_current"}"#;
    service.wait_for_sample(lag, 0.0);
    let page = service.wait_for_sample(r#"imsimta_collector_success{collector="queue"}"#, 1.0);
    assert!(!page.contains("imsimta_delivery_attempts_total"), "{page}");
    install.append("mail.log_current", "");
    service.wait_for_sample(r#"imsimta_delivery_attempts_total{channel="ims-ms"}"#, 0.0);
}

#[test]
fn a_binary_file_given_as_a_log_is_counted_line_by_line() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    let binary = std::fs::read("/proc/self/exe").expect("this test");
    let binary = &binary[..binary.len().min(300_000)];
    let lines = binary.split(|&byte| byte == b'\n').count() - 1;
    let mut log =
        std::fs::OpenOptions::new().append(true).open(install.log("mail.log_current")).expect("a log");
    std::io::Write::write_all(&mut log, binary).expect("written");
    std::io::Write::write_all(
        &mut log,
        b"\n19-Feb-2026 17:02:26.65 l                          D 1 a@b rfc822;c@d c\n",
    )
    .expect("written");
    let page = service.wait_for_sample(r#"imsimta_log_entries_total{code="D"}"#, 1.0);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let all = lines as f64 + 2.0;
    // What stands between blocks of NUL bytes counts as a line of its own.
    let counted = value_of(&page, r#"imsimta_log_lines_total{log="mail.log_current"}"#).expect("lines");
    let left_out: f64 = ["imsimta_log_unparsed_lines_total", "imsimta_log_skipped_lines_total"]
        .into_iter()
        .filter_map(|name| crate::exposition::sum_of(&page, name, &[]))
        .sum();
    assert!(counted >= all, "{counted} of {all}");
    assert!((counted - left_out - 1.0).abs() < 0.5, "every one is accounted for: {counted}, {left_out}");
    let sample = r#"imsimta_log_unparsed_lines_total{log="mail.log_current",reason="binary"}"#;
    assert!(value_of(&page, sample).is_some_and(|count| count > 0.0), "{page}");
}

#[test]
fn a_fifo_where_a_log_or_a_message_should_be_does_not_hang_it() {
    let install = Install::new();
    let fifo = |path| {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    };
    fifo(install.log("mail.log_current"));
    fifo(install.queue("ims-ms/ZZ0HXZ00G0EBRBCP.00"));
    std::fs::write(install.queue("ims-ms/ZZ0HXZ00G0EBRBCQ.00"), "x").expect("written");
    let mut service = install.start();
    assert!(service.wait_for_log("problem").contains("FIFO"));
    service.wait_for_sample(r#"imsimta_queue_messages{channel="ims-ms"}"#, 1.0);
    service.wait_for_sample(r#"imsimta_queue_other_files{channel="ims-ms"}"#, 1.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 0.0);
    let (status, _) = service.stop();
    assert!(status.success());
}

/// Root reads mode 000, so the program runs without the two capabilities that override it.
pub fn without_overriding(install: &Install) -> Command {
    let mut command = Command::new("setpriv");
    let dropped = "-dac_override,-dac_read_search";
    command.args(["--bounding-set", dropped, "--inh-caps", dropped, "--"]).arg(PROGRAM);
    install.arguments(&mut command);
    command
}

#[test]
fn an_unreadable_queue_is_a_failure_and_its_series_are_absent() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    std::fs::write(install.queue("ims-ms/ZZ0HXZ00G0EBRBCQ.00"), "x").expect("written");
    std::fs::write(install.queue("tcp_local/000/ZZ0HXZ00G0EBRBCR.00"), "x").expect("written");
    let mode = |path: &str, mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(install.queue(path), permissions).expect("set");
    };
    mode("", 0o000);
    let mut service = Service::start(without_overriding(&install));
    let page = service.wait_for_sample(r#"imsimta_collector_success{collector="queue"}"#, 0.0);
    assert!(!page.contains("imsimta_queue_messages"), "{page}");
    // The others go on.
    service.wait_for_sample(r#"imsimta_collector_success{collector="sockets"}"#, 1.0);
    let said = service.wait_for_log("problem");
    assert!(said.contains("data/queue") && said.contains("ermission denied"), "{said}");

    // One channel that may not be read leaves the others alone.
    mode("", 0o755);
    mode("ims-ms", 0o000);
    let page = service.wait_for_sample(r#"imsimta_queue_messages{channel="tcp_local"}"#, 1.0);
    assert!(!page.contains(r#"imsimta_queue_messages{channel="ims-ms"}"#), "{page}");
    assert_eq!(value_of(&page, r#"imsimta_collector_success{collector="queue"}"#), Some(0.0));
    mode("ims-ms", 0o755);
    service.wait_for_sample(r#"imsimta_queue_messages{channel="ims-ms"}"#, 1.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="queue"}"#, 1.0);
}

#[test]
fn a_log_that_may_not_be_read_is_tried_again() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let mode = |mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(install.log("mail.log_current"), permissions).expect("set");
    };
    mode(0o000);
    let mut service = Service::start(without_overriding(&install));
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 0.0);
    assert!(service.wait_for_log("problem").contains("mail.log_current"));
    mode(0o644);
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 1.0);
    // The next file may not be read when it comes: it is read whole as soon as it may.
    std::fs::rename(install.log("mail.log_current"), install.log("mail.log_yesterday")).expect("renamed");
    let next = install.log("next");
    std::fs::write(&next, "one\ntwo\n").expect("written");
    let hidden = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(&next, hidden).expect("set");
    std::fs::rename(next, install.log("mail.log_current")).expect("renamed");
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 0.0);
    mode(0o644);
    service.wait_for_sample(r#"imsimta_log_lines_total{log="mail.log_current"}"#, 2.0);
}

#[test]
fn a_syslog_that_may_not_be_read_is_a_failure_and_its_count_is_absent() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let syslog = install.path("syslog");
    std::fs::write(&syslog, "").expect("written");
    let mode = |mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&syslog, permissions).expect("set");
    };
    mode(0o000);
    let mut command = without_overriding(&install);
    command.env("IMSIMTA_EXPORTER__HELD__SYSLOG", &syslog);
    let mut service = Service::start(command);
    // The mail log goes on.
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    install.append("mail.log_current", "something\n");
    let page = service.wait_for_sample(r#"imsimta_log_lines_total{log="mail.log_current"}"#, 1.0);
    assert_eq!(value_of(&page, r#"imsimta_collector_success{collector="log"}"#), Some(0.0));
    assert!(!page.contains("imsimta_held_notices_total"), "{page}");
    let said = service.wait_for_log("problem");
    assert!(said.contains(&format!("held.syslog: {}: Permission denied", syslog.display())), "{said}");
    mode(0o644);
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 1.0);
    service.wait_for_sample("imsimta_held_notices_total", 0.0);
}

#[test]
fn a_passive_node_has_no_data() {
    let install = Install::new();
    std::fs::remove_dir_all(install.path("root/data")).expect("removed");
    let service = install.start();
    service.wait_for_sample("imsimta_mta_active", 0.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="queue"}"#, 0.0);
}

#[test]
fn reports_of_files_and_of_standard_input() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = directory.path().join("mail.log");
    std::fs::write(&log, "19-Feb-2026 17:02:26.65 l                          D 1 a@b rfc822;c@d c\n")
        .expect("written");
    let (code, page, _) = run(Command::new(PROGRAM).args(["report", "--format", "prometheus"]).arg(&log));
    assert_eq!(code, 0);
    assert_eq!(value_of(&page, r#"imsimta_log_entries_total{code="D"}"#), Some(1.0));

    let mut command = Command::new(PROGRAM);
    command.args(["report", "--format", "prometheus", "-"]).stdin(std::fs::File::open(&log).expect("a log"));
    let output = command.output().expect("started");
    let page = String::from_utf8(output.stdout).expect("text");
    assert_eq!(value_of(&page, r#"imsimta_log_lines_total{log="stdin"}"#), Some(1.0));

    let (code, page, said) =
        run(Command::new(PROGRAM).args(["report", "--format", "prometheus", "/nonexistent.log"]).arg(&log));
    assert_eq!(code, 1);
    assert!(said.contains("/nonexistent.log"), "{said}");
    assert_eq!(value_of(&page, r#"imsimta_log_entries_total{code="D"}"#), Some(1.0), "the other file counts");
}
