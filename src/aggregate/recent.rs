//! What each channel did in the last five minutes, and when it last tried to deliver.
//!
//! Counters say what happened since a start; whether mail flows is a question about now. A ring of slots of ten
//! seconds, each with a row by the index of the channel: an entry costs an addition. Bounded by the
//! number of channels.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::index::{ByIndex, Channel, ChannelIndex};
use super::reasons::PerLabel;
use super::table::{LeftOut, Table, Vacated};
use super::time::{Millis, Time};
use crate::record::reason::Reason;

/// The width of a slot: failures that begin are to be told within seconds.
pub const SLOT: Millis = Millis::of(10_000);
/// The window, in minutes.
pub const WINDOW_MINUTES: i64 = 5;
/// So many slots are kept: the window, and the slot of the present, which is not over.
const SLOTS: i64 = WINDOW_MINUTES * 60_000 / SLOT.millis() + 1;
/// The slots of an earlier release were so much wider.
const EARLIER: i64 = 3;
/// The short window, in minutes: what stands in it is now.
pub const SHORT_MINUTES: i64 = 1;
/// What has left the window is kept in pieces of so many slots.
const PIECE: i64 = WINDOW_MINUTES * 60_000 / SLOT.millis();
/// For so many pieces, and the one that is not whole: a quarter of an hour, and an hour.
const BEFORE: [i64; 2] = [3, 12];

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

    /// Attempts that failed, but for what hosts put off as everybody's first attempt (greylisted), and what the return
    /// job gave back (expired), which nobody tried: what alerts judge.
    pub fn failing(&self) -> u64 {
        let ordinary = [Reason::Greylisted, Reason::Expired].map(|reason| self.failures.get(reason));
        self.failed().saturating_sub(ordinary.iter().sum())
    }

    /// Attempts that went through or failed so.
    pub fn judged(&self) -> u64 {
        self.delivered() + self.failing()
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

/// Attempts that are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Judged {
    /// Those that failed.
    pub failing: u64,
    /// All of them.
    pub attempts: u64,
}

impl From<&ChannelActivity> for Judged {
    fn from(activity: &ChannelActivity) -> Self {
        Self { failing: activity.failing(), attempts: activity.judged() }
    }
}

/// What a channel did in a time that ended where the window begins.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Before {
    /// The attempts.
    pub judged: Judged,
    /// How long it was, in seconds.
    pub seconds: f64,
}

/// The ends of a window, the newest quarter, half, and three quarters of it.
pub const ENDS: usize = 3;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    /// Time divided by [`SLOT`].
    number: i64,
    channels: ByIndex<Channel, ChannelActivity>,
}

/// What was tried in slots that have left the window.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Piece {
    /// That of a slot divided by [`PIECE`].
    number: i64,
    /// Attempts that are judged: those that failed, and all.
    channels: ByIndex<Channel, (u64, u64)>,
}

/// All channels.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct Recent {
    /// Always empty: an earlier release asks for it.
    ring: VecDeque<Bucket>,
    slots: VecDeque<Bucket>,
    /// What left them in the last hour.
    before: VecDeque<Piece>,
    progress: ByIndex<Channel, Progress>,
}

/// The same as it is saved. An earlier release had wider slots.
#[derive(Deserialize)]
struct Saved {
    #[serde(default)]
    ring: VecDeque<Bucket>,
    #[serde(default)]
    slots: VecDeque<Bucket>,
    #[serde(default)]
    before: VecDeque<Piece>,
    progress: ByIndex<Channel, Progress>,
}

impl From<Saved> for Recent {
    fn from(Saved { ring, slots, before, progress }: Saved) -> Self {
        let narrower = |earlier: Bucket| Bucket { number: earlier.number.saturating_mul(EARLIER), ..earlier };
        let slots = if slots.is_empty() { ring.into_iter().map(narrower).collect() } else { slots };
        Self { ring: VecDeque::new(), slots, before, progress }
    }
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
        for bucket in &mut self.slots {
            if let Some(activity) = bucket.channels.get_mut(channel) {
                *activity = ChannelActivity::default();
            }
        }
        for piece in &mut self.before {
            if let Some(judged) = piece.channels.get_mut(channel) {
                *judged = (0, 0);
            }
        }
        if let Some(progress) = self.progress.get_mut(channel) {
            *progress = Progress::default();
        }
    }

    /// The row of a channel at a time; none before the window.
    fn activity(&mut self, channel: ChannelIndex, at: Time) -> Option<&mut ChannelActivity> {
        let number = at.number(SLOT);
        let newest = self.slots.back().map(|bucket| bucket.number);
        let index = if newest == Some(number) { self.slots.len() - 1 } else { self.place(number)? };
        Some(self.slots[index].channels.at(channel))
    }

    /// The index of the bucket with a number, made where it is missing and in the window.
    fn place(&mut self, number: i64) -> Option<usize> {
        let newest = self.slots.back().map_or(number, |bucket| bucket.number.max(number));
        let oldest = newest.saturating_sub(SLOTS);
        if number <= oldest {
            return None;
        }
        while let Some(bucket) = self.slots.pop_front_if(|bucket| bucket.number <= oldest) {
            self.leaves(&bucket);
        }
        let index = self.slots.partition_point(|bucket| bucket.number < number);
        if self.slots.get(index).is_none_or(|bucket| bucket.number != number) {
            self.slots.insert(index, Bucket { number, channels: ByIndex::default() });
        }
        Some(index)
    }

    /// A slot has left the window, and later ones will: they leave in their order.
    fn leaves(&mut self, bucket: &Bucket) {
        let number = bucket.number.div_euclid(PIECE);
        if self.before.back().is_none_or(|piece| piece.number != number) {
            self.before.push_back(Piece { number, ..Piece::default() });
        }
        let kept = number.saturating_sub(BEFORE[1]);
        while self.before.pop_front_if(|piece| piece.number < kept).is_some() {}
        let Some(piece) = self.before.back_mut() else { return };
        for (channel, judged) in judged(bucket) {
            add(piece.channels.at(channel), judged);
        }
    }

    /// By channel: what it did in the quarter of an hour, and in the hour, before the window. They are up to five minutes longer.
    pub fn before(&self, now: Time) -> ByIndex<Channel, [Before; BEFORE.len()]> {
        let window = now.number(SLOT).saturating_sub(SLOTS - 1);
        let begins = BEFORE.map(|pieces| window.div_euclid(PIECE).saturating_sub(pieces));
        let mut sums: ByIndex<Channel, [(u64, u64); BEFORE.len()]> = ByIndex::default();
        let mut add_all = |number: i64, channel, judged| {
            let parts = sums.at(channel).iter_mut().zip(begins);
            parts.filter(|&(_, begins)| number >= begins).for_each(|(part, _)| add(part, judged));
        };
        for piece in self.before.iter().filter(|piece| piece.number >= begins[1]) {
            let tried = piece.channels.iter().filter(|(_, judged)| judged.1 > 0);
            tried.for_each(|(channel, &judged)| add_all(piece.number, channel, judged));
        }
        // Slots leave when there is a newer one, and until then some are older than the window.
        for bucket in self.slots.iter().take_while(|bucket| bucket.number < window) {
            let number = bucket.number.div_euclid(PIECE);
            judged(bucket).for_each(|(channel, judged)| add_all(number, channel, judged));
        }
        let slots = begins.map(|begins| window.saturating_sub(begins.saturating_mul(PIECE)));
        let seconds = slots.map(|slots| Millis::of(slots.saturating_mul(SLOT.millis())).seconds());
        let of = |judged: &[(u64, u64); BEFORE.len()]| {
            [0, 1].map(|part| {
                let (failing, attempts) = judged[part];
                Before { judged: Judged { failing, attempts }, seconds: seconds[part] }
            })
        };
        sums.values().iter().map(of).collect()
    }

    /// By channel: what it did in the last so many minutes until `now`. The slot of
    /// the present is not over yet, so one more is taken.
    pub fn over(&self, minutes: i64, now: Time) -> ByIndex<Channel, ChannelActivity> {
        self.last(minutes * 60_000 / SLOT.millis() + 1, now)
    }

    /// By channel: what it did in a time of this length, a little less and a little more, since the slot of the present
    /// is not over.
    pub fn around(&self, span: Duration, now: Time) -> [ByIndex<Channel, ChannelActivity>; 2] {
        let span = Millis::from(span).millis();
        let slots = span / SLOT.millis() + i64::from(span % SLOT.millis() > 0);
        [slots, slots + 1].map(|slots| self.last(slots, now))
    }

    /// By channel: the attempts of the newest quarter of such a time, of its newest half, and of three quarters of it. What began
    /// within the time fills the shorter ones first. The slot of the present is not over.
    pub fn ends(&self, span: Duration, now: Time) -> ByIndex<Channel, [Judged; ENDS]> {
        let last = now.number(SLOT);
        let slots = (Millis::from(span).millis() / SLOT.millis()).clamp(1, SLOTS);
        let lengths = [1, 2, 3].map(|quarters| (quarters * slots + 3) / 4);
        let mut sums: ByIndex<Channel, [Judged; ENDS]> = ByIndex::default();
        for bucket in self
            .slots
            .iter()
            .filter(|bucket| (last.saturating_sub(lengths[ENDS - 1] - 1)..=last).contains(&bucket.number))
        {
            for (channel, activity) in bucket.channels.iter() {
                let more = Judged::from(activity);
                let ends = sums.at(channel).iter_mut().zip(lengths);
                for (end, _) in ends.filter(|&(_, length)| last - bucket.number < length) {
                    end.failing += more.failing;
                    end.attempts += more.attempts;
                }
            }
        }
        sums
    }

    fn last(&self, slots: i64, now: Time) -> ByIndex<Channel, ChannelActivity> {
        let last = now.number(SLOT);
        let first = last.saturating_sub(slots.clamp(1, SLOTS) - 1);
        let mut sums: ByIndex<Channel, ChannelActivity> = ByIndex::default();
        for bucket in self.slots.iter().filter(|bucket| (first..=last).contains(&bucket.number)) {
            bucket.channels.iter().for_each(|(channel, part)| sums.at(channel).add_all(part));
        }
        sums
    }

    /// By channel.
    pub fn progress(&self) -> &ByIndex<Channel, Progress> {
        &self.progress
    }
}

/// What was tried in a slot, where anything was.
fn judged(bucket: &Bucket) -> impl Iterator<Item = (ChannelIndex, (u64, u64))> {
    let judged = |(channel, activity)| {
        let Judged { failing, attempts } = Judged::from(activity);
        (attempts > 0).then_some((channel, (failing, attempts)))
    };
    bucket.channels.iter().filter_map(judged)
}

fn add((failing, attempts): &mut (u64, u64), more: (u64, u64)) {
    (*failing, *attempts) = (*failing + more.0, *attempts + more.1);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        Before, Bucket, EARLIER, Judged, Progress, Recent, SHORT_MINUTES, Time, Vacated, WINDOW_MINUTES,
    };
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

    /// What an earlier release saved in half minutes is in the slots of today, and the other way there is nothing.
    #[test]
    fn the_windows_of_an_earlier_release_go_on() {
        let mut before = Recent::default();
        before.attempted(nth(0), Some(Reason::MailboxBusy), START);
        let wider = |slot: Bucket| Bucket { number: slot.number.div_euclid(EARLIER), ..slot };
        let slots = std::mem::take(&mut before.slots);
        before.ring = slots.into_iter().map(wider).collect();
        let bytes = rmp_serde::to_vec_named(&before).expect("saved");
        let after_upgrade: Recent = rmp_serde::from_slice(&bytes).expect("read");
        assert_eq!(after_upgrade.over(1, after(30_000))[nth(0)].failed(), 1);
        assert!(after_upgrade.ring.is_empty());
        let bytes = rmp_serde::to_vec_named(&after_upgrade).expect("saved");
        assert_eq!(rmp_serde::from_slice::<Recent>(&bytes).expect("read"), after_upgrade);
    }

    /// A little less than so long, and a little more.
    #[test]
    fn seconds_count() {
        let mut recent = Recent::default();
        for seconds in 0..60 {
            recent.attempted(nth(0), None, after(seconds * 1000));
        }
        let attempts =
            |span| recent.around(Duration::from_secs(span), after(59_000)).map(|sums| sums[nth(0)].attempts);
        assert_eq!((attempts(40), attempts(35), attempts(3600)), ([40, 50], [40, 50], [60, 60]));
    }

    #[test]
    fn the_ends_of_a_window_are_what_is_newest() {
        let mut recent = Recent::default();
        // A failure a second for the last 15 of them.
        for seconds in 0..60 {
            recent.attempted(nth(1), (seconds >= 45).then_some(Reason::NoRoute), after(seconds * 1000));
        }
        let ends = |span| {
            recent.ends(Duration::from_secs(span), after(59_000))[nth(1)]
                .map(|end| (end.failing, end.attempts))
        };
        assert_eq!(ends(40), [(10, 10), (15, 20), (15, 30)]);
        assert_eq!(ends(240), [(15, 60); 3]);
        assert_eq!(ends(1), [(10, 10); 3]);
    }

    /// What has left the window is of the quarter of an hour and of the hour before it, also where nothing came since.
    #[test]
    fn what_left_the_window_is_known_for_an_hour() {
        let mut recent = Recent::default();
        let minute = |number: i64| after(number * 60_000);
        // 90 minutes with an attempt each, of which the last 20 fail, and greylisting that is judged by nobody.
        for number in 0..90 {
            recent.attempted(nth(1), (number >= 70).then_some(Reason::NoRoute), minute(number));
            recent.attempted(nth(1), Some(Reason::Greylisted), minute(number));
        }
        let told = |recent: &Recent, at| {
            let before = recent.before(minute(at));
            before.get(nth(1)).map(|before| {
                before.map(|Before { judged, seconds }| (judged.failing, judged.attempts, seconds))
            })
        };
        // The window has minutes 84 to 89; a piece begins each five minutes.
        let expected = [(14, 16, 960.0), (14, 61, 3660.0)];
        assert_eq!(told(&recent, 89), Some(expected));
        let bytes = rmp_serde::to_vec_named(&recent).expect("saved");
        assert_eq!(told(&rmp_serde::from_slice(&bytes).expect("read"), 89), Some(expected));
        let rested = told(&recent, 89 + 30).expect("known");
        assert_eq!(rested.map(|(failing, attempts, _)| (failing, attempts)), [(0, 0), (20, 37)]);
        assert!(recent.before.len() <= 13);
        recent.forget_channel(Vacated(nth(1)));
        let forgotten = recent.before(minute(89));
        assert!(forgotten.values().iter().flatten().all(|before| before.judged == Judged::default()));
    }

    #[test]
    fn what_everybody_meets_is_no_failure_to_be_judged() {
        let mut recent = Recent::default();
        for reason in [Some(Reason::Greylisted), Some(Reason::Expired), Some(Reason::NoRoute), None] {
            recent.attempted(nth(0), reason, START);
        }
        let sums = recent.over(1, START);
        let row = &sums[nth(0)];
        assert_eq!((row.attempts, row.failed(), row.failing(), row.judged()), (4, 3, 1, 2));
    }

    #[test]
    fn entries_out_of_order_are_counted_and_those_too_old_are_not() {
        let mut recent = Recent::default();
        for at in [after(90_000), START, after(30_000), after(-600_000)] {
            recent.attempted(nth(0), None, at);
        }
        assert_eq!(recent.over(WINDOW_MINUTES, after(100_000))[nth(0)].attempts, 3);
        assert_eq!(recent.progress()[nth(0)].attempted, Some(after(90_000)));
        assert!(recent.slots.len() <= 31);
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
                recent.slots.len() <= 31
                    && recent.slots.iter().all(|bucket| bucket.channels.values().len() <= 257)
            );
        }
        recent.enqueued(nth(0), Time::MAX);
        recent.enqueued(nth(0), Time::MIN);
        assert!(recent.over(WINDOW_MINUTES, Time::MIN).values().is_empty());
    }
}
