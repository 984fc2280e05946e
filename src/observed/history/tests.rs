//! The history against a simple model, its size, and what it tells of channels and of growth.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{History, MAX_ROWS, Mark, RESOLUTIONS, Series, Waiting, decode, encode};

use crate::aggregate::index::LogIndex;
use crate::aggregate::time::Time;

const GAP: i64 = super::GAP.millis();
const LATE: i64 = super::LATE.millis();
const SLACK: i64 = super::SLACK.millis();
const SPAN: i64 = super::SPAN.millis();
const START: i64 = 1_795_000_000_000;
const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const YEAR: i64 = 365 * 24 * HOUR;
const CHANNELS: [&str; 3] = ["tcp_local", "l", "ims-ms"];

/// What is noted without a log.
impl History {
    fn entry(&mut self, channel: &str, series: Series, at: i64, now: i64) {
        let (at, now) = (Time::of(at.min(now)), Time::of(now));
        self.go_on(now);
        self.reach.entry(LogIndex::OTHER, at);
        let row = self.row(channel, at, now).expect("room");
        self.happened(row, series, at);
    }

    fn values(&self, resolution: usize, channel: &str, series: Series, now: i64) -> Vec<Option<u64>> {
        self.slots(resolution, channel, series, Time::of(now)).map(|(_, value)| value).collect()
    }

    /// Half of the messages are held besides. The growth of the messages, where it is told.
    fn look(&mut self, now: i64, messages: &[(&str, u64)]) -> BTreeMap<String, i64> {
        let waiting = |messages| Waiting { messages, held: messages / 2 };
        let growth = self
            .looked(Time::of(now), messages.iter().map(|&(channel, messages)| (channel, waiting(messages))));
        growth.into_iter().filter_map(|(channel, growth)| Some((channel, growth.messages?))).collect()
    }

    /// By how much more is held in `l`.
    fn held(&mut self, second: i64, held: u64) -> i64 {
        let growth = self.looked(Time::of(START + second * SECOND), [("l", Waiting { messages: 0, held })]);
        growth["l"].held
    }
}

/// What happened, as a list; slots are sets.
#[derive(Clone, Default)]
struct Model {
    /// By resolution: a slot that has begun keeps what was noted in it, however far the clock goes back within it.
    events: Vec<(usize, i64, &'static str, Series)>,
    looks: BTreeMap<(usize, i64), BTreeMap<&'static str, u64>>,
    covered: BTreeSet<(usize, i64)>,
    since: BTreeMap<&'static str, i64>,
    newest: Option<i64>,
    begun: bool,
    from: Option<i64>,
    until: Option<i64>,
    behind: Option<i64>,
    first: Option<i64>,
}

fn width(resolution: usize) -> i64 {
    RESOLUTIONS[resolution].seconds * SECOND
}

fn slot(resolution: usize, at: i64) -> i64 {
    at.div_euclid(width(resolution))
}

impl Model {
    fn go_on(&mut self, now: i64) {
        let slack = if self.begun { SLACK } else { 0 };
        self.begun = true;
        let mut dropped = false;
        for resolution in 0..RESOLUTIONS.len() {
            let Some(newest) = self.newest else { continue };
            if slot(resolution, newest) > slot(resolution, now + slack) {
                dropped = true;
                self.keep(resolution, i64::MIN, slot(resolution, now));
            }
        }
        if dropped {
            self.newest = Some(now);
            self.since.values_mut().for_each(|since| *since = (*since).min(now));
            self.hole(now);
        }
        let newest = self.newest.map_or(now, |newest| newest.max(now));
        self.newest = Some(newest);
        for (resolution, kept) in RESOLUTIONS.iter().enumerate() {
            let slots = i64::try_from(kept.slots).expect("few");
            self.keep(resolution, slot(resolution, newest) - slots + 1, i64::MAX);
        }
    }

    fn keep(&mut self, of: usize, first: i64, last: i64) {
        let kept = |resolution: usize, slot: i64| resolution != of || (first..=last).contains(&slot);
        self.covered.retain(|&(resolution, slot)| kept(resolution, slot));
        self.events.retain(|&(resolution, at, ..)| kept(resolution, slot(resolution, at)));
        self.looks.retain(|&(resolution, slot), _| kept(resolution, slot));
    }

    fn uncover(&mut self, at: i64) {
        self.covered.retain(|&(resolution, number)| number < slot(resolution, at - LATE));
    }

    fn hole(&mut self, at: i64) {
        let until = self.until.or(self.behind).unwrap_or(at);
        self.uncover(until.min(at));
        (self.from, self.until, self.first, self.behind) = (None, None, None, Some(at));
    }

    fn read_until(&mut self, until: i64, now: i64) {
        self.go_on(now);
        self.until = self.until.max(Some(until));
        let begins = self.first.unwrap_or(until).max(self.behind.unwrap_or(i64::MIN));
        let from = *self.from.get_or_insert(begins);
        for (resolution, kept) in RESOLUTIONS.iter().enumerate() {
            let last = slot(resolution, until);
            for back in 0..i64::try_from(kept.slots).expect("few") {
                if (last - back) * width(resolution) >= from {
                    self.covered.insert((resolution, last - back));
                }
            }
        }
        self.go_on(now);
    }

    fn value(&self, resolution: usize, channel: &str, series: Series, number: i64) -> Option<u64> {
        if series == Series::Enqueues {
            return None;
        }
        if let Series::Queue | Series::Held = series {
            let messages = *self.looks.get(&(resolution, number))?.get(channel)?;
            return Some(if series == Series::Queue { messages } else { messages / 2 });
        }
        let since = *self.since.get(channel)?;
        let known = self.covered.contains(&(resolution, number)) && (number + 1) * width(resolution) > since;
        let happened = |&&(within, at, of, what): &&(usize, i64, &str, Series)| {
            (within, of, what) == (resolution, channel, series) && slot(resolution, at) == number
        };
        known.then(|| self.events.iter().filter(happened).count() as u64)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Jump(i64),
    Entry(usize, Series, i64),
    Look(Vec<Option<u64>>),
    Read,
    Gap,
    Save,
    /// From what was saved: with the sums of that instant, of a later one, of an earlier one.
    Restart(std::cmp::Ordering),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let series = prop::sample::select(Series::ALL[..4].to_vec());
    let step = prop_oneof![
        8 => (0..40 * SECOND).prop_map(Step::Wait),
        2 => prop::sample::select(vec![400 * SECOND, HOUR, 7 * HOUR, 30 * HOUR]).prop_map(Step::Wait),
        1 => prop::sample::select(vec![-20 * SECOND, -HOUR, -YEAR, 20 * YEAR, -20 * YEAR]).prop_map(Step::Jump),
        12 => (0..CHANNELS.len(), series, prop_oneof![0..SECOND, 0..5 * HOUR])
            .prop_map(|(channel, series, age)| Step::Entry(channel, series, age)),
        6 => prop::collection::vec(prop::option::of(0_u64..9000), CHANNELS.len()).prop_map(Step::Look),
        8 => Just(Step::Read),
        1 => Just(Step::Gap),
        2 => Just(Step::Save),
        2 => prop::sample::select(vec![
            std::cmp::Ordering::Equal, std::cmp::Ordering::Less, std::cmp::Ordering::Greater
        ]).prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #[test]
    fn it_tells_what_happened_and_nothing_else(steps in steps()) {
        let (mut history, mut model, mut now) = (History::default(), Model::default(), START);
        let mut saved = (encode(&history, Mark::default()).expect("encoded"), model.clone());
        let mut looks = 0;
        for step in steps {
            match step {
                Step::Wait(millis) | Step::Jump(millis) => now += millis,
                Step::Entry(channel, series, age) => {
                    let (channel, at) = (CHANNELS[channel], now - age);
                    history.entry(channel, series, at, now);
                    model.go_on(now);
                    model.first.get_or_insert(at);
                    model.events.extend((0..RESOLUTIONS.len()).map(|resolution| (resolution, at, channel, series)));
                    let since = model.since.entry(channel).or_insert(at);
                    *since = (*since).min(at);
                }
                Step::Look(numbers) => {
                    let found: Vec<(&'static str, u64)> =
                        CHANNELS.into_iter().zip(numbers).filter_map(|(channel, number)| Some((channel, number?))).collect();
                    history.look(now, &found);
                    model.go_on(now);
                    for &(channel, _) in &found {
                        model.since.entry(channel).or_insert(now);
                    }
                    for resolution in 0..RESOLUTIONS.len() {
                        let first = model.looks.entry((resolution, slot(resolution, now)));
                        first.or_insert_with(|| found.iter().copied().collect());
                    }
                }
                Step::Read => {
                    history.read_until(Time::of(now), Time::of(now), true);
                    model.read_until(now, now);
                }
                Step::Gap => {
                    history.gap();
                    model.hole(model.until.or(model.behind).unwrap_or(i64::MIN + LATE));
                }
                Step::Save => saved = (encode(&history, Mark::default()).expect("encoded"), model.clone()),
                Step::Restart(order) => {
                    (history, _) = decode(&saved.0).expect("decoded");
                    model = Model { begun: false, first: None, ..saved.1.clone() };
                    let end = model.until.or(model.behind).unwrap_or(i64::MIN + LATE);
                    match order {
                        std::cmp::Ordering::Equal => model.uncover(end),
                        std::cmp::Ordering::Less => model.hole(end),
                        std::cmp::Ordering::Greater => {
                            model.covered.clear();
                            model.events.clear();
                            (model.from, model.until, model.behind) = (None, None, None);
                        }
                    }
                    let mark = |lines| Mark { gaps: 0, lines };
                    history.go_on_from(mark(5), mark(match order {
                        std::cmp::Ordering::Equal => 5,
                        std::cmp::Ordering::Less => 6,
                        std::cmp::Ordering::Greater => 4,
                    }));
                }
            }
            // One of them at each step, all at the end.
            looks += 1;
            let series = Series::ALL[looks % Series::ALL.len()];
            same(&history, &model, CHANNELS[looks % CHANNELS.len()], series, now)?;
        }
        for channel in CHANNELS {
            for &series in Series::ALL {
                same(&history, &model, channel, series, now)?;
            }
        }
    }
}

fn same(
    history: &History,
    model: &Model,
    channel: &str,
    series: Series,
    now: i64,
) -> Result<(), TestCaseError> {
    for resolution in 0..RESOLUTIONS.len() {
        for (start, value) in history.slots(resolution, channel, series, Time::of(now)) {
            let start = start.millis();
            let expected = model.value(resolution, channel, series, start.div_euclid(width(resolution)));
            prop_assert_eq!(value, expected, "{} {} {:?} {}", resolution, channel, series, start - now);
        }
    }
    Ok(())
}

/// Every channel that can have a row does everything in every slot.
#[test]
fn it_takes_no_more_than_nine_quarters_of_a_mebibyte() {
    let mut history = History::default();
    let labels: Vec<String> =
        (0..MAX_ROWS).map(|number| format!("tcp_a_channel_with_a_long_name_{number:03}")).collect();
    for slot in 0..300 {
        let now = START + slot * 300 * SECOND;
        let waiting = Waiting { messages: u64::MAX, held: u64::MAX };
        history.looked(Time::of(now), labels.iter().map(|label| (label.as_str(), waiting)));
        for label in &labels {
            for &series in &Series::ALL[..4] {
                history.entry(label, series, now, now);
            }
        }
        history.read_until(Time::of(now), Time::of(now), true);
        history.came(Time::of(now), labels.iter().map(|label| (label.as_str(), u64::MAX)));
    }
    assert_eq!((history.channels().len(), history.left_out()), (MAX_ROWS, 0));
    let bytes = history.bytes();
    assert!(bytes <= 9 << 18, "{bytes}");
    let saved = encode(&history, Mark::default()).expect("encoded").len();
    assert!(saved <= 4 << 20, "{saved}");
}

/// It stands in the five minutes that are over, and outlives a restart. Of a channel through which nothing came a row is begun
/// by nobody.
#[test]
fn what_came_in_stands_in_the_five_minutes_that_are_over() {
    let mut history = History::default();
    let over = |number: i64| START - START.rem_euclid(300 * SECOND) + (number * 300 + 1) * SECOND;
    for (number, counts) in [(1, &[("l", 7), ("silent", 0)][..]), (2, &[("l", 0)]), (4, &[("l", 9)])] {
        history.came(Time::of(over(number)), counts.iter().copied());
    }
    let bytes = encode(&history, Mark::default()).expect("encoded");
    let (history, _) = decode(&bytes).expect("decoded");
    let values = history.values(1, "l", Series::Enqueues, over(4));
    assert_eq!(values[values.len() - 5..], [Some(7), Some(0), None, Some(9), None]);
    assert_eq!(history.channels(), ["l"]);
    assert!(history.values(0, "l", Series::Enqueues, over(4)).iter().all(Option::is_none));
}

#[test]
fn growth_is_absent_until_a_quarter_of_an_hour_was_seen() {
    let mut history = History::default();
    let mut look =
        |second: i64, number| history.look(START + second * SECOND, &[("l", number)]).get("l").copied();
    for (second, number, expected) in [
        (0, 100, None),
        (10, 400, None),
        (20, 150, None),
        (899, 90, None),
        (900, 90, Some(-10)),
        (910, 90, Some(-310)),
        (920, 1000, Some(850)),
        // Nobody looked for more than an hour.
        (5000, 1001, Some(911)),
        (5000 + 23 * 3600, 1, Some(-1000)),
    ] {
        assert_eq!(look(second, number), expected, "{second}");
    }
}

#[test]
fn a_channel_that_is_away_for_long_has_no_growth_when_it_returns() {
    // Looked at every second until second 2000, and again after so long.
    for (away, expected) in [(1, Some(5)), (280, Some(5)), (300, None), (2000, None)] {
        let mut history = History::default();
        for second in 0..=2000 {
            history.look(START + second * SECOND, &[("l", 1), ("lost", 10)]);
        }
        for second in 2001..2000 + away {
            let growth = history.look(START + second * SECOND, &[("l", 1)]);
            assert_eq!(growth.keys().collect::<Vec<_>>(), ["l"]);
        }
        let growth = history.look(START + (2000 + away) * SECOND, &[("l", 1), ("lost", 15)]);
        assert_eq!(growth.get("lost").copied(), expected, "{away}");
    }
}

/// After a short restart growth goes on, after a long one it begins anew: nobody looked.
#[test]
fn growth_goes_on_over_a_short_restart() {
    for (away, expected) in [(GAP - 1, Some(5)), (GAP, None), (20 * YEAR, None), (-YEAR, None)] {
        let mut history = History::default();
        for second in 0..=1000 {
            history.look(START + second * SECOND, &[("l", 10)]);
        }
        let saved = encode(&history, Mark::default()).expect("encoded");
        let (mut history, mark) = decode(&saved).expect("decoded");
        history.go_on_from(mark, mark);
        let now = START + 1000 * SECOND + away;
        assert_eq!(history.look(now, &[("l", 15)]).get("l").copied(), expected, "{away}");
        // Nothing freezes.
        for second in 1..=910 {
            history.look(now + second * SECOND, &[("l", 20)]);
        }
        assert!(history.look(now + 911 * SECOND, &[("l", 20)]).contains_key("l"), "{away}");
    }
}

proptest! {
    /// Growth is from the newest look that is old enough, of those that were the first in their slots, as long as
    /// the channel was not away.
    #[test]
    fn growth_looks_back_a_quarter_of_an_hour(
        looks in prop::collection::vec((1..400 * SECOND, prop::option::weighted(0.9, 0_u64..100_000)), 1..200),
    ) {
        let (mut history, mut now) = (History::default(), START);
        // When, what waited, whether it was the first look in its slot.
        let mut seen: Vec<(i64, u64, [bool; 2])> = Vec::new();
        let mut slots = BTreeSet::new();
        for (wait, number) in looks {
            now += wait;
            let first = [0, 1].map(|resolution| slots.insert((resolution, slot(resolution, now))));
            let found: Vec<_> = number.map(|number| ("l", number)).into_iter().collect();
            let growth = history.look(now, &found).get("l").copied();
            let Some(number) = number else {
                prop_assert_eq!(growth, None);
                continue;
            };
            let away = |&(last, ..): &(i64, u64, [bool; 2])| now - last >= GAP && last != now - wait;
            if seen.last().is_some_and(away) {
                seen.clear();
            }
            let then = (0..2).find_map(|resolution| {
                let kept = i64::try_from(RESOLUTIONS[resolution].slots).expect("few");
                seen.iter().rfind(|&&(at, _, first)| {
                    let age = slot(resolution, now) - slot(resolution, at);
                    first[resolution] && at <= now - SPAN && age < kept
                })
            });
            let expected = then.map(|&(_, then, _)| number.cast_signed() - then.cast_signed());
            prop_assert_eq!(growth, expected);
            seen.push((now, number, first));
        }
    }

    /// No bytes that are read are trusted, and none stop anything.
    #[test]
    fn any_damage_is_said(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut history = History::default();
        history.look(START, &[("l", 5)]);
        history.read_until(Time::of(START), Time::of(START), true);
        let mut bytes = encode(&history, Mark::default()).expect("encoded");
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        prop_assert!(decode(&bytes).is_err());
    }
}

#[test]
fn what_is_not_understood_is_said() {
    let mut bytes = encode(&History::default(), Mark::default()).expect("encoded");
    let cut = bytes.len() - 3;
    assert!(decode(&bytes[..cut]).is_err() && decode(b"").is_err());
    let newer = crate::source::state::sections::Section {
        name: "history".to_owned(),
        version: 2,
        unknown: crate::source::state::sections::Unknown::Drop,
        body: Vec::new(),
    };
    bytes = crate::source::state::sections::encode([&newer]);
    assert_eq!(decode(&bytes).expect_err("newer"), "it has version 2, this program reads 1");
}

#[test]
fn names_that_come_and_go_leave_room_for_those_that_stay() {
    let mut history = History::default();
    for second in 0..2000 {
        let names: Vec<String> = (0..100).map(|number| format!("{second}-{number}")).collect();
        let looked: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let now = START + second * SECOND;
        let growth = history.look(now, &[&[("l", 7)], &looked[..]].concat());
        assert_eq!(growth.contains_key("l"), second >= 900);
        assert!(history.channels().len() <= MAX_ROWS);
    }
    assert!(history.left_out() > 0);
    assert_eq!(history.values(0, "l", Series::Queue, START + 1999 * SECOND).last(), Some(&Some(7)));
}

/// A channel that leaves keeps what it did, is absent while it is away, and returns.
#[test]
fn channels_leave_and_return() {
    let mut history = History::default();
    for (step, there) in [true, true, false, true].into_iter().enumerate() {
        let now = START + i64::try_from(step).expect("few") * 10 * SECOND;
        history.look(now, if there { &[("l", 3), ("m", 1)] } else { &[("m", 1)] });
    }
    let values = history.values(0, "l", Series::Queue, START + 30 * SECOND);
    assert_eq!(values[values.len() - 5..], [None, Some(3), Some(3), None, Some(3)]);
    let held = history.values(0, "l", Series::Held, START + 30 * SECOND);
    assert_eq!(held.last(), Some(&Some(1)));
}

/// Times that no clock shows are no fault.
#[test]
fn extreme_times_are_survived() {
    let times = [i64::MIN, START, i64::MAX, i64::MIN, 0, START];
    let mut history = History::default();
    for now in times {
        history.look(now, &[("l", 1)]);
        history.entry("l", Series::Failures, now, now);
        history.read_until(Time::of(now), Time::of(now), false);
        let saved = encode(&history, Mark::default()).expect("encoded");
        history = decode(&saved).expect("decoded").0;
        assert_eq!(
            history.slots(0, "l", Series::Queue, Time::of(now)).last().map(|(_, value)| value),
            Some(Some(1)),
            "{now}"
        );
    }
}

#[test]
fn what_was_held_within_ten_minutes_is_no_growth_of_what_is_held() {
    let mut history = History::default();
    assert_eq!(history.held(0, 400), 0, "what is there at first");
    assert_eq!(history.held(60, 501), 101);
    assert_eq!(history.held(600, 501), 101);
    assert_eq!(history.held(630, 501), 0, "no more came for ten minutes");
    assert_eq!(history.held(640, 300), -201);
    assert_eq!(history.held(5000, 700), 0, "nobody looked meanwhile");
    history.looked(Time::of(START + 5015 * SECOND), []);
    assert_eq!(history.held(5030, 850), 150, "away for a moment");
    let bytes = super::encode(&history, Mark::default()).expect("encoded");
    let (mut again, _) = super::decode(&bytes).expect("decoded");
    assert_eq!(again.held(5090, 900), 200, "over a restart");
}
