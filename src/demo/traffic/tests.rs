//! The generator against the reader of the logs: what it writes is what was meant.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::ValueEnum as _;
use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;

use super::{Options, Planned, Traffic};
use crate::demo::action::{Action, HostAction, TimedAction};
use crate::demo::configuration;
use crate::demo::format::LogFormat;
use crate::demo::incident::{Trouble, incidents};
use crate::demo::message::QueueFile;
use crate::record::{Dialect, Line, Reader, Skip, reason};

fn options(format: LogFormat) -> Options {
    let start: DateTime = date(2026, 1, 5).at(9, 0, 0, 0);
    Options {
        seed: 7,
        start: start.to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp()),
        zone: TimeZone::UTC,
        simulated_start: start,
        speed: 1.0,
        rate: 5.0,
        format,
        rollover_every: None,
        noise: false,
        incident: None,
    }
}

fn noisy(format: LogFormat) -> Options {
    Options { noise: true, ..options(format) }
}

fn with(trouble: Trouble) -> Options {
    let planned = Planned { trouble, after: Duration::from_secs(30), lasts: Some(Duration::from_mins(5)) };
    Options { incident: Some(planned), rate: 2.0, ..options(LogFormat::Xml) }
}

fn first(options: Options, seconds: u64) -> Vec<TimedAction> {
    let end = Duration::from_secs(seconds);
    Traffic::new(options).take_while(|event| event.at < end).collect()
}

fn lines(events: &[TimedAction]) -> impl Iterator<Item = &[u8]> {
    events.iter().filter_map(|event| match &event.action {
        Action::Write { line, .. } => line.strip_suffix(b"\n"),
        _ => None,
    })
}

/// Entries by code and reason, of all lines.
fn counts(events: &[TimedAction], from: u64, to: u64) -> BTreeMap<String, u64> {
    let mut reader = Reader::new(Dialect::default());
    let mut counts = BTreeMap::new();
    let range = Duration::from_secs(from)..Duration::from_secs(to);
    for event in events.iter().filter(|event| range.contains(&event.at)) {
        for line in lines(std::slice::from_ref(event)) {
            let key = match reader.read(line) {
                Line::Message(message) => {
                    let reason = reason::of_message(&message).map_or("", |why| why.reason.label());
                    let channel = String::from_utf8_lossy(message.source_channel);
                    format!("{channel} {} {reason}", message.code.action.letter())
                }
                Line::Connection(connection) => {
                    format!("connection {}", connection.code.action.letter())
                }
                Line::Skipped(skip) => skip.label().to_owned(),
                Line::Unparsed(why) => panic!("{why:?}: {}", String::from_utf8_lossy(line)),
            };
            *counts.entry(key.trim_end().to_owned()).or_default() += 1;
        }
    }
    counts
}

fn get(counts: &BTreeMap<String, u64>, key: &str) -> u64 {
    counts.get(key).copied().unwrap_or(0)
}

#[test]
fn one_seed_gives_the_same_events_and_another_does_not() {
    let again =
        || first(Options { incident: with(Trouble::DeadDns).incident, ..options(LogFormat::Text) }, 120);
    assert_eq!(again(), again());
    let other = first(Options { seed: 8, ..options(LogFormat::Text) }, 120);
    assert_ne!(first(options(LogFormat::Text), 120), other);
}

#[test]
fn events_are_in_the_order_of_time() {
    let events = first(with(Trouble::PlannedRestart), 300);
    assert!(events.is_sorted_by_key(|event| event.at));
}

/// The formats carry the same facts: the reader finds the same entries in all of them.
#[test]
fn every_line_is_understood_in_every_format() {
    let text = counts(&first(noisy(LogFormat::Text), 700), 0, 700);
    for &format in LogFormat::value_variants() {
        assert_eq!(counts(&first(noisy(format), 700), 0, 700), text, "{format:?}");
    }
    for letter in ["O", "C", "X", "Y", "U", "I"] {
        assert!(get(&text, &format!("connection {letter}")) > 0, "no {letter}: {text:#?}");
    }
    for key in [
        "tcp_local E",
        "tcp_local D",
        "tcp_local V",
        "tcp_local B",
        "tcp_local R user_unknown",
        "tcp_local Q greylisted",
        "tcp_local J relay_denied",
        "tcp_local J user_unknown",
        "tcp_submit E",
        "conversion D",
        "process D",
        "ims-ms D",
    ] {
        assert!(get(&text, key) > 0, "no {key}: {text:#?}");
    }
    assert!(get(&text, Skip::Header.label()) > 0, "{text:#?}");
    for letter in ["Z", "K"] {
        let prefix = format!("tcp_local {letter}");
        assert!(text.keys().any(|key| key.starts_with(&prefix)), "no {letter}: {text:#?}");
    }
    assert!(!text.keys().any(|key| key.ends_with("other") || key.ends_with("none")), "{text:#?}");
}

/// Each file that is renamed or deleted is there, and what is there in the end is little.
#[test]
fn the_queue_adds_up() {
    let mut queue: Vec<QueueFile> = Vec::new();
    for event in first(noisy(LogFormat::Text), 900) {
        let mut gone = |file: &QueueFile| {
            let place = queue.iter().position(|there| there == file).expect("the file is there");
            queue.swap_remove(place);
        };
        match event.action {
            Action::Create { file, .. } => queue.push(file),
            Action::Delete { file } => gone(&file),
            Action::Rename { from, to } => {
                gone(&from);
                queue.push(to);
            }
            _ => {}
        }
    }
    let held = queue.iter().filter(|file| file.held).count();
    assert_eq!(held, 7);
    assert!((10..600).contains(&queue.len()), "{}", queue.len());
}

#[test]
fn connections_are_opened_before_they_are_closed() {
    let mut open = Vec::new();
    let mut closed = 0;
    for event in first(options(LogFormat::Text), 300) {
        match event.action {
            Action::OnHost(HostAction::Connect { id, .. }) => open.push(id),
            Action::OnHost(HostAction::Disconnect { id }) => {
                let place = open.iter().position(|there| *there == id).expect("it is open");
                open.swap_remove(place);
                closed += 1;
            }
            _ => {}
        }
    }
    assert!(closed > 300 && open.len() < 100, "{closed} {}", open.len());
}

#[test]
fn the_rate_is_the_one_asked_for_and_follows_the_hours() {
    let at = |hour: i8| {
        let simulated_start = date(2026, 1, 5).at(hour, 0, 0, 0);
        let events = first(Options { simulated_start, rate: 2.0, ..options(LogFormat::Text) }, 1200);
        events.iter().filter(|event| matches!(event.action, Action::Create { .. })).count()
    };
    let (night, day) = (at(3), at(10));
    assert!(day > 4 * night, "{night} {day}");
    // A week in 700 s: what counts is the mean.
    let speed = 7.0 * 86_400.0 / 700.0;
    let events = first(Options { speed, ..options(LogFormat::Text) }, 700);
    let sessions = events
        .iter()
        .filter(|event| matches!(event.action, Action::OnHost(HostAction::Connect { .. })))
        .count();
    assert!((3000..4800).contains(&sessions), "{sessions}");
}

#[test]
fn midnight_turns_the_logs_over_and_some_write_late() {
    let simulated_start = date(2026, 1, 5).at(23, 59, 0, 0);
    let events = first(Options { simulated_start, rate: 50.0, ..options(LogFormat::Text) }, 120);
    let rollover = events.iter().position(|event| event.action == Action::RollOver).expect("a rollover");
    assert_eq!(events[rollover].at.as_secs(), 60);
    let late = |event: &TimedAction| matches!(event.action, Action::Write { late: true, .. });
    assert!(!events[..rollover].iter().any(late));
    let after = &events[rollover..];
    assert!(after.iter().any(late));
    assert!(!after.iter().filter(|event| event.at.as_secs() > 81).any(late));
    let often = Options { rollover_every: Some(Duration::from_secs(30)), ..options(LogFormat::Text) };
    let rollovers = first(often, 100).iter().filter(|event| event.action == Action::RollOver).count();
    assert_eq!(rollovers, 3);
}

#[test]
fn incidents_do_what_their_row_says() {
    let during = |trouble| counts(&first(with(trouble), 200), 40, 200);
    let calm = counts(&first(Options { rate: 2.0, ..options(LogFormat::Xml) }, 200), 40, 200);

    let dns = during(Trouble::DeadDns);
    assert!(get(&dns, "tcp_local Q dns_temporary") > 100, "{dns:#?}");
    assert_eq!(get(&dns, "tcp_local D"), 0, "{dns:#?}");
    assert!(get(&dns, "tcp_local W") > 0, "{dns:#?}");

    let dead = during(Trouble::DeadDestination);
    assert!(get(&dead, "tcp_local Q host_skipped") > 100, "{dead:#?}");
    assert!(get(&dead, "tcp_local D") > 50, "{dead:#?}");

    let store = during(Trouble::DeadStore);
    assert!(get(&store, "ims-ms Q mailbox_busy") > 100, "{store:#?}");
    assert_eq!(get(&store, "ims-ms D"), 0);

    let probing = during(Trouble::RelayProbing);
    assert!(get(&probing, "tcp_local J relay_denied") > 500, "{probing:#?}");
    assert!(get(&calm, "tcp_local J relay_denied") < 30, "{calm:#?}");

    let flood = during(Trouble::InboundFlood);
    assert!(get(&flood, "connection O") > 2000 + get(&calm, "connection O"), "{flood:#?}");
    let guessing = during(Trouble::PasswordGuessing);
    assert!(get(&guessing, "connection U") > 500 + get(&calm, "connection U"), "{guessing:#?}");
    let stolen = during(Trouble::StolenAccount);
    assert!(get(&stolen, "tcp_submit E") > 2000 + get(&calm, "tcp_submit E"), "{stolen:#?}");
    let mail = during(Trouble::MailFlood);
    assert!(get(&mail, "tcp_local E") > 2000 + get(&calm, "tcp_local E"), "{mail:#?}");

    let dispatcher = during(Trouble::DispatcherDead);
    assert_eq!(get(&dispatcher, "tcp_local E") + get(&dispatcher, "tcp_submit E"), 0, "{dispatcher:#?}");
    assert!(get(&dispatcher, "l E") > 0 && get(&dispatcher, "ims-ms D") > 0, "{dispatcher:#?}");

    let controller = during(Trouble::JobControllerDead);
    assert_eq!(get(&controller, "ims-ms D") + get(&controller, "tcp_local D"), 0, "{controller:#?}");
    assert!(get(&controller, "tcp_local E") > 100);
}

/// Without noise nothing happens that an alert or a report would name.
#[test]
fn a_normal_demo_is_quiet() {
    let events = first(options(LogFormat::Xml), 900);
    let quiet = counts(&events, 0, 900);
    for key in ["tcp_local J relay_denied", "tcp_local B", "connection X"] {
        assert_eq!(get(&quiet, key), 0, "{quiet:#?}");
    }
    assert!(!lines(&events).any(|line| line.windows(12).any(|part| part == b"Bad password")));
    assert!(!events.iter().any(|event| match &event.action {
        Action::Create { file, .. } | Action::Rename { to: file, .. } => file.held,
        Action::Tell { .. } => true,
        _ => false,
    }));
    assert!(get(&quiet, "ims-ms D") > 1000 && get(&quiet, "tcp_local D") > 500, "{quiet:#?}");
}

#[test]
fn a_full_queue_is_told_once() {
    let planned = Planned { trouble: Trouble::JobControllerDead, after: Duration::ZERO, lasts: None };
    let events = first(Options { incident: Some(planned), rate: 60.0, ..options(LogFormat::Json) }, 300);
    let full = |event: &&TimedAction| matches!(&event.action, Action::Tell { message } if message.contains("20000 messages"));
    assert_eq!(events.iter().filter(full).count(), 1);
}

#[test]
fn a_loop_leaves_held_messages_that_show_it() {
    let held: Vec<String> = first(with(Trouble::MailLoop), 200)
        .into_iter()
        .filter_map(|event| match event.action {
            Action::Create { file, contents } if file.held => String::from_utf8(contents).ok(),
            _ => None,
        })
        .filter(|contents| contents.matches("\nReceived: ").count() == 11)
        .collect();
    assert!(held.len() > 30, "{}", held.len());
    assert!(
        held[0].lines().filter(|line| line.starts_with("Received:") && line.contains("mta1.siroe")).count()
            > 10
    );
}

#[test]
fn a_planned_restart_stops_everything_and_starts_it_again() {
    let events = first(with(Trouble::PlannedRestart), 120);
    let stopped = events
        .iter()
        .position(|event| matches!(event.action, Action::OnHost(HostAction::Stop { .. })))
        .expect("a stop");
    let started = events
        .iter()
        .position(|event| matches!(event.action, Action::OnHost(HostAction::Start { .. })))
        .expect("a start");
    assert_eq!(events[started].at.as_secs(), events[stopped].at.as_secs() + 40);
    let calm = counts(&events, 45, 69);
    assert_eq!(calm, BTreeMap::new());
    assert!(get(&counts(&events, 75, 120), "ims-ms D") > 20);
}

/// The clients of a flood are many, and one client's flood is one.
#[test]
fn floods_have_their_clients() {
    let clients = |trouble| {
        let mut clients: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        let events = first(with(trouble), 100);
        for line in lines(&events) {
            if let Line::Connection(connection) = Reader::new(Dialect::default()).read(line)
                && connection.code.action.letter() == 'O'
                && let Some(transport) = connection.transport
            {
                *clients.entry(transport.remote_address.to_vec()).or_default() += 1;
            }
        }
        clients
    };
    let (many, one) = (clients(Trouble::InboundFlood), clients(Trouble::SingleClientFlood));
    assert!(many.len() > 1000, "{}", many.len());
    assert!(one.get("203.0.113.250".as_bytes()).is_some_and(|count| *count > 1000));
}

/// A process that starts begins a log; only trouble writes into that of the Job Controller.
#[test]
fn daemons_write_logs_of_their_own() {
    let names = |trouble: Option<Trouble>| {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let options = trouble.map_or(options(LogFormat::Text), with);
        for event in first(options, 400) {
            if let Action::Daemon { log, record } = event.action {
                *names.entry(log.file_name()).or_default() += record.len();
            }
        }
        names
    };
    let count = |names: &BTreeMap<String, usize>, program: &str| {
        names.keys().filter(|name| name.starts_with(&format!("{program}.log-"))).count()
    };
    let calm = names(None);
    let programs = ["dispatcher", "job_controller", "tcp_smtp_server"];
    assert_eq!(programs.map(|program| count(&calm, program)), [1, 1, 3], "{calm:?}");
    let controller = calm.iter().find(|(name, _)| name.starts_with("job_controller"));
    assert_eq!(controller.map(|(_, bytes)| *bytes), Some(0));
    let restarted = names(Some(Trouble::PlannedRestart));
    assert_eq!(programs.map(|program| count(&restarted, program)), [2, 2, 6], "{restarted:?}");
}

/// A stuck server keeps its log, the others are renewed before they are too old, also before and after the incident, and
/// old logs are purged however long it goes on.
#[test]
fn servers_are_renewed_but_for_one_that_is_stuck() {
    let life = configuration::life(Some(Trouble::SmtpServerStuck));
    let mut renewed = vec![(Duration::ZERO, 0)];
    let mut files = BTreeMap::new();
    for event in first(with(Trouble::SmtpServerStuck), 3600) {
        match event.action {
            Action::OnHost(HostAction::Renew { but }) => renewed.push((event.at, but)),
            Action::Daemon { log, .. } => drop(files.insert(log.file_name(), event.at)),
            Action::Purge { log } => assert!(files.remove(&log.file_name()).is_some()),
            _ => {}
        }
        assert!(files.len() < 20, "{files:?}");
    }
    assert!(renewed.windows(2).all(|pair| pair[1].0 <= pair[0].0 + life / 2), "{renewed:?}");
    for (at, but) in renewed {
        assert_eq!(but, usize::from((30..330).contains(&at.as_secs())), "{at:?}");
    }
    assert_eq!(configuration::life(None), Duration::from_hours(24));
}

/// Processes that are renewed begin a log, and no others.
#[test]
fn a_stuck_server_begins_no_log() {
    let events = first(with(Trouble::SmtpServerStuck), 70);
    let begun = |from: u64, to: u64| {
        let range = Duration::from_secs(from)..Duration::from_secs(to);
        let begins = |event: &&TimedAction| matches!(&event.action, Action::Daemon { record, .. } if record.is_empty());
        events.iter().filter(|event| range.contains(&event.at)).filter(begins).count()
    };
    assert_eq!([begun(0, 1), begun(1, 30), begun(30, 50), begun(50, 70)], [5, 3, 2, 2]);
}

#[test]
fn every_incident_announces_itself() {
    for incident in incidents() {
        let told: Vec<String> = first(Options { rate: 0.1, ..with(incident.trouble) }, 400)
            .into_iter()
            .filter_map(|event| match event.action {
                Action::Tell { message } => Some(message),
                _ => None,
            })
            .collect();
        let [begins, ends] = ["begins", "ends"].map(|what| format!("incident {} {what}", incident.name));
        assert_eq!(told, [begins, format!("  to expect: {}", incident.expected()), ends]);
    }
}
