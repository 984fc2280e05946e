//! How much numbers have grown in a quarter of an hour, by label.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The span of time that is looked back.
pub const SPAN: Duration = Duration::from_mins(15);

/// The least time between two samples that are kept: that bounds their number, and is how much longer
/// than [`SPAN`] the time may be, beside the time between two calls of [`Growth::note`].
const SPACING: Duration = Duration::from_secs(15);

/// Samples of the last [`SPAN`], by label.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    series: BTreeMap<String, VecDeque<(Duration, u64)>>,
}

impl Growth {
    /// Takes the numbers at `at`, which never goes back, and gives the growth of those that were seen
    /// [`SPAN`] ago. A label that is not among them is forgotten.
    pub fn note<'a>(
        &mut self,
        at: Duration,
        numbers: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> BTreeMap<String, i64> {
        let mut before = std::mem::take(&mut self.series);
        let mut growth = BTreeMap::new();
        for (label, number) in numbers {
            let mut samples = before.remove(label).unwrap_or_default();
            if samples.back().is_none_or(|&(last, _)| at.saturating_sub(last) >= SPACING) {
                samples.push_back((at, number));
            }
            // The first sample is the newest of those that are old enough, if there is one.
            let old_enough = |&(then, _): &(Duration, u64)| at.saturating_sub(then) >= SPAN;
            while samples.get(1).is_some_and(old_enough) {
                samples.pop_front();
            }
            if let Some(&(_, then)) = samples.front().filter(|sample| old_enough(sample)) {
                growth.insert(label.to_owned(), number.cast_signed().saturating_sub(then.cast_signed()));
            }
            self.series.insert(label.to_owned(), samples);
        }
        growth
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Growth;

    #[test]
    fn it_is_absent_until_a_quarter_of_an_hour_was_seen() {
        let mut growth = Growth::default();
        let mut note =
            |second, number| growth.note(Duration::from_secs(second), [("l", number)]).get("l").copied();
        assert_eq!(note(0, 100), None);
        assert_eq!(note(10, 400), None);
        assert_eq!(note(20, 150), None);
        assert_eq!(note(899, 90), None);
        assert_eq!(note(900, 90), Some(-10));
        assert_eq!(note(910, 90), Some(-10), "the sample of second 10 came too soon to be kept");
        assert_eq!(note(920, 1000), Some(850));
        assert_eq!(note(5000, 1001), Some(1));
    }

    #[test]
    fn what_is_not_noted_is_forgotten_and_samples_are_bounded() {
        let mut growth = Growth::default();
        for second in 0..2000 {
            growth.note(Duration::from_secs(second), [("l", second), ("gone", 1)]);
        }
        assert!(growth.series["l"].len() <= 62, "{}", growth.series["l"].len());
        assert_eq!(growth.note(Duration::from_secs(2000), [("l", 0)]).len(), 1);
        assert_eq!(growth.note(Duration::from_secs(2001), [("l", 0), ("gone", 1)]).len(), 1);
    }
}
