//! What is missing is said: a queue without channels, a node of which half is there, a source that was never read.

use std::path::Path;
use std::process::{Child, Command};

use super::failures::without_overriding;
use super::harness::{DEADLINE, Install, Service, available, value_of, wait_for};

const QUEUE: &str = r#"imsimta_collector_success{collector="queue"}"#;
const ENTRY: &str = "19-Feb-2026 17:02:26.65 l                          D 1 a@b rfc822;c@d c\n";

/// A process that looks like the MTA's, for as long as this lives.
struct Daemon(Child);

impl Daemon {
    fn start(install: &Install) -> Self {
        let program = install.path("root/lib/dispatcher");
        std::fs::copy("/bin/sleep", &program).expect("copied");
        Self(Command::new(program).arg("1000").spawn().expect("started"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn empty(directory: &Path) {
    std::fs::remove_dir_all(directory).expect("removed");
    std::fs::create_dir(directory).expect("made");
}

/// What a mount that failed at boot leaves, and what an MTA never does.
#[test]
fn a_queue_without_channels_is_a_failure() {
    let install = Install::new();
    install.append("mail.log_current", "");
    empty(&install.queue(""));
    std::fs::create_dir(install.queue("lost+found")).expect("made");
    let mut service = install.start();
    let said = service.wait_for_log("problem");
    assert!(said.contains("data/queue holds no channel: is it mounted"), "{said}");
    for _ in 0..2 {
        service.wait_for_sample(QUEUE, 0.0);
        service.wait_for_sample("imsimta_queue_channels", 0.0);
        let page = service.wait_for_sample("imsimta_mta_active", 1.0);
        assert!(!page.contains("imsimta_queue_messages"), "{page}");
        std::fs::create_dir(install.queue("tcp_local")).expect("made");
        service.wait_for_sample(QUEUE, 1.0);
        service.wait_for_sample("imsimta_queue_channels", 1.0);
        // One that had channels has none any more.
        std::fs::remove_dir(install.queue("tcp_local")).expect("removed");
    }
    service.wait_for_sample(QUEUE, 0.0);
}

/// Only where logs, queue and daemons are all absent is a node passive.
#[test]
fn half_a_node_is_active() {
    for (logs, queue, daemon, expected) in [
        (false, false, false, 0.0),
        (true, false, false, 1.0),
        (false, true, false, 1.0),
        (false, false, true, 1.0),
        (true, true, false, 1.0),
    ] {
        let install = Install::new();
        if logs {
            install.append("mail.log_current", "");
        }
        if !queue {
            // What a file system is to be mounted on.
            empty(&install.queue(""));
        }
        let _daemon = daemon.then(|| Daemon::start(&install));
        let service = install.start();
        service.wait_for_sample("imsimta_mta_active", expected);
        let page = service.wait_for(QUEUE, |page| value_of(page, QUEUE).is_some());
        assert_eq!(value_of(&page, QUEUE), Some(f64::from(u8::from(queue))));
    }
}

#[test]
fn what_was_never_read_is_waited_for_and_named() {
    let install = Install::new();
    empty(&install.queue("ims-ms"));
    std::fs::create_dir(install.queue("broken")).expect("made");
    for number in 0..10_001 {
        std::fs::create_dir(install.queue(&format!("broken/{number}"))).expect("made");
    }
    let service = install.start();
    service.wait_for_sample(r#"imsimta_queue_channel_success{channel="broken"}"#, 0.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 0.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="filesystems"}"#, 1.0);
    let page = service.wait_for_sample(r#"imsimta_collector_success{collector="processes"}"#, 1.0);
    assert_eq!(value_of(&page, "imsimta_exporter_ready"), Some(0.0));
    let (head, text) = service.get("/-/ready");
    assert!(head.contains(" 503 "), "{head}");
    let names =
        ["not ready: waits for log (", "mail.log_current: no such file yet)", "without: queue (", "broken"];
    assert!(names.iter().all(|name| text.contains(name)), "{text}");

    // One channel that cannot be read for ever is named, and keeps nobody waiting.
    install.append("mail.log_current", ENTRY);
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    // Pages are kept for a moment.
    let ready = || Some(service.get("/-/ready")).filter(|(head, _)| head.contains(" 200 "));
    let (_, text) = wait_for("ready", DEADLINE, ready);
    assert!(text.starts_with("ready, but without: queue ("), "{text}");
    let (_, status) = service.get("/");
    assert!(!status.contains("Ready.") && status.contains("Ready, but without: queue ("), "{status}");
}

#[test]
fn a_passive_node_waits_for_nothing() {
    let install = Install::new();
    std::fs::remove_dir_all(install.path("root/data")).expect("removed");
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    let (head, text) = service.get("/-/ready");
    assert!(head.contains(" 200 ") && text.contains("log (") && text.contains("queue ("), "{head}{text}");
}

/// As `mta.user` is documented.
#[test]
fn without_a_configured_user_the_owner_of_the_queue_decides() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for_sample(r#"imsimta_directory_ownership_ok{path="log"}"#, 1.0);
    service.wait_for_sample(r#"imsimta_directory_ownership_ok{path="queue"}"#, 1.0);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(install.log("."), Some(12_345), None).expect("permitted");
        service.wait_for_sample(r#"imsimta_directory_ownership_ok{path="log"}"#, 0.0);
    }
}

const LOG: &str = r#"imsimta_collector_success{collector="log"}"#;
const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;
const LAG: &str = r#"imsimta_log_lag_bytes{log="mail.log_current"}"#;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("set");
}

/// Yesterday's log belongs to somebody else from the moment of its renaming on.
#[test]
fn a_rotated_log_that_may_not_be_read_holds_up_no_other() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = Service::start(without_overriding(&install));
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    install.append("mail.log_current", &ENTRY.repeat(3));
    service.wait_for_sample(LINES, 3.0);
    let yesterday = install.log("mail.log_yesterday");
    std::fs::rename(install.log("mail.log_current"), &yesterday).expect("renamed");
    mode(&yesterday, 0o000);
    install.append("mail.log_current", &ENTRY.repeat(4));
    service.wait_for_sample(LINES, 7.0);
    service.wait_for_sample(LOG, 0.0);
    install.append("mail.log_current", &ENTRY.repeat(4));
    service.wait_for_sample(LINES, 11.0);
    assert!(service.stop().0.success());

    // The saved place in it cannot be gone on from now.
    let late = std::fs::OpenOptions::new().append(true).open(&yesterday);
    let mut service = Service::start(without_overriding(&install));
    assert!(service.wait_for_log("problem").contains("mail.log_yesterday"));
    let page = service.wait_for_sample(LINES, 11.0);
    assert_eq!((value_of(&page, LOG), value_of(&page, LAG)), (Some(0.0), Some(0.0)));
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    let (_, text) = service.get("/-/ready");
    assert!(text.starts_with("ready, but without: log (") && text.contains("mail.log_yesterday"), "{text}");
    install.append("mail.log_current", ENTRY);
    service.wait_for_sample(LINES, 12.0);
    if let Ok(mut late) = late {
        // Its size is known all the same.
        std::io::Write::write_all(&mut late, ENTRY.as_bytes()).expect("written");
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        service.wait_for_sample(LAG, ENTRY.len() as f64);
    } else {
        mode(&yesterday, 0o644);
        super::harness::append(&yesterday, ENTRY);
    }
    mode(&yesterday, 0o644);
    let page = service.wait_for_sample(LINES, 13.0);
    assert_eq!(value_of(&page, r#"imsimta_log_gaps_total{log="mail.log_current"}"#), Some(0.0));
    service.wait_for_sample(LOG, 1.0);
}

/// Two rotations while the program is stopped: the file between was never open, and may not be read.
#[test]
fn a_rotated_log_that_was_never_read_holds_up_no_other() {
    if !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", &ENTRY.repeat(3));
    let mut command = without_overriding(&install);
    let service = Service::start({
        command.env("IMSIMTA_EXPORTER__LOGS__START", "beginning");
        command
    });
    service.wait_for_sample(LINES, 3.0);
    service.signal(rustix::process::Signal::STOP);
    let (log, yesterday) = (install.log("mail.log_current"), install.log("mail.log_yesterday"));
    std::fs::rename(&log, &yesterday).expect("renamed");
    install.append("mail.log_current", &ENTRY.repeat(2));
    install.append("mail.log", &std::fs::read_to_string(&yesterday).expect("readable"));
    std::fs::rename(&log, &yesterday).expect("renamed");
    mode(&yesterday, 0o000);
    install.append("mail.log_current", &ENTRY.repeat(4));
    service.signal(rustix::process::Signal::CONT);
    service.wait_for_sample(LINES, 7.0);
    service.wait_for_sample(LOG, 0.0);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    service.wait_for_sample(LAG, 2.0 * ENTRY.len() as f64);
    assert!(service.stop().0.success());
    let service = Service::start(without_overriding(&install));
    install.append("mail.log_current", ENTRY);
    service.wait_for_sample(LINES, 8.0);
    mode(&yesterday, 0o644);
    service.wait_for_sample(LINES, 10.0);
    let page = service.wait_for_sample(LOG, 1.0);
    assert_eq!(value_of(&page, r#"imsimta_log_gaps_total{log="mail.log_current"}"#), Some(0.0));
}

/// Junk that a log has shown once takes no label from a channel with a directory, after a restart neither.
#[test]
fn labels_of_junk_give_way_to_real_channels() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut service = install.start();
    let entries = |channels: &[String]| {
        let entry = |channel: &String| ENTRY.replace(" l   ", &format!(" {channel}   "));
        channels.iter().map(entry).collect::<String>()
    };
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    // The channels with a directory have their labels.
    for channel in ["ims-ms", "tcp_local"] {
        service.wait_for_sample(&format!("imsimta_delivery_attempts_total{{channel=\"{channel}\"}}"), 0.0);
    }
    let junk: Vec<String> = (0..400).map(|number| format!("junk{number}")).collect();
    install.append("mail.log_current", &entries(&junk));
    service.wait_for_sample(LINES, 400.0);
    install.append("mail.log_current", &entries(&vec!["tcp_new".to_owned(); 10]));
    let page = service.wait_for_sample(LINES, 410.0);
    let other = r#"imsimta_delivery_attempts_total{channel="other"}"#;
    let before = value_of(&page, other).expect("a full table");
    std::fs::create_dir(install.queue("tcp_new")).expect("made");
    let attempts = r#"imsimta_delivery_attempts_total{channel="tcp_new"}"#;
    for expected in [3.0, 6.0] {
        service.wait_for(attempts, |page| value_of(page, attempts).is_some());
        install.append("mail.log_current", &entries(&vec!["tcp_new".to_owned(); 3]));
        let page = service.wait_for_sample(attempts, expected);
        assert_eq!(value_of(&page, other), Some(before), "nothing moves");
        assert_eq!(value_of(&page, r#"imsimta_exporter_label_replaced_total{table="channels"}"#), Some(1.0));
        assert!(service.stop().0.success());
        service = install.start();
    }
}
