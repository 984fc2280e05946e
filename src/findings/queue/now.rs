//! Mail that waits now.

use crate::aggregate::daemon_log::{Events, WINDOW_MINUTES as DAEMON_MINUTES};
use crate::aggregate::recent::WINDOW_MINUTES;
use crate::findings::channels::{HOLD, INTERNAL, waits_on_purpose};
use crate::findings::rule::Look;
use crate::findings::situation::{Channel, Situation, Waiting};
use crate::findings::words::{counted, last, time};
use crate::findings::{Finding, Severity};
use crate::record::daemon_log::{DaemonLog, EventClass};

/// About waiting mail: what a channel says that fails or stands still.
pub(in crate::findings) const WAITING: &[&str] =
    &["standstill", "not_tried", "internal_old", "queue_growing", "no_deliveries", ABOVE];

/// That more waits than is usual follows from all else that is said about waiting mail.
pub(super) const ABOVE: &str = "queue_above_baseline";

/// Channels that a sentence names.
const NAMED: usize = 4;

/// What waits, but for where an administrator wants it to.
fn not_on_hold(situation: &Situation) -> impl Iterator<Item = (&str, &Waiting)> {
    situation.waiting().filter(|(channel, _)| *channel != HOLD)
}

/// Whether mail comes in or waits in a channel, and no delivery is tried.
fn stands_still(look: &Look<'_>, channel: &str, state: &Channel) -> bool {
    let limits = look.limits.of_channel(channel);
    let many = limits.stuck_messages.max(1);
    let Some(traffic) = state.traffic.as_ref().filter(|_| !waits_on_purpose(channel)) else { return false };
    let never_tried = state.queue.map_or(0, |queue| queue.never_tried);
    let idle = traffic.last_attempt.is_none_or(|ago| ago > limits.standstill.as_secs_f64());
    (never_tried >= many && idle) || (traffic.window.enqueued >= many && traffic.window.attempts == 0)
}

/// Channels stand still since the Job Controller can start no job, which its log says. What follows from it comes after it.
pub(in crate::findings) fn fork_failed(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let says = |events: &Events| events[DaemonLog::JobController].get(EventClass::ForkFailed);
    let times = situation.daemon_events.as_ref().map_or(0, says);
    let still = situation.channels.iter().filter(|&(channel, state)| stands_still(look, channel, state));
    let channels: Vec<&str> = still.map(|(channel, _)| channel.as_str()).collect();
    if times < look.limits.daemon_errors.max(1) || channels.is_empty() {
        return;
    }
    let names = channels[..channels.len().min(NAMED)].join(", ");
    let more = channels.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = format!(
        "The Job Controller cannot start processes (fork_failed), and mail stands still in {names}{more}."
    );
    let evidence = format!("Its log says so {} in {}.", counted(times, "time"), last(DAEMON_MINUTES));
    let next = "Look for memory, swap space and processes: `free`, `ps -elf`, `ulimit -u` of the MTA's user; then \
                `start-msg job_controller`.";
    let labels = channels.iter().map(|&channel| [("channel", channel.to_owned())].into());
    let finding = look.finds(what).labelled_each(labels).since(evidence).then(next);
    found.push(channels.iter().fold(finding, |finding, channel| finding.explains(WAITING, Some(channel))));
}

/// Mail of the last hour waits in a channel that usually delivers, and nothing is delivered.
pub(in crate::findings) fn no_deliveries(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting().filter(|(channel, _)| !waits_on_purpose(channel)) {
        let limits = look.limits.of_channel(channel);
        let Some((0, before)) = queue.delivered else { continue };
        let usual = before >= limits.usual_deliveries || situation.rings(look.rule_alert(), channel);
        if queue.new < limits.undelivered_messages || !usual {
            continue;
        }
        let traffic = situation.channels.get(channel).and_then(|state| state.traffic.as_ref());
        let tried = traffic.map_or(0, |traffic| traffic.window.attempts);
        let reason = traffic.and_then(|traffic| traffic.window.main_reason());
        let why = match reason.filter(|_| tried > 0) {
            Some(reason) => format!("all attempts fail, mostly {}", reason.label()),
            None if tried > 0 => "all attempts fail".to_owned(),
            None => "no attempt is made".to_owned(),
        };
        let within = time(limits.undelivered_window.as_secs_f64());
        let what = format!(
            "{channel}: nothing is delivered for {within} and {} new messages wait; {why}.",
            queue.new
        );
        let evidence = format!("{} were delivered in the hour before.", counted(before, "recipient"));
        let next = if tried > 0 {
            "Their reasons are in the Q and R entries of mail.log_current.".to_owned()
        } else {
            nobody_tries(channel)
        };
        let finding = look.finds_in(channel, what).since(evidence).then(&next);
        found.push(finding.explains(&["standstill", "queue_growing", "internal_old", ABOVE], Some(channel)));
    }
}

/// Mail comes in or waits, and no delivery is tried. The alert that pages.
pub(in crate::findings) fn standstill(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, state) in
        situation.channels.iter().filter(|&(channel, state)| stands_still(look, channel, state))
    {
        let Some(traffic) = &state.traffic else { continue };
        let came = traffic.window.enqueued;
        let since = traffic.last_attempt.map_or("so far".to_owned(), |ago| format!("for {}", time(ago)));
        let what = format!("Mail waits in {channel} and no delivery was tried {since}.");
        let arrived = format!("{came} recipients came in {}.", last(WINDOW_MINUTES));
        let evidence = match state.queue {
            Some(queue) => format!("{} messages wait, {arrived}", queue.messages),
            None => arrived,
        };
        let finding = look.finds_in(channel, what).since(evidence).then(&nobody_tries(channel));
        found.push(finding.explains(&WAITING[1..4], Some(channel)).explains(&[ABOVE], Some(channel)));
    }
}

/// Somebody stopped it, and may have forgotten that. It stays so over restarts of the MTA.
pub(in crate::findings) fn channel_stopped(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, state) in situation.channels.iter().filter(|(_, state)| state.stopped == Some(true)) {
        let waiting = state.queue.map_or(0, |queue| queue.messages);
        let what = format!("{channel} is stopped: nothing is delivered from it.");
        let mut finding = look.finds_in(channel, what);
        if waiting > 0 {
            finding = finding.since(format!("{} there.", counted_to_wait(waiting)));
        }
        if waiting >= look.limits.of_channel(channel).stuck_messages.max(1) {
            finding.severity = Severity::Critical;
        }
        let next = format!("Ask who stopped it and why, then `imsimta qm start {channel}`.");
        found.push(finding.then(&next).explains(WAITING, Some(channel)));
    }
}

/// `qm jobs` does not say that a channel is stopped, and `submit` does not start one that is.
fn nobody_tries(channel: &str) -> String {
    format!(
        "`imsimta qm summarize` says whether it was stopped: then `imsimta qm start {channel}`. If not, see with \
         `imsimta qm jobs {channel}` whether it has a job, then `imsimta submit {channel}`."
    )
}

fn counted_to_wait(messages: u64) -> String {
    if messages == 1 { "1 message waits".to_owned() } else { format!("{messages} messages wait") }
}

/// A mail loop goes on.
pub(in crate::findings) fn held_surge(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in not_on_hold(situation) {
        let more = queue.held_growth.and_then(|growth| u64::try_from(growth).ok());
        let Some(more) = more.filter(|&more| more > look.limits.of_channel(channel).held_surge) else {
            continue;
        };
        let what = format!(
            "{channel}: {} than ten minutes ago, as in a mail loop.",
            counted(more, "more held message")
        );
        let evidence = if queue.loops > 0 {
            format!("{} of the {} there went around in a loop.", queue.loops, queue.held)
        } else {
            format!("{} are there.", queue.held)
        };
        let next = format!(
            "Look at the Received: lines of a new one for the hosts that pass it around; `imsimta qm stop {channel}` \
             stops the channel if mail is at risk."
        );
        let finding = look.finds_in(channel, what).since(evidence).then(&next);
        found.push(finding.explains(&["held"], Some(channel)));
    }
}

pub(in crate::findings) fn held(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let is_much =
        |(channel, queue): &(&str, &Waiting)| queue.held > look.limits.of_channel(channel).held_messages;
    for (channel, queue) in not_on_hold(situation).filter(is_much) {
        let messages = counted(queue.held, "held message");
        let what = if queue.loops > 0 {
            format!("{channel}: {messages}, and {} of them went around in a mail loop.", queue.loops)
        } else {
            format!("{channel}: {messages}, which nothing delivers until somebody looks.")
        };
        let next = "List them with `imsimta qm summarize -held` and read the header of one.";
        found.push(look.finds_in(channel, what).then(next));
    }
}

/// The alert that is a ticket.
pub(in crate::findings) fn not_tried(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in not_on_hold(situation) {
        if queue.never_tried > look.limits.of_channel(channel).untried_messages {
            let messages = counted(queue.never_tried, "message");
            let what = format!("{channel}: {messages} that nobody has tried to deliver.");
            found.push(look.finds_in(channel, what).then(&nobody_tries(channel)));
        }
    }
}

pub(in crate::findings) fn internal_old(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting().filter(|(channel, _)| INTERNAL.contains(channel)) {
        let limit = look.limits.of_channel(channel).internal_age.as_secs_f64();
        if let Some(age) = queue.oldest.filter(|&age| age > limit) {
            let what = format!(
                "{channel}: a message has waited for {}, and this channel needs nobody outside to deliver.",
                time(age)
            );
            found.push(look.finds_in(channel, what).explains(&[ABOVE], Some(channel)));
        }
    }
}

pub(in crate::findings) fn queue_growing(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in not_on_hold(situation) {
        let limits = look.limits.of_channel(channel);
        let growth = queue.growth.and_then(|growth| u64::try_from(growth).ok());
        let Some(growth) = growth.filter(|&growth| growth >= limits.growth_messages) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
        let grows = growth as f64 > limits.growth_share * queue.messages as f64;
        if grows {
            let messages = counted(queue.messages, "message");
            let what = format!("{channel}: {messages} wait, {growth} more than 15 minutes ago.");
            found.push(look.finds_in(channel, what));
        }
    }
}
