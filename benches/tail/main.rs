//! How soon a line that was appended is counted, and what that costs: the real program, beside mtail
//! where that is installed. See benches/README.md.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints")]

mod away;
mod host;
mod program;
mod writer;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use away::Alertmanager;
use host::Host;
use program::{Exporter, Mtail};
use writer::Writer;

/// Lines are appended for this long in each case under load.
const LOAD: Duration = Duration::from_secs(20);
/// How many quiet seconds end with a line.
const QUIET_LINES: u64 = 100;
/// How long an idle program is looked at.
const IDLE: Duration = Duration::from_mins(2);
const QUEUED_FILES: usize = 10_000;
const BURST_BYTES: usize = 200 << 20;
/// Failures that are a spike.
const FAILURES: usize = 60;
/// The time of an entry.
const STAMP: &str = "%d-%b-%Y %H:%M:%S.00";
/// What is not counted by then never will be.
const DEADLINE: Duration = Duration::from_mins(1);

type Case = (&'static str, fn(&Corpus));

/// The cases by name.
const CASES: [Case; 7] = [
    ("load", load),
    ("away", away),
    ("quiet", quiet),
    ("idle", idle),
    ("whole", whole),
    ("burst", burst),
    ("upset", upset),
];

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let corpus = Corpus::new();
    for (name, run) in CASES {
        if wanted.is_empty() || wanted.iter().any(|case| case == name) {
            run(&corpus);
        }
    }
}

/// Entries of the synthetic MTA, in the mix and with the replies of a real one.
struct Corpus(Vec<Vec<u8>>);

impl Corpus {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let site = directory.path().join("site");
        let written = Command::new(program::EXPORTER)
            .args(["demo", "--write-only", "--duration", "20m", "--rate", "50", "--dir"])
            .arg(&site)
            .output()
            .expect("started");
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let mut lines = Vec::new();
        collect(&site, &mut lines);
        assert!(lines.len() > 10_000, "the corpus has {} lines", lines.len());
        Self(lines)
    }
}

impl Corpus {
    /// Failures as they are among the lines, all of this moment: enough of them to ring.
    fn failures_of_now(&self) -> Vec<u8> {
        let stamp = jiff::Zoned::now().strftime(STAMP).to_string();
        let is_one = |line: &&Vec<u8>| {
            [&b" tcp_local "[..], b" Q ", b"Failed connect()"]
                .iter()
                .all(|part| line.windows(part.len()).any(|window| window == *part))
        };
        let failures = self.0.iter().filter(is_one).take(FAILURES);
        failures.flat_map(|line| [stamp.as_bytes(), &line[stamp.len()..]].concat()).collect()
    }
}

/// The lines of every current log below a directory.
fn collect(directory: &Path, lines: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(directory).expect("readable").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name();
        if entry.file_type().expect("a type").is_dir() {
            collect(&entry.path(), lines);
        } else if name.to_string_lossy().ends_with(".log_current") {
            let log = fs::read(entry.path()).expect("readable");
            lines.extend(log.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec));
        }
    }
}

/// Lines at a rate, each by a write of its own.
fn load(corpus: &Corpus) {
    for rate in [20_000, 50_000] {
        let exporter = Exporter::start(0);
        let mut writer = Writer::new(exporter.log(), &corpus.0);
        let before = exporter.cpu();
        writer.at_rate(rate, LOAD);
        let total = writer.count();
        exporter.wait_for(total, DEADLINE);
        let cost = exporter.cpu().saturating_sub(before);
        let latencies = writer.latencies(&exporter.reports());
        let end = writer.ended();
        let counted = exporter.reports().iter().rev().find(|(at, _)| *at <= end).map_or(0, |report| report.1);
        show(
            &format!("{rate} lines/s: append to counted, p99 (bound 25 ms)"),
            millis(percentile(&latencies, 99)),
        );
        show(&format!("{rate} lines/s: append to counted, median"), millis(percentile(&latencies, 50)));
        show(&format!("{rate} lines/s: CPU a line (bound 2 us)"), micros_a_line(cost, total));
        show(&format!("{rate} lines/s: behind when the writer stops"), format!("{} lines", total - counted));
        drop(exporter);
        let Some(mtail) = Mtail::start() else { continue };
        let mut writer = Writer::new(mtail.log(), &corpus.0);
        let before = mtail.cpu();
        writer.at_rate(rate, LOAD);
        let behind = writer.count().saturating_sub(mtail.lines());
        let counted = mtail.counted(writer.count(), DEADLINE);
        let cost = mtail.cpu().saturating_sub(before);
        let missing = writer.count().saturating_sub(counted);
        show(&format!("{rate} lines/s: mtail, CPU a line"), micros_a_line(cost, counted));
        show(&format!("{rate} lines/s: mtail, behind when the writer stops"), format!("{behind} lines"));
        show(&format!("{rate} lines/s: mtail, missing a minute later at most"), format!("{missing} lines"));
    }
}

/// While alerts fire and the only Alertmanager is away: nobody there for one half, a black hole for the other.
/// `AWAY=long` is ten minutes of it.
fn away(corpus: &Corpus) {
    const RATE: u32 = 20_000;
    let half =
        if std::env::var("AWAY").is_ok_and(|how| how == "long") { Duration::from_mins(5) } else { LOAD };
    let (start, waits) = channel();
    let alertmanager = Alertmanager::away(half, waits);
    let exporter = Exporter::beside(0, |_| {
        vec![
            ("IMSIMTA_EXPORTER__ALERTING__ALERTMANAGERS", format!("http://{}", alertmanager.address)),
            ("IMSIMTA_EXPORTER__ALERTING__LABELS", "instance=bench:9797".to_owned()),
        ]
    });
    let mut writer = Writer::new(exporter.log(), &corpus.0);
    writer.text(&corpus.failures_of_now());
    exporter.wait_for(writer.count(), DEADLINE);
    let alert = exporter.wait_for_alert(DEADLINE);
    let before = exporter.cpu();
    start.send(()).expect("it waits");
    writer.at_rate(RATE, half * 2);
    let back = Instant::now();
    let total = writer.count();
    exporter.wait_for(total, DEADLINE);
    let cost = exporter.cpu().saturating_sub(before);
    let latencies = writer.latencies(&exporter.reports());
    let counted = exporter.reports().last().map_or(0, |report| report.1);
    let what = format!("away for {} s", (half * 2).as_secs());
    show(&format!("{what}: append to counted, p99 (bound 25 ms)"), millis(percentile(&latencies, 99)));
    show(&format!("{what}: append to counted, median"), millis(percentile(&latencies, 50)));
    show(&format!("{what}: CPU a line (bound 2 us)"), micros_a_line(cost, total));
    show(&format!("{what}: lines written and counted"), format!("{total} and {counted}"));
    show(&format!("{what}: resident memory"), mib(exporter.memory("VmRSS:")));
    let page = exporter.page();
    let failed =
        |line: &&str| line.starts_with("imsimta_notifications_failed_total{") && !line.ends_with(" 0");
    page.lines().filter(failed).for_each(|line| println!("    {line}"));
    let heard = alertmanager.hears_of(&alert, DEADLINE).expect("it is told when it is back");
    let after = heard.saturating_duration_since(back).as_secs_f64();
    show(&format!("{what}: back, and told of {alert} after"), format!("{after:.1} s"));
}

/// One line after a second or more without any.
fn quiet(corpus: &Corpus) {
    let exporter = Exporter::start(0);
    let mut writer = Writer::new(exporter.log(), &corpus.0);
    for count in 1..=QUIET_LINES {
        // Not in step with anything that happens every second.
        std::thread::sleep(Duration::from_millis(1000 + (count * 37) % 500));
        writer.one();
        exporter.wait_for(count, DEADLINE);
    }
    let latencies = writer.latencies(&exporter.reports());
    show("after a quiet second: append to counted, p99 (bound 5 ms)", millis(percentile(&latencies, 99)));
    show("after a quiet second: append to counted, median", millis(percentile(&latencies, 50)));
}

/// No traffic, every source on, a queue to scan.
fn idle(_: &Corpus) {
    look_at_idle("idle", "24 MiB", &Exporter::start(QUEUED_FILES));
}

/// The same with all of a busy host around it: connections, processes, and the logs of its daemons.
fn whole(_: &Corpus) {
    let host = Host::new();
    let exporter = Exporter::beside(QUEUED_FILES, |root| host.furnish(root));
    look_at_idle("whole host, no traffic", "32 MiB", &exporter);
}

fn look_at_idle(what: &str, memory: &str, exporter: &Exporter) {
    std::thread::sleep(Duration::from_secs(20));
    let (cpu, switches) = (exporter.cpu(), exporter.switches());
    std::thread::sleep(IDLE);
    show(&format!("{what}: CPU of one core (bound 0.2 %)"), share(exporter.cpu().saturating_sub(cpu), IDLE));
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = (exporter.switches() - switches) as f64 / IDLE.as_secs_f64();
    show(&format!("{what}: thread wake-ups"), format!("{rate:.1} a second"));
    show(&format!("{what}: resident memory (bound {memory})"), mib(exporter.memory("VmRSS:")));
}

/// More than any buffer holds, at once: reading is never ahead of counting.
fn burst(corpus: &Corpus) {
    let exporter = Exporter::start(0);
    let before = exporter.memory("VmRSS:");
    let mut writer = Writer::new(exporter.log(), &corpus.0);
    let start = Instant::now();
    writer.burst(BURST_BYTES);
    exporter.wait_for(writer.count(), DEADLINE);
    let grown = exporter.memory("VmHWM:").saturating_sub(before);
    let counted = exporter.reports().last().map_or(0, |report| report.1);
    show("burst of 200 MiB: lines written and counted", format!("{} and {counted}", writer.count()));
    show("burst of 200 MiB: written and counted after", format!("{:.2} s", start.elapsed().as_secs_f64()));
    show("burst of 200 MiB: growth of memory at most, tables included", mib(grown));
}

/// CPU while what is watched comes and goes; nothing here may cost more than an idle program.
fn upset(_: &Corpus) {
    const LOOK: Duration = Duration::from_secs(20);
    let exporter = Exporter::start(0);
    let log = exporter.log();
    let directory = log.parent().expect("a directory").to_owned();
    let cost = |what: &str| {
        let before = exporter.cpu();
        std::thread::sleep(LOOK);
        show(&format!("upset: {what}: CPU of one core"), share(exporter.cpu().saturating_sub(before), LOOK));
    };
    cost("nothing yet");
    fs::remove_file(log).expect("removed");
    cost("the log was removed");
    fs::remove_dir_all(&directory).expect("removed");
    cost("its directory was removed");
    fs::create_dir_all(&directory).expect("made");
    fs::write(log, "").expect("written");
    cost("both are there again");
}

fn show(what: &str, value: impl std::fmt::Display) {
    println!("{what:<64} {value}");
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn micros_a_line(cpu: Duration, lines: u64) -> String {
    format!("{:.2} us", cpu.as_secs_f64() * 1e6 / lines as f64)
}

fn share(cpu: Duration, of: Duration) -> String {
    format!("{:.3} %", cpu.as_secs_f64() / of.as_secs_f64() * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
