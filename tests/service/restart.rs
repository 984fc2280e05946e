//! Rotation while lines arrive, and what a restart counts.

use std::io::Write as _;

use super::harness::{Install, Service, value_of};

fn line(number: usize) -> String {
    format!(
        "19-Feb-2026 17:02:26.65 tcp_local    ims-ms       E 1 a{number}@b.example rfc822;c@d.example c@ims-ms-daemon\n"
    )
}

const ENQUEUED: &str =
    r#"imsimta_enqueued_recipients_total{destination_channel="ims-ms",source_channel="tcp_local"}"#;
const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;

/// Renames the log as the return job does; the old file stays open in `writers`.
fn rotate(install: &Install, writers: &mut Vec<std::fs::File>) {
    std::fs::rename(install.log("mail.log_current"), install.log("mail.log_yesterday")).expect("renamed");
    writers.push(open(install));
}

fn open(install: &Install) -> std::fs::File {
    let path = install.log("mail.log_current");
    std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a log")
}

#[test]
fn rotation_while_lines_arrive_counts_every_line_once() {
    let install = Install::new();
    let mut writers = vec![open(&install)];
    let service = install.start();
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 1.0);
    let mut written = 0;
    for rotation in 0..10 {
        for _ in 0..2000 {
            // Every third line still goes to the file that was renamed.
            let writer = if written % 3 == 0 { writers.len().saturating_sub(2) } else { writers.len() - 1 };
            writers[writer].write_all(line(written).as_bytes()).expect("written");
            written += 1;
        }
        // The return job renames once a day, so the exporter has seen one file before the next comes.
        service.wait_for_sample(&rotations(), f64::from(rotation));
        rotate(&install, &mut writers);
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let page = service.wait_for_sample(LINES, written as f64);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let all = Some(written as f64);
    assert_eq!(value_of(&page, ENQUEUED), all);
}

fn rotations() -> String {
    r#"imsimta_log_rotations_total{log="mail.log_current"}"#.to_owned()
}

#[test]
fn a_killed_program_goes_on_where_it_was() {
    let install = Install::new();
    let mut writers = vec![open(&install)];
    let mut written = 0;
    for round in 0..6 {
        let service = install.start();
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        if written > 0 {
            // What was written while it was down is there as well, once.
            service.wait_for_sample(LINES, written as f64);
        } else {
            service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 1.0);
        }
        for _ in 0..500 {
            writers.last_mut().expect("open").write_all(line(written).as_bytes()).expect("written");
            written += 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let page = service.wait_for_sample(LINES, written as f64);
        let saved = "imsimta_exporter_state_last_save_timestamp_seconds";
        if round % 2 == 0 {
            service.wait_for("a saved state", |page| value_of(page, saved).is_some());
        }
        assert_eq!(value_of(&page, ENQUEUED), value_of(&page, LINES));
        if round == 0 {
            service.stop();
        } else {
            service.kill();
        }
        if round == 3 {
            rotate(&install, &mut writers);
        }
        for _ in 0..100 {
            writers.last_mut().expect("open").write_all(line(written).as_bytes()).expect("written");
            written += 1;
        }
    }
}

/// The return job: yesterday's log goes to the end of the cumulative one, and today's takes its place.
fn return_job(install: &Install) {
    if let Ok(old) = std::fs::read_to_string(install.log("mail.log_yesterday")) {
        install.append("mail.log", &old);
    }
    std::fs::rename(install.log("mail.log_current"), install.log("mail.log_yesterday")).expect("renamed");
}

/// Down while the return job runs so many times; each night a process still writes to the renamed file.
/// `before` lines are counted before that.
#[track_caller]
fn down_across(rotations: usize, before: usize, stop: fn(Service)) {
    let install = Install::new();
    let mut written = 0;
    let mut write = |log: &mut std::fs::File, lines: usize| {
        for number in written..written + lines {
            log.write_all(line(number).as_bytes()).expect("written");
        }
        written += lines;
        f64::from(u32::try_from(written).expect("few"))
    };
    let mut log = open(&install);
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    if before > 0 {
        service.wait_for_sample(LINES, write(&mut log, before));
        service.wait_for("a saved state", |page| {
            value_of(page, "imsimta_exporter_state_last_save_timestamp_seconds").is_some()
        });
    }
    stop(service);
    let mut all = 0.0;
    for _ in 0..rotations {
        write(&mut log, 200);
        return_job(&install);
        write(&mut log, 20);
        log = open(&install);
        all = write(&mut log, 100);
    }
    let service = install.start();
    let read = r#"imsimta_log_lag_bytes{log="mail.log_current"}"#;
    let page = service.wait_for("the log is read", |page| {
        value_of(page, read) == Some(0.0) && value_of(page, LINES).is_some()
    });
    for (sample, value) in [(LINES, all), (ENQUEUED, all), (GAPS, 0.0)] {
        assert_eq!(value_of(&page, sample), Some(value), "{rotations} rotations: {sample}");
    }
    service.wait_for_sample(LINES, write(&mut log, 50));
}

/// Rotates by hand, to names of one's own.
fn rotate_by_hand(install: &Install, number: usize) {
    let to = install.log(&format!("mail.log_current.{number}"));
    std::fs::rename(install.log("mail.log_current"), to).expect("renamed");
}

#[test]
fn stopped_across_rotations_by_hand() {
    let install = Install::new();
    let mut log = open(&install);
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    let mut written = 0;
    let mut write = |log: &mut std::fs::File, lines: usize| {
        (written..written + lines)
            .for_each(|number| log.write_all(line(number).as_bytes()).expect("written"));
        written += lines;
        f64::from(u32::try_from(written).expect("few"))
    };
    service.wait_for_sample(LINES, write(&mut log, 100));
    service.signal(rustix::process::Signal::STOP);
    let mut all = 0.0;
    for number in 0..3 {
        write(&mut log, 500);
        rotate_by_hand(&install, number);
        log = open(&install);
        all = write(&mut log, 100);
    }
    service.signal(rustix::process::Signal::CONT);
    let page = service.wait_for_sample(LINES, all);
    assert_eq!(value_of(&page, GAPS), Some(0.0));
    assert_eq!(value_of(&page, &rotations()), Some(3.0));
}

/// Faster than anybody looks: what is lost of it is said.
#[test]
fn a_storm_of_rotations_loses_nothing_without_a_word() {
    let install = Install::new();
    drop(open(&install));
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    let mut written = 0;
    for number in 0..600 {
        let mut log = open(&install);
        for _ in 0..4 {
            log.write_all(line(written).as_bytes()).expect("written");
            written += 1;
        }
        drop(log);
        rotate_by_hand(&install, number);
    }
    open(&install).write_all(line(written).as_bytes()).expect("written");
    let written = f64::from(u32::try_from(written + 1).expect("few"));
    // The last line is in the last file, so that all that can be read was.
    let page = service.wait_for("all is read, or a gap is said", |page| {
        let read = value_of(page, r#"imsimta_log_lag_bytes{log="mail.log_current"}"#) == Some(0.0);
        read && (value_of(page, LINES) == Some(written)
            || value_of(page, GAPS).is_some_and(|gaps| gaps > 0.0))
    });
    assert!(value_of(&page, LINES).is_some_and(|lines| lines <= written), "{page}");
}

const GAPS: &str = r#"imsimta_log_gaps_total{log="mail.log_current"}"#;

#[test]
fn down_across_a_rotation() {
    down_across(1, 300, Service::kill);
    down_across(1, 300, |service| {
        service.stop();
    });
}

#[test]
fn down_across_several_rotations() {
    for rotations in [2, 3] {
        down_across(rotations, 300, Service::kill);
        down_across(rotations, 300, |service| {
            service.stop();
        });
    }
}

/// Nothing stands in front of the saved place by which the file could be told from one that got its
/// inode number later.
#[test]
fn down_across_rotations_of_a_log_that_was_empty() {
    for rotations in [1, 2] {
        down_across(rotations, 0, |service| {
            service.stop();
        });
    }
}

#[test]
fn a_log_with_a_backlog_keeps_no_other_waiting() {
    let install = Install::new();
    let day: String = (0..1000).map(line).collect();
    install.append("mail.log_current", &day.repeat((32 << 20) / day.len()));
    install.append("connection.log_current", "something\n");
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__LOGS__START", "beginning");
    let service = Service::start(command);
    let lag = |log: &str| format!(r#"imsimta_log_lag_bytes{{log="{log}"}}"#);
    let page = service.wait_for_sample(&lag("connection.log_current"), 0.0);
    assert!(value_of(&page, &lag("mail.log_current")).is_some_and(|lag| lag > 0.0), "{page}");
}

#[test]
fn a_state_that_is_damaged_is_set_aside_and_counted() {
    let install = Install::new();
    install.append("mail.log_current", &line(0));
    install.make_state_directory();
    std::fs::write(install.path("state/state"), "imsimta-exporter state 1 3 0\nxyz").expect("written");
    let mut service = install.start();
    service.wait_for_sample("imsimta_exporter_state_set_aside_total", 1.0);
    assert!(install.path("state/state.set-aside.1").exists());
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    install.append("mail.log_current", &line(1));
    service.wait_for_sample(LINES, 1.0);
    service.signal(rustix::process::Signal::TERM);
    service.wait();
}

#[test]
fn a_state_directory_that_cannot_be_written_is_a_warning() {
    let install = Install::new();
    install.append("mail.log_current", "");
    // A file stands where the directory should be: not even root can make it.
    std::fs::write(install.path("state"), "").expect("written");
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    install.append("mail.log_current", &line(0));
    service.wait_for_sample(LINES, 1.0);
    service.wait_for("a failed save", |page| {
        value_of(page, "imsimta_exporter_state_save_failures_total").is_some_and(|failures| failures > 0.0)
    });
    let (status, _) = service.stop();
    assert!(status.success());
}
