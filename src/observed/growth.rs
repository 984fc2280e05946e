//! How much numbers have grown in a quarter of an hour, by label.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The span of time that is looked back.
pub const SPAN: Duration = Duration::from_mins(15);

/// The least time between two samples that are kept: that bounds their number, and is how much longer
/// than [`SPAN`] the time may be, beside the time between two calls of [`Growth::note`].
const SPACING: Duration = Duration::from_secs(15);

/// How long a label may be without a number before its samples are forgotten. A channel that cannot be
/// read for a moment goes on with what was seen of it; its growth then looks back by so much more.
const GAP: Duration = Duration::from_mins(5);

/// Labels with samples, from which on none is kept without a number: names that come and go are many.
const MANY: usize = 1000;

/// Samples of the last [`SPAN`], by label.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    series: BTreeMap<String, VecDeque<(Duration, u64)>>,
}

impl Growth {
    /// Takes the numbers at `at`, which never goes back, and gives the growth of those that were seen
    /// [`SPAN`] ago. A label that is not among them has no growth, and after five minutes it is
    /// forgotten.
    pub fn note<'a>(
        &mut self,
        at: Duration,
        numbers: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> BTreeMap<String, i64> {
        let mut growth = BTreeMap::new();
        for (label, number) in numbers {
            let samples = self.series.entry(label.to_owned()).or_default();
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
        }
        // A label that has a number also has a sample of the last SPACING.
        let gap = if self.series.len() > MANY { SPACING } else { GAP };
        self.series
            .retain(|_, samples| samples.back().is_some_and(|&(last, _)| at.saturating_sub(last) < gap));
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
    fn what_is_not_noted_has_no_growth_and_is_forgotten_in_time() {
        // Noted until second 2000, and again after so long.
        for (away, expected) in [(1, Some(5)), (280, Some(5)), (300, None), (2000, None)] {
            let mut growth = Growth::default();
            let mut note = |second, number: Option<u64>| {
                let numbers = [("l", Some(second)), ("lost", number)];
                let numbers = numbers.into_iter().filter_map(|(label, number)| Some((label, number?)));
                growth.note(Duration::from_secs(second), numbers)
            };
            for second in 0..=2000 {
                note(second, Some(10));
            }
            for second in 2001..2000 + away {
                assert_eq!(note(second, None).into_keys().collect::<Vec<_>>(), ["l"]);
            }
            assert_eq!(note(2000 + away, Some(15)).get("lost").copied(), expected, "{away}");
            assert!(growth.series["l"].len() <= 62, "{}", growth.series["l"].len());
        }
    }

    #[test]
    fn names_that_come_and_go_are_not_kept() {
        let mut growth = Growth::default();
        for second in 0..2000 {
            let names: Vec<String> = (0..100).map(|number| format!("{second}-{number}")).collect();
            let names = names.iter().map(String::as_str).chain(["l"]);
            let grown = growth.note(Duration::from_secs(second), names.map(|name| (name, second)));
            assert_eq!(grown.contains_key("l"), second >= 900);
            assert!(growth.series.len() <= super::MANY + 15 * 101, "{}", growth.series.len());
        }
    }
}
