//! THE table of rules over what is known now. The first finding is the one sentence that says whether
//! mail flows.

use super::situation::{Situation, Traffic, Waiting};
use super::thresholds as limit;
use super::{Finding, Severity, share, weighed};
use crate::aggregate::recent::{ChannelActivity, SHORT_MINUTES, WINDOW_MINUTES};

/// One row.
#[derive(Debug)]
struct Rule {
    name: &'static str,
    severity: Severity,
    looks: fn(&Rule, &Situation, &mut Vec<Finding>),
}

/// The gravest first within each severity.
const RULES: &[Rule] = &[
    Rule { name: "not_active", severity: Severity::Note, looks: not_active },
    Rule { name: "no_process", severity: Severity::Critical, looks: no_process },
    Rule { name: "channel_failures", severity: Severity::Critical, looks: channel_failures },
    Rule { name: "standstill", severity: Severity::Critical, looks: standstill },
    Rule { name: "unread", severity: Severity::Critical, looks: unread },
    Rule { name: "log_clock", severity: Severity::Warning, looks: log_clock },
    Rule { name: "destination_failures", severity: Severity::Warning, looks: destination_failures },
    Rule { name: "held", severity: Severity::Warning, looks: held },
    Rule { name: "disk", severity: Severity::Warning, looks: disk },
    Rule { name: "not_tried", severity: Severity::Warning, looks: not_tried },
    Rule { name: "internal_old", severity: Severity::Warning, looks: internal_old },
    Rule { name: "queue_growing", severity: Severity::Warning, looks: queue_growing },
    Rule { name: "flow", severity: Severity::Note, looks: flow },
];

/// About waiting mail: what a channel says that fails or stands still.
const WAITING: &[&str] = &["standstill", "not_tried", "internal_old", "queue_growing"];
/// All that means nothing on the passive node of a pair.
const OF_AN_ACTIVE_MTA: &[&str] =
    &["no_process", "unread", "flow", "standstill", "not_tried", "queue_growing"];
/// Where the log is, for who reads on.
const READ_THE_LOG: &str =
    "`imsimta-exporter report` on mail.log_current says which destinations and replies.";

/// What is wrong now, the gravest first; never empty. The first one's `what` says whether mail flows.
pub fn findings(situation: &Situation) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in RULES {
        (rule.looks)(rule, situation, &mut found);
    }
    weighed(&found)
}

impl Rule {
    fn finds(&self, what: String) -> Finding {
        Finding::new(self.severity, self.name, what)
    }
}

fn not_active(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    if situation.active == Some(false) {
        let what =
            "This is a passive node: the MTA's logs and queue are not on this host, and no mail is expected.";
        found.push(rule.finds(what.to_owned()).explains(OF_AN_ACTIVE_MTA, None));
    }
}

/// Without these two nothing works. `ImsMtaDispatcherDown`, `ImsMtaJobControllerDown`.
fn no_process(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    let Some(processes) = &situation.processes else { return };
    for (process, effect) in
        [("job_controller", "nothing is delivered"), ("dispatcher", "no mail is accepted")]
    {
        if processes.get(process) != Some(&0) {
            continue;
        }
        let mut finding = rule.finds(format!("No {process} runs: {effect}."));
        if process == "job_controller" {
            finding = finding.explains(WAITING, None);
            if let Some(ago) =
                situation.traffic().filter_map(|(_, traffic)| traffic.last_attempt).reduce(f64::min)
            {
                finding = finding.since(format!("The last delivery was tried {} ago.", time(ago)));
            }
        }
        let next =
            format!("Look at `imsimta process` and the newest {process}.log-*, then `start-msg {process}`.");
        found.push(finding.then(&next));
    }
}

/// The shortest window with enough attempts: what happens now, and what slow channels did.
fn judged(traffic: &Traffic) -> Option<(&ChannelActivity, i64)> {
    let windows = [(&traffic.short, SHORT_MINUTES), (&traffic.window, WINDOW_MINUTES)];
    windows.into_iter().find(|(activity, _)| activity.attempts >= limit::ATTEMPTS)
}

fn is_one_domain(traffic: &Traffic) -> bool {
    traffic.worst_domain_share > limit::ONE_DOMAIN_SHARE && traffic.domains >= limit::DOMAINS
}

/// `ImsMtaDeliveryFailureSpike`.
fn channel_failures(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, traffic) in situation.traffic() {
        let Some((activity, minutes)) = judged(traffic) else { continue };
        let share = share(activity.failed(), activity.attempts);
        if share < limit::FAILING_SHARE || is_one_domain(traffic) {
            continue;
        }
        let reason = activity.main_reason().map_or("unknown", |reason| reason.label());
        let what = format!(
            "{channel}: {} of attempts failed in {}, mostly {reason}.",
            percent(share),
            last(minutes)
        );
        let evidence = format!("{} of {} attempts.", activity.failed(), activity.attempts);
        found.push(
            rule.finds(what).of(channel).since(evidence).then(READ_THE_LOG).explains(WAITING, Some(channel)),
        );
    }
}

/// Whether mail waits in a channel on purpose.
fn waits_on_purpose(channel: &str) -> bool {
    [limit::HOLD_CHANNEL, limit::PARTS_CHANNEL].contains(&channel)
}

/// Mail comes in or waits, and no delivery is tried. `ImsMtaQueueStuck`, the page.
fn standstill(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, state) in &situation.channels {
        let Some(traffic) = state.traffic.as_ref().filter(|_| !waits_on_purpose(channel)) else { continue };
        let never_tried = state.queue.map_or(0, |queue| queue.never_tried);
        let came = traffic.window.enqueued;
        let idle = traffic.last_attempt.is_none_or(|ago| ago > minutes(limit::STANDSTILL_MINUTES));
        let stuck = never_tried >= limit::WAITING && idle;
        let goes_not_out = came >= limit::WAITING && traffic.window.attempts == 0;
        if !(stuck || goes_not_out) {
            continue;
        }
        let since = traffic.last_attempt.map_or("so far".to_owned(), |ago| format!("for {}", time(ago)));
        let what = format!("Mail waits in {channel} and no delivery was tried {since}.");
        let evidence = match state.queue {
            Some(queue) => format!(
                "{} messages wait, {came} recipients came in {}.",
                queue.messages,
                last(WINDOW_MINUTES)
            ),
            None => format!("{came} recipients came in {}.", last(WINDOW_MINUTES)),
        };
        let next = format!(
            "See with `imsimta qm jobs {channel}` whether it was stopped, then `imsimta submit {channel}`."
        );
        let finding = rule.finds(what).of(channel).since(evidence).then(&next);
        found.push(finding.explains(&WAITING[1..], Some(channel)));
    }
}

/// What cannot be read is not known: without logs nobody can say whether mail flows. `ImsMtaCollectorFailing`.
fn unread(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for unread in &situation.unread {
        let (source, needed) = match unread.collector {
            "log" => ("logs", true),
            "queue" => ("queue", true),
            "processes" => ("table of processes", false),
            "sockets" => ("table of connections", false),
            _ => ("space of a file system", false),
        };
        let severity = if needed && !unread.partly { Severity::Critical } else { Severity::Warning };
        let part = if unread.partly { "A part of the" } else { "The" };
        let problem = unread.problem.trim_end_matches('.');
        let what = format!("{part} {source} cannot be read: {problem}.");
        found.push(Finding { severity, ..rule.finds(what) });
    }
}

/// What happened in the last minutes is not known where the times of the log are another zone's. `ImsMtaLogClockOff`.
fn log_clock(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    if let Some(question) = situation.logs.as_ref().and_then(|logs| logs.zone_question.as_ref()) {
        let what = format!("It is not known whether mail flows now: {question}");
        found.push(rule.finds(what).explains(&["flow", "standstill"], None));
    }
}

/// `ImsMtaDestinationDead`.
fn destination_failures(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, traffic) in situation.traffic().filter(|(_, traffic)| is_one_domain(traffic)) {
        let failed = traffic.window.failed();
        if failed >= limit::ATTEMPTS
            && share(failed, traffic.window.attempts) >= limit::ONE_DOMAIN_FAILING_SHARE
        {
            let what = format!(
                "{channel}: one destination of {} has {} of the failures of {}, mostly {}; the others go through.",
                traffic.domains,
                percent(traffic.worst_domain_share),
                last(WINDOW_MINUTES),
                traffic.window.main_reason().map_or("unknown", |reason| reason.label()),
            );
            let evidence = format!("{failed} of {} attempts failed.", traffic.window.attempts);
            found.push(rule.finds(what).of(channel).since(evidence).then(READ_THE_LOG));
        }
    }
}

/// `ImsMtaHeldMessages`.
fn held(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting() {
        if channel == limit::HOLD_CHANNEL || queue.held == 0 {
            continue;
        }
        let messages = counted(queue.held, "held message");
        let what = if queue.loops > 0 {
            format!("{channel}: {messages}, and {} of them went around in a mail loop.", queue.loops)
        } else {
            format!("{channel}: {messages}, which nothing delivers until somebody looks.")
        };
        let next = "List them with `imsimta qm summarize -held` and read the header of one.";
        found.push(rule.finds(what).of(channel).then(next));
    }
}

fn disk(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (what, &free) in situation.free.iter().filter(|&(_, &free)| free < limit::DISK_SHARE) {
        found.push(
            rule.finds(format!("The file system of the directory {what} has only {} free.", percent(free))),
        );
    }
}

/// `ImsMtaQueueStuck`, the ticket.
fn not_tried(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting() {
        if queue.never_tried > 0 && channel != limit::HOLD_CHANNEL {
            let what = format!(
                "{channel}: {} that nobody has tried to deliver.",
                counted(queue.never_tried, "message")
            );
            found.push(rule.finds(what).of(channel));
        }
    }
}

fn internal_old(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in
        situation.waiting().filter(|(channel, _)| limit::INTERNAL_CHANNELS.contains(channel))
    {
        if let Some(age) = queue.oldest.filter(|&age| age > limit::INTERNAL_OLD_SECONDS) {
            let what = format!(
                "{channel}: a message has waited for {}, and this channel needs nobody outside to deliver.",
                time(age)
            );
            found.push(rule.finds(what).of(channel));
        }
    }
}

fn queue_growing(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting().filter(|(channel, _)| *channel != limit::HOLD_CHANNEL) {
        let Some(growth) = queue.growth.filter(|&growth| growth >= limit::GROWTH) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
        let grows = growth as f64 > limit::GROWTH_SHARE * queue.messages as f64;
        if grows {
            let what = format!(
                "{channel}: {} wait, {growth} more than 15 minutes ago.",
                counted(queue.messages, "message")
            );
            found.push(rule.finds(what).of(channel));
        }
    }
}

/// Whether mail goes out, where nothing graver is known.
fn flow(rule: &Rule, situation: &Situation, found: &mut Vec<Finding>) {
    let Some(logs) = &situation.logs else {
        if !situation.unread.iter().any(|unread| unread.collector == "log") {
            found.push(
                rule.finds("It is not known yet whether mail flows: the logs are being read.".to_owned()),
            );
        }
        return;
    };
    // What fails or stands still has been said.
    let grave: Vec<&str> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Critical)
        .filter_map(|finding| finding.channel.as_deref())
        .collect();
    let mut sum = Sum::default();
    let ways = situation.traffic().filter(|(channel, _)| is_a_way_out(channel) && !grave.contains(channel));
    ways.for_each(|(_, traffic)| sum.add(&traffic.window));
    if !grave.is_empty() && sum.delivered == 0 {
        return;
    }
    let severity = if sum.delivered > 0 { Severity::Good } else { rule.severity };
    let what = match (sum.delivered, sum.failed, sum.came) {
        (0, 0, 0) => format!("No mail came or went in {}.", last(WINDOW_MINUTES)),
        (0, 0, came) => {
            format!("{} in {}, and no delivery was tried yet.", counted_came(came), last(WINDOW_MINUTES))
        }
        (0, failed, _) => format!(
            "Nothing was delivered in {}: {}.",
            last(WINDOW_MINUTES),
            counted(failed, "failed attempt")
        ),
        _ if grave.is_empty() => "Mail is going out.".to_owned(),
        _ => "Mail of the other channels is going out.".to_owned(),
    };
    let finding = rule.finds(what).since(evidence(&sum, situation, logs.last_entry));
    found.push(Finding { severity, ..finding });
}

/// What all channels did that lead out of the MTA.
#[derive(Default)]
struct Sum {
    came: u64,
    delivered: u64,
    failed: u64,
}

impl Sum {
    fn add(&mut self, activity: &ChannelActivity) {
        self.came += activity.enqueued;
        self.delivered += activity.delivered();
        self.failed += activity.failed();
    }
}

/// A channel within the host only hands on.
fn is_a_way_out(channel: &str) -> bool {
    !limit::INTERNAL_CHANNELS.contains(&channel) && !waits_on_purpose(channel)
}

fn evidence(sum: &Sum, situation: &Situation, last_entry: Option<f64>) -> String {
    let mut text = String::new();
    if sum.came + sum.delivered + sum.failed > 0 {
        text = format!(
            "In {}: {} for delivery, {} delivered, {}.",
            last(WINDOW_MINUTES),
            counted(sum.came, "recipient"),
            sum.delivered,
            counted(sum.failed, "failed attempt")
        );
    } else if let Some(ago) = last_entry {
        text = format!("The last entry of the logs is {} old.", time(ago));
    }
    if situation.queue_known {
        let waiting: u64 = situation.waiting().map(|(_, queue): (_, &Waiting)| queue.messages).sum();
        let queue = format!("{} in the queue.", counted(waiting, "message"));
        return if text.is_empty() { queue } else { format!("{text} {queue}") };
    }
    text
}

/// Rounded down, so that 100 % is all of them.
fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn counted_came(count: u64) -> String {
    format!("{} came", counted(count, "recipient"))
}

fn last(minutes: i64) -> String {
    if minutes == 1 { "the last minute".to_owned() } else { format!("the last {minutes} minutes") }
}

fn minutes(minutes: i64) -> f64 {
    f64::from(i32::try_from(minutes).unwrap_or(i32::MAX)) * 60.0
}

/// A time for people: `40 s`, `12 minutes`, `3 h`, `9 d`.
pub fn time(seconds: f64) -> String {
    let whole = |unit: f64| (seconds.max(0.0) / unit).floor();
    match seconds {
        few if few < 120.0 => format!("{:.0} s", whole(1.0)),
        few if few < 7200.0 => format!("{:.0} minutes", whole(60.0)),
        few if few < 172_800.0 => format!("{:.0} h", whole(3600.0)),
        _ => format!("{:.0} d", whole(86_400.0)),
    }
}

#[cfg(test)]
mod tests;
