//! When a channel failed: stretches of time in a row in which most of its attempts did.

use serde::Serialize;

use super::lines::civil;
use super::{ChannelTraffic, ratio};
use crate::aggregate::reasons::PerLabel;
use crate::findings::thresholds::DOMAINS;
use crate::record::reason::Reason;
use crate::report::breakdown::stretches::{STRETCH_MILLIS, Stretches};

/// A stretch of five minutes counts with at least so many attempts.
const AT_LEAST: u64 = 20;
/// And with at least this share of them failed.
const SHARE: f64 = 0.5;

/// A time in which most attempts of a channel failed.
#[derive(Debug, Serialize)]
pub struct Outage {
    /// The channel.
    pub channel: String,
    /// The beginning of the first stretch, `2026-11-20T08:30:00`.
    pub from: String,
    /// The end of the last stretch.
    pub to: String,
    /// Attempts in it.
    pub attempts: u64,
    /// Those that failed.
    pub failures: u64,
    /// Their share, 0 to 1.
    pub failure_ratio: f64,
    /// What most of them failed for.
    pub main_reason: &'static str,
}

/// Stretches of one channel in a row.
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
pub(super) fn outages(stretches: &Stretches, channels: &[ChannelTraffic]) -> Vec<Outage> {
    let many: Vec<&str> =
        channels.iter().filter(|row| row.domains >= DOMAINS).map(|row| row.channel.as_str()).collect();
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (channel, number, stretch) in stretches.in_order() {
        if stretch.attempts < AT_LEAST || ratio(stretch.failed, stretch.attempts) < SHARE {
            continue;
        }
        if stretch.is_one_domain() && many.contains(&channel) {
            continue;
        }
        let goes_on = runs.last().is_some_and(|run| run.channel == channel && run.last + 1 == number);
        if !goes_on {
            let reasons = PerLabel::default();
            runs.push(Run { channel, first: number, last: number, attempts: 0, failures: 0, reasons });
        }
        if let Some(run) = runs.last_mut() {
            run.last = number;
            run.attempts += stretch.attempts;
            run.failures += stretch.failed;
            run.reasons.add_all(&stretch.reasons);
        }
    }
    let outages = runs.iter().filter_map(outage).collect();
    super::listed(outages, |outage| outage.failures, |outage| (&outage.channel, &outage.from))
}

fn outage(run: &Run<'_>) -> Option<Outage> {
    let main = run.reasons.counted().max_by_key(|&(_, count)| count);
    Some(Outage {
        channel: run.channel.to_owned(),
        from: civil(run.first.checked_mul(STRETCH_MILLIS)?)?,
        to: civil((run.last + 1).checked_mul(STRETCH_MILLIS)?)?,
        attempts: run.attempts,
        failures: run.failures,
        failure_ratio: ratio(run.failures, run.attempts),
        main_reason: main.map_or("none", |(reason, _)| reason.label()),
    })
}
