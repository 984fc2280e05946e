//! Alerts that findings are reason enough for are those of the rules of Prometheus: names, severities, names of labels, and
//! the figures from which on they ring.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::every_rule::NOW;
use super::{activity, findings, healthy, queue_of, traffic, traffic_of, unread};
use crate::aggregate::recent::{Before, Judged};
use crate::findings::alert_of::{AlertOf, LABELS};
use crate::findings::measure::Measure;
use crate::findings::rules::RULES;
use crate::findings::situation::{Compared, Situation, Traffic};
use crate::findings::thresholds::table;
use crate::findings::{Input, Severity, Thresholds, with_explained};
use crate::record::daemon_log::{DaemonLog, EventClass};
use crate::record::reason::Reason;

/// Labels that every alert has, or gets from where it is sent.
const OF_ALL: &[&str] = &["severity", "job", "instance", "cluster"];

#[derive(Deserialize)]
struct File {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(default)]
    alert_rule_test: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    alertname: String,
    #[serde(default)]
    exp_alerts: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    exp_labels: BTreeMap<String, String>,
}

/// The names of labels with which the rules' own tests expect an alert of this name and severity.
fn expected(name: &str, severity: &str) -> BTreeSet<BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/tests").join(format!("{name}.test.yml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: File = serde_saphyr::from_str(&text).expect("cases");
    let cases = file.tests.into_iter().flat_map(|test| test.alert_rule_test);
    let alerts = cases.filter(|case| case.alertname == name).flat_map(|case| case.exp_alerts);
    let of = |alert: &Expected| alert.exp_labels.get("severity").is_some_and(|of| of == severity);
    let names = |alert: Expected| {
        alert.exp_labels.into_keys().filter(|label| !OF_ALL.contains(&label.as_str())).collect()
    };
    alerts.filter(of).map(names).collect()
}

fn rung(situation: &Situation) -> Vec<AlertOf> {
    let limits = Thresholds::default();
    let found = with_explained(&Input { now: Some(situation), logs: None, limits: &limits });
    found.into_iter().flat_map(|weighed| weighed.finding.alerts).collect()
}

#[test]
fn findings_label_their_alerts_as_the_rules_do() {
    let mut names = BTreeSet::new();
    for (rule, happens) in NOW {
        let mut situation = healthy();
        happens(&mut situation);
        for alert in rung(&situation) {
            let labels: BTreeSet<String> = alert.labels.keys().map(|&label| label.to_owned()).collect();
            let expected = expected(alert.name, alert.severity.label());
            assert!(expected.contains(&labels), "{rule}: {alert:?}: the rule's tests expect {expected:?}");
            assert!(alert.labels.keys().all(|label| LABELS.contains(label)), "{alert:?}");
            names.insert((alert.name, alert.severity.label()));
        }
    }
    for rule in RULES.iter().filter(|rule| rule.is_of_now()) {
        let Some(alert) = rule.alert else { continue };
        let severity = table().nearest(alert, rule.severity).expect("a row").label();
        assert!(
            names.contains(&(alert, severity)),
            "no case rings {alert} ({severity}): src/findings/tests/every_rule.rs"
        );
    }
}

/// The channels for which the spike rings.
fn spikes(happens: impl FnOnce(&mut Situation)) -> Vec<String> {
    let mut situation = healthy();
    happens(&mut situation);
    let spikes = rung(&situation).into_iter().filter(|alert| alert.name == "ImsMtaDeliveryFailureSpike");
    spikes.map(|mut alert| alert.labels.remove("channel").expect("a channel")).collect()
}

/// What a channel did in the last seconds, and in minutes.
fn failing(seconds: (u64, u64), minutes: (u64, u64)) -> Traffic {
    let of = |(delivered, failed)| activity(0, delivered, &[(Reason::NoRoute, failed)]);
    let spike = of(seconds);
    Traffic { spike: [spike.clone(), spike], failing_domains: 9, ..traffic(of(minutes)) }
}

#[test]
fn a_spike_rings_as_the_rule_does() {
    let rings = |traffic: Traffic, failing_domains| {
        let found = spikes(|now| {
            *traffic_of(now, "tcp_local") = traffic;
            now.failing_domains = failing_domains;
        });
        !found.is_empty()
    };
    for (seconds, minutes, rings_so) in [
        // Within seconds, whatever the minutes before were like.
        ((2, 18), (300, 18), true),
        ((0, 19), (300, 19), false),
        // So many are a chance of what fails less, and not where more are.
        ((3, 17), (300, 17), false),
        ((10, 10), (300, 10), false),
        ((8, 28), (300, 28), false),
        ((7, 29), (300, 29), true),
        ((40, 80), (40, 80), true),
        ((49, 50), (100, 200), true),
        ((51, 49), (100, 200), false),
        // Few a minute: 70 % of 15 in five of them.
        ((0, 0), (4, 11), true),
        ((0, 0), (4, 10), false),
        ((0, 0), (5, 10), false),
        // It is over.
        ((20, 0), (4, 30), false),
    ] {
        assert_eq!(rings(failing(seconds, minutes), 9), rings_so, "{seconds:?} {minutes:?}");
    }
    // What begins is seen at the end of the window first, and what rings goes on without so much evidence.
    let ends = [(5, 5), (13, 13), (13, 22)].map(|(failing, attempts)| Judged { failing, attempts });
    let half = failing((15, 15), (300, 15));
    assert!(rings(Traffic { spike_ends: ends, ..half.clone() }, 9));
    let ends = [(5, 5), (12, 12), (13, 22)].map(|(failing, attempts)| Judged { failing, attempts });
    assert!(!rings(Traffic { spike_ends: ends, ..half.clone() }, 9));
    let goes_on = spikes(|now| {
        *traffic_of(now, "tcp_local") = half;
        now.ringing.insert(("ImsMtaDeliveryFailureSpike", "tcp_local".to_owned()));
    });
    assert_eq!(goes_on, ["tcp_local"]);
    // Where little failed before a half is no chance, and where much did it is. In the evening the same failures are a half.
    let before = |failed, tried| {
        let before = |failing, attempts, seconds| Before { judged: Judged { failing, attempts }, seconds };
        let before = [before(failed, tried, 900.0), before(4 * failed, 4 * tried, 3600.0)];
        rings(Traffic { before, ..failing((10, 10), (300, 10)) }, 9)
    };
    for (failed, tried, expected) in [
        (0, 450, true),
        (45, 450, true),
        (90, 450, false),
        (190, 450, false),
        (150, 3000, false),
        (0, 9, false),
    ] {
        assert_eq!(before(failed, tried), expected, "{failed} of {tried}");
    }
    // The rules of a site with rare scrapes look at minutes.
    let minutes = activity(0, 10, &[(Reason::NoRoute, 10)]);
    let scraped_spike = Some([minutes.clone(), minutes]);
    let known = Before { judged: Judged { failing: 1, attempts: 450 }, seconds: 900.0 };
    assert!(rings(Traffic { scraped_spike, before: [known; 2], ..failing((0, 5), (300, 10)) }, 9));
    // One or two domains of a channel that has many are their own trouble, where attempts are few.
    assert!(!rings(failing((0, 0), (0, 30)), 2));
    assert!(rings(failing((0, 30), (0, 30)), 2));
    let few = Traffic { domains: 1, ..failing((0, 0), (0, 30)) };
    assert!(rings(few.clone(), 1));
    assert!(!rings(Traffic { domains_of_day: 20, ..few }, 1), "at night it tries one of them");
    // An old backlog that fails as it does, unless it is a page already.
    let backlog = Traffic { delivered_in_hour: Some(19), ..failing((0, 0), (0, 30)) };
    assert!(!rings(backlog.clone(), 9));
    assert!(rings(Traffic { delivered_in_hour: Some(20), ..backlog.clone() }, 9));
    assert!(rings(Traffic { delivered_in_hour: None, ..backlog.clone() }, 9));
    let goes_on = spikes(|now| {
        (*traffic_of(now, "tcp_local"), now.failing_domains) = (backlog, 9);
        now.ringing.insert(("ImsMtaDeliveryFailureSpike", "tcp_local".to_owned()));
    });
    assert_eq!(goes_on, ["tcp_local"]);
}

/// One domain's burst does not ring, and hides nothing of the others.
#[test]
fn all_but_the_worst_domain_are_judged_without_it() {
    let ring = |others: (u64, u64)| {
        !spikes(|now| {
            let (delivered, failed) = others;
            let mut traffic = failing((0, 0), (delivered, 500 + failed));
            (traffic.worst_domain_share, traffic.worst_domain.failures, traffic.worst_domain.attempts) =
                (0.9, 500, 500);
            (*traffic_of(now, "tcp_local"), now.failing_domains) = (traffic, 9);
        })
        .is_empty()
    };
    assert!(!ring((20, 0)));
    assert!(!ring((20, 19)));
    assert!(ring((20, 20)));
    assert!(!ring((5, 14)), "too few");
}

/// A dead destination that has begun to be one goes on by four of five of the failures.
#[test]
fn a_dead_destination_lasts_while_failures_are_a_few_less() {
    let rings = |failed, has_begun: bool| {
        let mut situation = healthy();
        let window = activity(0, 40, &[(Reason::ConnTimeout, failed)]);
        *traffic_of(&mut situation, "tcp_local") =
            Traffic { domains: 20, worst_domain_share: 0.9, ..traffic(window) };
        if has_begun {
            situation.ringing.insert(("ImsMtaDestinationDead", "tcp_local".to_owned()));
        }
        rung(&situation).iter().any(|alert| alert.name == "ImsMtaDestinationDead")
    };
    assert_eq!(
        [(20, false), (19, false), (16, true), (15, true)].map(|(failed, begun)| rings(failed, begun)),
        [true, false, true, false]
    );
}

/// At night hardly as many fail in five minutes: in a quarter of an hour they do, where they are much of what is tried.
#[test]
fn a_dead_destination_of_the_night_is_told_by_a_quarter_of_an_hour() {
    let rings = |failing, delivered, worst_share| {
        let mut situation = healthy();
        let window = activity(0, 8, &[(Reason::ConnTimeout, 12)]);
        let traffic = {
            let traffic = Traffic { domains: 20, worst_domain_share: 0.9, ..traffic(window) };
            let of = traffic_of(&mut situation, "tcp_local");
            *of = traffic;
            of
        };
        (traffic.quarter.failing, traffic.quarter.delivered) = (failing, delivered);
        traffic.quarter.worst_share = worst_share;
        rung(&situation).iter().map(|alert| alert.name).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(rings(20, 40, 0.9), ["ImsMtaDestinationDead"]);
    assert_eq!(rings(19, 40, 0.9), none);
    assert_eq!(rings(20, 80, 0.9), none);
    assert_eq!(rings(20, 40, 0.8), ["ImsMtaDeliveryFailuresElevated"]);
}

/// Greylisting is what a host does with everybody.
#[test]
fn what_everybody_meets_rings_for_nobody() {
    let found = spikes(|now| {
        let window = activity(0, 1, &[(Reason::Greylisted, 90), (Reason::Expired, 9)]);
        let spike = [window.clone(), window.clone()];
        *traffic_of(now, "tcp_local") = Traffic { spike, ..traffic(window) };
        now.failing_domains = 9;
    });
    assert_eq!(found, [""; 0]);
}

/// Who looks at the page sees more than what rings.
#[test]
fn a_finding_may_be_less_than_an_alert() {
    let mut situation = healthy();
    queue_of(&mut situation, "l").held = 1;
    assert_eq!(rung(&situation).len(), 1);
    *traffic_of(&mut situation, "l") = traffic(activity(9, 0, &[(Reason::Greylisted, 30)]));
    assert_eq!(rung(&situation).len(), 1);
}

/// What follows from a cause comes after it, and each channel's page names the cause.
#[test]
fn channels_that_stand_still_since_no_job_can_be_started_say_so() {
    let mut situation = healthy();
    for channel in ["ims-ms", "tcp_local"] {
        *traffic_of(&mut situation, channel) =
            Traffic { window: activity(100, 0, &[]), last_attempt: Some(2000.0), ..Traffic::default() };
        queue_of(&mut situation, channel).never_tried = 90;
    }
    let stuck = |situation: &Situation| {
        let mut channels: Vec<_> = rung(situation)
            .into_iter()
            .filter(|alert| (alert.name, alert.severity) == ("ImsMtaQueueStuck", Severity::Critical))
            .map(|mut alert| alert.labels.remove("channel").expect("a channel"))
            .collect();
        channels.sort_unstable();
        channels.dedup();
        channels
    };
    assert_eq!(stuck(&situation), ["ims-ms", "tcp_local"]);
    situation.daemon_events.as_mut().expect("known")[DaemonLog::JobController].add(EventClass::ForkFailed);
    assert_eq!(stuck(&situation), ["ims-ms", "tcp_local"]);
    let found = findings(&situation);
    let what = "The Job Controller cannot start processes (fork_failed), and mail stands still in ims-ms, tcp_local.";
    assert_eq!(found[0].what, what);
    assert!(found.iter().all(|finding| finding.rule != "standstill"), "{found:#?}");
    // Without mail that stands still it is a ticket.
    let mut situation = healthy();
    situation.daemon_events.as_mut().expect("known")[DaemonLog::JobController].add(EventClass::ForkFailed);
    assert_eq!(rung(&situation).iter().map(|alert| alert.name).collect::<Vec<_>>(), ["ImsMtaDaemonErrors"]);
}

#[test]
fn nothing_delivered_rings_where_much_usually_is() {
    let rings = |new, delivered, goes_on| {
        let mut situation = healthy();
        (queue_of(&mut situation, "l").new, queue_of(&mut situation, "l").delivered) = (new, delivered);
        if goes_on {
            situation.ringing.insert(("ImsMtaNoDeliveries", "l".to_owned()));
        }
        rung(&situation).iter().any(|alert| alert.name == "ImsMtaNoDeliveries")
    };
    for (new, delivered, goes_on, expected) in [
        (20, Some((0, 60)), false, true),
        (19, Some((0, 60)), false, false),
        (20, Some((1, 60)), false, false),
        (20, Some((0, 59)), false, false),
        (20, Some((0, 0)), true, true),
        (20, None, true, false),
    ] {
        assert_eq!(rings(new, delivered, goes_on), expected, "{new} {delivered:?} {goes_on}");
    }
}

/// The page may say that a channel fails where the rule does not ring; that holds nothing else back.
#[test]
fn what_rings_nothing_holds_nothing_back() {
    let mut situation = healthy();
    *traffic_of(&mut situation, "l") = Traffic { delivered_in_hour: Some(0), ..failing((0, 0), (0, 40)) };
    (queue_of(&mut situation, "l").new, queue_of(&mut situation, "l").delivered) = (40, Some((0, 90)));
    let limits = Thresholds::default();
    let held_back = |situation: &Situation| {
        let all = with_explained(&Input { now: Some(situation), logs: None, limits: &limits });
        let row = all.into_iter().find(|weighed| weighed.finding.rule == "no_deliveries").expect("found");
        (row.by, row.rung)
    };
    assert_eq!(held_back(&situation), (Some("channel_failures"), false));
    *traffic_of(&mut situation, "l") = failing((0, 40), (0, 40));
    assert_eq!(held_back(&situation), (Some("channel_failures"), true));
}

/// Each host is compared with itself; where nothing is known of it, with what is much anywhere.
#[test]
fn who_knocks_is_compared_with_what_is_usual() {
    let rings = |measure: Measure, of: (u64, Option<u64>, Option<u64>), happens: fn(&mut Situation)| {
        let mut situation = healthy();
        let (now, usual, last_week) = of;
        situation.compared[measure as usize] = Some(Compared { now, usual, last_week });
        happens(&mut situation);
        rung(&situation).iter().map(|alert| (alert.name, alert.severity.label())).collect::<Vec<_>>()
    };
    let none: [(&str, &str); 0] = [];
    let is = |_: &mut Situation| {};
    // A flood: far more than is usual; where there is no room it pages.
    let flood = |of, happens| rings(Measure::Connections, of, happens);
    assert_eq!(flood((6001, Some(2000), None), is), [("ImsMtaConnectionFlood", "warning")]);
    assert_eq!(flood((6000, Some(10), None), is), none);
    assert_eq!(flood((6001, Some(2001), None), is), none);
    assert_eq!(flood((6001, Some(2000), Some(2001)), is), none);
    assert_eq!(flood((6001, None, None), is), none);
    let near = |now: &mut Situation| now.services[0].used = 81;
    let (both, limit) = (("ImsMtaConnectionFlood", "critical"), ("ImsMtaConnectionsNearLimit", "warning"));
    assert_eq!(flood((6001, Some(2000), None), near)[0], both);
    assert_eq!(flood((6001, None, None), near), [limit], "a busy host may be near its limit each day");
    assert_eq!(flood((6001, None, None), |now| now.services[0].used = 100)[0], both);
    assert_eq!(flood((6001, Some(2001), None), |now| now.listen_overflows = 11), none);
    // Guesses need no usual, and to be a part of all.
    let guesses = |of, happens| rings(Measure::Guesses, of, happens);
    assert_eq!(guesses((51, None, None), is), [("ImsMtaPasswordGuessing", "warning")]);
    assert_eq!(guesses((51, Some(17), None), is), none);
    assert_eq!(guesses((51, None, None), |now| now.authentications_lately = 600), none);
    // Relaying: a part of what comes in, where nothing is known.
    let relaying = |of, happens| rings(Measure::RelayDenied, of, happens);
    assert_eq!(
        relaying((101, None, None), |now| now.enqueued_lately = 2000),
        [("ImsMtaRelayProbing", "warning")]
    );
    assert_eq!(relaying((101, None, None), |now| now.enqueued_lately = 2100), none);
    // A sender: what no person sends, where nothing is known.
    let sender = |of| rings(Measure::Sender, of, is);
    assert_eq!(sender((3000, None, None)), [("ImsMtaSenderSurge", "warning")]);
    assert_eq!(sender((2999, None, None)), none);
    assert_eq!(sender((300, Some(99), None)), [("ImsMtaSenderSurge", "warning")]);
    assert_eq!(sender((300, Some(99), Some(201))), none, "as each week");
    // One client behind which nobody knows who is.
    assert_eq!(rings(Measure::Client, (9000, None, None), is), none);
}

/// Where few new messages wait beside what is delivered, some mailboxes are locked or full; where that is not known, nothing
/// is said.
#[test]
fn new_mail_that_waits_for_the_store_is_compared_with_what_is_delivered() {
    for (channel, new, delivered, expected) in [
        ("l", 20, Some(199), true),
        ("l", 20, Some(200), false),
        ("l", 19, Some(0), false),
        ("l", 20, None, false),
        ("tcp_local", 20, Some(0), false),
    ] {
        let mut situation = healthy();
        let queue = queue_of(&mut situation, channel);
        (queue.new, queue.delivered_in_hour) = (new, delivered);
        let rings = rung(&situation).iter().any(|alert| alert.name == "ImsMtaQueueStoreOld");
        assert_eq!(rings, expected, "{channel} {new} {delivered:?}");
    }
}

/// From where on each of these rings, by the figures of its rule.
#[test]
fn what_is_just_not_enough_does_not_ring() {
    let rows: [(&str, super::every_rule::Happens); 10] = [
        ("ImsMtaQueueRemoteOld", |now| queue_of(now, "tcp_local").oldest = Some(691_200.0)),
        ("ImsMtaQueueRemoteOld", |now| queue_of(now, "ims-ms").oldest = Some(9e9)),
        ("ImsMtaQueueOtherFiles", |now| queue_of(now, "l").other_files = 5),
        ("ImsMtaQueueOtherFiles", |now| {
            (queue_of(now, "l").messages, queue_of(now, "l").other_files) = (291, 9);
        }),
        ("ImsMtaListenOverflow", |now| {
            (now.listen_overflows, now.lately.listen_queues) = (11, [(25, 0.49)].into());
        }),
        ("ImsMtaListenOverflow", |now| {
            (now.listen_overflows, now.lately.listen_queues) = (10, [(25, 1.0)].into());
        }),
        ("ImsMtaProcessFlapping", |now| now.lately.starts = [2, 2]),
        ("ImsMtaLabelsCapped", |now| now.lately.capped = [10, 10, 10]),
        ("ImsMtaQueueEmpty", |now| now.scan.directories = Some(1)),
        ("ImsMtaNotificationsFailing", |now| now.untold.push(super::every_rule::untold(599))),
    ];
    for (alert, happens) in rows {
        let mut situation = healthy();
        happens(&mut situation);
        assert!(rung(&situation).iter().all(|rung| rung.name != alert), "{alert}");
    }
}

/// A lost queue directory is a page, and no ticket beside it says that it cannot be read.
#[test]
fn a_lost_queue_is_one_alert() {
    let rung_with = |directories| {
        let mut situation = healthy();
        situation.scan.directories = directories;
        situation.unread = ["queue", "log"].map(|collector| unread(collector, "it is empty", false)).into();
        let mut names = rung(&situation);
        names.retain(|alert| alert.labels.get("collector").is_none_or(|collector| collector != "log"));
        names.iter().map(|alert| alert.name).collect::<Vec<_>>()
    };
    assert_eq!(rung_with(Some(0)), ["ImsMtaQueueEmpty"]);
    assert_eq!(rung_with(None), ["ImsMtaCollectorFailing"]);
}

/// More failures than last week; where nothing is known of that, what is much anywhere.
#[test]
fn more_failures_than_last_week_ring_and_a_page_or_one_domain_has_told_them() {
    let rings = |delivered, failing, week: Option<f64>, happens: fn(&mut Traffic)| {
        let mut situation = healthy();
        let traffic = traffic_of(&mut situation, "l");
        traffic.domains = 20;
        (traffic.quarter.delivered, traffic.quarter.failing) = (delivered, failing);
        traffic.quarter.last_week.failing_share = week;
        happens(traffic);
        rung(&situation).iter().any(|alert| alert.name == "ImsMtaDeliveryFailuresElevated")
    };
    let is = |_: &mut Traffic| {};
    for (delivered, failing, week, expected) in [
        (79, 21, None, true),
        (80, 20, None, false),
        (90, 10, Some(0.03), true),
        (90, 10, Some(0.04), false),
        (94, 11, Some(0.0), true),
        // Three times as many would be nearly all.
        (50, 30, Some(0.2), true),
        (60, 24, Some(0.2), false),
        (1180, 320, Some(0.18), false),
        (190, 10, Some(0.0), false),
        (5, 9, Some(0.0), false),
        (4, 10, None, false),
        (5, 10, None, true),
    ] {
        assert_eq!(rings(delivered, failing, week, is), expected, "{delivered} {failing} {week:?}");
    }
    assert!(!rings(0, 90, None, |traffic| traffic.spiked = true));
    assert!(!rings(0, 90, None, |traffic| traffic.quarter.worst_share = 0.9));
    assert!(rings(0, 90, None, |traffic| (traffic.quarter.worst_share, traffic.domains) = (0.9, 1)));
}

#[test]
fn rejections_are_compared_with_what_is_usual_and_with_last_week() {
    for (rejected, usual, week, expected) in [
        (100, Some(33), None, true),
        (99, Some(0), None, false),
        (100, Some(34), None, false),
        (100, None, None, false),
        (100, Some(1), Some(67), false),
        (100, Some(1), Some(66), true),
    ] {
        let mut situation = healthy();
        let quarter = &mut traffic_of(&mut situation, "l").quarter;
        (quarter.rejected, quarter.rejected_usually, quarter.last_week.rejected) = (rejected, usual, week);
        let rings = rung(&situation).iter().any(|alert| alert.name == "ImsMtaBounceSurge");
        assert_eq!(rings, expected, "{rejected} {usual:?} {week:?}");
    }
}

/// Slower than last week; where nothing is known of that, not for what other hosts put off by an hour.
#[test]
fn slow_channels_ring() {
    for (channel, delays, week, expected) in [
        ("l", &[(7, 20)][..], Some(1200.0), true),
        ("l", &[(7, 20)], Some(4700.0), false),
        ("l", &[(7, 19)], Some(1200.0), false),
        ("hold", &[(7, 20)], Some(1200.0), false),
        ("l", &[(4, 20)], Some(1.0), false),
        ("l", &[(7, 20)], None, true),
        ("l", &[(0, 80), (7, 20)], None, false),
        ("l", &[(0, 78), (7, 22)], None, true),
    ] {
        let mut situation = healthy();
        let quarter = &mut traffic_of(&mut situation, channel).quarter;
        for &(bucket, count) in delays {
            quarter.delays[bucket] = count;
        }
        quarter.last_week.delay = week;
        let rings = rung(&situation).iter().any(|alert| alert.name == "ImsMtaDeliverySlow");
        assert_eq!(rings, expected, "{channel} {delays:?} {week:?}");
    }
}

#[test]
fn what_fills_rings_before_it_is_full() {
    for (free, hours, minutes, expected) in [
        (0.39, Some(-0.1), [None; 2], &["warning"][..]),
        (0.4, Some(-0.1), [Some(-0.1); 2], &[]),
        (0.39, Some(0.1), [Some(-0.1); 2], &[]),
        (0.19, Some(0.1), [Some(-0.1); 2], &["critical"]),
        (0.19, None, [Some(-0.1), Some(0.1)], &[]),
        (0.19, None, [Some(-0.1), None], &[]),
        (0.04, Some(-0.1), [None; 2], &["warning"]),
        (0.02, Some(-0.1), [Some(-0.1); 2], &["critical"]),
    ] {
        let mut situation = healthy();
        let queue = situation.filesystems.entry("queue").or_default();
        queue.free = Some(free);
        (queue.ahead[0].of_hours, queue.ahead[0].of_minutes) = (hours, minutes);
        let rung = rung(&situation);
        let disks = rung.iter().filter(|alert| alert.name == "ImsMtaDiskFilling");
        assert_eq!(
            disks.map(|alert| alert.severity.label()).collect::<Vec<_>>(),
            expected,
            "{free} {hours:?} {minutes:?}"
        );
    }
}
