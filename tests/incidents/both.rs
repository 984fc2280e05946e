//! Exporter and Prometheus tell one Alertmanager of the same alerts: exactly one notification that it fires and one that
//! it is over, whoever is first, and also where Prometheus is killed meanwhile.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use super::play::{Part, RESOLVED, STARTS, Telling};
use super::site::settings;
use super::table::Row;
use super::{AT_ONCE, SCALE};
use crate::e2e::chain::{Chain, Told};
use crate::e2e::prometheus::get;
use crate::e2e::webhook::Notice;
use crate::service::harness::{now, pause};

/// An incident whose first alert both find, and how long it lasts, so that both have found it: what the exporter waits
/// for by itself, such as two minutes without a process, is not divided.
const NAMED: [(&str, u64); 5] = [
    ("dead-dns", 60),
    ("job-controller-dead", 200),
    ("dispatcher-dead", 200),
    ("syn-backlog", 150),
    ("queue-lost", 150),
];
/// Of each.
const RUNS: usize = 20;
/// Rows played side by side with others.
const LANES: usize = 2;
/// A word of either holds for four of its pauses: so much later nobody is heard of who does not live.
const QUIET: Duration = Duration::from_secs(4 * 2 * 60 / SCALE as u64);
/// After Prometheus was killed: the last word of it ends, and so do some of the exporter's.
const ALONE: Duration = Duration::from_secs(3 * 4 * 60 / SCALE as u64);

/// What is asked for.
pub struct Runs {
    rows: Vec<(&'static Row, Duration)>,
    of_each: usize,
    is_killed: bool,
}

impl Runs {
    /// `both` or `killed`, then a number of runs and names of incidents, as they come.
    pub fn asked_for(text: &str) -> Option<Self> {
        let (first, rest) = text.split_once(',').unwrap_or((text, ""));
        let is_killed = match first {
            "both" => false,
            "killed" => true,
            _ => return None,
        };
        let words = || rest.split(',').filter(|word| !word.is_empty());
        let number = words().find_map(|word| word.parse().ok());
        let named: Vec<&str> = words().filter(|word| word.parse::<usize>().is_err()).collect();
        let unknown = named.iter().find(|word| NAMED.iter().all(|(name, _)| name != *word));
        assert!(unknown.is_none(), "{unknown:?} is none of {NAMED:?}");
        let rows = NAMED.iter().filter(|(name, _)| named.is_empty() || named.contains(name));
        let longer = if is_killed { ALONE } else { Duration::ZERO };
        let rows = rows.map(|(name, seconds)| (Row::named(name), Duration::from_secs(*seconds) + longer));
        Some(Self {
            rows: rows.collect(),
            of_each: number.unwrap_or(if is_killed { 2 } else { RUNS }),
            is_killed,
        })
    }

    /// Those that are played at once, for each lane one after the other.
    fn lanes(&self) -> Vec<Vec<Vec<(&'static Row, Duration)>>> {
        let all: Vec<_> = self.rows.iter().flat_map(|row| vec![*row; self.of_each]).collect();
        let chunks: Vec<_> = all.chunks(AT_ONCE).map(<[_]>::to_vec).collect();
        let lane = |at: usize| chunks.iter().skip(at).step_by(LANES).cloned().collect();
        (0..LANES).map(lane).collect()
    }
}

/// How one run was.
struct Verdict {
    incident: &'static str,
    /// Who spoke first, and who said that it is over.
    speakers: (&'static str, &'static str),
    faults: Vec<String>,
}

/// Plays all runs and fails where one was not as it has to be.
pub fn play(runs: &Runs) {
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let play = |lane: Vec<Vec<_>>| {
            lane.into_iter().flat_map(|rows| at_once(&rows, runs.is_killed)).collect::<Vec<_>>()
        };
        let lanes: Vec<_> = runs.lanes().into_iter().map(|lane| scope.spawn(move || play(lane))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("no panics")).collect()
    });
    let mut sums: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for verdict in &verdicts {
        *sums.entry((verdict.incident, verdict.speakers.0, verdict.speakers.1)).or_default() += 1;
    }
    for ((incident, first, last), count) in sums {
        say(&format!("{incident}: {count} runs with {first} first, and the end said by {last}"));
    }
    let faults: Vec<&String> = verdicts.iter().flat_map(|verdict| &verdict.faults).collect();
    say(&format!("{} runs, {} faults", verdicts.len(), faults.len()));
    assert!(faults.is_empty(), "{faults:#?}");
}

fn say(what: &str) {
    drop(writeln!(std::io::stderr(), "incidents: {what}"));
}

/// Plays these, with one Prometheus and one Alertmanager.
fn at_once(rows: &[(&'static Row, Duration)], is_killed: bool) -> Vec<Verdict> {
    let (mut parts, mut chain) = start(rows);
    let started = now();
    for part in &mut parts {
        part.begin(started);
    }
    if is_killed {
        let webhook = chain.webhook();
        let is_told = |part: &Part| count(part, &webhook.notices(), "firing") > 0;
        let finds = |part: &Part| is_found(part) && chain.firing(&part.address).contains(alert(part));
        wait_until(|| parts.iter().all(|part| is_told(part) && finds(part)), now() + RESOLVED);
        chain.kill_prometheus();
    }
    wait_until(|| parts.iter().all(|part| now() >= part.end), now() + RESOLVED * 2);
    let over =
        |part: &Part| !is_found(part) && (is_killed || !chain.firing(&part.address).contains(alert(part)));
    let told = |part: &Part| count(part, &chain.webhook().notices(), "resolved") > 0;
    wait_until(|| parts.iter().all(|part| over(part) && told(part)), now() + RESOLVED);
    wait_until(|| false, now() + QUIET);
    let notices = chain.webhook().notices();
    let verdicts: Vec<Verdict> = parts.iter().map(|part| Verdict::of(part, &notices, over(part))).collect();
    for verdict in &verdicts {
        let faults =
            if verdict.faults.is_empty() { "one page".to_owned() } else { verdict.faults.join("; ") };
        say(&format!("{}: {faults}", verdict.incident));
    }
    verdicts
}

/// Every second exporter is half as fast as Prometheus.
fn start(rows: &[(&'static Row, Duration)]) -> (Vec<Part>, Chain) {
    let alone = STARTS.lock().expect("no panics");
    let told = Told::scaled(SCALE);
    told.wait_for_ready();
    let parts = rows.iter().zip(1..).map(|((row, lasts), number)| {
        assert_eq!(row.scale, SCALE, "{}", row.name);
        let hurry = if number % 2 == 0 { SCALE / 2 } else { SCALE };
        Part::start(row, number, *lasts, Some(&Telling { told: &told, hurry }))
    });
    let parts: Vec<Part> = parts.collect();
    let addresses: Vec<&str> = parts.iter().map(|part| part.address.as_str()).collect();
    let chain = Chain::beside(told, &addresses, SCALE, &settings(SCALE, false));
    drop(alone);
    (parts, chain)
}

/// Looks once a second: pages and queries of ten demos cost something. What never came is a fault of the verdict.
fn wait_until(done: impl Fn() -> bool, end: Instant) {
    while !done() && now() < end {
        let next = now() + Duration::from_secs(1);
        while now() < next {
            pause();
        }
    }
}

fn alert(part: &Part) -> &'static str {
    part.row.must[0].alert
}

/// Whether its exporter says that it fires.
fn is_found(part: &Part) -> bool {
    let begins = format!("imsimta_alert_state{{alertname=\"{}\"", alert(part));
    get(&part.address, "/metrics").lines().any(|line| line.starts_with(&begins) && line.ends_with(" 2"))
}

/// The notices about the alert of a part, in the order in which they came.
fn of<'a>(part: &'a Part, notices: &'a [Notice]) -> impl Iterator<Item = &'a Notice> {
    let must = &part.row.must[0];
    notices.iter().filter(move |notice| {
        notice.instance == part.address
            && notice.receiver == must.kind.receiver()
            && must.is(&notice.alert, &notice.channel)
    })
}

fn count(part: &Part, notices: &[Notice], status: &str) -> usize {
    of(part, notices).filter(|notice| notice.status == status).count()
}

impl Verdict {
    fn of(part: &Part, notices: &[Notice], is_over: bool) -> Self {
        let incident = part.row.name;
        let said: Vec<&Notice> = of(part, notices).collect();
        let statuses: Vec<&str> = said.iter().map(|notice| notice.status.as_str()).collect();
        let mut faults = Vec::new();
        if statuses != ["firing", "resolved"] {
            faults.push(format!("{incident}: {} was {statuses:?}", alert(part)));
        }
        if said.last().is_some_and(|last| last.status == "resolved" && last.at < part.end) {
            faults.push(format!("{incident}: {} was over before it was", alert(part)));
        }
        if !is_over {
            faults.push(format!("{incident}: {} never ended", alert(part)));
        }
        let own = format!("http://{}/", part.address);
        let who = |notice: Option<&&Notice>| match notice {
            None => "nobody",
            Some(notice) if notice.generator == own => "the exporter",
            Some(_) => "Prometheus",
        };
        Self { incident, speakers: (who(said.first()), who(said.last())), faults }
    }
}
