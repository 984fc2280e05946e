//! How far the times of a log's entries are from the clock, when they are written. A wrong time zone shows
//! there, and windows of the last minutes leave out what seems to be hours old.

use std::collections::VecDeque;

use super::time::Millis;

/// Offsets that one is the median of: a single line with a foreign time stamp is nothing.
const KEPT: usize = 5;

/// An offset up to this is no wrong zone: a host that is slow, or a clock that is off a little.
const TOLERATED: i64 = 10 * MINUTE;

/// Zones are whole quarter hours apart. Writing and reading take their time.
const QUARTER: i64 = 15 * MINUTE;
const INEXACT: i64 = MINUTE;

/// No zone is further from UTC. What is older than that is no zone, but an old log.
const FURTHEST: i64 = 14 * 60 * MINUTE;

const MINUTE: i64 = 60_000;

/// The last offsets of one log.
#[derive(Clone, Debug, Default)]
pub struct LogClock {
    offsets: VecDeque<Millis>,
}

impl LogClock {
    /// Notes how far an entry that was written just now is ahead of the clock.
    pub fn note(&mut self, ahead: Millis) {
        if self.offsets.len() == KEPT {
            self.offsets.pop_front();
        }
        self.offsets.push_back(ahead);
    }

    /// How far entries are ahead of the clock, less than 0 when they are behind; `None`
    /// while no entry was seen being written.
    pub fn offset(&self) -> Option<Millis> {
        let mut sorted: Vec<Millis> = self.offsets.iter().copied().collect();
        sorted.sort_unstable();
        // Of two the one nearer to the clock: one line says nothing against another.
        let middle = sorted.get(sorted.len() / 2).copied();
        let other = sorted.len().checked_sub(1).and_then(|last| sorted.get(last / 2).copied());
        middle.into_iter().chain(other).min_by_key(|offset| offset.length())
    }
}

/// What to say of entries that are so far ahead of the clock; nothing where the time zone
/// cannot be why.
pub fn zone_question(ahead: Millis) -> Option<String> {
    let off = ahead.length().millis();
    let quarters = off.saturating_add(QUARTER / 2) / QUARTER;
    let whole = off.abs_diff(quarters.saturating_mul(QUARTER)) <= INEXACT.unsigned_abs();
    if off <= TOLERATED || off > FURTHEST + INEXACT || !whole {
        return None;
    }
    let (hours, minutes) = (quarters / 4, quarters % 4 * 15);
    let length = match (hours, minutes) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    };
    let side = if ahead < Millis::default() { "behind" } else { "ahead of" };
    Some(format!("the last entry is {length} {side} the clock: is mta.timezone right?"))
}

#[cfg(test)]
mod tests {
    use super::{LogClock, Millis, zone_question};

    #[test]
    fn whole_quarter_hours_ask_for_the_zone() {
        let minute = 60;
        for (seconds, said) in [
            (0, None),
            (-5 * 60 * minute, Some("5 h behind")),
            (-5 * 60 * minute - 2, Some("5 h behind")),
            (2 * 60 * minute - 1, Some("2 h ahead of")),
            (5 * 60 * minute + 30 * minute, Some("5 h 30 min ahead of")),
            (5 * 60 * minute + 45 * minute, Some("5 h 45 min ahead of")),
            (-15 * minute, Some("15 min behind")),
            (14 * 60 * minute, Some("14 h ahead of")),
            // A slow host, and a clock that is off by something.
            (-10 * minute, None),
            (-37 * minute, None),
            (-15 * minute - 61, None),
            // A log of yesterday, and one of years ago.
            (-24 * 60 * minute, None),
            (-365 * 24 * 60 * minute, None),
            (i64::MIN / 1000, None),
        ] {
            let question = zone_question(Millis::of(seconds * 1000));
            let expected =
                said.map(|said| format!("the last entry is {said} the clock: is mta.timezone right?"));
            assert_eq!(question, expected, "{seconds}");
        }
        assert_eq!(zone_question(Millis::of(i64::MIN)), None);
    }

    #[test]
    fn a_single_foreign_line_is_nothing() {
        let offset = |offsets: &[i64]| {
            let mut clock = LogClock::default();
            for &offset in offsets {
                clock.note(Millis::of(offset));
            }
            clock.offset().map(Millis::millis)
        };
        assert_eq!(offset(&[]), None);
        assert_eq!(offset(&[-9000]), Some(-9000));
        assert_eq!(offset(&[-9000, 0]), Some(0));
        assert_eq!(offset(&[-5, -9000, -7]), Some(-7));
        assert_eq!(offset(&[-9000, -9000, -9001, 0]), Some(-9000));
        assert_eq!(offset(&[0, 0, 0, -9000, -9001, -9002]), Some(-9000));
        assert_eq!(offset(&[0, 0, 0, 0, -9000, -9001]), Some(0));
    }
}
