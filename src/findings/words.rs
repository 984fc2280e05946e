//! Counts, shares and times as sentences write them.

/// `1 message`, `2 messages`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The nearest per cent.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Rounded down, so that 100 % is all of them.
pub(super) fn whole_percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

/// The last so many minutes.
pub(super) fn last(minutes: i64) -> String {
    if minutes == 1 { "the last minute".to_owned() } else { format!("the last {minutes} minutes") }
}

/// A time for people: `40 s`, `12 minutes`, `3 h`, `9 d`.
pub fn time(seconds: f64) -> String {
    let whole = |unit: f64| (seconds.max(0.0) / unit).floor();
    match seconds {
        few if few < 120.0 => format!("{:.0} s", whole(1.0)),
        few if few < 7200.0 => format!("{:.0} minutes", whole(60.0)),
        few if few < 172_800.0 => format!("{:.0} h", whole(3600.0)),
        _ => format!("{:.0} d", whole(86_400.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::{time, whole_percent};

    #[test]
    fn shares_and_times_are_rounded_down() {
        for (share, expected) in [(0.999, "99 %"), (0.29, "28 %"), (0.5, "50 %"), (1.0, "100 %")] {
            assert_eq!(whole_percent(share), expected);
        }
        for (seconds, expected) in
            [(-1.0, "0 s"), (119.9, "119 s"), (120.0, "2 minutes"), (7200.0, "2 h"), (200_000.0, "2 d")]
        {
            assert_eq!(time(seconds), expected);
        }
    }
}
