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

/// An entry of `LOG_FORMAT` 1 whose seconds in the queue are known by their place behind a tuple.
const SHOWS_ITS_OPTIONS: &str = "19-Jan-2019 19:16:57.64 tcp_sorts                 D 1 a@b.example rfc822;c@d.example \
    c@d.example /q/queue/tcp_sorts/ZZg0x1y2z3w4.00 <1@b.example> mailsrv dns;d.example smtp;250 ok \
    TCP|192.0.2.1|25|192.0.2.9|4299 SMTP 7\n";
/// One whose seconds in the queue are only known by what the log's first entries show.
const NEEDS_OPTIONS: &str = "19-Jan-2019 19:16:58.64 tcp_sorts                 D 1 a@b.example rfc822;c@d.example \
    c@d.example /q/queue/tcp_sorts/ZZg0x1y2z3w5.00 <2@b.example> mailsrv dns;d.example smtp;250 ok 70\n";
const HEADER: &str = "19-Jan-2019 19:16:58.64 > Received: from localhost by 127.0.0.1\n";
const COUNTED: &str = "19-Jan-2019 19:16:59.64 tcp_sorts                 D 1 11:a@b.example 18:rfc822;c@d.example \
    11:c@d.example 35:/q/queue/tcp_sorts/ZZg0x1y2z3w6.00 0: 13:<3@b.example> 7:mailsrv 22:smtp;250 2.1.5 all well\n";
const OTHER_FORMATS: [&str; 2] = [
    "<en ts=\"2019-01-19T19:16:59.64\" sc=\"tcp_sorts\" ac=\"D\" sz=\"1\" so=\"\" od=\"rfc822;c@d.example\" de=\"c@d.example\" qt=\"3\"/>\n",
    "{\"ts\":\"2019-01-19T19:16:59.64\",\"type\":\"en\",\"sc\":\"tcp_sorts\",\"ac\":\"D\",\"sz\":\"1\",\"od\":\"rfc822;c@d.example\",\"qt\":3}\n",
];
/// Lines of other logs, with line ends inside: what they go on with is theirs only behind them.
const OTHER_LOGS: [(&str, &str); 2] = [
    (
        "[12/Jun/2019:05:16:02 +0200] host ims_master[11468]: General Notice: starting up\n",
        "what is said goes on here\n",
    ),
    (
        "08:56:39.33: Mapping 5 applied to TCP|127.0.0.2|25|127.0.0.2|48088|SMTP/|MAIL|tc\n",
        "p_local|a@b|l|c@d\n",
    ),
];

/// As many lines as take so many bytes.
fn fill(all: &mut Vec<u8>, line: &str, bytes: usize) -> u64 {
    let lines = bytes / line.len() + 1;
    all.extend(line.as_bytes().iter().copied().cycle().take(lines * line.len()));
    lines as u64
}

/// A log in which the meaning of a line rests on lines a block or more before: the lines of other logs
/// in it, and the entries whose fields need what its first entries showed.
///
/// Also how many lines of each other log there are, and the seconds in the queue of all entries.
fn log_of_all_sorts() -> (Vec<u8>, [u64; 2], u64) {
    let (mut all, mut foreign, mut seconds) = (Vec::new(), [0; 2], 0);
    for round in 0..6 {
        // The first entries are too few to tell the options before the third round.
        for _ in 0..90 {
            all.extend_from_slice(SHOWS_ITS_OPTIONS.as_bytes());
            seconds += 7;
        }
        if round > 2 {
            seconds += 70 * fill(&mut all, NEEDS_OPTIONS, 30_000 * round);
        }
        fill(&mut all, HEADER, 70_000);
        for (count, (first, rest)) in foreign.iter_mut().zip(OTHER_LOGS) {
            all.extend_from_slice(first.as_bytes());
            *count += 1 + fill(&mut all, rest, 100_000 + 61_000 * round);
        }
        for entry in OTHER_FORMATS {
            seconds += 3 * fill(&mut all, entry, 40_000);
        }
        if round > 2 {
            fill(&mut all, COUNTED, 90_000);
            seconds += 70 * fill(&mut all, NEEDS_OPTIONS, 90_000);
        }
    }
    (all, foreign, seconds)
}

#[test]
fn any_number_of_threads_reports_the_same() {
    let scratch = tempfile::tempdir().expect("a directory");
    let files = ["one.log", "two.log", "sorts.log"].map(|name| scratch.path().join(name));
    let (sorts, foreign, seconds) = log_of_all_sorts();
    std::fs::write(&files[0], long_log()).expect("writable");
    std::fs::copy(log("quiet_day"), &files[1]).expect("copied");
    std::fs::write(&files[2], sorts).expect("writable");
    let reports = |threads: u8, exposition_only: bool| {
        let mut report = Report::new(&config(), 1).threads(threads);
        if exposition_only {
            report = report.exposition_only();
        }
        for file in [&files[0], &files[2], &files[1], &files[0]] {
            report.read_file(file, &mut Progress::default()).expect("readable");
        }
        let summary = report.summary();
        let json = String::from_utf8(json::json(&summary).expect("encoded")).expect("UTF-8");
        let exposition = String::from_utf8(report.exposition().expect("encoded")).expect("UTF-8");
        (text::text(&summary), json, exposition)
    };
    let expected = reports(1, false);
    for sample in [
        "imsimta_log_skipped_lines_total{log=\"one.log\",reason=\"too_long\"} 1".to_owned(),
        format!("imsimta_log_skipped_lines_total{{log=\"sorts.log\",reason=\"nslog\"}} {}", foreign[0]),
        format!("imsimta_log_skipped_lines_total{{log=\"sorts.log\",reason=\"debug_log\"}} {}", foreign[1]),
        "imsimta_log_unparsed_lines_total{log=\"sorts.log\",reason=\"no_timestamp\"} 0".to_owned(),
        format!("imsimta_queue_delay_seconds_sum{{channel=\"tcp_sorts\"}} {seconds}"),
    ] {
        assert!(expected.2.contains(&sample), "{sample}");
    }
    for threads in [2, 3, 8] {
        assert_eq!(reports(threads, false), expected, "{threads} threads");
    }
    assert_eq!(reports(2, true).2, expected.2);
}
