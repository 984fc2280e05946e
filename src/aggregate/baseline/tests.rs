//! The baseline against a plain model, its size, and what is not known.

mod seasons;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::level::Level;
use super::{Band, Baseline, Holiday, Known, MAX_ROWS, Series, Sums};
use crate::aggregate::time::{Monotonic, Time, UnixTime};
use crate::aggregate::timeline::{Present, Timeline};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const WEEK: i64 = 168 * HOUR;
const YEAR: i64 = 365 * 24 * HOUR;
/// A Monday, 00:00 in UTC.
const START: i64 = 1_795_392_000_000;

impl Baseline {
    /// Looks into the queue.
    fn queue(&mut self, at: i64, queue: &[(&str, u64)]) {
        let present = Present::of_entry(Time::of(at));
        self.go_on(present);
        self.look(present, Known { queue: queue.to_vec(), sums: None });
    }

    /// Hears of as many stretches of the hour that begins at `from`, and that it is over.
    fn hour_of(&mut self, from: i64, queue: &[(&str, u64)], stretches: i64) {
        for stretch in 1..=12 {
            self.queue(from + stretch * 5 * MINUTE, if stretch <= stretches { queue } else { &[] });
        }
        self.queue(from + HOUR + 5 * MINUTE, &[]);
    }

    fn expects(&self, channel: &str, at: i64) -> Option<Band> {
        self.expected(channel, Series::Queue, Time::of(at))
    }

    fn restarted(&self) -> Self {
        let bytes = rmp_serde::to_vec_named(&self.to_saved()).expect("encoded");
        let mut restarted = Self { calendar: self.calendar.clone(), ..Self::default() };
        restarted.take_saved(rmp_serde::from_slice(&bytes).expect("decoded")).expect("taken");
        restarted.present = self.present;
        restarted
    }
}

fn utc() -> Baseline {
    Baseline::default()
}

/// What was learned, as a list.
#[derive(Clone, Debug, Default)]
struct Model {
    /// In the order in which they began.
    weeks: Vec<i64>,
    /// By channel, hour of the week and week.
    learned: BTreeMap<(&'static str, i64, i64), (f64, f64)>,
    trend: BTreeMap<&'static str, f64>,
}

impl Model {
    fn learn(&mut self, channel: &'static str, at: i64, count: u64) {
        let (week, hour) = week_and_hour(at);
        if !self.weeks.contains(&week) {
            self.weeks.push(week);
            self.weeks.drain(..self.weeks.len().saturating_sub(8));
            let weeks = self.weeks.clone();
            self.learned.retain(|(_, _, week), _| weeks.contains(week));
            self.find_trends();
        }
        let count = Level::of(count).count();
        let usual = self.usual(channel, hour, week, Some(week));
        let before = self.weeks.iter().rev().skip_while(|other| **other != week).skip(1);
        let after = self.weeks.iter().rev().take_while(|other| **other != week);
        let last = before.chain(after).find_map(|&week| self.learned.get(&(channel, hour, week)));
        let median = match usual {
            Some((median, _)) if count > 1.5 * median + 10.0 && last.is_none_or(|last| last.1 < count) => {
                median
            }
            _ => count,
        };
        self.learned.insert((channel, hour, week), (median, count));
    }

    fn usual(&self, channel: &'static str, hour: i64, now: i64, but: Option<i64>) -> Option<(f64, f64)> {
        let counting =
            self.weeks.iter().filter(|&&week| (0..16).contains(&(now - week)) && Some(week) != but);
        let seen: Vec<_> = counting.filter_map(|&week| self.learned.get(&(channel, hour, week))).collect();
        let sorted = |of: fn(&(f64, f64)) -> f64| {
            let mut sorted: Vec<f64> = seen.iter().map(|seen| of(seen)).collect();
            sorted.sort_by(f64::total_cmp);
            sorted
        };
        let (medians, maxima) = (sorted(|seen| seen.0), sorted(|seen| seen.1));
        (seen.len() >= 2).then(|| (medians[(seen.len() - 1) / 2], maxima[seen.len() - 2]))
    }

    /// When a week begins, and after a restart, which knows what was learned of these weeks since by a clock that was set back.
    fn find_trends(&mut self) {
        self.trend = CHANNELS.into_iter().map(|channel| (channel, self.find_trend(channel))).collect();
    }

    /// Of the two weeks that were begun before the newest.
    fn find_trend(&self, channel: &'static str) -> f64 {
        let &[.., before, last, _] = self.weeks.as_slice() else { return 1.0 };
        let ratio = |hour| {
            let of = |week| {
                self.learned.get(&(channel, hour, week)).map(|seen| seen.0).filter(|&count| count > 0.0)
            };
            Some(of(last)? / of(before)?)
        };
        let mut ratios: Vec<f64> = (0..168).filter_map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let known = before + 1 == last && ratios.len() >= 24;
        if known { ratios[ratios.len() / 2].sqrt().clamp(0.9, 1.1) } else { 1.0 }
    }

    fn expects(&self, channel: &'static str, at: i64) -> Option<Band> {
        let (week, hour) = week_and_hour(at);
        let (median, maximum) = self.usual(channel, hour, week, None)?;
        let trend = self.trend.get(channel).copied().unwrap_or(1.0);
        let expected = median * trend;
        let upper = (maximum * trend.max(1.0) * 1.25).max(expected * 1.5);
        let upper = upper.max(expected + 10.0).max(expected + 4.0 * expected.sqrt());
        // At the beginning of an hour it is between those of both.
        let before = self
            .usual(channel, (hour + 167) % 168, week, None)
            .map_or(expected, |(median, _)| median * trend);
        let presently = expected.midpoint(before).clamp(expected, expected * 1.4);
        Some(Band { expected, presently, upper })
    }
}

fn week_and_hour(at: i64) -> (i64, i64) {
    ((at + 72 * HOUR).div_euclid(WEEK), (at + 72 * HOUR).rem_euclid(WEEK) / HOUR)
}

const CHANNELS: [&str; 2] = ["tcp_local", "ims-ms"];

/// Where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Nowhere,
    In(usize),
    Everywhere,
}

#[derive(Clone, Debug)]
enum Step {
    /// Messages by channel in the next hour, of how many stretches they are known, and where something is wrong.
    Hour([Option<u64>; 2], i64, Wrong),
    /// The same in all hours of a week.
    Week([Option<u64>; 2]),
    Wait(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let count = || prop::option::weighted(0.9, prop_oneof![Just(0_u64), 1_u64..200, 1_u64..1_000_000]);
    let counts = || (count(), count()).prop_map(|(one, two)| [one, two]);
    let wrong = prop_oneof![
        20 => Just(Wrong::Nowhere),
        1 => (0..CHANNELS.len()).prop_map(Wrong::In),
        1 => Just(Wrong::Everywhere),
    ];
    let step = prop_oneof![
        10 => (counts(), prop_oneof![4 => Just(12_i64), 1 => 0_i64..12], wrong)
            .prop_map(|(counts, known, wrong)| Step::Hour(counts, known, wrong)),
        8 => Just(Step::Wait(WEEK - HOUR)),
        3 => prop::sample::select(vec![HOUR, 23 * HOUR, 2 * WEEK, 5 * WEEK, 17 * WEEK, -WEEK, -5 * HOUR, 20 * YEAR, -20 * YEAR])
            .prop_map(Step::Wait),
        1 => counts().prop_map(Step::Week),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

fn same(baseline: &Baseline, model: &Model, at: i64) -> Result<(), TestCaseError> {
    for channel in CHANNELS {
        match (baseline.expects(channel, at), model.expects(channel, at)) {
            (None, None) => {}
            (Some(found), Some(expected)) => {
                // Half a step of a level in the trend.
                let near = |one: f64, other: f64| (one - other).abs() <= 0.001 * other.max(1.0);
                prop_assert!(
                    near(found.expected, expected.expected)
                        && near(found.presently, expected.presently)
                        && near(found.upper, expected.upper),
                    "{channel} {at}: {found:?} {expected:?}"
                );
            }
            other => prop_assert!(false, "{channel} {at}: {other:?}"),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn it_expects_what_a_plain_model_does(steps in steps()) {
        let (mut baseline, mut model, mut now) = (utc(), Model::default(), START);
        for step in steps {
            match step {
                Step::Hour(counts, stretches, wrong) => {
                    let known: Vec<_> =
                        CHANNELS.into_iter().zip(counts).filter_map(|(channel, count)| Some((channel, count?))).collect();
                    for stretch in 1..=12 {
                        baseline.queue(now + stretch * 5 * MINUTE, if stretch <= stretches { &known } else { &[] });
                        match wrong {
                            Wrong::In(channel) if stretch == 1 => baseline.incident(Some(CHANNELS[channel])),
                            Wrong::Everywhere if stretch == 1 => baseline.incident(None),
                            _ => {}
                        }
                    }
                    baseline.queue(now + HOUR + 5 * MINUTE, &[]);
                    for (index, channel) in CHANNELS.into_iter().enumerate() {
                        let fine = stretches >= 9 && ![Wrong::In(index), Wrong::Everywhere].contains(&wrong);
                        if let Some(count) = counts[index].filter(|_| fine) {
                            model.learn(channel, now, count);
                        }
                    }
                    now += HOUR;
                }
                Step::Week(counts) => {
                    let known: Vec<_> =
                        CHANNELS.into_iter().zip(counts).filter_map(|(channel, count)| Some((channel, count?))).collect();
                    for _ in 0..168 {
                        baseline.hour_of(now, &known, 9);
                        for &(channel, count) in &known {
 model.learn(channel, now, count);
 }
                        now += HOUR;
                    }
                }
                Step::Wait(millis) => now += millis,
                Step::Restart => {
                    baseline = baseline.restarted();
                    model.find_trends();
                }
            }
            baseline.go_on(Present::of_entry(Time::of(now)));
            for at in [now, now - HOUR, now + WEEK - HOUR] {
                same(&baseline, &model, at)?;
            }
        }
    }
}

#[test]
fn it_takes_no_more_than_six_mebibytes_and_nothing_for_hours_without_traffic() {
    let names: Vec<String> =
        (0..MAX_ROWS + 20).map(|number| format!("tcp_channel_of_a_long_name_{number}")).collect();
    let mut sizes = Vec::new();
    for busy in [0, 12, 168] {
        let mut baseline = utc();
        for hour in 0..168_i64 {
            for stretch in 1..=9_i64 {
                let present = Present::of_entry(Time::of(START + hour * HOUR + stretch * 5 * MINUTE));
                let count = if hour < busy { 1_000_000 } else { 0 };
                let known = names.iter().map(|name| (name.as_str(), count));
                baseline.look(present, Known { queue: known.collect(), sums: None });
                for &series in &Series::ALL[1..] {
                    for name in &names {
                        baseline.take(series, name, count);
                    }
                }
            }
        }
        baseline.queue(START + 170 * HOUR, &[]);
        assert_eq!((baseline.rows.len(), baseline.left_out()), (MAX_ROWS, 20 * 4 * 9 * 168));
        assert_eq!(baseline.restarted().bytes().abs_diff(baseline.bytes()) / 100_000, 0);
        sizes.push(baseline.bytes());
    }
    assert!(sizes[2] <= 6 << 20, "{sizes:?}");
    let of_busy = (sizes[1] - sizes[0]).abs_diff((sizes[2] - sizes[0]) / 14);
    assert!(sizes[0] < 700_000 && of_busy < 10_000, "{sizes:?}");
}

/// The same two hours, a week apart, by a clock and a timeline of their own.
#[test]
fn a_clock_that_jumps_costs_the_hours_that_it_is_wrong() {
    for jump in [20 * YEAR, -20 * YEAR, 3 * WEEK, -HOUR] {
        let (mut baseline, mut timeline) = (utc(), Timeline::default());
        let mut look = |baseline: &mut Baseline, second: i64, ahead: i64| {
            let (unix, monotonic) =
                (UnixTime::of(START + second * 1000 + ahead), Monotonic::of(second * 1000));
            let present = timeline.present(unix, monotonic, None);
            timeline.go_on(present, monotonic);
            if baseline.go_on(present) {
                baseline.look(present, Known { queue: vec![("l", 40)], sums: None });
            }
            present
        };
        let week = WEEK / 1000;
        for second in (0..3 * week).step_by(300) {
            // Half an hour in the second week.
            let wrong = (week + 30_000..week + 31_800).contains(&second);
            look(&mut baseline, second, if wrong { jump } else { 0 });
        }
        let present = look(&mut baseline, 3 * week, 0);
        for hour in 0..168 {
            let at = present.on_timeline(UnixTime::of(START + 3 * WEEK + hour * HOUR));
            let band = baseline.expected("l", Series::Queue, at);
            assert_eq!(band.map(|band| band.expected), Some(40.0), "{jump}: hour {hour}");
        }
    }
}

#[test]
fn counts_of_stretches_that_are_not_whole_are_not_known() {
    let mut baseline = utc();
    let sums = |gaps, count| {
        let mut sums = Sums { gaps, ..Sums::default() };
        sums.add(Series::Enqueues, "tcp_local", count);
        Some(sums)
    };
    let mut at = START;
    for (minutes, sums, expected) in [
        (5, None, None),
        (5, sums(0, 100), None),
        (5, sums(0, 130), Some(30)),
        (5, sums(0, 130), Some(0)),
        (6, sums(0, 190), Some(60)),
        // Nobody looked for an hour, or the logs were not read.
        (60, sums(0, 900), None),
        (5, sums(0, 901), Some(1)),
        (5, None, None),
        (5, sums(0, 990), None),
        // Sums begin anew.
        (5, sums(0, 5), None),
        (5, sums(1, 20), None),
        (5, sums(1, 21), Some(1)),
        (5, Some(Sums { gaps: 1, ..Sums::default() }), None),
    ] {
        at += minutes * MINUTE;
        baseline.look(Present::of_entry(Time::of(at)), Known { queue: Vec::new(), sums });
        assert_eq!(baseline.last("tcp_local", Series::Enqueues), expected, "{minutes}");
    }
}

#[test]
fn it_is_time_to_look_once_in_five_minutes() {
    let mut baseline = utc();
    let mut looks = 0;
    for second in 0..3600 {
        let present = Present::of_entry(Time::of(START + second * 1000));
        if baseline.go_on(present) {
            looks += 1;
            baseline.look(present, Known::default());
        }
    }
    assert_eq!(looks, 12);
}

#[test]
fn holidays_teach_nothing_and_are_not_known() {
    let mut baseline = utc();
    let monday = jiff::Timestamp::from_millisecond(START).expect("a time").to_zoned(TimeZone::UTC).date();
    let holiday = Holiday { year: None, month: monday.month(), day: monday.day() };
    baseline.settle(true, TimeZone::UTC, vec![holiday]);
    for week in 0..3 {
        baseline.hour_of(START + week * WEEK, &[("l", 40)], 12);
        let band = baseline.expects("l", START + (week + 1) * WEEK);
        assert_eq!(band.map(|band| band.expected), (week == 2).then_some(40.0), "{week}");
    }
    assert_eq!(baseline.expects("l", START), None);
    baseline.settle(false, TimeZone::UTC, Vec::new());
    assert_eq!(baseline.expects("l", START + 3 * WEEK), None);
}

#[test]
fn how_far_it_is_counts_hours_that_were_learned_twice() {
    let mut baseline = utc();
    for (hours, days) in [(24, 1.0), (7 * 24, 7.0), (9 * 24, 9.0), (14 * 24, 14.0), (30 * 24, 14.0)] {
        while baseline.present.is_none_or(|present| present.unix.millis() < START + hours * HOUR) {
            let at = baseline.present.map_or(START, |present| present.unix.millis()) + 5 * MINUTE;
            baseline.queue(at, &[("l", 0)]);
        }
        baseline.queue(START + hours * HOUR + 5 * MINUTE, &[("l", 0)]);
        assert!((baseline.days() - days).abs() < 0.01, "{hours}: {}", baseline.days());
        assert!((baseline.restarted().days() - days).abs() < 0.01);
    }
}

#[test]
fn what_is_no_baseline_is_refused() {
    let mut baseline = utc();
    for week in 0..2 {
        baseline.hour_of(START + week * WEEK, &[("l", 40)], 12);
    }
    let good = rmp_serde::to_vec_named(&baseline.to_saved()).expect("encoded");
    for cut in 0..good.len() {
        assert!(rmp_serde::from_slice::<super::Saved>(&good[..cut]).is_err(), "{cut}");
    }
    let mut wrong = 0;
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        let mut other = utc();
        match rmp_serde::from_slice(&bytes).map(|saved| other.take_saved(saved)) {
            Ok(Ok(())) => {
                other.go_on(Present::of_entry(Time::of(START + 2 * WEEK)));
                other.days();
                other.bands(Series::Queue, Time::of(START + 2 * WEEK)).for_each(drop);
                other.hour_of(START + 2 * WEEK, &[("l", 40)], 12);
            }
            Ok(Err(_)) | Err(_) => wrong += 1,
        }
    }
    assert!(wrong > 10);
}

/// A morning that has more by half: what is expected goes along, and not far where it is steeper.
#[test]
fn from_hour_to_hour_it_goes_from_one_to_the_other() {
    let mut baseline = utc();
    for week in 0..2 {
        for (hour, messages) in [(0, 100), (1, 150), (2, 30)] {
            baseline.hour_of(START + week * WEEK + hour * HOUR, &[("l", messages)], 12);
        }
    }
    for (minutes, expected, presently) in [
        (0, 100.0, 100.0),
        (30, 100.0, 100.0),
        (45, 100.0, 112.5),
        (59, 100.0, 124.0),
        (60, 150.0, 150.0),
        (119, 150.0, 150.0),
        (120, 30.0, 42.0),
        (145, 30.0, 40.0),
        (150, 30.0, 30.0),
    ] {
        let band = baseline.expects("l", START + 2 * WEEK + minutes * MINUTE).expect("known");
        let near = |one: f64, other: f64| (one - other).abs() < 0.02 * other;
        assert!(near(band.expected, expected) && near(band.presently, presently), "{minutes}: {band:?}");
    }
}

/// Until traffic begins at noon there is nothing, in two weeks of three.
#[test]
fn the_last_five_minutes_stand_beside_what_is_usual_in_their_hour() {
    let mut baseline = utc();
    let stretch = |baseline: &mut Baseline, minutes: i64, messages: Option<u64>| {
        let at = START + minutes * MINUTE;
        baseline.queue(at, messages.map(|messages| ("l", messages)).as_slice());
        baseline.latest(Series::Queue, Time::of(at)).next().map(|(_, latest)| latest)
    };
    let week = 168 * 60;
    for minutes in (5..=2 * week).step_by(5) {
        let busy = (minutes % (24 * 60)) > 12 * 60;
        stretch(&mut baseline, minutes, Some(if busy { 100 } else { 0 }));
    }
    let found: Vec<_> = [
        (2 * week + 11 * 60 + 55, Some(0)),
        (2 * week + 12 * 60, Some(0)),
        (2 * week + 12 * 60 + 5, Some(0)),
        (2 * week + 12 * 60 + 10, None),
        (2 * week + 12 * 60 + 15, Some(0)),
        (2 * week + 12 * 60 + 20, Some(7)),
    ]
    .map(|(minutes, messages)| stretch(&mut baseline, minutes, messages))
    .map(|latest| latest.map(|latest| (latest.count, latest.quiet.minutes(), latest.band.expected.round())))
    .to_vec();
    let expected = [
        Some((0, 5, 0.0)),
        Some((0, 10, 0.0)),
        Some((0, 15, 100.0)),
        None,
        Some((0, 5, 100.0)),
        Some((7, 0, 100.0)),
    ];
    assert_eq!(found, expected);
    let late = Time::of(START + (2 * week + 12 * 60 + 27) * MINUTE);
    assert_eq!(baseline.latest(Series::Queue, late).next(), None);
}
