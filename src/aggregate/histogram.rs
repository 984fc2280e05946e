//! Delays in buckets.

use serde::{Deserialize, Serialize};

/// Upper bounds in seconds: from "at once" to the days after which the return job warns and
/// bounces (`notices 1 2 4 7`).
pub const DELAY_BOUNDS: [f64; 13] = [
    1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 172_800.0, 345_600.0, 604_800.0,
];

/// Counts by bucket; not cumulative.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct DelayHistogram {
    buckets: [u64; DELAY_BOUNDS.len() + 1],
    sum_millis: u64,
}

impl DelayHistogram {
    /// Counts one delay. A negative one means that clocks disagree: it is not known, so not counted.
    pub fn observe_millis(&mut self, millis: i64) {
        let Ok(millis) = u64::try_from(millis) else { return };
        let seconds = std::time::Duration::from_millis(millis).as_secs_f64();
        let bucket = DELAY_BOUNDS.partition_point(|&bound| bound < seconds);
        self.buckets[bucket] += 1;
        self.sum_millis = self.sum_millis.saturating_add(millis);
    }

    /// Observations up to each bound, cumulative as Prometheus has them.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.buckets.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        DELAY_BOUNDS.into_iter().zip(counts)
    }

    /// All observations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Their sum in seconds.
    pub fn sum_seconds(&self) -> f64 {
        std::time::Duration::from_millis(self.sum_millis).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::DelayHistogram;

    #[test]
    fn bounds_belong_to_their_bucket() {
        let mut histogram = DelayHistogram::default();
        for millis in [0, 1000, 1001, 700_000_000, -1] {
            histogram.observe_millis(millis);
        }
        let cumulative: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(cumulative[..3], [2, 3, 3]);
        assert_eq!((cumulative[12], histogram.count()), (3, 4));
        assert!((histogram.sum_seconds() - 700_002.001).abs() < 1e-6);
    }
}
