//! What happened in the last minutes, by key: counts in a ring of short buckets.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// Counts by key over a sliding window. Events are placed by their own time, so that a backlog that
/// is read at once after a restart does not look like a burst. Bounded: beyond the cap of keys in a
/// bucket an event is counted without its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize + Eq + Hash", deserialize = "K: Deserialize<'de> + Eq + Hash"))]
pub struct SlidingCounts<K> {
    bucket_millis: i64,
    buckets: usize,
    keys_per_bucket: usize,
    ring: VecDeque<Bucket<K>>,
    left_out: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize + Eq + Hash", deserialize = "K: Deserialize<'de> + Eq + Hash"))]
struct Bucket<K> {
    /// Time divided by the width of a bucket.
    number: i64,
    counts: HashMap<K, u32>,
    without_key: u32,
}

impl<K: Copy + Eq + Hash> SlidingCounts<K> {
    /// A window of `buckets` times `bucket_millis`.
    pub fn new(bucket_millis: i64, buckets: usize, keys_per_bucket: usize) -> Self {
        Self { bucket_millis, buckets, keys_per_bucket, ring: VecDeque::new(), left_out: 0 }
    }

    /// Counts one event at `at` (Unix milliseconds). An event from before the window is none.
    pub fn add(&mut self, at: i64, key: K) {
        let number = at.div_euclid(self.bucket_millis);
        let newest = self.ring.back().map_or(number, |bucket| bucket.number.max(number));
        let oldest = newest - i64::try_from(self.buckets).unwrap_or(i64::MAX);
        if number <= oldest {
            return;
        }
        while self.ring.front().is_some_and(|bucket| bucket.number <= oldest) {
            self.ring.pop_front();
        }
        let keys_per_bucket = self.keys_per_bucket;
        let bucket = self.bucket(number);
        let full = bucket.counts.len() >= keys_per_bucket;
        if let Some(count) = bucket.counts.get_mut(&key) {
            *count = count.saturating_add(1);
        } else if full {
            bucket.without_key = bucket.without_key.saturating_add(1);
            self.left_out += 1;
        } else {
            bucket.counts.insert(key, 1);
        }
    }

    fn bucket(&mut self, number: i64) -> &mut Bucket<K> {
        let index = self.ring.partition_point(|bucket| bucket.number < number);
        if self.ring.get(index).is_none_or(|bucket| bucket.number != number) {
            self.ring.insert(index, Bucket { number, counts: HashMap::new(), without_key: 0 });
        }
        &mut self.ring[index]
    }

    /// The sums by key over the window that ends at `now`, and of the events without a key.
    pub fn sums(&self, now: i64) -> (HashMap<K, u64>, u64) {
        let last = now.div_euclid(self.bucket_millis);
        let first = last - i64::try_from(self.buckets).unwrap_or(i64::MAX);
        let (mut sums, mut without_key) = (HashMap::new(), 0);
        for bucket in self.ring.iter().filter(|bucket| bucket.number > first) {
            for (&key, &count) in &bucket.counts {
                *sums.entry(key).or_insert(0) += u64::from(count);
            }
            without_key += u64::from(bucket.without_key);
        }
        (sums, without_key)
    }

    /// How many events were counted without their key.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// Distinct keys of the last hour, each with when it was last seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize + Eq + Hash", deserialize = "K: Deserialize<'de> + Eq + Hash"))]
pub struct RecentKeys<K> {
    window_millis: i64,
    capacity: usize,
    seen: HashMap<K, i64>,
    pruned: i64,
    left_out: u64,
}

impl<K: Copy + Eq + Hash> RecentKeys<K> {
    /// At most `capacity` keys seen within `window_millis`.
    pub fn new(window_millis: i64, capacity: usize) -> Self {
        Self { window_millis, capacity, seen: HashMap::new(), pruned: i64::MIN, left_out: 0 }
    }

    /// Notes that `key` was seen at `at` (Unix milliseconds).
    pub fn add(&mut self, at: i64, key: K) {
        if let Some(seen) = self.seen.get_mut(&key) {
            *seen = at.max(*seen);
            return;
        }
        // Pruning walks the table, so a full one is pruned at most once a minute.
        if self.seen.len() >= self.capacity && at.saturating_sub(self.pruned) >= 60_000 {
            let window = self.window_millis;
            self.seen.retain(|_, seen| at - *seen < window);
            self.pruned = at;
        }
        if self.seen.len() >= self.capacity {
            self.left_out += 1;
            return;
        }
        self.seen.insert(key, at);
    }

    /// The keys seen within the window that ends at `now`.
    pub fn keys(&self, now: i64) -> impl Iterator<Item = K> {
        self.seen.iter().filter(move |&(_, &seen)| now - seen < self.window_millis).map(|(&key, _)| key)
    }

    /// How many keys did not fit.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::{RecentKeys, SlidingCounts};

    #[test]
    fn events_leave_the_window() {
        let mut counts = SlidingCounts::new(1000, 3, 2);
        for (at, key) in [(500, 'a'), (1500, 'a'), (1600, 'b'), (1700, 'c'), (2500, 'c')] {
            counts.add(at, key);
        }
        let (sums, without_key) = counts.sums(2900);
        assert_eq!((sums[&'a'], sums[&'b'], sums[&'c'], without_key), (2, 1, 1, 1));
        let (sums, _) = counts.sums(4100);
        assert_eq!((sums.get(&'a'), sums.get(&'c')), (None, Some(&1)));
        assert!(counts.sums(9000).0.is_empty());
        assert_eq!(counts.left_out(), 1);
    }

    #[test]
    fn events_out_of_order_and_too_old() {
        let mut counts = SlidingCounts::new(1000, 2, 10);
        for at in [5000, 4500, 1000, 5100] {
            counts.add(at, 'a');
        }
        assert_eq!(counts.sums(5500).0[&'a'], 3);
    }

    #[test]
    fn keys_are_forgotten_after_the_window() {
        let mut keys = RecentKeys::new(3_600_000, 2);
        keys.add(0, 'a');
        keys.add(1000, 'b');
        keys.add(2000, 'c');
        assert_eq!((keys.keys(2000).count(), keys.left_out()), (2, 1));
        keys.add(3_600_500, 'c');
        let mut recent: Vec<_> = keys.keys(3_600_500).collect();
        recent.sort_unstable();
        assert_eq!(recent, ['b', 'c']);
    }
}
