//! THE table of rules. A row looks at what is known now, or at what whole logs say, and gives findings.
//!
//! To add one: a row here, its function in the file of its theme, its thresholds in `alerts/thresholds.yml`.

use super::Severity::{Critical, Note, Warning};
use super::clients::now as clients_now;
use super::clients::{authentication_failures, bad_commands, relay_denials};
use super::daemons::daemon_errors;
use super::delivery::now as delivery_now;
use super::delivery::{
    channel_failures, destination_failures, host_skipped, message_store, outage, over_quota, rate_limited,
};
use super::files::{configuration_stale, critical_files, disk, disk_filling, log_growing, not_rotated};
use super::host::{
    connections_limit, doubled, flapping, flow, listen_overflow, no_dispatcher, no_job_controller,
    not_active, overaged, syn_backlog,
};
use super::outside::{no_banner, slow_banner};
use super::queue::ages::{remote_old, store_old};
use super::queue::now as queue_now;
use super::queue::scan::{other_files, queue_empty, scan_failing, scan_partial};
use super::queue::{held_loops, not_attempted, slow_queue};
use super::reading::{
    labels_capped, lagging, lines_lost, log_clock, log_silent, nothing_understood, receiver_failing,
    state_not_saved, unparsed_lines, unparsed_now, unread,
};
use super::rule::{Rule, limits, logs, now};
use super::source::Source::{
    Commands, Daemons, Dispatcher, Files, Logs, Probe, Processes, Queue, Scan, Sockets,
};
use super::traffic::{bounce_surge, delivery_slow, failures_elevated};
use super::usual::{enqueue_surge, no_enqueues, queue_above_baseline};

/// The gravest first within each severity: those of now, then those of whole logs.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    now(Note, "not_active", None, &[], not_active),
    now(Critical, "no_process", Some("ImsMtaJobControllerDown"), &[Processes], no_job_controller),
    now(Critical, "no_process", Some("ImsMtaDispatcherDown"), &[Processes], no_dispatcher),
    now(Critical, "no_banner", Some("ImsMtaNoBanner"), &[Probe], no_banner),
    now(Critical, "channel_failures", Some("ImsMtaDeliveryFailureSpike"), &[Logs], delivery_now::channel_failures),
    now(Critical, "fork_failed", Some("ImsMtaQueueStuck"), &[Logs, Queue, Daemons], queue_now::fork_failed),
    now(Critical, "no_deliveries", Some("ImsMtaNoDeliveries"), &[Logs, Queue], queue_now::no_deliveries),
    now(Critical, "standstill", Some("ImsMtaQueueStuck"), &[Logs, Queue], queue_now::standstill),
    now(Critical, "flood_without_room", Some("ImsMtaConnectionFlood"), &[Logs], clients_now::flood_without_room),
    now(Critical, "queue_empty", Some("ImsMtaQueueEmpty"), &[Scan], queue_empty),
    now(Critical, "held_surge", Some("ImsMtaHeldMessagesSurge"), &[Queue], queue_now::held_surge),
    now(Critical, "unread", Some("ImsMtaCollectorFailing"), &[], unread),
    now(Warning, "log_silent", Some("ImsMtaLogSilent"), &[Logs, Queue], log_silent),
    now(Warning, "lagging", Some("ImsMtaLogLagging"), &[], lagging),
    now(Warning, "unparsed_now", Some("ImsMtaLogUnparsed"), &[Logs], unparsed_now),
    now(Warning, "lines_lost", Some("ImsMtaLogLinesLost"), &[], lines_lost),
    now(Warning, "labels_capped", Some("ImsMtaLabelsCapped"), &[Logs], labels_capped),
    now(Warning, "scan_failing", Some("ImsMtaQueueScanFailing"), &[Scan], scan_failing),
    now(Warning, "scan_partial", Some("ImsMtaQueueScanPartial"), &[Queue], scan_partial),
    now(Warning, "other_files", Some("ImsMtaQueueOtherFiles"), &[Queue], other_files),
    now(Warning, "state_not_saved", Some("ImsMtaStateNotSaved"), &[], state_not_saved),
    now(Warning, "receiver_failing", Some("ImsMtaNotificationsFailing"), &[], receiver_failing),
    now(Warning, "log_clock", Some("ImsMtaLogClockOff"), &[Logs], log_clock),
    now(Warning, "destination_failures", Some("ImsMtaDestinationDead"), &[Logs], delivery_now::destination_failures),
    now(Warning, "failures_elevated", Some("ImsMtaDeliveryFailuresElevated"), &[Logs], failures_elevated),
    now(Warning, "bounce_surge", Some("ImsMtaBounceSurge"), &[Logs], bounce_surge),
    now(Warning, "delivery_slow", Some("ImsMtaDeliverySlow"), &[Logs], delivery_slow),
    now(Warning, "client_flood", Some("ImsMtaClientFlood"), &[Logs], clients_now::client_flood),
    now(Warning, "flood", Some("ImsMtaConnectionFlood"), &[Logs], clients_now::flood_with_room),
    now(Warning, "relay_probing", Some("ImsMtaRelayProbing"), &[Logs], clients_now::relay_probing),
    now(Warning, "password_guessing", Some("ImsMtaPasswordGuessing"), &[Logs], clients_now::password_guessing),
    now(Warning, "sender_surge", Some("ImsMtaSenderSurge"), &[Logs], clients_now::sender_surge),
    now(Warning, "held", Some("ImsMtaHeldMessages"), &[Queue], queue_now::held),
    now(Warning, "connections_limit", Some("ImsMtaConnectionsNearLimit"), &[Sockets, Dispatcher], connections_limit),
    now(Warning, "syn_backlog", Some("ImsMtaSynBacklog"), &[Sockets], syn_backlog),
    now(Warning, "listen_overflow", Some("ImsMtaListenOverflow"), &[Sockets], listen_overflow),
    now(Warning, "disk", Some("ImsMtaDiskFilling"), &[Files], disk),
    now(Warning, "disk_filling", Some("ImsMtaDiskFilling"), &[Files], disk_filling),
    now(Warning, "channel_stopped", Some("ImsMtaChannelStopped"), &[Commands], queue_now::channel_stopped),
    now(Warning, "slow_banner", None, &[Probe], slow_banner),
    now(Warning, "daemon_errors", Some("ImsMtaDaemonErrors"), &[Daemons], daemon_errors),
    now(Warning, "not_tried", Some("ImsMtaQueueStuck"), &[Queue], queue_now::not_tried),
    now(Warning, "internal_old", Some("ImsMtaQueueInternalOld"), &[Queue], queue_now::internal_old),
    now(Warning, "store_old", Some("ImsMtaQueueStoreOld"), &[Logs, Queue], store_old),
    now(Warning, "remote_old", Some("ImsMtaQueueRemoteOld"), &[Queue], remote_old),
    now(Warning, "queue_growing", Some("ImsMtaQueueGrowing"), &[Queue], queue_now::queue_growing),
    now(Warning, "no_enqueues", Some("ImsMtaNoEnqueues"), &[Logs], no_enqueues),
    now(Warning, "enqueue_surge", Some("ImsMtaEnqueueSurge"), &[Logs], enqueue_surge),
    now(Warning, "queue_above_baseline", Some("ImsMtaQueueAboveBaseline"), &[Queue], queue_above_baseline),
    now(Warning, "flapping", Some("ImsMtaProcessFlapping"), &[Processes], flapping),
    now(Warning, "doubled", Some("ImsMtaProcessDuplicated"), &[Processes], doubled),
    now(Warning, "overaged", Some("ImsMtaSmtpServerTooOld"), &[Processes], overaged),
    now(Warning, "critical_files", Some("ImsMtaWrongOwner"), &[Files], critical_files),
    now(Warning, "configuration_stale", None, &[Files], configuration_stale),
    now(Warning, "log_growing", Some("ImsMtaLogGrowing"), &[Files], log_growing),
    now(Warning, "not_rotated", Some("ImsMtaLogNotRotated"), &[Files], not_rotated),
    now(Note, "flow", None, &[], flow),

    logs(Critical, "nothing_understood", None, |_| limits(1, 0.0), nothing_understood),
    logs(Critical, "not_attempted", Some("ImsMtaQueueStuck"),
        |t| limits(t.stuck_messages, t.untried_share), not_attempted),
    logs(Critical, "channel_failures", Some("ImsMtaDeliveryFailureSpike"),
        |t| limits(t.attempts, t.failing_share), channel_failures),
    logs(Critical, "outage", Some("ImsMtaDeliveryFailureSpike"), |t| limits(t.attempts, t.failing_share), outage),
    logs(Warning, "destination_failures", Some("ImsMtaDestinationDead"),
        |t| limits(t.dead_destination_attempts, t.dead_destination_share), destination_failures),
    logs(Warning, "message_store", None, |t| limits(t.store_failures, t.store_failures_share), message_store),
    logs(Warning, "host_skipped", None, |t| limits(t.skipped_attempts, t.skipped_attempts_share), host_skipped),
    logs(Warning, "held_loops", Some("ImsMtaHeldMessages"), |t| limits(t.held_messages + 1, 0.0), held_loops),
    logs(Warning, "relay_denials", Some("ImsMtaRelayProbing"), |t| limits(t.relay_denials, t.relay_denials_share), relay_denials),
    logs(Warning, "authentication_failures", Some("ImsMtaPasswordGuessing"),
        |t| limits(t.authentication_failures, t.authentication_failures_share), authentication_failures),
    logs(Warning, "over_quota", None, |t| limits(t.over_quota, t.over_quota_share), over_quota),
    logs(Warning, "rate_limited", None, |t| limits(t.rate_limited, t.rate_limited_share), rate_limited),
    logs(Warning, "slow_queue", None, |t| limits(t.slow_recipients, 0.95), slow_queue),
    logs(Warning, "unparsed_lines", Some("ImsMtaLogUnparsed"), |t| limits(1, t.unparsed_share), unparsed_lines),
    logs(Note, "bad_commands", None, |t| limits(t.bad_commands, t.bad_commands_share), bad_commands),
];

#[cfg(test)]
mod tests {
    use super::RULES;
    use crate::findings::thresholds::{Thresholds, table};

    #[test]
    fn the_documentation_names_every_rule_of_the_report() {
        let page = include_str!("../../docs/report.md");
        for rule in RULES {
            let Some(limits) = rule.limits(&Thresholds::default()) else { continue };
            assert!(page.contains(&format!("`{}`", rule.name)), "{}", rule.name);
            if limits.share > 0.0 {
                let share = format!("{:.0} %", limits.share * 100.0);
                let line = page.lines().find(|line| line.contains(rule.name)).unwrap_or_default();
                assert!(line.contains(&share) && line.contains(&limits.at_least.to_string()), "{line}");
            }
        }
    }

    #[test]
    fn rules_with_an_alert_are_no_less_grave() {
        for rule in RULES {
            let Some(alert) = rule.alert else { continue };
            let severity =
                table().severity_of(alert).unwrap_or_else(|| panic!("{}: no alert {alert}", rule.name));
            assert!(
                rule.severity <= severity,
                "{} is {:?}, {alert} is {severity:?}",
                rule.name,
                rule.severity
            );
        }
    }

    #[test]
    fn rows_of_thresholds_name_rules_that_exist() {
        for row in table().of_findings() {
            for finding in &row.findings {
                assert!(RULES.iter().any(|rule| rule.name == finding), "{}: {finding}", row.name);
            }
        }
    }
}
