//! The MTA's notices in a syslog that others rotate.

use std::fs::rename;

use super::harness::{Install, Service, append, value_of};

const NOTICES: &str = "imsimta_held_notices_total";
const GAPS: &str = r#"imsimta_log_gaps_total{log="mail.log_current"}"#;
const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;

/// As syslog writes it; `sndopr_prefix` may stand in front.
const NOTICE: &str = "Feb 19 17:02:26 mta1 ims-ms[4711]: Received count exceeded; message held.\n";
const PREFIXED: &str = "Feb 19 17:02:26 mta1 ims-ms[4711]: MTA: Received count exceeded; message held.\r\n";
const OTHERS: &str = "Feb 19 17:02:26 mta1 sshd[1]: Connection closed\n\
                      Feb 19 17:02:26 mta1 x[2]: received count exceeded; message held.\n\
                      Feb 19 17:02:26 mta1 x[2]: Received count exceeded; message\n";

fn start(install: &Install) -> Service {
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__HELD__SYSLOG", install.path("syslog"));
    Service::start(command)
}

fn write(install: &Install, name: &str, lines: &[&str]) {
    append(&install.path(name), &lines.concat());
}

/// The daemon may write to the renamed file until it is told of the new one.
fn rotate(install: &Install, late: &[&str], next: &[&str]) {
    for (from, to) in [("syslog.1", "syslog.2"), ("syslog", "syslog.1")] {
        rename(install.path(from), install.path(to)).ok();
    }
    write(install, "syslog.1", late);
    write(install, "syslog", next);
}

/// The first count that is shown.
fn first(service: &Service) -> Option<f64> {
    let page = service.wait_for("a count", |page| value_of(page, NOTICES).is_some());
    value_of(&page, NOTICES)
}

#[test]
fn they_are_counted_once_across_rotations_and_a_kill() {
    let install = Install::new();
    install.append("mail.log_current", "");
    write(&install, "syslog", &[NOTICE, "half a line, "]);
    let service = start(&install);
    // Those from before the first start are nobody's.
    assert_eq!(first(&service), Some(0.0));
    // The line that was half there is one of them now.
    write(&install, "syslog", &[NOTICE, OTHERS, PREFIXED, OTHERS]);
    service.wait_for_sample(NOTICES, 2.0);
    install.append("mail.log_current", "something\n");
    service.wait_for_sample(LINES, 1.0);
    let saved = "imsimta_exporter_state_last_save_timestamp_seconds";
    service.wait_for("a saved state", |page| value_of(page, saved).is_some());
    service.kill();

    write(&install, "syslog", &[NOTICE, OTHERS]);
    rotate(&install, &[NOTICE], &[OTHERS, NOTICE]);
    let service = start(&install);
    assert_eq!(first(&service), Some(5.0), "caught up before it is shown");
    rotate(&install, &[OTHERS, NOTICE], &[PREFIXED]);
    let page = service.wait_for_sample(NOTICES, 7.0);
    assert_eq!(value_of(&page, r#"imsimta_collector_success{collector="log"}"#), Some(1.0));
    // It is none of the logs.
    assert!(!page.contains("log=\"sys") && !page.contains("log=\"/"), "{page}");
    service.stop();

    // The place is gone: this count begins anew, and no other.
    for name in ["syslog", "syslog.1", "syslog.2"] {
        std::fs::create_dir_all(install.path("elsewhere")).expect("made");
        rename(install.path(name), install.path("elsewhere").join(name)).expect("moved");
    }
    write(&install, "syslog", &[OTHERS, NOTICE]);
    let mut service = start(&install);
    service.wait_for_log("the place in the syslog");
    assert_eq!(first(&service), Some(1.0));
    let page = service.wait_for_sample(LINES, 1.0);
    assert_eq!(value_of(&page, GAPS), Some(0.0));
    service.stop();

    // Nor does it when lines of a log are lost.
    rename(install.log("mail.log_current"), install.path("elsewhere/mail.log_current")).expect("moved");
    install.append("mail.log_current", "");
    let service = start(&install);
    service.wait_for_sample(GAPS, 1.0);
    assert_eq!(first(&service), Some(1.0));
}

#[test]
fn none_are_shown_unless_configured_and_found() {
    let install = Install::new();
    install.append("mail.log_current", "");
    write(&install, "syslog", &[NOTICE]);
    let service = install.start();
    let page = service.wait_for_sample("imsimta_exporter_ready", 1.0);
    assert!(!page.contains(NOTICES), "{page}");
    service.stop();

    std::fs::remove_file(install.path("syslog")).expect("removed");
    let mut service = start(&install);
    let said = service.wait_for_log("problem");
    assert!(said.contains("held.syslog") && said.contains("/syslog: no such file yet"), "{said}");
    let page = service.wait_for_sample("imsimta_exporter_ready", 1.0);
    assert!(!page.contains(NOTICES), "{page}");
    assert_eq!(value_of(&page, r#"imsimta_collector_success{collector="log"}"#), Some(0.0));
    // All of a file that comes later is new.
    write(&install, "syslog", &[NOTICE]);
    service.wait_for_sample(NOTICES, 1.0);
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 1.0);
}
