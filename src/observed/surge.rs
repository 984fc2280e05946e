//! How many more messages are held than within the last ten minutes, by channel: a mail loop that goes on.
//!
//! Unlike [growth](super::history::History::looked) it needs no ten minutes to have gone by: what a channel held when it was first looked into
//! is known, and what came since is as much a loop after two minutes as after ten.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The span of time that is looked back, as of the alert `ImsMtaHeldMessagesSurge`.
const SPAN: Duration = Duration::from_mins(10);
/// The least time between two samples that are kept, which bounds their number.
const SPACING: Duration = Duration::from_secs(30);
/// Channels with samples, from which on none is kept without a number: names that come and go are many.
const MANY: usize = 1000;

/// Samples of the last ten minutes, by channel.
#[derive(Clone, Debug, Default)]
pub struct Surge {
    samples: BTreeMap<String, VecDeque<(Duration, u64)>>,
}

impl Surge {
    /// Takes what channels hold at `at`, which never goes back, and gives by how much it is more than at the oldest look
    /// within the last ten minutes.
    pub fn note<'a>(
        &mut self,
        at: Duration,
        held: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> BTreeMap<String, i64> {
        let mut more = BTreeMap::new();
        let too_old = |&(then, _): &(Duration, u64)| at.saturating_sub(then) > SPAN;
        for (channel, count) in held {
            let samples = self.samples.entry(channel.to_owned()).or_default();
            if samples.back().is_none_or(|&(last, _)| at.saturating_sub(last) >= SPACING) {
                samples.push_back((at, count));
            }
            while samples.front().is_some_and(too_old) {
                samples.pop_front();
            }
            let then = samples.front().map_or(count, |&(_, then)| then);
            more.insert(channel.to_owned(), count.cast_signed().saturating_sub(then.cast_signed()));
        }
        let many = self.samples.len() > MANY;
        self.samples.retain(|channel, samples| {
            more.contains_key(channel) || (!many && samples.back().is_some_and(|sample| !too_old(sample)))
        });
        more
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Surge;

    #[test]
    fn what_came_within_ten_minutes_is_more() {
        let mut surge = Surge::default();
        let mut note =
            |second, held| surge.note(Duration::from_secs(second), [("l", held)]).get("l").copied();
        assert_eq!(note(0, 400), Some(0), "what is there at first is no surge");
        assert_eq!(note(60, 501), Some(101));
        assert_eq!(note(600, 501), Some(101));
        assert_eq!(note(630, 501), Some(0), "no more came for ten minutes");
        assert_eq!(note(640, 300), Some(-201));
        assert_eq!(note(5000, 700), Some(0), "nobody looked meanwhile");
    }

    #[test]
    fn a_channel_that_is_away_for_a_moment_goes_on_and_samples_are_bounded() {
        let mut surge = Surge::default();
        surge.note(Duration::ZERO, [("l", 10)]);
        assert!(surge.note(Duration::from_secs(15), []).is_empty());
        assert_eq!(surge.note(Duration::from_secs(30), [("l", 200)])["l"], 190);
        for second in 31..3000 {
            surge.note(Duration::from_secs(second), [("l", second)]);
            assert!(surge.samples["l"].len() <= 22);
        }
        for second in 3000..3400 {
            let names: Vec<String> = (0..100).map(|number| format!("{second}-{number}")).collect();
            surge.note(Duration::from_secs(second), names.iter().map(|name| (name.as_str(), second)));
            assert!(surge.samples.len() <= super::MANY + 100, "{}", surge.samples.len());
        }
    }
}
