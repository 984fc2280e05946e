//! Two Alertmanagers that gossip: people hear once, whichever of the two is told. One of them waits for the other's word.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::prometheus::{Process, argument, free_address, get, wait_for_ready};
use super::site::{ROUTES, Sender, has_alertmanager, post};
use super::webhook::Webhook;
use crate::exposition::value_of;
use crate::service::harness::{DEADLINE, wait_for};

/// How long the second waits before it speaks itself: ages for gossip within a host.
const PATIENCE: &str = "2s";
/// Longer than that, as it has to be: what the second waited with is stale when the first has said the end meanwhile.
const INTERVAL: &str = "group_interval: 4s";
/// Groups of alerts of each, that of the beat among them. Each is looked at once in an interval.
const GROUPS: f64 = 3.0;

struct Pair {
    addresses: [String; 2],
    webhook: Webhook,
    _processes: [Process; 2],
    _directory: TempDir,
}

impl Pair {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let webhook = Webhook::start();
        let routes =
            ROUTES.replace("WEBHOOK", &webhook.address.to_string()).replace("group_interval: 1s", INTERVAL);
        std::fs::write(directory.path().join("alertmanager.yml"), routes).expect("written");
        let free = || [free_address("127.0.0.1"), free_address("127.0.0.1")];
        let (addresses, gossip) = (free(), free());
        let processes = [0, 1].map(|one| {
            let arguments = [
                argument("config.file", &directory.path().join("alertmanager.yml")),
                argument("storage.path", &directory.path().join(one.to_string())),
                format!("--web.listen-address={}", addresses[one]),
                format!("--cluster.listen-address={}", gossip[one]),
                format!("--cluster.peer={}", gossip[1 - one]),
                format!("--cluster.peer-timeout={PATIENCE}"),
                "--cluster.gossip-interval=50ms".to_owned(),
            ];
            Process::start("prometheus-alertmanager", &arguments)
        });
        let pair = Self { addresses, webhook, _processes: processes, _directory: directory };
        for address in &pair.addresses {
            wait_for_ready(address);
            wait_for(&format!("{address} has found the other"), DEADLINE, || {
                let status: Value = serde_json::from_str(&get(address, "/api/v2/status")).ok()?;
                let cluster = &status["cluster"];
                (cluster["status"] == "ready" && cluster["peers"].as_array()?.len() == 2).then_some(())
            });
        }
        pair
    }

    /// Waits until both have asked twice for each group whether the other has told people.
    fn decide(&self) {
        let asked = |address: &String| {
            value_of(&get(address, "/metrics"), "alertmanager_nflog_queries_total").unwrap_or(0.0)
        };
        let before = self.addresses.each_ref().map(asked);
        for (address, before) in self.addresses.iter().zip(before) {
            let enough = || (asked(address) >= before + 2.0 * GROUPS).then_some(());
            wait_for(&format!("{address} decides"), DEADLINE, enough);
        }
    }

    fn said(&self, channel: &str) -> Vec<String> {
        let notices = self.webhook.notices().into_iter();
        notices.filter(|notice| notice.channel == channel).map(|notice| notice.status).collect()
    }

    #[track_caller]
    fn wait_until_said(&self, channels: &[&str], said: &[&str]) {
        for channel in channels {
            wait_for(&format!("{channel}: {said:?}"), DEADLINE, || {
                (self.said(channel) == said).then_some(())
            });
        }
        self.decide();
        for channel in channels {
            assert_eq!(self.said(channel), said, "{channel}");
        }
    }
}

#[test]
fn one_notification_whoever_is_told() {
    if !has_alertmanager() {
        return;
    }
    let pair = Pair::start();
    let urls = pair.addresses.each_ref().map(|address| format!("http://{address}"));
    let sender = Sender::start(&[&urls[0], &urls[1]], "");
    let begun = jiff::Timestamp::now();
    let tell_one = |ends: jiff::Timestamp| {
        post(&pair.addresses[0], "first", begun, ends);
        post(&pair.addresses[1], "second", begun, ends);
    };
    let channels = ["both", "first", "second"];
    sender.fires(&channels[..1]);
    tell_one(begun + Duration::from_mins(5));
    pair.wait_until_said(&channels, &["firing"]);
    sender.fires(&[]);
    tell_one(jiff::Timestamp::now());
    pair.wait_until_said(&channels, &["firing", "resolved"]);
    assert!([0, 1].iter().all(|&one| sender.told(one).problem.is_none()));
}
