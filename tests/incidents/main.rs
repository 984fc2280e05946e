//! The incidents: demos on which something goes wrong, a real Prometheus, a real Alertmanager with the shipped routes,
//! and a receiver of what they send. [`table`] says of each incident what must come, by when and with which words, and
//! nothing else may.
//!
//! It is a program of its own since it has to run alone: it takes all of a small machine.
//!
//! A Prometheus that runs cannot be hurried, so rules, intervals and routes run with all durations divided by
//! [`SCALE`], but for the rows at shipped intervals. The exporter's own windows stay as they are.
//!
//! The short form runs with the other tests. All of them, and ten times in a row the page that has to come within a minute:
//!
//! ```sh
//! INCIDENTS=all cargo test --test incidents -- --nocapture
//! INCIDENTS=spike cargo test --test incidents -- --nocapture
//! ```
//!
//! `INCIDENTS=dead-dns,midnight` runs those. `INCIDENTS=alone` runs all that the exporter itself has an alert for without any
//! Prometheus, `INCIDENTS=alone,dead-dns,midnight` those: it tells Alertmanager, with the same things expected.
//!
//! `INCIDENTS=both` has exporter and Prometheus tell the same Alertmanager, five alerts twenty times each: one page and one
//! end of it, whoever is first. `INCIDENTS=killed` kills Prometheus while they fire. Both take names and a number of runs
//! as well: `INCIDENTS=both,2,dead-dns`.

mod both;
mod play;
mod site;
mod table;
mod verdict;

/// Shared with the program of all other tests, which uses more of it.
#[path = "../exposition/mod.rs"]
mod exposition;
#[path = "../e2e"]
mod e2e {
    #[expect(dead_code, reason = "another program of tests uses the rest")]
    pub mod chain;
    pub mod prometheus;
    pub mod scale;
    #[expect(dead_code, reason = "another program of tests uses the rest")]
    pub mod webhook;
}
#[path = "../service"]
mod service {
    #[expect(dead_code, reason = "another program of tests uses the rest")]
    pub mod harness;
}

use std::io::Write as _;

use e2e::chain::ALERTMANAGER;
use service::harness::available;
use table::{INCIDENTS, Row};

/// What durations are divided by.
const SCALE: u32 = 10;
/// Demos at once. More of them on a small machine, and scrapes come late.
const AT_ONCE: usize = 10;
/// How often the page is looked at that has to come within a minute, each time with demos of its own.
const SPIKES: usize = 10;
const SPIKE: &str = "dead-dns at shipped intervals";

/// Whether only the short form is asked for.
fn is_short() -> bool {
    std::env::var_os("INCIDENTS").is_none()
}

/// What stands for the exporter that has no Prometheus beside it.
const ALONE: &str = "alone";

/// Whether no Prometheus runs.
fn is_alone() -> bool {
    std::env::var("INCIDENTS").is_ok_and(|asked| asked.split(',').any(|word| word == ALONE))
}

/// Which rows are played one after the other: those of each list side by side.
type Lane = Vec<Vec<&'static Row>>;

/// Runs of alerts of which exporter and Prometheus both speak, where only these are asked for.
fn of_both() -> Option<both::Runs> {
    both::Runs::asked_for(&std::env::var("INCIDENTS").ok()?)
}

/// What is played: lanes side by side, since none of them needs much of the machine.
fn asked_for() -> Vec<Lane> {
    let Ok(asked) = std::env::var("INCIDENTS") else {
        return lanes(INCIDENTS.iter().filter(|row| row.is_short).collect());
    };
    match asked.as_str() {
        "all" => lanes(INCIDENTS.iter().collect()),
        "spike" => vec![vec![vec![Row::named(SPIKE)]; SPIKES]],
        ALONE => lanes(INCIDENTS.iter().filter(|row| row.is_found_by_the_exporter()).collect()),
        names => lanes(names.split(',').filter(|word| *word != ALONE).map(Row::named).collect()),
    }
}

/// Rows with rules of their own are a lane. Those that take as long as each other are played side by side.
fn lanes(mut rows: Vec<&'static Row>) -> Vec<Lane> {
    let rules = |row: &Row| (row.scale, row.fills_disk);
    rows.sort_by_key(|row| (rules(row), row.calm() + row.lasts()));
    let lane = |rows: &[&'static Row]| rows.chunks(AT_ONCE).map(<[_]>::to_vec).collect();
    rows.chunk_by(|one, other| rules(one) == rules(other)).map(lane).collect()
}

#[test]
fn what_must_come_comes_and_nothing_else() {
    if !available("prometheus") || !available(ALERTMANAGER) {
        return;
    }
    if let Some(runs) = of_both() {
        return both::play(&runs);
    }
    let play = |lane: Lane| lane.iter().flat_map(|rows| play::play(rows)).collect::<Vec<_>>();
    let verdicts: Vec<_> = std::thread::scope(|scope| {
        let lanes: Vec<_> = asked_for().into_iter().map(|lane| scope.spawn(move || play(lane))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("no panics")).collect()
    });
    drop(write!(std::io::stderr(), "{}", verdict::table(&verdicts)));
    let faults: Vec<&String> = verdicts.iter().flat_map(|verdict| &verdict.faults).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
