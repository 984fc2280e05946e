//! How much mail there is at which time: days, nights and weekends.

use jiff::civil::DateTime;

/// Share of the busiest hour, by hour of the day: a mail system of an office with a morning peak.
const HOURS: [f64; 24] = [
    0.20, 0.15, 0.12, 0.12, 0.15, 0.25, 0.40, 0.65, 0.90, 1.00, 1.00, 0.95, 0.80, 0.85, 0.95, 0.95, 0.85,
    0.70, 0.55, 0.45, 0.40, 0.35, 0.30, 0.25,
];

/// Share of a weekday, Monday first.
const DAYS: [f64; 7] = [1.05, 1.0, 1.0, 1.0, 0.95, 0.35, 0.30];

/// The rate at a moment as a multiple of the mean over a week.
pub fn factor(time: DateTime) -> f64 {
    raw(time) / mean()
}

/// The largest value that [`factor`] has.
pub fn peak() -> f64 {
    DAYS.iter().copied().fold(0.0, f64::max) * HOURS.iter().copied().fold(0.0, f64::max) / mean()
}

/// Between two full hours the rate moves in a straight line.
fn raw(time: DateTime) -> f64 {
    let hour = usize::try_from(time.hour()).unwrap_or(0);
    let part = (f64::from(time.minute()) * 60.0 + f64::from(time.second())) / 3600.0;
    let day = usize::try_from(time.weekday().to_monday_zero_offset()).unwrap_or(0);
    let (here, next) = (HOURS[hour % 24], HOURS[(hour + 1) % 24]);
    DAYS[day % 7] * (here + (next - here) * part)
}

fn mean() -> f64 {
    // A straight line between full hours has the mean of its ends.
    HOURS.iter().sum::<f64>() / 24.0 * DAYS.iter().sum::<f64>() / 7.0
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::date;

    use super::{factor, peak};

    #[test]
    fn the_mean_over_a_week_is_one_and_no_moment_is_above_the_peak() {
        let monday = date(2026, 1, 5).at(0, 0, 0, 0);
        let factors: Vec<f64> = (0..7 * 24 * 12).map(|step| factor(monday + (step * 5).minutes())).collect();
        let mean = factors.iter().sum::<f64>() / f64::from(7 * 24 * 12);
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!(factors.iter().all(|factor| *factor <= peak() + 1e-9));
    }

    #[test]
    fn nights_and_weekends_are_quiet() {
        let at = |day, hour| factor(date(2026, 1, day).at(hour, 0, 0, 0));
        assert!(at(5, 10) > 4.0 * at(5, 3));
        assert!(at(5, 10) > 2.0 * at(10, 10));
    }
}
