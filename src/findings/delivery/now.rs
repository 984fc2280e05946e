//! Deliveries that fail in the last minutes.

use std::cmp::Reverse;
use std::fmt::Write as _;

use crate::aggregate::recent::{ChannelActivity, Judged, SHORT_MINUTES, WINDOW_MINUTES};
use crate::findings::advice::{at_one_domain, of_cause};
use crate::findings::queue::now::WAITING;
use crate::findings::rule::Look;
use crate::findings::situation::{Situation, Traffic};
use crate::findings::words::{last, percent, time, whole_percent};
use crate::findings::{Finding, Thresholds, share};
use crate::record::reason::Reason;

/// Reasons that are named.
const REASONS: usize = 2;

/// A share of just the threshold is exceeded by so many standard deviations in one window of 4,000: a half by 13 of 13, 18 of 20,
/// 29 of 36, 80 of 120. Simulated, 54 attempts a minute of which 43 in 100 fail are above a half 7,900 times in 100 hours, and
/// exceed it so 4 times.
const DEVIATIONS: f64 = 3.5;

/// So many of the fewest attempts ring, whatever these are.
const CERTAIN_SHARE: f64 = 0.9;

/// Two ways to the same figure may differ by less.
const ROUNDED: f64 = 1e-9;

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
    let activity = traffic.spike.iter().find(fails).filter(|_| !is_one_domain(look, traffic))?;
    if !is_no_chance(look.limits, traffic) && !situation.rings(look.rule_alert(), channel) {
        return None;
    }
    Some(Failed { activity, within: time(look.limits.spike_window.as_secs_f64()) })
}

/// Whether so many failures are no chance. A few dozen attempts of which 43 in 100 fail are above a half each other minute, and
/// are no outage: of some of the newest attempts, or of those of minutes, more have to fail than such a share brings about.
fn is_no_chance(limits: &Thresholds, traffic: &Traffic) -> bool {
    let spike = traffic.spike.each_ref().map(Judged::from);
    let minutes = [&traffic.short, &traffic.window].map(Judged::from);
    let mut parts = traffic.spike_ends.into_iter().chain(spike).chain(minutes);
    parts.any(|part| exceeds(limits, part))
}

/// Whether more attempts fail than the share of the threshold brings about by chance: by [`DEVIATIONS`] of the binomial
/// distribution. Of the fewest attempts that are judged nine of ten are always enough.
#[expect(clippy::cast_precision_loss, reason = "counts of minutes")]
fn exceeds(limits: &Thresholds, Judged { failing, attempts }: Judged) -> bool {
    let (share, variance) = (limits.failing_share, limits.failing_share * (1.0 - limits.failing_share));
    let above = |failing: f64, attempts: f64| (failing - attempts * share) / (attempts * variance).sqrt();
    let least = limits.attempts.max(1) as f64;
    let enough = above(CERTAIN_SHARE * least, least).min(DEVIATIONS);
    attempts > 0 && (variance <= 0.0 || above(failing as f64, attempts as f64) + ROUNDED >= enough)
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

pub(in crate::findings) fn destination_failures(
    look: &Look<'_>,
    situation: &Situation,
    found: &mut Vec<Finding>,
) {
    for (channel, traffic) in situation.traffic() {
        let look = &look.of_channel(channel);
        let (failed, attempts) = (traffic.window.failed(), traffic.window.attempts);
        if !is_one_domain(look, traffic)
            || failed < look.limits.one_domain_failures
            || share(failed, attempts) < look.limits.one_domain_failing_share
        {
            continue;
        }
        let reason = traffic.window.main_reason();
        let what = format!(
            "{channel}: one destination of {} has {} of the failures of {}, mostly {}; the others go through.",
            traffic.domains,
            whole_percent(traffic.worst_domain_share),
            last(WINDOW_MINUTES),
            label(reason),
        );
        let evidence = format!("{failed} of {attempts} attempts failed.");
        let next = next(reason.map(|reason| at_one_domain(channel, reason)));
        let (failing, judged) = (traffic.window.failing(), traffic.window.judged());
        let is_alert = failing >= look.limits.one_domain_failures
            && share(failing, judged) >= look.limits.one_domain_failing_share;
        found.push(look.finds_in(channel, what).since(evidence).then(&next).rings_if(is_alert));
    }
}

#[cfg(test)]
mod tests {
    use super::exceeds;
    use crate::aggregate::recent::Judged;
    use crate::findings::Thresholds;

    /// Whatever the fewest attempts are, nine of ten of them are enough; and of a share that nearly all exceeds no more is asked.
    #[test]
    fn so_many_failures_are_no_chance() {
        for (least, share, failing, attempts, expected) in [
            (20, 0.5, 13, 13, true),
            (20, 0.5, 12, 12, false),
            (20, 0.5, 18, 20, true),
            (20, 0.5, 17, 20, false),
            (20, 0.5, 80, 120, true),
            (20, 0.5, 79, 120, false),
            (5, 0.5, 5, 5, true),
            (5, 0.5, 4, 5, false),
            (10, 0.5, 9, 10, true),
            (20, 0.9, 18, 20, true),
            (20, 0.95, 19, 20, true),
            (20, 0.2, 10, 20, false),
            (20, 0.2, 11, 20, true),
            (20, 1.0, 20, 20, true),
            (20, 0.0, 1, 20, true),
            (0, 0.5, 1, 1, true),
            (20, 0.5, 0, 0, false),
        ] {
            let limits = Thresholds { attempts: least, failing_share: share, ..Thresholds::default() };
            let found = exceeds(&limits, Judged { failing, attempts });
            assert_eq!(found, expected, "{failing} of {attempts}: {share} of {least}");
        }
    }
}
