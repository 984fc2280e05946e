//! Samples of everything that log entries feed.

use super::client_display::ClientDisplay;
use super::page::Page;
use super::{busiest, catalogue as metric};
use crate::aggregate::Totals;
use crate::aggregate::channel::ChannelCounts;
use crate::aggregate::time::Time;
use crate::aggregate::timeline::Present;
use crate::record::Direction;
use crate::record::closing::Closing;
use crate::record::daemon_log::DaemonLog;
use crate::record::reason::Reason;
use crate::record::rejection::Rejection;

/// Puts all totals on the page. Windows end with the present.
pub fn fill(page: &mut Page, totals: &Totals, clients: &ClientDisplay, now: Present) {
    fill_entries(page, totals);
    for (channel, counts) in totals.channels.all() {
        fill_channel(page, channel, counts);
    }
    fill_breakdowns(page, totals, now.now());
    busiest::fill_logs(page, totals, clients, now.now());
    fill_accounts(page, totals, now);
}

/// Puts what these daemons said of errors on the page.
pub fn fill_daemon_events(page: &mut Page, totals: &Totals, shown: &[DaemonLog]) {
    for &log in shown {
        for (class, events) in totals.daemon_logs.counts()[log].every() {
            page.count(&metric::DAEMON_LOG_EVENTS, &[log.label(), class.label()], events);
        }
    }
    if !shown.is_empty() {
        page.count(&metric::DAEMON_LOG_RECORDS_CUT, &[], totals.daemon_logs.cut());
    }
}

/// Puts the notices of the syslog on the page.
pub fn fill_notices(page: &mut Page, totals: &Totals) {
    page.count(&metric::HELD_NOTICES, &[], totals.notices);
}

fn fill_entries(page: &mut Page, totals: &Totals) {
    for (action, count) in totals.entries.actions() {
        page.count(&metric::LOG_ENTRIES, &[action.letter().encode_utf8(&mut [0; 4])], count);
    }
    for (action, modifier, count) in totals.entries.modifiers() {
        page.count(
            &metric::LOG_ENTRY_MODIFIERS,
            &[action.letter().encode_utf8(&mut [0; 4]), modifier],
            count,
        );
    }
    for pair in totals.enqueues.pairs() {
        let labels = [totals.channels.label(pair.source), totals.channels.label(pair.destination)];
        page.count(&metric::ENQUEUED_RECIPIENTS, &labels, pair.recipients);
        page.count(&metric::ENQUEUED_BYTES, &labels, pair.bytes);
    }
}

fn fill_channel(page: &mut Page, channel: &str, counts: &ChannelCounts) {
    // These exist from the moment a channel is known: a series that is born with its first failures
    // would hide them from increase().
    page.count(&metric::DEQUEUED_RECIPIENTS, &[channel], counts.dequeued_recipients);
    page.count(&metric::DEQUEUED_BYTES, &[channel], counts.dequeued_bytes);
    page.count(&metric::DELIVERY_ATTEMPTS, &[channel], counts.attempts);
    for (outcome, failures) in counts.failures.all() {
        for (reason, count) in failures.counted() {
            page.count(&metric::DELIVERY_FAILURES, &[channel, outcome.label(), reason.label()], count);
        }
    }
    if counts.tries.sum() > 0 {
        for (band, &count) in counts.tries.all() {
            page.count(&metric::DELIVERY_TRIES, &[channel, band.label()], count);
        }
    }
    for (reason, count) in
        counts.rejections.every().filter(|&(reason, count)| count > 0 || reason == Reason::RelayDenied)
    {
        page.count(&metric::ENQUEUE_REJECTIONS, &[channel, reason.label()], count);
    }
    for (family, count) in [
        (&metric::ABORTED_TRANSACTIONS, counts.aborted_transactions),
        (&metric::BAD_COMMANDS, counts.bad_commands),
        (&metric::DELAY_WARNINGS, counts.delay_warnings),
        (&metric::ETRN, counts.etrn),
    ] {
        if count > 0 {
            page.count(family, &[channel], count);
        }
    }
    for (family, delays) in
        [(&metric::QUEUE_DELAY, &counts.queue_delay), (&metric::END_TO_END_DELAY, &counts.end_to_end_delay)]
    {
        if delays.count() > 0 {
            page.times(family, &[channel], delays);
        }
    }
    fill_connections(page, channel, counts);
}

fn fill_connections(page: &mut Page, channel: &str, counts: &ChannelCounts) {
    for (direction, connections) in counts.connections.all() {
        if !connections.any() {
            continue;
        }
        let labels = [channel, direction.label()];
        page.count(&metric::CONNECTIONS_OPENED, &labels, connections.opened);
        page.count(&metric::CONNECTIONS_CLOSED, &labels, connections.closed);
        page.count(&metric::CONNECTIONS_LOST, &labels, connections.closings.get(Closing::Lost));
        for (closing, count) in connections.closings.every() {
            page.count(&metric::CONNECTION_CLOSINGS, &[channel, direction.label(), closing.label()], count);
        }
        if connections.ciphers.sum() > 0 {
            for (cipher, count) in connections.ciphers.every() {
                page.count(&metric::CONNECTIONS_TLS, &[channel, direction.label(), cipher.label()], count);
            }
        }
        if connections.durations.count() > 0 {
            page.times(&metric::CONNECTION_DURATION, &labels, &connections.durations);
        }
        if connections.rejected.sum() > 0 {
            for &rejection in Rejection::ALL {
                let of_it = connections
                    .rejected
                    .counted()
                    .filter(|&(reason, _)| Rejection::from(reason) == rejection);
                let count = of_it.map(|(_, count)| count).sum();
                page.count(
                    &metric::CONNECTION_REJECTIONS,
                    &[channel, direction.label(), rejection.label()],
                    count,
                );
            }
        }
        for (family, reasons) in [
            (&metric::CONNECTIONS_REJECTED, &connections.rejected),
            (&metric::CONNECTIONS_FAILED, &connections.failed),
        ] {
            for (reason, count) in reasons.counted() {
                page.count(family, &[channel, direction.label(), reason.label()], count);
            }
        }
    }
    if counts.authentications.sum() > 0 {
        for (result, &count) in counts.authentications.all() {
            page.count(&metric::AUTHENTICATIONS, &[channel, result.label()], count);
        }
        for (reason, count) in counts.authentication_failures.every() {
            page.count(&metric::AUTHENTICATION_FAILURES, &[channel, reason.label()], count);
        }
    }
}

fn fill_breakdowns(page: &mut Page, totals: &Totals, now: Time) {
    for (channel, ratio) in totals.destinations.worst_shares(now) {
        page.sample(&metric::TOP_DOMAIN_FAILURE_RATIO, &[totals.channels.label(channel)], ratio);
    }
    let worst = totals.destinations.worst(now);
    for (index, _) in totals.channels.by_index().filter(|(_, counts)| counts.attempts > 0) {
        let channel = totals.channels.label(index);
        let worst = worst.get(&index).copied().unwrap_or_default();
        page.count(&metric::WORST_DOMAIN_ATTEMPTS, &[channel], worst.attempts);
        page.count(&metric::WORST_DOMAIN_FAILURES, &[channel], worst.failures);
    }
    for (channel, domains) in totals.destinations.domains(now) {
        page.count(&metric::DELIVERY_DOMAINS, &[totals.channels.label(channel)], domains);
    }
    for (domain, failures) in totals.destinations.failures() {
        page.count(&metric::DESTINATION_FAILURES, &[domain, "deferred"], failures.deferred);
        page.count(&metric::DESTINATION_FAILURES, &[domain, "rejected"], failures.rejected);
    }
    for (channel, class, status, count) in totals.replies.all() {
        page.count(&metric::DELIVERY_REPLIES, &[totals.channels.label(channel), class, status], count);
    }
    let open = totals.connections.counts(now);
    for (index, counts) in totals.channels.by_index() {
        for direction in Direction::ALL {
            let connections = &counts.connections[*direction];
            if connections.opened > 0 {
                let count = open.get(&index).map_or(0, |counts| counts[*direction as usize]);
                let labels = [totals.channels.label(index), direction.label()];
                page.count(&metric::CONNECTIONS_OPEN, &labels, count);
            }
        }
    }
}

fn fill_accounts(page: &mut Page, totals: &Totals, now: Present) {
    for account in totals.accounts.all() {
        let log = account.name.as_str();
        page.count(&metric::LOG_LINES, &[log], account.lines);
        page.count(&metric::LOG_BYTES, &[log], account.bytes);
        for (reason, count) in account.unparsed.every() {
            page.count(&metric::LOG_UNPARSED_LINES, &[log, reason.label()], count);
        }
        for (reason, count) in account.skipped.every() {
            page.count(&metric::LOG_SKIPPED_LINES, &[log, reason.label()], count);
        }
        page.count(&metric::LOG_ROTATIONS, &[log], account.rotations);
        page.count(&metric::LOG_TRUNCATIONS, &[log], account.truncations);
        page.count(&metric::LOG_GAPS, &[log], account.gaps);
        page.count(&metric::LOG_GAP_BYTES, &[log], account.gap_bytes);
        if let Some(at) = account.last_entry {
            page.sample(&metric::LOG_LAST_ENTRY, &[log], now.unix_of(at).seconds());
        }
    }
    for (table, count) in totals.left_out() {
        page.count(&metric::LABEL_CAPPED, &[table], count);
    }
    for (table, count) in totals.replaced() {
        page.count(&metric::LABEL_REPLACED, &[table], count);
    }
    for (option, seen) in totals.options.all() {
        page.truth(&metric::OPTION_SEEN, &[option], seen);
    }
}
