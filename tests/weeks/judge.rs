//! Minutes are lived through, and the alerts say what they have to say of them.

use std::collections::BTreeMap;

use super::calendar::{DAY, HOUR, JUDGED, MINUTE, WARM_UP};
use super::incidents::Happening;
use super::promtool::{Began, Evaluation, Recorded};
use super::ruleset::{Part, Ruleset};
use super::say;
use super::series::{Page as _, Series};
use super::site::{CHANNELS, PAIRS, Site};
use super::trouble::Trouble;

/// What chance makes of the weeks.
pub const SEED: u64 = 2026;

/// Which minutes are judged, and how many are known before them.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub begins: usize,
    pub ends: usize,
    /// Minutes before, for rules of two weeks, of the same hours last week, and of what is now.
    before: [usize; 3],
    /// Minutes between two evaluations of what looks at two weeks, which is what it takes most of the time for. It moves by
    /// days, and minutes later it is the same.
    step: usize,
    /// Minutes from one incident to the next.
    pub apart: usize,
    pub is_whole: bool,
}

impl Span {
    /// Five hours of that day, for who lives through seconds.
    pub fn of_some_hours(self) -> Self {
        Self { ends: self.begins + 5 * HOUR, before: [HOUR; 3], apart: 100, ..self }
    }

    /// The first minute that is lived through.
    pub fn first(self) -> usize {
        self.begins - self.before[0]
    }

    /// As `WEEKS` says: a working day where it is not set. Incidents come at all hours, one after the other.
    pub fn of_this_run() -> Self {
        let begins = WARM_UP * DAY;
        match std::env::var("WEEKS").as_deref() {
            Ok("whole") => {
                let before = [WARM_UP * DAY, 7 * DAY + 3 * HOUR, DAY];
                Self {
                    begins,
                    ends: begins + JUDGED * DAY,
                    before,
                    step: 20,
                    apart: 10 * HOUR,
                    is_whole: true,
                }
            }
            Ok(other) => panic!("WEEKS: found {other}, right is whole"),
            Err(_) => {
                let begins = begins + 8 * HOUR;
                Self {
                    begins,
                    ends: begins + 10 * HOUR,
                    before: [2 * HOUR; 3],
                    step: 4,
                    apart: 3 * HOUR,
                    is_whole: false,
                }
            }
        }
    }
}

/// All that is wrong in a minute.
pub fn trouble(minute: usize, happenings: &[Happening]) -> Trouble {
    let mut trouble = Trouble::default();
    let now = |happening: &&Happening| (happening.begins..happening.ends()).contains(&minute);
    happenings.iter().filter(now).for_each(|happening| (happening.incident.brings)(&mut trouble));
    trouble
}

/// Lives through some minutes.
pub fn live(begins: usize, ends: usize, happenings: &[Happening]) -> Series {
    let (mut site, mut series) = (Site::new(SEED, begins), Series::default());
    for minute in begins..ends {
        site.minute(minute, &trouble(minute, happenings), &mut series);
        series.end_minute();
    }
    series.end();
    series
}

/// What began to fire, by minutes of the calendar; `None` where promtool is not installed.
pub fn judge(span: Span, happenings: &[Happening]) -> Option<Vec<Began>> {
    let directory = tempfile::tempdir().expect("a directory");
    let rules = Ruleset::rendered(directory.path());
    let lived =
        BTreeMap::from(span.before.map(|before| (before, live(span.begins - before, span.ends, happenings))));
    let usual = usual(span, &rules, &lived[&span.before[0]])?;
    let judged = |(part, before): (Part, usize)| {
        let begins = span.begins - before;
        let asked = summaries(happenings).into_iter().map(|(minute, alert)| (minute - begins, alert));
        let known = held(&usual, span, begins);
        let input = lived[&before].input(None, &part.text) + &known.input(None, &part.text);
        let evaluation =
            Evaluation { rules: &part.text, input, step: 1, from: before, until: span.ends - begins };
        let mut found = evaluation.began(&asked.collect::<Vec<_>>())?;
        for began in &mut found {
            began.at += begins * MINUTE;
        }
        say(&format!("{}: done", part.name));
        Some(found)
    };
    let [first, second, others] = rules.alerts();
    let parts = vec![(first, span.before[1]), (second, span.before[1]), (others, span.before[2])];
    let mut began = at_once(parts, judged)?;
    began.sort_by(|one, other| (one.at, &one.labels).cmp(&(other.at, &other.labels)));
    // What began as an hour did is found in both.
    began.dedup();
    Some(began)
}

/// The alerts that have to tell of incidents, at the minutes at which they may.
fn summaries(happenings: &[Happening]) -> Vec<(usize, &'static str)> {
    let of_one = |one: &Happening| {
        let (minutes, alerts) = (one.begins..=one.told_by(), one.incident.expects);
        minutes.flat_map(move |minute| alerts.iter().map(move |&alert| (minute, alert)))
    };
    happenings.iter().flat_map(of_one).collect()
}

/// What two weeks say is usual. A query of promtool loads 10,000 samples at most: all of two weeks for one channel, or some
/// for two.
fn usual(span: Span, rules: &Ruleset, lived: &Series) -> Option<Vec<Recorded>> {
    let [all, some, host] = &rules.weekly();
    let one_by_one = CHANNELS.chunks(1).map(|channels| (all, Some(channels)));
    let two_by_two = PAIRS.map(|channels| (some, Some(channels)));
    let jobs: Vec<_> = [(host, None)].into_iter().chain(one_by_one).chain(two_by_two).collect();
    let record = |(part, channels): (&Part, Option<&[&str]>)| {
        let before = span.before[0];
        let until = before + span.ends - span.begins;
        let (rules, input) = (&part.text, lived.input(channels, &part.text));
        let evaluation = Evaluation { rules, input, step: span.step, from: before - HOUR, until };
        let mut found = evaluation.recorded(&part.weekly)?;
        for (minute, ..) in &mut found {
            *minute += span.begins - before;
        }
        say(&format!("{}: done", part.name));
        Some(found)
    };
    at_once(jobs, record)
}

/// What was recorded now and then, as series of each minute.
fn held(recorded: &[Recorded], span: Span, begins: usize) -> Series {
    let mut series = Series::default();
    let mut known: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for (minute, name, labels, value) in recorded {
        let own = labels.iter().filter(|(label, _)| !["job", "instance"].contains(&label.as_str()));
        let own: Vec<String> = own.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        known.entry(*minute).or_default().push((name.clone(), own.join(","), *value));
    }
    for minute in begins..span.ends {
        for (name, labels, value) in known.get(&(minute / span.step * span.step)).into_iter().flatten() {
            series.put(name, labels, *value);
        }
        series.end_minute();
    }
    series.end();
    series
}

/// Does jobs; `None` where one cannot be done.
fn at_once<J: Send, T: Send>(jobs: Vec<J>, run: impl Fn(J) -> Option<Vec<T>> + Sync) -> Option<Vec<T>> {
    let run = &run;
    let done: Vec<Option<Vec<T>>> = std::thread::scope(|scope| {
        let started: Vec<_> = jobs.into_iter().map(|job| scope.spawn(move || run(job))).collect();
        started.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    Some(done.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}
