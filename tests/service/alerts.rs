//! Alerts of the program's own: how soon they fire, and what a kill leaves of them.

use std::time::Duration;

use serde_json::Value;

use super::harness::{DEADLINE, Install, Service, now, wait_for};

const LOOKED: &str =
    r#"imsimta_alert_state{alertname="ImsMtaDeliveryFailureSpike",channel="",severity="critical"}"#;
const FIRING: &str =
    r#"imsimta_alert_state{alertname="ImsMtaDeliveryFailureSpike",channel="tcp_local",severity="critical"}"#;

/// Attempts of now, each at another domain, that nobody answered.
fn failures(count: usize) -> String {
    failures_at(&jiff::Zoned::now(), "tcp_local", count)
}

fn failures_at(time: &jiff::Zoned, channel: &str, count: usize) -> String {
    let stamp = time.strftime("%d-%b-%Y %H:%M:%S.00").to_string();
    let line = |number: usize| {
        let to = format!("b@d{number}.example");
        format!("{stamp} {channel} Q 1 a@siroe.example rfc822;{to} {to} No route to host\n")
    };
    (0..count).map(line).collect()
}

fn start(install: &Install) -> Service {
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
    Service::start(command)
}

fn firing(service: &Service) -> Vec<Value> {
    let (_, body) = service.get("/api/alerts");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    let alerts = answer["alerts"].as_array().expect("a list").iter();
    alerts.filter(|alert| alert["state"] == "firing").cloned().collect()
}

/// The spike of this host's only channel.
fn spike(service: &Service) -> Option<Value> {
    firing(service).into_iter().find(|alert| alert["alertname"] == "ImsMtaDeliveryFailureSpike")
}

/// The log says it in one second; who is told has as long again for it.
#[test]
fn failures_ring_within_three_seconds_and_a_kill_does_not_end_that() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = start(&install);
    service.wait_for_sample(LOOKED, 0.0);
    install.append("mail.log_current", &failures(40));
    let began = now();
    let alert = wait_for("the spike", DEADLINE, || spike(&service));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(alert["labels"], serde_json::json!({ "channel": "tcp_local" }));
    assert_eq!(alert["runbook"], "/runbooks/ImsMtaDeliveryFailureSpike");
    let why = alert["description"].as_str().expect("words");
    assert!(why.starts_with("40 of 40 attempts failed in "), "{why}");
    assert!(why.contains(": 100 % no_route, 40 domains, none above 3 %."), "{why}");
    assert!(alert["summary"].as_str().expect("words").starts_with("tcp_local: 100 % of attempts failed in "));
    let (_, page) = service.get("/");
    assert!(page.contains("href=\"/runbooks/ImsMtaDeliveryFailureSpike\""), "{page}");
    let (_, text) = service.get("/status.txt");
    assert!(text.contains("\nAlert ImsMtaDeliveryFailureSpike (critical, for "), "{text}");

    let page = service.wait_for("a state with it", |_| saved(&install));
    assert!(page.contains(FIRING), "{page}");
    service.kill();
    // From the first page on, which may come before anybody has looked.
    let service = start(&install);
    let since = &alert["fires_since"];
    for _ in 0..20 {
        let alert = spike(&service).expect("it goes on");
        assert_eq!(&alert["fires_since"], since);
    }
    service.wait_for_sample(FIRING, 2.0);
    assert_eq!(&spike(&service).expect("it goes on")["fires_since"], since);
}

/// Whether the state says that it fires.
fn saved(install: &Install) -> bool {
    let state = std::fs::read(install.path("state").join("state")).unwrap_or_default();
    let text = b"ImsMtaDeliveryFailureSpike";
    state.windows(text.len()).any(|part| part == text)
}

/// What is read late is of its own time: two hours that are read at once are no spike, and one of now is.
#[test]
fn a_backlog_rings_for_nothing() {
    let install = Install::new();
    let then = jiff::Zoned::now().saturating_sub(jiff::SignedDuration::from_hours(2));
    install.append("mail.log_current", "");
    let service = start(&install);
    service.wait_for_sample(LOOKED, 0.0);
    install.append("mail.log_current", &failures_at(&then, "ims-ms", 400));
    service.wait_for_sample(r#"imsimta_log_lines_total{log="mail.log_current"}"#, 400.0);
    install.append("mail.log_current", &failures(40));
    wait_for("the spike", DEADLINE, || spike(&service));
    let channels: Vec<_> = firing(&service).iter().map(|alert| alert["labels"]["channel"].clone()).collect();
    assert_eq!(channels, ["tcp_local"]);
}
