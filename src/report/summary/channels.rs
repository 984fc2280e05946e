//! Traffic, failures and delays by channel.

use std::collections::HashMap;

use serde::Serialize;

use super::listed;
use crate::aggregate::Totals;
use crate::aggregate::channel::ChannelCounts;
use crate::aggregate::histogram::DelayHistogram;
use crate::aggregate::time::Millis;
use crate::findings::logs::{ChannelTraffic, Delay, Destination, FailureReason, Quantiles};
use crate::findings::share;
use crate::record::code::Outcome;
use crate::record::reason::Reason;
use crate::report::breakdown::{Breakdown, DestinationCounts};

/// Whether a channel did anything.
fn any(row: &ChannelTraffic) -> bool {
    row.received + row.enqueued + row.attempts + row.rejections > 0
        || row.aborted_transactions + row.bad_commands + row.delay_warnings > 0
}

/// Replies of other hosts to failed attempts.
#[derive(Debug, Serialize)]
pub struct Reply {
    /// The channel.
    pub channel: String,
    /// `4xx` or `5xx`.
    pub class: &'static str,
    /// The enhanced status, `none` without one.
    pub status: String,
    /// How many.
    pub count: u64,
}

pub(super) fn traffic(totals: &Totals, breakdown: &Breakdown) -> Vec<ChannelTraffic> {
    let mut rows: HashMap<&str, ChannelTraffic> =
        totals.channels.all().map(|(channel, counts)| (channel, channel_counts(channel, counts))).collect();
    for pair in totals.enqueues.pairs() {
        if let Some(row) = rows.get_mut(totals.channels.label(pair.source)) {
            row.received += pair.recipients;
        }
        if let Some(row) = rows.get_mut(totals.channels.label(pair.destination)) {
            row.enqueued += pair.recipients;
        }
    }
    idle(&mut rows, totals, breakdown);
    let mut worst: HashMap<&str, &DestinationCounts> = HashMap::new();
    for counts in breakdown.destinations.all() {
        let Some(row) = rows.get_mut(counts.channel.as_str()) else { continue };
        row.domains += u64::from(counts.attempts > 0);
        row.failing_domains += u64::from(counts.failed > 0);
        let worst = worst.entry(counts.channel.as_str()).or_insert(counts);
        if (counts.failed, &worst.domain) > (worst.failed, &counts.domain) {
            *worst = counts;
        }
    }
    for (channel, counts) in worst {
        if let Some(row) = rows.get_mut(channel).filter(|_| counts.failed > 0) {
            row.worst_domain = Some(counts.domain.clone());
            row.worst_domain_share = share(counts.failed, row.failures);
        }
    }
    let rows = rows.into_values().filter(any).collect();
    listed(rows, |row: &ChannelTraffic| row.received + row.enqueued + row.attempts, |row| (&row.channel, ""))
}

/// For how long each channel has tried nothing when the logs end.
fn idle(rows: &mut HashMap<&str, ChannelTraffic>, totals: &Totals, breakdown: &Breakdown) {
    let (Some((first, last)), Some(newest)) = (breakdown.period, totals.accounts.newest_entry()) else {
        return;
    };
    let progress = totals.recent.progress();
    for (index, _) in totals.channels.by_index() {
        let progress = progress.get(index).copied().unwrap_or_default();
        if let Some(row) = rows.get_mut(totals.channels.label(index)) {
            row.idle_minutes =
                progress.attempted.map_or(Millis::of(last - first), |at| newest.since(at)).minutes();
            row.enqueued_since = progress.enqueued_since;
        }
    }
}

fn channel_counts(channel: &str, counts: &ChannelCounts) -> ChannelTraffic {
    let reasons = counts.failures.all().flat_map(|(_, reasons)| reasons.counted());
    let mut by_reason: Vec<(Reason, u64)> = Vec::new();
    for (reason, count) in reasons {
        match by_reason.iter_mut().find(|row| row.0 == reason) {
            Some(row) => row.1 += count,
            None => by_reason.push((reason, count)),
        }
    }
    let main = by_reason.iter().max_by_key(|row| row.1);
    let failures = counts.attempts.saturating_sub(counts.dequeued_recipients);
    ChannelTraffic {
        channel: channel.to_owned(),
        dequeued: counts.dequeued_recipients,
        dequeued_bytes: counts.dequeued_bytes,
        attempts: counts.attempts,
        failures,
        failure_ratio: share(failures, counts.attempts),
        main_reason: main.map(|row| row.0),
        main_reason_count: main.map_or(0, |row| row.1),
        rejections: counts.rejections.sum(),
        aborted_transactions: counts.aborted_transactions,
        bad_commands: counts.bad_commands,
        delay_warnings: counts.delay_warnings,
        ..ChannelTraffic::default()
    }
}

pub(super) fn failures(totals: &Totals) -> Vec<FailureReason> {
    let sum = |outcome: Outcome, reason: Reason| {
        totals.channels.all().map(|(_, counts)| counts.failures[outcome].get(reason)).sum()
    };
    let row = |&reason: &Reason| FailureReason {
        reason,
        deferred: sum(Outcome::Deferred, reason),
        partial: sum(Outcome::Partial, reason),
        rejected: sum(Outcome::Rejected, reason),
        unnotified: sum(Outcome::Unnotified, reason),
        meaning: reason.meaning(),
    };
    let rows = Reason::ALL.iter().map(row).filter(|row| row.all() > 0).collect();
    listed(rows, FailureReason::all, |row| (row.reason.label(), ""))
}

pub(super) fn destinations(breakdown: &Breakdown) -> Vec<Destination> {
    let failing = breakdown.destinations.all().filter(|counts| counts.deferred + counts.rejected > 0);
    let row = |counts: &DestinationCounts| {
        let main = counts.reasons.counted().max_by_key(|&(_, count)| count);
        Destination {
            channel: counts.channel.clone(),
            domain: counts.domain.clone(),
            attempts: counts.attempts,
            failures: counts.failed,
            deferred: counts.deferred,
            rejected: counts.rejected,
            failure_ratio: share(counts.failed, counts.attempts),
            main_reason: main.map_or(Reason::None, |(reason, _)| reason),
            main_reason_count: main.map_or(0, |(_, count)| count),
        }
    };
    let rows = failing.map(row).collect();
    listed(rows, |row: &Destination| row.deferred + row.rejected, |row| (&row.domain, &row.channel))
}

pub(super) fn replies(totals: &Totals) -> Vec<Reply> {
    let rows = totals.replies.all().map(|(channel, class, status, count)| Reply {
        channel: totals.channels.label(channel).to_owned(),
        class,
        status: status.to_owned(),
        count,
    });
    listed(rows.collect(), |row: &Reply| row.count, |row| (&row.channel, &row.status))
}

pub(super) fn delays(totals: &Totals) -> Vec<Delay> {
    let rows = totals.channels.all().filter_map(|(channel, counts)| {
        let (queue, end_to_end) = (quantiles(&counts.queue_delay), quantiles(&counts.end_to_end_delay));
        let known = queue.is_some() || end_to_end.is_some();
        known.then(|| Delay { channel: channel.to_owned(), queue, end_to_end })
    });
    let count = |row: &Delay| {
        [&row.queue, &row.end_to_end].into_iter().flatten().map(|known| known.count).max().unwrap_or(0)
    };
    listed(rows.collect(), count, |row| (&row.channel, ""))
}

fn quantiles(delays: &DelayHistogram) -> Option<Quantiles> {
    let count = delays.count();
    // In whole numbers: the rank of the observation, rounded up.
    let bound = |percent: u64| {
        let rank = (count * percent).div_ceil(100);
        delays.cumulative().find(|&(_, upto)| upto >= rank).map(|(bound, _)| bound)
    };
    (count > 0).then(|| Quantiles {
        count,
        mean_seconds: mean(delays),
        p50_at_most_seconds: bound(50),
        p95_at_most_seconds: bound(95),
    })
}

fn mean(delays: &DelayHistogram) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no 53 bits")]
    let mean = delays.sum_seconds() / delays.count() as f64;
    (mean * 1000.0).round() / 1000.0
}
