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

/// The second after which an incident is told too late: when the rules could tell it. A minute is scraped with all that happened in
/// it, and promtool calls that by its beginning, so they know a minute later.
fn too_late(verdict: &Verdict<'_>) -> usize {
    verdict.happening.incident.rules + MINUTE + LOOKS
}

/// Nineteen of twenty are told, and first what causes them; nothing else pages. None is told later than by the rules.
#[test]
fn incidents_are_told_with_their_cause_first() {
    let span = span();
    let all = happenings(SEED, span);
    let exporter = watch(span, &all);
    let can_be_found = |happening: &&Happening| happening.incident.expects != ["ImsMtaExporterDown"];
    let verdicts = tell(&all.iter().filter(can_be_found).collect::<Vec<_>>(), &exporter.began);
    let is_late =
        |verdict: &&Verdict<'_>| verdict.caught_after().is_some_and(|after| after > too_late(verdict));
    let late: Vec<_> = verdicts.iter().filter(|_| span.is_whole).filter(is_late).collect();
    assert!(late.is_empty(), "{:?}", late.iter().map(|verdict| verdict.row()).collect::<Vec<_>>());
}
