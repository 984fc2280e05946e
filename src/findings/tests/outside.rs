//! What is said of ports and of channels that were stopped.

use super::{channel, check, findings, healthy, queue_of, traffic, traffic_of};
use crate::findings::Severity;
use crate::findings::situation::{Port, Traffic};

fn failing(failures: u64) -> Port {
    Port { failure: Some("no banner came within 30s".to_owned()), failures, banner: None }
}

#[test]
fn ports_that_do_not_serve() {
    check(|now| _ = now.ports.insert(25, failing(1)), Severity::Good, "Mail is going out.");
    check(
        |now| _ = now.ports.insert(25, failing(2)),
        Severity::Critical,
        "Clients get no banner at port 25: no banner came within 30s.",
    );
    // Why that is so is known.
    check(
        |now| {
            now.ports.insert(25, failing(9));
            now.processes = Some([("dispatcher".to_owned(), 0), ("job_controller".to_owned(), 1)].into());
        },
        Severity::Critical,
        "No dispatcher runs: no mail is accepted.",
    );
    let mut now = healthy();
    now.ports.insert(25, failing(9));
    now.processes = Some([("dispatcher".to_owned(), 0)].into());
    assert!(!findings(&now).iter().any(|finding| finding.rule == "no_banner"));
}

#[test]
fn banners_that_come_late() {
    let port = |seconds| Port { banner: Some(seconds), ..Port::default() };
    check(|now| _ = now.ports.insert(25, port(4.9)), Severity::Good, "Mail is going out.");
    check(
        |now| _ = now.ports.insert(587, port(12.3)),
        Severity::Warning,
        "The banner of port 587 took 12 s.",
    );
}

#[test]
fn channels_that_were_stopped() {
    check(|now| channel(now, "tcp_local").stopped = Some(false), Severity::Good, "Mail is going out.");
    let what = "tcp_local is stopped: nothing is delivered from it.";
    check(|now| channel(now, "tcp_local").stopped = Some(true), Severity::Warning, what);
    // It explains that mail waits, and is as grave as that.
    let mut now = healthy();
    channel(&mut now, "tcp_local").stopped = Some(true);
    queue_of(&mut now, "tcp_local").messages = 400;
    queue_of(&mut now, "tcp_local").never_tried = 400;
    *traffic_of(&mut now, "tcp_local") =
        Traffic { last_attempt: Some(9000.0), ..traffic(super::activity(99, 0, &[])) };
    let found = findings(&now);
    assert_eq!((found[0].what.as_str(), found[0].severity), (what, Severity::Critical), "{found:#?}");
    assert_eq!(found[0].evidence, "400 messages wait there.");
    assert!(
        !found.iter().any(|finding| finding.rule == "standstill" || finding.rule == "not_tried"),
        "{found:#?}"
    );
}
