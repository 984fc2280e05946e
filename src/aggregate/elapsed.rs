//! How much time has gone by, told by entries alone: whoever reads the same lines finds the same.
//!
//! Times in a log lie: a line has a foreign time stamp, a clock is set, an hour comes twice. So the median of
//! the last entries is the time, and what has gone by never becomes less. Where the times go back they are followed from
//! there: nothing that ages by this time lives for ever.

use serde::{Deserialize, Serialize};

use super::time::{Millis, Time};

/// Entries that one time is the median of: two of them may have foreign time stamps.
const KEPT: usize = 5;
/// Times that are no further apart may be in any order: late writers, and clocks that are slewed.
const STEP: Millis = Millis::of_minutes(30);
/// What goes back further was no hour that comes twice, and no log of a few hours that is read behind another one.
const DAY: Millis = Millis::of_minutes(24 * 60);

/// Time that has gone by since the first entries.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Elapsed {
    total: Millis,
    /// The time of the entries up to which it is counted, and the newest that there was.
    reached: Option<(Time, Time)>,
    /// Times of the last entries, the newest last.
    last: [Time; KEPT],
    /// How many entries there were.
    entries: u64,
}

/// A moment of this time: when an entry was written.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Placed {
    total: Millis,
    /// The number of the entry.
    entry: u64,
}

impl Elapsed {
    /// Nothing yet, with entries up to this time.
    pub(super) fn from(newest: Option<Time>) -> Self {
        Self { reached: newest.map(|at| (at, at)), ..Self::default() }
    }

    /// There is an entry of this time.
    pub(super) fn pass(&mut self, at: Time) {
        let (reached, newest) = *self.reached.get_or_insert((at, at));
        self.last.rotate_left(1);
        self.last[KEPT - 1] = at;
        self.entries += 1;
        if self.entries < KEPT as u64 {
            return;
        }
        let mut sorted = self.last;
        sorted.sort_unstable();
        let median = sorted[KEPT / 2];
        if median > reached {
            let gained = median.since(reached);
            // A time that was reached before does not go by once more.
            let gained = if gained > STEP { median.since(newest).max(Millis::default()) } else { gained };
            self.total = self.total.and(gained);
            self.reached = Some((median, newest.max(median)));
        } else if reached.since(median) > STEP {
            self.reached = Some((median, if newest.since(median) > DAY { median } else { newest }));
        }
    }

    /// How much has gone by.
    pub(super) fn total(&self) -> Millis {
        self.total
    }

    /// When an entry was written that is read just now. It may be ahead of the others, and they will follow.
    pub(super) fn place(&self, at: Time) -> Placed {
        let ahead = self.reached.map_or(Millis::default(), |(reached, _)| at.since(reached));
        Placed { total: self.total.and(ahead), entry: self.entries }
    }

    /// Whether so much has gone by since an entry; also where its time was a lie, since no later one agreed.
    pub(super) fn is_over(&self, span: Millis, since: Placed) -> bool {
        let lied = since.total.less(self.total) > STEP && self.entries - since.entry >= KEPT as u64;
        lied || self.total.less(since.total) >= span
    }

    /// The same when nothing else is written until `now`.
    pub(super) fn is_over_at(&self, now: Time, span: Millis, since: Placed) -> bool {
        let ahead = self.reached.map_or(Millis::default(), |(reached, _)| now.since(reached));
        let total = self.total.and(ahead.max(Millis::default()));
        self.is_over(span, since) || total.less(since.total) >= span
    }
}

impl Placed {
    /// So long before anything was written.
    pub(super) fn before(span: Millis) -> Self {
        Self { total: Millis::default().less(span), entry: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{Elapsed, KEPT, Millis, Time};

    const YEAR: i64 = 365 * 24 * 60;
    const NEVER: i64 = 1 << 20;

    /// How many minutes go by with entries of these minutes.
    fn minutes(times: &[i64]) -> i64 {
        let mut elapsed = Elapsed::default();
        for &minute in times {
            elapsed.pass(Time::of(minute * 60_000));
        }
        elapsed.total().millis() / 60_000
    }

    #[test]
    fn time_goes_by_as_the_entries_say() {
        let hourly: Vec<_> = (0..50).map(|hour| hour * 60).collect();
        let foreign: Vec<_> = (0..50).map(|minute| if minute % 5 == 0 { YEAR } else { minute }).collect();
        // Ahead by years for a while, and right again.
        let lying: Vec<_> = (0..20).chain(YEAR..YEAR + 20).chain(40..400).collect();
        let twice: Vec<_> = (0..60).chain(0..60).collect();
        let alternating: Vec<_> =
            (0..100).flat_map(|n| [n, n, n, n, n, n + 300, n + 300, n + 300, n + 300, n + 300]).collect();
        for (times, expected) in [
            (vec![], 0),
            (vec![0, 0, 0, 0, 0, 7, 7, 7], 7),
            (hourly, 47 * 60),
            (foreign, 46),
            (lying, YEAR + 19 + 399 - 40 - 2),
            (twice, 57 + 58),
            // Two logs whose clocks differ: not more than what each of them says.
            (alternating, 100 + 300),
            (vec![i64::MAX / 60_000, 0, 0, 0, 0, 0, i64::MIN / 60_000, 1, 1, 1], 1),
        ] {
            let got = minutes(&times);
            assert!((got - expected).abs() <= 5, "{got} {expected}: {times:?}");
        }
    }

    #[test]
    fn an_entry_is_as_old_as_the_next_ones_say() {
        let minute = |minute: i64| Time::of(minute * 60_000);
        for (before, at, behind, age) in [
            (0, 0, 5, 5),
            // Nothing was written for days: the first entry behind that is new.
            (0, 5000, 5001, 1),
            // A late writer.
            (60, 50, 61, 11),
            // A lie is not believed: what nobody agrees with is old.
            (60, YEAR, 61, NEVER),
            (60, -YEAR, 61, YEAR + 61),
        ] {
            let mut elapsed = Elapsed::default();
            (0..KEPT).for_each(|_| elapsed.pass(minute(before)));
            elapsed.pass(minute(at));
            let placed = elapsed.place(minute(at));
            (0..KEPT).for_each(|_| elapsed.pass(minute(behind)));
            let is_over = |span: i64| elapsed.is_over(Millis::of_minutes(span), placed);
            assert!(is_over(age) && (age == NEVER || !is_over(age + 1)), "{before} {at} {behind}");
        }
        let mut elapsed = Elapsed::default();
        elapsed.pass(minute(7));
        let placed = elapsed.place(minute(7));
        let is_over_at = |now| elapsed.is_over_at(minute(now), Millis::of_minutes(10), placed);
        assert_eq!([16, 17, 0].map(is_over_at), [false, true, false]);
    }
}
