//! The sender of this program with alerts that a test decides on, an Alertmanager, and a sender that plays Prometheus.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use imsimta_exporter::aggregate::time::Time;
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::alerting::Alert;
use imsimta_exporter::alerting::telling::SavedTelling;
use imsimta_exporter::config::{Config, Flags, load};
use imsimta_exporter::findings::Severity;
use imsimta_exporter::notify;
use imsimta_exporter::observed::notified::Told;
use imsimta_exporter::observed::{Clock, LogBook, Observed};
use imsimta_exporter::source::install::Install;
use imsimta_exporter::source::timezone::LogZone;
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

use super::prometheus::{Process, argument, get, wait_for_ready};
use super::webhook::Webhook;
use crate::service::harness::{DEADLINE, now, pause, wait_for};

/// How often it is said again that an alert fires.
pub const RESEND: Duration = Duration::from_secs(2);
pub const NAME: &str = "ImsMtaQueueStuck";
pub const INSTANCE: &str = "mx1:9797";

/// This program's part, on a runtime of its own. It ends when this is dropped.
pub struct Sender {
    observed: Arc<Observed>,
    firing: watch::Sender<Arc<[Alert]>>,
    _ends: oneshot::Sender<()>,
}

impl Sender {
    /// With further lines of `[alerting]`.
    pub fn start(alertmanagers: &[&str], more: &str) -> Self {
        let sender = Self::begin(alertmanagers, &[], more);
        sender.fires(&[]);
        sender
    }

    /// After a run that told this and left these firing.
    pub fn start_after(saved: &[SavedTelling], firing: &[&str], more: &str) -> Self {
        let sender = Self::begin(&[], saved, more);
        sender.fires(firing);
        sender
    }

    fn begin(alertmanagers: &[&str], saved: &[SavedTelling], more: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("exporter.toml");
        let text = format!(
            "[alerting]\nalertmanagers = {alertmanagers:?}\nlabels = [\"instance={INSTANCE}\", \"cluster=eu\"]\n{more}\n"
        );
        std::fs::write(&file, text).expect("written");
        let config = load(Some(&file), std::collections::HashMap::new(), Flags::default()).expect("valid");
        let observed = observed(&config, saved);
        let (firing, alerts) = watch::channel(Arc::from([]));
        let (ends, end) = oneshot::channel::<()>();
        let shared = Arc::clone(&observed);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                notify::spawn(&config, &shared, &alerts, RESEND, || ());
                drop(end.await);
            });
        });
        Self { observed, firing, _ends: ends }
    }

    /// From now on just these fire.
    pub fn fires(&self, channels: &[&str]) {
        let since = Time::of(self.observed.clock.unix().millis());
        let alert = |channel: &&str| Alert {
            name: NAME,
            severity: Severity::Critical,
            labels: [("channel", (*channel).to_owned())].into(),
            summary: format!("{channel}: 20 messages wait."),
            description: "Nothing is attempted.".to_owned(),
            since,
        };
        self.firing.send_replace(channels.iter().map(alert).collect());
    }

    /// What receivers were told, as a state has it.
    pub fn saved(&self) -> Vec<SavedTelling> {
        let bytes = rmp_serde::to_vec_named(&self.observed.notified.saved()).expect("saved");
        rmp_serde::from_slice(&bytes).expect("read")
    }

    /// How a receiver fares.
    pub fn told(&self, receiver: usize) -> Told {
        self.observed.notified.receivers()[receiver].told()
    }
}

fn observed(config: &Config, saved: &[SavedTelling]) -> Arc<Observed> {
    let aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
    Arc::new(Observed {
        clock: Clock::start(),
        logs: RwLock::new(LogBook::new(aggregate, false)),
        timezone: LogZone::find(None),
        collected: imsimta_exporter::observed::latest::Readings::default(),
        install: Install::default(),
        limits: (&Config::default().thresholds).into(),
        user: std::sync::OnceLock::default(),
        own: Mutex::default(),
        state: Mutex::default(),
        history: Mutex::default(),
        wakeups: Arc::default(),
        connections: Arc::default(),
        alerts: Mutex::default(),
        lately: Mutex::default(),
        baseline: Mutex::default(),
        notified: notify::receivers(config).after(saved, true),
        usual: Mutex::default(),
        left_behind: std::sync::atomic::AtomicU64::new(0),
    })
}

/// What makes the same alert as this program's, for a channel.
pub fn labels(channel: &str) -> Value {
    json!({"alertname": NAME, "severity": "critical", "job": "imsimta", "instance": INSTANCE, "cluster": "eu",
           "channel": channel})
}

/// A real one, with a webhook behind it, at an address of its own, which it keeps.
pub struct Alertmanager {
    process: Option<Process>,
    pub address: String,
    directory: TempDir,
    web: Option<String>,
    pub webhook: Webhook,
}

/// Every alert is a notification of its own, and is said at once.
pub const ROUTES: &str = "route: {receiver: page, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n\
                      receivers: [{name: page, webhook_configs: [{url: 'http://WEBHOOK/page'}]}]\n";

impl Alertmanager {
    pub fn start() -> Self {
        Self::start_with(None)
    }

    fn prepared() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let webhook = Webhook::start();
        let routes = ROUTES.replace("WEBHOOK", &webhook.address.to_string());
        std::fs::write(directory.path().join("alertmanager.yml"), routes).expect("written");
        let address = super::prometheus::free_address("127.0.0.1");
        Self { process: None, address, directory, webhook, web: None }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn stop(&mut self) {
        self.process = None;
    }

    /// With a file of its web configuration.
    pub fn start_with(web: Option<&str>) -> Self {
        let mut alertmanager = Self::prepared();
        alertmanager.web = web.map(str::to_owned);
        alertmanager.run();
        alertmanager
    }

    pub fn run(&mut self) {
        let path = |name: &str| self.directory.path().join(name);
        let mut arguments = vec![
            argument("config.file", &path("alertmanager.yml")),
            argument("storage.path", &path("data")),
            format!("--web.listen-address={}", self.address),
            "--cluster.listen-address=".to_owned(),
        ];
        arguments.extend(self.web.iter().map(|web| format!("--web.config.file={web}")));
        self.process = Some(Process::start("prometheus-alertmanager", &arguments));
        // One with TLS answers a plain request, too: that it has no TLS.
        wait_for_ready(&self.address);
    }

    /// What it shows of a channel: who spoke last.
    pub fn speaker(&self, channel: &str) -> Option<String> {
        let page = get(&self.address, "/api/v2/alerts");
        let alerts: Vec<Value> = serde_json::from_str(&page).unwrap_or_default();
        let alert = alerts.iter().find(|alert| alert["labels"] == labels(channel))?;
        alert["generatorURL"].as_str().map(str::to_owned)
    }

    /// Waits until somebody, or nobody, is whom it heard of a channel last.
    #[track_caller]
    pub fn wait_for_speaker(&self, channel: &str, speaker: Option<&str>) {
        wait_for(&format!("{channel}: spoken of by {speaker:?}"), DEADLINE, || {
            (self.speaker(channel).as_deref() == speaker).then_some(())
        });
    }

    /// What came to people of a channel, in that order.
    pub fn said(&self, channel: &str) -> Vec<String> {
        let notices = self.webhook.notices().into_iter();
        notices.filter(|notice| notice.channel == channel).map(|notice| notice.status).collect()
    }

    #[track_caller]
    pub fn wait_until_said(&self, channel: &str, said: &[&str]) {
        wait_for(&format!("{channel}: {said:?}"), DEADLINE, || (self.said(channel) == said).then_some(()));
    }
}

/// Another sender of the same alert, as Prometheus is one: it says each time that it is good for four more.
pub struct Another {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
    address: String,
    channel: String,
}

pub const ANOTHER: &str = "http://prometheus.example:9090/graph";
pub const US: &str = "http://mx1:9797/";

impl Another {
    pub fn fires(alertmanager: &Alertmanager, channel: &str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (address, channel) = (alertmanager.address.clone(), channel.to_owned());
        let thread = std::thread::spawn({
            let (over, address, channel) = (Arc::clone(&over), address.clone(), channel.clone());
            move || {
                let (mut next, begun) = (now(), jiff::Timestamp::now());
                while !over.load(Ordering::Relaxed) {
                    if now() >= next {
                        next += RESEND;
                        post(&address, &channel, begun, jiff::Timestamp::now() + RESEND * 4);
                    }
                    pause();
                }
            }
        });
        Self { over, thread: Some(thread), address, channel }
    }

    /// Is gone without another word.
    pub fn dies(mut self) {
        self.ends();
    }

    pub fn resolves(mut self) {
        self.ends();
        let end = jiff::Timestamp::now();
        post(&self.address, &self.channel, end - Duration::from_secs(1), end);
    }

    fn ends(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(std::thread::JoinHandle::join));
    }
}

impl Drop for Another {
    fn drop(&mut self) {
        self.ends();
    }
}

/// What another sender says of a channel.
pub fn post(address: &str, channel: &str, starts: jiff::Timestamp, ends: jiff::Timestamp) {
    let body = json!([{"labels": labels(channel), "annotations": {}, "startsAt": starts.to_string(),
                       "endsAt": ends.to_string(), "generatorURL": ANOTHER}])
    .to_string();
    // It may be away.
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let head = format!(
        "POST /api/v2/alerts HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut answer = String::new();
    let sent = stream.write_all((head + &body).as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    assert!(sent.is_err() || answer.contains(" 200 "), "{answer}");
}

/// Whether there is one.
pub fn has_alertmanager() -> bool {
    crate::service::harness::available("prometheus-alertmanager")
}

/// A file with a text.
pub fn file(directory: &Path, name: &str, text: &[u8]) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("text").to_owned()
}
