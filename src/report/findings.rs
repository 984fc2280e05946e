//! What stands out: rules over the summary, each with its thresholds, each giving plain sentences
//! that say what to look at next.

use super::advice::{Party, next_step, one_domain, party};
use super::summary::{ChannelTraffic, ClientCount, Summary, ratio};
use crate::findings::thresholds as limit;
use crate::findings::{Finding, Severity, weighed};
use crate::text::number;

/// One row of the table of rules.
#[derive(Debug)]
pub struct Rule {
    /// Its name, for readers of the JSON and in the documentation.
    pub name: &'static str,
    /// How grave what it finds is.
    pub severity: Severity,
    /// The least count that it looks at: a share of few says nothing.
    pub at_least: u64,
    /// The share above which it speaks; 0 where the count alone does.
    pub share: f64,
    looks: fn(&Rule, &Summary, &mut Vec<Finding>),
}

/// A channel's failures are one domain's from this share on.
const ONE_DOMAIN_SHARE: f64 = 0.8;
/// They are everybody's below this share, with at least so many domains failing.
const MANY_DOMAINS_SHARE: f64 = 0.5;
const MANY_DOMAINS: u64 = 5;
/// Few clients: so many of them have this share.
const FEW_CLIENTS: usize = 3;
const FEW_CLIENTS_SHARE: f64 = 0.5;
/// Findings that one rule may give: a report is read, not counted.
const MAX_OF_A_RULE: usize = 5;

const fn rule(
    severity: Severity,
    name: &'static str,
    at_least: u64,
    share: f64,
    looks: fn(&Rule, &Summary, &mut Vec<Finding>),
) -> Rule {
    Rule { name, severity, at_least, share, looks }
}

/// THE table of rules, the gravest first within each severity.
pub const RULES: &[Rule] = &[
    rule(Severity::Critical, "nothing_understood", 1, 0.0, nothing_understood),
    rule(Severity::Critical, "not_attempted", limit::WAITING, limit::FAILING_SHARE, not_attempted),
    rule(Severity::Critical, "channel_failures", limit::ATTEMPTS, limit::FAILING_SHARE, channel_failures),
    rule(Severity::Critical, "outage", limit::ATTEMPTS, limit::FAILING_SHARE, outage),
    rule(Severity::Warning, "destination_failures", 20, 0.9, destination_failures),
    rule(Severity::Warning, "message_store", 20, 0.02, message_store),
    rule(Severity::Warning, "host_skipped", 20, 0.02, host_skipped),
    rule(Severity::Warning, "held_loops", 1, 0.0, held_loops),
    rule(Severity::Warning, "relay_denials", 20, 0.05, relay_denials),
    rule(Severity::Warning, "authentication_failures", 20, 0.1, authentication_failures),
    rule(Severity::Warning, "over_quota", 10, 0.02, over_quota),
    rule(Severity::Warning, "rate_limited", 20, 0.02, rate_limited),
    rule(Severity::Warning, "slow_queue", 20, 0.95, slow_queue),
    rule(Severity::Warning, "unparsed_lines", 1, 0.01, unparsed_lines),
    rule(Severity::Note, "bad_commands", 20, 0.05, bad_commands),
];

/// Minutes without an attempt.
const STANDSTILL: u64 = limit::STANDSTILL_MINUTES.unsigned_abs();
/// More than an hour until nearly all are through is slow.
const SLOW_SECONDS: f64 = 3600.0;

/// What all rules find.
pub(super) fn findings(summary: &Summary) -> Vec<Finding> {
    let mut all = Vec::new();
    for rule in RULES {
        let mut found = Vec::new();
        (rule.looks)(rule, summary, &mut found);
        found.truncate(MAX_OF_A_RULE);
        all.extend(found);
    }
    weighed(&all)
}

impl Rule {
    fn finds(&self, sentence: String) -> Finding {
        Finding::new(self.severity, self.name, sentence)
    }

    fn finds_in(&self, channel: &str, sentence: String) -> Finding {
        self.finds(sentence).of(channel)
    }

    /// How grave `part` of `whole` is. Below the rule's share it is nothing, or a note where a `few` are behind it.
    fn weighs(&self, part: u64, whole: u64, few: bool) -> Option<Severity> {
        let much = ratio(part, whole.max(part)) > self.share;
        let severity = if much { self.severity } else { Severity::Note };
        (part >= self.at_least && (much || few)).then_some(severity)
    }

    fn exceeded(&self, part: u64, whole: u64) -> bool {
        whole >= self.at_least && ratio(part, whole) > self.share
    }
}

fn nothing_understood(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let lines = &summary.lines;
    if lines.lines == 0 {
        let why = if summary.not_read.is_empty() {
            "There is not one line. Look whether this is the right file, and whether the channels have the \
             keyword logging."
        } else {
            "No file could be read, so nothing is known."
        };
        found.push(rule.finds(format!("Nothing was read. {why}")));
    }
    if lines.lines >= rule.at_least && lines.records == 0 {
        found.push(rule.finds(format!(
            "None of the {} lines is an entry of a mail or connection log. Look whether these are the \
             files mail.log* and connection.log*.",
            number(lines.lines)
        )));
    }
}

/// Mail comes in and goes not out: the Job Controller is gone, or a channel was stopped.
fn not_attempted(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let on_purpose =
        |row: &&ChannelTraffic| [limit::HOLD_CHANNEL, limit::PARTS_CHANNEL].contains(&&*row.channel);
    for row in summary.channels.iter().filter(|row| !on_purpose(row)) {
        let stands = row.idle_minutes >= STANDSTILL && row.enqueued_since >= rule.at_least;
        let behind = row.enqueued.saturating_sub(row.attempts);
        let falls_behind = summary.period.as_ref().is_some_and(|period| period.minutes >= STANDSTILL)
            && behind >= rule.at_least
            && ratio(behind, row.enqueued) > rule.share;
        let (enqueued, minutes) = (number(row.enqueued_since), number(row.idle_minutes));
        let what = if stands && row.attempts == 0 {
            format!(
                "{}: {enqueued} recipients were enqueued, and not one delivery was tried in {minutes} minutes.",
                row.channel
            )
        } else if stands {
            format!(
                "{}: no delivery was tried in the last {minutes} minutes of the log, and {enqueued} recipients were \
                 enqueued since.",
                row.channel
            )
        } else if falls_behind {
            format!(
                "{}: {} recipients were enqueued, and only {} deliveries were tried.",
                row.channel,
                number(row.enqueued),
                number(row.attempts)
            )
        } else {
            continue;
        };
        let next = "Look whether the Job Controller runs (imsimta process), and whether this channel was stopped \
                    (imsimta qm jobs).";
        found
            .push(rule.finds_in(&row.channel, what).then(next).explains(&["slow_queue"], Some(&row.channel)));
    }
}

fn channel_failures(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    for row in summary.channels.iter().filter(|row| rule.exceeded(row.failures, row.attempts)) {
        let reason = row.main_reason.unwrap_or("none");
        let sentence = format!(
            "{}: {} of {} delivery attempts failed ({}), mostly for {reason}; {}",
            row.channel,
            number(row.failures),
            number(row.attempts),
            percent(row.failure_ratio),
            whose(row, reason)
        );
        let finding = rule.finds_in(&row.channel, sentence);
        let finding = finding.explains(&["outage", "destination_failures", "slow_queue"], Some(&row.channel));
        found.push(finding.explains(explained(summary, reason, row.main_reason_count), None));
    }
}

/// Whose a channel's failures are. Where hosts answered, what they say tells. Where nobody did, one domain's
/// failure is theirs, everybody's is ours, and a channel with one destination has no other to compare with.
fn whose(row: &ChannelTraffic, reason: &str) -> String {
    let worst = row.worst_domain.as_deref().unwrap_or("one domain");
    let share = percent(row.worst_domain_share);
    let next = next_step(&row.channel, reason);
    if row.domains == 1 {
        return format!("{worst} is its only destination, so all its mail waits. {next}");
    }
    if row.worst_domain_share >= ONE_DOMAIN_SHARE {
        return format!("{share} of that is {worst} alone: {}", one_domain(reason));
    }
    let domains = number(row.failing_domains);
    if row.failing_domains >= MANY_DOMAINS && row.worst_domain_share < MANY_DOMAINS_SHARE {
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
fn outage(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let failed_as_a_whole = |channel: &str| {
        let mut rows = summary.channels.iter();
        rows.any(|row| row.channel == channel && rule.exceeded(row.failures, row.attempts))
    };
    for outage in summary.outages.iter().filter(|outage| !failed_as_a_whole(&outage.channel)) {
        let sentence = format!(
            "{}: from {} to {} {} of {} delivery attempts failed ({}), mostly for {}. {}",
            outage.channel,
            outage.from.replace('T', " "),
            outage.to.split('T').next_back().unwrap_or(&outage.to),
            number(outage.failures),
            number(outage.attempts),
            percent(outage.failure_ratio),
            outage.main_reason,
            next_step(&outage.channel, outage.main_reason)
        );
        found.push(rule.finds_in(&outage.channel, sentence));
    }
}

fn destination_failures(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    // Said already, for a channel as a whole.
    let said = |channel: &str| {
        summary
            .channels
            .iter()
            .any(|row| row.channel == channel && (row.domains == 1 || row.failure_ratio > 0.5))
    };
    for row in &summary.destinations {
        if rule.exceeded(row.failures, row.attempts) && !said(&row.channel) {
            let sentence = format!(
                "{}: {} of {} attempts to {} failed ({}), mostly for {}, while others go through: {}",
                row.channel,
                number(row.failures),
                number(row.attempts),
                row.domain,
                percent(row.failure_ratio),
                row.main_reason,
                one_domain(row.main_reason)
            );
            let explained = explained(summary, row.main_reason, row.main_reason_count);
            found.push(rule.finds_in(&row.channel, sentence).explains(explained, None));
        }
    }
}

/// The rules about a reason of failures whose findings say nothing new, when one finding has so many of them.
fn explained(summary: &Summary, reason: &str, count: u64) -> &'static [&'static str] {
    if ratio(count, failures_for(summary, reason)) < ONE_DOMAIN_SHARE {
        return &[];
    }
    match reason {
        "mailbox_busy" => &["message_store"],
        "host_skipped" => &["host_skipped"],
        "over_quota" => &["over_quota"],
        "rate_limited" => &["rate_limited"],
        _ => &[],
    }
}

/// Whether so many of all delivery attempts are more than a rule's share of them.
fn is_much(rule: &Rule, summary: &Summary, count: u64) -> bool {
    let attempts: u64 = summary.channels.iter().map(|row| row.attempts).sum();
    count >= rule.at_least && ratio(count, attempts.max(count)) > rule.share
}

fn failures_for(summary: &Summary, reason: &str) -> u64 {
    summary.failures.iter().filter(|row| row.reason == reason).map(super::summary::FailureReason::all).sum()
}

fn rejections_for(summary: &Summary, reason: &str) -> u64 {
    summary.rejections.iter().filter(|row| row.reason == reason).map(|row| row.count).sum()
}

fn message_store(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "mailbox_busy");
    if is_much(rule, summary, count) {
        found.push(rule.finds(format!(
            "{} deliveries found the mailbox locked or the message store unavailable. Look at stored and at \
             the store's disks.",
            number(count)
        )));
    }
}

fn host_skipped(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "host_skipped");
    if is_much(rule, summary, count) {
        let worst = summary.destinations.iter().find(|row| row.main_reason == "host_skipped");
        let worst = worst.map_or(String::new(), |row| format!(", most of all for {}", row.domain));
        found.push(rule.finds(format!(
            "{} attempts were given up without a connection (host_skipped){worst}: a backlog waits for hosts \
             that do not answer. Look at the queue's size and at the worst destinations.",
            number(count)
        )));
    }
}

fn held_loops(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let loops = failures_for(summary, "loop") + rejections_for(summary, "loop");
    if summary.held_enqueues >= rule.at_least {
        found.push(rule.finds(format!(
            "{} recipients' mail was put into the queue as .HELD and waits for a person. Look at the Received: lines \
             of these files: a loop shows there; release them with imsimta qm.",
            number(summary.held_enqueues)
        )));
    }
    if loops >= rule.at_least {
        found.push(rule.finds(format!(
            "{} recipients' mail went through too many hosts. Look for a forwarding loop, and for .HELD files.",
            number(loops)
        )));
    }
}

fn relay_denials(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let Some(row) = summary.rejections.iter().find(|row| row.reason == "relay_denied") else { return };
    let received: u64 = summary.channels.iter().map(|row| row.received).sum();
    let few = few_clients(&row.busiest, row.count);
    let Some(severity) = rule.weighs(row.count, row.count + received, few.is_some()) else { return };
    let next = match few {
        Some(few) => {
            format!("{few}. That is probing: look whether the firewall or PORT_ACCESS should stop it.")
        }
        None if row.clients == 0 => "from clients that the log does not show.".to_owned(),
        None => format!(
            "from {} clients, none with a large share. Look whether one of your own networks is missing in \
             INTERNAL_IP.",
            number(row.clients)
        ),
    };
    let finding = rule.finds(format!("{} recipients were refused as relaying, {next}", number(row.count)));
    found.push(Finding { severity, ..finding });
}

fn authentication_failures(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let failures: u64 = summary.authentications.iter().map(|row| row.failure).sum();
    let successes: u64 = summary.authentications.iter().map(|row| row.success).sum();
    let few = few_clients(&summary.authentication_clients, failures);
    let Some(severity) = rule.weighs(failures, failures + successes, few.is_some()) else { return };
    let next = match few {
        Some(few) => format!("{few}. Look whether these guess passwords, and block them"),
        None => format!(
            "from {} clients and more. Look at the directory server if they began at one moment, else at a \
             guessing of passwords from many hosts",
            summary.authentication_clients.len()
        ),
    };
    let (failures, successes) = (number(failures), number(successes));
    let finding =
        rule.finds(format!("{failures} authentications failed (and {successes} succeeded), {next}."));
    found.push(Finding { severity, ..finding });
}

fn bad_commands(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count: u64 = summary.channels.iter().map(|row| row.bad_commands).sum();
    let inbound = summary.connections.iter().filter(|row| row.direction == "in");
    let connections: u64 = inbound.map(|row| row.opened).sum();
    if rule.weighs(count, connections, false).is_some() {
        found.push(rule.finds(format!(
            "{} bad commands were sent to the SMTP server. Look at the connections: scanners do that, and \
             broken clients.",
            number(count)
        )));
    }
}

fn over_quota(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "over_quota") + rejections_for(summary, "over_quota");
    if is_much(rule, summary, count) {
        found.push(rule.finds(format!(
            "{} recipients were over their quota. Look at the fullest mailboxes (imquotacheck) and for one \
             sender behind it.",
            number(count)
        )));
    }
}

fn rate_limited(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "rate_limited");
    if is_much(rule, summary, count) {
        let worst = summary.destinations.iter().find(|row| row.main_reason == "rate_limited");
        let worst = worst.map_or(String::new(), |row| format!(", most of all at {}", row.domain));
        found.push(rule.finds(format!(
            "{} deliveries met a limit of other hosts for how much we send{worst}. {}",
            number(count),
            next_step("", "rate_limited")
        )));
    }
}

fn slow_queue(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    for row in &summary.delays {
        let Some(queue) = row.queue.as_ref().filter(|queue| queue.count >= rule.at_least) else { continue };
        if queue.p95_at_most_seconds.is_none_or(|bound| bound > SLOW_SECONDS) {
            let sentence = format!(
                "{}: one recipient in twenty waited for more than an hour in the queue. Look at its failures, \
                 else at the Job Controller's limits for this channel.",
                row.channel
            );
            found.push(rule.finds_in(&row.channel, sentence));
        }
    }
}

fn unparsed_lines(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let lines = &summary.lines;
    if lines.records > 0 && rule.exceeded(lines.not_understood, lines.lines) {
        found.push(rule.finds(format!(
            "{} of {} lines were not understood ({}): all counts here are too low. Look at the last of them, \
             at the end of this report.",
            number(lines.not_understood),
            number(lines.lines),
            percent(ratio(lines.not_understood, lines.lines))
        )));
    }
}

/// The few clients that have most of `all`, in words.
fn few_clients(busiest: &[ClientCount], all: u64) -> Option<String> {
    let few = &busiest[..busiest.len().min(FEW_CLIENTS)];
    let sum: u64 = few.iter().map(|row| row.count).sum();
    if few.is_empty() || ratio(sum, all) < FEW_CLIENTS_SHARE {
        return None;
    }
    let names: Vec<String> =
        few.iter().map(|row| format!("{} ({})", row.client, number(row.count))).collect();
    Some(format!("{} of them from {}", percent(ratio(sum, all)), names.join(", ")))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn the_documentation_names_every_rule() {
        let page = include_str!("../../docs/report.md");
        for rule in RULES {
            assert!(page.contains(&format!("`{}`", rule.name)), "{}", rule.name);
            if rule.share > 0.0 {
                let share = format!("{:.0} %", rule.share * 100.0);
                let line = page.lines().find(|line| line.contains(rule.name)).unwrap_or_default();
                assert!(line.contains(&share) && line.contains(&rule.at_least.to_string()), "{line}");
            }
        }
    }
}
