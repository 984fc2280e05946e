//! The history: what it tells of a log that was written for hours, and over restarts of every kind.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::harness::{Install, Service, value_of, wait_for};
use super::pages::{ask, get, token};

const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;
const SET_ASIDE: &str = "imsimta_exporter_history_set_aside_total";
/// Of every slot, by the seconds of its width.
const WIDTHS: [i64; 2] = [10, 300];

/// A log and what it says.
struct Log {
    install: Install,
    /// Times of the entries, Unix seconds, by the name of the series.
    written: Vec<(i64, &'static str)>,
}

impl Log {
    fn new() -> Self {
        let log = Self { install: Install::new(), written: Vec::new() };
        log.install.append("mail.log_current", "");
        log
    }

    fn start(&self) -> Service {
        let mut command: Command = self.install.command();
        command.env("IMSIMTA_EXPORTER__MTA__TIMEZONE", "UTC");
        command.env("IMSIMTA_EXPORTER__LOGS__START", "beginning");
        Service::start(command)
    }

    /// Entries of so many seconds ago, the oldest first.
    fn write(&mut self, seconds: impl Iterator<Item = i64>) {
        let now = unix();
        let mut text = String::new();
        for (number, ago) in seconds.enumerate() {
            let at = now - ago;
            let stamp = jiff::Timestamp::from_second(at).expect("in range").strftime("%d-%b-%Y %H:%M:%S.00");
            let (what, series) = [
                ("  D 1 a@b.example rfc822;c@d.example c@d.example mailsrv dns;d.example", "deliveries"),
                (
                    "  Q 1 a@b.example rfc822;c@d.example c@d.example mailsrv dns;d.example smtp;450 4.2.2 full",
                    "failures",
                ),
            ][number % 2];
            text.extend([&stamp.to_string(), " tcp_local    ", what, "\n"]);
            self.written.push((at, series));
        }
        self.install.append("mail.log_current", &text);
    }

    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    fn wait_until_counted(&self, service: &Service) {
        service.wait_for_sample(LINES, self.written.len() as f64);
    }

    fn page(&self, service: &Service) -> Value {
        let headers = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", token(&self.install));
        let (status, answer) = ask(service, &get("/debug/history", &headers));
        assert_eq!(status, 200, "{answer}");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        for no in ["example", "rfc822"] {
            assert!(!body.contains(no), "{body}");
        }
        serde_json::from_str(body).expect("JSON")
    }

    /// Every slot tells the truth or nothing; how many tell something, by width, and the sums that they tell.
    fn told(&self, service: &Service) -> BTreeMap<i64, (usize, u64)> {
        let page = self.page(service);
        let mut told = BTreeMap::new();
        for resolution in page["resolutions"].as_array().expect("a list") {
            let (width, last) = (number(&resolution["seconds"]), number(&resolution["last"]));
            let (mut slots, mut sum) = (0, 0);
            for series in ["deliveries", "failures"] {
                let values = resolution["channels"]["tcp_local"][series].as_array().expect("a list");
                for (back, value) in (0..).zip(values.iter().rev()) {
                    let Some(value) = value.as_u64() else { continue };
                    let start = last - back * width;
                    let written = self
                        .written
                        .iter()
                        .filter(|(at, of)| *of == series && (start..start + width).contains(at));
                    assert_eq!(value, written.count() as u64, "{width} {series} {back}: {page}");
                    slots += 1;
                    sum += value;
                }
            }
            told.insert(width, (slots, sum));
        }
        assert_eq!(told.keys().copied().collect::<Vec<_>>(), WIDTHS);
        told
    }

    /// Waits until the slots of the present are told again.
    fn wait_until_told(&self, service: &Service) -> BTreeMap<i64, (usize, u64)> {
        wait_for("the present is told", super::harness::DEADLINE, || {
            let page = self.page(service);
            let values = page["resolutions"][0]["channels"]["tcp_local"]["deliveries"].as_array()?;
            values.last()?.as_u64()
        });
        self.told(service)
    }
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn unix() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[test]
fn entries_stand_at_their_times_and_what_was_not_read_is_null() {
    let mut log = Log::new();
    // Three hours, one entry each 20 seconds; read within a moment.
    log.write((0..540).rev().map(|number| number * 20 + 20));
    let service = log.start();
    log.wait_until_counted(&service);
    let told = log.wait_until_told(&service);
    // All of the last hours but for the slot in which the log begins, and none before it.
    let (slots, sum) = told[&300];
    assert!((2 * 35..=2 * 38).contains(&slots) && (510..=540).contains(&sum), "{told:?}");
    assert_eq!(told[&10].0, 2 * 120, "{told:?}");
    // Nobody has seen an entry of a connection, so nothing is said of connections.
    let page = log.page(&service);
    let of = |series: &str| {
        page["resolutions"][0]["channels"]["tcp_local"][series].as_array().expect("a list").clone()
    };
    assert!(of("connections").iter().all(Value::is_null));
    wait_for("a look into the queue", super::harness::DEADLINE, || {
        let page = log.page(&service);
        let queue = page["resolutions"][0]["channels"]["tcp_local"]["queue"].as_array()?.clone();
        queue.iter().any(|value| value.as_u64() == Some(0)).then_some(())
    });
    assert!(number(&page["bytes"]) < 2 << 20);
}

/// Stopped and started: nothing is lost. Killed: what is not told is told as not read, and nothing twice; the sums
/// are exact.
#[test]
fn no_restart_doubles_anything() {
    let mut log = Log::new();
    log.write((0..300).rev().map(|number| number * 20 + 20));
    let service = log.start();
    log.wait_until_counted(&service);
    let before = log.wait_until_told(&service);
    service.stop();
    let older = fs::read(log.install.path("state/state")).expect("a state");

    log.write([3, 2, 1].into_iter());
    let service = log.start();
    log.wait_until_counted(&service);
    let after = log.wait_until_told(&service);
    assert!(after[&300].1 >= before[&300].1 && after[&10].0 == 240, "{before:?} {after:?}");
    // The state is saved, the history is not.
    let saved = "imsimta_exporter_state_last_save_timestamp_seconds";
    let page = service.page();
    let last = value_of(&page, saved);
    log.write([1, 1].into_iter());
    log.wait_until_counted(&service);
    service.wait_for("a later state", |page| value_of(page, saved) > last);
    service.kill();

    log.write([1].into_iter());
    let service = log.start();
    log.wait_until_counted(&service);
    let killed = log.wait_until_told(&service);
    assert!(killed[&300].1 > 200, "{killed:?}");
    service.stop();

    // A history that is ahead of the state: the lines are read once more, and counted once.
    fs::write(log.install.path("state/state"), older).expect("written");
    let service = log.start();
    log.wait_until_counted(&service);
    log.wait_until_told(&service);
    assert_eq!(value_of(&service.page(), SET_ASIDE), Some(0.0));
}

#[test]
fn a_history_that_cannot_be_used_stops_nothing() {
    for (what, at_once) in [("damaged", true), ("cut", true), ("link", false), ("directory", false)] {
        let mut log = Log::new();
        log.write([5, 4].into_iter());
        let service = log.start();
        log.wait_until_counted(&service);
        service.stop();
        let path = log.install.path("state/history");
        let mut bytes = fs::read(&path).expect("a history");
        match what {
            "damaged" => {
                let last = bytes.len() - 5;
                bytes[last] ^= 1;
                fs::write(&path, &bytes).expect("written");
            }
            "cut" => fs::write(&path, &bytes[..bytes.len() / 2]).expect("written"),
            "link" => {
                fs::rename(&path, log.install.path("elsewhere")).expect("renamed");
                std::os::unix::fs::symlink(log.install.path("elsewhere"), &path).expect("linked");
            }
            _ => {
                fs::remove_file(&path).expect("removed");
                fs::create_dir(&path).expect("made");
            }
        }
        let service = log.start();
        log.write([1].into_iter());
        log.wait_until_counted(&service);
        log.wait_until_told(&service);
        let set_aside = value_of(&service.page(), SET_ASIDE);
        assert_eq!(set_aside, Some(f64::from(u8::from(at_once))), "{what}");
        service.stop();
        // At the end it is written, and what was in its place has another name.
        assert!(log.install.path("state/history.set-aside.1").symlink_metadata().is_ok(), "{what}");
        assert!(path.symlink_metadata().expect("there").is_file(), "{what}");
        if what == "link" {
            assert_eq!(fs::read(log.install.path("elsewhere")).expect("there"), bytes);
        }
    }
}

#[test]
fn what_is_usual_begins_anew_where_its_file_cannot_be_used() {
    const OF_BASELINE: &str = "imsimta_exporter_baseline_set_aside_total";
    let mut log = Log::new();
    log.write([5, 4].into_iter());
    let service = log.start();
    log.wait_until_counted(&service);
    service.stop();
    let path = log.install.path("state/baseline");
    let good = fs::read(&path).expect("what was learned");
    for (number, what) in (1..).zip(["whole", "damaged", "newer"]) {
        let mut bytes = good.clone();
        match what {
            "damaged" => *bytes.last_mut().expect("bytes") ^= 1,
            "newer" => bytes[b"imsimta-exporter state ".len()] += 1,
            _ => {}
        }
        fs::write(&path, &bytes).expect("written");
        let service = log.start();
        log.wait_until_counted(&service);
        let page = service.page();
        let whole = what == "whole";
        assert_eq!(value_of(&page, OF_BASELINE), Some(f64::from(u8::from(!whole))), "{what}");
        assert_eq!(value_of(&page, SET_ASIDE), Some(0.0), "{what}");
        assert_eq!(value_of(&page, "imsimta_baseline_learned_ratio"), Some(0.0), "{what}");
        service.stop();
        let aside = log.install.path(&format!("state/baseline.set-aside.{}", number - 1));
        assert_eq!(fs::read(aside).ok(), (!whole).then_some(bytes), "{what}");
        assert_eq!(fs::read(&path).expect("written again").len(), good.len());
    }
}
