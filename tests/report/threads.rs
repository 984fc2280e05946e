//! The number of threads changes nothing but the time that a report takes.

use std::io::Write as _;

use imsimta_exporter::report::progress::Progress;
use imsimta_exporter::report::{Report, json, text};

use super::{INCIDENTS, config, log};

/// A log of many blocks: all incidents, again and again, with damage in between.
fn long_log() -> Vec<u8> {
    let incidents: Vec<Vec<u8>> =
        INCIDENTS.iter().map(|incident| std::fs::read(log(incident)).expect("readable")).collect();
    let mut all = Vec::new();
    for round in 0..12 {
        for incident in &incidents {
            all.extend_from_slice(incident);
            writeln!(all, "round {round} is not understood").expect("memory");
            all.extend(std::iter::repeat_n(b'x', 5_000 + 40_000 * (round % 9)));
            all.push(b'\n');
        }
    }
    // The last line has no end.
    all.extend_from_slice(b"17-Mar-2025 09:00:00.00 tcp_local    +            O");
    all
}

#[test]
fn any_number_of_threads_reports_the_same() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (one, two) = (scratch.path().join("one.log"), scratch.path().join("two.log"));
    std::fs::write(&one, long_log()).expect("writable");
    std::fs::copy(log("quiet_day"), &two).expect("copied");
    let reports = |threads: u8, exposition_only: bool| {
        let mut report = Report::new(&config(), 1).threads(threads);
        if exposition_only {
            report = report.exposition_only();
        }
        for file in [&one, &two, &one] {
            report.read_file(file, &mut Progress::default()).expect("readable");
        }
        let summary = report.summary();
        let json = String::from_utf8(json::json(&summary).expect("encoded")).expect("UTF-8");
        let exposition = String::from_utf8(report.exposition().expect("encoded")).expect("UTF-8");
        (text::text(&summary), json, exposition)
    };
    let expected = reports(1, false);
    assert!(expected.2.contains("imsimta_log_skipped_lines_total{log=\"one.log\",reason=\"too_long\"} 1"));
    for threads in [2, 3, 8] {
        assert_eq!(reports(threads, false), expected, "{threads} threads");
    }
    assert_eq!(reports(2, true).2, expected.2);
}
