//! Demos, Prometheus and Alertmanager as processes that end with the test.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::wait_for;
use super::webhook::Webhook;
use crate::service::harness::{DEADLINE, PROGRAM, now, request};

/// What Debian calls the program `alertmanager`.
pub const ALERTMANAGER: &str = "prometheus-alertmanager";

/// A process that is stopped, and then killed, when the test ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
        }
        let end = now() + Duration::from_secs(5);
        while now() < end && matches!(self.0.try_wait(), Ok(None)) {
            crate::service::harness::pause();
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A demo that serves.
pub struct Demo {
    _process: Process,
    pub address: String,
}

impl Demo {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let printed = BufReader::new(child.stdout.take().expect("piped"));
        let process = Process(child);
        let mut lines = printed.lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.split_once("http://").map(|(_, url)| url.to_owned()));
        let url = url.expect("the demo prints where it serves");
        let address = url.split('/').next().expect("an address").to_owned();
        // The rest is read, so that the pipe never fills.
        std::thread::spawn(move || lines.for_each(drop));
        Self { _process: process, address }
    }

    /// When failures with a reason that is rare without the incident begin to come in numbers.
    #[track_caller]
    pub fn first_failure(&self, reason: &str) -> Instant {
        let wanted = format!(r#"outcome="deferred",reason="{reason}""#);
        let failures = || {
            let page = get(&self.address, "/metrics");
            let samples = page.lines().filter(|line| line.contains(&wanted));
            samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>()
        };
        let before = failures();
        wait_for("the incident begins", Duration::from_mins(3), || (failures() > before).then(now))
    }
}

/// Prometheus, Alertmanager, and the receiver behind them.
pub struct Chain {
    _directory: TempDir,
    _prometheus: Process,
    _alertmanager: Process,
    prometheus_address: String,
    pub webhook: Webhook,
}

impl Chain {
    pub fn start(demos: &[&Demo]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (prometheus, alertmanager) = (free_address(), free_address());
        let webhook = Webhook::start();
        let targets: Vec<&str> = demos.iter().map(|demo| demo.address.as_str()).collect();
        let path = |name: &str| directory.path().join(name);
        copy_rules(&path("rules"));
        copy(
            "alerts/prometheus.example.yml",
            &path("prometheus.yml"),
            &[("localhost:9797", &targets.join(", ")), ("localhost:9093", &alertmanager)],
        );
        copy(
            "alerts/alertmanager.example.yml",
            &path("alertmanager.yml"),
            &[("localhost:9095", &webhook.address.to_string())],
        );
        let argument = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let chain = Self {
            _alertmanager: start(
                ALERTMANAGER,
                &[
                    argument("config.file", &path("alertmanager.yml")),
                    argument("storage.path", &path("alertmanager")),
                    format!("--web.listen-address={alertmanager}"),
                    "--cluster.listen-address=".to_owned(),
                ],
            ),
            _prometheus: start(
                "prometheus",
                &[
                    argument("config.file", &path("prometheus.yml")),
                    argument("storage.tsdb.path", &path("prometheus")),
                    format!("--web.listen-address={prometheus}"),
                ],
            ),
            prometheus_address: prometheus,
            webhook,
            _directory: directory,
        };
        for address in [&chain.prometheus_address, &alertmanager] {
            wait_for(&format!("{address} is ready"), DEADLINE, || {
                Some(get(address, "/-/ready")).filter(|page| !page.is_empty())
            });
        }
        chain
    }

    /// Asks Prometheus until a query has an answer.
    #[track_caller]
    pub fn wait_for_answer(&self, panel: &str, query: &str) {
        let encoded = query.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02X}").expect("a string takes all");
            text
        });
        wait_for(&format!("an answer to {panel}: {query}"), DEADLINE, || {
            let answer = get(&self.prometheus_address, &format!("/api/v1/query?query={encoded}"));
            let answer: Value = serde_json::from_str(&answer).ok()?;
            assert_eq!(answer["status"], "success", "{panel}: {query}: {answer}");
            answer["data"]["result"].as_array().filter(|samples| !samples.is_empty()).map(drop)
        });
    }

    /// Figures for whoever reads the log of the test.
    #[expect(clippy::unused_self, reason = "a chain has run when there are figures")]
    pub fn say(&self, figure: &str) {
        drop(writeln!(std::io::stderr(), "e2e: {figure}"));
    }
}

fn start(program: &str, arguments: &[String]) -> Process {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Process(command.spawn().expect("started"))
}

/// An address that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    listener.local_addr().expect("bound").to_string()
}

fn copy(from: &str, to: &Path, replaced: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
    let mut text = std::fs::read_to_string(path).expect("a shipped file");
    for (old, new) in replaced {
        assert!(text.contains(old), "{from} has {old}");
        text = text.replace(old, new);
    }
    std::fs::write(to, text).expect("written");
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

/// The body of a page; empty when nobody answers.
fn get(address: &str, path: &str) -> String {
    request(address, "GET", path).map(|(_, body)| body).unwrap_or_default()
}
