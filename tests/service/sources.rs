//! What is missing is said: a queue without channels, a node of which half is there, a source that was never read.

use std::path::Path;
use std::process::{Child, Command};

use super::harness::{DEADLINE, Install, value_of, wait_for};

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
