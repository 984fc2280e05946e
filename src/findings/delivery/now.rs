//! Deliveries that fail in the last minutes.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::Duration;

use super::chance::is_no_chance;
use crate::aggregate::recent::{ChannelActivity, SHORT_MINUTES, WINDOW_MINUTES};
use crate::findings::advice::{at_one_domain, of_cause};
use crate::findings::queue::now::WAITING;
use crate::findings::rule::Look;
use crate::findings::situation::{Situation, Traffic};
use crate::findings::traffic::is_one_domain_of_quarter;
use crate::findings::words::{last, percent, time, whole_percent};
use crate::findings::{Finding, share};
use crate::record::reason::Reason;

/// Reasons that are named.
const REASONS: usize = 2;

/// Where the log is, for who reads on.
const READ_THE_LOG: &str =
    "`imsimta-exporter report` on mail.log_current says which destinations and replies.";

/// What failed, and in what time.
struct Failed<'a> {
    activity: &'a ChannelActivity,
    within: String,
}

/// The shortest window with enough attempts that fail: what happens now, and what slow channels did.
fn judged<'a>(look: &Look<'_>, traffic: &'a Traffic) -> Option<Failed<'a>> {
    let windows = [(&traffic.short, SHORT_MINUTES), (&traffic.window, WINDOW_MINUTES)];
    let enough = |(activity, _): &(&ChannelActivity, i64)| activity.attempts >= look.limits.attempts.max(1);
    let (activity, minutes) = windows.into_iter().find(enough)?;
    let fails = look.limits.fails(activity.failed(), activity.attempts);
    (fails && !is_one_domain(look, traffic)).then(|| Failed { activity, within: last(minutes) })
}

/// Many attempts within seconds: the first expression of the alert, which needs a minute for it. It begins only where no chance
/// made it so, and goes on without that.
fn spike<'a>(
    look: &Look<'_>,
    situation: &Situation,
    channel: &str,
    traffic: &'a Traffic,
) -> Option<Failed<'a>> {
    let fails = |activity: &&ChannelActivity| look.limits.fails(activity.failing(), activity.judged());
    let windows = [
        (Some(&traffic.spike), look.limits.spike_window, false),
        (traffic.scraped_spike.as_ref(), look.limits.scraped_spike_window, true),
    ];
    let goes_on = situation.rings(look.rule_alert(), channel);
    let failing = |(spike, window, minutes): (Option<&'a [ChannelActivity; 2]>, Duration, bool)| {
        let activity = spike?.iter().find(fails)?;
        (goes_on || is_no_chance(look.limits, traffic, minutes)).then_some((activity, window))
    };
    let found = windows.into_iter().find_map(failing).filter(|_| !is_one_domain(look, traffic));
    found.map(|(activity, window)| Failed { activity, within: time(window.as_secs_f64()) })
}

/// Few attempts a minute, or all but those of the worst domain: its second expression.
fn few<'a>(
    look: &Look<'_>,
    situation: &Situation,
    channel: &str,
    traffic: &'a Traffic,
) -> Option<Failed<'a>> {
    let limits = look.limits;
    let activity = &traffic.window;
    let (failing, judged) = (activity.failing(), activity.judged());
    let small = judged >= limits.small_attempts
        && share(failing, judged) >= limits.small_share
        && !is_one_domain(look, traffic);
    let others = judged.saturating_sub(traffic.worst_domain.attempts);
    let without_worst = traffic.worst_domain_share > limits.one_domain_share
        && limits.fails(failing.saturating_sub(traffic.worst_domain.failures), others);
    let is_over = |spike: &ChannelActivity| {
        spike.judged() >= limits.attempts && share(spike.failing(), spike.judged()) < limits.failing_share
    };
    let theirs = has_many_domains(look, traffic) && situation.failing_domains < limits.failing_domains;
    let old_backlog = traffic.delivered_in_hour.is_some_and(|delivered| delivered < limits.hour_deliveries)
        && !situation.rings(look.rule_alert(), channel);
    let fails = failing > 0 && (small || without_worst);
    (fails && !traffic.spike.iter().any(is_over) && !theirs && !old_backlog)
        .then(|| Failed { activity, within: last(WINDOW_MINUTES) })
}

fn has_many_domains(look: &Look<'_>, traffic: &Traffic) -> bool {
    traffic.domains.max(traffic.domains_of_day) >= look.limits.domains
}

fn is_one_domain(look: &Look<'_>, traffic: &Traffic) -> bool {
    traffic.worst_domain_share > look.limits.one_domain_share && has_many_domains(look, traffic)
}

/// Why most of them failed, for people.
fn label(reason: Option<Reason>) -> &'static str {
    reason.map_or("unknown", Reason::label)
}

/// What to do about a reason, where it names a cause, and where more is.
fn next(advice: Option<&'static str>) -> String {
    advice.into_iter().chain([READ_THE_LOG]).collect::<Vec<_>>().join(" ")
}

/// So many of so many failed, for which reasons, at how many domains, and whose trouble that is.
fn evidence(look: &Look<'_>, failed: &Failed<'_>, traffic: &Traffic) -> String {
    let Failed { activity, within } = failed;
    let mut reasons: Vec<(Reason, u64)> = activity.failures.counted().collect();
    reasons.sort_by_key(|&(_, count)| Reverse(count));
    let mix = reasons.iter().take(REASONS);
    let mix = mix
        .map(|&(reason, count)| format!("{} {}", percent(share(count, activity.failed())), reason.label()));
    let mix = mix.collect::<Vec<_>>().join(", ");
    let mut text =
        format!("{} of {} attempts failed in {within}: {mix}", activity.failed(), activity.attempts);
    let (domains, worst) = (traffic.failing_domains, traffic.worst_domain_share);
    let limits = look.limits;
    // A string takes whatever is written.
    let _ = match domains {
        0 => write!(text, "."),
        1 => write!(text, ", all at one domain."),
        _ => write!(text, ", {domains} domains, none above {}.", percent((worst * 100.0).ceil() / 100.0)),
    };
    if domains >= limits.many_domains && worst < limits.many_domains_share {
        text.push_str(" So many at once have one cause, and that is on our side.");
    } else if domains == 1 && traffic.domains > 1 {
        text.push_str(" The others go through, so the cause may be on their side.");
    }
    text
}

pub(in crate::findings) fn channel_failures(
    look: &Look<'_>,
    situation: &Situation,
    found: &mut Vec<Finding>,
) {
    for (channel, traffic) in
        situation.traffic().filter(|(_, traffic)| traffic.window.failed() > 0 || traffic.short.failed() > 0)
    {
        let look = &look.of_channel(channel);
        let rings =
            spike(look, situation, channel, traffic).or_else(|| few(look, situation, channel, traffic));
        let (is_alert, shown) = (rings.is_some(), judged(look, traffic));
        // A minute says more than the seconds after which it rings.
        let Some(failed) = shown.or(rings) else { continue };
        let reason = failed.activity.main_reason();
        let what = format!(
            "{channel}: {} of attempts failed in {}, mostly {}.",
            whole_percent(share(failed.activity.failed(), failed.activity.attempts)),
            failed.within,
            label(reason)
        );
        let evidence = evidence(look, &failed, traffic);
        let next = next(reason.and_then(|reason| of_cause(channel, reason)));
        let finding = look.finds_in(channel, what).since(evidence).then(&next).rings_if(is_alert);
        found.push(finding.explains(WAITING, Some(channel)));
    }
}

/// Failures that make one dead destination of many worth a look. At night there are hardly as many, now a few more and now a few
/// less: what has begun goes on by four of five, or it would begin anew for half an hour.
fn enough_at_one_domain(look: &Look<'_>, situation: &Situation, channel: &str) -> u64 {
    let least = look.limits.one_domain_failures;
    if situation.rings(look.rule_alert(), channel) { (4 * least).div_ceil(5) } else { least }
}

/// Failures that are one domain's.
struct OneDomain {
    failed: u64,
    attempts: u64,
    reason: Option<Reason>,
    /// The share of the failures that is its.
    share: f64,
    within: String,
    is_alert: bool,
}

/// Enough of them in five minutes.
fn in_minutes(look: &Look<'_>, situation: &Situation, channel: &str, traffic: &Traffic) -> Option<OneDomain> {
    let (limits, window) = (look.limits, &traffic.window);
    let enough = enough_at_one_domain(look, situation, channel);
    let are_many =
        |failed, attempts| failed >= enough && share(failed, attempts) >= limits.one_domain_failing_share;
    let (failed, attempts) = (window.failed(), window.attempts);
    (is_one_domain(look, traffic) && are_many(failed, attempts)).then(|| OneDomain {
        failed,
        attempts,
        reason: window.main_reason(),
        share: traffic.worst_domain_share,
        within: last(WINDOW_MINUTES),
        is_alert: are_many(window.failing(), window.judged()),
    })
}

/// As many in a quarter of an hour, where these are much of what is tried: at night. Nothing else tells of them, since they are one domain's.
fn in_a_quarter(look: &Look<'_>, traffic: &Traffic) -> Option<OneDomain> {
    let (limits, quarter) = (look.limits, &traffic.quarter);
    let is_much = quarter.failing >= limits.one_domain_failures
        && quarter.failing_share(limits.small_attempts)? > limits.elevated_unknown_share;
    (is_much && is_one_domain(look, traffic) && is_one_domain_of_quarter(look, traffic)).then(|| OneDomain {
        failed: quarter.failing,
        attempts: quarter.delivered + quarter.failing,
        reason: quarter.mostly,
        share: quarter.worst_share,
        within: time(limits.traffic_window.as_secs_f64()),
        is_alert: true,
    })
}

pub(in crate::findings) fn destination_failures(
    look: &Look<'_>,
    situation: &Situation,
    found: &mut Vec<Finding>,
) {
    for (channel, traffic) in situation.traffic() {
        let look = &look.of_channel(channel);
        let one = in_minutes(look, situation, channel, traffic).or_else(|| in_a_quarter(look, traffic));
        let Some(OneDomain { failed, attempts, reason, share, within, is_alert }) = one else { continue };
        let what = format!(
            "{channel}: one destination of {} has {} of the failures of {within}, mostly {}; the others go through.",
            traffic.domains,
            whole_percent(share),
            label(reason),
        );
        let evidence = format!("{failed} of {attempts} attempts failed.");
        let next = next(reason.map(|reason| at_one_domain(channel, reason)));
        found.push(look.finds_in(channel, what).since(evidence).then(&next).rings_if(is_alert));
    }
}
