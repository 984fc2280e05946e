//! The one sentence for each situation that a postmaster may find at night.

mod alerts;
mod by_channel;
mod every_rule;
mod files;
mod outside;

use super::situation::{Channel, FileSystem, Logs, ServiceUse, Situation, Traffic, Unread, Waiting};
use super::{Finding, Input, Runbook, Severity, Thresholds, Weighed, weighed};
use crate::aggregate::daemon_log::Events;
use crate::aggregate::recent::ChannelActivity;
use crate::record::daemon_log::{DaemonLog, EventClass};
use crate::record::reason::Reason;

pub(super) fn findings(situation: &Situation) -> Vec<Finding> {
    super::findings(&Input { now: Some(situation), logs: None, limits: &Thresholds::default() })
}

/// Recipients that came, that were delivered, and that failed.
fn activity(enqueued: u64, delivered: u64, failed: &[(Reason, u64)]) -> ChannelActivity {
    let mut activity = ChannelActivity { enqueued, attempts: delivered, ..ChannelActivity::default() };
    for &(reason, count) in failed {
        activity.attempts += count;
        (0..count).for_each(|_| activity.failures.add(reason));
    }
    activity
}

fn traffic(window: ChannelActivity) -> Traffic {
    Traffic {
        short: window.clone(),
        window,
        last_attempt: Some(2.0),
        enqueued_since: 1,
        domains: 20,
        worst_domain_share: 0.2,
        ..Traffic::default()
    }
}

/// A host where all is well: two channels deliver, little waits.
fn healthy() -> Situation {
    let queue = Waiting { messages: 7, oldest: Some(40.0), growth: Some(3), ..Waiting::default() };
    let channel = |window| Channel { traffic: Some(traffic(window)), queue: Some(queue), stopped: None };
    Situation {
        active: Some(true),
        logs: Some(Logs { last_entry: Some(1.0), known_for: Some(90_000.0), zone_question: None }),
        channels: [
            ("ims-ms".to_owned(), channel(activity(300, 298, &[(Reason::MailboxBusy, 1)]))),
            ("process".to_owned(), channel(activity(5, 5, &[]))),
            ("tcp_local".to_owned(), channel(activity(200, 180, &[(Reason::Greylisted, 12)]))),
        ]
        .into(),
        queue_known: true,
        processes: Some([("dispatcher".to_owned(), 1), ("job_controller".to_owned(), 1)].into()),
        filesystems: [("queue", 1), ("log", 2)]
            .map(|(name, device)| (name, FileSystem { device, free: Some(0.6), ..FileSystem::default() }))
            .into(),
        services: vec![ServiceUse { name: "smtp".to_owned(), used: 20, limit: Some(100) }],
        daemon_events: Some(Events::default()),
        ..Situation::default()
    }
}

fn channel<'a>(situation: &'a mut Situation, name: &str) -> &'a mut Channel {
    situation.channels.entry(name.to_owned()).or_default()
}

fn traffic_of<'a>(situation: &'a mut Situation, name: &str) -> &'a mut Traffic {
    channel(situation, name).traffic.get_or_insert_default()
}

fn queue_of<'a>(situation: &'a mut Situation, name: &str) -> &'a mut Waiting {
    channel(situation, name).queue.get_or_insert_default()
}

fn unread(collector: &'static str, problem: &str, partly: bool) -> Unread {
    let (called, needed) = match collector {
        "log" => ("logs", true),
        "queue" => ("queue", true),
        "processes" => ("table of processes", false),
        other => (other, false),
    };
    Unread { collector, called, needed, problem: problem.to_owned(), partly }
}

/// What the page says when that has happened to a healthy host: its first sentence, and how grave.
#[track_caller]
fn check(happens: impl FnOnce(&mut Situation), severity: Severity, sentence: &str) {
    let mut situation = healthy();
    happens(&mut situation);
    let found = findings(&situation);
    assert_eq!((found[0].what.as_str(), found[0].severity), (sentence, severity), "{found:#?}");
}

#[test]
fn mail_that_flows() {
    check(|_| {}, Severity::Good, "Mail is going out.");
    // Some failures are the ordinary, and so is a night without mail.
    check(
        |now| {
            *traffic_of(now, "tcp_local") = traffic(activity(9, 10, &[(Reason::UserUnknown, 9)]));
        },
        Severity::Good,
        "Mail is going out.",
    );
    check(
        |now| now.channels.values_mut().for_each(|channel| channel.traffic = Some(Traffic::default())),
        Severity::Note,
        "No mail came or went in the last 5 minutes, as far as the logs say.",
    );
}

/// What went out some minutes ago is no mail that is going out: the log may be silent since.
#[test]
fn mail_that_was_not_seen_to_go_out_is_not_said_to() {
    let silent = |now: &mut Situation| {
        for channel in now.channels.values_mut() {
            channel.traffic.get_or_insert_default().short = ChannelActivity::default();
        }
    };
    check(silent, Severity::Note, "No mail went out in the last minute; some did in the last 5 minutes.");
    check(
        |now| {
            silent(now);
            now.lately.unlogged_changes = Some(900);
        },
        Severity::Warning,
        "The queue changes, and nothing of it was logged for 30 minutes.",
    );
    // In the first minutes, and while a log is behind, nobody knows.
    for (known_for, sentence) in [
        (
            Some(40.0),
            "It is not known yet whether mail flows: nothing was logged in the 40 s that are known.",
        ),
        (Some(300.0), "No mail came or went in the last 5 minutes, as far as the logs say."),
    ] {
        check(
            |now| {
                now.channels.values_mut().for_each(|channel| channel.traffic = None);
                now.logs.as_mut().expect("known").known_for = known_for;
            },
            Severity::Note,
            sentence,
        );
    }
    check(
        |now| {
            now.lately.lagging = vec![("a".to_owned(), 3.0), ("b".to_owned(), 31.0), ("c".to_owned(), 30.0)];
        },
        Severity::Note,
        "It is not known whether mail flows now: b was last read to its end 31 s ago.",
    );
    // The Job Controller starts nothing: no channel that stands still for it is a way out.
    let mut situation = healthy();
    let mut events = Events::default();
    (0..9).for_each(|_| events[DaemonLog::JobController].add(EventClass::ForkFailed));
    situation.daemon_events = Some(events);
    for name in ["ims-ms", "process", "tcp_local"] {
        traffic_of(&mut situation, name).last_attempt = Some(2000.0);
        queue_of(&mut situation, name).never_tried = 90;
    }
    let found = findings(&situation);
    assert!(found[0].what.starts_with("The Job Controller cannot start processes"), "{found:#?}");
    assert!(!found.iter().any(|finding| finding.what.contains("going out")), "{found:#?}");
}

#[test]
fn what_is_going_out_is_not_what_is_handed_on_within_the_host() {
    check(
        |now| {
            for name in ["ims-ms", "tcp_local"] {
                *traffic_of(now, name) = traffic(activity(3, 0, &[]));
            }
        },
        Severity::Note,
        "6 recipients came in the last 5 minutes, and no delivery was tried yet.",
    );
    check(
        |now| {
            for name in ["ims-ms", "tcp_local"] {
                *traffic_of(now, name) = traffic(activity(3, 0, &[(Reason::ConnTimeout, 3)]));
            }
        },
        Severity::Note,
        "Nothing was delivered in the last 5 minutes: 6 failed attempts.",
    );
}

#[test]
fn channels_that_fail() {
    check(
        |now| {
            *traffic_of(now, "tcp_local") =
                traffic(activity(90, 29, &[(Reason::DnsTemporary, 60), (Reason::UserUnknown, 11)]));
        },
        Severity::Critical,
        "tcp_local: 71 % of attempts failed in the last minute, mostly dns_temporary.",
    );
    // Too few in a minute: the window is longer.
    check(
        |now| {
            let traffic = traffic_of(now, "ims-ms");
            traffic.short = activity(2, 0, &[(Reason::MailboxBusy, 4)]);
            traffic.window = activity(20, 2, &[(Reason::MailboxBusy, 18)]);
            (traffic.domains, traffic.worst_domain_share) = (1, 1.0);
        },
        Severity::Critical,
        "ims-ms: 90 % of attempts failed in the last 5 minutes, mostly mailbox_busy.",
    );
    // Over, by the last minute.
    check(
        |now| {
            let traffic = traffic_of(now, "tcp_local");
            traffic.short = activity(50, 50, &[]);
            traffic.window = activity(200, 50, &[(Reason::DnsTemporary, 300)]);
        },
        Severity::Good,
        "Mail is going out.",
    );
    // One destination of many is theirs.
    check(
        |now| {
            *traffic_of(now, "tcp_local") = traffic(activity(90, 40, &[(Reason::HostSkipped, 60)]));
            traffic_of(now, "tcp_local").worst_domain_share = 0.97;
        },
        Severity::Warning,
        "tcp_local: one destination of 20 has 97 % of the failures of the last 5 minutes, mostly host_skipped; \
         the others go through.",
    );
}

#[test]
fn nothing_is_tried() {
    check(
        |now| {
            now.processes.as_mut().expect("known").insert("job_controller".to_owned(), 0);
            for name in ["ims-ms", "tcp_local"] {
                let traffic = traffic_of(now, name);
                (traffic.window, traffic.last_attempt) = (activity(100, 0, &[]), Some(720.0));
                queue_of(now, name).never_tried = 90;
            }
        },
        Severity::Critical,
        "No job_controller runs: nothing is delivered.",
    );
    check(
        |now| {
            now.processes.as_mut().expect("known").insert("dispatcher".to_owned(), 0);
        },
        Severity::Critical,
        "No dispatcher runs: no mail is accepted.",
    );
    check(
        |now| now.processes = Some(["dispatcher", "job_controller"].map(|name| (name.to_owned(), 0)).into()),
        Severity::Critical,
        "The MTA is down: no job_controller runs, and no dispatcher.",
    );
    check(
        |now| {
            traffic_of(now, "ims-ms").last_attempt = Some(720.0);
            traffic_of(now, "ims-ms").window = activity(0, 0, &[]);
            queue_of(now, "ims-ms").never_tried = 25;
        },
        Severity::Critical,
        "Mail waits in ims-ms and no delivery was tried for 12 minutes.",
    );
    // Mail comes in and goes not out, long before any of it counts as never tried.
    check(
        |now| {
            traffic_of(now, "ims-ms").last_attempt = None;
            traffic_of(now, "ims-ms").window = activity(25, 0, &[]);
        },
        Severity::Critical,
        "Mail waits in ims-ms and no delivery was tried so far.",
    );
    // Where mail waits on purpose nobody tries.
    check(
        |now| {
            for name in ["hold", "defragment"] {
                *traffic_of(now, name) = Traffic { window: activity(30, 0, &[]), ..Traffic::default() };
            }
            queue_of(now, "hold").held = 30;
        },
        Severity::Good,
        "Mail is going out.",
    );
    check(
        |now| {
            queue_of(now, "ims-ms").never_tried = 2;
        },
        Severity::Warning,
        "ims-ms: 2 messages that nobody has tried to deliver.",
    );
}

/// What went out in the last five minutes goes out no more.
#[test]
fn without_a_job_controller_no_mail_is_going_out() {
    let mut situation = healthy();
    situation.processes.as_mut().expect("known").insert("job_controller".to_owned(), 0);
    let rules: Vec<_> = findings(&situation).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["no_process"]);
}

#[test]
fn what_a_standstill_explains_is_left_out() {
    let mut situation = healthy();
    situation.processes.as_mut().expect("known").insert("job_controller".to_owned(), 0);
    for name in ["ims-ms", "tcp_local", "process"] {
        *traffic_of(&mut situation, name) =
            Traffic { window: activity(100, 0, &[]), last_attempt: Some(2000.0), ..Traffic::default() };
        *queue_of(&mut situation, name) = Waiting {
            messages: 900,
            oldest: Some(2100.0),
            never_tried: 90,
            growth: Some(800),
            ..Waiting::default()
        };
    }
    let found = findings(&situation);
    let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["no_process"], "{found:#?}");
    assert_eq!(found[0].evidence, "The last delivery was tried 33 minutes ago.");
}

#[test]
fn a_channel_that_fails_is_no_mail_that_goes_out() {
    let mut situation = healthy();
    *traffic_of(&mut situation, "tcp_local") = traffic(activity(90, 5, &[(Reason::DnsTemporary, 60)]));
    let found = findings(&situation);
    assert_eq!(found[1].what, "Mail of the other channels is going out.");
    assert!(found[1].evidence.contains("298 delivered, 1 failed"), "{found:#?}");
    *traffic_of(&mut situation, "ims-ms") = traffic(activity(90, 0, &[(Reason::MailboxBusy, 60)]));
    assert!(findings(&situation).iter().all(|finding| finding.severity == Severity::Critical));
}

/// What to look at next follows the reason, and the runbook is that of the alert.
#[test]
fn advice_goes_by_the_reason() {
    for (channel, reason, next) in [
        ("tcp_local", Reason::DnsTemporary, "Look at the resolvers of this host"),
        ("tcp_local", Reason::UserUnknown, "Look at the addresses and at who sends to them"),
        ("tcp_local", Reason::Remote5xx, "`imsimta-exporter report`"),
        ("ims-ms", Reason::ConnRefused, "Look at the message store"),
        ("ims-ms", Reason::OverQuota, "Look at the fullest mailboxes"),
    ] {
        let mut situation = healthy();
        *traffic_of(&mut situation, channel) = traffic(activity(90, 5, &[(reason, 60)]));
        let finding = &findings(&situation)[0];
        assert!(finding.next.starts_with(next), "{channel} {reason:?}: {}", finding.next);
        assert!(finding.next.ends_with("says which destinations and replies."), "{}", finding.next);
        let runbook = finding.runbook.map(Runbook::file);
        let expected = "ImsMtaDeliveryFailureSpike.md";
        assert_eq!(runbook.as_deref(), Some(expected));
        // One destination of many.
        *traffic_of(&mut situation, "tcp_local") = traffic(activity(90, 60, &[(reason, 40)]));
        traffic_of(&mut situation, "tcp_local").worst_domain_share = 0.97;
        let found = findings(&situation);
        let finding = found.iter().find(|finding| finding.rule == "destination_failures").expect("found");
        let theirs = finding.next.starts_with("Look at that host, and tell its postmaster.");
        assert_eq!(theirs, !matches!(reason, Reason::UserUnknown | Reason::OverQuota), "{}", finding.next);
    }
}

/// What is well is well, from however little on something is a finding.
#[test]
fn thresholds_of_nothing_find_nothing() {
    let limits = Thresholds { attempts: 0, failing_share: 0.0, stuck_messages: 0, ..Thresholds::default() };
    let mut situation = healthy();
    for channel in ["ims-ms", "tcp_local"] {
        *traffic_of(&mut situation, channel) = traffic(activity(300, 300, &[]));
    }
    *traffic_of(&mut situation, "process") = Traffic { last_attempt: None, ..traffic(activity(0, 0, &[])) };
    let found = super::findings(&Input { now: Some(&situation), logs: None, limits: &limits });
    assert_eq!(found[0].what, "Mail is going out.");
}

#[test]
fn thresholds_decide() {
    let mut situation = healthy();
    *traffic_of(&mut situation, "tcp_local") = traffic(activity(90, 60, &[(Reason::DnsTemporary, 40)]));
    let first = |limits: &Thresholds| {
        super::findings(&Input { now: Some(&situation), logs: None, limits }).swap_remove(0).what
    };
    let mut limits = Thresholds::default();
    assert_eq!(first(&limits), "Mail is going out.");
    limits.failing_share = 0.4;
    assert_eq!(
        first(&limits),
        "tcp_local: 40 % of attempts failed in the last minute, mostly dns_temporary."
    );
    limits.attempts = 101;
    assert_eq!(first(&limits), "Mail is going out.");
}

#[test]
fn what_is_not_known() {
    let unknown = |now: &mut Situation| {
        now.logs = None;
        now.channels.values_mut().for_each(|channel| channel.traffic = None);
    };
    check(unknown, Severity::Note, "It is not known yet whether mail flows: the logs are being read.");
    check(
        |now| {
            unknown(now);
            now.unread.push(unread("log", "mail.log_current: No such file or directory", false));
        },
        Severity::Critical,
        "The logs cannot be read: mail.log_current: No such file or directory.",
    );
    check(
        |now| {
            now.channels.values_mut().for_each(|channel| channel.queue = None);
            now.queue_known = false;
            now.unread.push(unread("queue", "cannot open the queue directory /q: Permission denied", false));
        },
        Severity::Critical,
        "The queue cannot be read: cannot open the queue directory /q: Permission denied.",
    );
    check(
        |now| now.unread.push(unread("queue", "/q/ims-ms: Permission denied", true)),
        Severity::Warning,
        "A part of the queue cannot be read: /q/ims-ms: Permission denied.",
    );
    check(
        |now| now.unread.push(unread("processes", "/proc is mounted with hidepid", true)),
        Severity::Warning,
        "A part of the table of processes cannot be read: /proc is mounted with hidepid.",
    );
    check(
        |now| {
            now.channels.values_mut().for_each(|channel| channel.traffic = Some(Traffic::default()));
            now.logs.as_mut().expect("known").zone_question =
                Some(("mail.log_current".to_owned(), "entries are 5 h behind.".to_owned()));
        },
        Severity::Warning,
        "It is not known whether mail flows now: entries are 5 h behind.",
    );
    // A process that cannot be seen is none that is missing.
    check(|now| now.processes = None, Severity::Good, "Mail is going out.");
}

#[test]
fn a_passive_node_says_so() {
    check(
        |now| {
            *now = Situation {
                active: Some(false),
                processes: Some([("job_controller".to_owned(), 0), ("dispatcher".to_owned(), 0)].into()),
                unread: vec![
                    unread("log", "no such file", false),
                    unread("queue", "no such directory", false),
                ],
                ..Situation::default()
            };
        },
        Severity::Note,
        "This is a passive node: the MTA's logs and queue are not on this host, and no mail is expected.",
    );
}

#[test]
fn mail_that_flows_and_something_beside_it() {
    check(
        |now| {
            (queue_of(now, "tcp_local").held, queue_of(now, "tcp_local").loops) = (26, 25);
        },
        Severity::Warning,
        "tcp_local: 26 held messages, and 25 of them went around in a mail loop.",
    );
    // The alert about a mail loop that goes on pages, and so does the page.
    check(
        |now| {
            let queue = queue_of(now, "tcp_local");
            (queue.held, queue.loops, queue.held_growth) = (126, 125, Some(101));
        },
        Severity::Critical,
        "tcp_local: 101 more held messages than ten minutes ago, as in a mail loop.",
    );
    check(
        |now| {
            let queue = queue_of(now, "tcp_local");
            (queue.held, queue.loops, queue.held_growth) = (126, 125, Some(100));
        },
        Severity::Warning,
        "tcp_local: 126 held messages, and 125 of them went around in a mail loop.",
    );
    check(
        |now| {
            queue_of(now, "hold").held = 500;
            queue_of(now, "hold").held_growth = Some(500);
        },
        Severity::Good,
        "Mail is going out.",
    );
    check(
        |now| {
            queue_of(now, "tcp_local").held = 1;
        },
        Severity::Warning,
        "tcp_local: 1 held message, which nothing delivers until somebody looks.",
    );
    check(
        |now| {
            now.filesystems.entry("queue").or_default().free = Some(0.031);
        },
        Severity::Warning,
        "The file system of the directory queue has only 3 % free.",
    );
    check(
        |now| {
            let queue = queue_of(now, "tcp_local");
            (queue.messages, queue.growth) = (2100, Some(250));
        },
        Severity::Warning,
        "tcp_local: 2100 messages wait, 250 more than 15 minutes ago.",
    );
    // A large queue that hardly grows.
    check(
        |now| {
            let queue = queue_of(now, "tcp_local");
            (queue.messages, queue.growth) = (9000, Some(250));
        },
        Severity::Good,
        "Mail is going out.",
    );
    check(
        |now| {
            queue_of(now, "process").oldest = Some(2700.0);
        },
        Severity::Warning,
        "process: a message has waited for 45 minutes, and this channel needs nobody outside to deliver.",
    );
    let found = findings(&healthy());
    assert_eq!(
        found[0].evidence,
        "In the last 5 minutes: 500 recipients for delivery, 478 delivered, 13 failed attempts. 21 messages in the queue."
    );
}

#[test]
fn the_gravest_is_first_and_what_is_explained_is_left_out() {
    let finding = |severity, rule| Finding::new(severity, rule, format!("{rule}."));
    let found = vec![
        finding(Severity::Note, "a"),
        finding(Severity::Warning, "b").of("tcp_local"),
        finding(Severity::Warning, "b").of("ims-ms"),
        finding(Severity::Critical, "c").explains(&["b"], Some("ims-ms")),
        finding(Severity::Warning, "d"),
    ];
    let all = weighed(found);
    let shown: Vec<_> = all
        .iter()
        .map(|Weighed { finding, by, .. }| (finding.rule, finding.channel.as_deref(), *by))
        .collect();
    let (own, other) = (("b", Some("tcp_local"), None), ("b", Some("ims-ms"), Some("c")));
    assert_eq!(shown, [("c", None, None), own, other, ("d", None, None), ("a", None, None)]);
}
