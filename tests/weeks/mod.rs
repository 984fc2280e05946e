//! Two normal weeks of a mail host after three that it has got used to, and the same weeks with twenty incidents: all
//! rules of `alerts/rules` at each minute, by `promtool test rules`.
//!
//! Minutes of a processor, so only when asked for; the short form is a day and the first incidents, without what needs weeks
//! to know what is usual:
//!
//! ```sh
//! WEEKS=whole cargo test --test integration weeks:: -- --nocapture
//! WEEKS=short cargo test --test integration weeks::
//! ```
//!
//! A host is scraped once a minute here, and the rules are rendered for that. Restarts of a minute, planned stops, mailings,
//! a holiday and the end of a month are part of normal weeks.

mod calendar;
mod host;
mod incidents;
mod inhibition;
mod promtool;
mod series;
mod site;
mod trouble;
mod verdict;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::alerts::files::{Rule, directory, list, rules, text, yaml};
use crate::promql::Analysis;
use calendar::{DAY, HOUR, JUDGED, WARM_UP};
use incidents::{Happening, MOST, happenings};
use inhibition::Alertmanager;
use promtool::{Began, evaluate};
use series::Series;
use site::{CHANNELS, Site};
use trouble::Trouble;
use verdict::{Verdict, median};

/// What chance makes of the weeks.
const SEED: u64 = 2026;
const EXPORTER: &str = env!("CARGO_BIN_EXE_imsimta-exporter");
/// What these weeks do not have, although rules ask for it.
const NOT_LIVED: [&str; 2] = ["imsimta_queue_delay_seconds_bucket", "imsimta_queue_delay_seconds_count"];
/// Sums of many hosts, which alert of nothing.
const NOT_JUDGED: &str = "fleet.rules.yml";
/// It says that a host is scraped too rarely for the fastest page, which is true here.
const NOT_COUNTED: &str = "ImsMtaScrapeIntervalLong";

/// Which days are judged, and what is known before them.
#[derive(Clone, Copy, Debug)]
struct Span {
    days: usize,
    /// Days before, for rules that ask what is usual and for all others.
    warm_up: usize,
    /// Minutes from one incident to the next.
    apart: usize,
}

impl Span {
    /// As `WEEKS` says; none where it is not set.
    fn of_this_run() -> Option<Self> {
        let weeks = std::env::var("WEEKS").ok()?;
        // Incidents come at all hours, one after the other.
        Some(match weeks.as_str() {
            "whole" => Self { days: JUDGED, warm_up: WARM_UP, apart: 15 * HOUR },
            "short" => Self { days: 1, warm_up: 1, apart: 5 * HOUR },
            other => panic!("WEEKS: found {other}, right is whole or short"),
        })
    }

    /// The day that the samples of a file of rules begin at: what asks for no week needs none before.
    fn begins(self, rules: &str) -> usize {
        let asks = ["[2w", "offset 1w", "offset 167h", "offset 1d"].iter().any(|text| rules.contains(text));
        WARM_UP - if asks { self.warm_up } else { 1 }
    }
}

/// Lives through some days, and the minutes that they begin and end at.
fn live(begins: usize, ends: usize, happenings: &[Happening]) -> Series {
    let (mut site, mut series) = (Site::new(SEED), Series::default());
    for minute in begins..ends {
        let mut trouble = Trouble::default();
        let now = |happening: &&Happening| (happening.begins..happening.ends()).contains(&minute);
        happenings.iter().filter(now).for_each(|happening| (happening.incident.brings)(&mut trouble));
        site.minute(minute, &trouble, &mut series);
        series.end_minute();
    }
    series
}

/// What began to fire, by minutes of the calendar; `None` where promtool is not installed.
fn judge(span: Span, happenings: &[Happening]) -> Option<Vec<Began>> {
    let site = tempfile::tempdir().expect("a directory");
    render(site.path());
    let one = |name: &str| {
        let rules = text(&site.path().join(name));
        let (begins, ends) = (span.begins(&rules) * DAY, (WARM_UP + span.days) * DAY);
        let mut series = live(begins, ends, happenings);
        series.end();
        // A query may load 10,000 samples in promtool: two weeks of one channel, at the longest steps between which a sample
        // is found.
        let (of, step) =
            if rules.contains("[2w]") { (CHANNELS.map(Some).to_vec(), 3) } else { (vec![None], 1) };
        let judged = (WARM_UP * DAY - begins, ends - begins);
        let mut found = Vec::new();
        for of in of {
            found.extend(evaluate(site.path(), name, &series.input(of), step, judged)?);
        }
        found.iter_mut().for_each(|began: &mut Began| began.minute += begins);
        Some(found)
    };
    let files = list("rules", ".rules.yml");
    let names = files.iter().filter_map(|file| file.file_name()?.to_str()).filter(|name| *name != NOT_JUDGED);
    let one = &one;
    let evaluated: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = names.map(|name| scope.spawn(move || one(name))).collect();
        started.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    let mut began: Vec<Began> = evaluated.into_iter().collect::<Option<Vec<_>>>()?.concat();
    began.retain(|began| began.alert() != NOT_COUNTED);
    began.sort_by_key(|began| began.minute);
    Some(began)
}

/// The rules as they are for a scrape a minute.
fn render(directory: &Path) {
    let arguments = ["rules", "--scrape-interval", "60s", "--output"];
    let output = Command::new(EXPORTER).args(arguments).arg(directory).output().expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A rule whose metric is not there cannot fire in these weeks, and nothing would be proved of it.
#[test]
fn all_that_rules_ask_for_is_there() {
    let series = live(0, 2 * DAY, &[]);
    let here: BTreeSet<&str> = series.metrics().collect();
    let of_a_host = |rule: &Rule| !rule.record.as_ref().is_some_and(|name| name.starts_with("job_cluster"));
    let used: BTreeSet<String> = rules()
        .into_iter()
        .filter(of_a_host)
        .flat_map(|rule| Analysis::new(&rule.expr).expect("an expression").uses)
        .map(|used| used.name)
        .filter(|name| !name.contains(':') && name != "ALERTS" && !NOT_LIVED.contains(&name.as_str()))
        .collect();
    let missing: Vec<_> = used.iter().filter(|name| !here.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error");
}

/// No page, and three tickets at most.
#[test]
fn normal_weeks_ring_nowhere() {
    let Some(began) = Span::of_this_run().and_then(|span| judge(span, &[])) else { return };
    let shown = |pages: bool| {
        began.iter().filter(|began| began.pages() == pages).map(Began::shown).collect::<Vec<_>>()
    };
    let (pages, tickets) = (shown(true), shown(false));
    say(&format!("pages: {pages:?}\ntickets: {tickets:?}"));
    assert!(pages.is_empty(), "{began:#?}");
    assert!(tickets.len() <= 3, "{began:#?}");
}

/// Nineteen of twenty are told, and first what causes them; nothing else pages.
#[test]
fn incidents_are_told_with_their_cause_first() {
    let Some(span) = Span::of_this_run() else { return };
    let names: BTreeSet<String> = rules().into_iter().filter_map(|rule| rule.alert).collect();
    let happenings = happenings(SEED, span.days, span.apart, &names);
    assert!(span.days < JUDGED || happenings.len() == MOST, "{} incidents", happenings.len());
    let Some(began) = judge(span, &happenings) else { return };
    let alertmanager: Alertmanager = yaml(&directory().join("alertmanager.example.yml"));
    let verdicts: Vec<_> =
        happenings.iter().map(|happening| Verdict::of(happening, &began, &alertmanager)).collect();
    say("| incident | begins | expected first | caught after | told |\n| --- | --- | --- | --- | --- |");
    for verdict in &verdicts {
        say(&verdict.row());
    }
    let caught: Vec<usize> = verdicts.iter().filter_map(Verdict::caught_after).collect();
    let (of, seconds) = (verdicts.len(), median(caught.clone()) * 60);
    say(&format!("caught {} of {of}, median {seconds} s", caught.len()));
    let told: Vec<&Began> = verdicts.iter().flat_map(|verdict| verdict.told.iter().copied()).collect();
    let beside = |began: &&Began| began.pages() && !verdicts.iter().any(|verdict| verdict.covers(began));
    let beside: Vec<String> =
        began.iter().filter(beside).map(|began| format!("{} at {}", began.shown(), began.minute)).collect();
    say(&format!("told {} times; pages beside incidents: {beside:?}", told.len()));
    assert!(caught.len() + 1 >= verdicts.len());
    assert!(beside.is_empty(), "{beside:?}");
}
