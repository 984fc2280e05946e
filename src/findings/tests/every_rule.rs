//! A case for every rule in which it speaks. A new rule is a row.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::files::{stale, wrong};
use super::{activity, channel, findings, healthy, queue_of, traffic, traffic_of, unread};
use crate::aggregate::baseline::{Band, Latest};
use crate::aggregate::time::Millis;
use crate::findings::logs::{
    Authentications, ChannelTraffic, ClientCount, Delay, Destination, FailureReason, Logs, Outage, Quantiles,
    Rejection,
};
use crate::findings::measure::Measure;
use crate::findings::rules::RULES;
use crate::findings::situation::{
    Compared, CumulativeLog, Enqueues, Port, Quarter, Situation, Traffic, Untold,
};
use crate::findings::{Input, Thresholds};
use crate::record::daemon_log::{DaemonLog, EventClass};
use crate::record::reason::Reason;

/// What happens to a host.
pub(super) type Happens = fn(&mut Situation);

pub(super) fn untold(seconds: u64) -> Untold {
    let (receiver, problem) = ("webhook".to_owned(), "Connection refused (os error 111)".to_owned());
    Untold { receiver, lasts: Duration::from_secs(seconds), problem }
}

fn compared(now: u64, usual: Option<u64>) -> Compared {
    Compared { now, usual, last_week: None }
}

/// What happens to a healthy host, by the rule that speaks then.
#[rustfmt::skip]
pub(super) const NOW: &[(&str, Happens)] = &[
    ("not_active", |now| now.active = Some(false)),
    ("no_process", |now| now.processes = Some(["dispatcher", "job_controller"].map(|name| (name.to_owned(), 0)).into())),
    ("no_banner", |now| {
        now.ports.insert(25, Port { failure: Some("nobody listens there".to_owned()), failures: 2, banner: None });
    }),
    ("channel_failures", |now| {
        let window = activity(9, 0, &[(Reason::MailboxBusy, 30)]);
        *traffic_of(now, "l") = Traffic { spike: [window.clone(), window.clone()], ..traffic(window) };
    }),
    ("fork_failed", |now| {
        *traffic_of(now, "l") = Traffic { window: activity(30, 0, &[]), ..Traffic::default() };
        now.daemon_events.as_mut().expect("known")[DaemonLog::JobController].add(EventClass::ForkFailed);
    }),
    ("no_deliveries", |now| (queue_of(now, "l").new, queue_of(now, "l").delivered) = (20, Some((0, 60)))),
    ("standstill", |now| {
        *traffic_of(now, "l") = Traffic { window: activity(30, 0, &[]), ..Traffic::default() };
    }),
    ("flood_without_room", |now| {
        now.compared[Measure::Connections as usize] = Some(compared(6001, None));
        now.listen_overflows = 11;
    }),
    ("client_flood", |now| {
        now.compared[Measure::Connections as usize] = Some(compared(1500, None));
        now.compared[Measure::Client as usize] = Some(compared(301, Some(100)));
    }),
    ("flood", |now| now.compared[Measure::Connections as usize] = Some(compared(6001, Some(2000)))),
    ("relay_probing", |now| now.compared[Measure::RelayDenied as usize] = Some(compared(101, Some(33)))),
    ("password_guessing", |now| now.compared[Measure::Guesses as usize] = Some(compared(51, None))),
    ("sender_surge", |now| now.compared[Measure::Sender as usize] = Some(compared(300, Some(99)))),
    ("held_surge", |now| queue_of(now, "l").held_growth = Some(101)),
    ("queue_empty", |now| now.scan.directories = Some(0)),
    ("scan_failing", |now| {
        now.scan.unreadable.insert("tcp_local".to_owned(), Some("Permission denied (os error 13)".to_owned()));
    }),
    ("scan_partial", |now| now.scan.partial = true),
    ("other_files", |now| (queue_of(now, "l").messages, queue_of(now, "l").other_files) = (100, 6)),
    ("store_old", |now| (queue_of(now, "l").new, queue_of(now, "l").delivered_in_hour) = (20, Some(199))),
    ("remote_old", |now| queue_of(now, "tcp_local").oldest = Some(691_201.0)),
    ("listen_overflow", |now| (now.listen_overflows, now.lately.listen_queues) = (11, [(25, 0.5)].into())),
    ("flapping", |now| now.lately.starts = [0, 3]),
    ("log_growing", |now| {
        now.filesystems.entry("log").or_default().avail_bytes = 13_000_000_000;
        now.cumulative_logs.insert("mail.log".to_owned(), CumulativeLog { size: 9, growth: Some(1_000_000_000) });
    }),
    ("labels_capped", |now| now.lately.capped = [11, 0, 0]),
    ("lines_lost", |now| now.lately.losses = vec![Some("mail.log_current".to_owned()), None]),
    ("unread", |now| now.unread.push(unread("queue", "no permission", false))),
    ("log_silent", |now| now.lately.unlogged_changes = Some(6)),
    ("lagging", |now| now.lately.lagging.push(("mail.log_current".to_owned(), 61.0))),
    ("unparsed_now", |now| now.lately.lines.push(("mail.log_current".to_owned(), 11, 1099))),
    ("state_not_saved", |now| now.lately.save_failures = 1),
    ("receiver_failing", |now| now.untold.push(untold(600))),
    ("syn_backlog", |now| _ = now.half_open.insert(25, (31, 61))),
    ("log_clock", |now| now.logs.as_mut().expect("known").zone_question = Some(("mail.log_current".to_owned(), "5 h.".to_owned()))),
    ("destination_failures", |now| {
        *traffic_of(now, "l") = traffic(activity(90, 70, &[(Reason::ConnTimeout, 30)]));
        traffic_of(now, "l").worst_domain_share = 0.9;
    }),
    ("held", |now| queue_of(now, "l").held = 1),
    ("connections_limit", |now| now.services[0].used = 85),
    ("disk", |now| now.filesystems.entry("queue").or_default().files_free = Some(0.04)),
    ("disk", |now| now.filesystems.entry("queue").or_default().free = Some(0.01)),
    ("disk_filling", |now| {
        let queue = now.filesystems.entry("queue").or_default();
        (queue.free, queue.ahead[0].of_hours) = (Some(0.39), Some(-0.1));
    }),
    ("disk_filling", |now| {
        let queue = now.filesystems.entry("queue").or_default();
        (queue.files_free, queue.ahead[1].of_minutes) = (Some(0.19), [Some(-0.1); 2]);
    }),
    ("failures_elevated", |now| {
        let quarter = Quarter { delivered: 79, failing: 21, mostly: Some(Reason::DnsTemporary), ..Quarter::default() };
        traffic_of(now, "l").quarter = quarter;
    }),
    ("bounce_surge", |now| {
        let mostly = Some(Reason::UserUnknown);
        let quarter = Quarter { rejected: 100, rejected_mostly: mostly, rejected_usually: Some(33), ..Quarter::default() };
        traffic_of(now, "l").quarter = quarter;
    }),
    ("delivery_slow", |now| {
        let quarter = &mut traffic_of(now, "l").quarter;
        (quarter.delays[7], quarter.last_week.delay) = (20, Some(1200.0));
    }),
    ("channel_stopped", |now| channel(now, "l").stopped = Some(true)),
    ("slow_banner", |now| _ = now.ports.insert(25, Port { banner: Some(5.0), ..Port::default() })),
    ("daemon_errors", |now| {
        now.daemon_events.as_mut().expect("known")[DaemonLog::JobController].add(EventClass::ForkFailed);
    }),
    ("not_tried", |now| queue_of(now, "l").never_tried = 1),
    ("internal_old", |now| queue_of(now, "process").oldest = Some(1801.0)),
    ("queue_growing", |now| queue_of(now, "l").growth = Some(200)),
    ("doubled", |now| now.processes = Some([("dispatcher".to_owned(), 2)].into())),
    ("critical_files", |now| now.wrong_files.push(wrong("queue", "owner"))),
    ("configuration_stale", |now| now.stale.push(stale("image", "imta.cnf"))),
    ("not_rotated", |now| _ = now.unrotated.insert("mail.log_current".to_owned(), 100_000.0)),
    ("overaged", |now| _ = now.overaged.insert("tcp_smtp_server".to_owned(), 1)),
    ("no_enqueues", |now| _ = now.usual.enqueues.insert("tcp_local".to_owned(), comes_in(0, 15, 20.0))),
    ("enqueue_surge", |now| _ = now.usual.enqueues.insert("tcp_local".to_owned(), comes_in(300, 0, 50.0))),
    ("queue_above_baseline", |now| {
        queue_of(now, "l").messages = 100;
        now.usual.queue.insert("l".to_owned(), Band { expected: 30.0, presently: 30.0, upper: 99.0 });
    }),
    ("flow", |now| _ = channel(now, "l")),
];

/// So many recipients where mostly others come, after minutes without any.
fn comes_in(count: u64, quiet: i64, expected: f64) -> Enqueues {
    let band = Band { expected, presently: expected, upper: 5.0 * expected };
    Enqueues { latest: Latest { count, quiet: Millis::of_minutes(quiet), band }, steady: expected }
}

fn many(reason: Reason) -> FailureReason {
    FailureReason { reason, deferred: 90, partial: 0, rejected: 0, unnotified: 0, meaning: "" }
}

fn row() -> ChannelTraffic {
    ChannelTraffic { channel: "tcp_local".to_owned(), attempts: 1000, ..ChannelTraffic::default() }
}

/// The names of the rules that speak of logs.
fn spoken(logs: Logs<'_>) -> BTreeSet<&'static str> {
    let found =
        crate::findings::findings(&Input { now: None, logs: Some(&logs), limits: &Thresholds::default() });
    found.iter().map(|finding| finding.rule).collect()
}

/// Of logs in which all of it happened, in two parts, since some of it explains other of it.
fn spoken_of_logs() -> BTreeSet<&'static str> {
    let failing =
        ChannelTraffic { failures: 600, failure_ratio: 0.6, main_reason: Some(Reason::Policy), ..row() };
    let waiting =
        ChannelTraffic { channel: "ims-ms".to_owned(), enqueued_since: 30, idle_minutes: 12, ..row() };
    let other = ChannelTraffic { channel: "tcp_other".to_owned(), bad_commands: 30, ..row() };
    let clients = || vec![ClientCount { client: "192.0.2.1".to_owned(), count: 30 }];
    let destination = Destination {
        channel: "tcp_other".to_owned(),
        domain: "d.example".to_owned(),
        attempts: 30,
        failures: 30,
        deferred: 30,
        rejected: 0,
        failure_ratio: 1.0,
        main_reason: Reason::ConnTimeout,
        main_reason_count: 30,
    };
    let outage = Outage {
        channel: "tcp_other".to_owned(),
        from: "2026-11-20T08:30:00".to_owned(),
        to: "2026-11-20T08:40:00".to_owned(),
        attempts: 30,
        failures: 20,
        failure_ratio: 0.7,
        main_reason: Reason::Policy,
    };
    let queue =
        Quantiles { count: 30, mean_seconds: 1.0, p50_at_most_seconds: None, p95_at_most_seconds: None };
    let whole = Logs {
        minutes: Some(60),
        lines: 1000,
        records: 900,
        not_understood: 100,
        channels: &[failing, waiting, other],
        failures: &[Reason::MailboxBusy, Reason::HostSkipped, Reason::OverQuota, Reason::RateLimited]
            .map(many),
        destinations: &[destination],
        rejections: &[Rejection {
            reason: Reason::RelayDenied,
            count: 30,
            meaning: "",
            clients: 1,
            busiest: clients(),
        }],
        authentications: &[Authentications {
            channel: "tcp_submit".to_owned(),
            success: 1,
            failure: 30,
            unknown: 0,
        }],
        authentication_clients: &clients(),
        inbound_connections: 40,
        delays: &[Delay { channel: "tcp_other".to_owned(), queue: Some(queue), end_to_end: None }],
        outages: &[outage],
        held_enqueues: 1,
        ..Logs::default()
    };
    let nothing = Logs::default();
    spoken(whole).into_iter().chain(spoken(nothing)).collect()
}

#[test]
fn every_rule_speaks_and_its_runbook_is_there() {
    let runbooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/runbooks");
    for (rule, happens) in NOW {
        let mut situation = healthy();
        happens(&mut situation);
        let found = findings(&situation);
        assert!(found.iter().any(|finding| finding.rule == *rule), "{rule}: {found:#?}");
        for runbook in found.iter().filter_map(|finding| finding.runbook) {
            assert!(runbooks.join(runbook.file()).is_file(), "{rule}: {}", runbook.file());
        }
    }
    let now: BTreeSet<&str> = NOW.iter().map(|(rule, _)| *rule).collect();
    let logs = spoken_of_logs();
    for rule in RULES {
        let cases = if rule.limits(&Thresholds::default()).is_some() { &logs } else { &now };
        assert!(
            cases.contains(rule.name),
            "no case for {}: a row in src/findings/tests/every_rule.rs",
            rule.name
        );
    }
}
