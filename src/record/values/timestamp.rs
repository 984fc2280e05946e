//! Time stamps of entries: `dd-Mon-yyyy hh:mm:ss.cc` in text, `yyyy-mm-ddThh:mm:ss.cc` in XML.
//!
//! Both are local time without a zone (2005Q4 guide, "Understanding the MTA Log Entry Format").
//! A zone designator is accepted where a build writes one.

/// When an entry was written, as its host's wall clock showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Timestamp {
    /// Milliseconds between 1970-01-01 00:00 and this wall-clock reading, as if it were UTC.
    pub civil_millis: i64,
    /// Seconds east of UTC, where the entry says so.
    pub utc_offset: Option<i32>,
}

/// Reads a text time stamp at the start of a line: the stamp and the rest behind it. The day may
/// be padded with a blank, the month in upper or title case, the fraction 0 to 4 digits long.
pub fn text(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    let line = match line {
        [b' ', digit, b'-', ..] if digit.is_ascii_digit() => &line[1..],
        _ => line,
    };
    let (day, rest) = match line {
        [digit, b'-', rest @ ..] => (two(b'0', *digit)?, rest),
        [tens, ones, b'-', rest @ ..] => (two(*tens, *ones)?, rest),
        _ => return None,
    };
    let [a, b, c, b'-', y1, y2, y3, y4, b' ', rest @ ..] = rest else { return None };
    let month = month([a.to_ascii_lowercase(), b.to_ascii_lowercase(), c.to_ascii_lowercase()])?;
    let year = two(*y1, *y2)? * 100 + two(*y3, *y4)?;
    let (millis, rest) = clock(rest)?;
    let days = days_from_civil(year, month, day)?;
    Some((Timestamp { civil_millis: days * 86_400_000 + millis, utc_offset: None }, rest))
}

/// Reads text time stamps one after the other. Entries of a busy log share a second, and all that its
/// spelling means is known from the entry before.
#[derive(Debug, Default)]
pub struct Stamps {
    /// The last second's spelling, and its start.
    second: Option<([u8; SECOND_BYTES], i64)>,
}

/// `dd-Mon-yyyy hh:mm:ss`
const SECOND_BYTES: usize = 20;

impl Stamps {
    /// As [`text`] reads it.
    pub fn text<'a>(&mut self, line: &'a [u8]) -> Option<(Timestamp, &'a [u8])> {
        if let Some((second, start)) = &self.second
            && let Some(rest) = line.strip_prefix(second)
        {
            let (millis, rest) = fraction(rest)?;
            return Some((Timestamp { civil_millis: start + millis, utc_offset: None }, rest));
        }
        let (stamp, rest) = text(line)?;
        // With a day of one digit it is shorter.
        if let Some((spelling, _)) = line.split_first_chunk::<SECOND_BYTES>()
            && spelling[0].is_ascii_digit()
            && spelling[1].is_ascii_digit()
        {
            self.second = Some((*spelling, stamp.civil_millis - stamp.civil_millis.rem_euclid(1000)));
        }
        Some((stamp, rest))
    }
}

/// Whether a year ends here, as the date of a time stamp does.
#[inline]
pub(in crate::record) fn ends_with_year(text: &[u8]) -> bool {
    matches!(text, [.., b'-', a, b, c, d] if [a, b, c, d].into_iter().all(u8::is_ascii_digit))
}

/// Whether a text starts with `hh:mm:ss`.
#[inline]
pub(in crate::record) fn is_clock(text: &[u8]) -> bool {
    matches!(text, [_, _, b':', _, _, b':', _, _, ..])
        && [0, 1, 3, 4, 6, 7].into_iter().all(|at| text[at].is_ascii_digit())
}

/// Whether the words of a text hold the date and clock of a time stamp.
pub(in crate::record) fn holds_stamp(text: &[u8]) -> bool {
    memchr::memchr_iter(b' ', text)
        .any(|blank| ends_with_year(&text[..blank]) && is_clock(&text[blank + 1..]))
}

/// The number of a month by its name in lower case.
fn month(name: [u8; 3]) -> Option<i64> {
    Some(match &name {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// Reads a whole ISO 8601 time stamp as XML entries carry it.
pub fn iso(value: &[u8]) -> Option<Timestamp> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, between, rest @ ..] = value else { return None };
    if !b"T ".contains(between) {
        return None;
    }
    let year = two(*y1, *y2)? * 100 + two(*y3, *y4)?;
    let (month, day) = (two(*m1, *m2)?, two(*d1, *d2)?);
    let (millis, zone) = clock(rest)?;
    let utc_offset = if zone.is_empty() { None } else { Some(offset(zone)?) };
    let days = days_from_civil(year, month, day)?;
    Some(Timestamp { civil_millis: days * 86_400_000 + millis, utc_offset })
}

/// Reads a time stamp of the NSLOG format, `[dd/Mon/yyyy:hh:mm:ss ±zzzz]`, and what follows.
pub fn nslog(record: &[u8]) -> Option<(Timestamp, &[u8])> {
    let [b'[', d1, d2, b'/', a, b, c, b'/', y1, y2, y3, y4, b':', rest @ ..] = record else { return None };
    let (day, year) = (two(*d1, *d2)?, two(*y1, *y2)? * 100 + two(*y3, *y4)?);
    let month = month([a.to_ascii_lowercase(), b.to_ascii_lowercase(), c.to_ascii_lowercase()])?;
    let (millis, rest) = clock(rest)?;
    let end = memchr::memchr(b']', rest)?;
    let zone = rest[..end].trim_ascii();
    let utc_offset = if zone.is_empty() { None } else { Some(offset(zone)?) };
    let civil_millis = days_from_civil(year, month, day)? * 86_400_000 + millis;
    Some((Timestamp { civil_millis, utc_offset }, &rest[end + 1..]))
}

/// Reads the time of day in front of a record of a debug log, `hh.mm.ss.cc` or `hh:mm:ss.cc`: milliseconds since
/// midnight, and what follows.
pub fn debug_clock(record: &[u8]) -> Option<(i64, &[u8])> {
    let [h1, h2, b'.' | b':', m1, m2, b'.' | b':', s1, s2, b'.', f1, f2, rest @ ..] = record else {
        return None;
    };
    let (millis, _) = clock(&[*h1, *h2, b':', *m1, *m2, b':', *s1, *s2, b'.', *f1, *f2])?;
    Some((millis, rest))
}

/// `hh:mm:ss[.f…]` as milliseconds since midnight, and what follows. 24:00 is refused, a leap
/// second (`:60`) is not.
fn clock(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = bytes else { return None };
    let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let whole = ((hour * 60 + minute) * 60 + second) * 1000;
    let (millis, rest) = fraction(rest)?;
    Some((whole + millis, rest))
}

/// `.f…` as milliseconds, where there is one, and what follows.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    // Hundredths, as the MTA writes them.
    if let [b'.', tens, ones, b' ', ..] = bytes
        && let Some(hundredths) = two(*tens, *ones)
    {
        return Some((hundredths * 10, &bytes[3..]));
    }
    let [b'.', rest @ ..] = bytes else { return Some((0, bytes)) };
    let (mut millis, mut unit, mut digits) = (0, 100, 0);
    while let Some(digit @ b'0'..=b'9') = rest.get(digits) {
        millis += i64::from(digit - b'0') * unit;
        unit /= 10;
        digits += 1;
    }
    (digits <= 9).then(|| (millis, &rest[digits..]))
}

/// `Z`, `±hh:mm` or `±hhmm` in seconds.
fn offset(zone: &[u8]) -> Option<i32> {
    let (sign, hour, minute) = match zone {
        b"Z" => return Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            (*sign, two(*h1, *h2)?, two(*m1, *m2)?)
        }
        _ => return None,
    };
    let seconds = i32::try_from((hour * 60 + minute) * 60).ok()?;
    Some(if sign == b'-' { -seconds } else { seconds })
}

/// The number of two digits.
fn two(tens: u8, ones: u8) -> Option<i64> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that
/// the leap day is the last of a year.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Stamps, Timestamp, debug_clock, iso, nslog, text};

    fn civil(text: &str) -> i64 {
        let time: jiff::civil::DateTime = text.parse().expect(text);
        time.to_zoned(jiff::tz::TimeZone::UTC).expect(text).timestamp().as_millisecond()
    }

    #[track_caller]
    fn check_text(line: &str, expected: &str, rest: &str) {
        let (stamp, behind) = text(line.as_bytes()).expect(line);
        assert_eq!(stamp, Timestamp { civil_millis: civil(expected), utc_offset: None });
        assert_eq!(String::from_utf8_lossy(behind), rest);
    }

    #[test]
    fn text_time_stamps() {
        check_text("19-Jan-1998 19:16:57.64 l", "1998-01-19T19:16:57.640", " l");
        check_text("19-JAN-1998 20:49:04 l", "1998-01-19T20:49:04", " l");
        check_text(" 5-Jun-2019 10:08:29.7", "2019-06-05T10:08:29.700", "");
        check_text("29-Feb-2024 23:59:59.9999 >", "2024-02-29T23:59:59.999", " >");
        check_text("31-Dec-1969 00:00:00.00", "1969-12-31T00:00:00", "");
    }

    #[test]
    fn iso_time_stamps() {
        for (value, expected, offset) in [
            ("2014-06-02T22:02:13.94", "2014-06-02T22:02:13.940", None),
            ("2014-06-02T22:02:13", "2014-06-02T22:02:13", None),
            ("2014-06-02T22:02:13.94Z", "2014-06-02T22:02:13.940", Some(0)),
            ("2014-06-02T22:02:13.94+02:00", "2014-06-02T22:02:13.940", Some(7200)),
            ("2014-06-02T22:02:13-0330", "2014-06-02T22:02:13", Some(-12600)),
        ] {
            let stamp = Timestamp { civil_millis: civil(expected), utc_offset: offset };
            assert_eq!(iso(value.as_bytes()), Some(stamp), "{value}");
        }
    }

    proptest! {
        /// Whatever came before.
        #[test]
        fn stamps_are_read_as_each_alone(
            lines in prop::collection::vec("( |0|1|)[0-2]-(Jan|feb)-(19|20)69 0[0-1]:00:[05][0-1](\\.[0-9]{0,10})?( |x)?", 1..9),
        ) {
            let mut stamps = Stamps::default();
            for line in &lines {
                prop_assert_eq!(stamps.text(line.as_bytes()), text(line.as_bytes()), "{}", line);
            }
        }
    }

    #[test]
    fn time_stamps_of_daemon_logs() {
        let (stamp, rest) = nslog(b"[12/Jun/2019:05:16:02 +0200] host").expect("a stamp");
        assert_eq!(stamp, Timestamp { civil_millis: civil("2019-06-12T05:16:02"), utc_offset: Some(7200) });
        assert_eq!(rest, b" host");
        for wrong in [
            "",
            "[12/Jun/2019:05:16:02 +0200",
            "[12/Foo/2019:05:16:02 +0200] x",
            "[12/Jun/2019:25:16:02 +0200] x",
        ] {
            assert_eq!(nslog(wrong.as_bytes()), None, "{wrong}");
        }
        let millis = ((23 * 60 + 59) * 60 + 58) * 1000 + 70;
        assert_eq!(debug_clock(b"23.59.58.07 (   1): x"), Some((millis, &b" (   1): x"[..])));
        assert_eq!(debug_clock(b"23:59:58.07: x"), Some((millis, &b": x"[..])));
        for wrong in ["", "23:59:58", "24:00:00.00: x", "23:59:5x.07: x", "23-59-58.07: x"] {
            assert_eq!(debug_clock(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_a_time_stamp() {
        for line in [
            "",
            "19",
            "19-Jan-1998",
            "19-Foo-1998 19:16:57",
            "19-Jan-98 19:16:57",
            "19-Jan-1998T19:16:57",
            "32-Jan-1998 19:16:57",
            "00-Jan-1998 19:16:57",
            "19-Jan-1998 24:00:00",
            "19-Jan-1998 19:60:00",
            "9\u{e9}-Jan-1998 19:16:57",
        ] {
            assert_eq!(text(line.as_bytes()), None, "{line}");
        }
        for value in ["", "2014-06-02", "2014-13-02T00:00:00", "2014-06-02T22:02:13+2", "2014/06/02T22:02:13"]
        {
            assert_eq!(iso(value.as_bytes()), None, "{value}");
        }
    }
}
