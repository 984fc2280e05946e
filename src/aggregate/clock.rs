//! From the wall clock of entries to Unix time.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::time::UnixTime;
use crate::record::timestamp::Timestamp;

/// Time zone rules change at quarters of an hour at the finest.
const BLOCK_MILLIS: i64 = 15 * 60 * 1000;
const DAY_MILLIS: i64 = 86_400_000;

/// Reads local time stamps as one zone's. It remembers the offset of the quarter of an hour that it
/// saw last, so that an entry costs a comparison.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: TimeZone,
    block: i64,
    offset_millis: Option<i64>,
}

impl LocalClock {
    /// A clock for entries written in `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, block: i64::MIN, offset_millis: None }
    }

    /// When an entry was written. In the hour that autumn repeats, the reading that is nearer to
    /// `now` is taken; in the hour that spring skips, the offset before it.
    pub fn unix(&mut self, stamp: Timestamp, now: UnixTime) -> UnixTime {
        if let Some(offset) = stamp.utc_offset {
            return UnixTime::of(stamp.civil_millis - i64::from(offset) * 1000);
        }
        let block = stamp.civil_millis.div_euclid(BLOCK_MILLIS);
        if block != self.block {
            self.block = block;
            self.offset_millis = self.plain_offset(block * BLOCK_MILLIS);
        }
        UnixTime::of(match self.offset_millis {
            Some(offset) => stamp.civil_millis - offset,
            None => self.ambiguous(stamp.civil_millis, now.millis()),
        })
    }

    /// When something was written at so many milliseconds after a local midnight: the last time before `latest`, or a
    /// minute after it, since files tell a coarse time.
    pub fn unix_of_clock(&self, millis: i64, latest: UnixTime) -> UnixTime {
        let latest = latest.millis().saturating_add(60_000);
        let offset = jiff::Timestamp::from_millisecond(latest)
            .map_or(0, |latest| self::millis(self.zone.to_offset(latest)));
        let civil = latest.saturating_add(offset);
        let ago = civil.saturating_sub(millis).rem_euclid(DAY_MILLIS);
        UnixTime::of(latest.saturating_sub(ago))
    }

    fn plain_offset(&self, civil_millis: i64) -> Option<i64> {
        match self.offsets(civil_millis)? {
            AmbiguousOffset::Unambiguous { offset } => Some(millis(offset)),
            _ => None,
        }
    }

    fn ambiguous(&self, civil_millis: i64, now: i64) -> i64 {
        match self.offsets(civil_millis) {
            Some(AmbiguousOffset::Unambiguous { offset }) => civil_millis - millis(offset),
            Some(AmbiguousOffset::Gap { before, .. }) => civil_millis - millis(before),
            Some(AmbiguousOffset::Fold { before, after }) => {
                let (first, second) = (civil_millis - millis(before), civil_millis - millis(after));
                if (now - first).abs() <= (now - second).abs() { first } else { second }
            }
            None => civil_millis,
        }
    }

    fn offsets(&self, civil_millis: i64) -> Option<AmbiguousOffset> {
        let civil: civil::DateTime =
            Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(civil_millis).ok()?);
        Some(self.zone.to_ambiguous_timestamp(civil).offset())
    }
}

fn millis(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1000
}

#[cfg(test)]
mod tests {
    use super::{LocalClock, UnixTime};
    use crate::record::timestamp;

    #[track_caller]
    fn check(zone: &str, entry: &str, now: &str, expected: &str) {
        let mut clock = LocalClock::new(jiff::tz::TimeZone::get(zone).expect("bundled"));
        let stamp = timestamp::iso(entry.as_bytes()).expect("a time stamp");
        let unix = |text: &str| text.parse::<jiff::Timestamp>().expect("a time stamp").as_millisecond();
        let unix = clock.unix(stamp, UnixTime::of(unix(now))).millis();
        let got = jiff::Timestamp::from_millisecond(unix).expect("in range");
        assert_eq!(got.to_string(), expected, "{zone} {entry}");
    }

    #[test]
    fn a_time_of_day_is_the_last_one_before_the_file_was_written() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("known");
        let clock = LocalClock::new(zone);
        let unix = |text: &str| UnixTime::of(text.parse::<jiff::Timestamp>().expect(text).as_millisecond());
        for (millis, latest, expected) in [
            // Midnight in Berlin is 23:00 in UTC, in winter.
            (86_399_900, "2026-11-27T23:00:01Z", "2026-11-27T22:59:59.9Z"),
            (100, "2026-11-27T23:00:01Z", "2026-11-27T23:00:00.1Z"),
            // What is written is a little later than the file says to have been.
            (2_000, "2026-11-27T23:00:01Z", "2026-11-27T23:00:02Z"),
            (3_600_000, "2026-11-27T23:00:01Z", "2026-11-27T00:00:00Z"),
            (43_200_000, "2026-07-01T12:00:00Z", "2026-07-01T10:00:00Z"),
        ] {
            assert_eq!(clock.unix_of_clock(millis, unix(latest)), unix(expected), "{latest}");
        }
        clock.unix_of_clock(0, UnixTime::of(i64::MAX));
        clock.unix_of_clock(0, UnixTime::of(i64::MIN));
    }

    #[test]
    fn local_times_of_zones() {
        check("Europe/Paris", "2019-06-11T09:07:57.65", "2019-06-11T07:08:00Z", "2019-06-11T07:07:57.65Z");
        check("Asia/Kolkata", "2019-06-11T09:07:57", "2019-06-11T03:38:00Z", "2019-06-11T03:37:57Z");
        check("Asia/Kolkata", "2019-06-11T09:07:57+02:00", "2019-06-11T07:08:00Z", "2019-06-11T07:07:57Z");
    }

    #[test]
    fn the_repeated_hour_is_the_one_near_now() {
        check("Europe/Paris", "2019-10-27T02:30:00", "2019-10-27T00:30:10Z", "2019-10-27T00:30:00Z");
        check("Europe/Paris", "2019-10-27T02:30:00", "2019-10-27T01:30:10Z", "2019-10-27T01:30:00Z");
    }

    #[test]
    fn the_skipped_hour_keeps_the_offset_before() {
        check("Europe/Paris", "2019-03-31T02:30:00", "2019-03-31T01:30:10Z", "2019-03-31T01:30:00Z");
    }
}
