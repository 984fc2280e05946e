//! Destination domains: who fails, and whether it is one of them or all.

use std::cmp::Reverse;
use std::collections::HashMap;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::digest::{Batch, Name};
use super::heavy_hitters::{HeavyHitters, Slot};
use super::index::{ByIndex, Channel, ChannelIndex, Domain};
use super::table::{LeftOut, Table, Vacated};
use super::time::{Millis, Time};
use super::window::{RecentKeys, SlidingCounts};
use crate::record::code::Outcome;

/// Domains with a series of their own.
pub const MAX_DOMAINS: usize = 200;
/// Five minutes in buckets of 30 s.
const FAILURE_BUCKET: Millis = Millis::of(30_000);
const FAILURE_BUCKETS: usize = 10;
const FAILURE_KEYS: usize = 4096;
const ATTEMPT_WINDOW: Millis = Millis::of_minutes(60);
const ATTEMPT_KEYS: usize = 20_000;

/// Failures of one domain.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct DomainFailures {
    /// Q entries.
    pub deferred: u64,
    /// R entries.
    pub rejected: u64,
}

/// What the one worst domain of a channel did in the last minutes, in recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Worst {
    /// Attempts to deliver.
    pub attempts: u64,
    /// Those that failed.
    pub failures: u64,
}

/// How the failures of a channel are spread over domains.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct FailingDomains {
    /// So many domains.
    pub domains: u64,
    /// The share of the worst one, 0 to 1.
    pub worst_share: f64,
    /// What that did.
    pub worst: Worst,
}

/// All domains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Destinations {
    labels: HeavyHitters<Domain>,
    failures: ByIndex<Domain, DomainFailures>,
    /// By channel and domain; the value is the channel.
    recent_failures: SlidingCounts<ChannelIndex>,
    recent_attempts: RecentKeys<Channel>,
}

impl Table for Destinations {
    fn empty(seed: u64) -> Self {
        Self {
            labels: HeavyHitters::new(MAX_DOMAINS, seed),
            failures: [DomainFailures::default()].into_iter().collect(),
            recent_failures: SlidingCounts::new(FAILURE_BUCKET, FAILURE_BUCKETS, FAILURE_KEYS),
            recent_attempts: RecentKeys::new(ATTEMPT_WINDOW, ATTEMPT_KEYS),
        }
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Counted(vec![
            ("domains", self.labels.capped()),
            ("recent_failures", self.recent_failures.left_out()),
            ("recent_domains", self.recent_attempts.left_out()),
        ])
    }

    fn replaced(&self) -> Option<(&'static str, u64)> {
        Some(("domains", self.labels.replaced()))
    }
}

impl Destinations {
    /// Delivery to a domain was tried at `at`.
    pub(super) fn attempted(&mut self, channel: ChannelIndex, domain: Name, at: Time) {
        self.recent_attempts.add(at, of_channel(channel, domain), channel);
    }

    /// An attempt failed.
    pub(super) fn failed(
        &mut self,
        channel: ChannelIndex,
        domain: Name,
        outcome: Outcome,
        at: Time,
        batch: &Batch,
    ) {
        self.recent_failures.add(at, of_channel(channel, domain), channel);
        match outcome {
            Outcome::Deferred => self.counts(domain, at, batch).deferred += 1,
            Outcome::Rejected => self.counts(domain, at, batch).rejected += 1,
            Outcome::Partial | Outcome::Unnotified => {}
        }
    }

    /// Forgets what a channel did: its index is another's from now on.
    pub(super) fn forget_channel(&mut self, Vacated(channel): Vacated) {
        self.recent_failures.forget(|of| of == channel);
        self.recent_attempts.forget(channel);
    }

    fn counts(&mut self, domain: Name, at: Time, batch: &Batch) -> &mut DomainFailures {
        match self.labels.slot(domain.key, at, || batch.text(domain)) {
            Slot::At(index) => self.failures.at(index),
            Slot::NewAt(index) => {
                let failures = self.failures.at(index);
                *failures = DomainFailures::default();
                failures
            }
        }
    }

    /// `(label value, failures)`; `other` only when something was counted there.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &DomainFailures)> {
        let skipped = usize::from(self.labels.capped() == 0);
        self.labels.labels().zip(self.failures.values()).skip(skipped)
    }

    /// By channel: the share of the last five minutes' failed recipients that goes to the one
    /// worst domain, 0 to 1. Channels without a failure are not there.
    pub fn worst_shares(&self, now: Time) -> HashMap<ChannelIndex, f64> {
        let (sums, without_key) = self.recent_failures.sums(now);
        let mut channels: HashMap<ChannelIndex, (u64, u64)> = HashMap::new();
        for (channel, count) in sums {
            let (all, worst) = channels.entry(channel).or_default();
            *all += count;
            *worst = count.max(*worst);
        }
        #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
        let share = |(all, worst): (u64, u64)| worst as f64 / (all + without_key) as f64;
        channels.into_iter().map(|(channel, counts)| (channel, share(counts))).collect()
    }

    /// The failures of the last five minutes by domain, of the channels that are asked for. Channels without a failure are
    /// not there.
    pub fn failing(
        &self,
        now: Time,
        is: impl Fn(ChannelIndex) -> bool,
    ) -> HashMap<ChannelIndex, FailingDomains> {
        let (sums, without_key) = self.recent_failures.by_key_of(now, is);
        let mut channels: HashMap<ChannelIndex, (FailingDomains, u64, u64)> = HashMap::new();
        for (key, (channel, failures)) in sums {
            let (found, all, worst) = channels.entry(channel).or_default();
            found.domains += 1;
            *all += failures;
            // Of two that are as bad the one with the lesser key, so that it stays the same.
            if (failures, Reverse(key)) > (found.worst.failures, Reverse(*worst)) {
                (found.worst.failures, *worst) = (failures, key);
            }
        }
        let whole = |(mut found, all, key): (FailingDomains, u64, u64)| {
            let Worst { attempts, failures } = &mut found.worst;
            *attempts = self.recent_attempts.recent(key, now).max(*failures);
            #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
            let share = *failures as f64 / (all + without_key) as f64;
            FailingDomains { worst_share: share, ..found }
        };
        channels.into_iter().map(|(channel, found)| (channel, whole(found))).collect()
    }

    /// How many domains failed in the last five minutes, whatever the channel.
    pub fn failing_domains(&self, now: Time) -> u64 {
        let failed = self.recent_failures.keys(now);
        let domains: FxHashSet<u64> = failed.map(|(key, channel)| domain_of(key, channel)).collect();
        domains.len() as u64
    }

    /// By channel: what the last five minutes were like for the one worst domain, which is the one with most
    /// failures. Channels without a failure are not there.
    pub fn worst(&self, now: Time) -> HashMap<ChannelIndex, Worst> {
        let mut worst: HashMap<ChannelIndex, (u64, Reverse<u64>)> = HashMap::new();
        for (key, (channel, failures)) in self.recent_failures.by_key(now).0 {
            let found = worst.entry(channel).or_insert((0, Reverse(key)));
            *found = (failures, Reverse(key)).max(*found);
        }
        let counts = |(failures, Reverse(key))| {
            // An attempt that has no room among the domains of an hour is known by its failure.
            Worst { attempts: self.recent_attempts.recent(key, now).max(failures), failures }
        };
        worst.into_iter().map(|(channel, found)| (channel, counts(found))).collect()
    }

    /// The same of the channels that are asked for.
    pub fn domains_of(&self, now: Time, is: impl Fn(ChannelIndex) -> bool) -> ByIndex<Channel, u64> {
        self.recent_attempts.keys_of(now, is)
    }

    /// By channel: distinct domains tried within the last hour.
    pub fn domains(&self, now: Time) -> HashMap<ChannelIndex, u64> {
        let mut channels = HashMap::new();
        for channel in self.recent_attempts.groups(now) {
            *channels.entry(channel).or_insert(0) += 1;
        }
        channels
    }
}

/// The hash of a domain as one channel's destination.
fn of_channel(channel: ChannelIndex, domain: Name) -> u64 {
    domain.key.rotate_left(8) ^ channel.for_hash()
}

/// The other way: the hash of the domain.
fn domain_of(key: u64, channel: ChannelIndex) -> u64 {
    (key ^ channel.for_hash()).rotate_right(8)
}
