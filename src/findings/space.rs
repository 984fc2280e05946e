//! How much of each file system was free in the last hours, and what that says of the next ones.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aggregate::time::{Millis, Time};

/// From one value to the next.
const STEP: Millis = Millis::of_minutes(2);
/// Values that are kept of each: six hours, and the one that is not over.
const VALUES: usize = 181;
/// File systems that are looked at, each with two numbers: far more than there are.
const ROWS: usize = 32;

/// The free shares of the last hours.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Space {
    /// By what the share is of: the number of the step, and the share.
    rows: BTreeMap<String, VecDeque<(i64, f32)>>,
}

impl Space {
    /// Takes note of what is free; of a step that was noted, nothing.
    pub fn note(&mut self, now: Time, of: &str, free: f64) {
        if !self.rows.contains_key(of) {
            if self.rows.len() >= ROWS {
                return;
            }
            self.rows.insert(of.to_owned(), VecDeque::new());
        }
        let number = now.number(STEP);
        let Some(row) = self.rows.get_mut(of) else { return };
        if row.back().is_some_and(|(noted, _)| *noted == number) {
            return;
        }
        // The clock may have been ahead in an earlier run.
        row.retain(|(noted, _)| *noted < number);
        #[expect(clippy::cast_possible_truncation, reason = "a share needs no 53 bits")]
        row.push_back((number, free as f32));
        row.drain(..row.len().saturating_sub(VALUES));
    }

    /// What will be free so long ahead as what was free in a `window` that ended `ago` says: as the function
    /// `predict_linear` of Prometheus has it. Nothing where fewer than two values are known.
    pub fn ahead(
        &self,
        of: &str,
        window: Duration,
        ago: Duration,
        ahead: Duration,
        now: (Time, f64),
    ) -> Option<f64> {
        let (now, free) = now;
        let until = now.less(ago.into());
        let from = until.less(window.into());
        let noted = self.rows.get(of).into_iter().flatten();
        let noted = noted.map(|&(number, free)| (start(number), f64::from(free)));
        let live = ago.is_zero().then_some((now, free));
        let values = noted.filter(|&(at, _)| at > from && at <= until).chain(live);
        line(values.map(|(at, free)| (at.since(now).seconds(), free)))
            .map(|(slope, here)| slope.mul_add(ahead.as_secs_f64(), here))
    }
}

/// When a step begins.
fn start(number: i64) -> Time {
    Time::of(number.saturating_mul(STEP.millis()))
}

/// The line of least squares: its slope, and its value at 0.
fn line(values: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let (mut count, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (at, value) in values {
        count += 1.0;
        x += at;
        y += value;
        xx += at * at;
        xy += at * value;
    }
    let spread = xx - x * x / count;
    if count < 2.0 || spread <= 0.0 {
        return None;
    }
    let slope = (xy - x * y / count) / spread;
    Some((slope, (y - slope * x) / count))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ROWS, Space, Time, VALUES};

    const HOUR: Duration = Duration::from_hours(1);

    fn minute(number: i64) -> Time {
        Time::of(1_795_000_080_000 + number * 60_000)
    }

    #[test]
    fn what_fills_steadily_is_full_when_it_is() {
        let mut space = Space::default();
        let free = |at: i64| 0.5 - f64::from(u32::try_from(at).expect("later")) / 6000.0;
        for at in 0..=360 {
            space.note(minute(at), "queue", free(at));
        }
        let now = (minute(360), free(360));
        // A hundredth an hour: 0.44 last 44 hours.
        let ahead = |hours| space.ahead("queue", HOUR * 6, Duration::ZERO, HOUR * hours, now).expect("known");
        assert!((ahead(0) - 0.44).abs() < 1e-4 && ahead(43) > 0.0 && ahead(45) < 0.0, "{}", ahead(43));
        assert_eq!(space.ahead("log", HOUR * 6, Duration::ZERO, HOUR, now), None);
        // One value is no line.
        let mut space = Space::default();
        assert_eq!(space.ahead("queue", HOUR * 6, Duration::ZERO, HOUR, now), None);
        space.note(minute(340), "queue", 0.9);
        assert!(space.ahead("queue", HOUR * 6, Duration::ZERO, HOUR, now).is_some());
        assert_eq!(space.ahead("queue", HOUR * 6, HOUR, HOUR, now), None);
    }

    /// One step, as the return job makes at midnight, is in one of two windows only.
    #[test]
    fn a_step_is_in_one_window() {
        let mut space = Space::default();
        let window = Duration::from_mins(20);
        for at in 0..=60 {
            let free = if at < 50 { 0.2 } else { 0.1 };
            space.note(minute(at), "log", free);
        }
        let ahead = |ago| space.ahead("log", window, ago, HOUR * 4, (minute(60), 0.1)).expect("known");
        assert!(ahead(Duration::ZERO) < 0.0 && ahead(window) > 0.1);
    }

    #[test]
    fn it_is_bounded_and_survives_a_restart() {
        let mut space = Space::default();
        for at in 0..5000 {
            (0..50).for_each(|of| space.note(minute(at), &format!("of {of}"), 0.25));
        }
        assert_eq!((space.rows.len(), space.rows["of 7"].len()), (ROWS, VALUES));
        space.note(minute(-900), "of 7", 0.5);
        assert_eq!(space.rows["of 7"].len(), 1, "what was later is forgotten");
        let bytes = rmp_serde::to_vec_named(&space).expect("saved");
        assert!(bytes.len() < 100_000, "{}", bytes.len());
        assert_eq!(rmp_serde::from_slice::<Space>(&bytes).expect("read"), space);
    }
}
