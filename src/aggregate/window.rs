//! What happened in the last minutes, by key: counts in a ring of short buckets.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::index::{ByIndex, IndexOf};
use super::ring::Ring;
use super::time::{Millis, Time};

/// Counts by key over a sliding window; a key is a seeded hash and stands for a value. Events are placed
/// by their own time, so that a backlog that is read at once after a restart does not look like a burst.
/// Bounded: beyond the cap of keys in a bucket an event is counted without its key. Buckets are short
/// and begin empty, so whoever comes often is among the first in each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlidingCounts<V> {
    bucket_millis: Millis,
    buckets: usize,
    keys_per_bucket: usize,
    ring: VecDeque<Bucket<V>>,
    left_out: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket<V> {
    /// Time divided by the width of a bucket.
    number: i64,
    counts: FxHashMap<u64, (V, u32)>,
    without_key: u32,
}

impl<V: Copy> SlidingCounts<V> {
    /// A window of `buckets` times `bucket`.
    pub fn new(bucket: Millis, buckets: usize, keys_per_bucket: usize) -> Self {
        Self { bucket_millis: bucket, buckets, keys_per_bucket, ring: VecDeque::new(), left_out: 0 }
    }

    /// Counts one event at `at`. An event from before the window is none.
    pub fn add(&mut self, at: Time, key: u64, value: V) {
        let number = at.number(self.bucket_millis);
        let keys_per_bucket = self.keys_per_bucket;
        let Some(bucket) = self.bucket(number) else { return };
        let full = bucket.counts.len() >= keys_per_bucket;
        if let Some((_, count)) = bucket.counts.get_mut(&key) {
            *count = count.saturating_add(1);
        } else if full {
            bucket.without_key = bucket.without_key.saturating_add(1);
            self.left_out += 1;
        } else {
            bucket.counts.insert(key, (value, 1));
        }
    }

    /// The bucket with a number, made where it is missing and in the window.
    fn bucket(&mut self, number: i64) -> Option<&mut Bucket<V>> {
        let newest = self.ring.back().map(|bucket| bucket.number);
        if newest == Some(number) {
            return self.ring.back_mut();
        }
        let width = i64::try_from(self.buckets).unwrap_or(i64::MAX);
        let oldest = newest.map_or(number, |newest| newest.max(number)).saturating_sub(width);
        if number <= oldest {
            return None;
        }
        let mut room = FxHashMap::default();
        while self.ring.front().is_some_and(|bucket| bucket.number <= oldest) {
            room = self.ring.pop_front().map(|bucket| bucket.counts).unwrap_or_default();
        }
        let index = self.ring.partition_point(|bucket| bucket.number < number);
        if self.ring.get(index).is_none_or(|bucket| bucket.number != number) {
            room.clear();
            self.ring.insert(index, Bucket { number, counts: room, without_key: 0 });
        }
        self.ring.get_mut(index)
    }

    /// The values and their sums over the window that ends at `now`, and the events without a key.
    pub fn sums(&self, now: Time) -> (Vec<(V, u64)>, u64) {
        let (sums, without_key) = self.by_key(now);
        (sums.into_values().collect(), without_key)
    }

    /// All keys of the window with their values, some more than once.
    pub fn keys(&self, now: Time) -> impl Iterator<Item = (u64, V)> {
        let last = now.number(self.bucket_millis);
        let first = last - i64::try_from(self.buckets).unwrap_or(i64::MAX);
        let buckets = self.ring.iter().filter(move |bucket| bucket.number > first);
        buckets.flat_map(|bucket| bucket.counts.iter().map(|(&key, &(value, _))| (key, value)))
    }

    /// The same by key.
    pub fn by_key(&self, now: Time) -> (FxHashMap<u64, (V, u64)>, u64) {
        self.by_key_of(now, |_| true)
    }

    /// The same of the keys whose value `is` one that is asked for.
    pub fn by_key_of(&self, now: Time, is: impl Fn(V) -> bool) -> (FxHashMap<u64, (V, u64)>, u64) {
        let last = now.number(self.bucket_millis);
        let first = last - i64::try_from(self.buckets).unwrap_or(i64::MAX);
        // The sums have about as many keys as the fullest bucket; to make room by and by would cost more than they do.
        let most = self.ring.iter().map(|bucket| bucket.counts.len()).max().unwrap_or(0);
        let mut sums: FxHashMap<u64, (V, u64)> = FxHashMap::default();
        sums.reserve(most);
        let mut without_key = 0;
        for bucket in self.ring.iter().filter(|bucket| bucket.number > first) {
            for (&key, &(value, count)) in bucket.counts.iter().filter(|&(_, &(value, _))| is(value)) {
                sums.entry(key).or_insert((value, 0)).1 += u64::from(count);
            }
            without_key += u64::from(bucket.without_key);
        }
        (sums, without_key)
    }

    /// Forgets all keys that stand for a value.
    pub fn forget(&mut self, is_gone: impl Fn(V) -> bool) {
        self.ring.iter_mut().for_each(|bucket| bucket.counts.retain(|_, (value, _)| !is_gone(*value)));
    }

    /// How many events were counted without their key.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// Between two walks through a full table to forget what is old.
const PRUNE: Millis = Millis::of_minutes(1);

/// The width of the buckets in which the last minutes of a key are counted.
const RECENT: Millis = Millis::of(30_000);

/// A key: its group, when it was last seen, and how often in the last five minutes. Earlier releases did not
/// count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
struct Seen<T: Copy>(IndexOf<T>, Time, #[serde(default)] Ring);

/// Distinct keys of the last hour, each of one group, with when it was last seen and how often in the last five minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct RecentKeys<T: Copy> {
    window_millis: Millis,
    capacity: usize,
    seen: FxHashMap<u64, Seen<T>>,
    /// Keys kept of each group.
    of_group: ByIndex<T, usize>,
    pruned: Time,
    left_out: u64,
}

impl<T: Copy + PartialEq> RecentKeys<T> {
    /// At most `capacity` keys seen within `window`, a quarter of it of one group, so that one
    /// group's flood leaves room for the others.
    pub fn new(window: Millis, capacity: usize) -> Self {
        Self {
            window_millis: window,
            capacity,
            seen: FxHashMap::default(),
            of_group: ByIndex::default(),
            pruned: Time::MIN,
            left_out: 0,
        }
    }

    /// Notes that a group's `key` was seen at `at`.
    pub fn add(&mut self, at: Time, key: u64, group: IndexOf<T>) {
        if let Some(Seen(_, seen, recent)) = self.seen.get_mut(&key) {
            *seen = at.max(*seen);
            recent.add(at.number(RECENT));
            return;
        }
        self.of_group.at(group);
        if self.is_full(group) && at.since(self.pruned) >= PRUNE {
            self.prune(at);
        }
        if self.is_full(group) {
            self.left_out += 1;
            return;
        }
        self.of_group[group] += 1;
        let mut recent = Ring::default();
        recent.add(at.number(RECENT));
        self.seen.insert(key, Seen(group, at, recent));
    }

    fn is_full(&self, group: IndexOf<T>) -> bool {
        self.seen.len() >= self.capacity || self.of_group[group] >= self.capacity / 4
    }

    fn prune(&mut self, at: Time) {
        let (window, of_group) = (self.window_millis, &mut self.of_group);
        self.seen.retain(|_, &mut Seen(group, seen, _)| {
            let kept = at.since(seen) < window;
            of_group[group] -= usize::from(!kept);
            kept
        });
        self.pruned = at;
    }

    /// Forgets all keys of a group.
    pub fn forget(&mut self, group: IndexOf<T>) {
        self.seen.retain(|_, Seen(of, ..)| *of != group);
        self.of_group.get_mut(group).into_iter().for_each(|kept| *kept = 0);
    }

    /// How many keys of groups that are asked for were seen within the window that ends at `now`, by group.
    pub fn keys_of(&self, now: Time, is: impl Fn(IndexOf<T>) -> bool) -> ByIndex<T, u64> {
        let mut counts: ByIndex<T, u64> = ByIndex::default();
        for Seen(group, ..) in self
            .seen
            .values()
            .filter(|Seen(group, seen, _)| is(*group) && now.since(*seen) < self.window_millis)
        {
            *counts.at(*group) += 1;
        }
        counts
    }

    /// The group of each key seen within the window that ends at `now`.
    pub fn groups(&self, now: Time) -> impl Iterator<Item = IndexOf<T>> {
        let seen = self.seen.values();
        seen.filter(move |Seen(_, seen, _)| now.since(*seen) < self.window_millis)
            .map(|&Seen(group, ..)| group)
    }

    /// How often a key was seen in the five minutes until `now`.
    pub fn recent(&self, key: u64, now: Time) -> u64 {
        self.seen.get(&key).map_or(0, |Seen(_, _, recent)| recent.sum(now.number(RECENT)))
    }

    /// How many keys did not fit.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Millis, RecentKeys, SlidingCounts, Time};
    use crate::aggregate::index::{Channel, nth};

    const HOUR: Millis = Millis::of_minutes(60);

    fn at(millis: i64) -> Time {
        Time::of(millis)
    }

    fn sums(counts: &SlidingCounts<char>, now: i64) -> HashMap<char, u64> {
        counts.sums(at(now)).0.into_iter().collect()
    }

    #[test]
    fn events_leave_the_window() {
        let mut counts = SlidingCounts::new(Millis::of(1000), 3, 2);
        for (millis, key) in [(500, 'a'), (1500, 'a'), (1600, 'b'), (1700, 'c'), (2500, 'c')] {
            counts.add(at(millis), u64::from(key), key);
        }
        assert_eq!(sums(&counts, 2900), HashMap::from([('a', 2), ('b', 1), ('c', 1)]));
        assert_eq!(counts.sums(at(2900)).1, 1);
        assert_eq!(sums(&counts, 4100), HashMap::from([('c', 1)]));
        assert!(sums(&counts, 9000).is_empty());
        assert_eq!(counts.left_out(), 1);
    }

    #[test]
    fn events_out_of_order_and_too_old() {
        let mut counts = SlidingCounts::new(Millis::of(1000), 2, 10);
        for millis in [5000, 4500, 1000, 5100] {
            counts.add(at(millis), 1, 'a');
        }
        assert_eq!(sums(&counts, 5500)[&'a'], 3);
    }

    #[test]
    fn keys_are_forgotten_after_the_window() {
        let mut keys = RecentKeys::<Channel>::new(HOUR, 8);
        for (millis, key) in [(0, 1), (1000, 2), (2000, 3)] {
            keys.add(at(millis), key, nth(0));
        }
        assert_eq!((keys.groups(at(2000)).count(), keys.left_out()), (2, 1));
        keys.add(at(3_600_500), 3, nth(0));
        assert_eq!(keys.groups(at(3_600_500)).count(), 2);
    }

    #[test]
    fn one_groups_flood_leaves_room_for_the_others() {
        let mut keys = RecentKeys::<Channel>::new(HOUR, 8);
        (0..100).for_each(|key| keys.add(at(0), key, nth(0)));
        (100..102).for_each(|key| keys.add(at(0), key, nth(1)));
        let count = |wanted: usize| keys.groups(at(0)).filter(|&group| group == nth(wanted)).count();
        assert_eq!((count(0), count(1), keys.left_out()), (2, 2, 98));
    }
}
