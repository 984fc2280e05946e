//! Mail that waits, in whole logs. `now` is about the queue as it is.

pub(super) mod ages;
pub(super) mod now;
pub(super) mod scan;

use super::Finding;
use super::channels::waits_on_purpose;
use super::logs::Logs;
use super::rule::Look;
use super::share;
use super::words::time;
use crate::aggregate::histogram::DELAY_BOUNDS;
use crate::record::reason::Reason;
use crate::text::number;

/// Mail comes in and goes not out: the Job Controller is gone, or a channel was stopped.
pub(super) fn not_attempted(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let standstill = look.limits.standstill.as_secs().div_ceil(60);
    for row in logs.channels.iter().filter(|row| !waits_on_purpose(&row.channel)) {
        let stands = row.idle_minutes >= standstill && row.enqueued_since >= look.at_least;
        let behind = row.enqueued.saturating_sub(row.attempts);
        let falls_behind = logs.minutes.is_some_and(|minutes| minutes >= standstill)
            && behind >= look.at_least
            && share(behind, row.enqueued) > look.share;
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
            .push(look.finds_in(&row.channel, what).then(next).explains(&["slow_queue"], Some(&row.channel)));
    }
}

pub(super) fn held_loops(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let loops = logs.failures_for(Reason::Loop) + logs.rejections_for(Reason::Loop);
    if logs.held_enqueues >= look.at_least {
        found.push(look.finds(format!(
            "{} recipients' mail was put into the queue as .HELD and waits for a person. Look at the Received: lines \
             of these files: a loop shows there; release them with imsimta qm.",
            number(logs.held_enqueues)
        )));
    }
    if loops >= look.at_least {
        found.push(look.finds(format!(
            "{} recipients' mail went through too many hosts. Look for a forwarding loop, and for .HELD files.",
            number(loops)
        )));
    }
}

pub(super) fn slow_queue(look: &Look<'_>, logs: &Logs<'_>, found: &mut Vec<Finding>) {
    let slow = look.limits.slow_age.as_secs_f64();
    let long = if slow.to_bits() == 3600.0_f64.to_bits() { "an hour".to_owned() } else { time(slow) };
    for row in logs.delays {
        let Some(queue) = row.queue.as_ref().filter(|queue| queue.count >= look.at_least) else { continue };
        // It is above the bound before the one that it is at most.
        let mut bounds = DELAY_BOUNDS.into_iter().map(f64::from).rev();
        let above = bounds.find(|&bound| queue.p95_at_most_seconds.is_none_or(|most| bound < most));
        if above.is_some_and(|bound| bound >= slow) {
            let sentence = format!(
                "{}: one recipient in twenty waited for more than {long} in the queue. Look at its failures, \
                 else at the Job Controller's limits for this channel.",
                row.channel
            );
            found.push(look.finds_in(&row.channel, sentence));
        }
    }
}
