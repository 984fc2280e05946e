//! Two hosts whose clock is two hours ahead, as one in local time is until it is set. Meanwhile one domain fails.
//! Then the clock is set, on one host while the exporter runs, on the other while it does not, and all domains
//! fail: the page that is held back for a single dead domain has to come.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use imsimta_exporter::app::{self, Environment};
use imsimta_exporter::config::Config;
use imsimta_exporter::observed::{Clock, WallClock};
use tokio::sync::oneshot;

use crate::chain::{ALERTMANAGER, Chain};
use crate::prometheus::get;
use crate::service::harness::{DEADLINE, Install, available, now, pause, value_of, wait_for};
use crate::{PAGED_WITHIN, SPIKE};

const LOG: &str = "mail.log_current";
const AHEAD: Duration = Duration::from_hours(2);
const RATIO: &str = r#"imsimta_delivery_top_domain_failure_ratio{channel="tcp_local"}"#;
/// Between two failures of a host.
const PAUSE: Duration = Duration::from_millis(100);

/// Seconds that the hosts' clocks are ahead.
static RUNNING: AtomicU64 = AtomicU64::new(0);
static RESTARTED: AtomicU64 = AtomicU64::new(0);

fn running() -> SystemTime {
    Clock::host()() + Duration::from_secs(RUNNING.load(Ordering::Relaxed))
}

fn restarted() -> SystemTime {
    Clock::host()() + Duration::from_secs(RESTARTED.load(Ordering::Relaxed))
}

/// A host with its own clock, whose MTA and exporter go by that.
struct Host {
    install: Install,
    clock: WallClock,
    exporter: Exporter,
}

/// An exporter on a thread of the test.
struct Exporter {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Exporter {
    fn start(install: &Install, clock: WallClock) -> Self {
        let mut config = Config::default();
        config.mta.root = Some(install.path("root"));
        config.mta.timezone = Some(jiff::tz::TimeZone::UTC);
        // Where the tests run as root, the tree is root's, and there is nobody else to become.
        config.mta.as_root = true;
        config.state.directory = install.path("state");
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let environment = Environment { wall_clock: clock, ..Environment::default() };
        let prepared = app::prepare(config, environment).expect("prepared");
        let address = prepared.address();
        let (stop, stopped) = oneshot::channel();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let serve = async { prepared.start()?.serve(async { drop(stopped.await) }).await };
            runtime.expect("a runtime").block_on(serve).expect("ended well");
        });
        Self { address, stop, ended }
    }

    /// Ends it, and with it the last save.
    fn end(self) {
        drop(self.stop);
        self.ended.join().expect("no panic");
    }
}

impl Host {
    fn start(clock: WallClock) -> Self {
        let install = Install::new();
        install.append(LOG, "");
        let exporter = Exporter::start(&install, clock);
        Self { install, clock, exporter }
    }

    /// The same with another exporter, which goes on from what the first has saved.
    fn started_again(self, between: impl FnOnce()) -> Self {
        let Self { install, clock, exporter } = self;
        exporter.end();
        between();
        let exporter = Exporter::start(&install, clock);
        Self { install, clock, exporter }
    }

    fn address(&self) -> String {
        self.exporter.address.to_string()
    }

    /// An attempt to deliver to a domain: D when it succeeds, Q when not.
    fn attempt(&self, code: char, domain: &str) {
        let time = jiff::Timestamp::try_from((self.clock)()).expect("in range");
        let time = time.strftime("%d-%b-%Y %H:%M:%S.00");
        let reply = if code == 'D' { "250 ok" } else { "451 4.4.1 no answer" };
        let entry = format!(
            "{time} tcp_local                 {code} 1 a@b.example rfc822;u@{domain} u@{domain}  {reply}\n"
        );
        self.install.append(LOG, &entry);
    }

    /// Waits until the log is followed, and one domain alone has failed since.
    fn one_domain_fails(&self) {
        let page = || get(&self.address(), "/metrics");
        let followed = r#"imsimta_log_lines_total{log="mail.log_current"}"#;
        wait_for("the log is followed", DEADLINE, || value_of(&page(), followed));
        (0..20).for_each(|_| self.attempt('Q', "dead.example"));
        (0..3).for_each(|number| self.attempt('D', &format!("fine{number}.example")));
        let counted = r#"imsimta_delivery_attempts_total{channel="tcp_local"}"#;
        wait_for("all are counted", DEADLINE, || value_of(&page(), counted).filter(|&count| count >= 23.0));
        assert_eq!(value_of(&page(), RATIO), Some(1.0));
    }
}

#[test]
fn an_outage_after_a_clock_that_was_ahead_pages_in_time() {
    if !available("prometheus") || !available(ALERTMANAGER) {
        return;
    }
    let _turn = crate::turn();
    for ahead in [&RUNNING, &RESTARTED] {
        ahead.store(AHEAD.as_secs(), Ordering::Relaxed);
    }
    let hosts = [running as WallClock, restarted].map(Host::start);
    hosts.iter().for_each(Host::one_domain_fails);
    let [first, second] = hosts;
    RUNNING.store(0, Ordering::Relaxed);
    let hosts = [first, second.started_again(|| RESTARTED.store(0, Ordering::Relaxed))];

    let chain = Chain::start(&hosts.each_ref().map(Host::address).each_ref().map(String::as_str));
    for host in &hosts {
        let query = format!(r#"imsimta_delivery_attempts_total{{instance="{}"}}"#, host.address());
        chain.wait_for_answer("attempts", &query);
    }
    let (began, over) = (now(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| outage(&hosts, &over));
        let _over = SetAtTheEnd(&over);
        for host in &hosts {
            let at = chain.webhook().wait_for("page", SPIKE, &host.address(), "firing") - began;
            let scrapes = chain.scrapes(&host.address());
            assert!(at < PAGED_WITHIN, "paged after {at:?}; scrapes: {scrapes}");
            chain.say(&format!("page after a clock that was ahead: {:.1} s", at.as_secs_f64()));
        }
    });
    for host in hosts {
        host.exporter.end();
    }
}

/// Ends the outage however the test ends.
struct SetAtTheEnd<'a>(&'a AtomicBool);

impl Drop for SetAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Every attempt fails, each to another domain, until it is over.
fn outage(hosts: &[Host], over: &AtomicBool) {
    let mut next = now();
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        for host in hosts {
            host.attempt('Q', &format!("d{number}.example"));
        }
        next += PAUSE;
        while now() < next {
            pause();
        }
    }
}
