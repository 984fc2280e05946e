//! Two normal weeks of a mail host after three that it has got used to, and the same weeks with incidents: all rules of
//! `alerts/rules` at each minute, by `promtool test rules`. What two weeks say is usual is recorded before, every twenty.
//!
//! A working day and its first incidents are always judged. The whole is minutes of a processor:
//!
//! ```sh
//! WEEKS=whole cargo test --test integration weeks:: -- --nocapture
//! ```
//!
//! A host is scraped once a minute here, and the rules are rendered for that. Restarts of a minute, planned stops, mailings,
//! a holiday and the end of a month are part of normal weeks.

mod calendar;
mod delays;
mod host;
mod incidents;
mod inhibition;
mod judge;
mod own;
mod promtool;
mod ruleset;
mod series;
mod site;
mod trouble;
mod verdict;

use std::collections::BTreeSet;
use std::io::Write as _;

use crate::alerts::files::{Rule, directory, rules, yaml};
use crate::promql::Analysis;
use calendar::DAY;
use incidents::{Happening, happenings};
use inhibition::Alertmanager;
use judge::{SEED, Span, judge, live};
use promtool::Began;
use verdict::{Verdict, median};

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
        .filter(|name| !name.contains(':') && name != "ALERTS")
        .collect();
    let missing: Vec<_> = used.iter().filter(|name| !here.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error");
}

/// Pages and tickets, and when they came.
fn shown(began: &[&Began]) -> [Vec<String>; 2] {
    [true, false].map(|pages| {
        began.iter().filter(|began| began.pages() == pages).map(|began| began.shown_when()).collect()
    })
}

/// No page, and three tickets at most.
#[test]
fn normal_weeks_ring_nowhere() {
    let Some(began) = judge(Span::of_this_run(), &[]) else { return };
    let [pages, tickets] = shown(&began.iter().collect::<Vec<_>>());
    say(&format!("normal weeks: {} pages {pages:?}, {} tickets {tickets:?}", pages.len(), tickets.len()));
    assert!(pages.is_empty(), "{began:#?}");
    assert!(tickets.len() <= 3, "{began:#?}");
}

/// Nineteen of twenty are told, and first what causes them; nothing else pages.
#[test]
fn incidents_are_told_with_their_cause_first() {
    let span = Span::of_this_run();
    let happenings = happenings(SEED, span);
    let Some(began) = judge(span, &happenings) else { return };
    tell(&happenings.iter().collect::<Vec<_>>(), &began);
}

/// Says what came of incidents, and what else was told.
fn tell<'a>(happenings: &[&'a Happening], began: &'a [Began]) -> Vec<Verdict<'a>> {
    let alertmanager: Alertmanager = yaml(&directory().join("alertmanager.example.yml"));
    let verdicts: Vec<_> =
        happenings.iter().map(|happening| Verdict::of(happening, began, &alertmanager)).collect();
    say("| incident | begins | caught after | by the rules after | first summary | all that was told |\n\
         | --- | --- | --- | --- | --- | --- |");
    for verdict in &verdicts {
        say(&verdict.row());
    }
    let caught: Vec<&Verdict<'_>> =
        verdicts.iter().filter(|verdict| verdict.caught_after().is_some()).collect();
    let of_kind = |pages: bool| {
        let first = caught.iter().filter(|verdict| verdict.told[0].pages() == pages);
        median(first.filter_map(|verdict| verdict.caught_after()).collect())
    };
    say(&format!(
        "caught {} of {}; median {} s, of pages {} s, of tickets {} s",
        caught.len(),
        verdicts.len(),
        median(caught.iter().filter_map(|verdict| verdict.caught_after()).collect()),
        of_kind(true),
        of_kind(false)
    ));
    let beside: Vec<&Began> =
        began.iter().filter(|began| !verdicts.iter().any(|verdict| verdict.covers(began))).collect();
    let [pages, tickets] = shown(&beside);
    let told: usize = verdicts.iter().map(|verdict| verdict.told.len()).sum();
    say(&format!("told {told} times; beside incidents: pages {pages:?}, tickets {tickets:?}"));
    assert!(caught.len() * 20 >= verdicts.len() * 19);
    assert!(pages.is_empty(), "{pages:?}");
    verdicts
}
