//! The end: in time, with status 0, whatever hangs.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use super::harness::{Install, available};

const IN_TIME: Duration = Duration::from_secs(2);

#[test]
fn term_and_interrupt_end_it_in_time() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let install = Install::new();
        install.append("mail.log_current", "");
        let mut service = install.start();
        service.wait_for_sample("imsimta_exporter_ready", 1.0);
        // A client that never finishes its request does not hold it up.
        let mut slow = std::net::TcpStream::connect(service.address).expect("connected");
        slow.write_all(b"GET / HT").expect("written");
        service.signal(signal);
        let (status, took) = service.wait();
        assert!(status.success(), "{status}");
        assert!(took < IN_TIME, "{took:?}");
        assert!(install.path("state/state").exists(), "the last state is saved");
    }
}

/// A library that makes every positioned read of a log hang, as a dead network file system does.
const HANGING_READ: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset) {
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0 && strstr(path, "mail.log_current")) {
        FILE *mark = fopen(HANGING, "w");
        if (mark) fclose(mark);
        for (;;) pause();
    }
    return lseek64(fd, offset, SEEK_SET) < 0 ? -1 : read(fd, buffer, size);
}
"#;

#[test]
fn a_log_that_hangs_in_the_kernel_does_not_hold_it_up() {
    if !available("cc") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "something\n");
    let (source, library, mark) = (install.path("hang.c"), install.path("hang.so"), install.path("hanging"));
    std::fs::write(&source, HANGING_READ).expect("written");
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    compile.arg(format!("-DHANGING=\"{}\"", mark.display()));
    assert!(compile.status().expect("started").success(), "the library compiles");

    let mut command = install.command();
    command.env("LD_PRELOAD", &library);
    let mut service = super::harness::Service::start(command);
    // The rest goes on without the log, and nothing is shown of it.
    service.wait_for_sample(r#"imsimta_collector_success{collector="queue"}"#, 1.0);
    let page = service.wait_for("the read hangs", |_| mark.exists());
    assert!(!page.contains("imsimta_log_lines_total"), "{page}");
    let (head, body) = service.get("/-/ready");
    assert!(head.contains(" 503 ") && body.contains("logs"), "{head} {body}");
    service.signal(rustix::process::Signal::TERM);
    let (status, took) = service.wait();
    assert!(status.success(), "{status}");
    assert!(took < IN_TIME, "{took:?}");
}

#[test]
fn a_log_that_nobody_reads_does_not_end_it() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut service = install.start();
    service.stop_reading_the_log();
    let queue = r#"imsimta_collector_success{collector="queue"}"#;
    service.wait_for_sample(queue, 1.0);
    // Each of these is a line of the log.
    for _ in 0..2 {
        std::fs::rename(install.queue(""), install.path("aside")).expect("renamed");
        service.wait_for_sample(queue, 0.0);
        std::fs::rename(install.path("aside"), install.queue("")).expect("renamed");
        service.wait_for_sample(queue, 1.0);
    }
    let (status, took) = service.stop();
    assert!(status.success(), "{status}");
    assert!(took < IN_TIME, "{took:?}");
}
