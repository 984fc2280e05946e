//! What stands out, and what does not: findings that others explain, shares of the traffic, mail that goes not out.

use std::fmt::Write as _;

use super::{report, text_of};

/// Entries in format 1, each with its second since 09:00:00.
#[derive(Default)]
struct Log(String);

impl Log {
    fn entry(&mut self, second: u32, channels: &str, code: &str, to: &str, end: &str) {
        let (hour, minute, second) = (9 + second / 3600, second / 60 % 60, second % 60);
        let stamp = format!("17-Mar-2025 {hour:02}:{minute:02}:{second:02}.00");
        writeln!(self.0, "{stamp} {channels} {code} 1 a@siroe.example rfc822;{to} {to}{end}")
            .expect("in memory");
    }

    /// A message comes and is delivered.
    fn delivered(&mut self, second: u32, channel: &str, to: &str) {
        self.entry(second, &format!("tcp_intranet {channel}"), "E", to, "");
        self.entry(second, channel, "D", to, "");
    }

    /// `(severity, rule)` of what is found.
    fn found(&self) -> Vec<(&'static str, &'static str)> {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("mail.log");
        std::fs::write(&path, &self.0).expect("written");
        let findings = report(&[path]).summary().findings;
        findings.iter().map(|finding| (finding.severity.label(), finding.rule)).collect()
    }
}

fn domain(number: u32) -> String {
    format!("b{number}@d{}.example", number % 12)
}

#[test]
fn mail_that_comes_in_and_goes_not_out() {
    let mut log = Log::default();
    (0..300).for_each(|second| log.delivered(second, "ims-ms", "b@ims-ms-daemon"));
    let healthy = Log(log.0.clone());
    assert_eq!(healthy.found(), []);
    // The Job Controller dies: for 24 minutes mail only comes in.
    (300..1740).for_each(|second| log.entry(second, "tcp_local ims-ms", "E", "b@ims-ms-daemon", ""));
    assert_eq!(log.found(), [("critical", "not_attempted")]);

    // It never ran in this log.
    let mut never = Log::default();
    (0..700).for_each(|second| never.entry(second, "tcp_local ims-ms", "E", "b@ims-ms-daemon", ""));
    assert_eq!(never.found(), [("critical", "not_attempted")]);

    // It ran again for the last seconds and has not caught up.
    (0..40).for_each(|number| log.entry(1740 + number / 10, "ims-ms", "D", "b@ims-ms-daemon", ""));
    assert_eq!(log.found(), [("critical", "not_attempted")]);
}

#[test]
fn mail_that_waits_on_purpose_or_only_just_came_is_no_standstill() {
    let mut log = Log::default();
    for second in 0..900 {
        log.delivered(second, "tcp_local", &domain(second));
        // Handed on within the host.
        log.delivered(second, "conversion", "b@siroe.example");
        if second % 20 == 0 {
            log.entry(second, "tcp_local hold", "E", "b@hold-daemon", "");
            log.entry(second, "tcp_local defragment", "E", "b@defragment-daemon", "");
        }
    }
    // A burst at the end.
    (0..200).for_each(|number| log.entry(899, "tcp_intranet tcp_local", "E", &domain(number), ""));
    assert_eq!(log.found(), []);
    // A few seconds of a log show what came, and not what became of it.
    let mut cut = Log::default();
    (0..60).for_each(|number| cut.entry(number / 10, "tcp_intranet tcp_local", "E", &domain(number), ""));
    assert_eq!(cut.found(), []);
}

#[test]
fn a_dead_destination_is_no_outage_of_ours() {
    let mut log = Log::default();
    let skipped =
        " Too many failures to this host during this run; skipping this host: Dead (unresponsive) host";
    for second in 0..1200 {
        log.delivered(second, "tcp_local", &domain(second));
        if (600..900).contains(&second) {
            for _ in 0..3 {
                log.entry(second, "tcp_local", "Q", "b@acme.example", skipped);
            }
        }
    }
    assert_eq!(log.found(), [("warning", "destination_failures")]);

    // All destinations at once are.
    let mut dns = Log::default();
    for second in 0..1200 {
        dns.delivered(second, "tcp_local", &domain(second));
        if (600..900).contains(&second) {
            for number in 0..3 {
                dns.entry(
                    second,
                    "tcp_local",
                    "Q",
                    &domain(number + second),
                    " DNS lookup failed: temporary error from nameserver",
                );
            }
        }
    }
    assert_eq!(dns.found(), [("critical", "outage")]);
}

#[test]
fn a_few_in_a_thousand_do_not_stand_out() {
    let busy = |every: u32| {
        let mut log = Log::default();
        for number in 0..8000 {
            log.delivered(number / 10, "ims-ms", "b@ims-ms-daemon");
            if number % every == 0 {
                log.entry(number / 10, "ims-ms", "Q", "b@ims-ms-daemon", " Mailbox is busy");
            }
        }
        log.found()
    };
    assert_eq!(busy(250), []);
    assert_eq!(busy(20), [("warning", "message_store")]);
}

#[test]
fn where_nothing_was_read_that_is_said() {
    let scratch = tempfile::tempdir().expect("a directory");
    let empty = scratch.path().join("mail.log");
    std::fs::write(&empty, "").expect("written");
    let missing = scratch.path().join("missing.log");
    for files in
        [vec![empty.clone()], vec![missing.clone()], vec![scratch.path().to_owned()], vec![missing, empty]]
    {
        let text = text_of(&files);
        assert!(text.contains("Nothing was read."), "{text}");
        assert!(!text.contains("no rule's threshold is reached"), "{text}");
    }
    let status = |file: &std::path::Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_imsimta-exporter"));
        command.arg("report").arg(file).output().expect("the program runs").status.code()
    };
    assert_eq!(status(scratch.path()), Some(1));
    assert_eq!(status(&scratch.path().join("missing.log")), Some(1));
}
