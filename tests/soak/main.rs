//! The soak: an MTA that writes all the time and rotates every 3 s, the real program killed at random
//! moments and down for up to three rotations, and a real Prometheus that scrapes it every second
//! through it all. In the end every log-fed series equals what was written, and Prometheus has seen no
//! reset.
//!
//! It is a program of its own since it has to run alone: it takes all of a small machine, and other
//! tests hold the program to its time limits.
//!
//! The short form runs with the other tests. The long form, 5 minutes with 50 kills:
//!
//! ```sh
//! SOAK=long cargo test --release --test soak -- --nocapture
//! ```
//!
//! `SOAK_SEED` repeats the dice of a run, which each run prints; where the kills fall among the writes
//! is up to the scheduler all the same.

mod compare;
mod entries;
mod mta;

/// Shared with the program of all other tests, which uses more of it.
#[path = "../exposition/mod.rs"]
mod exposition;
#[path = "../exposition/log_fed.rs"]
mod log_fed;
#[path = "../e2e"]
mod e2e {
    #[expect(dead_code, reason = "the other program of tests uses the rest")]
    pub mod prometheus;
}
#[path = "../service"]
mod service {
    #[expect(dead_code, reason = "the other program of tests uses the rest")]
    pub mod harness;
}

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::prometheus::{Prometheus, free_address};
use entries::Series;
use fastrand::Rng;
use log_fed::{log_fed, log_fed_names};
use mta::{Mta, Traffic, Truth, float};
use service::harness::{DEADLINE, Install, PROGRAM, Service, available, now, pause};

/// Lines a second. Without optimisation the program reads a fraction of what it does with it, and would
/// spend the time between two kills on catching up alone.
const RATE: u32 = if cfg!(debug_assertions) { 5000 } else { 20_000 };
/// From one rotation to the next.
const ROTATION: Duration = Duration::from_secs(3);
/// The program is down for so long, at most; one time in [`LONG_DOWN`] for three times as long.
const DOWN: Duration = Duration::from_secs(3);
const LONG_DOWN: u8 = 6;
/// Reading what is left when the writing has ended, on a loaded machine.
const CATCH_UP: Duration = Duration::from_mins(5);
/// Until Prometheus shows the last page.
const IN_PROMETHEUS: Duration = Duration::from_mins(1);
/// From one look at a page to the next: more often than Prometheus looks.
const LOOK: Duration = Duration::from_millis(150);
/// A page may be so old: those who ask within a moment share one, which may be of the moment before it was ready.
const PAGE_AGE: Duration = Duration::from_secs(1);
/// Mistakes of one kind that are said; more say no more.
const NOTED: usize = 6;

/// How long, how often, how much.
#[derive(Clone, Copy, Debug)]
struct Plan {
    duration: Duration,
    kills: u32,
    traffic: Traffic,
}

impl Plan {
    fn from_environment() -> Self {
        let (duration, kills) = match std::env::var("SOAK").as_deref() {
            Ok("long") => (Duration::from_mins(5), 50),
            Ok(other) => panic!("SOAK={other}: there is only SOAK=long"),
            Err(_) => (Duration::from_mins(1), 10),
        };
        let seed = std::env::var("SOAK_SEED")
            .map_or_else(|_| fastrand::u64(..1_000_000), |seed| seed.parse().expect("SOAK_SEED is a number"));
        let traffic = Traffic { seed, rate: RATE, rotation: ROTATION };
        Self { duration, kills, traffic }
    }
}

fn say(words: &str) {
    drop(writeln!(std::io::stderr(), "soak: {words}"));
}

#[test]
fn nothing_is_lost_and_nothing_counts_twice() {
    let plan = Plan::from_environment();
    say(&format!("{plan:?}"));
    let install = Install::new();
    let program = Program::new(&install);
    let prometheus = available("prometheus").then(|| start_prometheus(&install, &program.address));
    for log in entries::Log::ALL {
        install.append(&format!("{}_current", log.name()), "");
    }
    let mut soak =
        Soak { program, plan, shown: Series::new(), mistakes: Vec::new(), looks: [0; 2], ready_since: None };
    let service = soak.first_start();
    let mta = Mta::start(&install.path("root/data/log"), plan.traffic);
    let service = soak.kill_at_random_moments(service);
    let truth = mta.stop();
    say(&format!(
        "{} lines, {:.0} a second, {} rotations, {} kills, series on {} of {} pages",
        truth.lines,
        float(truth.lines) / truth.took.as_secs_f64(),
        truth.rotations,
        plan.kills,
        soak.looks[1],
        soak.looks[0]
    ));
    soak.check_the_end(&service, &truth);
    if let Some(prometheus) = prometheus {
        soak.check_prometheus(&prometheus, &truth);
    }
    assert!(soak.mistakes.is_empty(), "{plan:?}:\n{}", soak.mistakes.join("\n"));
}

/// The program's command line: the address stays, so that Prometheus scrapes one target.
struct Program {
    address: String,
    root: std::path::PathBuf,
    state: std::path::PathBuf,
}

impl Program {
    fn new(install: &Install) -> Self {
        // No connection on its way out takes this port meanwhile: those begin at 127.0.0.1.
        let address = free_address("127.83.79.65");
        Self { address, root: install.path("root"), state: install.path("state") }
    }

    fn start(&self) -> Service {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--listen", &self.address]).arg("--root").arg(&self.root);
        command.arg("--state-dir").arg(&self.state);
        command.env("IMSIMTA_EXPORTER__MTA__AS_ROOT", "true");
        command.env("IMSIMTA_EXPORTER__STATE__INTERVAL", "1s").env("IMSIMTA_EXPORTER__MTA__TIMEZONE", "UTC");
        Service::start(command)
    }
}

fn start_prometheus(install: &Install, target: &str) -> Prometheus {
    let configuration = install.path("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs: [{{job_name: soak, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(&configuration, text).expect("written");
    Prometheus::start(&configuration, &install.path("prometheus"), &[])
}

struct Soak {
    program: Program,
    plan: Plan,
    /// What the last page showed, of all runs.
    shown: Series,
    mistakes: Vec<String>,
    /// Pages looked at, and those of them with log-fed series.
    looks: [u32; 2],
    /// Since when a run has been ready.
    ready_since: Option<(u32, Instant)>,
}

impl Soak {
    /// The first start reads nothing; from its first state on nothing may be lost.
    fn first_start(&mut self) -> Service {
        let service = self.program.start();
        service.wait_for_sample("imsimta_exporter_ready", 1.0);
        service
    }

    /// Kills and restarts until the time is over; the last run goes on.
    fn kill_at_random_moments(&mut self, mut service: Service) -> Service {
        let mut rng = Rng::with_seed(self.plan.traffic.seed);
        let started = now();
        let period = self.plan.duration / (self.plan.kills + 1);
        for kill in 1..=self.plan.kills {
            let longest = if rng.u8(..LONG_DOWN) == 0 { DOWN * 3 } else { DOWN };
            let down = longest.mul_f64(rng.f64());
            // Kills come on average once a period, wherever in it.
            let at = started + period * (kill - 1) + period.mul_f64(rng.f64());
            self.look_until(&service, kill, at);
            service.kill();
            let again = now() + down;
            while now() < again {
                pause();
            }
            service = self.program.start();
        }
        self.look_until(&service, self.plan.kills + 1, started + self.plan.duration);
        service
    }

    /// Looks now and then, and once more at the end.
    fn look_until(&mut self, service: &Service, run: u32, end: Instant) {
        let mut next = now();
        while now() < end {
            if now() >= next {
                self.look(service, run);
                next = now() + LOOK;
            }
            pause();
        }
        self.look(service, run);
    }

    /// Takes down the first few mistakes of a kind.
    fn note(&mut self, place: &str, found: Vec<String>) {
        let more = found.len().saturating_sub(NOTED);
        self.mistakes.extend(found.into_iter().take(NOTED).map(|mistake| format!("{place}: {mistake}")));
        if more > 0 {
            self.mistakes.push(format!("{place}: and {more} more"));
        }
    }

    /// One page: nothing from the logs before they have been caught up with, and nothing less than
    /// before after that.
    fn look(&mut self, service: &Service, run: u32) {
        let (ready, _) = service.get("/-/ready");
        let page = log_fed(&service.page());
        self.looks[0] += 1;
        let known = self.ready_since.filter(|&(of, _)| of == run);
        self.ready_since = ready.contains(" 200 ").then(|| known.unwrap_or((run, now())));
        if page.is_empty() {
            if self.ready_since.is_some_and(|(_, since)| now() - since > PAGE_AGE) {
                self.mistakes.push(format!("run {run}: ready, but without log-fed series"));
            }
            return;
        }
        self.looks[1] += 1;
        self.note(&format!("run {run}"), compare::steps_back(&self.shown, &page));
        self.shown = page;
    }

    fn check_the_end(&mut self, service: &Service, truth: &Truth) {
        let lines = |page: &Series| {
            let lines = page.iter().filter(|(series, _)| series.starts_with("imsimta_log_lines_total{"));
            lines.map(|(_, lines)| lines).sum::<f64>()
        };
        let (mut changed, end) = (now(), now() + CATCH_UP);
        // Lines that are lost never come: that nothing moves any more is an end, too.
        while lines(&self.shown) < float(truth.lines) && now() < end && now() < changed + DEADLINE {
            pause();
            let page = log_fed(&service.page());
            if page != self.shown {
                (self.shown, changed) = (page, now());
            }
        }
        let differences = compare::differences(&self.shown, &truth.series);
        self.note("in the end", differences);
    }

    /// The last sample of every series is the truth, and none was ever reset.
    fn check_prometheus(&mut self, prometheus: &Prometheus, truth: &Truth) {
        let names = log_fed_names();
        let query = format!(r#"{{__name__=~"{}",job="soak"}}"#, names.join("|"));
        let end = now() + IN_PROMETHEUS;
        let mut last = Series::new();
        while !compare::differences(&last, &truth.series).is_empty() && now() < end {
            pause();
            last = prometheus.ask(&query).map(|answer| compare::of_answer(&answer)).unwrap_or(last);
        }
        self.note("Prometheus", compare::differences(&last, &truth.series));
        let range = (truth.took + CATCH_UP + IN_PROMETHEUS).as_secs();
        let (mut seen, mut found) = (0, Vec::new());
        for name in names {
            let query = format!(r#"resets({name}{{job="soak"}}[{range}s])"#);
            for (labels, resets) in compare::of_answer(&prometheus.ask(&query).expect("an answer")) {
                seen += 1;
                if resets != 0.0 {
                    found.push(format!("{resets} resets of {name}{labels}"));
                }
            }
        }
        if seen != last.len() {
            found.push(format!("resets of {seen} series, but {} series", last.len()));
        }
        self.note("Prometheus", found);
    }
}
