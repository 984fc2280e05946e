//! The hour of the week that a moment is in, by the local time of a zone, and days that are like no other.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use crate::aggregate::time::{Millis, UnixTime};

/// Hours of a week, from Monday 00:00.
pub(super) const HOURS: usize = 168;

const HOUR: i64 = 3_600_000;
/// 1970 began on a Thursday.
const MONDAY: i64 = 3 * 24;

/// A day that is like no other of its week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// The year; none for a day of every year.
    pub year: Option<i16>,
    /// From 1.
    pub month: i8,
    /// From 1.
    pub day: i8,
}

/// A zone and its holidays.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    pub(super) zone: TimeZone,
    pub(super) holidays: Vec<Holiday>,
}

/// An hour of local time. In the night in which autumn repeats one, both are this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hour {
    /// The number of its week.
    pub(super) week: i64,
    /// Which of [`HOURS`] it is.
    pub(super) of_week: usize,
    /// Whether its day is a holiday.
    pub(super) holiday: bool,
}

impl Calendar {
    /// Milliseconds of local time.
    fn local(&self, at: UnixTime) -> Option<i64> {
        let offset = self.zone.to_offset(jiff::Timestamp::from_millisecond(at.millis()).ok()?);
        at.millis().checked_add(i64::from(offset.seconds()) * 1000)
    }

    /// How much of the hour is over that a moment is in, from 0 to 1.
    pub(super) fn part(&self, at: UnixTime) -> Option<f64> {
        Some(Millis::of(self.local(at)?.rem_euclid(HOUR)).seconds() / Millis::of(HOUR).seconds())
    }

    /// The hour that a moment is in; none thousands of years from now.
    pub(super) fn hour(&self, at: UnixTime) -> Option<Hour> {
        let local = self.local(at)?;
        let date = Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(local).ok()?).date();
        let (hour, hours) = (local.div_euclid(HOUR) + MONDAY, HOURS.cast_signed() as i64);
        Some(Hour {
            week: hour.div_euclid(hours),
            of_week: usize::try_from(hour.rem_euclid(hours)).unwrap_or(0),
            holiday: self.holidays.iter().any(|day| day.is(date)),
        })
    }
}

impl Holiday {
    fn is(self, date: Date) -> bool {
        self.year.is_none_or(|year| year == date.year())
            && (self.month, self.day) == (date.month(), date.day())
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{Calendar, Holiday, UnixTime};

    #[test]
    fn hours_are_those_of_local_time() {
        let holidays =
            vec![Holiday { year: None, month: 12, day: 25 }, Holiday { year: Some(2026), month: 4, day: 3 }];
        for (zone, at, hour, holiday) in [
            ("UTC", "2026-11-23T00:00:00Z", 0, false),
            ("UTC", "2026-11-22T23:59:59Z", 167, false),
            ("UTC", "1970-01-01T00:00:00Z", 72, false),
            ("UTC", "1969-12-31T23:59:59Z", 71, false),
            ("Europe/Berlin", "2026-11-22T23:00:00Z", 0, false),
            ("Asia/Kolkata", "2026-11-22T18:30:00Z", 0, false),
            // Spring skips the third hour of that Sunday, autumn has it twice.
            ("Europe/Berlin", "2026-03-29T00:59:59Z", 145, false),
            ("Europe/Berlin", "2026-03-29T01:00:00Z", 147, false),
            ("Europe/Berlin", "2026-10-25T00:30:00Z", 146, false),
            ("Europe/Berlin", "2026-10-25T01:30:00Z", 146, false),
            ("Europe/Berlin", "2026-10-25T02:00:00Z", 147, false),
            ("Europe/Berlin", "2026-12-24T22:59:59Z", 95, false),
            ("Europe/Berlin", "2026-12-24T23:00:00Z", 96, true),
            ("UTC", "2031-12-25T12:00:00Z", 84, true),
            ("UTC", "2026-04-03T00:00:00Z", 96, true),
            ("UTC", "2027-04-03T00:00:00Z", 120, false),
        ] {
            let calendar =
                Calendar { zone: TimeZone::get(zone).expect("bundled"), holidays: holidays.clone() };
            let unix = at.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
            let found = calendar.hour(UnixTime::of(unix)).expect("in range");
            assert_eq!((found.of_week, found.holiday), (hour, holiday), "{zone} {at}");
        }
        let kolkata =
            Calendar { zone: TimeZone::get("Asia/Kolkata").expect("bundled"), holidays: Vec::new() };
        let at = "2026-11-22T18:45:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond();
        assert_eq!(kolkata.part(UnixTime::of(at)), Some(0.25));
        let calendar = Calendar { zone: TimeZone::UTC, holidays };
        for beyond in [i64::MIN, i64::MAX, 1 << 60] {
            assert_eq!(calendar.hour(UnixTime::of(beyond)), None);
        }
    }
}
