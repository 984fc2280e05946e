//! The queue on a file system that goes away: unmounted, mounted again, and one that never answers.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::harness::{Install, Service, available, pause, words_of};

const MESSAGES: &str = r#"imsimta_queue_messages{channel="ims-ms"}"#;
const SUCCESS: &str = r#"imsimta_collector_success{collector="queue"}"#;

/// An installation whose queue holds one message and whose collector has seen it.
fn started() -> (Install, Service) {
    let install = Install::new();
    install.append("mail.log_current", "");
    std::fs::write(install.queue("ims-ms/ZZ0HXZ00G0EBRBCQ.00"), "x").expect("written");
    let service = install.start();
    service.wait_for_sample(MESSAGES, 1.0);
    (install, service)
}

/// The collector fails, nothing is shown of the queue, and the rest goes on.
fn fails(service: &Service) -> String {
    let page = service.wait_for_sample(SUCCESS, 0.0);
    for family in ["imsimta_queue_messages", "imsimta_queue_scan_files", "imsimta_queue_channel_success"] {
        assert!(!page.contains(family), "{page}");
    }
    service.wait_for_sample(r#"imsimta_collector_success{collector="sockets"}"#, 1.0)
}

/// Something mounted on a directory, for as long as this lives.
struct Mounted(PathBuf);

impl Mounted {
    fn bind(what: &Path, place: &Path) -> Self {
        let status = Command::new("mount").arg("--bind").args([what, place]).status().expect("started");
        assert!(status.success(), "{status}");
        Self(place.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

#[test]
fn an_unmounted_queue_fails_and_comes_back() {
    if !available("mount") {
        return;
    }
    let (install, service) = started();
    let (queue, aside) = (install.queue(""), install.path("aside"));
    std::fs::rename(&queue, &aside).expect("renamed");
    std::fs::create_dir(&queue).expect("made");
    for _ in 0..2 {
        let page = fails(&service);
        assert!(page.contains(r#"imsimta_queue_scan_errors_total{kind="vanished"}"#), "{page}");
        let mounted = Mounted::bind(&aside, &queue);
        service.wait_for_sample(MESSAGES, 1.0);
        service.wait_for_sample(SUCCESS, 1.0);
        // Nothing is kept open between two scans, so that an operator can unmount.
        while !Command::new("umount").arg(&queue).stderr(Stdio::null()).status().expect("started").success() {
            pause();
        }
        std::mem::forget(mounted);
    }
}

/// A file system whose server has taken its requests and says nothing, as a dead file server does.
struct DeadServer {
    holder: Child,
    _mounted: Mounted,
}

impl DeadServer {
    fn mount(place: &Path) -> Self {
        // Whoever mounts FUSE holds its device; this one never reads a request from it. It ends, and the
        // requests with an error, when its standard input is closed.
        let script = r#"exec 3<>/dev/fuse
            mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none "$0" && echo mounted && read -r _"#;
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(place).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("started");
        let mut said = String::new();
        BufReader::new(holder.stdout.as_mut().expect("piped")).read_line(&mut said).expect("read");
        assert_eq!(said, "mounted\n");
        Self { holder, _mounted: Mounted(place.to_owned()) }
    }
}

impl Drop for DeadServer {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        drop(self.holder.wait());
    }
}

#[test]
fn a_queue_that_hangs_fails_and_comes_back() {
    if !available("mount") {
        return;
    }
    let (install, service) = started();
    let server = DeadServer::mount(&install.queue(""));
    fails(&service);
    let (_, page) = service.get("/");
    assert!(page.contains("waiting for an answer"), "{page}");
    drop(server);
    service.wait_for_sample(MESSAGES, 1.0);
    service.wait_for_sample(SUCCESS, 1.0);
}

#[test]
fn a_queue_that_hangs_holds_up_neither_start_nor_end() {
    if !available("mount") {
        return;
    }
    // In the layout without `data` the queue's directory is what tells the layout.
    for flat in [false, true] {
        let install = Install::new();
        install.append("mail.log_current", "");
        std::fs::write(install.queue("ims-ms/ZZ0HXZ00G0EBRBCQ.00"), "x").expect("written");
        let mut queue = install.queue("");
        if flat {
            queue = install.path("root/queue");
            std::fs::remove_file(install.path("root/log")).expect("removed");
            for name in ["log", "queue"] {
                let (from, to) = (format!("root/data/{name}"), format!("root/{name}"));
                std::fs::rename(install.path(&from), install.path(&to)).expect("renamed");
            }
            std::fs::remove_dir(install.path("root/data")).expect("removed");
        }
        let server = DeadServer::mount(&queue);
        let service = install.start();
        for collector in ["sockets", "processes", "log"] {
            let success = format!("imsimta_collector_success{{collector=\"{collector}\"}}");
            service.wait_for_sample(&success, 1.0);
        }
        if flat {
            let (status, took) = service.stop();
            assert!(status.success(), "{status}");
            assert!(took < Duration::from_secs(2), "{took:?}");
        } else {
            drop(server);
            service.wait_for_sample(MESSAGES, 1.0);
        }
    }
}

/// Into a container, say: the file keeps its place when the host renames it, and the new log is out of reach.
#[test]
fn a_log_that_is_mounted_alone_is_said() {
    if !available("mount") {
        return;
    }
    let (host, install) = (Install::new(), Install::new());
    host.append("mail.log_current", "");
    install.append("mail.log_current", "");
    let log = install.log("mail.log_current");
    let mounted = Mounted::bind(&host.log("mail.log_current"), &log);
    let mut service = install.start();
    let said = service.wait_for_log("is mounted as a single file");
    assert!(said.contains("mail.log_current") && said.contains("mount its directory"), "{said}");
    let (_, text) = words_of(&mut install.check());
    assert!(text.contains("is mounted as a single file"), "{text}");
    drop(service);
    drop(mounted);
    // A directory is what should be mounted.
    let _mounted = Mounted::bind(&host.log("."), &install.log("."));
    let mut service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    service.signal(rustix::process::Signal::TERM);
    service.wait_for_log("stopped");
    assert!(!service.heard().contains("single file"), "{}", service.heard());
}
