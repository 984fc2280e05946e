//! States that are whole, damaged, of a newer release, and of an older one with less in it.

use super::{Section, Snapshot, Unknown, decode, encode, sections};
use crate::aggregate::time::{Monotonic, UnixTime};
use crate::aggregate::{Aggregate, Totals};
use crate::alerting::Saved;
use crate::counting::LogReader;
use crate::record::Dialect;

const LINES: [&str; 6] = [
    "19-Jan-2019 19:16:57.64 tcp_local    ims-ms       EES 4 a@b.example rfc822;c@d.example c@d.example /q/queue/ims-ms/ZZg0x1y2z3w4.00 <1@b.example> mailsrv b.example (b.example [192.0.2.1])",
    "19-Jan-2019 19:17:58.64 ims-ms                    D 4 a@b.example rfc822;c@d.example c@d.example /q/queue/ims-ms/ZZg0x1y2z3w4.00 <1@b.example> mailsrv",
    "19-Jan-2019 19:17:59.64 tcp_local                 Q 1 a@b.example rfc822;c@e.example c@e.example /q/queue/tcp_local/ZYg0x1y2z3w5.00 <2@b.example> mailsrv  452 4.2.2 over quota",
    "19-Jan-2019 19:18:00.64 tcp_local    +            O TCP|192.0.2.25|25|203.0.113.9|4000 SMTP",
    "19-Jan-2019 19:18:01.64 tcp_local    +            I TCP|192.0.2.25|25|203.0.113.9|4000 SMTP",
    "no entry",
];

fn counted(mut totals: Totals) -> Totals {
    let log = totals.accounts.index("mail.log_current");
    let mut aggregate = Aggregate::new(totals, jiff::tz::TimeZone::UTC, 1024);
    let text = LINES.map(|line| format!("{line}\n")).concat();
    LogReader::new(Dialect::default(), usize::MAX).count(text.as_bytes(), &mut aggregate, log, None);
    aggregate.totals
}

fn snapshot() -> Snapshot {
    let positions = [("mail.log_current".to_owned(), Vec::new())].into();
    Snapshot { positions, totals: counted(Totals::new(3)) }
}

fn saved() -> Vec<Section> {
    let bytes = encode(&snapshot(), &Saved::default(), &[]).expect("encoded");
    sections::decode(&bytes).expect("a frame").sections
}

#[test]
fn what_was_saved_is_read() {
    let (contents, problem) =
        decode(&encode(&snapshot(), &Saved::default(), &[]).expect("encoded")).expect("read");
    let read = contents.snapshot.expect("a snapshot");
    assert_eq!((read.positions, read.totals), (snapshot().positions, snapshot().totals));
    assert_eq!((problem, contents.older), (None, None));
}

#[test]
fn positions_and_sums_stand_or_fall_together() {
    let [positions, sums, _] = saved().try_into().expect("three sections");
    let newer = |section: &Section| Section { version: 9, ..section.clone() };
    let other = |section: &Section| Section { body: b"\xc1".to_vec(), ..section.clone() };
    for (sections, expected) in [
        (vec![positions.clone()], "without sums"),
        (vec![sums.clone()], "without positions"),
        (vec![positions.clone(), newer(&sums)], "sums has version 9"),
        (vec![newer(&positions), sums.clone()], "positions has version 9"),
        (vec![positions, other(&sums)], "a value in sums is not as expected"),
    ] {
        let (contents, problem) = decode(&sections::encode(&sections)).expect("a frame");
        assert!(contents.snapshot.is_none(), "{expected}");
        assert!(problem.as_deref().unwrap_or_default().contains(expected), "{problem:?}");
    }
}

#[test]
fn a_damaged_section_of_another_owner_leaves_the_sums_alone() {
    let mut bytes = encode(&snapshot(), &Saved::default(), &[]).expect("encoded");
    let at = bytes.len() - 3;
    bytes[at] ^= 1;
    let (contents, problem) = decode(&bytes).expect("a frame");
    assert_eq!(contents.snapshot.expect("whole").totals, snapshot().totals);
    assert_eq!(problem.as_deref(), Some("alerts: the checksum differs"));
}

/// Of alerts nothing is needed by anybody else, whatever became of them.
#[test]
fn alerts_that_cannot_be_read_leave_the_sums_alone() {
    let [positions, sums, alerts] = saved().try_into().expect("three sections");
    for (alerts, expected) in [
        (None, None),
        (Some(Section { version: 9, ..alerts.clone() }), Some("alerts has version 9, this program reads 1")),
        (Some(Section { body: b"\xc1".to_vec(), ..alerts }), Some("a value in alerts is not as expected")),
    ] {
        let sections: Vec<_> = [positions.clone(), sums.clone()].into_iter().chain(alerts).collect();
        let (contents, problem) = decode(&sections::encode(&sections)).expect("a frame");
        assert_eq!(contents.snapshot.expect("whole").totals, snapshot().totals);
        assert_eq!(contents.alerts, Saved::default());
        assert_eq!(problem.is_some(), expected.is_some());
        assert!(problem.unwrap_or_default().contains(expected.unwrap_or_default()));
    }
}

#[test]
fn sections_of_a_newer_release_are_kept_or_dropped_as_they_say() {
    let section = |name: &str, unknown| {
        let (name, body) = (name.to_owned(), name.as_bytes().to_vec());
        Section { name, version: 7, unknown, body }
    };
    let strangers = [section("silences", Unknown::Keep), section("windows", Unknown::Drop)];
    let (contents, problem) =
        decode(&encode(&snapshot(), &Saved::default(), &strangers).expect("encoded")).expect("a frame");
    assert_eq!((contents.strangers.as_slice(), problem), (&strangers[..1], None));
}

#[test]
fn other_files_are_no_states() {
    for bytes in [&b""[..], b"imsimta-exporter state 4\n", b"imsimta-exporter state 2 3 0\nabc", b"text"] {
        decode(bytes).expect_err("no state");
    }
}

/// As if a table, a channel's counter, an entry code, an option, a reason and a bucket had come with this release.
#[test]
fn a_state_of_a_release_that_knew_less_is_read_and_goes_on() {
    let [positions, sums, _] = saved().try_into().expect("three sections");
    let mut tree = rmpv::decode::read_value(&mut sums.body.as_slice()).expect("MessagePack");
    remove_members(
        &mut tree,
        &["replies", "notices", "etrn", "connections_of_tomorrow", "aborted_transactions"],
    );
    remove_labelled(&mut tree, &["I", "over_quota", "log_username"]);
    let mut body = Vec::new();
    rmpv::encode::write_value(&mut body, &tree).expect("encoded");
    assert!(body.len() < sums.body.len());
    let older = Section { body, ..sums };
    let (contents, problem) = decode(&sections::encode(&[positions, older])).expect("a frame");
    assert_eq!(problem, None);
    let totals = contents.snapshot.expect("a snapshot").totals;
    let (before, after) = (snapshot().totals, counted(totals.clone()));
    let of = |totals: &Totals, code: char| {
        totals.entries.actions().find(|row| row.0.letter() == code).map(|row| row.1)
    };
    assert_eq!((of(&totals, 'I'), of(&after, 'I')), (Some(0), Some(1)), "what was not known begins at 0");
    assert_eq!((of(&totals, 'E'), of(&after, 'E')), (of(&before, 'E'), Some(2)), "what was known goes on");
    let attempts = |totals: &Totals| totals.channels.all().map(|(_, counts)| counts.attempts).sum::<u64>();
    assert_eq!((attempts(&totals), attempts(&after)), (2, 4));
    let failures = |totals: &Totals| -> u64 {
        let counts =
            totals.channels.all().flat_map(|(_, counts)| counts.failures.all().map(|row| row.1.sum()));
        counts.sum()
    };
    assert_eq!((failures(&totals), failures(&after)), (0, 1));
}

/// Leaves out the members of maps that have these names.
fn remove_members(value: &mut rmpv::Value, names: &[&str]) {
    match value {
        rmpv::Value::Map(members) => {
            members.retain(|(key, _)| !key.as_str().is_some_and(|key| names.contains(&key)));
            for (_, value) in members {
                remove_members(value, names);
            }
        }
        rmpv::Value::Array(values) => {
            for value in values {
                remove_members(value, names);
            }
        }
        _ => {}
    }
}

/// Leaves out pairs whose first is one of these labels, and the labels themselves.
fn remove_labelled(value: &mut rmpv::Value, labels: &[&str]) {
    let is = |value: &rmpv::Value| value.as_str().is_some_and(|text| labels.contains(&text));
    match value {
        rmpv::Value::Map(members) => {
            for (_, value) in members {
                remove_labelled(value, labels);
            }
        }
        rmpv::Value::Array(values) => {
            values.retain(|value| {
                !is(value) && !value.as_array().and_then(|pair| pair.first()).is_some_and(is)
            });
            for value in values {
                remove_labelled(value, labels);
            }
        }
        _ => {}
    }
}

/// Real files of earlier releases, beside the logs that they were counted from.
fn files() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state");
    let files = std::fs::read_dir(directory).expect("listed").map(|entry| entry.expect("listed").path());
    let states = files.filter(|path| path.extension().is_some_and(|extension| extension == "state"));
    states.map(|state| {
        let log = std::fs::read(state.with_extension("log")).expect("the log");
        (std::fs::read(state).expect("the state"), log)
    })
}

#[test]
fn states_of_all_formats_hold_what_their_logs_add_up_to() {
    let mut formats = Vec::new();
    for (state, log) in files() {
        let (contents, problem) = decode(&state).expect("a state");
        let Snapshot { positions, totals } = contents.snapshot.expect("a snapshot");
        assert_eq!(problem, None);
        assert_eq!(positions["mail.log_current"][0].offset, log.len() as u64);
        let mut counted = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
        let name = counted.totals.accounts.index("mail.log_current");
        LogReader::new(Dialect::default(), usize::MAX).count(&log, &mut counted, name, None);
        assert_eq!(page(totals), page(counted.totals));
        formats.push(contents.older);
    }
    formats.sort_unstable();
    assert_eq!(formats, [None, Some("state.version-2")], "one of each format");
}

/// Families that a release after these states brought: they begin at 0 beside what it had counted.
const YOUNGER: [&str; 4] = [
    "imsimta_authentication_failures_total",
    "imsimta_connection_closings_total",
    "imsimta_connection_duration_seconds",
    "imsimta_connections_tls_total",
];

/// The families that logs feed; windows and gauges that depend on the time are left out.
fn page(totals: Totals) -> Vec<String> {
    use crate::metrics::{Exposition, catalogue::Feed, logs};
    let present = Aggregate::new(totals.clone(), jiff::tz::TimeZone::UTC, 1024)
        .present(UnixTime::of(0), Monotonic::of(0));
    let clients = crate::metrics::ClientDisplay { label: crate::config::ClientLabel::Off, top: 0, seed: 0 };
    let exposition = Exposition::default();
    let fill = move |page: &mut _| logs::fill(page, &totals, &clients, present);
    exposition.publish(&[Feed::Logs], fill).expect("published");
    let page = String::from_utf8(exposition.encode().expect("encoded")).expect("text");
    let younger = |line: &&str| YOUNGER.iter().any(|name| line.contains(name));
    let counted = |line: &&str| line.contains("_total") || line.contains("_bucket") || line.contains("_seen");
    let counted = |line: &&str| counted(line) && !younger(line);
    page.lines().filter(counted).map(str::to_owned).collect()
}
