//! `report`: what the summary of an incident's log says, and that no input breaks its form. The logs
//! beside this file are named by what happened.

mod threads;
mod weight;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use imsimta_exporter::config::Config;
use imsimta_exporter::report::progress::Progress;
use imsimta_exporter::report::{Report, json, text};

/// The incidents' logs, without `.log`.
pub const INCIDENTS: [&str; 10] = [
    "broken_mailboxes",
    "damaged_lines",
    "dead_dns",
    "full_mailboxes_and_a_loop",
    "mailing_to_an_old_list",
    "one_dead_destination",
    "password_guessing",
    "quiet_day",
    "relay_probing",
    "smart_host_down",
];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report")
}

pub fn log(incident: &str) -> PathBuf {
    directory().join(format!("{incident}.log"))
}

/// The host's zone would move the delays over a change of the clock.
fn config() -> Config {
    let mut config = Config::default();
    config.mta.timezone = Some(jiff::tz::TimeZone::UTC);
    // Proptest makes no lines that would reach the default.
    config.logs.max_line_bytes = config.logs.max_line_bytes.max(4096);
    config
}

fn report(files: &[PathBuf]) -> Report {
    let mut report = Report::new(&config(), 1);
    for file in files {
        // What cannot be read is part of the report.
        drop(report.read_file(file, &mut Progress::default()));
    }
    report
}

fn text_of(files: &[PathBuf]) -> String {
    text::text(&report(files).summary())
}

fn json_of(files: &[PathBuf]) -> String {
    String::from_utf8(json::json(&report(files).summary()).expect("encoded")).expect("UTF-8")
}

fn printable(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
}

#[track_caller]
fn fits_a_mail(text: &str) {
    assert!(printable(text), "{text:?}");
    for line in text.lines() {
        assert!(line.len() <= 80, "{} columns: {line}", line.len());
    }
}

#[test]
fn incidents_are_named() {
    for incident in INCIDENTS {
        let text = text_of(&[log(incident)]);
        fits_a_mail(&text);
        expect_file![directory().join(format!("{incident}.txt"))].assert_eq(&text);
    }
}

#[test]
fn json_has_the_same_content() {
    for incident in ["one_dead_destination", "full_mailboxes_and_a_loop", "damaged_lines"] {
        let text = json_of(&[log(incident)]);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(printable(&text) && value["lines"]["lines"].is_u64());
        expect_file![directory().join(format!("{incident}.json"))].assert_eq(&text);
    }
}

/// The rules that speak, by incident.
#[test]
fn rules_tell_incidents_apart() {
    for (incident, expected) in [
        ("quiet_day", &[][..]),
        ("dead_dns", &["channel_failures"]),
        ("one_dead_destination", &["destination_failures"]),
        ("smart_host_down", &["channel_failures"]),
        ("relay_probing", &["relay_denials", "bad_commands"]),
        ("password_guessing", &["authentication_failures"]),
        ("full_mailboxes_and_a_loop", &["channel_failures", "held_loops", "slow_queue"]),
        ("damaged_lines", &["unparsed_lines"]),
    ] {
        let summary = report(&[log(incident)]).summary();
        let rules: Vec<&str> = summary.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, expected, "{incident}");
    }
}

#[test]
fn every_key_of_the_json_is_documented() {
    let page = include_str!("../../docs/report.md");
    let files = INCIDENTS.map(log);
    let value: serde_json::Value = serde_json::from_str(&json_of(&files)).expect("JSON");
    let mut values = vec![&value];
    while let Some(value) = values.pop() {
        match value {
            serde_json::Value::Object(keys) => {
                for (key, value) in keys {
                    assert!(
                        [format!("`{key}`"), format!("`{key}[]`")].iter().any(|name| page.contains(name)),
                        "{key}"
                    );
                    values.push(value);
                }
            }
            serde_json::Value::Array(rows) => values.extend(rows),
            _ => {}
        }
    }
}

#[test]
fn gzip_and_zstd_say_what_the_plain_file_says() {
    let scratch = tempfile::tempdir().expect("a directory");
    let plain = std::fs::read(log("relay_probing")).expect("readable");
    // Members may end anywhere, also within a line.
    let (first, second) = plain.split_at(plain.len() / 3);
    let gzip = |part: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(part).expect("into memory");
        encoder.finish().expect("into memory")
    };
    let zstd =
        |part: &[u8]| ruzstd::encoding::compress_to_vec(part, ruzstd::encoding::CompressionLevel::Fastest);
    // Under one name, since the report shows it; and none that tells the form.
    let path = scratch.path().join("mail.log");
    let say = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("writable");
        (text_of(std::slice::from_ref(&path)), json_of(std::slice::from_ref(&path)))
    };
    let expected = say(&plain);
    assert_eq!(say(&gzip(&plain)), expected);
    assert_eq!(say(&[gzip(first), gzip(second)].concat()), expected);
    assert_eq!(say(&zstd(&plain)), expected);
    assert_eq!(say(&[zstd(first), zstd(second)].concat()), expected);
}

#[test]
fn files_that_cannot_be_read_leave_the_others() {
    let scratch = tempfile::tempdir().expect("a directory");
    let cut = scratch.path().join("cut.log");
    std::fs::write(&cut, b"\x1f\x8b\x08\x00").expect("writable");
    let missing = PathBuf::from("/nonexistent/\u{1b}[2Jmail.log");
    let report = report(&[missing.clone(), log("quiet_day"), cut.clone()]);
    let summary = report.summary();
    assert_eq!(summary.not_read.len(), 2);
    assert_eq!(summary.not_read[0].path, "/nonexistent/\\x1b[2Jmail.log");
    assert!(summary.lines.records > 100);
    let text = text::text(&summary);
    assert!(text.contains("Not read to its end: /nonexistent/\\x1b[2Jmail.log: No such file"), "{text}");
    assert!(printable(&text));
}

#[test]
fn the_program_reports_and_fails_by_its_status() {
    let program = env!("CARGO_BIN_EXE_imsimta-exporter");
    let run = |files: &[&str]| {
        let mut command = std::process::Command::new(program);
        command.arg("report").args(files).current_dir(directory()).output().expect("the program runs")
    };
    let good = run(&["quiet_day.log"]);
    assert!(good.status.success() && good.stderr.is_empty());
    assert!(good.stdout.starts_with(b"MTA log report: "));
    let bad = run(&["quiet_day.log", "nowhere.log"]);
    assert_eq!(bad.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(complaint.contains("nowhere.log: No such file"), "{complaint}");
    assert!(String::from_utf8_lossy(&bad.stdout).contains("quiet_day.log"));
}

#[test]
fn standard_input_may_be_compressed() {
    let program = env!("CARGO_BIN_EXE_imsimta-exporter");
    let mut child = std::process::Command::new(program)
        .args(["report", "--format", "json", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    let plain = std::fs::read(log("dead_dns")).expect("readable");
    let zstd = ruzstd::encoding::compress_to_vec(&plain[..], ruzstd::encoding::CompressionLevel::Fastest);
    child.stdin.take().expect("piped").write_all(&zstd).expect("read by the program");
    let output = child.wait_with_output().expect("it ends");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["files"][0]["name"], "stdin");
    assert_eq!(value["lines"]["lines"], 281);
}

/// Entries with arbitrary bytes where outside text stands, and lines of arbitrary bytes.
fn hostile_line() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    let bytes = proptest::collection::vec(any::<u8>(), 0..90);
    (0..6_u8, bytes.clone(), bytes).prop_map(|(kind, one, two)| {
        let stamp = &b"17-Mar-2025 09:00:00.00 "[..];
        let parts: Vec<&[u8]> = match kind {
            0 => vec![&one],
            1 => vec![stamp, &one, b"                 Q 0 a@b.example rfc822;c@d c@d ", &two],
            2 => vec![stamp, b"tcp_local                 Q 0 a rfc822;c@d c@", &one, b" ", &two],
            3 => vec![stamp, b"tcp_local                 J 0 a rfc822;c@d c@d ", &one, b" 550 ", &two],
            4 => vec![stamp, b"tcp_local    +            O TCP|", &one, b"|25|", &two],
            _ => vec![b"<en ts=\"2025-03-17T09:00:00.00\" sc=\"", &one, b"\" ac=\"Q\" od=\"", &two, b"\"/>"],
        };
        parts.concat()
    })
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, ..Default::default() })]
    #[test]
    fn hostile_input_reaches_no_terminal(lines in proptest::collection::vec(hostile_line(), 1..40)) {
        let scratch = tempfile::tempdir()?;
        let path = scratch.path().join("m\u{e9}\u{1b}[2J.log");
        std::fs::write(&path, lines.join(&b'\n'))?;
        let files = [path];
        fits_a_mail(&text_of(&files));
        proptest::prop_assert!(printable(&json_of(&files)));
    }
}
