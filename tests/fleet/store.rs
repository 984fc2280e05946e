//! The store of the fleet, who writes to it and who evaluates its rules: `victoria-metrics`, Prometheus in agent
//! mode, `vmalert`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::chain::copy;
use crate::exposition::sum_of;
use crate::prometheus::{Process, argument, ask, free_address, get, wait_for_ready};
use crate::service::harness::{DEADLINE, wait_for};

/// What Debian calls the programs, all from its packages `victoria-metrics` and `prometheus`.
pub const PROGRAMS: [&str; 3] = ["victoria-metrics", "vmalert", "prometheus"];

/// A `victoria-metrics` that keeps one sample a scrape interval.
pub struct Store {
    pub address: String,
    data: PathBuf,
    process: Option<Process>,
}

impl Store {
    pub fn start(data: PathBuf) -> Self {
        let mut store = Self { address: free_address("127.0.0.1"), data, process: None };
        store.start_again();
        store
    }

    /// Stops it; what was written is kept.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it where it was, with what it has.
    pub fn start_again(&mut self) {
        self.process = Some(Process::start(
            "victoria-metrics",
            &[
                format!("-httpListenAddr={}", self.address),
                format!("-storageDataPath={}", self.data.display()),
                "-dedup.minScrapeInterval=1s".to_owned(),
                // What was written is asked for at once.
                "-search.latencyOffset=1s".to_owned(),
                "-search.disableCache".to_owned(),
            ],
        ));
        wait_for_ready(&self.address);
    }

    /// What a query gives now, by a label.
    pub fn by(&self, label: &str, query: &str) -> BTreeMap<String, f64> {
        self.values(label, query, None)
    }

    /// What a query gives at a time, by a label.
    pub fn at(&self, time: f64, label: &str, query: &str) -> BTreeMap<String, f64> {
        self.values(label, query, Some(time))
    }

    fn values(&self, label: &str, query: &str, time: Option<f64>) -> BTreeMap<String, f64> {
        let samples = ask(&self.address, query, time).unwrap_or_default();
        let sample = |sample: Value| {
            let name = sample["metric"][label].as_str().unwrap_or_default().to_owned();
            Some((name, sample["value"][1].as_str()?.parse().ok()?))
        };
        samples.into_iter().filter_map(sample).collect()
    }

    /// The one value that a query gives now.
    pub fn value(&self, query: &str) -> Option<f64> {
        self.by("", query).into_values().next()
    }

    /// The time for which it answers now.
    pub fn now(&self) -> f64 {
        self.value("time()").expect("the time")
    }

    /// The times of all samples of the one series of a selector with a range.
    pub fn times(&self, time: f64, selector: &str) -> Vec<f64> {
        let series = ask(&self.address, selector, Some(time)).expect("an answer");
        assert_eq!(series.len(), 1, "series of {selector}");
        let values = series[0]["values"].as_array().expect("samples");
        values.iter().filter_map(|sample| sample[0].as_f64()).collect()
    }

    /// How many samples it has left out, since there was one of the same interval.
    pub fn left_out(&self) -> f64 {
        // Its page is none that the strict reader of ours takes.
        let page = get(&self.address, "/metrics");
        let lines = page.lines().filter(|line| line.starts_with("vm_deduplicated_samples_total{"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// A Prometheus in agent mode.
pub struct Agent {
    address: String,
    _process: Process,
}

impl Agent {
    /// Starts it, with what an earlier one left in the directory.
    pub fn start(configuration: &Path, data: &Path) -> Self {
        let address = free_address("127.0.0.1");
        let process = Process::start(
            "prometheus",
            &[
                "--enable-feature=agent".to_owned(),
                argument("config.file", configuration),
                argument("storage.agent.path", data),
                format!("--web.listen-address={address}"),
            ],
        );
        Self { address, _process: process }
    }

    /// How many samples it had to send again so far.
    pub fn retried(&self) -> f64 {
        self.own("prometheus_remote_storage_samples_retried_total")
    }

    /// How often it has scraped one of its targets so far.
    pub fn scrapes(&self) -> f64 {
        self.own("prometheus_target_interval_length_seconds_count")
    }

    fn own(&self, name: &str) -> f64 {
        sum_of(&get(&self.address, "/metrics"), name, &[]).unwrap_or(0.0)
    }

    /// Waits until the store has taken something of it.
    pub fn wait_until_it_sends(&self) {
        let sent = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds";
        wait_for("the agent sends", DEADLINE, || (self.own(sent) > 0.0).then_some(()));
    }
}

/// Evaluates the shipped rules of the fleet in the store, once a second.
pub fn start_rules(store: &Store, directory: &Path) -> Process {
    let rules = directory.join("fleet.rules.yml");
    copy("alerts/rules/fleet.rules.yml", &rules, &[("interval: 30s", "interval: 1s")]);
    let url = format!("http://{}", store.address);
    Process::start(
        "vmalert",
        &[
            format!("-rule={}", rules.display()),
            format!("-datasource.url={url}"),
            format!("-remoteWrite.url={url}"),
            "-remoteWrite.flushInterval=1s".to_owned(),
            // It wants one, though these rules alert of nothing.
            format!("-notifier.url={url}"),
            format!("-httpListenAddr={}", free_address("127.0.0.1")),
        ],
    )
}
