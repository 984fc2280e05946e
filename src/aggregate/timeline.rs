//! Time that only goes by: what windows, joins and ages are kept in, instead of the host's clock.
//!
//! A clock may be hours ahead until somebody sets it right, jump by years, or stand still. The clock
//! that never goes back does none of that, but begins anew with the program. So the timeline is the host's
//! clock less what that has gained by steps: while it runs as it should, both are the same but for a
//! constant, and at a step the timeline goes on as if there had been none. Nothing in a table is ever
//! later than now, or old for no other reason than that the clock was set.

use serde::{Deserialize, Serialize};

use super::table::{LeftOut, Table};
use super::time::{Millis, Monotonic, Time, UnixTime};

/// Corrections are multiples of this, the width of the windows' buckets: a clock that is right again
/// has the buckets that it would have had.
const GRAIN: Millis = Millis::of(30_000);

/// What rounds to the nearest.
const HALF_A_GRAIN: Millis = Millis::of(GRAIN.millis() / 2);

/// A clock that is off by no more has not been set: it is slewed, or was looked at a little late.
const TOLERANCE: Millis = Millis::of(20_000);

/// What the host's clock has gained.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// How far it is ahead of the timeline.
    ahead: Millis,
    /// By how much it was ahead of the clock that never goes back, with a gain of 0; not known before
    /// this run's first look.
    #[serde(skip)]
    anchor: Option<Millis>,
}

/// One moment, by the host's clock and by the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// By the host's clock.
    pub unix: UnixTime,
    /// How far that is ahead of the timeline.
    ahead: Millis,
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
    /// The present, by the host's clock and by one that never goes back. Time was
    /// never before `newest`, the time of an entry that an earlier run has counted.
    pub fn present(&self, unix: UnixTime, monotonic: Monotonic, newest: Option<Time>) -> Present {
        let ahead = match self.anchor {
            None => {
                let most = ahead_of(unix, newest.unwrap_or(Time::MIN));
                if self.ahead <= most { self.ahead } else { most.rounded_down(GRAIN) }
            }
            Some(anchor) => {
                let gained = lead(unix, monotonic).less(anchor);
                let set = gained.less(self.ahead).length() > TOLERANCE;
                if set { gained.and(HALF_A_GRAIN).rounded_down(GRAIN) } else { self.ahead }
            }
        };
        Present { unix, ahead }
    }

    /// Goes on from the present, and remembers by what it is told.
    pub fn go_on(&mut self, present: Present, monotonic: Monotonic) {
        self.anchor.get_or_insert(lead(present.unix, monotonic).less(present.ahead));
        self.ahead = present.ahead;
    }
}

/// How far the host's clock is ahead of the one that never goes back.
fn lead(unix: UnixTime, monotonic: Monotonic) -> Millis {
    Millis::of(unix.millis().saturating_sub(monotonic.millis()))
}

/// How far the host's clock is ahead of a moment on the timeline.
fn ahead_of(unix: UnixTime, time: Time) -> Millis {
    Millis::of(unix.millis().saturating_sub(time.millis()))
}

impl Present {
    /// The moment of which files tell that are read as a whole: the time of their newest entry.
    pub fn of_entry(time: Time) -> Self {
        Self { unix: UnixTime::of(time.millis()), ahead: Millis::default() }
    }

    /// Now, on the timeline.
    pub fn now(self) -> Time {
        self.on_timeline(self.unix)
    }

    /// A time of the host's clock on the timeline.
    pub fn on_timeline(self, unix: UnixTime) -> Time {
        Time::of(unix.less(self.ahead).millis())
    }

    /// A time on the timeline as the host's clock would show it.
    pub fn unix_of(self, at: Time) -> UnixTime {
        UnixTime::of(at.millis().saturating_add(self.ahead.millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::{GRAIN, Millis, Monotonic, Time, Timeline, UnixTime};

    const HOUR: i64 = 3_600_000;
    const NOW: i64 = 1_795_000_000_000;

    /// Where the timeline is after each of the looks, as time since the first: of the host's clock
    /// and of the one that never goes back.
    fn times(looks: &[(i64, i64)]) -> Vec<i64> {
        let mut timeline = Timeline::default();
        let looks = looks.iter().map(|&(unix, monotonic)| {
            let monotonic = Monotonic::of(monotonic);
            let present = timeline.present(UnixTime::of(NOW + unix), monotonic, None);
            timeline.go_on(present, monotonic);
            present.now().millis() - NOW
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
                assert!((found - expected).abs() < GRAIN.millis(), "{looks:?}: {found:?} {expected:?}");
            }
            assert_eq!(found.last(), expected.last(), "{looks:?}");
        }
    }

    #[test]
    fn a_clock_that_stands_still_stops_nothing() {
        let looks: Vec<_> = (0..600).map(|second| (0, second * 1000)).collect();
        for (second, found) in (0..).zip(times(&looks)) {
            assert!((found - second * 1000).abs() <= GRAIN.millis(), "{second} {found}");
        }
    }

    #[test]
    fn a_start_goes_on_where_the_saved_sums_end() {
        let grain = GRAIN.millis();
        for (ahead, newest, expected) in [
            (0, NOW - HOUR, 0),
            (2 * HOUR, NOW - 3 * HOUR, 2 * HOUR),
            // The clock was ahead when they were saved, and has been set since.
            (0, NOW + 2 * HOUR, -2 * HOUR),
            (0, NOW + 2 * HOUR + 1, -2 * HOUR - grain),
            (2 * HOUR, NOW, 0),
            (0, i64::MAX, (NOW - i64::MAX).div_euclid(grain) * grain),
            (0, i64::MIN, 0),
        ] {
            let saved = Timeline { ahead: Millis::of(ahead), anchor: None };
            let present = saved.present(UnixTime::of(NOW), Monotonic::of(5), Some(Time::of(newest)));
            assert_eq!(present.ahead.millis(), expected, "{ahead} {newest}");
            assert!(present.now().millis() >= newest.min(i64::MAX - grain), "{ahead} {newest}");
        }
    }
}
