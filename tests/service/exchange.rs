//! Sources exchanged while the program serves: nothing is lost, doubled, refused or left behind.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use imsimta_exporter::app::collectors::{COLLECTORS, Collector, Late, Look, Of, Start};
use imsimta_exporter::app::generation::Exchanged;
use imsimta_exporter::app::{self, Environment, Sources};
use imsimta_exporter::config::{ClientLabel, Config};
use imsimta_exporter::observed::reading::Run;
use jiff::tz::TimeZone;
use tokio::sync::oneshot;

use super::harness::{DEADLINE, Install, available, now, pause, request, run, value_of, wait_for};
use crate::exposition::samples;

/// Set in a process that runs one test alone, since it counts threads.
const ALONE: &str = "IMSIMTA_TEST_ALONE";

/// Runs a test in a process of its own.
#[track_caller]
fn alone(name: &str, test: impl FnOnce()) {
    alone_with(name, |_| {}, test);
}

/// The same, of a process that is started in a way of its own.
#[track_caller]
fn alone_with(name: &str, prepare: impl FnOnce(&mut Command), test: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    prepare(command.args([name, "--exact", "--nocapture"]).env(ALONE, "1"));
    let (code, out, said) = run(&mut command);
    assert!(code == 0 && out.contains("1 passed"), "{out}{said}");
}

/// How many threads of this process have each name.
fn threads() -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for thread in std::fs::read_dir("/proc/self/task").expect("threads").flatten() {
        // One may have ended meanwhile.
        if let Ok(name) = std::fs::read_to_string(thread.path().join("comm")) {
            *names.entry(name.trim().to_owned()).or_insert(0) += 1;
        }
    }
    names
}

/// Waits until no thread but those of `before` is there. A watcher comes and goes as the logs are quiet or not.
#[track_caller]
fn no_thread_more_than(before: &BTreeMap<String, usize>) {
    let watched = |threads: BTreeMap<String, usize>| -> BTreeMap<String, usize> {
        let of_a_watcher = |name: &str| name == "watcher" || name.starts_with("notify-rs");
        threads.into_iter().filter(|(name, _)| !of_a_watcher(name)).collect()
    };
    let wanted = watched(before.clone());
    let end = now() + DEADLINE;
    while watched(threads()) != wanted {
        assert!(now() < end, "{:?} are there and not {wanted:?}", threads());
        pause();
    }
    assert!(threads().get("watcher").is_none_or(|&count| count == 1), "{:?}", threads());
}

fn configuration(install: &Install) -> Config {
    let mut config = Config::default();
    config.mta.root = Some(install.path("root"));
    config.mta.timezone = Some(TimeZone::UTC);
    config.mta.as_root = true;
    config.state.directory = install.path("state");
    config.http.listen = ([127, 0, 0, 1], 0).into();
    config.logs.files = vec!["mail.log_current".to_owned()];
    for interval in [
        &mut config.queue.interval,
        &mut config.sockets.interval,
        &mut config.processes.interval,
        &mut config.files.interval,
        &mut config.state.interval,
    ] {
        *interval = Duration::from_secs(1);
    }
    config
}

/// A program that serves in this process.
struct Serving<'a> {
    address: String,
    sources: Arc<Sources>,
    install: &'a Install,
}

impl Serving<'_> {
    fn page(&self) -> String {
        let (head, body) = request(&self.address, "GET", "/metrics").expect("an answer");
        assert!(head.contains(" 200 "), "{head}");
        body
    }

    #[track_caller]
    fn wait_for(&self, series: &str, value: Option<f64>) {
        let what = format!("{series} is {value:?}");
        wait_for(&what, DEADLINE, || (value_of(&self.page(), series) == value).then_some(()));
    }
}

/// Runs the program and `test` beside it, to the end of both.
fn serve(
    install: &Install,
    config: Config,
    environment: Environment,
    test: impl FnOnce(&Serving<'_>) + Send,
) {
    let prepared = app::prepare(config, environment).expect("prepared");
    let address = prepared.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::scope(|scope| {
        let running = {
            let _entered = runtime.enter();
            prepared.start().expect("started")
        };
        let serving = Serving { address, sources: running.sources(), install };
        scope.spawn(move || {
            // Dropped by a panic as well, which ends the program and is told by the scope.
            let _stop = stop;
            test(&serving);
        });
        runtime.block_on(running.serve(async { drop(stopped.await) })).expect("ended well");
    });
}

const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;
const CONNECTIONS: &str = r#"imsimta_log_lines_total{log="connection.log_current"}"#;

fn entry(number: u32) -> String {
    format!(
        "19-Feb-2026 17:02:{:02}.65 tcp_local    ims-ms       E 1 a@b.example rfc822;c@d.example c@ims-ms-daemon\n",
        number % 60
    )
}

fn connection(number: u32) -> String {
    format!(
        "19-Feb-2026 17:02:{:02}.65 tcp_local    +            O TCP|192.0.2.1|25|198.51.100.7|{}\n",
        number % 60,
        1024 + number
    )
}

/// Tells the others to stop when it goes, by a panic as well: who waits for them would wait for ever.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Scrapes until it is told to stop: no connection is refused and no counter falls. How many pages there were.
fn scrape(serving: &Serving<'_>, stop: &AtomicBool) -> usize {
    let _stops = Stops(stop);
    let mut last: HashMap<String, f64> = HashMap::new();
    let mut pages = 0;
    while !stop.load(Ordering::Relaxed) {
        let page = serving.page();
        pages += 1;
        for sample in samples(&page) {
            let name = sample.name;
            if !(name.ends_with("_total") || name.ends_with("_bucket") || name.ends_with("_count")) {
                continue;
            }
            let before = last.insert(sample.series.to_owned(), sample.value);
            assert!(before.is_none_or(|before| before <= sample.value), "{} fell", sample.series);
        }
        pause();
    }
    pages
}

/// Appends lines, with a rotation now and then, until it is told to stop; how many.
fn write(install: &Install, stop: &AtomicBool, written: &AtomicU32) {
    let _stops = Stops(stop);
    while !stop.load(Ordering::Relaxed) {
        let number = written.fetch_add(10, Ordering::Relaxed);
        install.append("mail.log_current", &(number..number + 10).map(entry).collect::<String>());
        if number % 2000 == 1990 {
            let (log, yesterday) = (install.log("mail.log_current"), install.log("mail.log_yesterday"));
            std::fs::rename(log, yesterday).expect("renamed");
        }
        pause();
    }
}

#[test]
fn nothing_is_lost_while_sources_are_exchanged() {
    alone("service::exchange::nothing_is_lost_while_sources_are_exchanged", || {
        let install = Install::new();
        install.append("mail.log_current", "");
        install.append("connection.log_current", &(0..7).map(connection).collect::<String>());
        let config = configuration(&install);
        let (stop, written) = (AtomicBool::new(false), AtomicU32::new(0));
        serve(&install, config.clone(), Environment::default(), |serving| {
            serving.wait_for("imsimta_exporter_ready", Some(1.0));
            let before = threads();
            std::thread::scope(|scope| {
                scope.spawn(|| write(&install, &stop, &written));
                let scrapers: Vec<_> = (0..2).map(|_| scope.spawn(|| scrape(serving, &stop))).collect();
                let stops = Stops(&stop);
                exchange_again_and_again(serving, &config, &written);
                drop(stops);
                let pages: usize =
                    scrapers.into_iter().map(|scraper| scraper.join().expect("no panic")).sum();
                assert!(pages > 10, "{pages}");
            });
            serving.wait_for(LINES, Some(f64::from(written.load(Ordering::Relaxed))));
            no_thread_more_than(&before);
        });
        // Places and sums survive, of the log that is not followed, too.
        let mut both = config;
        both.logs.files.push("connection.log_current".to_owned());
        let lines = written.load(Ordering::Relaxed) + 5;
        install.append("mail.log_current", &(0..5).map(entry).collect::<String>());
        serve(&install, both, Environment::default(), |serving| {
            serving.wait_for(LINES, Some(f64::from(lines)));
            serving.wait_for(CONNECTIONS, Some(9.0));
        });
    });
}

/// Other intervals, a log more and a directory of the queue less; what cannot be; and back.
fn exchange_again_and_again(serving: &Serving<'_>, config: &Config, written: &AtomicU32) {
    let install = serving.install;
    let goes_on = || {
        let until = written.load(Ordering::Relaxed) + 500;
        let enough = |page: &str| value_of(page, LINES).is_some_and(|lines| lines >= f64::from(until));
        wait_for("lines are counted", DEADLINE, || enough(&serving.page()).then_some(()));
    };
    goes_on();
    let exchange = |config: &Config| {
        let exchanged = serving.sources.exchange(config.clone()).expect("exchanged");
        assert_eq!(exchanged, Exchanged::default());
    };

    let mut second = config.clone();
    second.logs.files.push("connection.log_current".to_owned());
    second.logs.poll = Duration::from_millis(100);
    second.logs.max_line_bytes = 8192;
    second.queue.interval = Duration::from_secs(2);
    second.processes.interval = Duration::from_secs(2);
    second.clients.label = ClientLabel::Off;
    std::fs::remove_dir(install.queue("ims-ms")).expect("removed");
    exchange(&second);
    // The lines that were there before are not of this run.
    install.append("connection.log_current", &(7..12).map(connection).collect::<String>());
    serving.wait_for(CONNECTIONS, Some(5.0));
    serving.wait_for(r#"imsimta_queue_messages{channel="ims-ms"}"#, None);
    goes_on();

    // What would be another program is refused, and all goes on.
    let mut third = config.clone();
    third.http.listen = ([127, 0, 0, 1], 1).into();
    third.state.directory = install.path("another");
    let refused = serving.sources.exchange(third).expect_err("refused").to_string();
    assert!(refused.contains("http.listen, state.directory") && refused.contains("restart"), "{refused}");
    install.append("connection.log_current", &connection(12));
    serving.wait_for(CONNECTIONS, Some(6.0));
    goes_on();

    // A log less: its sums stay, and its place is kept.
    exchange(config);
    install.append("connection.log_current", &(13..15).map(connection).collect::<String>());
    goes_on();
    assert_eq!(value_of(&serving.page(), CONNECTIONS), Some(6.0));
    exchange(&second);
    serving.wait_for(CONNECTIONS, Some(8.0));
    exchange(config);
    install.append("connection.log_current", &connection(15));
    goes_on();
}

/// A collector that opens a FIFO which nobody writes.
static HANGS: Collector<Hung> = Collector {
    name: "hangs",
    shown: None,
    of: Of::Host,
    interval: |config| config.queue.interval,
    start: hang,
    is_anything: |_| true,
    fill: |_, _, _| {},
    remarks: |_, _| Vec::new(),
};

#[derive(Debug)]
struct Hung;

/// How often one has begun to open it.
static OPENED: AtomicU32 = AtomicU32::new(0);

fn hang(start: &Start<'_>) -> Look<Hung> {
    let fifo = start.observed.install.root.join("fifo");
    Box::new(move || {
        OPENED.fetch_add(1, Ordering::Relaxed);
        drop(std::fs::File::open(&fifo));
        Run::Whole(Hung)
    })
}

#[test]
fn a_collector_that_hangs_is_left_behind_once() {
    alone("service::exchange::a_collector_that_hangs_is_left_behind_once", || {
        let install = Install::new();
        install.append("mail.log_current", "");
        let fifo = install.path("root/fifo");
        let permissions = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, permissions, 0)
            .expect("made");
        let config = configuration(&install);
        let mut collectors = COLLECTORS.to_vec();
        collectors.push(&HANGS);
        let environment = Environment { collectors, ..Environment::default() };
        serve(&install, config.clone(), environment, |serving| {
            serving.wait_for("imsimta_exporter_ready", Some(1.0));
            let before = threads();
            let opened = |times| {
                let enough = || (OPENED.load(Ordering::Relaxed) >= times).then_some(());
                wait_for("it hangs", DEADLINE, enough);
            };
            opened(1);
            // The others go on in time, whatever this one does; never more than two threads of it hang.
            for (late, hung) in
                [(Late::LeftBehind("hangs"), 2), (Late::Waits("hangs"), 2), (Late::Waits("hangs"), 2)]
            {
                let began = now();
                let exchanged = serving.sources.exchange(config.clone()).expect("exchanged");
                assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
                assert_eq!(exchanged, Exchanged { logs_are_late: false, late: vec![late] });
                opened(2);
                assert_eq!(threads().get("hangs"), Some(&hung));
                serving.wait_for("imsimta_exporter_threads_left_behind_total", Some(1.0));
            }
            install.append("mail.log_current", &entry(1));
            serving.wait_for(LINES, Some(1.0));
            // Once the FIFO answers, one is left, which goes on with what was exchanged last.
            let writer = std::fs::OpenOptions::new().write(true).open(&fifo).expect("opened");
            no_thread_more_than(&before);
            opened(3);
            assert_eq!(serving.sources.exchange(config.clone()).expect("exchanged"), Exchanged::default());
            drop(writer);
        });
    });
}

/// Where the next test has its library and its marks.
const PLACE: &str = "IMSIMTA_TEST_PLACE";

/// A library that lets no read of a log return while there is a file `hold`, as a file server that is busy does.
const SLOW_READ: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset) {
    char link[64], hold[4096], mark[4096], path[4096] = "";
    const char *place = getenv("IMSIMTA_TEST_PLACE");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    snprintf(hold, sizeof hold, "%s/hold", place);
    snprintf(mark, sizeof mark, "%s/held", place);
    ssize_t length = readlink(link, path, sizeof path - 1);
    while (length > 0 && strstr(path, "mail.log_current") && access(hold, F_OK) == 0) {
        FILE *file = fopen(mark, "w");
        if (file) fclose(file);
        usleep(1000);
    }
    return lseek64(fd, offset, SEEK_SET) < 0 ? -1 : read(fd, buffer, size);
}
"#;

/// There is never a second reader of the logs: it takes what was exchanged when the log answers, and counts once.
#[test]
fn a_log_that_does_not_answer_holds_up_no_exchange() {
    if !available("cc") {
        return;
    }
    let place = tempfile::tempdir().expect("a temporary directory");
    let prepare = |command: &mut Command| {
        let (source, library) = (place.path().join("slow.c"), place.path().join("slow.so"));
        std::fs::write(&source, SLOW_READ).expect("written");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        assert!(compile.status().expect("started").success(), "the library compiles");
        command.env("LD_PRELOAD", library).env(PLACE, place.path());
    };
    alone_with("service::exchange::a_log_that_does_not_answer_holds_up_no_exchange", prepare, || {
        let place = PathBuf::from(std::env::var_os(PLACE).expect("set"));
        let install = Install::new();
        install.append("mail.log_current", "");
        install.append("connection.log_current", "");
        let config = configuration(&install);
        serve(&install, config.clone(), Environment::default(), |serving| {
            serving.wait_for("imsimta_exporter_ready", Some(1.0));
            std::fs::write(place.join("hold"), "").expect("written");
            install.append("mail.log_current", &(0..3).map(entry).collect::<String>());
            wait_for("a read hangs", DEADLINE, || place.join("held").exists().then_some(()));
            let mut second = config.clone();
            second.logs.files.push("connection.log_current".to_owned());
            std::fs::remove_dir(install.queue("ims-ms")).expect("removed");
            for config in [&config, &second] {
                let began = now();
                let exchanged = serving.sources.exchange(config.clone()).expect("exchanged");
                assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
                assert_eq!(exchanged, Exchanged { logs_are_late: true, late: Vec::new() });
            }
            // The others have gone on.
            serving.wait_for(r#"imsimta_queue_messages{channel="ims-ms"}"#, None);
            std::fs::remove_file(place.join("hold")).expect("removed");
            serving.wait_for(LINES, Some(3.0));
            wait_for("the last order is taken", DEADLINE, || {
                install.append("connection.log_current", &connection(0));
                value_of(&serving.page(), CONNECTIONS)
            });
            install.append("mail.log_current", &entry(3));
            serving.wait_for(LINES, Some(4.0));
        });
    });
}

/// What nobody adds to any more would stand still, as if there were no notices.
#[test]
fn a_count_of_a_file_that_is_not_followed_any_more_is_not_shown() {
    alone("service::exchange::a_count_of_a_file_that_is_not_followed_any_more_is_not_shown", || {
        let install = Install::new();
        install.append("mail.log_current", &entry(0));
        let syslog = install.path("syslog");
        std::fs::write(&syslog, "").expect("written");
        let mut config = configuration(&install);
        config.held.syslog = Some(syslog.clone());
        serve(&install, config.clone(), Environment::default(), |serving| {
            for (syslog, shown) in [(Some(&syslog), Some(0.0)), (None, None), (Some(&syslog), Some(0.0))] {
                config.held.syslog = syslog.cloned();
                serving.sources.exchange(config.clone()).expect("exchanged");
                serving.wait_for("imsimta_held_notices_total", shown);
            }
        });
    });
}
