//! Demos, Prometheus and Alertmanager as processes that end with the test.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::prometheus::{Process, Prometheus, argument, free_address, get, wait_for_ready};
use super::scale::settings;
use super::webhook::Webhook;
use crate::exposition::sum_of;
use crate::service::harness::{DEADLINE, PROGRAM, now, run, wait_for};

/// What Debian calls the program `alertmanager`.
pub const ALERTMANAGER: &str = "prometheus-alertmanager";

/// A demo that serves.
pub struct Demo {
    _process: Process,
    pub address: String,
    /// Lines, and when each was printed.
    printed: Receiver<(Instant, String)>,
}

impl Demo {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", arguments)
    }

    /// The same at an address that is known before.
    pub fn start_at(address: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "--listen", address]).args(arguments);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let printed = BufReader::new(child.stdout.take().expect("piped"));
        let process = Process::new(child);
        let mut lines = printed.lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.split_once("http://").map(|(_, url)| url.to_owned()));
        let url = url.expect("the demo prints where it serves");
        let address = url.split('/').next().expect("an address").to_owned();
        let (send, printed) = channel();
        std::thread::spawn(move || lines.try_for_each(|line| send.send((now(), line))));
        Self { _process: process, address, printed }
    }

    /// When the incident begins, or ends.
    #[track_caller]
    pub fn incident(&self, what: &str) -> Instant {
        let is_it = |(at, line): (Instant, String)| {
            (line.starts_with("incident ") && line.ends_with(what)).then_some(at)
        };
        let deadline = Duration::from_mins(30);
        wait_for(&format!("the incident {what}"), deadline, || self.printed.try_recv().ok().and_then(is_it))
    }

    /// When the incident's first failure with a reason is counted. Single ones may come before it.
    #[track_caller]
    pub fn first_failure(&self, reason: &str) -> Instant {
        let deferred = [("outcome", "deferred"), ("reason", reason)];
        let failures = || {
            let page = get(&self.address, "/metrics");
            sum_of(&page, "imsimta_delivery_failures_total", &deferred).unwrap_or(0.0)
        };
        self.incident("begins");
        let before = failures();
        wait_for("its first failure", DEADLINE, || (failures() > before).then(now))
    }
}

/// Prometheus, Alertmanager, and the receiver behind them.
pub struct Chain {
    /// None once it is killed.
    prometheus: Option<Prometheus>,
    told: Told,
}

/// An Alertmanager with the shipped routes, and the receiver behind it.
pub struct Told {
    directory: TempDir,
    /// Where it listens.
    pub address: String,
    _alertmanager: Process,
    pub webhook: Webhook,
}

impl Told {
    /// With all durations divided.
    pub fn scaled(scale: u32) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let address = free_address("127.0.0.1");
        let webhook = Webhook::start();
        let path = |name: &str| directory.path().join(name);
        scaled_copy(
            "alerts/alertmanager.example.yml",
            &path("alertmanager.yml"),
            scale,
            &[("localhost:9095", &webhook.address.to_string())],
        );
        let alertmanager = Process::start(
            ALERTMANAGER,
            &[
                argument("config.file", &path("alertmanager.yml")),
                argument("storage.path", &path("alertmanager")),
                format!("--web.listen-address={address}"),
                "--cluster.listen-address=".to_owned(),
            ],
        );
        Self { directory, address, _alertmanager: alertmanager, webhook }
    }

    /// Waits until it answers.
    pub fn wait_for_ready(&self) {
        wait_for_ready(&self.address);
    }
}

impl Chain {
    /// Scrapes exporters at these addresses, as shipped.
    pub fn start(targets: &[&str]) -> Self {
        Self::scaled(targets, 1, "")
    }

    /// The same with all durations divided, and with settings of a site.
    pub fn scaled(targets: &[&str], scale: u32, site: &str) -> Self {
        let chain = Self::of(Told::scaled(scale), targets, scale, site, &[]);
        chain.told.wait_for_ready();
        chain
    }

    /// The same beside exporters that tell this Alertmanager by themselves. Words are said again as much sooner, too.
    pub fn beside(told: Told, targets: &[&str], scale: u32, site: &str) -> Self {
        let resend = format!("--rules.alert.resend-delay={}s", 60 / scale);
        Self::of(told, targets, scale, site, &[resend])
    }

    fn of(told: Told, targets: &[&str], scale: u32, site: &str, more: &[String]) -> Self {
        let path = |name: &str| told.directory.path().join(name);
        match scale {
            1 => copy_rules(&path("rules")),
            _ => scaled_rules(&path("rules"), scale, site),
        }
        scaled_copy(
            "alerts/prometheus.example.yml",
            &path("prometheus.yml"),
            scale,
            &[("localhost:9797", &targets.join(", ")), ("localhost:9093", &told.address)],
        );
        let prometheus = Prometheus::start(&path("prometheus.yml"), &path("prometheus"), more);
        Self { prometheus: Some(prometheus), told }
    }

    /// Ends Prometheus, which says no word any more.
    pub fn kill_prometheus(&mut self) {
        self.prometheus = None;
    }

    fn ask(&self, query: &str) -> Option<Vec<Value>> {
        self.prometheus.as_ref()?.ask(query)
    }

    /// What its Alertmanager sends.
    pub fn webhook(&self) -> &Webhook {
        &self.told.webhook
    }

    /// Asks Prometheus until a query has an answer, all of which is numbers.
    #[track_caller]
    pub fn wait_for_answer(&self, panel: &str, query: &str) {
        let number = |sample: &Value| sample["value"][1] != "NaN";
        wait_for(&format!("an answer to {panel}: {query}"), DEADLINE, || {
            self.ask(query).filter(|samples| !samples.is_empty() && samples.iter().all(number)).map(drop)
        });
    }

    /// Asks Prometheus until one of these queries has a sample that is as wanted.
    #[track_caller]
    pub fn wait_for_value(&self, what: &str, queries: &[String], wanted: impl Fn(f64) -> bool) {
        let value = |sample: &Value| sample["value"][1].as_str().and_then(|value| value.parse().ok());
        wait_for(what, Duration::from_mins(3), || {
            let mut samples = queries.iter().filter_map(|query| self.ask(query)).flatten();
            samples.any(|sample| value(&sample).is_some_and(&wanted)).then_some(())
        });
    }

    /// The alerts about an exporter that fire now.
    pub fn firing(&self, address: &str) -> BTreeSet<String> {
        let query = format!(r#"ALERTS{{alertstate="firing",instance="{address}"}}"#);
        let alerts = self.ask(&query).expect("Prometheus answers");
        alerts.iter().filter_map(|alert| alert["metric"]["alertname"].as_str().map(str::to_owned)).collect()
    }

    /// When an exporter was scraped in the last two minutes, with what `up` was.
    pub fn scrapes(&self, address: &str) -> String {
        let samples = self.ask(&format!(r#"up{{instance="{address}"}}[2m]"#));
        format!("{samples:?}")
    }

    /// Figures for whoever reads the log of the test.
    #[expect(clippy::unused_self, reason = "a chain has run when there are figures")]
    pub fn say(&self, figure: &str) {
        drop(writeln!(std::io::stderr(), "e2e: {figure}"));
    }
}

/// Copies a shipped file, with texts of it replaced.
pub fn copy(from: &str, to: &Path, replaced: &[(&str, &str)]) {
    scaled_copy(from, to, 1, replaced);
}

/// Where intervals are short, a scrape may take all of one.
const SHIPPED_TIMEOUT: &str = "scrape_timeout: 5s";

fn scaled_copy(from: &str, to: &Path, scale: u32, replaced: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
    let mut text = std::fs::read_to_string(path).expect("a shipped file");
    for (old, new) in replaced {
        assert!(text.contains(old), "{from} has {old}");
        text = text.replace(old, new);
    }
    if scale > 1 {
        text = settings(&text.replace(SHIPPED_TIMEOUT, "scrape_timeout: 10s"), scale);
    }
    std::fs::write(to, text).expect("written");
}

fn scaled_rules(to: &Path, scale: u32, site: &str) {
    let config = to.with_extension("toml");
    std::fs::write(&config, site).expect("written");
    let mut command = Command::new(PROGRAM);
    command.args(["rules", "--scale", &scale.to_string(), "--output"]).arg(to).arg("--config").arg(config);
    let (status, _, errors) = run(&mut command);
    assert_eq!(status, 0, "{errors}");
}

fn copy_rules(to: &Path) {
    std::fs::create_dir(to).expect("made");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/rules");
    for entry in std::fs::read_dir(from).expect("the rules") {
        let path: PathBuf = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a rule file");
        let text = text.replace("keep_firing_for: 10m", "keep_firing_for: 20s");
        std::fs::write(to.join(path.file_name().expect("a name")), text).expect("written");
    }
}
