//! What stands out: rules over the summary, each with its thresholds, each giving plain sentences
//! that say what to look at next.

use serde::Serialize;

use super::advice::{Party, next_step, one_domain, party};
use super::summary::{ChannelTraffic, ClientCount, Summary, ratio};
use super::text::number;

/// What a rule found.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// The channel that it is about, where it is about one.
    pub channel: Option<String>,
    /// What it found and what to look at next.
    pub sentence: String,
}

/// One row of the table of rules.
#[derive(Debug)]
pub struct Rule {
    /// Its name, for readers of the JSON and in the documentation.
    pub name: &'static str,
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

/// THE table of rules, the gravest first.
pub const RULES: &[Rule] = &[
    Rule { name: "nothing_understood", at_least: 1, share: 0.0, looks: nothing_understood },
    Rule { name: "channel_failures", at_least: 20, share: 0.5, looks: channel_failures },
    Rule { name: "outage", at_least: 20, share: 0.5, looks: outage },
    Rule { name: "destination_failures", at_least: 20, share: 0.9, looks: destination_failures },
    Rule { name: "message_store", at_least: 20, share: 0.0, looks: message_store },
    Rule { name: "host_skipped", at_least: 20, share: 0.0, looks: host_skipped },
    Rule { name: "held_loops", at_least: 1, share: 0.0, looks: held_loops },
    Rule { name: "relay_denials", at_least: 20, share: 0.0, looks: relay_denials },
    Rule { name: "authentication_failures", at_least: 20, share: 0.0, looks: authentication_failures },
    Rule { name: "bad_commands", at_least: 20, share: 0.0, looks: bad_commands },
    Rule { name: "over_quota", at_least: 10, share: 0.0, looks: over_quota },
    Rule { name: "rate_limited", at_least: 20, share: 0.0, looks: rate_limited },
    Rule { name: "slow_queue", at_least: 20, share: 0.95, looks: slow_queue },
    Rule { name: "unparsed_lines", at_least: 1, share: 0.01, looks: unparsed_lines },
];

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
    all
}

impl Rule {
    fn finds(&self, sentence: String) -> Finding {
        Finding { rule: self.name, channel: None, sentence }
    }

    fn finds_in(&self, channel: &str, sentence: String) -> Finding {
        Finding { rule: self.name, channel: Some(channel.to_owned()), sentence }
    }

    fn exceeded(&self, part: u64, whole: u64) -> bool {
        whole >= self.at_least && ratio(part, whole) > self.share
    }
}

fn nothing_understood(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let lines = &summary.lines;
    if lines.lines == 0 && summary.not_read.is_empty() {
        found.push(rule.finds(
            "There is not one line. Look whether this is the right file, and whether the channels have the \
             keyword logging."
                .to_owned(),
        ));
    }
    if lines.lines >= rule.at_least && lines.records == 0 {
        found.push(rule.finds(format!(
            "None of the {} lines is an entry of a mail or connection log. Look whether these are the \
             files mail.log* and connection.log*.",
            number(lines.lines)
        )));
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
        found.push(rule.finds_in(&row.channel, sentence));
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
            found.push(rule.finds_in(&row.channel, sentence));
        }
    }
}

fn failures_for(summary: &Summary, reason: &str) -> u64 {
    summary.failures.iter().filter(|row| row.reason == reason).map(super::summary::FailureReason::all).sum()
}

fn rejections_for(summary: &Summary, reason: &str) -> u64 {
    summary.rejections.iter().filter(|row| row.reason == reason).map(|row| row.count).sum()
}

fn message_store(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "mailbox_busy");
    if count >= rule.at_least {
        found.push(rule.finds(format!(
            "{} deliveries found the mailbox locked or the message store unavailable. Look at stored and at \
             the store's disks.",
            number(count)
        )));
    }
}

fn host_skipped(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "host_skipped");
    if count >= rule.at_least {
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
    if row.count < rule.at_least {
        return;
    }
    let next = match few_clients(&row.busiest, row.count) {
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
    found.push(rule.finds(format!("{} recipients were refused as relaying, {next}", number(row.count))));
}

fn authentication_failures(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let failures: u64 = summary.authentications.iter().map(|row| row.failure).sum();
    let successes: u64 = summary.authentications.iter().map(|row| row.success).sum();
    if failures < rule.at_least {
        return;
    }
    let next = match few_clients(&summary.authentication_clients, failures) {
        Some(few) => format!("{few}. Look whether these guess passwords, and block them"),
        None => format!(
            "from {} clients and more. Look at the directory server if they began at one moment, else at a \
             guessing of passwords from many hosts",
            summary.authentication_clients.len()
        ),
    };
    let (failures, successes) = (number(failures), number(successes));
    found.push(rule.finds(format!("{failures} authentications failed (and {successes} succeeded), {next}.")));
}

fn bad_commands(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count: u64 = summary.channels.iter().map(|row| row.bad_commands).sum();
    if count >= rule.at_least {
        found.push(rule.finds(format!(
            "{} bad commands were sent to the SMTP server. Look at the connections: scanners do that, and \
             broken clients.",
            number(count)
        )));
    }
}

fn over_quota(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "over_quota") + rejections_for(summary, "over_quota");
    if count >= rule.at_least {
        found.push(rule.finds(format!(
            "{} recipients were over their quota. Look at the fullest mailboxes (imquotacheck) and for one \
             sender behind it.",
            number(count)
        )));
    }
}

fn rate_limited(rule: &Rule, summary: &Summary, found: &mut Vec<Finding>) {
    let count = failures_for(summary, "rate_limited");
    if count >= rule.at_least {
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
