//! What a channel did in a quarter of an hour beside what is usual there: too many failures or rejections, too slow.

use super::Finding;
use super::channels::HOLD;
use super::rule::Look;
use super::situation::{Quarter, Situation, Traffic};
use super::words::{percent, time};
use crate::record::reason::Reason;

/// One recipient of twenty waits longer.
pub const SLOWEST: f64 = 0.95;

fn mostly(reason: Option<Reason>) -> String {
    reason.map_or_else(String::new, |reason| format!(", mostly {}", reason.label()))
}

/// Too few failures for a page, and more than in the same hours last week; where that is not known, what is much anywhere.
pub(super) fn failures_elevated(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, traffic) in situation.traffic() {
        let look = &look.of_channel(channel);
        let limits = look.limits;
        let quarter = &traffic.quarter;
        let Some(share) = quarter.failing_share(limits.small_attempts) else { continue };
        let week = quarter.last_week.failing_share;
        let much_anywhere = share > limits.elevated_unknown_share;
        // At night the most of last week is of few attempts, and three times of that would be nearly all.
        let far_above = |week| share > limits.unusual_factor / 2.0 * week && exceeds(quarter, week);
        let unusual = week.map_or(much_anywhere, |week| {
            share > limits.unusual_factor * week || (much_anywhere && far_above(week))
        });
        let much = share > limits.elevated_share && quarter.failing >= limits.elevated_failures;
        if !much || !unusual || traffic.spiked || is_one_domain_of_quarter(look, traffic) {
            continue;
        }
        let within = time(limits.traffic_window.as_secs_f64());
        let what = format!(
            "{channel}: {} of attempts failed in {within}{}.",
            percent(share),
            mostly(quarter.mostly)
        );
        let week = week.map(|week| format!("; a week ago it was {} at most", percent(week)));
        let judged = quarter.delivered + quarter.failing;
        let evidence = format!("{} of {judged}{}.", quarter.failing, week.unwrap_or_default());
        let next = "See in the Q and R entries of mail.log_current which domains fail, and whether one of several name \
                    servers or networks is away.";
        found.push(look.finds_in(channel, what).since(evidence).then(next));
    }
}

/// Whether more fails than such a share brings about by chance: by two standard deviations of the binomial distribution, which
/// one quarter of an hour in 40 is above its own share. The share is the most of last week, and it has to last.
#[expect(clippy::cast_precision_loss, reason = "counts of a quarter of an hour")]
fn exceeds(quarter: &Quarter, share: f64) -> bool {
    const DEVIATIONS: f64 = 2.0;
    let (failing, judged) = (quarter.failing as f64, (quarter.failing + quarter.delivered) as f64);
    failing - judged * share > DEVIATIONS * (judged * share * (1.0 - share)).max(0.0).sqrt()
}

/// One dead domain of many has a ticket of its own.
pub(super) fn is_one_domain_of_quarter(look: &Look<'_>, traffic: &Traffic) -> bool {
    let domains = traffic.domains.max(traffic.domains_of_day);
    traffic.quarter.worst_share > look.limits.one_domain_share && domains >= look.limits.domains
}

/// A mailing to an old list, a block list that has us, a directory that lost its entries.
pub(super) fn bounce_surge(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, traffic) in situation.traffic() {
        let look = &look.of_channel(channel);
        let limits = look.limits;
        let Quarter { rejected, rejected_usually, last_week, .. } = traffic.quarter;
        let Some(usual) = rejected_usually.filter(|_| rejected >= limits.bounce_surge) else { continue };
        let as_last_week =
            last_week.rejected.is_some_and(|week| super::share(week, rejected) >= limits.same_hours_share);
        if !times_more(rejected, usual, limits.unusual_factor) || as_last_week {
            continue;
        }
        let within = time(limits.traffic_window.as_secs_f64());
        let what = format!(
            "{channel}: {rejected} recipients were rejected for good and returned in {within}, where no more than {usual} \
             are usual{}.",
            mostly(traffic.quarter.rejected_mostly)
        );
        let next = "Each goes back to its sender. See in the R entries of mail.log_current who sends to them, an old list or \
                    somebody who guesses addresses, and whether a block list has this host.";
        found.push(look.finds_in(channel, what).then(next));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count that is compared needs no 53 bits")]
fn times_more(now: u64, than: u64, factor: f64) -> bool {
    now as f64 > factor * than as f64
}

/// Mail arrives, late. Where last week is not known, not for what other hosts put off: that waits until it is tried again.
pub(super) fn delivery_slow(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, traffic) in situation.traffic().filter(|(channel, _)| *channel != HOLD) {
        let limits = look.limits.of_channel(channel);
        let (floor, long) = (limits.slow_floor.as_secs_f64(), limits.slow_age.as_secs_f64());
        let quarter = &traffic.quarter;
        let Some(delay) = quarter.delay(SLOWEST, limits.slow_recipients) else { continue };
        let slow = match quarter.last_week.delay {
            Some(week) => delay > limits.unusual_factor * week && delay > floor,
            None => delay > long && quarter.delay(limits.slow_quantile, 1).is_some_and(|most| most > floor),
        };
        if !slow {
            continue;
        }
        let why = quarter.mostly.map(|reason| format!("; attempts fail mostly for {}", reason.label()));
        let what = format!(
            "{channel}: one recipient in twenty waits for {} or longer{}.",
            time(delay),
            why.unwrap_or_default()
        );
        let week = quarter.last_week.delay.map(|week| format!("A week ago it was {} at most.", time(week)));
        let next = format!(
            "See whether attempts fail first, by reason, and with `imsimta qm jobs {channel}` whether all jobs are busy."
        );
        found.push(look.finds_in(channel, what).since(week.unwrap_or_default()).then(&next));
    }
}

#[cfg(test)]
mod tests {
    use super::{Quarter, SLOWEST};
    use crate::aggregate::histogram::DELAY_BOUNDS;

    /// As Prometheus tells quantiles of the same buckets.
    #[test]
    fn delays_are_told_within_their_buckets() {
        let quarter = |buckets: &[(usize, u64)]| {
            let mut quarter = Quarter::default();
            for &(bucket, count) in buckets {
                quarter.delays[bucket] = count;
            }
            quarter
        };
        let last = DELAY_BOUNDS.len();
        for (buckets, at_least, expected) in [
            (&[(0, 20)][..], 20, Some(0.95)),
            (&[(0, 19)], 20, None),
            (&[], 0, None),
            // Half of them within a minute, half between an hour and four: 0.9 of the way.
            (&[(3, 10), (7, 10)], 20, Some(3600.0 + 0.9 * 10_800.0)),
            (&[(3, 19), (7, 1)], 20, Some(60.0)),
            (&[(last, 20)], 20, Some(604_800.0)),
        ] {
            let found = quarter(buckets).delay(SLOWEST, at_least);
            let near = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-6,
                (found, expected) => found.is_none() && expected.is_none(),
            };
            assert!(near, "{buckets:?}: {found:?}");
        }
    }
}
