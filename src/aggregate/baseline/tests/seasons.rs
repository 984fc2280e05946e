//! Twenty weeks of a mail host: growth, a change of the clocks, holidays, outages, and a mailing that begins.

use std::cell::Cell;

use jiff::tz::{Offset, TimeZone};

use super::{HOUR, MINUTE, WEEK};
use crate::aggregate::baseline::{Baseline, Holiday, Known, Series, Sums};
use crate::aggregate::time::Time;
use crate::aggregate::timeline::Present;

const CHANNEL: &str = "tcp_local";
const STRETCH: i64 = 5 * MINUTE;
const WEEKS: i64 = 20;
/// The mailing: since this week, Tuesdays from 10:00 to 10:25.
const MAILING: i64 = 5;
const MAILING_HOUR: i64 = 34;

/// By week, hour of the week and hours that it lasts, and whether a condition tells of it.
const OUTAGES: [(i64, i64, i64, bool); 3] = [(4, 33, 6, true), (9, 60, 30, false), (14, 10, 9, false)];

/// A host, from a Monday of local time on.
struct Season {
    zone: TimeZone,
    start: i64,
    holidays: Vec<Holiday>,
}

/// What a stretch of five minutes has.
#[derive(Clone, Copy)]
struct Truth {
    week: i64,
    hour: i64,
    holiday: bool,
    outage: Option<bool>,
    mailing: bool,
    counts: [f64; 4],
}

impl Season {
    fn new(start: &str, holidays: &[(i8, i8)]) -> Self {
        let zone = TimeZone::get("Europe/Berlin").expect("bundled");
        let start: jiff::civil::DateTime = start.parse().expect("a time");
        let start = start.to_zoned(zone.clone()).expect("a time").timestamp().as_millisecond();
        let holidays = holidays.iter().map(|&(month, day)| Holiday { year: None, month, day }).collect();
        Self { zone, start, holidays }
    }

    fn baseline(&self) -> Baseline {
        let mut baseline = Baseline::default();
        baseline.settle(true, self.zone.clone(), self.holidays.clone());
        baseline
    }

    /// Local time since the start, and whether it is a holiday.
    fn local(&self, at: i64) -> (i64, bool) {
        let offset = |at| {
            let at = jiff::Timestamp::from_millisecond(at).expect("in range");
            i64::from(self.zone.to_offset(at).seconds()) * 1000
        };
        let local = at + offset(at);
        let date =
            Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(local).expect("in range")).date();
        let holiday = self.holidays.iter().any(|day| (day.month, day.day) == (date.month(), date.day()));
        (local - self.start - offset(self.start), holiday)
    }

    /// The stretch that begins `at`, of a host on which nothing is left to chance.
    fn truth(&self, at: i64) -> Truth {
        let (local, holiday) = self.local(at);
        let (week, of_week) = (local.div_euclid(WEEK), local.rem_euclid(WEEK));
        let (hour, day) = (of_week / HOUR, if holiday { 6 } else { of_week / (24 * HOUR) });
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (clock, weeks) = ((of_week % (24 * HOUR)) as f64 / HOUR as f64, local as f64 / WEEK as f64);
        // Little at night, a morning that doubles within an hour, less after work; a fifth at weekends. It grows by 2 % a week.
        let morning = 1.0 / (1.0 + (-(clock - 8.0) * 1.4).exp());
        let evening = 1.0 / (1.0 + ((clock - 18.0) * 1.2).exp());
        let weekday = if day < 5 { 1.0 } else { 0.2 };
        let load = (0.08 + morning * evening) * weekday * 1.02_f64.powf(weeks);
        let outage = OUTAGES.iter().find_map(|&(in_week, from, hours, told)| {
            (week == in_week && (from..from + hours).contains(&hour)).then_some(told)
        });
        let mailing = week >= MAILING && hour == MAILING_HOUR && of_week % HOUR < 5 * STRETCH && !holiday;
        let enqueued = 600.0 * load * if mailing { 10.0 } else { 1.0 };
        let counts = [80.0 * load + 5.0, 25.0 * load, enqueued, 400.0 * load];
        Truth { week, hour, holiday, outage, mailing, counts }
    }
}

/// A host that is lived through: its sums, and its chance.
struct Host {
    chance: fastrand::Rng,
    sums: Sums,
}

impl Host {
    fn new() -> Self {
        let mut sums = Sums::default();
        Series::ALL[1..].iter().for_each(|&series| sums.add(series, CHANNEL, 0));
        Self { chance: fastrand::Rng::with_seed(20), sums }
    }

    /// About so many, as many as independent arrivals would be.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is no less than 0")]
    fn about(&mut self, mean: f64) -> u64 {
        let normal: f64 = (0..12).map(|_| self.chance.f64()).sum::<f64>() - 6.0;
        (mean + normal * mean.sqrt()).round().max(0.0) as u64
    }

    /// Lives through a stretch that ends at `end`; what it had.
    fn live(&mut self, baseline: &mut Baseline, truth: &Truth, outages: bool, end: i64) -> [u64; 4] {
        let mut counts = truth.counts.map(|mean| self.about(mean));
        if outages && truth.outage.is_some() {
            // The queue fills, nothing is delivered, and less and less comes in.
            counts = [counts[0] * 20 + 3000, counts[1] * 30, counts[2] / 2, counts[3] * 2];
        }
        for (&series, &count) in Series::ALL.iter().zip(&counts).skip(1) {
            self.sums.add(series, CHANNEL, count);
        }
        let present = Present::of_entry(Time::of(end));
        if baseline.go_on(present) {
            let queue = vec![(CHANNEL, counts[0])];
            baseline.look(present, Known { queue, sums: Some(self.sums.clone()) });
        }
        if outages && truth.outage == Some(true) {
            baseline.incident(Some(CHANNEL));
        }
        counts
    }
}

fn twenty_weeks(season: &Season) {
    let (mut with, mut without) = (season.baseline(), season.baseline());
    let (mut host, mut twin) = (Host::new(), Host::new());
    let mut surges = Surges::default();
    let (mut above, mut worst) = ([const { Vec::new() }; 4], 1.0_f64);
    let steps = WEEKS * WEEK / STRETCH;
    for step in 0..steps {
        let at = season.start + step * STRETCH;
        let (truth, end) = (season.truth(at), at + STRETCH);
        let bands = Series::ALL.iter().map(|&series| {
            // The band of the stretch, before anything of it is known.
            let band = |baseline: &Baseline| baseline.expected(CHANNEL, series, Time::of(at));
            (band(&with), band(&without))
        });
        let bands: Vec<_> = bands.collect();
        let counts = host.live(&mut with, &truth, true, end);
        twin.live(&mut without, &truth, false, end);
        let usual = truth.outage.is_none() && !truth.holiday;
        for (index, (band, clean)) in bands.into_iter().enumerate() {
            let warm = truth.week >= 3;
            assert!(
                band.is_none() || (truth.week >= 2 && !truth.holiday),
                "week {} hour {}",
                truth.week,
                truth.hour
            );
            let (Some(band), Some(clean)) = (band, clean) else {
                assert!(!warm || truth.holiday, "week {} hour {} is cold", truth.week, truth.hour);
                continue;
            };
            assert!(
                band.expected <= clean.expected * 1.1 + 0.5,
                "{index} in week {} hour {}: {band:?} {clean:?}",
                truth.week,
                truth.hour
            );
            if clean.expected >= 20.0 {
                worst = worst.max(band.expected / clean.expected);
            }
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let count = counts[index] as f64;
            let new = truth.hour == MAILING_HOUR && index == Series::Enqueues as usize;
            if truth.mailing && index == Series::Enqueues as usize {
                let third = truth.week >= MAILING + 2;
                assert_eq!(count <= band.upper, third, "mailing in week {}: {count} {band:?}", truth.week);
            }
            if usual && warm && !new {
                above[index].extend((count > band.upper).then_some(step));
                let surge = truth.counts[index] * 3.0;
                // As the findings have it: above the band, and more than twice what is expected.
                let seen = surge > band.upper.max(2.0 * band.presently);
                surges.note(index, step, seen, truth.counts[index] >= 10.0);
            }
        }
    }
    // By chance now and then, of 34,000 of each series, and never twice in a row.
    let in_a_row = |above: &Vec<i64>| above.windows(2).any(|of| of[1] - of[0] == 1);
    assert!(above.iter().all(|above| above.len() <= 20 && !in_a_row(above)), "{above:?}");
    assert!(worst <= 1.1, "{worst}");
    let (seen, late) = surges.late();
    assert!(seen > 50_000 && late == 0, "{late} of {seen} surges were not seen within 15 minutes");
}

/// Whether a surge to three times as much would be seen in a stretch, by series.
#[derive(Default)]
struct Surges([Vec<(i64, bool)>; 4]);

impl Surges {
    fn note(&mut self, series: usize, step: i64, seen: bool, matters: bool) {
        if matters {
            self.0[series].push((step, seen));
        }
    }

    /// Surges that begin at any stretch, and those that were not seen at one of the next three looks.
    fn late(&self) -> (usize, usize) {
        let late = Cell::new(0);
        let all = self.0.iter().flat_map(|series| series.windows(3)).filter(|of| of[2].0 - of[0].0 == 2);
        let seen =
            all.inspect(|of| late.set(late.get() + usize::from(of.iter().all(|(_, seen)| !seen)))).count();
        (seen, late.get())
    }
}

#[test]
fn twenty_weeks_into_winter() {
    twenty_weeks(&Season::new("2026-08-03T00:00:00", &[(10, 12), (11, 18), (12, 8)]));
}

#[test]
fn twenty_weeks_into_summer() {
    twenty_weeks(&Season::new("2026-01-05T00:00:00", &[(2, 16), (4, 3), (4, 6), (5, 1)]));
}
