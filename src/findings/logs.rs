//! What whole logs say, row by row, as plain data: a report fills it with its files, and a program that runs may with
//! its sums. The rules look at [`Logs`]; the report writes the rows out as well.

use serde::Serialize;

use crate::record::reason::Reason;

/// What whole logs say; the lists have the greatest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logs<'a> {
    /// Minutes from the first entry to the last; absent without entries.
    pub minutes: Option<u64>,
    /// All lines.
    pub lines: u64,
    /// Lines that are entries.
    pub records: u64,
    /// Lines that were not understood.
    pub not_understood: u64,
    /// Whether a file could not be read to its end.
    pub not_read: bool,
    /// By channel.
    pub channels: &'a [ChannelTraffic],
    /// Failed attempts by reason.
    pub failures: &'a [FailureReason],
    /// The destinations that failed most.
    pub destinations: &'a [Destination],
    /// Rejected enqueues by reason.
    pub rejections: &'a [Rejection],
    /// By channel.
    pub authentications: &'a [Authentications],
    /// Clients by failed authentications.
    pub authentication_clients: &'a [ClientCount],
    /// Connections of clients that were opened.
    pub inbound_connections: u64,
    /// Waiting times by channel.
    pub delays: &'a [Delay],
    /// When most attempts of a channel failed.
    pub outages: &'a [Outage],
    /// Messages that were put into the queue as held.
    pub held_enqueues: u64,
}

impl Logs<'_> {
    /// Failed attempts for a reason.
    pub(super) fn failures_for(&self, reason: Reason) -> u64 {
        self.failures.iter().filter(|row| row.reason == reason).map(FailureReason::all).sum()
    }

    /// Rejected enqueues for a reason.
    pub(super) fn rejections_for(&self, reason: Reason) -> u64 {
        self.rejections.iter().filter(|row| row.reason == reason).map(|row| row.count).sum()
    }

    /// The worst of the domains that fail mostly for a reason.
    pub(super) fn worst_for(&self, reason: Reason) -> Option<&str> {
        self.destinations.iter().find(|row| row.main_reason == reason).map(|row| row.domain.as_str())
    }
}

/// One channel's traffic, in recipients.
#[derive(Debug, Default, Serialize)]
pub struct ChannelTraffic {
    /// The channel.
    pub channel: String,
    /// Enqueued by this channel.
    pub received: u64,
    /// Enqueued for this channel.
    pub enqueued: u64,
    /// Delivered.
    pub dequeued: u64,
    /// Delivered bytes, as the MTA rounds them up to blocks.
    pub dequeued_bytes: u64,
    /// Delivery attempts.
    pub attempts: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Failures by attempts, 0 to 1.
    pub failure_ratio: f64,
    /// The most frequent reason of the failures.
    pub main_reason: Option<Reason>,
    /// How many have it.
    pub main_reason_count: u64,
    /// Minutes from its last attempt, or else from the first entry of the logs, to the last entry.
    pub idle_minutes: u64,
    /// Recipients that were enqueued for it since its last attempt.
    pub enqueued_since: u64,
    /// Distinct destination domains tried.
    pub domains: u64,
    /// How many of them had a failure.
    pub failing_domains: u64,
    /// The domain with most failures.
    pub worst_domain: Option<String>,
    /// Its share of the failures, 0 to 1.
    pub worst_domain_share: f64,
    /// Rejected enqueues (J).
    pub rejections: u64,
    /// V entries.
    pub aborted_transactions: u64,
    /// B entries.
    pub bad_commands: u64,
    /// W entries.
    pub delay_warnings: u64,
}

/// Recipients that were not delivered, by reason.
#[derive(Debug, Serialize)]
pub struct FailureReason {
    /// The reason, as the metrics spell it.
    pub reason: Reason,
    /// Q: stays in the queue.
    pub deferred: u64,
    /// Z: queued anew while others of the message were delivered.
    pub partial: u64,
    /// R: given up, the sender is told.
    pub rejected: u64,
    /// K: given up, nobody is told.
    pub unnotified: u64,
    /// What it says, for people.
    pub meaning: &'static str,
}

impl FailureReason {
    /// All outcomes together.
    pub fn all(&self) -> u64 {
        self.deferred + self.partial + self.rejected + self.unnotified
    }
}

/// A domain that a channel failed to deliver to.
#[derive(Debug, Serialize)]
pub struct Destination {
    /// The channel.
    pub channel: String,
    /// The domain.
    pub domain: String,
    /// Delivery attempts.
    pub attempts: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Q and Z entries.
    pub deferred: u64,
    /// R and K entries.
    pub rejected: u64,
    /// Failures by attempts, 0 to 1.
    pub failure_ratio: f64,
    /// The most frequent reason.
    pub main_reason: Reason,
    /// How many have it.
    pub main_reason_count: u64,
}

/// Waiting times of one channel. Quantiles are upper bounds of histogram buckets in seconds; null
/// is more than a week.
#[derive(Debug, Serialize)]
pub struct Delay {
    /// The channel.
    pub channel: String,
    /// In this channel's queue until the last entry of a recipient.
    pub queue: Option<Quantiles>,
    /// Since the message came to this host.
    pub end_to_end: Option<Quantiles>,
}

/// Half and nearly all of the recipients waited at most so long.
#[derive(Debug, Serialize)]
pub struct Quantiles {
    /// Observations.
    pub count: u64,
    /// Their mean.
    pub mean_seconds: f64,
    /// Half of them.
    pub p50_at_most_seconds: Option<f64>,
    /// 95 % of them.
    pub p95_at_most_seconds: Option<f64>,
}

/// A client, shown as `clients.label` says, and a count.
#[derive(Debug, Serialize)]
pub struct ClientCount {
    /// Its address, network or hash.
    pub client: String,
    /// How many.
    pub count: u64,
}

/// Rejected enqueues of one reason.
#[derive(Debug, Serialize)]
pub struct Rejection {
    /// The reason, as the metrics spell it.
    pub reason: Reason,
    /// How many.
    pub count: u64,
    /// What it says, for people.
    pub meaning: &'static str,
    /// How many clients there were.
    pub clients: u64,
    /// The busiest of them.
    pub busiest: Vec<ClientCount>,
}

/// Authentications of one channel.
#[derive(Debug, Serialize)]
pub struct Authentications {
    /// The channel.
    pub channel: String,
    /// Accepted.
    pub success: u64,
    /// Refused.
    pub failure: u64,
    /// The entry does not say.
    pub unknown: u64,
}

/// A time in which most attempts of a channel failed.
#[derive(Debug, Serialize)]
pub struct Outage {
    /// The channel.
    pub channel: String,
    /// The beginning of the first period, `2026-11-20T08:30:00`.
    pub from: String,
    /// The end of the last period.
    pub to: String,
    /// Attempts in it.
    pub attempts: u64,
    /// Those that failed.
    pub failures: u64,
    /// Their share, 0 to 1.
    pub failure_ratio: f64,
    /// What most of them failed for.
    pub main_reason: Reason,
}
