//! Time that only goes by: what windows, joins and ages are kept in, instead of the host's clock.
//!
//! A clock may be hours ahead until somebody sets it right, jump by years, or stand still. The clock
//! that never goes back does none of that, but begins anew with the program. So the timeline is the host's
//! clock less what that has gained by steps: while it runs as it should, both are the same but for a
//! constant, and at a step the timeline goes on as if there had been none. Nothing in a table is ever
//! later than now, or old for no other reason than that the clock was set.

use serde::{Deserialize, Serialize};

use super::table::{LeftOut, Table};

/// Corrections are multiples of this, the width of the windows' buckets: a clock that is right again
/// has the buckets that it would have had.
const GRAIN: i64 = 30_000;

/// A clock that is off by no more has not been set: it is slewed, or was looked at a little late.
const TOLERANCE: i64 = 20_000;

/// What the host's clock has gained.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// How far it is ahead of the timeline, milliseconds.
    ahead: i64,
    /// By how much it was ahead of the clock that never goes back, with a gain of 0; not known before
    /// this run's first look.
    #[serde(skip)]
    anchor: Option<i64>,
}

/// One moment, by the host's clock and by the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Unix milliseconds.
    pub unix_millis: i64,
    /// How far these are ahead of the timeline.
    ahead: i64,
}

impl Table for Timeline {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing("it is one time")
    }
}

impl Timeline {
    /// The present, by the host's clock and by one that never goes back, both in milliseconds. Time was
    /// never before `newest`, the time of an entry that an earlier run has counted.
    pub fn present(&self, unix_millis: i64, monotonic_millis: i64, newest: Option<i64>) -> Present {
        let lead = unix_millis.saturating_sub(monotonic_millis);
        let ahead = match self.anchor {
            None => {
                let most = unix_millis.saturating_sub(newest.unwrap_or(i64::MIN));
                if self.ahead <= most { self.ahead } else { most.div_euclid(GRAIN).saturating_mul(GRAIN) }
            }
            Some(anchor) => {
                let gained = lead.saturating_sub(anchor);
                let set = gained.saturating_sub(self.ahead).saturating_abs() > TOLERANCE;
                if set {
                    gained.saturating_add(GRAIN / 2).div_euclid(GRAIN).saturating_mul(GRAIN)
                } else {
                    self.ahead
                }
            }
        };
        Present { unix_millis, ahead }
    }

    /// Goes on from the present, and remembers by what it is told.
    pub fn go_on(&mut self, present: Present, monotonic_millis: i64) {
        let lead = present.unix_millis.saturating_sub(monotonic_millis);
        self.anchor.get_or_insert(lead.saturating_sub(present.ahead));
        self.ahead = present.ahead;
    }
}

impl Present {
    /// The moment of which files tell that are read as a whole: the time of their newest entry.
    pub fn of_entry(unix_millis: i64) -> Self {
        Self { unix_millis, ahead: 0 }
    }

    /// Now, on the timeline.
    pub fn now(self) -> i64 {
        self.on_timeline(self.unix_millis)
    }

    /// A time of the host's clock on the timeline.
    pub fn on_timeline(self, unix_millis: i64) -> i64 {
        unix_millis.saturating_sub(self.ahead)
    }

    /// A time on the timeline as the host's clock would show it.
    pub fn unix_millis_of(self, at: i64) -> i64 {
        at.saturating_add(self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::{GRAIN, Timeline};

    const HOUR: i64 = 3_600_000;
    const NOW: i64 = 1_795_000_000_000;

    /// Where the timeline is after each of the looks, as time since the first: of the host's clock
    /// and of the one that never goes back.
    fn times(looks: &[(i64, i64)]) -> Vec<i64> {
        let mut timeline = Timeline::default();
        let looks = looks.iter().map(|&(unix, monotonic)| {
            let present = timeline.present(NOW + unix, monotonic, None);
            timeline.go_on(present, monotonic);
            present.now() - NOW
        });
        looks.collect()
    }

    #[test]
    fn the_timeline_goes_by_as_the_clock_that_never_goes_back() {
        let year = 365 * 24 * HOUR;
        for (looks, expected) in [
            // The host's clock runs as it should, is slewed, and late by what a busy host takes.
            (
                vec![(0, 0), (1000, 1000), (HOUR, HOUR - 1800), (2 * HOUR, 2 * HOUR)],
                vec![0, 1000, HOUR, 2 * HOUR],
            ),
            // Ahead, and right again: not a millisecond is left of it.
            (vec![(0, 0), (2 * HOUR + 7, 1000), (2000, 2000)], vec![0, 1007, 2000]),
            (vec![(0, 0), (10 * year + 1, 1000), (2000, 2000)], vec![0, 1000, 2000]),
            // Behind.
            (vec![(0, 0), (-HOUR, 1000), (2000, 2000)], vec![0, 1000, 2000]),
        ] {
            let found = times(&looks);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < GRAIN, "{looks:?}: {found:?} {expected:?}");
            }
            assert_eq!(found.last(), expected.last(), "{looks:?}");
        }
    }

    #[test]
    fn a_clock_that_stands_still_stops_nothing() {
        let looks: Vec<_> = (0..600).map(|second| (0, second * 1000)).collect();
        for (second, found) in (0..).zip(times(&looks)) {
            assert!((found - second * 1000).abs() <= GRAIN, "{second} {found}");
        }
    }

    #[test]
    fn a_start_goes_on_where_the_saved_sums_end() {
        for (ahead, newest, expected) in [
            (0, NOW - HOUR, 0),
            (2 * HOUR, NOW - 3 * HOUR, 2 * HOUR),
            // The clock was ahead when they were saved, and has been set since.
            (0, NOW + 2 * HOUR, -2 * HOUR),
            (0, NOW + 2 * HOUR + 1, -2 * HOUR - GRAIN),
            (2 * HOUR, NOW, 0),
            (0, i64::MAX, (NOW - i64::MAX).div_euclid(GRAIN) * GRAIN),
            (0, i64::MIN, 0),
        ] {
            let saved = Timeline { ahead, anchor: None };
            let present = saved.present(NOW, 5, Some(newest));
            assert_eq!(present.ahead, expected, "{ahead} {newest}");
            assert!(present.now() >= newest.min(i64::MAX - GRAIN), "{ahead} {newest}");
        }
    }
}
