//! The logs of daemons: many that live at once, new ones, what is not theirs, a kill, and who sees what they say.

use std::fs::{create_dir, remove_file, rename, set_permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::failures::without_overriding;
use super::harness::{Install, Service, available, value_of};
use super::pages::{ask, get, token};

const SERVERS: usize = 20;
const SAVED: &str = "imsimta_exporter_state_last_save_timestamp_seconds";

const NO_SPACE: &str = "23:59:59.90: File create error: No space left on device\n";
/// Over midnight, broken at the margin, in a form with the thread.
const TOO_MANY_FILES: &str =
    "00.00.00.10 (  12): accept on port 25 failed: Too many op\n                    en files\n";
const FORK_FAILED: &str = "jbc_channels: chan_execute [1]: fork failed: Not enough space\n";
const STORE: &str = "[28/Nov/2026:23:59:58 +0000] mta1 ims_master[4711]: Store Critical: Unable to open mailbox user/u: Mailbox does not exist\n";

fn events(log: &str, class: &str) -> String {
    format!(r#"imsimta_daemon_log_events_total{{class="{class}",log="{log}"}}"#)
}

/// All events that were counted, by log and class.
fn counted(page: &str) -> Vec<(String, f64)> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("imsimta_daemon_log_events_total{class=\""));
    let event = |line: &str| {
        let (class, rest) = line.split_once("\",log=\"")?;
        let (log, value) = rest.split_once("\"} ")?;
        Some((format!("{log} {class}"), value.parse().ok()?))
    };
    lines.filter_map(event).filter(|(_, value)| *value > 0.0).collect()
}

/// Whether events of a log are shown.
fn shows(page: &str, log: &str) -> bool {
    page.contains(&events(log, "bind"))
}

fn expect(page: &str, expected: &[(&str, f64)]) {
    let mut wanted: Vec<_> = expected.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
    let mut found = counted(page);
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, wanted);
}

fn server(number: usize) -> String {
    format!("tcp_smtp_server.log-0KX{number:02}")
}

/// Waits until all that is on the page now has been saved.
fn wait_until_saved(service: &Service, install: &Install) {
    let before = value_of(&service.page(), SAVED);
    service.wait_for("a saved state", |page| {
        // A state is saved only when something has changed.
        install.append("mail.log_current", "something\n");
        value_of(page, SAVED) > before
    });
}

#[test]
fn every_error_counts_once_whoever_lives_and_dies() {
    let install = Install::new();
    install.append("mail.log_current", "");
    for number in 0..SERVERS {
        install.append(&server(number), NO_SPACE);
    }
    install.append("job_controller.log-0KX01", "");
    install.append("imta", STORE);
    let service = install.start();
    // What was there before the first start is nobody's.
    let page = service.wait_for_sample(&events("tcp_smtp_server", "no_space"), 0.0);
    assert_eq!(value_of(&page, r#"imsimta_daemon_log_files{log="tcp_smtp_server"}"#), Some(20.0));
    assert_eq!(value_of(&page, r#"imsimta_daemon_log_files{log="return"}"#), Some(0.0));
    expect(&page, &[]);
    assert!(!shows(&page, "channel"), "{page}");

    // Twenty live at once, and midnight passes.
    for number in 0..SERVERS {
        install.append(&server(number), NO_SPACE);
        install.append(&server(number), TOO_MANY_FILES);
    }
    install.append("job_controller.log-0KX01", FORK_FAILED);
    install.append("job_controller.log-0KX01", "00:00:01.00: jbc_net: what nobody has seen before\n");
    // One that starts now is read from its beginning, and one that was renamed goes on.
    install.append(
        "dispatcher.log-0KX02",
        "00.00.02.00 (   1): bind() failed: Address alrea\n                    dy in use\n",
    );
    rename(install.log("imta"), install.log("imta.1.1086340234")).expect("renamed");
    install.append("imta.1.1086340234", STORE);
    install.append("imta", STORE);
    for (log, class, count) in [
        ("tcp_smtp_server", "no_space", 20.0),
        ("tcp_smtp_server", "too_many_files", 20.0),
        ("job_controller", "fork_failed", 1.0),
        ("job_controller", "other", 1.0),
        ("dispatcher", "bind", 1.0),
        ("imta", "message_store", 2.0),
    ] {
        service.wait_for_sample(&events(log, class), count);
    }
    wait_until_saved(&service, &install);
    // A record that a kill falls into is counted once as well.
    install
        .append("dispatcher.log-0KX02", "00.00.03.00 (   1): PORT_ACCESS: connection from 192.0.2.9 den\n");
    service.kill();

    install.append("dispatcher.log-0KX02", "                    ied\n");
    for number in 0..3 {
        install.append(&server(number), NO_SPACE);
        remove_file(install.log(&server(SERVERS - 1 - number))).expect("removed");
    }
    install.append(&server(SERVERS), &NO_SPACE.repeat(2));
    install.append("imta", STORE);
    let service = install.start();
    let expected = [
        ("tcp_smtp_server no_space", 25.0),
        ("tcp_smtp_server too_many_files", 20.0),
        ("job_controller fork_failed", 1.0),
        ("job_controller other", 1.0),
        ("dispatcher bind", 1.0),
        ("dispatcher port_access", 1.0),
        ("imta message_store", 3.0),
    ];
    service.wait_for_sample(&events("dispatcher", "port_access"), 1.0);
    let page = service.wait_for_sample(&events("tcp_smtp_server", "no_space"), 25.0);
    expect(&page, &expected);
    // And nothing of it again.
    install.append("return.log-0KX05", "cannot open /msg/config/return_header.txt\n");
    let page = service.wait_for_sample(&events("return", "file"), 1.0);
    expect(&page, &[&expected[..], &[("return file", 1.0)]].concat());
    service.stop();
}

#[test]
fn logs_of_channels_are_read_where_they_are_configured() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__DAEMON_LOGS__CHANNELS", "tcp_local");
    command.env("IMSIMTA_EXPORTER__DAEMON_LOGS__LOGS", "dispatcher");
    let service = Service::start(command);
    service.wait_for_sample(&events("channel", "network"), 0.0);
    install.append("tcp_local_slave.log-1", "00:00:01.00: os_smtp_read error: connection reset\n");
    install.append("tcp_local_master.log-2", "00:00:01.00: received \"452 4.3.1 No space left on device\"\n");
    install.append("tcp_intranet_slave.log-3", "00:00:01.00: os_smtp_read error: connection reset\n");
    install.append("imta", STORE);
    let page = service.wait_for_sample(&events("channel", "network"), 1.0);
    expect(&page, &[("channel network", 1.0)]);
    assert!(!shows(&page, "imta"), "{page}");
    service.stop();
}

#[test]
fn what_is_no_regular_file_is_not_read_and_names_harm_nobody() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut service = install.start();
    service.wait_for_sample(&events("dispatcher", "bind"), 0.0);
    let bind = "bind() failed: Address already in use\n";
    super::harness::append(&install.path("elsewhere"), bind);
    symlink(install.path("elsewhere"), install.log("dispatcher.log-link")).expect("linked");
    create_dir(install.log("dispatcher.log-directory")).expect("made");
    rustix::fs::mkfifoat(rustix::fs::CWD, install.log("dispatcher.log-fifo"), rustix::fs::Mode::RUSR)
        .expect("made");
    install.append("dispatcher.log-\u{1b}[31m<script>\n", bind);
    let page = service.wait_for_sample(&events("dispatcher", "bind"), 1.0);
    assert_eq!(value_of(&page, r#"imsimta_daemon_log_files_followed{log="dispatcher"}"#), Some(1.0));
    assert_eq!(value_of(&page, r#"imsimta_collector_success{collector="daemon_logs"}"#), Some(1.0));

    // What it says is shown to who has the token, as text, and is not in our own log.
    let hostile = "23.59.59.90 (   1): cannot open <script>alert(1)</script> \u{1b}[2J\u{202e}\n";
    for _ in 0..60 {
        install.append("dispatcher.log-\u{1b}[31m<script>\n", hostile);
    }
    service.wait_for_sample(&events("dispatcher", "file"), 60.0);
    let headers = "Host: 127.0.0.1\r\n";
    let (_, refused) = ask(&service, &get("/debug/daemons", headers));
    assert!(!refused.contains("alert(1)"), "{refused}");
    let headers = format!("{headers}Authorization: Bearer {}\r\n", token(&install));
    let (status, page) = ask(&service, &get("/debug/daemons", &headers));
    assert_eq!((status, page.matches("&lt;script&gt;alert(1)").count()), (200, 50), "{page}");
    assert!(!page.contains("<script>") && page.contains("\\x1b[2J\\xe2\\x80\\xae"), "{page}");
    let (status, text) = ask(&service, &get("/debug/daemons.txt", &headers));
    assert_eq!(
        (status, text.matches("  23.59.59.90 (   1): cannot open <script>").count()),
        (200, 50),
        "{text}"
    );
    assert!(text.contains("\n\ndispatcher, ") && text.is_ascii() && text.contains("\\x1b[2J"), "{text}");
    service.signal(rustix::process::Signal::TERM);
    service.wait();
    assert!(!service.heard().contains("alert(1)"), "{}", service.heard());
}

#[test]
fn what_cannot_be_listed_is_a_failure_and_not_a_zero() {
    let install = Install::new();
    install.append("mail.log_current", "");
    install.append("dispatcher.log-1", "");
    let service = install.start();
    service.wait_for_sample(&events("dispatcher", "bind"), 0.0);
    rename(install.path("root/data/log"), install.path("elsewhere")).expect("moved");
    let page = service.wait_for_sample(r#"imsimta_collector_success{collector="daemon_logs"}"#, 0.0);
    assert!(!page.contains("imsimta_daemon_log_files{"), "{page}");
    service.wait_for("no events", |page| !page.contains("imsimta_daemon_log_events_total"));
    rename(install.path("elsewhere"), install.path("root/data/log")).expect("moved");
    service.wait_for_sample(&events("dispatcher", "bind"), 0.0);
    install.append("dispatcher.log-1", "bind() failed: Address already in use\n");
    service.wait_for_sample(&events("dispatcher", "bind"), 1.0);
    service.stop();
}

#[test]
fn a_file_that_may_not_be_read_is_a_failure_of_its_kind_alone() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    install.append("imta", "");
    install.append("dispatcher.log-1", "");
    let mode = |mode: u32| {
        set_permissions(install.log("dispatcher.log-1"), std::fs::Permissions::from_mode(mode)).expect("set");
    };
    mode(0o000);
    let service = Service::start(without_overriding(&install));
    let page = service.wait_for_sample(&events("imta", "message_store"), 0.0);
    assert!(!shows(&page, "dispatcher"), "{page}");
    assert_eq!(value_of(&page, r#"imsimta_daemon_log_files_unreadable{log="dispatcher"}"#), Some(1.0));
    assert_eq!(value_of(&page, r#"imsimta_collector_success{collector="daemon_logs"}"#), Some(0.0));
    mode(0o644);
    service.wait_for_sample(&events("dispatcher", "bind"), 0.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="daemon_logs"}"#, 1.0);
    service.stop();
}

#[test]
fn what_is_written_while_a_file_may_not_be_read_counts_when_it_may() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let mode = |mode: u32| {
        set_permissions(install.log("dispatcher.log-1"), std::fs::Permissions::from_mode(mode)).expect("set");
    };
    let denied = r#"imsimta_daemon_log_files_unreadable{log="dispatcher"}"#;
    let bind = "bind() failed: Address already in use\n";
    let service = Service::start(without_overriding(&install));
    service.wait_for_sample(&events("dispatcher", "bind"), 0.0);
    // A new one that its daemon opens for others later.
    let other = install.log("made");
    super::harness::append(&other, bind);
    set_permissions(&other, std::fs::Permissions::from_mode(0o000)).expect("set");
    rename(&other, install.log("dispatcher.log-1")).expect("renamed");
    service.wait_for_sample(denied, 1.0);
    mode(0o644);
    service.wait_for_sample(&events("dispatcher", "bind"), 1.0);
    // One that is followed.
    mode(0o000);
    service.wait_for_sample(denied, 1.0);
    install.append("dispatcher.log-1", bind);
    mode(0o644);
    service.wait_for_sample(&events("dispatcher", "bind"), 2.0);
    // One that cannot be read after a start.
    mode(0o000);
    service.wait_for_sample(denied, 1.0);
    wait_until_saved(&service, &install);
    service.stop();
    install.append("dispatcher.log-1", bind);
    let service = Service::start(without_overriding(&install));
    service.wait_for_sample(denied, 1.0);
    mode(0o644);
    service.wait_for_sample(&events("dispatcher", "bind"), 3.0);
    service.stop();
}

#[test]
fn what_a_copy_says_does_not_count_again() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut service = install.start();
    let class = events("dispatcher", "bind");
    service.wait_for_sample(&class, 0.0);
    let said = |second: u32| format!("23.59.{second}.90 (   1): bind() failed: Address already in use\n");
    install.append("dispatcher.log-1", &(said(10) + &said(11)));
    service.wait_for_sample(&class, 2.0);
    std::fs::copy(install.log("dispatcher.log-1"), install.log("dispatcher.log-1.old")).expect("copied");
    service.wait_for_sample(r#"imsimta_daemon_log_files_followed{log="dispatcher"}"#, 2.0);
    // Who does write into it later is heard.
    install.append("dispatcher.log-1.old", &said(12));
    service.wait_for_sample(&class, 3.0);
    // One that comes while nobody runs.
    wait_until_saved(&service, &install);
    service.stop();
    std::fs::copy(install.log("dispatcher.log-1"), install.log("dispatcher.log-1.older")).expect("copied");
    service = install.start();
    service.wait_for_sample(r#"imsimta_daemon_log_files_followed{log="dispatcher"}"#, 3.0);
    install.append("dispatcher.log-1", &said(13));
    service.wait_for_sample(&class, 4.0);
    service.stop();
}
