//! Times, as rules and as sentences have them.

use std::time::Duration;

/// From the longest on: how Prometheus writes it, how a sentence does, seconds.
const UNITS: [(&str, &str, u64); 5] = [
    ("w", "week", 604_800),
    ("d", "day", 86_400),
    ("h", "hour", 3600),
    ("m", "minute", 60),
    ("s", "second", 1),
];

/// So many of the longest unit that fits, such as `90s` and `2w`.
pub(super) fn short(time: Duration) -> String {
    let (number, (unit, _)) = whole(time);
    format!("{number}{unit}")
}

/// The same in words, such as `90 seconds` and `1 week`.
pub(super) fn words(time: Duration) -> String {
    let (number, (_, word)) = whole(time);
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

fn whole(time: Duration) -> (u128, (&'static str, &'static str)) {
    let seconds = time.as_secs();
    if time.subsec_nanos() > 0 || seconds == 0 {
        return (time.as_millis(), ("ms", "millisecond"));
    }
    let fits = UNITS.into_iter().find(|(_, _, unit)| seconds.is_multiple_of(*unit));
    let (short, word, unit) = fits.expect("seconds fit");
    (u128::from(seconds / unit), (short, word))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{short, words};

    #[test]
    fn the_longest_unit_that_fits_is_taken() {
        for (milliseconds, brief, long) in [
            (500, "500ms", "500 milliseconds"),
            (1000, "1s", "1 second"),
            (1500, "1500ms", "1500 milliseconds"),
            (90_000, "90s", "90 seconds"),
            (60_000, "1m", "1 minute"),
            (5_400_000, "90m", "90 minutes"),
            (3_600_000, "1h", "1 hour"),
            (691_200_000, "8d", "8 days"),
            (1_209_600_000, "2w", "2 weeks"),
        ] {
            let time = Duration::from_millis(milliseconds);
            assert_eq!((short(time).as_str(), words(time).as_str()), (brief, long));
        }
    }
}
