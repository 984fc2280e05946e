//! Golden cases: every directory here holds the files of a log directory, and `metrics.prom` is what
//! `report --format prometheus` prints of them. `UPDATE_EXPECT=1 cargo test` writes them anew; read
//! the difference before you believe it.

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use imsimta_exporter::config::Config;
use imsimta_exporter::report::Report;
use imsimta_exporter::report::progress::Progress;

use crate::exposition::sum_of;

fn cases() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay");
    let entries = std::fs::read_dir(here).expect("the directory of the cases");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut cases: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

/// Zone and seed are fixed: a golden file must not depend on the host.
fn exposition(case: &Path) -> String {
    let mut config = Config::default();
    config.mta.timezone = Some(jiff::tz::TimeZone::get("Europe/Paris").expect("bundled"));
    let mut report = Report::new(&config, 1);
    let entries = std::fs::read_dir(case).expect("a case");
    let mut logs: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    logs.retain(|path| path.file_name().is_some_and(|name| name != "metrics.prom"));
    logs.sort();
    assert!(!logs.is_empty(), "{} has no logs", case.display());
    for log in logs {
        report.read_file(&log, &mut Progress::default()).expect("a readable log");
    }
    String::from_utf8(report.exposition().expect("an exposition")).expect("text")
}

#[test]
fn every_case_gives_its_exposition() {
    let cases = cases();
    assert!(cases.len() >= 8, "the cases are there");
    for case in cases {
        expect_file![case.join("metrics.prom")].assert_eq(&exposition(&case));
    }
}

/// `lines = records + unparsed + skipped` holds in every case: each entry counted by code is a record.
#[test]
fn every_line_is_accounted_for() {
    for case in cases() {
        let page = exposition(&case);
        let sum = |name: &str| sum_of(&page, name, &[]).unwrap_or(0.0);
        let records = sum("imsimta_log_entries_total");
        let others = sum("imsimta_log_unparsed_lines_total") + sum("imsimta_log_skipped_lines_total");
        let lines = sum("imsimta_log_lines_total");
        assert!((lines - records - others).abs() < 0.5, "{}: {lines} {records} {others}", case.display());
        assert!(lines > 0.0, "{}", case.display());
    }
}
