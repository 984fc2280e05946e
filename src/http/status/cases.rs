//! What the status page shows in situations that a postmaster may find at night, as golden pages.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use expect_test::expect_file;
use maud::Markup;

use super::json::json;
use super::known::Known;
use crate::aggregate::baseline::Band;
use crate::aggregate::recent::ChannelActivity;
use crate::aggregate::time::UnixTime;
use crate::alerting::{Machine, Moment, Standing, noticed};
use crate::findings::situation::{
    Channel, FileSystem, Logs, ServiceUse, Situation, Traffic, Unread, Waiting,
};
use crate::findings::source::{Source, Sources};
use crate::findings::{Input, Thresholds, with_explained};
use crate::metrics::busiest::{Row, Top, TopTable};
use crate::observed::Readiness;
use crate::observed::latest::{About, Outline};
use crate::observed::reading::{Reading, Run};
use crate::record::reason::Reason;

/// When it is: 2026-11-15 06:13:20 UTC.
const AT: f64 = 1_794_723_200.0;

static LIMITS: LazyLock<Thresholds> = LazyLock::new(Thresholds::default);

/// Recipients that came, that were delivered, and that failed.
fn activity(enqueued: u64, delivered: u64, failed: &[(Reason, u64)]) -> ChannelActivity {
    let mut activity = ChannelActivity { enqueued, attempts: delivered, ..ChannelActivity::default() };
    for &(reason, count) in failed {
        activity.attempts += count;
        (0..count).for_each(|_| activity.failures.add(reason));
    }
    activity
}

fn traffic(window: ChannelActivity) -> Traffic {
    Traffic {
        short: window.clone(),
        spike: [window.clone(), window.clone()],
        window,
        last_attempt: Some(2.0),
        domains: 20,
        failing_domains: 9,
        worst_domain_share: 0.2,
        ..Traffic::default()
    }
}

fn healthy() -> Situation {
    let queue = Waiting { messages: 7, oldest: Some(40.0), growth: Some(3), ..Waiting::default() };
    let channel = |window| Channel { traffic: Some(traffic(window)), queue: Some(queue), stopped: None };
    let mut situation = Situation {
        active: Some(true),
        logs: Some(Logs { last_entry: Some(1.0), known_for: Some(86_400.0), zone_question: None }),
        channels: BTreeMap::from([
            ("ims-ms".to_owned(), channel(activity(300, 298, &[(Reason::MailboxBusy, 1)]))),
            ("tcp_local".to_owned(), channel(activity(203, 180, &[(Reason::Greylisted, 12)]))),
        ]),
        queue_known: true,
        processes: Some(BTreeMap::from([("dispatcher".to_owned(), 1), ("job_controller".to_owned(), 1)])),
        services: vec![
            ServiceUse { name: "smtp".to_owned(), used: 20, limit: Some(100) },
            ServiceUse { name: "submit".to_owned(), used: 1, limit: None },
        ],
        known: Sources::of(Source::ALL),
        ..Situation::default()
    };
    situation.usual.queue.insert("tcp_local".to_owned(), Band { expected: 9.0, presently: 9.0, upper: 40.0 });
    situation
}

fn dead_dns() -> Situation {
    let mut situation = healthy();
    let channel = situation.channels.get_mut("tcp_local").expect("there");
    channel.traffic =
        Some(traffic(activity(203, 58, &[(Reason::DnsTemporary, 142), (Reason::ConnTimeout, 2)])));
    situation
}

fn job_controller_dead() -> Situation {
    let mut situation = healthy();
    situation.processes.as_mut().expect("known").insert("job_controller".to_owned(), 0);
    for channel in situation.channels.values_mut() {
        let traffic = Traffic {
            window: activity(400, 0, &[]),
            last_attempt: Some(1500.0),
            enqueued_since: 2000,
            ..Traffic::default()
        };
        channel.traffic = Some(traffic);
        let queue = Waiting {
            messages: 2000,
            oldest: Some(1500.0),
            never_tried: 1900,
            growth: Some(1990),
            ..Waiting::default()
        };
        channel.queue = Some(queue);
    }
    situation.channels.get_mut("ims-ms").expect("there").stopped = Some(true);
    situation
}

/// Mail goes out, and a disk fills.
fn disk_full() -> Situation {
    let mut situation = healthy();
    let queue = FileSystem { device: 1, free: Some(0.03), ..FileSystem::default() };
    situation.filesystems.insert("queue", queue);
    situation
}

fn silent_log() -> Situation {
    let mut situation = healthy();
    for channel in situation.channels.values_mut() {
        channel.traffic.as_mut().expect("known").short = ChannelActivity::default();
    }
    situation.logs.as_mut().expect("known").last_entry = Some(130.0);
    situation
}

fn passive() -> Situation {
    Situation {
        active: Some(false),
        processes: Some(BTreeMap::from([("dispatcher".to_owned(), 0), ("job_controller".to_owned(), 0)])),
        unread: vec![Unread {
            collector: "queue",
            called: "queue",
            needed: true,
            problem: "no such directory".to_owned(),
            partly: false,
        }],
        ..Situation::default()
    }
}

/// Names are chosen by others.
fn hostile() -> Situation {
    let mut situation = dead_dns();
    let channel = situation.channels.remove("tcp_local").expect("there");
    situation.channels.insert("<script>alert('1')</script>&\"".to_owned(), channel);
    situation
}

fn first_minutes() -> Situation {
    Situation {
        active: Some(true),
        logs: Some(Logs { last_entry: None, known_for: Some(12.0), zone_question: None }),
        known: Sources::of(&[Source::Logs]),
        ..Situation::default()
    }
}

/// Alerts of what is found, after so long.
fn alerts(situation: &Situation, seconds: u64) -> Standing {
    let found = with_explained(&Input { now: Some(situation), logs: None, limits: &LIMITS });
    let mut machine = Machine::default();
    for second in 0..=seconds {
        let moment = Moment {
            at: Duration::from_secs(second),
            hurry: 1,
            unix: UnixTime::of(1_794_723_200_000 - 1000 * i64::try_from(seconds - second).expect("few")),
            noticed: noticed(&found),
            sees: &|identity, sources| situation.sees(sources, &identity.labels),
        };
        machine.step(moment);
    }
    Standing::of(&machine, situation.known, 0)
}

fn outline(name: &'static str, run: Option<Run<()>>) -> Outline {
    let about =
        About { name, reads: format!("/{name}"), called: name, first: "the first look", mounted: true };
    let mut reading = Reading::default();
    if let Some(run) = run {
        reading.update(run, AT - 3.0, 0.1);
    }
    Outline { about, reading, anything: true }
}

fn known(situation: Situation) -> Known<'static> {
    let rows = |names: &[(&str, u64)]| {
        let row =
            |&(name, count): &(&str, u64)| Row { name: name.to_owned(), count, states: BTreeMap::new() };
        names.iter().map(row).collect()
    };
    let top = |table, rows: Vec<Row>| Top {
        table,
        max: rows.iter().map(|row| row.count).max().unwrap_or(0),
        all: 3 * rows.iter().map(|row| row.count).sum::<u64>(),
        rows,
        error_bound: 0,
    };
    let mut sockets = top(TopTable::Sockets, rows(&[("192.0.2.9", 3)]));
    sockets.rows[0].states.insert("established", 3);
    Known {
        at: AT,
        findings: with_explained(&Input { now: Some(&situation), logs: None, limits: &LIMITS }),
        alerts: Arc::new(alerts(&situation, 200)),
        situation,
        limits: &LIMITS,
        busiest: vec![
            top(TopTable::Connections, rows(&[("192.0.2.7", 40), ("198.51.100.2", 3)])),
            top(TopTable::Senders, rows(&[("<b>a@b.example", 8)])),
            top(TopTable::Destinations, Vec::new()),
            sockets,
        ],
        readiness: Readiness {
            waits: vec!["the first scan".to_owned()],
            without: vec!["probe (no)".to_owned()],
        },
        collectors: vec![
            outline("log", Some(Run::Whole(()))),
            outline("probe", Some(Run::Partial((), "<no>".to_owned()))),
            outline("queue", None),
        ],
        steady: AT,
        started_at: AT - 9000.0,
    }
}

/// Each with its name.
pub(super) fn all() -> Vec<(&'static str, Known<'static>)> {
    [
        ("healthy", healthy()),
        ("dead-dns", dead_dns()),
        ("job-controller-dead", job_controller_dead()),
        ("disk-full", disk_full()),
        ("silent-log", silent_log()),
        ("passive", passive()),
        ("first-minutes", first_minutes()),
        ("hostile", hostile()),
        ("nothing-known", Situation::default()),
    ]
    .map(|(name, situation)| (name, known(situation)))
    .into()
}

/// An element a line, so that a difference can be read.
fn lines(page: &str) -> String {
    let mut text = page.to_owned();
    for tag in ["<h1", "<h2", "<tr", "<li", "<p", "<div", "<ul", "<tbody"] {
        text = text.replace(tag, &format!("\n{tag}"));
    }
    text.trim_start().to_owned() + "\n"
}

#[test]
fn golden_pages() {
    for (name, known) in all() {
        let page = super::head(&known, &Markup::default()).into_string();
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<no>"), "{page}");
        let first = known.said().next().expect("there is always something to say");
        let value: serde_json::Value = serde_json::from_slice(&json(&known)).expect("JSON");
        assert_eq!(value["sentence"], first.what, "{name}: the same everywhere");
        let file = format!("{}/src/http/status/golden/{name}.html", env!("CARGO_MANIFEST_DIR"));
        expect_file![file].assert_eq(&lines(&page));
    }
}
