//! Delays and durations in buckets.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::time::Millis;

/// Upper bounds of delays in seconds: from "at once" to the days after which the return job warns and
/// bounces (`notices 1 2 4 7`).
pub const DELAY_BOUNDS: [u32; 13] =
    [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 172_800, 345_600, 604_800];

/// Upper bounds of the times for which connections are open: from "at once" over the time-outs of SMTP, which are
/// minutes, to the life of a server process.
const DURATION_BOUNDS: [u32; 9] = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

/// The most buckets that there are.
const MOST: usize = DELAY_BOUNDS.len() + 1;

/// Where the buckets of a histogram end.
pub trait Bounds {
    /// In seconds, ascending.
    const BOUNDS: &'static [u32];
}

macro_rules! bounds {
    ($($(#[$doc:meta])* $name:ident: $bounds:ident, $histogram:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Default)]
            pub struct $name;

            impl Bounds for $name {
                const BOUNDS: &'static [u32] = &$bounds;
            }

            #[doc = concat!("A histogram with the bounds of [`", stringify!($name), "`].")]
            pub type $histogram = Histogram<$name>;
        )*
    };
}

bounds! {
    /// Those of delays.
    Delays: DELAY_BOUNDS, DelayHistogram;
    /// Those of durations of connections.
    Durations: DURATION_BOUNDS, DurationHistogram;
}

/// Counts by bucket; not cumulative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved", bound(serialize = "B: Bounds + Clone", deserialize = "B: Bounds"))]
pub struct Histogram<B> {
    buckets: [u64; MOST],
    sum_millis: u64,
    bounds: PhantomData<B>,
}

impl<B> Default for Histogram<B> {
    fn default() -> Self {
        Self { buckets: [0; MOST], sum_millis: 0, bounds: PhantomData }
    }
}

/// What is saved: counts by the upper bounds of their buckets, without an upper bound last. A release may
/// have other bounds.
#[derive(Serialize, Deserialize)]
struct Saved {
    buckets: Vec<(u32, u64)>,
    above: u64,
    sum_millis: u64,
}

impl<B: Bounds> From<Histogram<B>> for Saved {
    fn from(histogram: Histogram<B>) -> Self {
        let counts = B::BOUNDS.iter().copied().zip(histogram.buckets);
        let buckets = counts.filter(|&(_, count)| count > 0).collect();
        Self { buckets, above: histogram.buckets[B::BOUNDS.len()], sum_millis: histogram.sum_millis }
    }
}

impl<B: Bounds> From<Saved> for Histogram<B> {
    /// A bucket that is not there any more goes into the next larger one: all that was in it is below that
    /// one's bound, too.
    fn from(saved: Saved) -> Self {
        let mut buckets = [0; MOST];
        for (bound, count) in saved.buckets.into_iter().chain([(u32::MAX, saved.above)]) {
            buckets[B::BOUNDS.iter().filter(|&&known| known < bound).count()] += count;
        }
        Self { buckets, sum_millis: saved.sum_millis, bounds: PhantomData }
    }
}

impl<B: Bounds> Histogram<B> {
    /// Counts one time. A negative one means that clocks disagree: it is not known, so not counted.
    pub fn observe(&mut self, time: Millis) {
        let Ok(millis) = u64::try_from(time.millis()) else { return };
        // The next whole second is beyond the same bounds.
        let seconds = u32::try_from(millis.div_ceil(1000)).unwrap_or(u32::MAX);
        // To look at all bounds is faster than to stop at one that nobody can foresee.
        let bucket = B::BOUNDS.iter().filter(|&&bound| bound < seconds).count();
        self.buckets[bucket] += 1;
        self.sum_millis = self.sum_millis.saturating_add(millis);
    }

    /// Observations up to each bound, cumulative as Prometheus has them.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.buckets.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        B::BOUNDS.iter().copied().map(f64::from).zip(counts)
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
    use super::{DelayHistogram, Millis};

    #[test]
    fn bounds_belong_to_their_bucket() {
        let mut histogram = DelayHistogram::default();
        for millis in [0, 1000, 1001, 700_000_000, -1] {
            histogram.observe(Millis::of(millis));
        }
        let cumulative: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(cumulative[..3], [2, 3, 3]);
        assert_eq!((cumulative[12], histogram.count()), (3, 4));
        assert!((histogram.sum_seconds() - 700_002.001).abs() < 1e-6);
    }
}
