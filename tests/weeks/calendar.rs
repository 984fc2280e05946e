//! What time it is at the site: day and night, weekends, the end of the month, a holiday, mailings, and what its
//! postmasters do on purpose.

use super::trouble::Trouble;

/// Seconds of a minute.
pub const MINUTE: usize = 60;
/// Minutes of an hour and of a day.
pub const HOUR: usize = 60;
pub const DAY: usize = 24 * HOUR;
/// Days until the two weeks begin; the first is a Monday.
pub const WARM_UP: usize = 21;
/// Days of the two weeks.
pub const JUDGED: usize = 14;

/// A Thursday in the first of the two weeks.
const HOLIDAY: usize = WARM_UP + 3;
/// The last two days of a month, in the second of them, and those of the month before.
const MONTHS_END: [usize; 4] = [0, 1, WARM_UP + 9, WARM_UP + 10];

/// The last days of the two months, on whose evenings the invoices of the month go out, once.
const INVOICES: [usize; 2] = [MONTHS_END[1], MONTHS_END[3]];

/// How busy people are: 1 on the late morning of a workday.
#[expect(clippy::cast_precision_loss, reason = "minutes")]
pub fn busy(minute: usize) -> f64 {
    let (day, hour) = (minute / DAY, (minute % DAY) as f64 / HOUR as f64);
    let bell = |at: f64, width: f64| (-((hour - at) / width).powi(2)).exp();
    let of_day = 0.04 + 0.9 * bell(10.5, 2.2) + 0.75 * bell(15.0, 2.0) + 0.15 * bell(20.5, 1.5);
    let of_week = if day == HOLIDAY { 0.2 } else { [1.0, 1.0, 0.95, 1.0, 0.85, 0.25, 0.2][day % 7] };
    let of_month = if MONTHS_END.contains(&day) { 1.6 } else { 1.0 };
    of_day * of_week * of_month
}

/// Recipients of mailings that are handed over in a minute: a newsletter each Tuesday at ten, invoices on the last
/// day of the month at seven in the evening.
pub fn mailing(minute: usize) -> f64 {
    let (day, of_day) = (minute / DAY, minute % DAY);
    if day % 7 == 1 && (600..610).contains(&of_day) {
        200.0
    } else if INVOICES.contains(&day) && (1140..1150).contains(&of_day) {
        300.0
    } else {
        0.0
    }
}

/// When the message return job runs.
pub fn returns(minute: usize) -> bool {
    minute % DAY == 5
}

/// What is done on purpose, or passes by itself within minutes.
pub fn planned(minute: usize, trouble: &mut Trouble) {
    let (day, of_day) = (minute / DAY, minute % DAY);
    // A new configuration on Sunday morning, a new kernel on the second of them.
    let stopped = day % 7 == 6 && (240..244).contains(&of_day);
    trouble.dispatcher_down |= stopped;
    trouble.job_controller_down |= stopped && of_day > 240;
    trouble.exporter_down |= day % 7 == 2 && of_day == 900;
    // The Dispatcher alone, on a Friday evening, between two looks.
    trouble.starts += if day % 7 == 4 && of_day == 1080 { 1.0 } else { 0.0 };
    // An old server that ends with its last session.
    trouble.overaged =
        trouble.overaged.max(if day % 7 == 3 && (300..330).contains(&of_day) { 1.0 } else { 0.0 });
}
