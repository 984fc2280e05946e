//! What each channel did in the last five minutes, and when it last tried to deliver.
//!
//! Counters say what happened since a start; whether mail flows is a question about now. A ring of half
//! minutes, each with a row by the index of the channel: an entry costs an addition. Bounded by the
//! number of channels.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::index::{ByIndex, Channel, ChannelIndex};
use super::reasons::PerLabel;
use super::table::{LeftOut, Table, Vacated};
use super::time::{Millis, Time};
use crate::record::reason::Reason;

/// The width of a bucket, as of the other windows.
const BUCKET: Millis = Millis::of(30_000);
/// Five minutes of them.
const BUCKETS: i64 = 10;
/// The window, in minutes.
pub const WINDOW_MINUTES: i64 = BUCKETS * BUCKET.millis() / 60_000;
/// The short window, in minutes: what stands in it is now.
pub const SHORT_MINUTES: i64 = 1;

/// What one channel did, in recipients.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelActivity {
    /// Enqueued for it.
    pub enqueued: u64,
    /// Attempts to deliver.
    pub attempts: u64,
    /// Those that failed, by reason.
    pub failures: PerLabel<Reason>,
}

impl ChannelActivity {
    /// Attempts that failed.
    pub fn failed(&self) -> u64 {
        self.failures.sum()
    }

    /// Attempts that did not fail.
    pub fn delivered(&self) -> u64 {
        self.attempts.saturating_sub(self.failed())
    }

    /// The most frequent reason of the failures.
    pub fn main_reason(&self) -> Option<Reason> {
        self.failures.counted().max_by_key(|&(_, count)| count).map(|(reason, _)| reason)
    }

    fn add_all(&mut self, other: &Self) {
        self.enqueued += other.enqueued;
        self.attempts += other.attempts;
        self.failures.add_all(&other.failures);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    /// Time divided by [`BUCKET`].
    number: i64,
    channels: ByIndex<Channel, ChannelActivity>,
}

/// All channels.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Recent {
    ring: VecDeque<Bucket>,
    progress: ByIndex<Channel, Progress>,
}

/// How a channel gets on, also before the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// When it last tried to deliver.
    pub attempted: Option<Time>,
    /// Recipients that were enqueued for it since.
    pub enqueued_since: u64,
}

impl Table for Recent {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing("one a channel, and these are bounded")
    }
}

impl Recent {
    /// A recipient was enqueued for a channel at `at`.
    pub(super) fn enqueued(&mut self, channel: ChannelIndex, at: Time) {
        self.progress.at(channel).enqueued_since += 1;
        if let Some(activity) = self.activity(channel, at) {
            activity.enqueued += 1;
        }
    }

    /// A channel tried to deliver; `failure` says why in vain.
    pub(super) fn attempted(&mut self, channel: ChannelIndex, failure: Option<Reason>, at: Time) {
        let progress = self.progress.at(channel);
        *progress = Progress { attempted: progress.attempted.max(Some(at)), enqueued_since: 0 };
        if let Some(activity) = self.activity(channel, at) {
            activity.attempts += 1;
            if let Some(reason) = failure {
                activity.failures.add(reason);
            }
        }
    }

    /// Forgets what a channel did whose index is another one's now.
    pub(super) fn forget_channel(&mut self, Vacated(channel): Vacated) {
        for bucket in &mut self.ring {
            if let Some(activity) = bucket.channels.get_mut(channel) {
                *activity = ChannelActivity::default();
            }
        }
        if let Some(progress) = self.progress.get_mut(channel) {
            *progress = Progress::default();
        }
    }

    /// The row of a channel at a time; none before the window.
    fn activity(&mut self, channel: ChannelIndex, at: Time) -> Option<&mut ChannelActivity> {
        let number = at.number(BUCKET);
        let newest = self.ring.back().map(|bucket| bucket.number);
        let index = if newest == Some(number) { self.ring.len() - 1 } else { self.place(number)? };
        Some(self.ring[index].channels.at(channel))
    }

    /// The index of the bucket with a number, made where it is missing and in the window.
    fn place(&mut self, number: i64) -> Option<usize> {
        let newest = self.ring.back().map_or(number, |bucket| bucket.number.max(number));
        let oldest = newest.saturating_sub(BUCKETS);
        if number <= oldest {
            return None;
        }
        while self.ring.front().is_some_and(|bucket| bucket.number <= oldest) {
            self.ring.pop_front();
        }
        let index = self.ring.partition_point(|bucket| bucket.number < number);
        if self.ring.get(index).is_none_or(|bucket| bucket.number != number) {
            self.ring.insert(index, Bucket { number, channels: ByIndex::default() });
        }
        Some(index)
    }

    /// By channel: what it did in the last so many minutes until `now`. The bucket of
    /// the present is not over yet, so one more is taken.
    pub fn over(&self, minutes: i64, now: Time) -> ByIndex<Channel, ChannelActivity> {
        let last = now.number(BUCKET);
        let first = last.saturating_sub((minutes * 60_000 / BUCKET.millis()).min(BUCKETS - 1));
        let mut sums: ByIndex<Channel, ChannelActivity> = ByIndex::default();
        for bucket in self.ring.iter().filter(|bucket| (first..=last).contains(&bucket.number)) {
            bucket.channels.iter().for_each(|(channel, part)| sums.at(channel).add_all(part));
        }
        sums
    }

    /// By channel.
    pub fn progress(&self) -> &ByIndex<Channel, Progress> {
        &self.progress
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, Recent, SHORT_MINUTES, Time, Vacated, WINDOW_MINUTES};
    use crate::aggregate::index::nth;
    use crate::record::reason::Reason;

    const START: Time = after(0);

    const fn after(millis: i64) -> Time {
        Time::of(1_795_000_020_000 + millis)
    }

    #[test]
    fn what_is_old_leaves_the_window_and_the_time_of_the_last_attempt_stays() {
        let mut recent = Recent::default();
        recent.enqueued(nth(2), START);
        recent.attempted(nth(1), Some(Reason::DnsTemporary), START);
        recent.attempted(nth(1), None, after(200_000));
        let five = recent.over(WINDOW_MINUTES, after(200_000));
        assert_eq!(
            (five[nth(1)].attempts, five[nth(1)].failed(), five[nth(1)].delivered(), five[nth(2)].enqueued),
            (2, 1, 1, 1)
        );
        assert_eq!(five[nth(1)].main_reason(), Some(Reason::DnsTemporary));
        let minute = recent.over(SHORT_MINUTES, after(200_000));
        assert_eq!((minute[nth(1)].attempts, minute[nth(1)].failed()), (1, 0));
        assert!(recent.over(WINDOW_MINUTES, after(900_000)).values().is_empty());
        let progress: Vec<_> =
            recent.progress().values().iter().map(|row| (row.attempted, row.enqueued_since)).collect();
        assert_eq!(progress, [(None, 0), (Some(after(200_000)), 0), (None, 1)]);
    }

    #[test]
    fn entries_out_of_order_are_counted_and_those_too_old_are_not() {
        let mut recent = Recent::default();
        for at in [after(90_000), START, after(30_000), after(-600_000)] {
            recent.attempted(nth(0), None, at);
        }
        assert_eq!(recent.over(WINDOW_MINUTES, after(100_000))[nth(0)].attempts, 3);
        assert_eq!(recent.progress()[nth(0)].attempted, Some(after(90_000)));
        assert!(recent.ring.len() <= 10);
    }

    #[test]
    fn a_channel_that_gives_way_leaves_nothing() {
        let mut recent = Recent::default();
        for channel in [nth(1), nth(2)] {
            recent.enqueued(channel, START);
            recent.attempted(channel, Some(Reason::MailboxBusy), START);
            recent.enqueued(channel, START);
        }
        recent.forget_channel(Vacated(nth(1)));
        let activity = recent.over(WINDOW_MINUTES, START);
        assert_eq!((activity[nth(1)].attempts, activity[nth(2)].attempts), (0, 1));
        assert_eq!(
            (recent.progress()[nth(1)], recent.progress()[nth(2)].enqueued_since),
            (Progress::default(), 1)
        );
    }

    /// Memory is bounded whatever the times are.
    #[test]
    fn the_ring_is_bounded() {
        let mut recent = Recent::default();
        for step in 0..1000_i64 {
            let at = after((step * 7919 % 1000) * 30_000);
            recent.enqueued(nth(usize::try_from(step % 257).expect("small")), at);
            assert!(
                recent.ring.len() <= 10
                    && recent.ring.iter().all(|bucket| bucket.channels.values().len() <= 257)
            );
        }
        recent.enqueued(nth(0), Time::MAX);
        recent.enqueued(nth(0), Time::MIN);
        assert!(recent.over(WINDOW_MINUTES, Time::MIN).values().is_empty());
    }
}
