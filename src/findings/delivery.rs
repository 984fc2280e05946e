//! Deliveries that fail in whole logs, and whose trouble that is. `now` is about the last minutes.

mod chance;
pub(super) mod now;

use super::Finding;
use super::advice::{Party, next_step, one_domain, party};
use super::logs::{ChannelTraffic, Logs};
use super::rule::Look;
use super::share;
use super::words::percent;
use crate::record::reason::Reason;
use crate::text::number;

pub(super) fn channel_failures(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    for row in logs.channels.iter().filter(|row| look.limits.fails(row.failures, row.attempts)) {
        let reason = row.main_reason.unwrap_or(Reason::None);
        let sentence = format!(
            "{}: {} of {} delivery attempts failed ({}), mostly for {}; {}",
            row.channel,
            number(row.failures),
            number(row.attempts),
            percent(row.failure_ratio),
            reason.label(),
            whose(look, row, reason)
        );
        let finding = look.finds_in(&row.channel, sentence);
        let finding = finding.explains(&["outage", "destination_failures", "slow_queue"], Some(&row.channel));
        found.push(finding.explains(explained(look, logs, reason, row.main_reason_count), None));
    }
}

/// Whose a channel's failures are. Where hosts answered, what they say tells. Where nobody did, one domain's
/// failure is theirs, everybody's is ours, and a channel with one destination has no other to compare with.
fn whose(look: &Look<'_>, row: &ChannelTraffic, reason: Reason) -> String {
    let worst = row.worst_domain.as_deref().unwrap_or("one domain");
    let share = percent(row.worst_domain_share);
    let next = next_step(&row.channel, reason);
    if row.domains == 1 {
        return format!("{worst} is its only destination, so all its mail waits. {next}");
    }
    if row.worst_domain_share >= look.limits.one_domain_share {
        return format!("{share} of that is {worst} alone: {}", one_domain(&row.channel, reason));
    }
    let domains = number(row.failing_domains);
    let many = row.failing_domains >= look.limits.many_domains;
    if many && row.worst_domain_share < look.limits.many_domains_share {
        let whose = match party(reason) {
            Party::Way => "ours",
            Party::Sender => "ours, for these hosts answer and refuse what we send",
            Party::Recipient => "these hosts answer, and do not take the recipients",
            Party::Host => "these hosts answer",
        };
        return format!("{domains} domains fail and the worst has only {share} of it: {whose}. {next}");
    }
    format!("{share} of that is {worst}, {domains} domains fail: not clear whose. {next}")
}

/// A part of the time in which a channel failed that did not fail as a whole.
pub(super) fn outage(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let failed_as_a_whole = |channel: &str| {
        let mut rows = logs.channels.iter();
        rows.any(|row| row.channel == channel && look.limits.fails(row.failures, row.attempts))
    };
    for outage in logs.outages.iter().filter(|outage| !failed_as_a_whole(&outage.channel)) {
        let sentence = format!(
            "{}: from {} to {} {} of {} delivery attempts failed ({}), mostly for {}. {}",
            outage.channel,
            outage.from.replace('T', " "),
            outage.to.split('T').next_back().unwrap_or(&outage.to),
            number(outage.failures),
            number(outage.attempts),
            percent(outage.failure_ratio),
            outage.main_reason.label(),
            next_step(&outage.channel, outage.main_reason)
        );
        found.push(look.finds_in(&outage.channel, sentence));
    }
}

pub(super) fn destination_failures(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    // Said already, for a channel as a whole.
    let said = |channel: &str| {
        logs.channels.iter().any(|row| {
            let fails = look.limits.fails(row.failures, row.attempts);
            row.channel == channel && (row.domains == 1 || fails)
        })
    };
    for row in logs.destinations {
        if look.exceeded(row.failures, row.attempts) && !said(&row.channel) {
            let sentence = format!(
                "{}: {} of {} attempts to {} failed ({}), mostly for {}, while others go through: {}",
                row.channel,
                number(row.failures),
                number(row.attempts),
                row.domain,
                percent(row.failure_ratio),
                row.main_reason.label(),
                one_domain(&row.channel, row.main_reason)
            );
            let explained = explained(look, logs, row.main_reason, row.main_reason_count);
            found.push(look.finds_in(&row.channel, sentence).explains(explained, None));
        }
    }
}

/// The rules about a reason of failures whose findings say nothing new, when one finding has so many of them.
fn explained(look: &Look<'_>, logs: &Logs<'_>, reason: Reason, count: u64) -> &'static [&'static str] {
    if share(count, logs.failures_for(reason)) < look.limits.one_domain_share {
        return &[];
    }
    match reason {
        Reason::MailboxBusy => &["message_store"],
        Reason::HostSkipped => &["host_skipped"],
        Reason::OverQuota => &["over_quota"],
        Reason::RateLimited => &["rate_limited"],
        _ => &[],
    }
}

pub(super) fn message_store(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let count = logs.failures_for(Reason::MailboxBusy);
    if look.is_much(logs, count) {
        found.push(look.finds(format!(
            "{} deliveries found the mailbox locked or the message store unavailable. Look at stored and at \
             the store's disks.",
            number(count)
        )));
    }
}

pub(super) fn host_skipped(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let count = logs.failures_for(Reason::HostSkipped);
    if look.is_much(logs, count) {
        let worst = logs.worst_for(Reason::HostSkipped);
        let worst = worst.map_or(String::new(), |domain| format!(", most of all for {domain}"));
        found.push(look.finds(format!(
            "{} attempts were given up without a connection (host_skipped){worst}: a backlog waits for hosts \
             that do not answer. Look at the queue's size and at the worst destinations.",
            number(count)
        )));
    }
}

pub(super) fn over_quota(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let count = logs.failures_for(Reason::OverQuota) + logs.rejections_for(Reason::OverQuota);
    if look.is_much(logs, count) {
        found.push(look.finds(format!(
            "{} recipients were over their quota. Look at the fullest mailboxes (imquotacheck) and for one \
             sender behind it.",
            number(count)
        )));
    }
}

pub(super) fn rate_limited(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let count = logs.failures_for(Reason::RateLimited);
    if look.is_much(logs, count) {
        let worst = logs.worst_for(Reason::RateLimited);
        let worst = worst.map_or(String::new(), |domain| format!(", most of all at {domain}"));
        found.push(look.finds(format!(
            "{} deliveries met a limit of other hosts for how much we send{worst}. {}",
            number(count),
            next_step("", Reason::RateLimited)
        )));
    }
}
