//! Deliveries that fail in the last minutes.

use crate::aggregate::recent::{ChannelActivity, SHORT_MINUTES, WINDOW_MINUTES};
use crate::findings::advice::{at_one_domain, of_cause};
use crate::findings::queue::now::WAITING;
use crate::findings::rule::Look;
use crate::findings::situation::{Situation, Traffic};
use crate::findings::words::{last, whole_percent};
use crate::findings::{Finding, share};
use crate::record::reason::Reason;

/// Where the log is, for who reads on.
const READ_THE_LOG: &str =
    "`imsimta-exporter report` on mail.log_current says which destinations and replies.";

/// The shortest window with enough attempts: what happens now, and what slow channels did.
fn judged<'a>(look: &Look<'_>, traffic: &'a Traffic) -> Option<(&'a ChannelActivity, i64)> {
    let windows = [(&traffic.short, SHORT_MINUTES), (&traffic.window, WINDOW_MINUTES)];
    windows.into_iter().find(|(activity, _)| activity.attempts >= look.limits.attempts.max(1))
}

fn is_one_domain(look: &Look<'_>, traffic: &Traffic) -> bool {
    traffic.worst_domain_share > look.limits.one_domain_share && traffic.domains >= look.limits.domains
}

/// Why most of them failed, for people.
fn label(reason: Option<Reason>) -> &'static str {
    reason.map_or("unknown", Reason::label)
}

/// What to do about a reason, where it names a cause, and where more is.
fn next(advice: Option<&'static str>) -> String {
    advice.into_iter().chain([READ_THE_LOG]).collect::<Vec<_>>().join(" ")
}

pub(in crate::findings) fn channel_failures(
    look: &Look<'_>,
    situation: &Situation,
    found: &mut Vec<Finding>,
) {
    for (channel, traffic) in situation.traffic() {
        let Some((activity, minutes)) = judged(look, traffic) else { continue };
        if !look.limits.fails(activity.failed(), activity.attempts) || is_one_domain(look, traffic) {
            continue;
        }
        let reason = activity.main_reason();
        let what = format!(
            "{channel}: {} of attempts failed in {}, mostly {}.",
            whole_percent(share(activity.failed(), activity.attempts)),
            last(minutes),
            label(reason)
        );
        let evidence = format!("{} of {} attempts.", activity.failed(), activity.attempts);
        let next = next(reason.and_then(|reason| of_cause(channel, reason)));
        let finding = look.finds_in(channel, what).since(evidence).then(&next);
        found.push(finding.explains(WAITING, Some(channel)));
    }
}

pub(in crate::findings) fn destination_failures(
    look: &Look<'_>,
    situation: &Situation,
    found: &mut Vec<Finding>,
) {
    for (channel, traffic) in situation.traffic().filter(|(_, traffic)| is_one_domain(look, traffic)) {
        let (failed, attempts) = (traffic.window.failed(), traffic.window.attempts);
        if failed < look.limits.one_domain_failures
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
        found.push(look.finds_in(channel, what).since(evidence).then(&next));
    }
}
