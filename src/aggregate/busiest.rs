//! Who came most often in the last five minutes, among more than can be remembered: with a bound that holds.
//!
//! A ring of half minutes. Each keeps the counts of at most `CAPACITY` keys; where one more comes, those with the
//! smallest counts are forgotten, a quarter of `CAPACITY` at least. It is the sketch *space saving* (Metwally, Agrawal and El Abbadi,
//! 2005), which forgets in batches, so that it needs no order while it counts.
//!
//! Of each half minute is known, whatever came in whatever order:
//!
//! - a key that is kept came at least `sure` times, and at most `sure + missed` times: it came at most `missed`
//!   times before it was kept;
//! - a key that is not kept came at most `lost` times; no `missed` is more than that.
//!
//! Counting keeps both. So does forgetting, which takes the keys with `sure + missed` up to a limit and makes that limit
//! `lost`; and a key that is kept from then on begins with `missed = lost`.
//!
//! What is shown of a key is the sum of `sure` over the window. So **a count is never more than the truth, and at
//! most the sum of `lost` less**: the [error bound](Ranking::error_bound). A key that is not shown came at most as
//! often as the last one that is, and the bound more; so who stands out by more than the bound is shown.
//!
//! The bound is at most 4/3 of the events by `CAPACITY`. Let a key weigh `sure + missed - lost`: each event makes all
//! keys together heavier by 1 at most, and when `lost` rises, three quarters of `CAPACITY` keys or more lose as
//! much each. While no more than `CAPACITY` keys come in any half minute it is 0.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::time::{Millis, Time};

const BUCKET: Millis = Millis::of(30_000);
/// Five minutes of them.
const BUCKETS: u8 = 10;

/// Counts by key over the window; a key is a seeded hash and stands for a value. Events are placed by their own time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "V: Serialize", deserialize = "V: Deserialize<'de>"))]
pub struct Busiest<V, const CAPACITY: usize> {
    ring: VecDeque<Bucket<V>>,
    left_out: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved<V>", bound(serialize = "V: Serialize", deserialize = "V: Deserialize<'de>"))]
struct Bucket<V> {
    /// Time divided by the width of a bucket.
    number: i64,
    /// How often a key came for sure.
    counts: FxHashMap<u64, (V, u32)>,
    /// How often it may have come before it was kept; nothing of those that were kept from the beginning.
    missed: FxHashMap<u64, u32>,
    /// No key that is not kept came more often.
    lost: u32,
    /// All that came.
    events: u64,
}

/// A bucket as it is saved. An older release kept the first keys that came, and counted all others together.
#[derive(Deserialize)]
#[serde(bound(deserialize = "V: Deserialize<'de>"))]
struct Saved<V> {
    number: i64,
    counts: FxHashMap<u64, (V, u32)>,
    #[serde(default)]
    missed: FxHashMap<u64, u32>,
    #[serde(default)]
    without_key: u32,
    lost: Option<u32>,
    events: Option<u64>,
}

impl<V> From<Saved<V>> for Bucket<V> {
    fn from(saved: Saved<V>) -> Self {
        let Saved { number, counts, missed, without_key, lost, events } = saved;
        let kept = || counts.values().map(|&(_, sure)| u64::from(sure)).sum::<u64>();
        let events = events.unwrap_or_else(|| kept() + u64::from(without_key));
        Self { number, lost: lost.unwrap_or(without_key), events, counts, missed }
    }
}

/// The keys that came most often within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking<V> {
    /// Value and count, the greatest count first.
    pub rows: Vec<(V, u64)>,
    /// All that came, whoever it was.
    pub events: u64,
    /// How much less than the truth a count is at most. It is never more.
    pub error_bound: u64,
}

impl<V, const CAPACITY: usize> Default for Busiest<V, CAPACITY> {
    fn default() -> Self {
        Self { ring: VecDeque::new(), left_out: 0 }
    }
}

impl<V: Clone + Ord, const CAPACITY: usize> Busiest<V, CAPACITY> {
    /// The most that one of these takes, bytes, beside what values have elsewhere: hash tables have twice the room at
    /// most, a byte a place, and are never rebuilt larger.
    pub const MOST_BYTES: usize = BUCKETS as usize * Bucket::<V>::bytes_of(CAPACITY, CAPACITY);

    /// Counts one event at `at`; `value` is asked for when the key is new. An event from before the window is none.
    pub fn add(&mut self, at: Time, key: u64, value: impl FnOnce() -> V) {
        let Some(bucket) = self.bucket(at.number(BUCKET)) else { return };
        bucket.events += 1;
        if let Some((_, sure)) = bucket.counts.get_mut(&key) {
            *sure = sure.saturating_add(1);
            return;
        }
        let forgotten =
            if bucket.counts.len() >= CAPACITY { bucket.forget_the_rarest(CAPACITY / 4 * 3) } else { 0 };
        if bucket.lost > 0 {
            bucket.missed.insert(key, bucket.lost);
        }
        bucket.counts.insert(key, (value(), 1));
        self.left_out += forgotten;
    }

    /// The bucket with a number, made where it is missing and in the window.
    fn bucket(&mut self, number: i64) -> Option<&mut Bucket<V>> {
        let newest = self.ring.back().map(|bucket| bucket.number);
        if newest == Some(number) {
            return self.ring.back_mut();
        }
        let oldest = newest.map_or(number, |newest| newest.max(number)).saturating_sub(i64::from(BUCKETS));
        if number <= oldest {
            return None;
        }
        while self.ring.front().is_some_and(|bucket| bucket.number <= oldest) {
            self.ring.pop_front();
        }
        let index = self.ring.partition_point(|bucket| bucket.number < number);
        if self.ring.get(index).is_none_or(|bucket| bucket.number != number) {
            self.ring.insert(index, Bucket::new(number));
        }
        self.ring.get_mut(index)
    }

    /// The `most` keys that came most often in the window that ends at `now`. Equal counts are ordered by value, so
    /// that nothing flickers.
    pub fn ranking(&self, now: Time, most: usize) -> Ranking<V> {
        let last = now.number(BUCKET);
        let window = last.saturating_sub(i64::from(BUCKETS)) + 1..=last;
        let mut sums: FxHashMap<u64, (&V, u64)> = FxHashMap::default();
        let (mut events, mut error_bound) = (0, 0);
        for bucket in self.ring.iter().filter(|bucket| window.contains(&bucket.number)) {
            for (&key, (value, sure)) in &bucket.counts {
                sums.entry(key).or_insert((value, 0)).1 += u64::from(*sure);
            }
            events += bucket.events;
            error_bound += u64::from(bucket.lost);
        }
        let mut rows: Vec<_> = sums.into_values().collect();
        let busier = |a: &(&V, u64), b: &(&V, u64)| (b.1, a.0).cmp(&(a.1, b.0));
        if most < rows.len() {
            rows.select_nth_unstable_by(most, busier);
            rows.truncate(most);
        }
        rows.sort_unstable_by(busier);
        let rows = rows.into_iter().map(|(value, count)| (value.clone(), count)).collect();
        Ranking { rows, events, error_bound }
    }

    /// How many events were of keys that were forgotten.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What it takes in memory, beside what values have elsewhere.
    pub fn bytes(&self) -> usize {
        let of =
            |bucket: &Bucket<V>| Bucket::<V>::bytes_of(bucket.counts.capacity(), bucket.missed.capacity());
        self.ring.iter().map(of).sum()
    }
}

impl<V> Bucket<V> {
    fn new(number: i64) -> Self {
        Self { number, counts: FxHashMap::default(), missed: FxHashMap::default(), lost: 0, events: 0 }
    }

    /// What two hash tables for so many keys take: a power of two of places, filled to seven eighths.
    const fn bytes_of(counts: usize, missed: usize) -> usize {
        const fn places(keys: usize) -> usize {
            if keys == 0 { 0 } else { (keys * 8 / 7).next_power_of_two() }
        }
        places(counts) * (size_of::<(u64, (V, u32))>() + 1) + places(missed) * (size_of::<(u64, u32)>() + 1)
    }

    /// Forgets the keys that came least, and all that came no more often, so that no more than `kept` are left; how many
    /// events were theirs.
    #[cold]
    fn forget_the_rarest(&mut self, kept: usize) -> u64 {
        let missed = &mut self.missed;
        // Taken out and put back: a hash table in which much was removed would grow.
        let mut keys: Vec<_> = self
            .counts
            .drain()
            .map(|(key, (value, sure))| {
                let before = missed.get(&key).copied().unwrap_or(0);
                (key, value, sure, before)
            })
            .collect();
        missed.clear();
        let mut most: Vec<u32> =
            keys.iter().map(|&(_, _, sure, before)| sure.saturating_add(before)).collect();
        let last = most.len() - kept - 1;
        let limit = *most.select_nth_unstable(last).1;
        self.lost = self.lost.max(limit);
        let mut forgotten = 0;
        for (key, value, sure, before) in keys.drain(..) {
            if sure.saturating_add(before) <= limit {
                forgotten += u64::from(sure);
                continue;
            }
            self.counts.insert(key, (value, sure));
            if before > 0 {
                self.missed.insert(key, before);
            }
        }
        forgotten
    }
}

#[cfg(test)]
mod tests;
