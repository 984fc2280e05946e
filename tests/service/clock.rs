//! Time zones that are not the MTA's, or not known: what says so, and what is no reason to.

use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use imsimta_exporter::app::{self, Environment};
use imsimta_exporter::config::Config;
use imsimta_exporter::observed::Clock;
use jiff::tz::TimeZone;
use tokio::sync::oneshot;

use super::harness::{DEADLINE, Install, PROGRAM, Service, available, request, value_of, wait_for, words_of};

const OFFSET: &str = r#"imsimta_log_clock_offset_seconds{log="mail.log_current"}"#;
const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;
const KNOWN: &str = "imsimta_timezone_known";

/// An entry that an MTA in a zone writes now; so many hours ago by `hours`.
fn entry(zone: &str, hours: i64) -> String {
    let now = jiff::Timestamp::try_from(Clock::host()()).expect("in range");
    let time = (now - jiff::SignedDuration::from_hours(hours)).to_zoned(TimeZone::get(zone).expect("a zone"));
    let time = time.strftime("%d-%b-%Y %H:%M:%S.00");
    format!("{time} tcp_local                 D 1 a@b.example rfc822;c@d.example c@d.example\n")
}

fn start(install: &Install, variables: &[(&str, &str)]) -> Service {
    let mut command = install.command();
    command.envs(variables.iter().copied());
    Service::start(command)
}

/// Exit status and text of `check`, without line breaks.
fn check(install: &Install, variables: &[(&str, &str)]) -> (i32, String) {
    words_of(install.check().envs(variables.iter().copied()))
}

/// The zone of the exporter alone differs: zones without summer time, so that the test is the same all year.
#[test]
fn a_wrong_time_zone_is_said_everywhere() {
    for (mta, hours, question) in [
        ("Etc/GMT+5", -5.0, Some("the last entry is 5 h behind the clock: is mta.timezone right?")),
        (
            "Asia/Kolkata",
            5.5,
            Some("the last entry is 5 h 30 min ahead of the clock: is mta.timezone right?"),
        ),
        ("UTC", 0.0, None),
    ] {
        let install = Install::new();
        install.append("mail.log_current", "");
        let zone = [("IMSIMTA_EXPORTER__MTA__TIMEZONE", "UTC")];
        let mut service = start(&install, &zone);
        service.wait_for_sample(LINES, 0.0);
        install.append("mail.log_current", &entry(mta, 0));
        let page = service.wait_for("the offset", |page| value_of(page, OFFSET).is_some());
        let offset = value_of(&page, OFFSET).expect("there");
        assert!((offset - hours * 3600.0).abs() < 30.0, "{mta}: {offset}");
        assert_eq!(value_of(&page, KNOWN), Some(1.0));
        let (status, text) = check(&install, &zone);
        let (_, status_page) = service.get("/");
        if let Some(question) = question {
            service.wait_for_log(question);
            assert!(status_page.contains(question), "{mta}");
            assert!(status == 1 && text.contains(&format!("mail.log_current: {question}")), "{mta}: {text}");
        } else {
            assert!(!status_page.contains("mta.timezone"), "{mta}");
            assert!(status == 0 && !text.contains("is mta.timezone right"), "{mta}: {text}");
            assert!(!service.heard().contains("mta.timezone"), "{}", service.heard());
        }
    }
}

#[test]
fn a_backlog_and_a_log_of_yesterday_are_no_wrong_zone() {
    let install = Install::new();
    install.append("mail.log_current", &entry("UTC", 5));
    let zone = [("IMSIMTA_EXPORTER__MTA__TIMEZONE", "UTC"), ("IMSIMTA_EXPORTER__LOGS__START", "beginning")];
    let service = start(&install, &zone);
    service.wait_for_sample(LINES, 1.0);
    assert_eq!(value_of(&service.page(), OFFSET), None, "a backlog says nothing");
    service.stop();
    // Written while nobody read.
    install.append("mail.log_current", &entry("UTC", 3));
    let service = start(&install, &zone);
    service.wait_for_sample(LINES, 2.0);
    assert_eq!(value_of(&service.page(), OFFSET), None, "a backlog says nothing");
    install.append("mail.log_current", &entry("UTC", 0));
    let page = service.wait_for("the offset", |page| value_of(page, OFFSET).is_some());
    assert!(value_of(&page, OFFSET).is_some_and(|offset| offset.abs() < 30.0), "{page}");

    let quiet = Install::new();
    quiet.append("mail.log_current", &entry("UTC", 20));
    let file = std::fs::File::options().append(true).open(quiet.log("mail.log_current")).expect("opened");
    let yesterday = Clock::host()() - Duration::from_hours(20);
    file.set_modified(yesterday).expect("set");
    let (status, text) = check(&quiet, &zone);
    assert!(status == 0 && !text.contains("is mta.timezone right"), "{text}");
}

/// As in a container that has nothing but the program.
#[test]
fn a_host_without_a_time_zone_is_said() {
    if !available("unshare") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", &entry("UTC", 0));
    // A mount of its own hides /etc from the program alone.
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", "mount -t tmpfs none /etc && exec \"$@\"", "sh", PROGRAM]);
    install.arguments(&mut command);
    command.env_remove("TZ");
    let mut service = Service::start(command);
    service.wait_for_log("neither TZ nor /etc/localtime tells a time zone");
    service.wait_for_sample(KNOWN, 0.0);
    assert!(service.get("/").1.contains("neither TZ nor /etc/localtime tells a time zone"));
}

#[test]
fn a_time_zone_that_is_not_known_is_said_everywhere() {
    for (variable, known) in [("Bogus/Zone", 0.0), ("/no/such/zone", 0.0), ("Europe/Berlin", 1.0), ("", 1.0)]
    {
        let install = Install::new();
        install.append("mail.log_current", &entry("UTC", 0));
        let said = format!("TZ is \"{variable}\", which is no time zone known here");
        let mut service = start(&install, &[("TZ", variable)]);
        service.wait_for_sample(KNOWN, known);
        let (status, text) = check(&install, &[("TZ", variable)]);
        let unknown = known < 0.5;
        if unknown {
            service.wait_for_log(&said);
        }
        assert_eq!(service.heard().contains("no time zone"), unknown, "{}", service.heard());
        assert_eq!(service.get("/").1.contains("which is no time zone known here"), unknown, "{variable}");
        assert_eq!(text.contains(&said), unknown, "{text}");
        assert_eq!(text.contains("PROBLEM time zone"), unknown, "{text}");
        assert!(!unknown || status == 1, "{text}");
        // What the configuration says needs no other.
        let zone = ("IMSIMTA_EXPORTER__MTA__TIMEZONE", "UTC");
        let (status, text) = check(&install, &[("TZ", variable), zone]);
        assert!(status == 0 && text.contains("ok time zone UTC, as configured"), "{text}");
    }
}

/// Seconds since 1970 that the clock of the next test shows.
static SHOWN: AtomicI64 = AtomicI64::new(0);

fn shown() -> SystemTime {
    let seconds = SHOWN.load(Ordering::Relaxed);
    let since = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { SystemTime::UNIX_EPOCH - since } else { SystemTime::UNIX_EPOCH + since }
}

/// Runs the program in the test, by that clock, and asks it for pages while it runs.
fn serve_by_shown_clock(install: &Install, ask: impl FnOnce(&dyn Fn(&str) -> String) + Send) {
    let mut config = Config::default();
    config.mta.root = Some(install.path("root"));
    config.mta.timezone = Some(TimeZone::UTC);
    config.mta.as_root = true;
    config.state.directory = install.path("state");
    config.http.listen = ([127, 0, 0, 1], 0).into();
    let environment = Environment { wall_clock: shown, ..Environment::default() };
    let prepared = app::prepare(config, environment).expect("prepared");
    let address = prepared.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            ask(&|path| request(&address, "GET", path).map(|(_, body)| body).unwrap_or_default());
            drop(stop);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let serve = async { prepared.start()?.serve(async { drop(stopped.await) }).await };
        runtime.block_on(serve).expect("ended well");
    });
}

/// Clocks that no time stamp can show, from before 1970 to the far end.
#[test]
fn a_clock_out_of_all_reason_breaks_nothing() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let now = entry("UTC", 0);
    for (seconds, lines) in
        [(-1_900_000_000, 1.0), (260_000_000_000, 2.0), (1 << 40, 3.0), (1_795_000_000, 4.0)]
    {
        SHOWN.store(seconds, Ordering::Relaxed);
        serve_by_shown_clock(&install, |get| {
            wait_for("the log is followed", DEADLINE, || value_of(&get("/metrics"), LINES));
            install.append("mail.log_current", &now);
            let wanted = || Some(get("/metrics")).filter(|page| value_of(page, LINES) == Some(lines));
            let page = wait_for("the line is counted", DEADLINE, wanted);
            assert_eq!(value_of(&page, "imsimta_exporter_state_save_failures_total"), Some(0.0), "{seconds}");
            assert!(get("/").contains("mail.log_current"), "{seconds}");
        });
    }
}
