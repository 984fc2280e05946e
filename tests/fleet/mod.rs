//! Many hosts in one store, all of it real: three exporters on logs of known content, two Prometheus in agent mode
//! that scrape all of them, a `victoria-metrics` that keeps one sample of two, and the shipped rules of the fleet.
//!
//! What differs from the shipped examples, in copies alone: addresses, and a scrape and an evaluation a second. An agent
//! that is down for a minute at 10 s misses six scrapes; here it misses six in six seconds.

mod host;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;

use crate::chain::copy;
use crate::dashboards::queries::runnable;
use crate::prometheus::Process;
use crate::service::harness::{DEADLINE, available, wait_for};
use host::{Host, Row, Truth};
use store::{Agent, PROGRAMS, Store, start_rules};

/// THE table of hosts. The second one fails three attempts of five.
static HOSTS: [Row; 3] = [
    Row {
        cluster: "mx",
        waiting: 3,
        held: 0,
        batch: Truth { enqueued: 3, attempts: 5, dequeued: 5, connections: 2 },
    },
    Row {
        cluster: "mx",
        waiting: 5,
        held: 2,
        batch: Truth { enqueued: 2, attempts: 5, dequeued: 2, connections: 1 },
    },
    Row {
        cluster: "store",
        waiting: 7,
        held: 0,
        batch: Truth { enqueued: 1, attempts: 2, dequeued: 2, connections: 3 },
    },
];
const FAILING: usize = 1;
/// So many are scraped in one round.
const TARGETS: f64 = 3.0;
/// A counter, and what it has to be of a host.
type Counter = (&'static str, fn(&Truth) -> u32);
/// The counters whose truth is known.
const COUNTERS: [Counter; 4] = [
    ("imsimta_enqueued_recipients_total", |truth| truth.enqueued),
    ("imsimta_delivery_attempts_total", |truth| truth.attempts),
    ("imsimta_dequeued_recipients_total", |truth| truth.dequeued),
    ("imsimta_connections_opened_total", |truth| truth.connections),
];
/// Scrapes that an agent misses while it is down for a minute, at the shipped interval.
const MISSED: f64 = 6.0;
/// Seconds between two samples of a host that nobody missed, on a machine that is busy.
const GAP: f64 = 4.0;

struct Fleet {
    hosts: Vec<Host>,
    store: Store,
    _rules: Process,
    agents: [Option<Agent>; 2],
    directory: TempDir,
}

impl Fleet {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let hosts: Vec<Host> =
            HOSTS.iter().enumerate().map(|(number, row)| Host::start(number, row)).collect();
        let store = Store::start(directory.path().join("store"));
        let [mx1, mx2, store1] = [0, 1, 2].map(|number| hosts[number].address.as_str());
        copy(
            "alerts/prometheus-agent.example.yml",
            &directory.path().join("agent.yml"),
            &[
                ("mx1.example.com:9797", mx1),
                ("mx2.example.com:9797", mx2),
                ("store1.example.com:9797", store1),
                ("scrape_interval: 10s", "scrape_interval: 1s"),
                ("scrape_timeout: 5s", "scrape_timeout: 1s"),
                ("victoria.example.com:8428", &store.address),
            ],
        );
        let rules = start_rules(&store, directory.path());
        let mut fleet = Self { hosts, store, _rules: rules, agents: [None, None], directory };
        fleet.agents = [0, 1].map(|number| Some(fleet.spawn_agent(number)));
        fleet.agents.iter().flatten().for_each(Agent::wait_until_it_sends);
        fleet
    }

    /// Starts an agent, which may have run before.
    fn spawn_agent(&self, number: usize) -> Agent {
        let path = |name: &str| self.directory.path().join(name);
        Agent::start(&path("agent.yml"), &path(&format!("agent{number}")))
    }

    /// Starts an agent and waits until the store has taken something of it.
    fn start_agent(&mut self, number: usize) {
        let agent = self.spawn_agent(number);
        self.agents[number].insert(agent).wait_until_it_sends();
    }

    /// Waits for something while all hosts go on writing.
    #[track_caller]
    fn meanwhile<T>(&mut self, what: &str, mut wanted: impl FnMut(&Store) -> Option<T>) -> T {
        wait_for(what, DEADLINE, || {
            self.hosts.iter_mut().for_each(Host::write);
            wanted(&self.store)
        })
    }

    /// Waits until an agent alone would have missed so many scrapes, while all hosts go on writing.
    #[track_caller]
    fn scraped(&mut self, scrapes: f64) {
        let latest = |store: &Store| store.value(r#"min(timestamp(up{job="imsimta"}))"#);
        let from = wait_for("the last scrape", DEADLINE, || latest(&self.store));
        self.meanwhile("the next scrapes", |store| latest(store).filter(|&time| time >= from + scrapes));
    }

    /// Waits until both agents have scraped so often and could not send it, while all hosts go on writing.
    #[track_caller]
    fn scraped_in_vain(&mut self, scrapes: f64) {
        let agents: Vec<&Agent> = self.agents.iter().flatten().collect();
        let rounds = |agent: &&Agent| agent.scrapes() / TARGETS;
        let before: Vec<f64> = agents.iter().map(rounds).collect();
        wait_for("scrapes that cannot be sent", DEADLINE, || {
            self.hosts.iter_mut().for_each(Host::write);
            let mut both = agents.iter().zip(&before);
            both.all(|(agent, before)| agent.retried() > 0.0 && rounds(agent) >= before + scrapes)
                .then_some(())
        });
    }

    /// What the hosts were given, by cluster.
    fn truth(&self, of: impl Fn(&Host) -> u32) -> BTreeMap<String, f64> {
        let mut truth = BTreeMap::new();
        for host in &self.hosts {
            *truth.entry(host.row.cluster.to_owned()).or_default() += f64::from(of(host));
        }
        truth
    }

    /// Nobody writes any more: the sums of the store come to the truth, and to no more than that.
    #[track_caller]
    fn comes_to_the_truth(&self, when: &str) {
        for (counter, of) in COUNTERS {
            let truth = self.truth(|host| of(&host.written));
            self.waits_for(when, &format!("sum by (cluster) ({counter})"), &truth);
        }
    }

    /// Waits until a query gives this of the clusters mx and store.
    #[track_caller]
    fn answers(&self, when: &str, query: &str, [mx, store]: [f64; 2]) {
        self.waits_for(when, query, &BTreeMap::from([("mx".to_owned(), mx), ("store".to_owned(), store)]));
    }

    #[track_caller]
    fn waits_for(&self, when: &str, query: &str, expected: &BTreeMap<String, f64>) {
        wait_for(&format!("{when}: {query} is {expected:?}"), DEADLINE, || {
            (self.store.by("cluster", query) == *expected).then_some(())
        });
    }
}

#[test]
fn sums_of_a_fleet_are_those_of_its_hosts_whoever_is_away() {
    if !PROGRAMS.into_iter().all(available) {
        return;
    }
    let _turn = crate::turn();
    let mut fleet = Fleet::start();
    // A series is born with its first entry, and what comes after that is an increase.
    fleet.hosts.iter_mut().for_each(Host::write);
    fleet.answers(
        "at first",
        r#"count by (cluster) (imsimta_delivery_attempts_total{channel="tcp_local"})"#,
        [2.0, 1.0],
    );
    fleet.comes_to_the_truth("at first");
    fleet.hosts.iter_mut().for_each(|host| host.before = host.written);
    let began = fleet.store.now();
    fleet.scraped(3.0);
    fleet.comes_to_the_truth("with all of them");

    fleet.store.stop();
    fleet.scraped_in_vain(MISSED);
    fleet.store.start_again();
    fleet.comes_to_the_truth("the store was down");

    let up = format!(r#"up{{instance="{}"}}"#, fleet.hosts[FAILING].address);
    fleet.hosts[FAILING].kill_exporter();
    fleet.meanwhile("an exporter is down", |store| store.value(&up).filter(|&up| up < 1.0));
    fleet.answers("one exporter is down", "job_cluster:up:sum", [1.0, 1.0]);
    fleet.hosts[FAILING].start_exporter();
    fleet.meanwhile("it is up again", |store| store.value(&up).filter(|&up| up > 0.0));
    fleet.comes_to_the_truth("one exporter was killed");

    fleet.agents[0] = None;
    fleet.scraped(MISSED);
    fleet.comes_to_the_truth("one agent is down");
    fleet.start_agent(0);
    fleet.agents[1] = None;
    fleet.scraped(3.0);
    fleet.comes_to_the_truth("the other agent is down");

    nothing_is_doubled_or_lost(&fleet, began);
    rules_record_the_truth(&fleet);
    panels_have_answers(&fleet);
}

/// Over all of the run, and in each series.
fn nothing_is_doubled_or_lost(fleet: &Fleet, began: f64) {
    let now = fleet.store.now();
    let range = format!("[{:.0}ms]", (now - began) * 1000.0);
    for (counter, of) in COUNTERS {
        let truth = fleet.truth(|host| of(&host.written) - of(&host.before));
        let query = format!("sum by (cluster) (increase({counter}{range}))");
        assert_eq!(fleet.store.at(now, "cluster", &query), truth, "{query}");
    }
    for host in &fleet.hosts {
        let times = fleet.store.times(now, &format!(r#"up{{instance="{}"}}{range}"#, host.address));
        let intervals: BTreeSet<String> = times.iter().map(|time| format!("{:.0}", time.ceil())).collect();
        assert_eq!(intervals.len(), times.len(), "two samples in one interval: {times:?}");
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        let widest = gaps.fold(times[0] - began, f64::max);
        assert!(widest < GAP, "a gap of {widest} s: {times:?}");
    }
    assert!(fleet.store.left_out() > 0.0, "only one agent ever wrote");
}

/// What the shipped rules say of the hosts as they are.
fn rules_record_the_truth(fleet: &Fleet) {
    for (record, expected) in [
        ("job_cluster:up:count", [2.0, 1.0]),
        ("job_cluster:up:sum", [2.0, 1.0]),
        ("job_cluster:imsimta_mta_active:sum", [2.0, 1.0]),
        ("job_cluster:imsimta_delivery_failing_hosts:count", [1.0, 0.0]),
        ("job_cluster:imsimta_queue_messages:sum", [8.0, 7.0]),
        ("job_cluster:imsimta_queue_held_messages:sum", [2.0, 0.0]),
    ] {
        fleet.answers("the rules", record, expected);
    }
    for (record, expected) in [
        ("job_cluster_instance:imsimta_delivery_failures:topk1_ratio_rate5m", 0.6),
        ("job_cluster_instance:imsimta_queue_messages:topk1", 5.0),
    ] {
        let worst = fleet.store.by("instance", &format!(r#"{record}{{cluster="mx"}}"#));
        let [(instance, value)] = &Vec::from_iter(worst)[..] else { panic!("{record}: one host of mx") };
        assert!(
            *instance == fleet.hosts[FAILING].address && (value - expected).abs() < 1e-9,
            "{record}: {value}"
        );
    }
    // A rate is over the time that a host was seen, of which the rules know a little less than we do.
    for (counter, of) in COUNTERS {
        let record = format!("job_cluster:{}:rate5m", counter.trim_end_matches("_total"));
        let seen = format!("tlast_over_time({counter}[5m]) - tfirst_over_time({counter}[5m])");
        let query = format!("{record} * on (cluster) max by (cluster) ({seen})");
        let truth = fleet.truth(|host| of(&host.written));
        let near =
            |found: Option<&f64>, truth: f64| found.is_some_and(|found| (found / truth - 1.0).abs() < 0.1);
        wait_for(&format!("{query} is about {truth:?}"), DEADLINE, || {
            let found = fleet.store.by("cluster", &query);
            truth.iter().all(|(cluster, &truth)| near(found.get(cluster), truth)).then_some(())
        });
    }
}

/// Every panel of the Fleet dashboard has something to show of a store that is no Prometheus.
fn panels_have_answers(fleet: &Fleet) {
    let queries = runnable(&[("job", "imsimta"), ("__rate_interval", "1m")]);
    let mut of_fleet = queries.iter().filter(|(panel, _)| panel.starts_with("imsimta / Fleet: ")).peekable();
    assert!(of_fleet.peek().is_some(), "no panels of a fleet");
    for (panel, query) in of_fleet {
        wait_for(&format!("an answer to {panel}: {query}"), DEADLINE, || fleet.store.value(query));
    }
}
