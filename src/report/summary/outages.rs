//! When a channel failed: periods of time in a row in which most of its attempts did.

use super::lines::civil;
use crate::aggregate::reasons::PerLabel;
use crate::findings::logs::{ChannelTraffic, Outage};
use crate::findings::{Thresholds, share};
use crate::record::reason::Reason;
use crate::report::breakdown::periods::{PERIOD_MILLIS, Periods};

/// Periods of one channel in a row.
struct Run<'a> {
    channel: &'a str,
    first: i64,
    last: i64,
    attempts: u64,
    failures: u64,
    reasons: PerLabel<Reason>,
}

/// All of them, the one with most failures first. Where a channel has other destinations, the failures of one
/// domain are none: mail of the others goes through.
pub(super) fn outages(periods: &Periods, channels: &[ChannelTraffic], limits: &Thresholds) -> Vec<Outage> {
    let many: Vec<&str> =
        channels.iter().filter(|row| row.domains >= limits.domains).map(|row| row.channel.as_str()).collect();
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (channel, number, period) in periods.in_order() {
        let one_domain = || period.is_one_domain(limits.one_domain_share) && many.contains(&channel);
        if !limits.fails(period.failed, period.attempts) || one_domain() {
            continue;
        }
        let goes_on = runs.last().is_some_and(|run| run.channel == channel && run.last + 1 == number);
        if !goes_on {
            let reasons = PerLabel::default();
            runs.push(Run { channel, first: number, last: number, attempts: 0, failures: 0, reasons });
        }
        if let Some(run) = runs.last_mut() {
            run.last = number;
            run.attempts += period.attempts;
            run.failures += period.failed;
            run.reasons.add_all(&period.reasons);
        }
    }
    let outages = runs.iter().filter_map(outage).collect();
    super::listed(outages, |outage| outage.failures, |outage| (&outage.channel, &outage.from))
}

fn outage(run: &Run<'_>) -> Option<Outage> {
    let main = run.reasons.counted().max_by_key(|&(_, count)| count);
    Some(Outage {
        channel: run.channel.to_owned(),
        from: civil(run.first.checked_mul(PERIOD_MILLIS)?)?,
        to: civil((run.last + 1).checked_mul(PERIOD_MILLIS)?)?,
        attempts: run.attempts,
        failures: run.failures,
        failure_ratio: share(run.failures, run.attempts),
        main_reason: main.map_or(Reason::None, |(reason, _)| reason),
    })
}
